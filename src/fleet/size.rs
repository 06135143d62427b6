//! How many nodes meet all deadlines, and what more of them buy.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use super::cost::FleetCost;
use super::placement::Placement;
use super::{Job, Moment, Outcome, Roster, Site};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Source};
use crate::spec::{Cluster, Portfolio};
use crate::topology::Topology;
use crate::units::Money;

/// Sizes that are tried one by one, below the one that halving found.
const NEIGHBOURS: u32 = 64;
/// Largest cluster that is tried, in nodes.
const MOST: u32 = 1_000_000;

/// A cluster of another size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sized {
    /// Nodes.
    pub nodes: u32,
    /// Deadlines that are missed.
    pub missed: usize,
    /// By how much, all together.
    #[serde(rename = "late_s")]
    pub late: Moment,
    /// Mean time in the queue.
    #[serde(rename = "mean_wait_s")]
    pub wait: f64,
    /// When the last job is done.
    #[serde(rename = "end_s")]
    pub end: Moment,
    /// Share of its GPUs that jobs hold until then.
    pub utilisation: f64,
    /// Jobs that never ran.
    pub never: usize,
    /// Share of the simulations of failures in which all deadlines are met, where there were any.
    pub all_in_time: Option<f64>,
    /// What all its GPUs cost until then.
    pub cost: Option<Money>,
}

impl Sized {
    fn is_enough(&self) -> bool {
        self.missed == 0 && self.never == 0 && self.all_in_time.is_none_or(|share| share >= 0.5)
    }
}

/// One cluster file with other numbers of nodes in its only pool.
pub struct Sizes<'a> {
    source: &'a Arc<Source>,
    catalog: &'a Catalog,
    portfolio: Option<&'a Portfolio>,
    placement: Placement,
    /// Who runs, on every size.
    roster: Roster<'a>,
    /// Simulations of failures, of every size.
    seeds: Range<u64>,
    gpus_per_node: u32,
}

impl<'a> Sizes<'a> {
    /// Sizes of a cluster file.
    ///
    /// # Errors
    /// The cluster has several pools.
    pub fn new(
        (source, catalog): (&'a Arc<Source>, &'a Catalog),
        (portfolio, placement): (Option<&'a Portfolio>, Placement),
        roster: Roster<'a>,
        seeds: Range<u64>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let cluster = Cluster::load(Arc::clone(source), catalog)?;
        let pool = &cluster.pools[0];
        // Says what is wrong with several pools before anything is tried.
        Cluster::load_sized(Arc::clone(source), catalog, pool.nodes)?;
        Ok(Self { source, catalog, portfolio, placement, roster, seeds, gpus_per_node: pool.gpus_per_node })
    }

    /// The jobs on so many nodes; nothing when no such cluster can be built.
    #[must_use]
    pub fn on(&self, nodes: u32) -> Option<Sized> {
        let cluster = Cluster::load_sized(Arc::clone(self.source), self.catalog, nodes).ok()?;
        let topology = Topology::new(&cluster);
        let site = Site::new((&cluster, &topology), self.portfolio, self.placement).ok()?;
        let jobs = self.roster.jobs;
        let outcome = site.schedule(&self.roster);
        let lateness = |outcome: &Outcome| -> Vec<Moment> {
            jobs.iter().zip(&outcome.records).filter_map(|(job, record)| late(job, record.finish)).collect()
        };
        let own = lateness(&outcome);
        let courses = site.courses(&self.roster, self.seeds.clone());
        let met = courses.iter().filter(|outcome| lateness(outcome).is_empty()).count();
        Some(Sized {
            nodes,
            missed: own.len(),
            late: own.into_iter().fold(Moment::ZERO, |sum, late| sum + late),
            wait: outcome.waits(jobs).mean,
            end: outcome.end,
            utilisation: outcome.utilisation(site.all_gpus()),
            never: outcome.records.iter().filter(|record| record.finish.is_none()).count(),
            all_in_time: (!courses.is_empty()).then(|| met as f64 / courses.len() as f64),
            cost: FleetCost::new((&cluster, self.catalog), &site, &outcome).map(|cost| cost.total),
        })
    }

    /// The fewest nodes that meet all deadlines; with failures, in half of the simulations.
    #[must_use]
    pub fn smallest(&self) -> Option<Sized> {
        let widest = self.roster.jobs.iter().map(|job| job.demand.least).max().unwrap_or(1);
        let spares = self.portfolio.map_or(0, |portfolio| portfolio.spares);
        smallest(widest.div_ceil(self.gpus_per_node).saturating_add(spares), |nodes| self.on(nodes))
    }

    /// So many nodes, then with `more`, twice as many and four times as many beside them.
    #[must_use]
    pub fn next(&self, nodes: u32, more: u32) -> Vec<Sized> {
        [0, 1, 2, 4].into_iter().filter_map(|times| self.on(nodes.checked_add(more.checked_mul(times)?)?)).collect()
    }
}

/// By how much a job is late; nothing when it is not. One that is never done is late by all the time there is.
#[must_use]
pub fn late(job: &Job, finish: Option<Moment>) -> Option<Moment> {
    let deadline = job.deadline?;
    match finish {
        Some(finish) => (finish > deadline).then(|| finish.since(deadline)),
        None => Some(Moment::NEVER.since(deadline)),
    }
}

/// The fewest nodes from `least` on that meet all deadlines, as `on` simulates them; nothing when no number that was tried does.
///
/// More nodes need not be better: a schedule may turn out worse for them (Graham 1969). The number is doubled until it is enough and halved
/// in between; then the 64 numbers below it are tried one by one, and the smallest that is enough is taken.
fn smallest(least: u32, on: impl Fn(u32) -> Option<Sized> + Sync) -> Option<Sized> {
    let enough = |nodes: u32| on(nodes).filter(Sized::is_enough);
    let mut low = least.max(1);
    let mut found = enough(low);
    let mut high = low;
    while found.is_none() {
        low = high;
        high = high.checked_mul(2).filter(|nodes| *nodes <= MOST)?;
        found = enough(high);
    }
    while high - low > 1 {
        let between = low + (high - low) / 2;
        match enough(between) {
            Some(better) => (high, found) = (between, Some(better)),
            None => low = between,
        }
    }
    let first = high.saturating_sub(NEIGHBOURS).max(least.max(1));
    (first..high).into_par_iter().find_map_first(enough).or(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(nodes: u32, missed: usize) -> Sized {
        let (late, end) = (Moment::ZERO, Moment::ZERO);
        Sized { nodes, missed, late, wait: 0.0, end, utilisation: 0.0, never: 0, all_in_time: None, cost: None }
    }

    #[test]
    fn the_smallest_is_found_where_more_is_not_always_better() {
        for wanted in [1, 2, 5, 64, 1000] {
            let found = smallest(1, |nodes| Some(sized(nodes, usize::from(nodes < wanted)))).unwrap();
            assert_eq!(found.nodes, wanted);
        }
        // 97 is enough and 98 is not.
        let found = smallest(4, |nodes| Some(sized(nodes, usize::from(nodes < 97 || nodes == 98)))).unwrap();
        assert_eq!(found.nodes, 97);
        assert_eq!(smallest(1, |nodes| Some(sized(nodes, 1))), None);
    }
}
