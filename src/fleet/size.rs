//! How many nodes meet all deadlines, and what more of them buy.

use rayon::prelude::*;
use serde::Serialize;

use super::{Job, Moment, Outcome};

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
}

impl Sized {
    /// What came of jobs on `nodes` nodes of `gpus` GPUs together.
    #[must_use]
    pub fn of(jobs: &[Job], outcome: &Outcome, nodes: u32, gpus: u32) -> Self {
        let lateness: Vec<Moment> =
            jobs.iter().zip(&outcome.records).filter_map(|(job, record)| late(job, record.finish)).collect();
        Self {
            nodes,
            missed: lateness.len(),
            late: lateness.into_iter().fold(Moment::ZERO, |sum, late| sum + late),
            wait: outcome.waits(jobs).mean,
            end: outcome.end,
            utilisation: outcome.utilisation(gpus),
            never: outcome.records.iter().filter(|record| record.finish.is_none()).count(),
        }
    }

    fn is_enough(&self) -> bool {
        self.missed == 0 && self.never == 0
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
pub fn smallest(least: u32, on: impl Fn(u32) -> Option<Sized> + Sync) -> Option<Sized> {
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
        Sized { nodes, missed, late: Moment::ZERO, wait: 0.0, end: Moment::ZERO, utilisation: 0.0, never: 0 }
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
