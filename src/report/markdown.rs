//! A plan as Markdown, for pull requests and documents.

use std::fmt::Write as _;

use super::Table;
use super::cost::owned_markdown;
use super::plan::{because, beside, carbon, elsewhere, on_pool, stages};
use crate::plan::Plan;
use crate::run::Checkpoint;

/// The plan as Markdown.
#[must_use]
pub fn plan_markdown(plan: &Plan) -> String {
    let step = &plan.step;
    let mut out = format!("### {} on {}\n\n", plan.job.model, plan.cluster.name);
    let mut table = Table::new(&["", "value"], 1);
    let gpus =
        if step.pools.is_empty() { format!("{} x {}", step.gpus, plan.cluster.accelerator) } else { plan.accelerators() };
    table.row(["GPUs".to_owned(), gpus]);
    table.row([
        "step time".to_owned(),
        format!("{}, nine in ten {} to {}", step.step_time, plan.interval.ninety[0], plan.interval.ninety[1]),
    ]);
    table.row(["throughput".to_owned(), step.tokens_per_s.to_string()]);
    table.row(["MFU / HFU".to_owned(), format!("{:.1} % / {:.1} %", step.mfu * 100.0, step.hfu * 100.0)]);
    table.row(["layout".to_owned(), step.strategy.describe()]);
    if let Some(overlap) = plan.job.overlap.describe() {
        table.row(["overlap".to_owned(), overlap]);
    }
    for part in &step.pools {
        table.row([format!("pool {}", part.pool), on_pool(part)]);
    }
    if let Some(run) = &plan.run {
        table.row([run.tokens.to_string(), run.time.to_string()]);
        table.row([
            "goodput".to_owned(),
            format!(
                "{:.1} %: {:.0} interruptions, {} lost, {} spare nodes",
                run.goodput * 100.0,
                run.interruptions,
                run.lost.total(),
                run.spares.nodes
            ),
        ]);
        if let Some(interval) = run.checkpoint.interval {
            let Checkpoint { bytes, write, .. } = &run.checkpoint;
            table.row(["checkpoint".to_owned(), format!("{bytes} every {interval}, written in {write}")]);
        }
        table.row(["energy of the nodes".to_owned(), run.energy.to_string()]);
        table.row(["power of the nodes at the meter".to_owned(), run.site_power.to_string()]);
        if let Some(carbon) = carbon(&run.carbon) {
            table.row(["carbon".to_owned(), carbon]);
        }
    }
    if let Some(cost) = &plan.cost {
        if let Some((total, price)) = cost.total.zip(cost.gpu_hour.as_ref()) {
            table.row(["cost".to_owned(), format!("{total} at {} ({})", price.value, price.provenance)]);
        }
        if let Some(electricity) = cost.electricity {
            table.row(["of it electricity of the nodes".to_owned(), electricity.to_string()]);
        }
    }
    out += &table.markdown();

    if let Some(owned) = plan.cost.as_ref().and_then(|cost| cost.owned.as_ref()) {
        let _ = write!(out, "\nCost of a GPU-hour, {}:\n\n{}", owned.terms(), owned_markdown(owned));
    }

    let mut table = Table::new(&["where a step goes", "time", "share"], 1);
    for (name, time) in step.breakdown.parts().into_iter().filter(|(_, time)| time.get() > 0.0) {
        table.row([name.to_owned(), time.to_string(), format!("{:.1} %", time / step.step_time * 100.0)]);
    }
    let _ = write!(out, "\n{}\n{}", table.markdown(), stages(step).markdown());
    if !plan.alternatives.is_empty() {
        out += "\nNext best:\n\n";
        for other in &plan.alternatives {
            let why = because(other);
            let why = if why.is_empty() { why } else { format!(": {why}") };
            let _ = writeln!(out, "- {} ({}){why}", other.strategy.describe(), beside(plan, other));
        }
    }
    if !plan.contenders.is_empty() {
        out += "\nOther pools and data types:\n\n";
        for contender in &plan.contenders {
            let _ = writeln!(out, "- {}", elsewhere(contender));
        }
    }
    if !plan.calibrated.is_empty() {
        out += "\nMeasured on one's own hardware:\n\n";
        for moved in &plan.calibrated {
            let _ = writeln!(out, "- {}: {} -> {} ({})", moved.what, moved.from, moved.to, moved.why);
        }
    }
    out += "\n<details><summary>Assumed, not measured</summary>\n\n";
    for assumption in &plan.assumptions {
        let _ = writeln!(out, "- {}: {} ({})", assumption.what, assumption.value, assumption.why);
    }
    out += "\n</details>\n";
    out
}
