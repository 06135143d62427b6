//! The screen of `planner compare`: what each cluster makes of a job, where GPU time goes, what makes the difference.

use std::fmt::Write as _;

use super::Table;
use super::plan::{gib, percent, wrapped};
use crate::compare::{Against, Comparison, Difference, Limit, OwnLayout, Site};
use crate::plan::Plan;
use crate::units::{grouped, significant};

/// Differences below this share are none.
const SAME: f64 = 0.0005;

/// The comparison as text.
#[must_use]
pub fn comparison_text(comparison: &Comparison) -> String {
    let mut out = format!("{} ({}) on {} clusters\n\n", comparison.job, comparison.model, comparison.sites.len());
    out += &figures(comparison).text(2);
    let _ = write!(out, "\n  GPU-seconds for a million tokens, and what they wait for\n{}\n", phases(comparison).text(2));
    for line in verdicts(comparison) {
        out += &wrapped(&line);
    }
    out
}

/// The comparison as Markdown.
#[must_use]
pub fn comparison_markdown(comparison: &Comparison) -> String {
    let mut out = format!("### {} ({})\n\n{}", comparison.job, comparison.model, figures(comparison).markdown());
    let _ = write!(out, "\nGPU-seconds for a million tokens, and what they wait for:\n\n{}\n", phases(comparison).markdown());
    for line in verdicts(comparison) {
        let _ = writeln!(out, "- {line}");
    }
    out
}

/// The comparison as CSV: a row a cluster, base units.
#[must_use]
pub fn comparison_csv(comparison: &Comparison) -> String {
    let number = |value: f64| format!("{value:.8e}").parse::<f64>().unwrap_or(value).to_string();
    let maybe = |value: Option<f64>| value.map(number).unwrap_or_default();
    let mut table = Table::new(
        &[
            "job",
            "cluster",
            "gpus",
            "layout",
            "step_time_s",
            "tokens_per_s",
            "mfu",
            "gpu_s_per_million_tokens",
            "run_time_s",
            "energy_j",
            "cost",
            "currency",
            "gpu_time_by",
            "break_even_price_ratio",
            "price_ratio",
            "refusal",
        ],
        2,
    );
    for site in &comparison.sites {
        let plan = site.plan.as_ref();
        let step = plan.map(|plan| &plan.step);
        let run = plan.and_then(|plan| plan.run.as_ref());
        let cost = plan.and_then(|plan| plan.cost.as_ref()).and_then(|cost| cost.total);
        let against = site.against.as_ref();
        table.row([
            comparison.job.clone(),
            site.cluster.clone(),
            step.map(|step| step.gpus.to_string()).unwrap_or_default(),
            step.map(|step| step.strategy.describe()).unwrap_or_default(),
            maybe(step.map(|step| step.step_time.get())),
            maybe(step.map(|step| step.tokens_per_s.get())),
            maybe(step.map(|step| step.mfu)),
            maybe(plan.map(|_| site.gpu_time())),
            maybe(run.map(|run| run.time.get())),
            maybe(run.map(|run| run.energy.get())),
            maybe(cost.map(crate::units::Money::amount)),
            cost.map(|cost| cost.currency().to_string()).unwrap_or_default(),
            maybe(against.map(|against| against.gpu_time.by)),
            maybe(against.map(|against| against.break_even.price_ratio)),
            maybe(against.and_then(|against| against.break_even.is)),
            site.refusal.clone().unwrap_or_default(),
        ]);
    }
    table.csv()
}

/// A row a figure, a column a cluster.
fn figures(comparison: &Comparison) -> Table {
    let names: Vec<&str> = std::iter::once("").chain(comparison.sites.iter().map(|site| site.cluster.as_str())).collect();
    let mut table = Table::new(&names, 1);
    let mut row = |name: &str, of: &dyn Fn(&Plan) -> Option<String>| {
        let cells: Vec<String> =
            comparison.sites.iter().map(|site| site.plan.as_ref().and_then(of).unwrap_or_default()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.row(std::iter::once(name.to_owned()).chain(cells));
        }
    };
    row("GPUs", &|plan| Some(format!("{} of {}", grouped(plan.step.gpus as f64, 0), grouped(f64::from(plan.cluster.gpus), 0))));
    row("accelerator", &|plan| Some(plan.cluster.accelerator.clone()));
    row("step time", &|plan| Some(plan.step.step_time.to_string()));
    row("nine in ten", &|plan| Some(format!("{} to {}", plan.interval.ninety[0], plan.interval.ninety[1])));
    row("tokens/s", &|plan| Some(plan.step.tokens_per_s.to_string()));
    row("MFU", &|plan| Some(format!("{:.1} %", plan.step.mfu * 100.0)));
    row("memory per GPU", &|plan| {
        let used = plan.step.fullest()?.memory.total();
        Some(format!("{} of {}", gib(used), gib(plan.step.memory_capacity)))
    });
    row("run", &|plan| plan.run.as_ref().map(|run| run.time.to_string()));
    row("energy", &|plan| plan.run.as_ref().map(|run| run.energy.to_string()));
    row("carbon", &|plan| plan.run.as_ref().and_then(|run| run.carbon.location).map(|carbon| carbon.to_string()));
    row("GPU-hour", &|plan| plan.cost.as_ref().and_then(|cost| cost.gpu_hour.as_ref()).map(|price| price.value.to_string()));
    row("cost", &|plan| plan.cost.as_ref().and_then(|cost| cost.total).map(|total| total.to_string()));
    row("tokens per unit of money", &|plan| {
        let (run, total) = plan.run.as_ref().zip(plan.cost.as_ref().and_then(|cost| cost.total))?;
        Some(format!("{} per {}", crate::units::Tokens::new(run.tokens.get() / total.amount()), total.currency()))
    });
    table
}

