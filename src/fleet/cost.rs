//! What a schedule's time costs.

use serde::Serialize;

use super::{Outcome, Site};
use crate::catalog::{Catalog, Sourced};
use crate::economics::{Exchange, held_gpu_hour};
use crate::spec::Cluster;
use crate::units::{Currency, HourlyPrice, Money, Seconds};

/// What all GPUs cost until the last job is done, used or not, electricity included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FleetCost {
    /// All of it; in US dollars where pools are paid in several currencies.
    pub total: Money,
    /// What an hour of a GPU costs, by pool.
    pub pools: Vec<PoolHour>,
}

/// What an hour of a GPU of a pool costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolHour {
    /// Name of the pool.
    pub pool: String,
    /// Share of its GPU-hours that jobs hold.
    pub used: f64,
    /// The price of every hour, used or not.
    pub gpu_hour: Sourced<HourlyPrice>,
}

impl FleetCost {
    /// The cost of an outcome; nothing where a pool has no price.
    #[must_use]
    pub fn new((cluster, catalog): (&Cluster, &Catalog), site: &Site, outcome: &Outcome) -> Option<Self> {
        let time = Seconds::from(outcome.end);
        let mut used = vec![0.0; cluster.pools.len()];
        for segment in &outcome.segments {
            for slot in segment.allocation.slots.as_slice() {
                used[site.pool_of(slot.at)] += f64::from(slot.gpus) * segment.length().secs();
            }
        }
        let mut pools = Vec::new();
        let mut parts = Vec::new();
        for (pool, used) in cluster.pools.iter().zip(used) {
            let all = time.on_gpus(u64::from(pool.gpus()));
            let share = if all.get() > 0.0 { used / all.get() } else { 0.0 };
            let gpu_hour = held_gpu_hour(cluster, pool, catalog, share)?;
            parts.push(all * gpu_hour.value);
            pools.push(PoolHour { pool: pool.name.clone(), used: share, gpu_hour });
        }
        let first = parts.first()?.currency();
        if parts.iter().any(|part| part.currency() != first) {
            let exchange = Exchange { cluster, catalog };
            parts = parts.into_iter().map(|part| exchange.usd(part).ok()).collect::<Option<_>>()?;
        }
        let currency = parts.first().map_or(Currency::USD, |part| part.currency());
        let total = Money::new(parts.iter().map(|part| part.amount()).sum(), currency);
        Some(Self { total, pools })
    }
}
