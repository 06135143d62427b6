//! What a run costs: GPU-hours at an all-in price, and the electricity in it. What a cluster costs: its bill of materials.
//!
//! This room knows `run`, `topology`, `spec` and `catalog`.

pub mod bill;

pub mod budget;
pub mod capital;
pub mod crossover;
pub mod electricity;
pub mod facility;
pub mod growth;
pub mod path;
pub mod subsidy;
pub mod work;

use serde::Serialize;

use crate::catalog::{Catalog, Provenance, Sourced};
use crate::run::RunEstimate;
use crate::spec::{Cluster, Pool};
use crate::units::{Currency, HourlyPrice, Money};

/// The cost of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostEstimate {
    /// All-in price of a GPU-hour: given, or of the catalogue; none when neither knows one.
    pub gpu_hour: Option<Sourced<HourlyPrice>>,
    /// GPU-hours at that price. Electricity is part of it.
    pub total: Option<Money>,
    /// The same for a million tokens.
    pub per_million_tokens: Option<Money>,
    /// Electricity alone, at the cluster's tariff.
    pub electricity: Option<Money>,
    /// Share of electricity in the total: of the all-in cost, not of the facility's.
    pub electricity_share: Option<f64>,
}

impl CostEstimate {
    /// The cost of `run` on a pool of a cluster.
    #[must_use]
    pub fn new(cluster: &Cluster, pool: &Pool, catalog: &Catalog, run: &RunEstimate) -> Self {
        let gpu_hour = gpu_hour(cluster, pool);
        let total = gpu_hour.as_ref().map(|price| run.gpu_hours * price.value);
        let electricity = cluster.power.tariff.map(|tariff| run.energy * tariff);
        let usd = |money: Money| {
            cluster.usd_rate(money.currency(), catalog).map(|rate| money.convert(Currency::USD, rate.value).amount())
        };
        let share = match (electricity.and_then(usd), total.and_then(usd)) {
            (Some(electricity), Some(total)) if total > 0.0 => Some(electricity / total),
            _ => None,
        };
        Self {
            per_million_tokens: total.map(|total| total * (1e6 / run.tokens.get().max(1.0))),
            total,
            electricity,
            electricity_share: share,
            gpu_hour,
        }
    }
}

/// As given; else what the accelerator rents for, else what an owned one costs a large cloud.
fn gpu_hour(cluster: &Cluster, pool: &Pool) -> Option<Sourced<HourlyPrice>> {
    if let Some(price) = cluster.gpu_hour {
        return Some(Sourced::new(price, Provenance::Given, "cluster file, price.gpu-hour"));
    }
    let accelerator = &pool.accelerator;
    let (rate, what) = match (&accelerator.rental, &accelerator.ownership) {
        (Some(rate), _) => (rate, "rented"),
        (None, Some(rate)) => (rate, "owned, large cloud"),
        (None, None) => return None,
    };
    // A price seen somewhere at some date: for this purchase it is an assumption.
    Some(Sourced::new(rate.price, Provenance::Assumed, format!("{what}, {}: {}", rate.date, rate.source)))
}

/// What a GPU-hour of a pool costs, in US dollars; nothing where no price or no rate of exchange is known.
#[must_use]
pub fn usd_per_gpu_hour(cluster: &Cluster, pool: &Pool, catalog: &Catalog) -> Option<f64> {
    let price = gpu_hour(cluster, pool)?.value;
    let money = price.per_unit();
    cluster.usd_rate(money.currency(), catalog).map(|rate| money.amount() * rate.value)
}
