//! What a run costs: GPU-hours at a price, and the electricity in it.

use serde::Serialize;

use super::exchange::{Exchange, MissingPrice};
use super::owned::OwnedCost;
use super::rent::RentOrBuy;
use crate::catalog::{Catalog, Provenance, Sourced};
use crate::run::RunEstimate;
use crate::spec::{Cluster, Pool};
use crate::units::{HourlyPrice, Money, Range};

/// The cost of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostEstimate {
    /// Price of a GPU-hour that a job holds: given; else what a used one costs its owner, where the file has a `cost` block; else of
    /// the catalogue. Over two pools, the mean of all accelerators. None when nobody knows one.
    pub gpu_hour: Option<Sourced<HourlyPrice>>,
    /// GPU-hours at that price. Electricity is part of it.
    pub total: Option<Money>,
    /// The same for a million tokens.
    pub per_million_tokens: Option<Money>,
    /// The total between the ends of the owner's cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_range: Option<Range<Money>>,
    /// Electricity of the run's nodes alone, at the cluster's tariff. That of what is around them is in the price of a GPU-hour, like the
    /// rest of the site.
    pub electricity: Option<Money>,
    /// The same over the total: over the all-in cost, not the facility's.
    pub electricity_share_of_total: Option<f64>,
    /// What a GPU-hour costs its owner, line by line, where the file has a `cost` block and the run has one pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owned: Option<OwnedCost>,
    /// Renting against owning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rent_or_buy: Option<RentOrBuy>,
    /// Prices that the `cost` block needs and nobody knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingPrice>,
}

impl CostEstimate {
    /// The cost of `run` on so many accelerators of each of its pools.
    #[must_use]
    pub fn new(cluster: &Cluster, pools: &[(&Pool, u64)], catalog: &Catalog, run: &RunEstimate) -> Self {
        let exchange = Exchange { cluster, catalog };
        let mut missing = Vec::new();
        let mut owned: Vec<OwnedCost> = Vec::new();
        if cluster.cost.stated {
            for (pool, _) in pools {
                match OwnedCost::new(cluster, pool, catalog, Some(run.goodput)) {
                    Ok(cost) => owned.push(cost),
                    Err(error) if !missing.contains(&error) => missing.push(error),
                    Err(_) => {}
                }
            }
        }
        let priced = if missing.is_empty() { owned.as_slice() } else { &[] };
        let gpu_hour = mean_price(exchange, pools, priced);
        let total = gpu_hour.as_ref().map(|price| run.gpu_hours * price.value);
        let electricity = cluster.power.tariff.map(|tariff| run.energy * tariff);
        let usd = |money: Money| exchange.usd(money).ok().map(Money::amount);
        let share = match (electricity.and_then(usd), total.and_then(usd)) {
            (Some(electricity), Some(total)) if total > 0.0 => Some(electricity / total),
            _ => None,
        };
        let at_owners_cost = (cluster.gpu_hour.is_none() && !priced.is_empty()).then_some(priced);
        let total_range = at_owners_cost.map(|owned| total_range(pools, owned, run));
        // What only a comparison needs is not missing.
        let owned = if pools.len() == 1 { owned.pop() } else { None };
        let rent_or_buy =
            owned.as_ref().zip(pools.first()).and_then(|(cost, (pool, _))| RentOrBuy::new(exchange, pool, cost).ok());
        Self {
            per_million_tokens: total.map(|total| total * (1e6 / run.tokens.get().max(1.0))),
            total_range,
            total,
            electricity,
            electricity_share_of_total: share,
            gpu_hour,
            owned,
            rent_or_buy,
            missing,
        }
    }
}

/// The price of a pool's hours; of two pools, the mean over all accelerators: in US dollars, unless both have one price.
fn mean_price(exchange: Exchange<'_>, pools: &[(&Pool, u64)], owned: &[OwnedCost]) -> Option<Sourced<HourlyPrice>> {
    let of = |(index, (pool, _)): (usize, &(&Pool, u64))| price(exchange.cluster, pool, owned.get(index));
    let prices: Vec<Sourced<HourlyPrice>> = pools.iter().enumerate().map(of).collect::<Option<_>>()?;
    let first = prices.first()?;
    if prices.iter().all(|price| price.value == first.value) {
        return Some(first.clone());
    }
    let dollars = mean(pools, |index| exchange.usd(prices[index].value.per_unit()).ok().map(Money::amount))?;
    let of = |((pool, gpus), price): (&(&Pool, u64), &Sourced<HourlyPrice>)| {
        format!("{gpus} of `{}` at {} ({})", pool.name, price.value, price.source)
    };
    let sources: Vec<String> = pools.iter().zip(&prices).map(of).collect();
    let worst = prices.iter().map(|price| price.provenance).max().unwrap_or(Provenance::Assumed);
    Some(Sourced::new(HourlyPrice::new(Money::usd(dollars)), worst, format!("mean of {}", sources.join(" and "))))
}

