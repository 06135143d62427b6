//! The sheet of a bill of materials: counts times prices.

use rust_xlsxwriter::{Formula, Worksheet, XlsxError};

use super::assumptions::Assumptions;
use super::recipe::{Cells, End, Trio};
use super::style::Style;
use crate::economics::bill::{Bill, Group, Line};
use crate::economics::sheet::{Sheet, name, rate_of};
use crate::units::{Currency, Money, MoneyInterval, Range};

/// Name of the sheet of a single bill.
pub(super) const SHEET: &str = "Bill of materials";

/// Longest name of a sheet.
const LONGEST: usize = 31;

/// Heading and width of the columns, and whether numbers stand in them.
const HEADINGS: [(&str, f64, bool); 13] = [
    ("what for", 36.0, false),
    ("item", 20.0, false),
    ("count", 9.0, true),
    ("owned", 9.0, true),
    ("buy", 9.0, true),
    ("each, USD", 12.0, true),
    ("low", 12.0, true),
    ("high", 12.0, true),
    ("USD", 15.0, true),
    ("low", 15.0, true),
    ("high", 15.0, true),
    ("power, kW", 12.0, true),
    ("rule", 90.0, false),
];

/// Rows above the first.
const ABOVE: u32 = 2;

/// Names of the sheets of bills: each once, as short as they have to be.
pub(super) fn names(bills: &[Bill]) -> Vec<String> {
    let [_] = bills else {
        let short =
            |bill: &Bill| bill.cluster.chars().filter(|c| !"[]:*?/\\'".contains(*c)).take(LONGEST - 9).collect::<String>();
        return bills.iter().enumerate().map(|(i, bill)| format!("Bill {} {}", i + 1, short(bill))).collect();
    };
    vec![SHEET.to_owned()]
}

/// Enters the prices of a bill, known or not; by the name of their item. What two pools pay differently for one item is told apart by
/// the role of its line.
pub(super) fn prices(bill: &Bill, assumptions: &mut Assumptions) -> Cells {
    let mut cells = Cells::default();
    let mut rates = Sheet::default();
    for (currency, rate) in &bill.rates {
        rates.enter(&rate_of(*currency), Range::exact(rate.value), rate);
    }
    assumptions.add("Rates of exchange", &bill.cluster, &rates.inputs);
    assumptions.section("Prices of items");
    for line in &bill.lines {
        let Some(price) = &line.price else { continue };
        let (mut sheet, unit) = (Sheet::default(), price.unit);
        sheet.enter(&format!("price of {}", line.item), Range::new(unit.low(), unit.value(), unit.high()), &price.origin());
        for input in &sheet.inputs {
            cells.set(key(line), assumptions.enter(input, Some(input.number), &line.role));
        }
    }
    for line in bill.lines.iter().filter(|line| line.price.is_none()) {
        cells.set(key(line), assumptions.missing(&line.item));
    }
    cells
}

/// What the price of a line is called.
fn key(line: &Line) -> String {
    name(&format!("{} {}", line.role, line.item))
}

/// Where everything of a bill stands.
pub(super) struct Layout<'a> {
    bill: &'a Bill,
    name: &'a str,
    prices: &'a Cells,
    /// Row of each line, counted from nought.
    rows: Vec<u32>,
    /// Row of the sum.
    last: u32,
}

impl<'a> Layout<'a> {
    pub(super) fn new(bill: &'a Bill, name: &'a str, prices: &'a Cells) -> Self {
        let mut next = ABOVE;
        let mut rows = Vec::new();
        let mut group = None;
        for line in &bill.lines {
            // A heading for each group.
            next += u32::from(group.replace(line.group) != Some(line.group));
            rows.push(next);
            next += 1;
        }
        Self { bill, name, prices, rows, last: next }
    }

    /// Where the price of everything but nodes stands.
    pub(super) fn around_nodes(&self) -> Trio {
        let row = self.last + 2;
        ['I', 'J', 'K'].map(|column| format!("'{}'!${column}${row}", self.name))
    }

    /// Writes the sheet.
    pub(super) fn write(&self, sheet: &mut Worksheet, style: &Style) -> Result<(), XlsxError> {
        let bill = self.bill;
        sheet.set_name(self.name)?;
        sheet.write_with_format(0, 0, format!("Bill of materials of {}, {} GPUs", bill.cluster, bill.gpus), &style.title)?;
        style.heading(sheet, ABOVE - 1, &HEADINGS)?;
        let mut group = None;
        for (line, row) in bill.lines.iter().zip(&self.rows) {
            if group.replace(line.group) != Some(line.group) {
                style.part(sheet, row - 1, line.group.title(), HEADINGS.len())?;
            }
            self.line(sheet, line, *row, style)?;
        }
        self.sums(sheet, style)
    }

