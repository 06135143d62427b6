//! What `planner fleet-health` shows.

use std::fmt::Write as _;

use super::Table;
use crate::bench::fleet::{Fault, Health, METRICS};
use crate::plan::SlowestCost;
use crate::units::significant;

/// One row a GPU, the worst first, `most` of them at most.
#[must_use]
pub fn fleet_table(fleet: &[Health], most: usize) -> Table {
    let metrics: Vec<&'static str> = METRICS
        .iter()
        .map(|(_, metric)| *metric)
        .filter(|metric| fleet.iter().any(|health| health.relative.contains_key(metric)))
        .collect();
    let mut headings = vec!["#", "host", "GPU", "at"];
    headings.extend(&metrics);
    headings.push("verdict");
    let mut table = Table::new(&headings, 4).with_remarks();
    for (i, health) in fleet.iter().enumerate().take(most) {
        let mut cells = vec![(i + 1).to_string(), health.host.clone(), health.gpu.clone(), health.place.clone()];
        cells.extend(metrics.iter().map(|metric| match health.relative.get(metric) {
            Some(by) => format!("{:+.1} %", by * 100.0),
            None => "-".to_owned(),
        }));
        let faults: Vec<String> = health.faults.iter().map(fault).collect();
        cells.push(if faults.is_empty() { "ok".to_owned() } else { faults.join(", ") });
        table.row(cells);
    }
    table
}

fn fault(fault: &Fault) -> String {
    let percent = |share: &f64| significant(share * 100.0, 2);
    match fault {
        Fault::Wrong { kernel } => format!("WRONG RESULT of {kernel}"),
        Fault::Ended { message } => format!("ended early: {message}"),
        Fault::Slow { metric, by } => format!("slow {metric} (-{} %)", percent(by)),
        Fault::Unstable { metric, spread } => format!("unstable {metric} (± {} %)", percent(spread)),
    }
}

/// The table with what is above and below it.
#[must_use]
pub fn fleet_text(fleet: &[Health], most: usize, costs: &[SlowestCost], suspects: &[&Health]) -> String {
    let flagged = fleet.iter().filter(|health| !health.faults.is_empty()).count();
    let gpus = if fleet.len() == 1 { "GPU" } else { "GPUs" };
    let mut out = format!("{} {gpus}, {flagged} flagged; rates over the median of those of the same name\n\n", fleet.len());
    out += &fleet_table(fleet, most).text(2);
    if fleet.len() > most {
        let _ = writeln!(out, "  ... and {} more; --top {} shows all", fleet.len() - most, fleet.len());
    }
    for cost in costs {
        let who = suspects.get(cost.gpu).map_or_else(String::new, |health| format!("{} {}", health.host, health.place));
        let _ = write!(
            out,
            "\n{} on {} GPUs: a step takes {} with the median GPU, {} when all wait for {who}: {:+.1} %, the work of {} GPUs\n",
            cost.job,
            cost.gpus,
            cost.median,
            cost.slowest,
            cost.longer_by() * 100.0,
            significant(cost.gpus_lost(), 2)
        );
    }
    out
}
