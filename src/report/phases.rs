//! Orders for demand that grows, as text, Markdown and CSV.

use std::fmt::Write as _;

use super::Table;
use super::cost::short;
use super::plan::wrapped;
use crate::economics::phases::{Demand, Phases, Supply};
use crate::spec::Cluster;
use crate::units::{Seconds, grouped, significant};

/// What is told of.
#[derive(Debug, Clone, Copy)]
pub struct PhasesTold<'a> {
    /// What is bought of.
    pub cluster: &'a Cluster,
    /// What is asked.
    pub demand: &'a Demand,
    /// What it is asked of.
    pub supply: &'a Supply,
    /// The orders.
    pub phases: &'a Phases,
}

/// The orders as text.
#[must_use]
pub fn phases_text(told: &PhasesTold<'_>) -> String {
    let mut out = format!("{}\n\n{}\n", headline(told), table(told.phases).text(2));
    for sentence in sentences(told) {
        out += &wrapped(&sentence);
    }
    out
}

/// The orders as Markdown.
#[must_use]
pub fn phases_markdown(told: &PhasesTold<'_>) -> String {
    let mut out = format!("### {}\n\n{}\n", headline(told), table(told.phases).markdown());
    for sentence in sentences(told) {
        let _ = writeln!(out, "- {sentence}");
    }
    out
}

/// The orders as CSV, in base units.
#[must_use]
pub fn phases_csv(phases: &Phases) -> String {
    let headings =
        ["order_s", "in_service_s", "units", "gpus", "retired_gpus", "demand_gpus", "capital", "currency", "site_power_w"];
    let mut table = Table::new(&headings, 0);
    for phase in &phases.phases {
        let numbers = [phase.gpus, phase.retired, phase.demand, phase.capital.amount()].map(|number| format!("{number:.3}"));
        let mut row = vec![phase.order.get().to_string(), phase.in_service.get().to_string(), phase.units.to_string()];
        row.extend(numbers);
        row.extend([phase.capital.currency().to_string(), phase.power.get().to_string()]);
        table.row(row);
    }
    table.csv()
}

fn headline(told: &PhasesTold<'_>) -> String {
    let PhasesTold { cluster, demand, supply, phases } = told;
    format!(
        "{}: {} GPUs now, {} times as many each year, in units of {} GPUs",
        cluster.name,
        grouped(demand.growth.now, 0),
        significant(phases.growth_per_year, 3),
        grouped(f64::from(supply.unit), 0)
    )
}

fn months(time: Seconds) -> String {
    format!("{:.0}", time.years() * 12.0)
}

fn table(phases: &Phases) -> Table {
    let mut table =
        Table::new(&["order, month", "in service", "units", "GPUs then", "retired", "needed", "used", "capital", "power"], 0);
    for phase in &phases.phases {
        table.row([
            months(phase.order),
            months(phase.in_service),
            phase.units.to_string(),
            grouped(phase.gpus, 0),
            grouped(phase.retired, 0),
            grouped(phase.demand, 0),
            format!("{:.0} %", phase.used * 100.0),
            short(phase.capital),
            phase.power.to_string(),
        ]);
    }
    table
}

fn sentences(told: &PhasesTold<'_>) -> Vec<String> {
    let PhasesTold { demand, supply, phases, .. } = told;
    let mut out = vec![format!(
        "All orders cost {}, {} at today's value ({}); what the end needs, bought at once, {}.",
        short(phases.capital),
        short(phases.present_value),
        supply.rate,
        short(phases.at_once)
    )];
    if let Some(short_for) = phases.short_for {
        let lead = months(demand.lead);
        out.push(match supply.installed {
            0 => format!("Nothing is there until the first order is in service, after {lead} months."),
            there => format!(
                "The {} GPUs that are there last {} months; demand is above them for {} more, until the first order is in service.",
                grouped(f64::from(there), 0),
                months(phases.shortfall),
                months(short_for)
            ),
        });
    }
    out.push("A fabric is cabled for its final number of spines, or recabled with each phase: `planner bom` of the last phase says it.".to_owned());
    out
}
