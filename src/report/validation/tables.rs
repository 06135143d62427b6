//! The tables of a validation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::ValueEnum;

use super::headline;
use crate::report::Table;
use crate::validate::score::{Predicted, Scored, Summary, counts, is_fitted};
use crate::validate::sweeps::{rank_correlation, sweeps};

/// What rows are gathered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Who published them
    Source,
    /// The accelerator
    Accelerator,
    /// How many accelerators
    Scale,
    /// The data type of the matmuls
    Precision,
    /// The training framework, as a class
    Framework,
    /// The model
    Model,
    /// What was trained: whole models, adapters
    Task,
}

impl By {
    fn title(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Accelerator => "accelerator",
            Self::Scale => "accelerators of a run",
            Self::Precision => "precision",
            Self::Framework => "framework",
            Self::Model => "model",
            Self::Task => "task",
        }
    }

    fn of(self, scored: &Scored<'_>) -> String {
        let row = scored.row;
        match self {
            Self::Source => row.source.clone(),
            Self::Accelerator => row.accelerator.clone(),
            Self::Scale => match row.n_gpus.unwrap_or(0) {
                0 => "not known".into(),
                1..=8 => "   1 to 8".into(),
                9..=64 => "   9 to 64".into(),
                65..=512 => "  65 to 512".into(),
                513..=1024 => " 513 to 1024".into(),
                _ => "1025 and more".into(),
            },
            Self::Precision => row.precision.clone(),
            Self::Framework => scored
                .outcome
                .as_ref()
                .map_or_else(|_| "not predicted".to_owned(), |p| p.case.layout.computation.software.as_str().to_owned()),
            Self::Model => row.model_name.clone(),
            Self::Task => row.task.clone(),
        }
    }
}

