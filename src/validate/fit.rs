//! The constants of training frameworks, fitted to published runs.
//!
//! Coordinate descent from the values in the file: every constant in turn is moved to where the loss over the runs that depend on it
//! is least, within its range, until nothing moves. The loss is Huber's of the logarithm of predicted over measured time, so that a
//! run that is far off for a reason of its own does not pull; all runs of a group (one model, accelerator, class of precision and
//! task) together weigh as much as any other group. Nothing is drawn at random: the same runs give the same constants.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::PublishedRun;
use super::predict::{Case, Predictor};
use crate::calibration::{Calibration, Training};

/// Where the loss turns from quadratic to linear: the spread of what is published twice.
const KNEE: f64 = 0.05;
/// A constant that moves by less than this share of its range has arrived.
const STILL: f64 = 2e-3;
/// What it costs to move a constant over its whole range, in runs off by a factor of e: enough to hold constants that no run
/// tells apart, too little to keep one from where many runs want it.
const PULL: f64 = 0.5;

/// Constants fitted.
#[derive(Debug)]
pub struct Fit {
    /// The constants, with the number of runs behind each.
    pub training: Training,
    /// Runs used.
    pub rows: usize,
    /// Groups that they belong to.
    pub groups: usize,
}

struct Run<'a> {
    case: &'a Case,
    measured: f64,
    weight: f64,
}

/// Fits the constants of `start` to the rows that `take` accepts, from their priors or from where they stand.
#[must_use]
pub fn fit(
    predictor: &Predictor,
    rows: &[PublishedRun],
    start: &Training,
    take: &dyn Fn(&PublishedRun) -> bool,
    most_rounds: usize,
    from_there: bool,
) -> Fit {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    let taken: Vec<(&PublishedRun, &Case, f64)> = rows
        .iter()
        .zip(&predictor.cases)
        .filter(|(row, _)| take(row))
        .filter_map(|(row, case)| Some((row, case.as_ref().ok()?, case.as_ref().ok()?.measured?)))
        .collect();
    for (row, _, _) in &taken {
        *groups.entry(row.split_group.as_str()).or_default() += 1;
    }
    let runs: Vec<Run<'_>> = taken
        .iter()
        .map(|(row, case, measured)| Run {
            case,
            measured: *measured,
            weight: weight(row) / (groups[row.split_group.as_str()] as f64).sqrt(),
        })
        .collect();
    let mut training = start.clone();
    if !from_there {
        for constant in &mut training.constants {
            constant.value = constant.prior;
        }
    }
    let times = |training: &Training, runs: &[usize], all: &[Run<'_>]| -> Vec<f64> {
        let calibration = Calibration::with_training(training.clone());
        runs.par_iter().map(|i| predictor.step_time(all[*i].case, &calibration).unwrap_or(f64::NAN)).collect()
    };
    let everything: Vec<usize> = (0..runs.len()).collect();
    let base = times(&training, &everything, &runs);
    let total =
        |times: &[f64], which: &[usize]| -> f64 { which.iter().zip(times).map(|(i, time)| loss(&runs[*i], *time)).sum() };
    // A constant is moved over the runs that it changes.
    let touched: Vec<Vec<usize>> = (0..training.constants.len())
        .map(|k| {
            let mut other = training.clone();
            let c = &mut other.constants[k];
            c.value = if c.value < f64::midpoint(c.least, c.most) { c.most } else { c.least };
            let moved = times(&other, &everything, &runs);
            everything.iter().copied().filter(|i| (moved[*i] / base[*i] - 1.0).abs() > 1e-9).collect()
        })
        .collect();
    for (constant, touched) in training.constants.iter_mut().zip(&touched) {
        constant.rows = touched.len() as u32;
    }
    let mut step: Vec<f64> = training.constants.iter().map(|c| (c.most - c.least) / 16.0).collect();
    for _ in 0..most_rounds {
        let mut moved = false;
        for k in 0..training.constants.len() {
            if touched[k].len() < 3 {
                continue;
            }
            let (least, most) = (training.constants[k].least, training.constants[k].most);
            if step[k] < STILL * (most - least) {
                continue;
            }
            let at = |value: f64| {
                let mut other = training.clone();
                other.constants[k].value = value.clamp(least, most);
                let pull = (value - training.constants[k].prior) / (most - least);
                total(&times(&other, &touched[k], &runs), &touched[k]) + PULL * pull * pull
            };
            let here = training.constants[k].value;
            let stay = at(here);
            let (up, down) = ((here + step[k]).min(most), (here - step[k]).max(least));
            let (cost_up, cost_down) = (at(up), at(down));
            let best = cost_up.min(cost_down);
            if best < stay * (1.0 - 1e-6) {
                training.constants[k].value = if cost_up < cost_down { up } else { down };
                step[k] *= 1.3;
                moved = true;
            } else {
                step[k] *= 0.4;
            }
        }
        if !moved && step.iter().zip(&training.constants).all(|(step, c)| *step < STILL * (c.most - c.least)) {
            break;
        }
    }
    for constant in &mut training.constants {
        constant.value = (constant.value * 1e4).round() / 1e4;
    }
    Fit { training, rows: runs.len(), groups: groups.len() }
}

/// Adapters are trained on whole sequences of packed samples, with settings that sources leave out: a quarter of a vote.
fn weight(row: &PublishedRun) -> f64 {
    if row.task == "lora" { 0.25 } else { 1.0 }
}

fn loss(run: &Run<'_>, time: f64) -> f64 {
    let off = (time / run.measured).ln().abs();
    // A run without a prediction is as bad as one that is off by a factor of e.
    let off = if off.is_finite() { off } else { 1.0 };
    let huber = if off < KNEE { off * off / (2.0 * KNEE) } else { off - KNEE / 2.0 };
    run.weight * huber
}
