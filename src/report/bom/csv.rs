//! A bill as CSV, for spreadsheets and purchase systems.

use super::super::Table;
use super::tables::class;
use crate::catalog::Priced;
use crate::economics::bill::Bill;
use crate::units::{Money, MoneyInterval};

/// The bill as CSV: a row a line, base units, the unit in the column's name.
#[must_use]
pub fn bill_csv(bill: &Bill) -> String {
    let mut table = Table::new(
        &[
            "cluster",
            "group",
            "role",
            "item",
            "title",
            "count",
            "owned",
            "buy",
            "unit_low",
            "unit",
            "unit_high",
            "currency",
            "class",
            "date",
            "price_source",
            "total_low_usd",
            "total_usd",
            "total_high_usd",
            "power_w",
            "rule",
        ],
        0,
    );
    for line in &bill.lines {
        let unit = line.price.as_ref().map(|price| price.unit);
        let amount = |money: Option<MoneyInterval>, of: fn(MoneyInterval) -> Money| {
            money.map_or_else(String::new, |money| of(money).amount().to_string())
        };
        let price = |of: fn(&Priced) -> String| line.price.as_ref().map(of).unwrap_or_default();
        table.row([
            bill.cluster.clone(),
            line.group.title().to_owned(),
            line.role.clone(),
            line.item.clone(),
            line.title.clone(),
            line.count.to_string(),
            line.owned.to_string(),
            line.bought().to_string(),
            amount(unit, MoneyInterval::low),
            amount(unit, MoneyInterval::value),
            amount(unit, MoneyInterval::high),
            unit.map(|unit| unit.currency().to_string()).unwrap_or_default(),
            price(|price| class(price).to_owned()),
            price(|price| price.date.clone()),
            price(|price| price.source.clone()),
            amount(line.total, MoneyInterval::low),
            amount(line.total, MoneyInterval::value),
            amount(line.total, MoneyInterval::high),
            line.power.map(|power| power.get().to_string()).unwrap_or_default(),
            line.why.clone(),
        ]);
    }
    table.csv()
}
