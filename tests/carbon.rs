//! Energy and carbon against the worked numbers of the research on economics, sections 1.4 and 6, and claims E1, E2 and E12.

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::Plan;
use planner::run::carbon::{embodied, mean_intensity};
use planner::run::{Footprint, RunEstimate, YEAR};
use planner::spec::{Cluster, Workload};
use planner::topology::Topology;
use planner::units::{Carbon, CarbonIntensity, EnergyPrice, GpuHours, Seconds, Watts};

fn of<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect(text)
}

fn within(value: f64, wanted: f64, by: f64, what: &str) {
    assert!((value - wanted).abs() <= by, "{what}: {value}, wanted {wanted} within {by}");
}

fn cluster(power: &str) -> Cluster {
    let text = format!("name: site\npools: [{{name: h100, nodes: 1, server: dgx-h100}}]\npower: {{{power}}}\n");
    Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid")
}

fn footprint(cluster: &Cluster, energy: &str, time: Seconds) -> Footprint {
    Footprint::new(&cluster.power.carbon, &[(&cluster.pools[0], time.on_gpus(8))], of(energy), (None, time))
}

/// Claim E1: LLaMA-65B drew 449,839 kWh at the meter, not 409 million; at 0.87 CNY/kWh that is 391,360 CNY, and 173 t at 385 g.
#[test]
fn llama_65b_as_it_should_have_been_computed() {
    let hours: GpuHours = of("1022362 GPU-h");
    let chips = of::<Watts>("400 W") * Seconds::new(hours.get());
    within(chips.get() / 3.6e6, 408_945.0, 0.5, "kWh of the chips");
    within((chips * of::<EnergyPrice>("0.87 CNY/kWh")).amount(), 355_782.0, 0.5, "CNY without the site");
    let meter = chips * 1.1;
    within(meter.get() / 3.6e6, 449_839.0, 0.5, "kWh at the meter");
    within((meter * of::<EnergyPrice>("0.87 CNY/kWh")).amount(), 391_360.0, 0.5, "CNY");
    within((of::<CarbonIntensity>("385 g/kWh") * meter).get() / 1e6, 173.0, 0.5, "t");
}

/// Claim E2: GPT-3 took 3.14e23 FLOP at 24.6 TFLOP/s a V100, 330 W and a PUE of 1.1: 1,287 `MWh`, and 552 tonnes.
#[test]
fn gpt_3_took_1287_megawatt_hours() {
    let seconds = Seconds::new(3.546e6 * 3600.0);
    within(3.14e23 / 24.6e12 / 3.6e9, 3.546, 0.001, "million V100-hours");
    let energy = of::<Watts>("330 W") * seconds * 1.1;
    within(energy.get() / 3.6e9, 1287.0, 0.5, "MWh");
    within((of::<CarbonIntensity>("429 g/kWh") * energy).get() / 1e6, 552.0, 0.5, "t");
}

/// Section 6: an H100 at 1.37 kW and a PUE of 1.2 for a year.
#[test]
fn a_year_of_an_h100_by_grid() {
    let energy = of::<Watts>("1.37 kW") * 1.2 * YEAR;
    for (grid, kilograms) in [("384 g/kWh", 5_534.0), ("28 g/kWh", 404.0), ("525 g/kWh", 7_566.0)] {
        within((of::<CarbonIntensity>(grid) * energy).get() / 1e3, kilograms, 0.6, grid);
    }
    let hour = of::<Watts>("1.37 kW") * 1.2 * of::<Seconds>("1 h");
    within((of::<CarbonIntensity>("384 g/kWh") * hour).get(), 631.0, 0.5, "g a GPU-hour");
    within((of::<CarbonIntensity>("28 g/kWh") * hour).get(), 46.0, 0.5, "g a GPU-hour");
    // Section 1.4: the same at a PUE of 1.25 and 0.08 USD/kWh is 0.137 USD.
    let cost = of::<Watts>("1.37 kW") * 1.25 * of::<Seconds>("1 h") * of::<EnergyPrice>("0.08 USD/kWh");
    within(cost.amount(), 0.137, 0.0005, "USD a GPU-hour");
}

/// Section 6: 164 kg over five years are 3.7 g a GPU-hour, 500 kg with a share of the node 11.4 g: 0.6 to 1.8 % of 631 g, and 7.5
/// to 20 % of the total on a clean grid.
#[test]
fn hardware_is_little_but_on_a_clean_grid() {
    let hourly = |kilograms: f64| embodied(Carbon::new(kilograms * 1e3), 5.0 * YEAR, of("1 GPU-h")).get();
    within(hourly(164.0), 3.7, 0.05, "board");
    within(hourly(500.0), 11.4, 0.05, "with a share of the node");
    within(hourly(164.0) / 631.0 * 100.0, 0.6, 0.05, "%");
    within(hourly(500.0) / 631.0 * 100.0, 1.8, 0.05, "%");
    within(hourly(164.0) / (46.0 + hourly(164.0)) * 100.0, 7.5, 0.1, "%");
    within(hourly(500.0) / (46.0 + hourly(500.0)) * 100.0, 20.0, 0.2, "%");
    assert_eq!(cluster("pue: 1.2").pools[0].embodied_carbon.value, of("164 kg"));
}

