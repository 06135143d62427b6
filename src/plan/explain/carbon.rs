//! Carbon of a run: by location, by market, and of making the accelerators.

use super::{Derivation, How, on, over_pools};
use crate::plan::Plan;
use crate::run::{Footprint, RunEstimate, YEAR};
use crate::spec::Cluster;
use crate::step::Setup;
use crate::units::{CarbonIntensity, Share};

const KILOWATT_HOUR: f64 = 3.6e6;

pub(super) fn explain(
    carbon: &Footprint,
    (plan, run): (&Plan, &RunEstimate),
    (cluster, setup): (&Cluster, &Setup<'_>),
    energy: &Derivation,
) -> Vec<Derivation> {
    let grid = &cluster.power.carbon;
    let mut out = Vec::new();
    let per_kilowatt_hour = |intensity: CarbonIntensity| intensity.get() * KILOWATT_HOUR;
    let location = carbon.intensity.map(|intensity| {
        if grid.periods.is_empty() {
            return Derivation::given("carbon intensity", per_kilowatt_hour(intensity), "g/kWh", "cluster file, power.carbon");
        }
        let equation = "mean over the hours of the run, or of a year where it has no start: power.carbon-periods";
        Derivation::model("carbon intensity", per_kilowatt_hour(intensity), "g/kWh", equation)
    });
    if let Some((total, intensity)) = carbon.location.zip(location.clone()) {
        out.push(Derivation::new("carbon by location", total.get(), "g", How::Product, vec![energy.clone(), intensity]));
    }
    let residual = grid.residual.map(|residual| {
        Derivation::given("residual intensity", per_kilowatt_hour(residual), "g/kWh", "cluster file, power.residual-carbon")
    });
    if let Some((total, intensity)) = carbon.market.zip(residual.or(location)) {
        let contracted = grid.contracted.unwrap_or_default() * (run.time / YEAR);
        let source = "cluster file, power.contracted, for the share of a year that the run takes";
        let contracted = Derivation::given("contracted", contracted.get() / KILOWATT_HOUR, "kWh", source);
        let over = energy.value - contracted.value;
        let left = Derivation::new("over contracts", over, "kWh", How::Difference, vec![energy.clone(), contracted]);
        let none = Derivation::given("nothing", 0.0, "kWh", "contracts that are not used up save no more");
        let rest = Derivation::new("not contracted", over.max(0.0), "kWh", How::Largest, vec![left, none]);
        out.push(Derivation::new("carbon by market", total.get(), "g", How::Product, vec![rest, intensity]));
    }
    out.push(hardware(carbon, (plan, run), (cluster, setup)));
    out
}

/// Of making the accelerators, pool by pool where there are two.
fn hardware(carbon: &Footprint, (plan, run): (&Plan, &RunEstimate), (cluster, setup): (&Cluster, &Setup<'_>)) -> Derivation {
    // Idle hours are on those that jobs use, where it is known how many these are.
    let used = cluster.cost.given_utilisation();
    let of = |own: &Setup<'_>, name: String, hours: f64, total: f64| {
        let (one, life) = (&own.pool.embodied_carbon, &own.pool.service_life);
        let hours = Derivation::model("GPU-hours held", hours, "GPU-h", "GPUs times the run time");
        let each = Derivation::figure("carbon of making a GPU", one.value.get(), "g", one);
        let all = Derivation::new("making times GPU-hours", each.value * hours.value, "g h", How::Product, vec![each, hours]);
        let life = Derivation::figure("hours of service", life.value.get() / 3600.0, "h", life);
        let used = used.map(|used| Derivation::given("utilisation", used.get(), "", "cluster file, cost.utilisation"));
        Derivation::new(name, total, "g", How::Quotient, [all, life].into_iter().chain(used).collect())
    };
    let name = "carbon of hardware";
    if run.pools.len() < 2 {
        return of(setup, name.to_owned(), run.gpu_hours.get() / 3600.0, carbon.embodied.get());
    }
    over_pools(name, "g", plan, setup, |own, gpus| {
        let held = run.time.on_gpus(gpus as u64);
        let whole = crate::run::carbon::embodied(own.pool.embodied_carbon.value, own.pool.service_life.value, held);
        let made = whole * (1.0 / used.map_or(1.0, Share::get));
        of(own, on(own), held.get() / 3600.0, made.get())
    })
}