/// The text that `planner validate` prints.
#[must_use]
pub fn validation_text(scored: &[Scored<'_>], by: By, worst: usize) -> String {
    let mut out = head(scored);
    out.push_str("\nMeasured times within the stated intervals, errors by group of repeats (one model, accelerator, class of precision and task):\n\n");
    out.push_str(&validation_parts(scored).text(2));
    let _ = write!(
        out,
        "\nBy {}, rows that no constant was fitted to and rows that were:\n\n{}",
        by.title(),
        gathered(scored, by).text(2)
    );
    let ranked = ranked(scored);
    if !ranked.is_empty() {
        let _ = write!(out, "\nWithin sweeps of layouts:\n\n{}", ranked.text(2));
    }
    let rows = offenders(scored, worst);
    let _ = write!(out, "\nFurthest off, of the rows that count:\n\n{}", rows.text(2));
    let left = left_out(scored);
    let _ = write!(out, "\nNot predicted:\n\n{}", left.text(2));
    out
}

/// The same as a part of a document.
#[must_use]
pub fn validation_markdown(scored: &[Scored<'_>], by: By, worst: usize) -> String {
    let mut out = format!("{}\n{}", head(scored), validation_parts(scored).markdown());
    let _ = write!(out, "\n### By {}\n\n{}", by.title(), gathered(scored, by).markdown());
    let ranked = ranked(scored);
    if !ranked.is_empty() {
        let _ = write!(out, "\n### Within sweeps of layouts\n\n{}", ranked.markdown());
    }
    let _ = write!(out, "\n### Furthest off\n\n{}", offenders(scored, worst).markdown());
    let _ = write!(out, "\n### Not predicted\n\n{}", left_out(scored).markdown());
    out
}

fn head(scored: &[Scored<'_>]) -> String {
    let summary = headline(scored);
    let predicted = scored.iter().filter(|scored| scored.outcome.is_ok()).count();
    let all: Vec<&Scored<'_>> = scored.iter().collect();
    let tau = rank_correlation(&all).map_or_else(String::new, |(tau, sweeps)| {
        let (beyond, plain) = (tau.beyond_noise, tau.plain);
        format!(" Within {sweeps} sweeps of layouts, rank correlation {beyond:.2}; {plain:.2} with pairs that are closer than repeats.")
    });
    format!(
        "{} of {} rows predicted ({:.0} %). {} rows in {} groups count: median error {:.1} %, mean {:.1} %, nine in ten below {:.1} %, bias {:+.1} %.{tau}\n",
        predicted,
        scored.len(),
        100.0 * predicted as f64 / scored.len().max(1) as f64,
        summary.rows_scored,
        summary.groups,
        summary.median_abs_pct_error,
        summary.mean_abs_pct_error,
        summary.p90_abs_pct_error,
        summary.bias_pct,
    )
}

const HEADINGS: [&str; 9] = ["", "rows", "groups", "median", "mean", "9 in 10", "bias", "in 50 %", "in 90 %"];

fn cells(name: &str, summary: &Summary) -> Vec<String> {
    let percent = |value: f64| format!("{value:.1} %");
    vec![
        name.to_owned(),
        summary.rows_scored.to_string(),
        summary.groups.to_string(),
        percent(summary.median_abs_pct_error),
        percent(summary.mean_abs_pct_error),
        percent(summary.p90_abs_pct_error),
        format!("{:+.1} %", summary.bias_pct),
        percent(summary.coverage_50 * 100.0),
        percent(summary.coverage_90 * 100.0),
    ]
}

/// What counts, what was fitted, and what is reported apart.
#[must_use]
pub fn validation_parts(scored: &[Scored<'_>]) -> Table {
    let mut table = Table::new(&HEADINGS, 1);
    let mut add = |name: &str, of: &dyn Fn(&Scored<'_>) -> bool| {
        let summary = Summary::new(scored.iter().filter(|scored| of(scored)));
        if summary.rows_scored > 0 {
            table.row(cells(name, &summary));
        }
    };
    add("rows that count", &|s| counts(s.row));
    add("rows fitted", &|s| is_fitted(s.row));
    add("neither: other tasks, hardware and quality", &|s| !counts(s.row) && !is_fitted(s.row));
    table
}

fn gathered(scored: &[Scored<'_>], by: By) -> Table {
    let mut headings = HEADINGS;
    headings[0] = by.title();
    let headings: Vec<&str> =
        std::iter::once(headings[0]).chain(std::iter::once("rows are")).chain(headings[1..].iter().copied()).collect();
    let mut table = Table::new(&headings, 2);
    let mut all: BTreeMap<(String, &str), Vec<&Scored<'_>>> = BTreeMap::new();
    for scored in scored {
        all.entry((by.of(scored), super::part(scored))).or_default().push(scored);
    }
    for ((name, part), rows) in all {
        let summary = Summary::new(rows);
        if summary.rows_scored > 0 {
            let mut cells = cells(name.trim(), &summary);
            cells.insert(1, part.to_owned());
            table.row(cells);
        }
    }
    table
}

/// Sweeps of layouts, with how far apart their layouts are and whether the faster ones were predicted to be.
fn ranked(scored: &[Scored<'_>]) -> Table {
    let headings =
        ["sweep", "model", "accelerator", "sequence", "layouts", "slowest over fastest", "rank correlation", "all pairs"];
    let mut table = Table::new(&headings, 3);
    for sweep in sweeps(&scored.iter().collect::<Vec<_>>()) {
        let Some(tau) = sweep.rank_correlation() else { continue };
        let row = sweep.row;
        let heads = row.heads.map(|heads| format!(", {heads} heads")).unwrap_or_default();
        table.row([
            row.source.clone(),
            format!("{}{heads}", row.model_name),
            format!("{} x {}", row.n_gpus.unwrap_or(0), row.accelerator),
            row.seq.unwrap_or(0).to_string(),
            sweep.layouts.len().to_string(),
            format!("{:+.0} %", sweep.spread() * 100.0),
            format!("{:.2}", tau.beyond_noise),
            format!("{:.2}", tau.plain),
        ]);
    }
    table
}

/// The rows that are furthest off, one of each group, with where the predicted time goes.
fn offenders(scored: &[Scored<'_>], most: usize) -> Table {
    let mut table =
        Table::new(&["row", "model", "accelerator", "layout", "measured", "predicted", "error", "goes to"], 4).with_remarks();
    let mut rows: Vec<(&Scored<'_>, &Predicted<'_>, f64)> = scored
        .iter()
        .filter(|scored| counts(scored.row))
        .filter_map(|scored| {
            let predicted = scored.outcome.as_ref().ok()?;
            Some((scored, predicted, predicted.error()?))
        })
        .collect();
    rows.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()).then_with(|| a.0.row.id.cmp(&b.0.row.id)));
    let mut groups: Vec<&str> = Vec::new();
    for (scored, predicted, error) in rows {
        let group = scored.row.split_group.as_str();
        if groups.len() >= most || !group.is_empty() && groups.contains(&group) {
            continue;
        }
        groups.push(group);
        table.row([
            scored.row.id.clone(),
            scored.row.model_name.clone(),
            format!("{} x {}", predicted.estimate.gpus, scored.row.accelerator),
            predicted.estimate.strategy.describe(),
            format!("{:.3} s", predicted.measured.unwrap_or(0.0)),
            format!("{:.3} s", predicted.estimate.step_time.get()),
            format!("{:+.1} %", error * 100.0),
            goes_to(predicted),
        ]);
    }
    table
}

/// The parts of a step that take a twentieth or more.
fn goes_to(predicted: &Predicted<'_>) -> String {
    let whole = predicted.estimate.step_time.get();
    let parts = predicted.estimate.breakdown.parts();
    let shares = parts.iter().map(|(name, time)| (name, 100.0 * time.get() / whole)).filter(|(_, share)| *share >= 5.0);
    shares.map(|(name, share)| format!("{name} {share:.0} %")).collect::<Vec<_>>().join(", ")
}

fn left_out(scored: &[Scored<'_>]) -> Table {
    let mut table = Table::new(&["rows", "why"], 0).with_remarks();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in scored.iter().filter_map(|scored| scored.outcome.as_ref().err()) {
        *reasons.entry(reason.as_str()).or_default() += 1;
    }
    let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    for (reason, rows) in reasons {
        table.row([rows.to_string(), reason.to_owned()]);
    }
    table
}
