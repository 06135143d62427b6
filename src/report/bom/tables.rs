//! The tables of a bill: what to order, the limits, the prices.

use super::super::Table;
use crate::catalog::{PriceClass, Priced, Provenance};
use crate::economics::bill::{Bill, Limit, Line, Verdict};
use crate::units::{MoneyInterval, Watts, grouped, significant};

fn star(provenance: Option<Provenance>) -> &'static str {
    if provenance == Some(Provenance::Assumed) { "*" } else { "" }
}

/// What to order, group by group.
pub(super) fn order(bill: &Bill, rules: bool) -> Table {
    let extension = bill.lines.iter().any(|line| line.owned > 0);
    let mut headings = vec!["", "item"];
    headings.extend(if extension { &["count", "owned", "buy"][..] } else { &["buy"] });
    headings.extend(["each", "USD", "low", "high", "power"]);
    headings.extend(rules.then_some("rule"));
    let mut table = Table::new(&headings, 2);
    if rules {
        table = table.with_remarks();
    }
    let mut group = None;
    for line in &bill.lines {
        if group.replace(line.group) != Some(line.group) {
            let mut heading = vec![String::new(); headings.len()];
            line.group.title().clone_into(&mut heading[0]);
            table.row(heading);
        }
        table.row(cells(line, extension, rules));
    }
    if let Some(capital) = bill.capital() {
        let mut sum = vec![String::new(); headings.len()];
        let first = headings.iter().position(|heading| *heading == "USD").unwrap_or(0);
        "Sum of what has a price".clone_into(&mut sum[0]);
        for (i, money) in [capital.value(), capital.low(), capital.high()].into_iter().enumerate() {
            sum[first + i] = grouped(money.amount(), 0);
        }
        sum[first + 3] = bill.it_power.to_string();
        table.row(sum);
    }
    table
}

fn cells(line: &Line, extension: bool, rules: bool) -> Vec<String> {
    let count = |n: u64| grouped(n as f64, 0);
    let mut cells = vec![format!("  {}", line.role), line.item.clone()];
    if extension {
        cells.extend([count(line.count), count(line.owned)]);
    }
    cells.push(count(line.bought()));
    let each = line.price.as_ref().filter(|_| line.bought() > 0);
    cells.push(each.map_or_else(|| "-".to_owned(), |price| format!("{}{}", price.unit.value(), star(Some(price.provenance)))));
    let total = line.total.filter(|_| line.bought() > 0);
    for bound in [MoneyInterval::value, MoneyInterval::low, MoneyInterval::high] {
        cells.push(total.map_or_else(|| "-".to_owned(), |total| grouped(bound(total).amount(), 0)));
    }
    cells.push(line.power.map_or_else(|| "-".to_owned(), |power| format!("{power}{}", star(line.power_provenance))));
    cells.extend(rules.then(|| line.why.clone()));
    cells
}

/// Limits, and what of them is left.
pub(super) fn limits(bill: &Bill) -> Table {
    let mut table = Table::new(&["limit", "used", "most", "left", ""], 1).with_remarks();
    for limit in &bill.limits {
        let number = |value: f64| match limit.unit {
            "W" => Watts::new(value).to_string(),
            unit => format!("{} {unit}", grouped(value, 0)),
        };
        let left = format!("{} %", significant(limit.margin() * 100.0, 2));
        table.row([limit.what.clone(), number(limit.used), number(limit.most), left, verdict(limit)]);
    }
    table
}

fn verdict(limit: &Limit) -> String {
    let word = match limit.verdict {
        Verdict::Kept => "",
        Verdict::Tight => "beyond what is usual: ",
        Verdict::Exceeded => "EXCEEDED: ",
    };
    format!("{word}{}", limit.remark)
}

/// Every price on the bill once, by item.
pub(super) fn prices(bill: &Bill) -> Vec<(&str, &Priced)> {
    let mut found: Vec<(&str, &Priced)> = Vec::new();
    for line in bill.lines.iter().filter(|line| line.bought() > 0) {
        if let Some(price) = line.price.as_ref().filter(|price| !found.contains(&(line.item.as_str(), *price))) {
            found.push((&line.item, price));
        }
    }
    found
}

pub(super) fn table_of_prices(prices: &[(&str, &Priced)]) -> Table {
    let mut table = Table::new(&["price", "each", "class", "date", "source"], 5);
    for (item, price) in prices {
        let unit = format!("{}{}", price.unit, star(Some(price.provenance)));
        let row = [(*item).to_owned(), unit, class(price).to_owned(), price.date.clone(), price.source.clone()];
        table.row(row);
    }
    table
}

pub(super) fn class(price: &Priced) -> &'static str {
    price.class.map_or("given", PriceClass::as_str)
}