/// A row a phase, a column a cluster, and what it waits for.
fn phases(comparison: &Comparison) -> Table {
    let names: Vec<&str> = std::iter::once("")
        .chain(comparison.sites.iter().map(|site| site.cluster.as_str()))
        .chain(std::iter::once("waits for"))
        .collect();
    let mut table = Table::new(&names, 1).with_remarks();
    let longest = comparison.sites.iter().map(|site| site.phases.len()).max().unwrap_or(0);
    for i in 0..longest {
        let of = |site: &Site| site.phases.get(i).copied();
        let cells: Vec<String> = comparison
            .sites
            .iter()
            .map(|site| {
                of(site).filter(|phase| phase.gpu_time > 0.0).map(|phase| significant(phase.gpu_time, 3)).unwrap_or_default()
            })
            .collect();
        if cells.iter().all(String::is_empty) {
            continue;
        }
        let mut waits: Vec<Limit> =
            comparison.sites.iter().filter_map(of).filter(|phase| phase.gpu_time > 0.0).map(|phase| phase.limit).collect();
        waits.dedup();
        let name = comparison.sites.iter().find_map(of).map_or("", |phase| phase.name);
        let waits = waits.iter().map(|limit| limit.as_str()).collect::<Vec<_>>().join(", then ");
        table.row(std::iter::once(name.to_owned()).chain(cells).chain(std::iter::once(waits)));
    }
    let total = |site: &Site| site.plan.as_ref().map(|_| significant(site.gpu_time(), 4)).unwrap_or_default();
    let totals = comparison.sites.iter().map(total);
    table.row(std::iter::once("all".to_owned()).chain(totals).chain(std::iter::once(String::new())));
    table
}

/// The layouts, and a sentence or more about every cluster but the reference.
fn verdicts(comparison: &Comparison) -> Vec<String> {
    let layout = |site: &Site| Some(format!("{}: {}.", site.cluster, site.plan.as_ref()?.step.strategy.describe()));
    let layouts: Vec<String> = comparison.sites.iter().filter_map(layout).collect();
    let Some((reference, others)) = comparison.sites.split_first() else { return Vec::new() };
    let verdict = |site: &Site| match (&site.against, &site.refusal) {
        (_, Some(refusal)) => format!("{}: no plan: {refusal}.", site.cluster),
        (Some(against), None) => format!("{} against {}: {}", site.cluster, reference.cluster, sentence(against)),
        (None, None) => String::new(),
    };
    layouts.into_iter().chain(others.iter().map(verdict)).collect()
}

fn sentence(against: &Against) -> String {
    let mut out = format!("{} time and {} GPU time per token.", changed(against.slower_by), changed(against.gpu_time.by));
    let told = against.same_layout.as_ref().unwrap_or(&against.gpu_time);
    let parts = |difference: &Difference| -> String {
        let parts = difference.by_limit.iter().filter(|part| part.by.abs() >= SAME);
        parts.map(|part| format!("{} {}", part.limit.as_str(), percent(part.by))).collect::<Vec<_>>().join(", ")
    };
    if let Some(same) = &against.same_layout {
        let _ = write!(out, " With the reference's layout: {}", changed(same.by));
    } else {
        out += " By what work waits for";
    }
    let parts = parts(told);
    if !parts.is_empty() {
        let _ = write!(out, " ({parts})");
    }
    out.push('.');
    if told.of(Limit::Arithmetic) > -SAME {
        out += " Compute-bound work gains nothing.";
    }
    let rest = against.same_layout.as_ref().map_or(0.0, |same| against.gpu_time.by - same.by);
    match against.own_layout {
        OwnLayout::Same | OwnLayout::NotThere => {}
        OwnLayout::Fits => out += " Its own layout would fit the reference too.",
        OwnLayout::TooLarge { needs_bytes, capacity_bytes } => {
            let (needs, capacity) = (gib(needs_bytes), gib(capacity_bytes));
            let _ = write!(out, " Its own layout needs {needs}, more than the reference's {capacity}");
            if rest < -SAME {
                let _ = write!(out, ": the memory gives {}", percent(rest));
            }
            out.push('.');
        }
    }
    let even = &against.break_even;
    let ratio = significant(even.price_ratio, 4);
    let _ = write!(out, " A token costs less here while a GPU-hour costs less than {ratio} times the reference's");
    match even.is.zip(even.dearer_by) {
        Some((is, dearer)) => {
            let _ = write!(out, "; it costs {} times that, and a token {}.", significant(is, 4), changed(dearer));
        }
        None => out.push('.'),
    }
    out
}

fn changed(by: f64) -> String {
    if by.abs() < SAME { "the same".to_owned() } else { percent(by) }
}
