//! How far predictions are from what was measured.
//!
//! Rows of one group (one model, accelerator, class of precision and task) are repeats of each other, often hundreds of them: the
//! group's error is the median of its rows', and a summary is over groups.

use std::collections::BTreeMap;

use super::predict::{Case, Predictor};
use super::{PublishedRun, REFERENCE};
use crate::calibration::{Calibration, Interval};
use crate::step::StepEstimate;

/// What became of a row.
#[derive(Debug)]
pub struct Scored<'a> {
    /// The row.
    pub row: &'a PublishedRun,
    /// Its prediction, or why there is none.
    pub outcome: Result<Predicted<'a>, String>,
}

/// A row predicted.
#[derive(Debug)]
pub struct Predicted<'a> {
    /// What was predicted.
    pub case: &'a Case,
    /// The estimate.
    pub estimate: StepEstimate,
    /// Measured time of a step, in seconds; nothing where the row has none.
    pub measured: Option<f64>,
    /// How far runs of its class were off.
    pub interval: Interval,
}

impl Predicted<'_> {
    /// Predicted over measured, less one.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.measured.map(|measured| self.estimate.step_time.get() / measured - 1.0)
    }

    /// Whether the measured time lies within a factor of e^`half` of the predicted one.
    #[must_use]
    pub fn holds(&self, half: f64) -> Option<bool> {
        self.measured.map(|measured| (self.estimate.step_time.get() / measured).ln().abs() <= half)
    }
}

/// Scores every row.
#[must_use]
pub fn score<'a>(predictor: &'a Predictor, rows: &'a [PublishedRun], calibration: &Calibration) -> Vec<Scored<'a>> {
    use rayon::prelude::*;
    let one = |(row, case): (&'a PublishedRun, &'a Result<Case, String>)| {
        let outcome = case.as_ref().map_err(Clone::clone).and_then(|case| {
            let estimate = predictor.estimate(case, calibration)?;
            let measured = case.measured.or_else(|| from_rate(row, case, &estimate));
            let interval = calibration.training().interval(
                &case.machine.accelerator,
                &case.layout.computation,
                case.layout.strategy.gpus(),
            );
            Ok(Predicted { case, estimate, measured, interval })
        });
        Scored { row, outcome }
    };
    rows.par_iter().zip(&predictor.cases).map(one).collect()
}

/// The time of a step of a row that prints TFLOP/s only, counted as Megatron-LM does since 2024, causal attention half; with
/// recomputation or the whole of attention where the source says that it counts them.
fn from_rate(row: &PublishedRun, case: &Case, estimate: &StepEstimate) -> Option<f64> {
    let rate = row.tflops_per_gpu.filter(|rate| *rate > 0.0)? * 1e12 * estimate.gpus as f64;
    let flops = if row.tflops_kind.starts_with("hardware") { estimate.hardware_flops } else { estimate.model_flops };
    let whole = ["full attention", "full (non-causal)"].iter().any(|words| row.metric_basis.contains(words));
    let again = if whole { case.masked_flops() * case.layout.strategy.sequences() as f64 } else { 0.0 };
    Some((flops.get() + again) / rate)
}

/// Errors of a set of rows.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Rows of the set.
    pub rows_total: usize,
    /// Rows with a prediction and a measurement.
    pub rows_scored: usize,
    /// Groups that they belong to.
    pub groups: usize,
    /// Mean over groups of the median absolute error, in percent.
    pub mean_abs_pct_error: f64,
    /// Median over groups, in percent.
    pub median_abs_pct_error: f64,
    /// What nine in ten groups stay below, in percent.
    pub p90_abs_pct_error: f64,
    /// Mean over groups of the median error with its sign, in percent: negative is too fast.
    pub bias_pct: f64,
    /// Share of measured times within the 50 % interval, mean over groups.
    pub coverage_50: f64,
    /// Share within the 90 % interval.
    pub coverage_90: f64,
}

impl Summary {
    /// The summary of `rows`.
    #[must_use]
    pub fn new<'a>(rows: impl IntoIterator<Item = &'a Scored<'a>>) -> Self {
        let mut total = 0;
        let mut groups: BTreeMap<&str, Vec<&Predicted<'a>>> = BTreeMap::new();
        for scored in rows {
            total += 1;
            if let Some(predicted) = scored.outcome.as_ref().ok().filter(|predicted| predicted.measured.is_some()) {
                // A row without a group is one of its own.
                let key = if scored.row.split_group.is_empty() { &scored.row.id } else { &scored.row.split_group };
                groups.entry(key).or_default().push(predicted);
            }
        }
        let of = |each: &dyn Fn(&[&Predicted<'a>]) -> f64| -> Vec<f64> {
            let mut all: Vec<f64> = groups.values().map(|rows| each(rows)).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let errors = |rows: &[&Predicted<'a>], absolute: bool| {
            median(rows.iter().filter_map(|row| row.error()).map(|error| if absolute { error.abs() } else { error }).collect())
        };
        let absolute = of(&|rows| errors(rows, true) * 100.0);
        let signed = of(&|rows| errors(rows, false) * 100.0);
        let share = |half: &dyn Fn(&Predicted<'a>) -> f64| {
            mean(&of(&|rows| {
                mean(&rows.iter().map(|row| f64::from(u8::from(row.holds(half(row)) == Some(true)))).collect::<Vec<_>>())
            }))
        };
        Self {
            rows_total: total,
            rows_scored: groups.values().map(Vec::len).sum(),
            groups: groups.len(),
            mean_abs_pct_error: mean(&absolute),
            median_abs_pct_error: quantile(&absolute, 0.5),
            p90_abs_pct_error: quantile(&absolute, 0.9),
            bias_pct: mean(&signed),
            coverage_50: share(&|row| row.interval.half),
            coverage_90: share(&|row| row.interval.ninety),
        }
    }
}

/// Whether a row counts towards the stated accuracy: a pretraining run on GPUs with a complete configuration that no constant was
/// fitted to. Rows of a user's own table, which say nothing of a split or quality, count.
#[must_use]
pub fn counts(row: &PublishedRun) -> bool {
    let is = |text: &str, among: &[&str]| text.is_empty() || among.contains(&text);
    !is_fitted(row)
        && row.split != "aux"
        && is(&row.quality, &["A"])
        && is(&row.task, &["pretrain"])
        && !REFERENCE.iter().any(|name| row.accelerator.to_lowercase().starts_with(name))
}

/// Whether constants were fitted to a row.
#[must_use]
pub fn is_fitted(row: &PublishedRun) -> bool {
    row.split == "calibration"
}

/// The mean; 0 of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The median; 0 of nothing.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

/// The `share` quantile of sorted values, between neighbours as their distance says; 0 of nothing.
#[must_use]
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[(at.ceil() as usize).min(last)]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), 3.0);
        assert_eq!(quantile(&[], 0.9), 0.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}
