//! A plan as CSV: one row, base units, the unit in the column's name.

use super::Table;
use crate::plan::Plan;
use crate::units::{Carbon, Money};

/// The plan as a heading line and a row.
#[must_use]
pub fn plan_csv(plan: &Plan) -> String {
    let step = &plan.step;
    let s = &step.strategy;
    // Nine digits: more than any figure is worth, and the same whatever the order of a sum.
    let number = |value: f64| format!("{value:.8e}").parse::<f64>().unwrap_or(value).to_string();
    let maybe = |value: Option<f64>| value.map(number).unwrap_or_default();
    let carbon = plan.run.as_ref().map(|run| run.carbon);
    let mut cells: Vec<(&str, String)> = vec![
        ("cluster", plan.cluster.name.clone()),
        ("pool", plan.cluster.pool.clone()),
        ("job", plan.job.name.clone()),
        ("model", plan.job.model.clone()),
        ("gpus", step.gpus.to_string()),
        ("tp", s.tp.to_string()),
        ("cp", s.cp.to_string()),
        ("pp", s.pp.to_string()),
        ("vp", s.vp.to_string()),
        ("ep", s.ep.to_string()),
        ("dp", s.dp.to_string()),
        ("microbatch", s.microbatch.to_string()),
        ("microbatches", s.microbatches.to_string()),
        ("zero", s.zero.to_string()),
        ("step_time_s", number(step.step_time.get())),
        ("tokens_per_s", number(step.tokens_per_s.get())),
        ("mfu", number(step.mfu)),
        ("hfu", number(step.hfu)),
        ("exposed_communication_s", number(step.breakdown.exposed_communication().get())),
        ("bubble_s", number(step.breakdown.bubble.get())),
        ("memory_bytes", maybe(step.fullest().map(|stage| stage.memory.total().get()))),
        ("run_time_s", maybe(plan.run.as_ref().map(|run| run.time.get()))),
        ("goodput", maybe(plan.run.as_ref().map(|run| run.goodput))),
        ("interruptions", maybe(plan.run.as_ref().map(|run| run.interruptions))),
        ("spare_nodes", maybe(plan.run.as_ref().map(|run| run.spares.nodes as f64))),
        ("energy_j", maybe(plan.run.as_ref().map(|run| run.energy.get()))),
        ("carbon_g", maybe(carbon.and_then(|carbon| carbon.location).map(Carbon::get))),
        ("carbon_market_g", maybe(carbon.and_then(|carbon| carbon.market).map(Carbon::get))),
        ("carbon_embodied_g", maybe(carbon.map(|carbon| carbon.embodied.get()))),
    ];
    let total = plan.cost.as_ref().and_then(|cost| cost.total);
    cells.push(("cost", maybe(total.map(Money::amount))));
    cells.push(("currency", total.map(|money| money.currency().to_string()).unwrap_or_default()));
    let names: Vec<&str> = cells.iter().map(|(name, _)| *name).collect();
    let mut table = Table::new(&names, 0);
    table.row(cells.into_iter().map(|(_, cell)| cell));
    table.csv()
}
