//! How far predictions are from published runs, as text, Markdown, JSON, a page and a picture.

mod page;
mod regrets;
mod scatter;
mod tables;

pub use page::validation_page;
pub use regrets::regret_tables;
pub use scatter::validation_scatter;
pub use tables::{By, validation_markdown, validation_parts, validation_text};

use serde::Serialize;

use crate::validate::score::{Scored, Summary, counts, is_fitted};
use crate::validate::sweeps::rank_correlation;

/// Everything that is told of a validation, in the form that JSON takes.
#[derive(Debug, Serialize)]
pub struct ValidationReport {
    /// Version of this structure.
    pub schema_version: u32,
    /// Version of the planner.
    pub planner_version: &'static str,
    /// The rows that count: no constant was fitted to them, their configuration is complete, they are pretraining runs on GPUs.
    pub summary: Summary,
    /// Kendall's rank correlation within sweeps of all rows, mean over sweeps, of pairs further apart than repeats.
    pub rank_correlation: Option<f64>,
    /// The same of all pairs.
    pub rank_correlation_plain: Option<f64>,
    /// Every row.
    pub rows: Vec<RowReport>,
}

/// One row.
#[derive(Debug, Serialize)]
pub struct RowReport {
    /// Its name.
    pub id: String,
    /// Measured time of a step, in seconds.
    pub measured: Option<f64>,
    /// Predicted time of a step, in seconds.
    pub predicted: Option<f64>,
    /// Predicted over measured, less one, in percent.
    pub error_pct: Option<f64>,
    /// Nine in ten measured times are above, in seconds.
    pub low_90: Option<f64>,
    /// Nine in ten measured times are below, in seconds.
    pub high_90: Option<f64>,
    /// Whether it counts in the summary.
    pub counts: bool,
    /// Why there is no prediction, or nothing to hold it against; empty otherwise.
    pub reason: String,
}

/// What is told of scored rows.
#[must_use]
pub fn validation_report(scored: &[Scored<'_>]) -> ValidationReport {
    let tau = rank_correlation(&scored.iter().collect::<Vec<_>>()).map(|(tau, _)| tau);
    ValidationReport {
        schema_version: 1,
        planner_version: env!("CARGO_PKG_VERSION"),
        summary: rounded(&headline(scored)),
        rank_correlation: tau.map(|tau| round(tau.beyond_noise, 1e4)),
        rank_correlation_plain: tau.map(|tau| round(tau.plain, 1e4)),
        rows: scored.iter().map(row).collect(),
    }
}

/// The summary of the rows that count; of all that are predicted, where a table has none of those.
#[must_use]
pub fn headline(scored: &[Scored<'_>]) -> Summary {
    let counted = Summary::new(scored.iter().filter(|scored| counts(scored.row)));
    let summary = if counted.rows_scored > 0 { counted } else { Summary::new(scored.iter()) };
    Summary { rows_total: scored.len(), ..summary }
}

fn row(scored: &Scored<'_>) -> RowReport {
    let mut report = RowReport {
        id: scored.row.id.clone(),
        measured: None,
        predicted: None,
        error_pct: None,
        low_90: None,
        high_90: None,
        counts: counts(scored.row),
        reason: String::new(),
    };
    match &scored.outcome {
        Ok(predicted) => {
            let time = predicted.estimate.step_time.get();
            report.predicted = Some(digits(time));
            report.measured = predicted.measured.map(digits);
            report.error_pct = predicted.error().map(|error| round(error * 100.0, 1e3));
            let [low, high] = predicted.interval.around(predicted.estimate.step_time, predicted.interval.ninety);
            report.low_90 = Some(digits(low.get()));
            report.high_90 = Some(digits(high.get()));
            if predicted.measured.is_none() {
                report.reason = "the row has no measured time".into();
            }
        }
        Err(reason) => report.reason.clone_from(reason),
    }
    report
}

fn rounded(summary: &Summary) -> Summary {
    Summary {
        mean_abs_pct_error: round(summary.mean_abs_pct_error, 1e3),
        median_abs_pct_error: round(summary.median_abs_pct_error, 1e3),
        p90_abs_pct_error: round(summary.p90_abs_pct_error, 1e3),
        bias_pct: round(summary.bias_pct, 1e3),
        coverage_50: round(summary.coverage_50, 1e4),
        coverage_90: round(summary.coverage_90, 1e4),
        ..summary.clone()
    }
}

/// A positive value to seven digits.
fn digits(value: f64) -> f64 {
    if value > 0.0 && value.is_finite() { round(value, 10f64.powi(6 - value.log10().floor() as i32)) } else { value }
}

fn round(value: f64, to: f64) -> f64 {
    (value * to).round() / to
}

/// What part a row has: fitted, held against, or only looked at.
fn part(scored: &Scored<'_>) -> &'static str {
    if is_fitted(scored.row) {
        "fitted"
    } else if counts(scored.row) {
        "counts"
    } else {
        "apart"
    }
}
