//! What moves a step time: other schedules, kernels that do not always take as long.

use rayon::prelude::*;
use serde::Serialize;

use crate::parallel::Strategy;
use crate::spec::ScheduleKind;
use crate::step::graph::Replay;
use crate::step::{Costs, Setup, StepError};
use crate::units::{Bytes, Seconds};

/// One schedule on a job.
#[derive(Debug, Clone, Serialize)]
pub struct ScheduleRow {
    /// The schedule.
    pub schedule: ScheduleKind,
    /// The layout with it.
    pub strategy: Strategy,
    /// How it does, or why it cannot.
    pub outcome: Result<ScheduleOutcome, String>,
}

/// How a schedule does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScheduleOutcome {
    /// Time of a step.
    #[serde(rename = "step_time_s")]
    pub step_time: Seconds,
    /// Waiting of the busiest stage.
    #[serde(rename = "bubble_s")]
    pub bubble: Seconds,
    /// The fullest accelerator.
    #[serde(rename = "memory_bytes")]
    pub memory: Bytes,
    /// Whether that fits.
    pub fits: bool,
}

/// Every schedule, and the job's own order, on the degrees of one layout, fastest first, those that cannot last.
#[must_use]
pub fn schedules(setup: &Setup<'_>, layout: &Strategy) -> Vec<ScheduleRow> {
    let own = setup.order.as_ref().map(|order| order.kind());
    let mut rows: Vec<ScheduleRow> = ScheduleKind::ALL
        .into_iter()
        .chain(own)
        .collect::<Vec<_>>()
        .par_iter()
        .map(|kind| {
            let strategy = with_schedule(setup, layout, *kind);
            ScheduleRow { schedule: *kind, strategy, outcome: outcome(setup, &strategy) }
        })
        .collect();
    let time = |row: &ScheduleRow| row.outcome.as_ref().map_or(f64::INFINITY, |outcome| outcome.step_time.get());
    rows.sort_by(|a, b| time(a).total_cmp(&time(b)).then(a.schedule.cmp(&b.schedule)));
    rows
}

/// The layout with another schedule; looped ones keep its virtual stages, or take the fewest that there are.
fn with_schedule(setup: &Setup<'_>, layout: &Strategy, kind: ScheduleKind) -> Strategy {
    let per_stage = setup.model.layers.div_ceil(layout.pp.max(1));
    let fewest = (2..=per_stage).find(|v| per_stage.is_multiple_of(*v)).unwrap_or(2);
    let vp = match &setup.order {
        Some(order) if order.kind() == kind => order.virtual_stages(),
        _ if !kind.is_looped() => 1,
        _ if layout.vp > 1 => layout.vp,
        _ => fewest,
    };
    Strategy { schedule: kind, vp, ..*layout }
}

fn outcome(setup: &Setup<'_>, strategy: &Strategy) -> Result<ScheduleOutcome, String> {
    if let Some(violation) = setup.violations(strategy).into_iter().next() {
        return Err(violation.message);
    }
    let costs = setup.costs(strategy);
    let estimate = setup.estimate(strategy, &costs).map_err(|error| error.to_string())?;
    Ok(ScheduleOutcome {
        step_time: estimate.step_time,
        bubble: estimate.breakdown.bubble,
        memory: costs.peak_memory(),
        fits: costs.fullest().fits(),
    })
}

/// Step times when turns do not always take as long.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Jitter {
    /// Relative standard deviation of a turn's time.
    pub sigma: f64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Steps drawn.
    pub samples: u32,
    /// Their mean.
    #[serde(rename = "mean_s")]
    pub mean: Seconds,
    /// Percentiles 5, 50, 95 and 99.
    #[serde(rename = "percentiles_s")]
    pub percentiles: [Seconds; 4],
}

/// Draws `samples` steps in which each turn's time varies by `sigma`; the same seed gives the same answer on any number of
/// threads.
///
/// # Errors
/// When the schedule is not legal or deadlocks.
pub fn jitter(costs: &Costs, sigma: f64, seed: u64, samples: u32) -> Result<Jitter, StepError> {
    let schedule = costs.schedule()?;
    let replay = Replay::new(&schedule, costs.pipeline.microbatches);
    replay.checked(&schedule, costs.pipeline.microbatches, &costs.durations)?;
    let mut times: Vec<f64> = (0..u64::from(samples))
        .into_par_iter()
        .filter_map(|sample| {
            replay.jittered(&costs.durations, sigma, seed.wrapping_add(sample.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        })
        .map(|outcome| outcome.step.get())
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        Seconds::new(times.get(((times.len() as f64 - 1.0).max(0.0) * share).round() as usize).copied().unwrap_or(0.0))
    };
    let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
    Ok(Jitter { sigma, seed, samples, mean: Seconds::new(mean), percentiles: [at(0.05), at(0.5), at(0.95), at(0.99)] })
}