    fn line(&self, sheet: &mut Worksheet, line: &Line, row: u32, style: &Style) -> Result<(), XlsxError> {
        let excel = row + 1;
        sheet.write_with_format(row, 0, &line.role, &style.text)?;
        sheet.write_with_format(row, 1, &line.item, &style.text)?;
        let count = |n: u64| n as f64;
        let whole = Style::number("", 1000.0);
        sheet.write_with_format(row, 2, count(line.count), &Style::input("", 1000.0))?;
        sheet.write_with_format(row, 3, count(line.owned), &whole)?;
        let buy = Formula::new(format!("=MAX(C{excel}-D{excel},0)")).set_result(line.bought().to_string());
        sheet.write_formula_with_format(row, 4, buy, &whole)?;
        let each = self.each(line);
        for (i, (end, column)) in End::ALL.into_iter().zip(["F", "G", "H"]).enumerate() {
            let (each, total) = (each.map_or(0.0, |each| each[i]), total(line, i));
            let (i, price) = (i as u16, self.prices.get(&key(line), end).unwrap_or("0"));
            let formula = Formula::new(format!("=0+{price}")).set_result(each.to_string());
            sheet.write_formula_with_format(row, 5 + i, formula, &Style::number("", each))?;
            let formula = Formula::new(format!("=E{excel}*{column}{excel}")).set_result(total.to_string());
            sheet.write_formula_with_format(row, 8 + i, formula, &Style::number("", total))?;
        }
        if let Some(power) = line.power {
            sheet.write_with_format(row, 11, power.get() / 1e3, &Style::number("", 100.5))?;
        }
        sheet.write_with_format(row, 12, &line.why, &style.text)?;
        Ok(())
    }

    /// What one costs in US dollars: value, low and high end.
    fn each(&self, line: &Line) -> Option<[f64; 3]> {
        let unit = line.price.as_ref()?.unit;
        let rate = match unit.currency() {
            Currency::USD => 1.0,
            other => self.bill.rates.iter().find(|(currency, _)| *currency == other).map(|(_, rate)| rate.value)?,
        };
        Some(ends(unit).map(|amount| amount * rate))
    }

    fn sums(&self, sheet: &mut Worksheet, style: &Style) -> Result<(), XlsxError> {
        let (first, last) = (ABOVE + 1, self.last);
        // Nodes stand first; what is around them follows.
        let compute = self.bill.lines.iter().take_while(|line| line.group == Group::Compute).count();
        let around = self.rows.get(compute).map_or(last, |row| row + 1);
        sheet.write_with_format(last, 0, "Sum of what has a price", &style.total)?;
        for column in 1..8 {
            sheet.write_blank(last, column, &style.total)?;
        }
        sheet.write_with_format(last + 1, 0, "all but nodes, owned or bought", &style.text)?;
        for (i, (column, each)) in ["I", "J", "K"].into_iter().zip(["F", "G", "H"]).enumerate() {
            let sum: f64 = self.bill.lines.iter().map(|line| total(line, i)).sum();
            let formula = Formula::new(format!("=SUM({column}{first}:{column}{last})")).set_result(sum.to_string());
            sheet.write_formula_with_format(last, 8 + i as u16, formula, &style.sum("", 1e3))?;
            let all = |line: &Line| line.count as f64 * self.each(line).map_or(0.0, |each| each[i]);
            let sum: f64 = self.bill.lines.iter().filter(|line| line.group != Group::Compute).map(all).sum();
            let formula = format!("=SUMPRODUCT(C{around}:C{last},{each}{around}:{each}{last})");
            let formula = Formula::new(formula).set_result(sum.to_string());
            sheet.write_formula_with_format(last + 1, 8 + i as u16, formula, &Style::number("", 1e3))?;
        }
        let power: f64 = self.bill.lines.iter().filter_map(|line| line.power).map(|power| power.get() / 1e3).sum();
        let formula = Formula::new(format!("=SUM(L{first}:L{last})")).set_result(power.to_string());
        sheet.write_formula_with_format(last, 11, formula, &style.sum("", 100.5))?;
        Ok(())
    }
}

fn ends(money: MoneyInterval) -> [f64; 3] {
    [money.value(), money.low(), money.high()].map(Money::amount)
}

/// What those that are bought cost at an end.
fn total(line: &Line, end: usize) -> f64 {
    line.total.map_or(0.0, |total| ends(total)[end])
}
