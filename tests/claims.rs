//! Claims of public forecasts (`public-claims.md`) and worked numbers (`economics.md`) that several rooms compute together, each citing
//! its line.
//!
//! Where the others are:
//!
//! | worked number | test |
//! |---|---|
//! | 1.1 recovery factors, the table of capital, life against electricity, replacement value | `economics/capital.rs`, `cost.rs` |
//! | 1.2 192 switches that are 320, cables and optics of 2,560 USD a GPU | `bill.rs` |
//! | 1.3 a built site at 0.219 USD an hour, colocation at 0.244 to 0.408 | `economics/facility.rs`, `cost.rs` |
//! | 1.4 0.137 USD an hour, demand, ratchet, 1.30 USD/kWh for 65 %, E3 | `economics/electricity.rs`, `cost.rs` |
//! | 1.6 used and good hours, a million tokens, buy against rent, H4, H5 | `cost.rs`, `economics/{work,crossover}.rs` |
//! | 2 decline, Wright's law, price-performance, dated prices, H6 | `economics/path.rs`, `cost.rs` |
//! | 3 growth, phases, orders, G1 to G4, H7, H9 | `economics/{growth,phases}.rs`, `prices.rs` |
//! | 3 staged builds: growing demand, ratchet, contracts paid before they are drawn | `economics/drawn.rs`, `prices.rs` |
//! | 4 racks, flows of air and water, oversubscribed sites, N+1 and 2N, 83,000 GB200 | `bill.rs`, `units/cooling.rs`; all-in power and E5, E6 here |
//! | 5 Young, Daly, first order, MTTI, spares | `goodput.rs`; rates by GPU here |
//! | 6 carbon of a year, of making the hardware, E1, E2, E12 | `carbon.rs` |
//! | 7 every row of the fabric tables, the bill of 127 nodes, addresses, variants | `bill.rs`, `topology/fabric.rs` |
//! | E4 tariffs | `catalog/economics.rs` |
//! | E10 the same hardware in two places | `compare.rs` |
//! | G7 subsidies | `economics/subsidy.rs`, `cost.rs` |
//! | H8, H10, T6, T7 money, power and GPUs | `economics/budget.rs`, `bill.rs` |
//! | H11, T4, T11 work and money | `economics/work.rs`, `cost.rs` |
//! | T1, T2 what a cost is made of | `cost.rs` |
//! | T16 bubbles | `closed_forms.rs` |
//! | I1 servers and power of a chat service | `economics/{capital,electricity}.rs`, `bill.rs` |
//! | E1 its hours, E11, H1, H2, H3, T3, T8 to T10, T12 to T14, G8, G10, I2 to I4, markets (section 6) | here, H3 in `compare.rs` too |
//!
//! Nothing to compute is in E7 to E9, T5, T15, T17, G5, G6, G9, I5 and I6: quotes, policy, forecasts.

use planner::catalog::{Accelerator, Catalog, Server};
use planner::diagnostic::Source;
use planner::economics::bill::Bill;
use planner::economics::growth::Growth;
use planner::economics::work::gpu_hours;
use planner::economics::{OwnedCost, path};
use planner::model::{Architecture, Generation};
use planner::spec::{Cluster, Component, Computation, Precision, PricePath, Software};
use planner::step::states::States;
use planner::units::{
    Bytes, Currency, FailureRate, Flop, FlopPerSecond, GpuHours, HourlyPrice, Money, Nodes, Seconds, TemperatureRise, Tokens,
    Watts,
};

const H100: FlopPerSecond = FlopPerSecond::new(989e12);

#[track_caller]
fn near(is: f64, wanted: f64, part: f64) {
    assert!((is / wanted - 1.0).abs() <= part, "{is}, not {wanted}");
}

fn server(name: &str) -> &'static Server {
    Catalog::embedded().server(name).unwrap_or_else(|| panic!("no {name}"))
}

fn model(name: &str) -> Architecture {
    Architecture::new(Catalog::embedded().model(name).unwrap_or_else(|| panic!("no {name}"))).expect("a model")
}

