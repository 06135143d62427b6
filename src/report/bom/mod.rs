//! A bill of materials: the sum in the first lines, then what to order, then what the site must carry, then where prices are from.

mod csv;
mod tables;

use std::fmt::Write as _;

pub use csv::bill_csv;

use super::Table;
use super::plan::wrapped;
use crate::catalog::Provenance;
use crate::economics::bill::{Bill, Line, RackPlan};
use crate::units::grouped;
use tables::{limits, order, prices, table_of_prices};

/// The bill as text; with `rules`, every line says which rule it follows.
#[must_use]
pub fn bill_text(bill: &Bill, rules: bool) -> String {
    let mut out = format!("Bill of materials of {} · {} GPUs\n\n", bill.cluster, grouped(f64::from(bill.gpus), 0));
    for [name, value] in summary(bill) {
        let _ = writeln!(out, "  {name:<8}  {value}");
    }
    let _ = write!(out, "\n{}", order(bill, rules).text(2));
    if !bill.limits.is_empty() {
        let _ = write!(out, "\n{}", limits(bill).text(2));
    }
    let prices = prices(bill);
    if !prices.is_empty() {
        let _ = write!(out, "\n{}", table_of_prices(&prices).text(2));
    }
    out.push('\n');
    for remark in remarks(bill) {
        out += &wrapped(&remark);
    }
    if !rules {
        out += "  `--rules` says for every line which rule it follows.\n";
    }
    out
}

/// The bill as Markdown.
#[must_use]
pub fn bill_markdown(bill: &Bill) -> String {
    let mut out = format!("### Bill of materials of {}\n\n", bill.cluster);
    let mut table = Table::new(&["", "value"], 1);
    table.row(["GPUs".to_owned(), grouped(f64::from(bill.gpus), 0)]);
    for row in summary(bill) {
        table.row(row);
    }
    let _ = write!(out, "{}\n{}", table.markdown(), order(bill, true).markdown());
    if !bill.limits.is_empty() {
        let _ = write!(out, "\n{}", limits(bill).markdown());
    }
    let prices = prices(bill);
    if !prices.is_empty() {
        let _ = write!(out, "\n{}", table_of_prices(&prices).markdown());
    }
    out.push('\n');
    for remark in remarks(bill) {
        let _ = writeln!(out, "- {remark}");
    }
    out
}

/// The answer: money, power, racks.
fn summary(bill: &Bill) -> Vec<[String; 2]> {
    let missing = bill.unpriced().len();
    let capital = match bill.capital() {
        Some(capital) => capital.to_string(),
        None => "no price known".to_owned(),
    };
    let capital = match missing {
        0 => capital,
        1 => format!("{capital}, 1 item without a price"),
        _ => format!("{capital}, {missing} items without a price"),
    };
    let nodes = bill.capital().is_none() || bill.capital_with_nodes().is_some();
    let capital = if nodes { capital } else { format!("{capital}, nodes among them: no price of the cluster") };
    let racks: u32 = bill.racks.iter().map(|plan| plan.racks.count).sum();
    let of = |plan: &RackPlan| {
        let each = match plan.racks.nodes {
            0 => String::new(),
            1 => "1 node, ".to_owned(),
            nodes => format!("{nodes} nodes, "),
        };
        format!("{} of {} ({each}{}, {})", plan.racks.count, plan.racks.holds, plan.racks.power, plan.racks.cooling.as_str())
    };
    let mut rows = vec![
        ["Capital".to_owned(), capital],
        ["Power".to_owned(), format!("{} of IT at most, {} at the meter", bill.it_power, bill.site_power)],
    ];
    if racks > 0 {
        let each = bill.racks.iter().map(of).collect::<Vec<_>>().join(", ");
        rows.push(["Racks".to_owned(), format!("{racks}: {each}")]);
    }
    rows
}

/// What else to know: coolant, missing prices, notes of the bill.
fn remarks(bill: &Bill) -> Vec<String> {
    let mut remarks = Vec::new();
    for plan in bill.racks.iter().filter(|plan| plan.racks.nodes > 0) {
        let mut of = Vec::new();
        of.extend(plan.coolant.air.map(|(air, rise)| format!("{air} of air that gets {rise} warmer")));
        of.extend(plan.coolant.water.map(|(water, rise)| format!("{water} of water that gets {rise} warmer")));
        remarks.push(format!("A full rack of {} takes {}.", plan.racks.holds, of.join(" and ")));
    }
    let missing: Vec<String> =
        bill.unpriced().into_iter().map(|(item, count)| format!("{item} ({})", grouped(count as f64, 0))).collect();
    if let Some(first) = bill.unpriced().first() {
        remarks.push(format!(
            "Without a price: {}. Say what they cost in the cluster file, `price: {{items: {{{}: 100 USD}}}}`.",
            missing.join(", "),
            first.0
        ));
    }
    remarks.extend(bill.notes.iter().cloned());
    let assumed = |line: &Line| {
        let price = line.price.as_ref().map(|price| price.provenance);
        price == Some(Provenance::Assumed) || line.power_provenance == Some(Provenance::Assumed)
    };
    if bill.lines.iter().any(assumed) {
        remarks.push("* assumed: not seen in a source, or the usual draw where no largest one is published.".to_owned());
    }
    remarks
}