/// A run between the ends of what its owner pays, pool by pool.
fn total_range(pools: &[(&Pool, u64)], owned: &[OwnedCost], run: &RunEstimate) -> Range<Money> {
    let parts = pools.iter().zip(owned).map(|((_, gpus), cost)| {
        let held = run.time.on_gpus(*gpus);
        cost.utilised_gpu_hour.map(|price| held * price)
    });
    // All of it is in US dollars.
    let sum = |a: Money, b: Money| Money::usd(a.amount() + b.amount());
    parts.reduce(|a, b| a.with(b, sum)).unwrap_or(Range::exact(Money::usd(0.0)))
}

/// The price of a GPU-hour of a pool; nothing where none is known.
#[must_use]
pub fn gpu_hour(cluster: &Cluster, pool: &Pool, catalog: &Catalog) -> Option<Sourced<HourlyPrice>> {
    price(cluster, pool, at_owners_cost(cluster, pool, catalog).as_ref())
}

/// The owner's cost, where that is what a GPU-hour costs.
fn at_owners_cost(cluster: &Cluster, pool: &Pool, catalog: &Catalog) -> Option<OwnedCost> {
    let stated = cluster.cost.stated && cluster.gpu_hour.is_none();
    stated.then(|| OwnedCost::new(cluster, pool, catalog, None).ok()).flatten()
}

/// The price of an hour of a GPU that is paid for whether it is used or not, where a share of the hours is used; nothing where none is known.
///
/// An owned one costs its energy in the used hours alone; a price by the hour is paid for every hour.
#[must_use]
pub fn held_gpu_hour(cluster: &Cluster, pool: &Pool, catalog: &Catalog, used: f64) -> Option<Sourced<HourlyPrice>> {
    let owned = at_owners_cost(cluster, pool, catalog);
    let price = price(cluster, pool, owned.as_ref())?;
    let Some(owned) = owned else { return Some(price) };
    let usd = |price: HourlyPrice| price.per_unit().amount();
    let hour = usd(owned.owned_gpu_hour.value) - usd(owned.running_gpu_hour.value) * (1.0 - used);
    let why = format!("owned, {}, energy for the {:.0} % of hours that are used", owned.terms(), used * 100.0);
    Some(Sourced::new(HourlyPrice::new(Money::usd(hour)), price.provenance, why))
}

/// [`gpu_hour`] in US dollars; nothing where no rate of exchange is known.
#[must_use]
pub fn usd_per_gpu_hour(cluster: &Cluster, pool: &Pool, catalog: &Catalog) -> Option<f64> {
    let price = gpu_hour(cluster, pool, catalog)?.value;
    Exchange { cluster, catalog }.usd(price.per_unit()).ok().map(Money::amount)
}

/// The same of a layout's accelerators on several pools: the mean over all of them.
#[must_use]
pub fn mean_usd_per_gpu_hour(cluster: &Cluster, pools: &[(&Pool, u64)], catalog: &Catalog) -> Option<f64> {
    mean(pools, |index| usd_per_gpu_hour(cluster, pools[index].0, catalog))
}

/// The mean over all accelerators of what each pool's has.
fn mean(pools: &[(&Pool, u64)], of: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let (mut sum, mut all) = (0.0, 0);
    for (index, (_, gpus)) in pools.iter().enumerate() {
        sum += of(index)? * *gpus as f64;
        all += gpus;
    }
    Some(sum / all.max(1) as f64)
}

/// As given; else what a used hour costs its owner; else what the accelerator rents for; else what an owned one costs a large cloud.
fn price(cluster: &Cluster, pool: &Pool, owned: Option<&OwnedCost>) -> Option<Sourced<HourlyPrice>> {
    if let Some(price) = cluster.gpu_hour {
        return Some(Sourced::new(price, Provenance::Given, "cluster file, price.gpu-hour"));
    }
    if let Some(owned) = owned {
        let worst = owned.figures.iter().map(|figure| figure.provenance).max().unwrap_or(Provenance::Given);
        let used = owned.utilisation.value;
        return Some(Sourced::new(
            owned.utilised_gpu_hour.value,
            worst,
            format!("owned, {}, {used} of hours used", owned.terms()),
        ));
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
