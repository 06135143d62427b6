//! The Pareto front of time against cost: items that every other one is slower or dearer than.

use std::collections::BTreeMap;

use super::{Price, Record};

/// Whether each item is on the front of its job at its prices.
///
/// Clusters and numbers of nodes are choices, jobs and prices are not: an item is compared with those of the same job at the same
/// prices that are swept over. Items without a cost are on no front.
#[must_use]
pub fn front(records: &[Record]) -> Vec<bool> {
    let mut groups: BTreeMap<Scenario, Vec<(f64, f64, usize)>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        let figures = record.plan().and_then(|plan| plan.run_time_s.zip(plan.cost_usd));
        if let Some((time, cost)) = figures {
            groups.entry(Scenario::of(record)).or_default().push((time, cost, place));
        }
    }
    let mut on = vec![false; records.len()];
    for group in groups.values_mut() {
        group.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut best = (f64::NAN, f64::INFINITY);
        for &(time, cost, place) in group.iter() {
            // Equal in both is no reason to leave either.
            if cost < best.1 || (time, cost) == best {
                on[place] = true;
                best = (time, cost);
            }
        }
    }
    on
}

/// What is compared with each other: a job, at the prices that are swept over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    workload: String,
    job: String,
    prices: [Option<(u64, String)>; 2],
}

impl Scenario {
    /// That of an item.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let key = |price: &Option<Price>| price.as_ref().map(|price| (price.amount.to_bits(), price.currency.clone()));
        Self {
            workload: record.workload.clone(),
            job: record.job.clone(),
            prices: [key(&record.gpu_hour), key(&record.tariff_kwh)],
        }
    }
}