#[test]
fn contracts_count_by_market_and_not_by_location() {
    let day = of::<Seconds>("1 day");
    let site = cluster("carbon: 384 g/kWh, contracted: 36525 kWh, residual-carbon: 450 g/kWh");
    let one = footprint(&site, "150 kWh", day);
    within(one.location.expect("known").get(), 384.0 * 150.0, 1e-6, "g by location");
    // 100 kWh a day are contracted.
    within(one.market.expect("contracts").get(), 450.0 * 50.0, 1e-6, "g by market");
    assert_eq!(footprint(&site, "90 kWh", day).market, Some(Carbon::ZERO));
    assert_eq!(footprint(&cluster("carbon: 384 g/kWh"), "90 kWh", day).market, None);
    assert_eq!(footprint(&cluster("pue: 1.2"), "90 kWh", day).location, None);
}

/// A grid with sun from 9 to 17 in summer, and one that gets cleaner (China, 2022 and 2025: claim E12).
#[test]
fn the_intensity_of_a_run_is_that_of_its_hours() {
    let sunny = cluster("carbon: 400 g/kWh, carbon-periods: [{carbon: 100 g/kWh, months: [6, 7], from-hour: 9, to-hour: 17}]");
    let mean = |site: &Cluster, start: Option<&str>, time: &str| {
        mean_intensity(&site.power.carbon, start.map(of), of(time)).expect("known").get() * 3.6e6
    };
    within(mean(&sunny, Some("2026-01-01"), "10 days"), 400.0, 1e-6, "winter");
    within(mean(&sunny, Some("2026-06-01"), "30 days"), 300.0, 1e-6, "summer");
    // The run ends with the twelfth hour of its second day.
    within(mean(&sunny, Some("2026-06-01"), "36 h"), 400.0 - 300.0 * 11.0 / 36.0, 1e-6, "a day and a half");
    within(mean(&sunny, Some("2026-05-31"), "2 days"), 400.0 - 300.0 * 8.0 / 48.0, 1e-6, "over the end of a month");
    within(mean(&sunny, None, "1 day"), 400.0 - 300.0 * 8.0 * 61.0 / (365.0 * 24.0), 1e-6, "a year on average");
    let cleaner = cluster("carbon: 586.8 g/kWh, carbon-periods: [{carbon: 525.3 g/kWh, from: 2025-01-01}]");
    within(mean(&cleaner, Some("2022-06-01"), "30 days"), 586.8, 1e-6, "2022");
    within(mean(&cleaner, Some("2024-12-22"), "20 days"), f64::midpoint(586.8, 525.3), 1e-6, "over the year's end");
    within(mean(&cleaner, None, "1 day"), 525.3, 1e-6, "from the last date on");
    let night = cluster("carbon: 100 g/kWh, carbon-periods: [{carbon: 200 g/kWh, from-hour: 22, to-hour: 6}]");
    within(mean(&night, None, "1 day"), 100.0 + 100.0 * 8.0 / 24.0, 1e-6, "over midnight");
}

fn run(power: &str, start: &str) -> RunEstimate {
    let catalog = Catalog::embedded();
    let cluster = cluster(power);
    let workload = format!(
        "jobs: [{{name: one, model: llama3-8b, tokens: 20B tokens, sequence: 8192, global-batch: 64 sequences, start: {start}}}]\n"
    );
    let workload = Workload::load(Source::new("workload.yaml", workload), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    Plan::new(&cluster, &topology, &workload, &workload.jobs[0], catalog).expect("a plan").run.expect("tokens")
}

#[test]
fn a_run_and_its_year_have_a_footprint() {
    let power = "carbon: 400 g/kWh, carbon-periods: [{carbon: 100 g/kWh, months: [6]}]";
    let (winter, summer) = (run(power, "2026-01-10"), run(power, "2026-06-10"));
    assert!(winter.time < of("15 days"));
    within(winter.carbon.location.expect("known") / summer.carbon.location.expect("known"), 4.0, 1e-9, "winter over summer");
    within(winter.year.energy / (winter.site_power * YEAR), 1.0, 1e-12, "a year's energy");
    within(winter.year.carbon.embodied.get() / 1e3, 8.0 * 164.0 / 5.0, 1e-6, "a year's hardware, kg");
    assert_eq!(winter.energy, summer.energy);
    // Section 6: embodied per GPU-hour = kg / (life x 8766 x utilisation). A year of the nodes has all their hours, idle ones too.
    let used = run("carbon: 400 g/kWh}\ncost: {utilisation: 80 %", "2026-01-10");
    within(used.carbon.embodied / winter.carbon.embodied, 1.25, 1e-9, "over the hours that are used");
    assert_eq!(used.year.carbon.embodied, winter.year.carbon.embodied);
}
