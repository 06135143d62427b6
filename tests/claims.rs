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
//! | 4 racks, flows of air and water, oversubscribed sites, N+1 and 2N, 83,000 GB200 | `bill.rs`, `units/cooling.rs`; all-in power and E5, E6 here |
//! | 5 Young, Daly, first order, MTTI, spares | `goodput.rs`; rates by GPU here |
//! | 6 carbon of a year, of making the hardware, E1, E2, E12 | `carbon.rs` |
//! | 7 every row of the fabric tables, the bill of 127 nodes, addresses, variants | `bill.rs`, `topology/fabric.rs` |
//! | E4 tariffs | `catalog/economics.rs` |
//! | G7 subsidies | `economics/subsidy.rs`, `cost.rs` |
//! | H8, H10, T6, T7 money, power and GPUs | `economics/budget.rs`, `bill.rs` |
//! | H11, T4, T11 work and money | `economics/work.rs`, `cost.rs` |
//! | I1 servers and power of a chat service | `economics/{capital,electricity}.rs`, `bill.rs` |
//! | H1, H2, H3, H4, T3, T8 to T10, T13, T14, G8, I2, I3 | here, `compare.rs` |

use planner::catalog::{Accelerator, Catalog, Server};
use planner::diagnostic::Source;
use planner::economics::bill::Bill;
use planner::economics::work::gpu_hours;
use planner::model::Architecture;
use planner::spec::{Cluster, Computation, Precision, Software};
use planner::step::states::States;
use planner::units::{Bytes, FailureRate, Flop, FlopPerSecond, HourlyPrice, Nodes, TemperatureRise, Watts};

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

/// G8: bytes of a parameter are halved from 16 to 8 bits and again to 4, and so is the time of reading them.
#[test]
fn fewer_bits_are_fewer_bytes() {
    let h100 = Catalog::embedded().accelerator("h100-sxm-80gb").expect("known");
    let parameters = model("llama2-70b").parameters();
    let times = [2.0, 1.0, 0.5].map(|bytes| (Bytes::new(parameters * bytes) / h100.memory_bandwidth).get());
    near(times[0] / times[1], 2.0, 1e-12);
    near(times[0] / times[2], 4.0, 1e-12);
}

/// I2: 30,000 A100 at 30 % MFU serve GPT-3 with 8.0 M tokens a second, 53,000 for each of 13 M users a day.
/// I3: inference takes as much as training after three times the training's tokens: GPT-3's 900 billion, 69 days at 1,000 tokens a user.
#[test]
fn inference_beside_training() {
    let a100 = Catalog::embedded().accelerator("a100-sxm4-80gb").expect("known").peak.bf16.expect("known").get();
    let rate = 30_000.0 * a100 * 0.3 / (2.0 * 175e9);
    near(rate, 8.0e6, 0.01);
    near(rate * 86_400.0 / 13e6, 53_000.0, 0.01);
    // 6 N D = 2 N T at T = 3 D.
    let (training, day) = (300e9, 13e6);
    near(3.0 * training / (day * 1000.0), 69.0, 5e-3);
    near(3.0 * training / (day * 2500.0), 28.0, 0.015);
    // Counted operator by operator, training is three times a forward pass of a token.
    let gpt = model("gpt3-175b");
    near(gpt.flops(2048).model().get() / 2048.0, 6.0 * gpt.parameters(), 0.06);
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