fn cluster(text: &str) -> Cluster {
    Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// economics.md 4: all-in IT power of a GPU, 1.37 kW of an H100 or H200, 1.71 of a B200, 1.90 of a B300, 1.87 of a GB200, 2.12 of a GB300
/// (`InferenceX`), which is what clusters draw. A bill sums the most that is published of nodes, switches and servers: hardly less, and
/// an eighth more at most. `cost.power-per-gpu` takes a measured one in its place.
#[test]
fn all_in_power_of_a_gpu() {
    let fabric = "fabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n";
    for (server, nodes, told) in [
        ("dgx-h100", 127, 1.37),
        ("dgx-h200", 127, 1.37),
        ("dgx-b200", 127, 1.71),
        ("dgx-b300", 127, 1.90),
        ("gb200-nvl72", 8, 1.87),
    ] {
        let fabric = if server == "dgx-b300" { fabric.replace("qm9700", "q3400") } else { fabric.to_owned() };
        let cluster = cluster(&format!("name: x\npools: [{{name: a, nodes: {nodes}, server: {server}}}]\n{fabric}"));
        let bill = Bill::of(&cluster, Catalog::embedded());
        let over = (bill.it_power / f64::from(bill.gpus)).get() / 1e3 / told;
        assert!((0.95..=1.13).contains(&over), "{server}: {over} times what is told");
    }
    // The power of the GB300's switches is not published: its rack alone is less.
    let rack = server("gb300-nvl72").max_power.expect("known").get() / 72e3 / 2.12;
    assert!((0.85..1.0).contains(&rack), "{rack}");
}

/// E5: H200 keeps H100's power, as a chip and as a box. E6: a box and a rack draw more with each generation, and a FLOP less.
#[test]
fn power_by_chip_box_rack_and_work() {
    let chip = |name: &str| Catalog::embedded().accelerator(name).expect("known").tdp.get();
    let boxed = |name: &str| server(name).max_power.expect("known").get();
    assert_eq!(chip("h100-sxm-80gb"), 700.0);
    assert_eq!(chip("h200-sxm-141gb"), 700.0);
    assert_eq!((boxed("dgx-h100"), boxed("dgx-h200"), boxed("dgx-b200")), (10_200.0, 10_200.0, 14_300.0));
    assert!((120e3..=135e3).contains(&boxed("gb200-nvl72")));
    let work = |server_name: &str| {
        let accelerator = Catalog::embedded().accelerator(&server(server_name).accelerator).expect("known");
        boxed(server_name) / 8.0 / accelerator.peak.bf16.expect("known").get()
    };
    assert!(work("dgx-b200") < work("dgx-h100"));
    // economics.md 4: 10.2 kW need 108 CFM/kW, which is air that gets 29 F warmer.
    let flow = Watts::new(1e3).cooled_by_air(TemperatureRise::new(29.0 * 5.0 / 9.0));
    near(flow.get() / 4.719_474e-4, 108.0, 0.02);
}

/// H1: 4.8 over 3.35 TB/s are 1.43. H2: 141 over 80 GB are 1.76. H3: the arithmetic of the two is the same.
#[test]
fn an_h200_beside_an_h100() {
    let [old, new] = ["h100-sxm-80gb", "h200-sxm-141gb"].map(|name| Catalog::embedded().accelerator(name).expect("known"));
    near(new.memory_bandwidth / old.memory_bandwidth, 1.43, 5e-3);
    near(new.memory / old.memory, 1.76, 5e-3);
    let peak = |of: &Accelerator| of.peak.bf16.expect("known");
    near(peak(new) / peak(old), 1.0, 1e-3);
}

/// T3: 1e15 parameters are 2 PB of bf16 weights and 16 PB of training state: 200,000 GPUs of 80 GB, or 55,556 of 288 GB, for that alone.
/// Trained on 20 tokens a parameter it takes 1.2e32 FLOP, which cost 1.7e14 USD at 2 USD an hour.
#[test]
fn a_model_of_a_thousand_trillion_parameters() {
    let parameters = 1e15;
    let computation = Computation::new(2048, Precision::Bf16, Software::default());
    let states = States::of(&computation, 1, false);
    near(parameters * states.weights, 2e15, 1e-12);
    // The claim counts 16 bytes a parameter, with 16-bit gradients; Megatron-LM's 32-bit ones make it 18.
    let state = Bytes::new(parameters * (states.total() - states.gradients + 2.0));
    near(state.get(), 16e15, 1e-12);
    assert_eq!((state.get() / 80e9).ceil(), 200_000.0);
    assert_eq!((state.get() / 288e9).ceil(), 55_556.0);
    let hours = gpu_hours(Flop::new(6.0 * parameters * 20.0 * parameters), H100, 0.4);
    near((hours * "2 USD/GPU-h".parse::<HourlyPrice>().expect("a price")).amount(), 1.7e14, 0.02);
}

/// T9, T10: work rises with parameters, and with their square at 20 tokens a parameter; not exponentially. The same of the models of a
/// family, whose FLOPs are counted operator by operator.
#[test]
fn work_is_a_power_of_size() {
    let flops = |name: &str| model(name).flops(2048).model().get() / 2048.0;
    let [small, large] = ["gpt3-6.7b", "gpt3-175b"].map(model);
    let parameters = large.parameters() / small.parameters();
    // A token's FLOPs rise like parameters; attention and embedding make it a little less.
    near(flops("gpt3-175b") / flops("gpt3-6.7b"), parameters, 0.06);
    let optimal = |name: &str| flops(name) * 20.0 * model(name).parameters();
    near(optimal("gpt3-175b") / optimal("gpt3-6.7b"), parameters * parameters, 0.06);
}

/// T13: Llama 2 70B is 25 times Phi-2's 2.7 billion parameters: 25.5, or 25.9 of the rounded names.
/// T14: Mixtral 8x7B has 46.7 billion parameters, of which a token meets 12.9; not 7.
#[test]
fn sizes_of_models() {
    near(model("llama2-70b").parameters() / 2.7e9, 25.9, 0.02);
    let mixtral = model("mixtral-8x7b");
    near(mixtral.parameters(), 46.7e9, 0.01);
    near(mixtral.active_parameters(), 12.9e9, 0.03);
}

/// G8, G10: bytes of a parameter are halved from 16 to 8 bits and again to 4, and so is the time of reading them for a token.
#[test]
fn fewer_bits_are_fewer_bytes() {
    let h100 = Catalog::embedded().accelerator("h100-sxm-80gb").expect("known");
    let llama = model("llama2-70b");
    let times = [2.0, 1.0, 0.5].map(|bytes| (Generation::new(&llama, bytes, 2.0).read / h100.memory_bandwidth).get());
    near(times[0] / times[1], 2.0, 1e-12);
    near(times[0] / times[2], 4.0, 1e-12);
}

/// I2: 30,000 A100 at 30 % MFU serve GPT-3 with 8.0 M tokens a second, 53,000 for each of 13 M users a day. What binds is memory: 350 GB
/// of weights on a node of eight leave room for the keys and values of 61,000 tokens, 4.7 MB each.
#[test]
fn a_chat_service() {
    let node = server("dgx-a100");
    let a100 = Catalog::embedded().accelerator(&node.accelerator).expect("known");
    let token = Generation::new(&model("gpt3-175b"), 2.0, 2.0);
    let hours = gpu_hours(token.work, a100.peak.bf16.expect("known"), 0.3);
    let rate = Tokens::new(1.0) / Seconds::new(hours.get() / 30_000.0);
    near(rate.get(), 8.0e6, 0.01);
    near((rate * "1 days".parse::<Seconds>().expect("a time")).get() / 13e6, 53_000.0, 0.01);
    near(token.kept.get(), 4.7e6, 5e-3);
    let room = |each: Bytes| (each * f64::from(node.gpus) - token.resident) / token.kept;
    near(room(Bytes::new(80e9)), 61_000.0, 0.02);
    // The 80 GB of its name are 80 GiB, which hold a sixth more.
    near(room(a100.memory), 71_600.0, 0.01);
}

/// I3: inference takes as much as training after three times the training's tokens: GPT-3's 900 billion, 69 days of 13 M users with 1,000
/// tokens each, 28 with 2,500.
#[test]
fn inference_beside_training() {
    let flops = model("gpt3-175b").flops(2048);
    let (trained, day) = (Tokens::new(300e9), "1 days".parse::<Seconds>().expect("a time"));
    let generated = trained * (flops.model() / flops.forward());
    near(generated.get(), 900e9, 1e-12);
    for (of_a_user, days) in [(1000.0, 69.0), (2500.0, 28.0)] {
        let rate = Tokens::new(13e6 * of_a_user) / day;
        near(generated / rate / day, days, 0.015);
    }
    // 6 N of training, counted operator by operator.
    near(flops.model().get() / 2048.0, 6.0 * model("gpt3-175b").parameters(), 0.06);
}

/// T12: a model of 10^12 parameters at 4 bits is 500 GB; 20 tokens a second take 40 TFLOP/s and 10 TB/s, which no accelerator of the
/// catalogue has beside that memory. I4: one of 2.7 to 7 billion is 1.4 to 3.5 GB.
#[test]
fn what_fits_at_the_edge() {
    let second = Seconds::new(1.0 / 20.0);
    let robot = Generation::new(&model("megatron-gpt-1t"), 0.5, 2.0);
    near(robot.resident.get(), 500e9, 0.01);
    near((robot.work / second).get(), 40e12, 0.01);
    near((robot.read / second).get(), 10e12, 0.01);
    let carries =
        |of: &Accelerator, model: &Generation| of.memory > model.resident && of.memory_bandwidth * second > model.read;
    assert!(!Catalog::embedded().accelerators.iter().any(|a| carries(a, &robot)));
    let small = Generation::new(&model("llama2-7b"), 0.5, 2.0);
    near(small.resident.get(), 3.5e9, 0.04);
    near(small.resident.get() * 2.7 / 7.0, 1.4e9, 0.08);
    assert!(carries(Catalog::embedded().accelerator("rtx-4090").expect("known"), &small));
}

/// E1: 1.4 T tokens at 380 a second and GPU are 1,023,392 GPU-hours; 6 N D of them are 47.7 % of an A100's peak.
#[test]
fn hours_of_llama_65b() {
    let (tokens, rate) = (Tokens::new(1.4e12), Tokens::new(380.0) / Seconds::new(1.0));
    let time = tokens / rate;
    near(time.on_gpus(1).get() / 3600.0, 1_023_392.0, 1e-6);
    let llama = model("llama-65b");
    let work = Flop::new(6.0 * llama.parameters() * tokens.get());
    near(work.get(), 5.48e23, 1e-3);
    let a100 = Catalog::embedded().accelerator("a100-sxm-80gb").expect("known").peak.bf16.expect("known");
    near(work / a100 / time, 0.477, 2e-3);
}

/// E11: electricity is 6 to 11 % of a GPU-hour of an H100 at 1.30 to 2.35 USD, so that halving its price cuts 3 to 6 %.
#[test]
fn cheaper_electricity_moves_a_gpu_hour_little() {
    let hour = |tariff: &str| {
        let cluster = cluster(&format!(
            "name: x\npools: [{{name: a, nodes: 16, server: dgx-h100}}]\n\
             fabric: {{kind: fat-tree, switch: qm9700}}\npower: {{pue: 1.25, tariff: {tariff}}}\n\
             cost: {{capital: 35000 USD/GPU, power-per-gpu: 1.37 kW}}\n"
        ));
        let owned = OwnedCost::new(&cluster, &cluster.pools[0], Catalog::embedded(), None).expect("priced").owned_gpu_hour;
        owned.value.per_unit().amount()
    };
    let (whole, half) = (hour("0.08 USD/kWh"), hour("0.04 USD/kWh"));
    assert!((1.30..2.35).contains(&whole), "{whole}");
    assert!((0.03..0.06).contains(&(1.0 - half / whole)), "{half} of {whole}");
}

/// T8 and economics.md 1.6: `LLaMA-65B` rented for 1.51 M USD, on a cluster that costs 63.9 M, of which it wore off 0.578 M with its energy
/// (Epoch AI). The last takes the worth of A100s two years after they came out, as performance per dollar rose by 38 % a year.
#[test]
fn three_costs_of_one_run() {
    let hours: GpuHours = "1022362 GPU-h".parse().expect("hours");
    let of = |cost: &str| {
        cluster(&format!(
            "name: x\npools: [{{name: a, nodes: 256, server: dgx-a100}}]\nfabric: {{kind: rail-optimized-fat-tree, switch: qm8700}}\n\
             power: {{pue: 1.1, tariff: 0.08 USD/kWh}}\ncost: {{method: replacement{cost}}}\n"
        ))
    };
    let owned = |cluster: &Cluster| OwnedCost::new(cluster, &cluster.pools[0], Catalog::embedded(), None).expect("priced");
    let priced = of("");
    let rental = priced.pools[0].accelerator.rental.as_ref().expect("known");
    let [low, high] = [rental.low, rental.high].map(|price| (hours * price.expect("a range")).amount());
    assert!((low..high).contains(&1.51e6), "{low} to {high}");
    near(owned(&priced).capital_per_gpu.expect("bought").value.per_unit().amount() * 2048.0, 63.9e6, 0.15);
    // At the price of the source.
    let owned = owned(&of(&format!(", capital: {} USD/GPU", 63.9e6 / 2048.0)));
    let line = |component| owned.lines.iter().find(|line| line.component == component).expect("a line").gpu_hour.value;
    let progress = PricePath::Progress("38 %/year".parse().expect("a rate"));
    let worn = path::at(&progress, line(Component::Capital), None, Seconds::YEAR * 2.1);
    near((hours * worn).amount() + (hours * line(Component::Electricity)).amount(), 0.578e6, 0.15);
}

/// public-claims.md 6: growth and shares of markets that were told.
#[test]
fn markets() {
    let over_a_year = |first, last| Growth::implied(first, last, Seconds::YEAR).expect("it grows").per_year();
    let billion_usd =
        |yuan: f64| Money::new(yuan, "CNY".parse::<Currency>().expect("a code")).convert(Currency::USD, 1.0 / 7.1).amount();
    // AI hardware and software, 128.8 to 154.0 billion USD.
    near(over_a_year(128.8, 154.0), 1.1957, 1e-4);
    // Models in China: 2.1 billion USD after +110 %, 10 % of the world; a year later 21.6 billion CNY of 28 billion USD.
    let china = Growth { now: 2.1, doubling: Growth::implied(1.0, 2.1, Seconds::YEAR).expect("it grows").doubling };
    near(china.at(Seconds::YEAR * -1.0), 1.0, 1e-9);
    let next = billion_usd(21.6);
    near(next, 3.04, 2e-3);
    near(over_a_year(2.1, next), 1.45, 2e-3);
    near(over_a_year(2.1 / 0.10, 28.0), 1.33, 5e-3);
    near(next / 28.0, 0.109, 5e-3);
    // All of AI: 799.3 billion CNY of 615.8 billion USD.
    near(billion_usd(799.3), 112.6, 1e-3);
    near(billion_usd(799.3) / 615.8, 0.183, 2e-3);
}

/// economics.md 5: 419 stops in 54 days on 16,384 H100 are one in 50,677 GPU-hours; the 268 of GPUs are 11.1 % a GPU and year.
#[test]
fn failures_by_gpu() {
    let gpu_hours = 16_384.0 * 54.0 * 24.0;
    near(gpu_hours / 419.0, 50_677.0, 1e-4);
    near(268.0 / (gpu_hours / 8766.0), 0.111, 5e-3);
    let rate = FailureRate::per_thousand_node_days(419.0 / (2048.0 * 54.0) * 1000.0);
    near(rate.mean_time(Nodes::new(2048.0)).get() * 16_384.0 / 3600.0, 50_677.0, 1e-4);
}
