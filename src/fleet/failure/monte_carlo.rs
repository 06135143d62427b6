//! The same portfolio under many courses of failures.

use rayon::prelude::*;
use serde::Serialize;

use super::Process;
use crate::fleet::{Moment, Outcome, Placer, Setting, simulate};

/// Numbers of many simulations, in order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// One in twenty is below.
    pub p5: f64,
    /// Half of them are.
    pub p50: f64,
    /// Nine in ten are.
    pub p90: f64,
    /// 19 of 20 are.
    pub p95: f64,
}

impl Quantiles {
    /// Of these numbers; nothing when there are none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        // Between two neighbours in proportion, as in Hyndman and Fan's type 7.
        let at = |share: f64| {
            let place = share * last as f64;
            let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        Some(Self { p5: at(0.05), p50: at(0.5), p90: at(0.9), p95: at(0.95) })
    }
}

/// What came of a job over many simulations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spread {
    /// Its end, in seconds, of the simulations in which it came to one.
    #[serde(rename = "finish_s")]
    pub finish: Option<Quantiles>,
    /// Share of the simulations in which it was done by its deadline; of a job without one, done at all.
    pub in_time: f64,
    /// Failures that stopped it, in the mean.
    pub failures: f64,
}

/// Simulates once a seed, on all cores. Outcomes are in the order of the seeds, whatever the number of threads.
pub fn monte_carlo<P: Placer>(
    setting: &Setting<'_>,
    placer: &P,
    process: &Process,
    seeds: std::ops::Range<u64>,
) -> Vec<Outcome> {
    let run = |seed: u64| simulate(setting, placer.clone(), &mut process.faults(seed));
    seeds.into_par_iter().map(run).collect()
}

impl Spread {
    /// Of a job with this deadline.
    #[must_use]
    pub fn of(outcomes: &[Outcome], job: usize, deadline: Option<Moment>) -> Self {
        let ends = || outcomes.iter().filter_map(|outcome| outcome.records[job].finish);
        let in_time = ends().filter(|end| deadline.is_none_or(|deadline| *end <= deadline)).count();
        let failures: u32 = outcomes.iter().map(|outcome| outcome.records[job].failures).sum();
        let runs = outcomes.len().max(1) as f64;
        Self {
            finish: Quantiles::of(ends().map(Moment::secs).collect()),
            in_time: in_time as f64 / runs,
            failures: f64::from(failures) / runs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let quantiles = Quantiles::of((0..=20).map(f64::from).collect()).unwrap();
        assert_eq!((quantiles.p5, quantiles.p50, quantiles.p90, quantiles.p95), (1.0, 10.0, 18.0, 19.0));
        assert_eq!(Quantiles::of(vec![3.0, 1.0]).unwrap().p50, 2.0);
        assert_eq!(Quantiles::of(Vec::new()), None);
    }
}
