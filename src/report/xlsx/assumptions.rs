//! The sheet of what may be changed: each input once, with its unit, range and origin, under the name that formulas use.

use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};

use super::recipe::{Cells, Trio};
use super::style::Style;
use crate::catalog::{PriceClass, Provenance, Sourced};
use crate::economics::sheet::{Input, name, rate_of};
use crate::units::{Currency, Range};

/// Name of the sheet.
pub(super) const SHEET: &str = "Assumptions";

/// Heading and width of the columns, and whether numbers stand in them. What is long stands last: it runs on.
const HEADINGS: [(&str, f64, bool); 10] = [
    ("assumption", 42.0, false),
    ("value", 15.0, true),
    ("unit", 13.0, false),
    ("low", 13.0, true),
    ("high", 13.0, true),
    ("provenance", 13.0, false),
    ("class", 10.0, false),
    ("date", 18.0, false),
    ("name in formulas", 38.0, false),
    ("source", 110.0, false),
];

/// Rows above the first: title, what to do with it, headings.
const ABOVE: u32 = 3;

enum Row {
    Section(String),
    Input(Entered),
}

struct Entered {
    input: Input,
    /// Nothing for a price that nobody knows: to be filled in.
    number: Option<Range<f64>>,
    /// The name that the workbook defines.
    defined: String,
}

/// All inputs of a workbook.
#[derive(Default)]
pub(super) struct Assumptions {
    rows: Vec<Row>,
}

impl Assumptions {
    /// Adds the inputs of a part of the workbook; those that are there already are shared. What `owner` has differently from others
    /// of the same name is named after it.
    pub(super) fn add(&mut self, title: &str, owner: &str, inputs: &[Input]) -> Cells {
        self.section(title);
        let start = self.rows.len();
        let mut cells = Cells::default();
        for input in inputs {
            cells.set(input.name.clone(), self.enter(input, Some(input.number), owner));
        }
        if self.rows.len() == start {
            self.rows.pop();
        }
        cells
    }

    /// Starts a section; one without a row is left out.
    pub(super) fn section(&mut self, title: &str) {
        if matches!(self.rows.last(), Some(Row::Section(_))) {
            self.rows.pop();
        }
        self.rows.push(Row::Section(title.to_owned()));
    }

    /// Adds a price that nobody knows.
    pub(super) fn missing(&mut self, item: &str) -> Trio {
        let source = format!("not known: fill it in, or write `price: {{items: {{{item}: 100 USD}}}}` in the cluster file");
        let what = format!("price of {item}");
        let input = Input {
            name: name(&what),
            what,
            number: Range::exact(0.0),
            unit: Currency::USD.to_string(),
            currency: Some(Currency::USD),
            origin: Sourced::new((), Provenance::Assumed, source),
        };
        self.enter(&input, None, "")
    }

    /// The row of an input, new or shared.
    pub(super) fn enter(&mut self, input: &Input, number: Option<Range<f64>>, owner: &str) -> Trio {
        let same = |other: &Entered| {
            other.input.name == input.name && other.number == number && other.input.currency == input.currency
        };
        let shared = self.rows.iter().position(|row| row.input().is_some_and(same));
        let row = shared.unwrap_or_else(|| {
            self.rows.push(Row::Input(self.named(input, number, owner)));
            self.rows.len() - 1
        });
        self.trio(row)
    }

    /// A new row: under its name, else under that and its owner's.
    fn named(&self, input: &Input, number: Option<Range<f64>>, owner: &str) -> Entered {
        let taken = |name: &str| self.rows.iter().filter_map(Row::input).any(|other| other.defined == name);
        let mut entered = Entered { input: input.clone(), number, defined: input.name.clone() };
        if taken(&entered.defined) {
            entered.input.what = format!("{}, {owner}", input.what);
            entered.defined = format!("{}_{}", input.name, name(owner));
        }
        let mut number = 2;
        while taken(&entered.defined) {
            entered.defined = format!("{}_{number}", input.name);
            number += 1;
        }
        entered
    }

    /// How formulas write an input, in US dollars.
    fn trio(&self, row: usize) -> Trio {
        let Some(entered) = self.rows[row].input() else { return Trio::default() };
        let line = row as u32 + ABOVE + 1;
        let of_range = entered.number.is_some_and(|range| range.low != range.high);
        let end = |column: char| if of_range { format!("{SHEET}!${column}${line}") } else { entered.defined.clone() };
        let rate = entered.input.currency.filter(|currency| *currency != Currency::USD).map(|other| name(&rate_of(other)));
        let dollars = |cell: String| rate.as_ref().map_or(cell.clone(), |rate| format!("({cell}*{rate})"));
        // What has no ends follows its value.
        [dollars(entered.defined.clone()), dollars(end('D')), dollars(end('E'))]
    }

    /// Writes the sheet.
    pub(super) fn write(&self, sheet: &mut Worksheet, cluster: &str, style: &Style) -> Result<(), XlsxError> {
        sheet.set_name(SHEET)?;
        sheet.write_with_format(0, 0, format!("Assumptions, {cluster}"), &style.title)?;
        let note = "Change a value on yellow: the other sheets follow. Low and high are the ends of a range; what has none follows its value.";
        sheet.write_with_format(1, 0, note, &style.note)?;
        style.heading(sheet, ABOVE - 1, &HEADINGS)?;
        for (line, row) in (ABOVE..).zip(&self.rows) {
            match row {
                Row::Section(title) => style.part(sheet, line, title, HEADINGS.len())?,
                Row::Input(entered) => entered.write(sheet, line, style)?,
            }
        }
        Ok(())
    }

    /// Defines the names that formulas use.
    pub(super) fn define(&self, book: &mut Workbook) -> Result<(), XlsxError> {
        for (line, row) in (ABOVE + 1..).zip(&self.rows) {
            if let Some(entered) = row.input() {
                book.define_name(&entered.defined, &format!("={SHEET}!$B${line}"))?;
            }
        }
        Ok(())
    }
}

impl Row {
    fn input(&self) -> Option<&Entered> {
        match self {
            Self::Section(_) => None,
            Self::Input(entered) => Some(entered),
        }
    }
}

impl Entered {
    fn write(&self, sheet: &mut Worksheet, line: u32, style: &Style) -> Result<(), XlsxError> {
        let Self { input, number, defined } = self;
        let origin = &input.origin;
        let seen = origin.seen.as_ref();
        let trust = if number.is_some() { origin.provenance.as_str() } else { "missing" };
        let class = seen.and_then(|seen| seen.class).map_or("", PriceClass::as_str);
        let date = seen.map_or("", |seen| seen.date.as_str());
        sheet.write_with_format(line, 0, &input.what, &style.text)?;
        sheet.write_with_format(line, 2, &input.unit, &style.text)?;
        let about = number.map_or(1.0, |range| range.value);
        let look = Style::input(&input.unit, about);
        match number {
            Some(range) => sheet.write_with_format(line, 1, range.value, &look)?,
            None => sheet.write_blank(line, 1, &look)?,
        };
        if let Some(range) = number.filter(|range| range.low != range.high) {
            sheet.write_with_format(line, 3, range.low, &look)?;
            sheet.write_with_format(line, 4, range.high, &look)?;
        }
        for (column, text) in (5..).zip([trust, class, date, defined, origin.source.as_str()]) {
            sheet.write_with_format(line, column, text, &style.text)?;
        }
        Ok(())
    }
}
