//! Orders for demand that grows, as text, Markdown and CSV.

use std::fmt::Write as _;

use super::Table;
use super::cost::short;
use super::plan::wrapped;
use crate::economics::phases::{Demand, Phases, Supply};
use crate::spec::Cluster;
use crate::units::{Seconds, Share, grouped, significant};

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
    let mut out = format!("{}\n\n{}\n{}\n", headline(told), table(told.phases).text(2), bills(told).text(2));
    for sentence in sentences(told) {
        out += &wrapped(&sentence);
    }
    out
}

/// The orders as Markdown.
#[must_use]
pub fn phases_markdown(told: &PhasesTold<'_>) -> String {
    let mut out = format!("### {}\n\n{}\n{}\n", headline(told), table(told.phases).markdown(), bills(told).markdown());
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
    let mut table = Table::new(
        &["order, month", "in service", "units", "GPUs then", "retired", "needed", "used", "capital", "power at most"],
        0,
    );
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

/// The electricity by year; what demand is billed for only where it is billed.
fn bills(told: &PhasesTold<'_>) -> Table {
    let drawn = &told.phases.electricity;
    let tariff = &told.supply.meter.tariff;
    let (demand, other) = (tariff.demand.is_some(), tariff.taxes > 0.0 || tariff.fee > 0.0);
    let mut headings = vec!["months", "electricity", "peak"];
    headings.extend(demand.then_some("billed for"));
    headings.extend((demand || other).then_some("of energy"));
    headings.extend(demand.then_some("of demand"));
    headings.extend(other.then_some("taxes and fee"));
    headings.push("bills");
    let mut table = Table::new(&headings, 0);
    for year in &drawn.years {
        let mut row =
            vec![format!("{} to {}", months(year.from), months(year.to)), year.energy.to_string(), year.peak.to_string()];
        row.extend(demand.then(|| year.billed.to_string()));
        row.extend((demand || other).then(|| short(year.energy_cost)));
        row.extend(demand.then(|| short(year.demand_cost)));
        row.extend(other.then(|| short(year.taxes_and_fee)));
        row.push(short(year.total));
        table.row(row);
    }
    table
}

/// What electricity costs, and what of it nobody draws.
fn electricity(told: &PhasesTold<'_>) -> Vec<String> {
    let (drawn, meter) = (&told.phases.electricity, &told.supply.meter);
    let [all, today] = [drawn.total, drawn.present_value].map(short);
    let mut out = vec![format!(
        "Electricity until the last order can be in service costs {all}, {today} at today's value: every GPU in service draws {} at the meter.",
        meter.each
    )];
    if drawn.demand_not_drawn.amount() > 0.0 {
        let lost = short(drawn.demand_not_drawn);
        let ratchet = format!("{} of the highest of twelve months", meter.tariff.ratchet);
        let contract = format!("{} of the contracted power", meter.tariff.floor);
        let least = match (meter.contracts.is_empty(), meter.tariff.ratchet > Share::ZERO) {
            (true, _) => ratchet,
            (false, true) => format!("{contract} and {ratchet}"),
            (false, false) => contract,
        };
        out.push(format!("{lost} of it are for demand that is not drawn: {least} are billed at least."));
    }
    if let Some(over) = drawn.over_contract {
        out.push(format!("More is drawn than is contracted from month {} on: contract more, or order later.", months(over)));
    }
    if let (Some(over), Some(limit)) = (told.phases.over_site_limit, told.supply.site_limit) {
        out.push(format!(
            "The site's {limit} (`power.site-limit`) are not enough from month {} on: {} GPUs are the most that it can feed.",
            months(over),
            grouped((limit.get() / told.supply.power.get()).floor(), 0)
        ));
    }
    out
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
    out.extend(electricity(told));
    out.push("A fabric is cabled for its final number of spines, or recabled with each phase: `planner bom` of the last phase says it.".to_owned());
    out
}
