//! A cost as a spreadsheet computes it again: inputs by name, and a recipe for everything that follows from them.
//!
//! A recipe is a formula in the language of spreadsheets with names in braces. Costs are computed at three places, their value and
//! their two ends; `{x}` is an input or a step at the same place, `{~x}` at the opposite end (what costs less the more there is of it,
//! such as a life), `{=x}` its value wherever the recipe is computed. `{line 2}` is a line of the cost by its index.
//! `tests/workbook.rs` has a spreadsheet compute them, and compares.

use crate::catalog::Sourced;
use crate::units::{
    Currency, Date, EnergyPrice, GpuPrice, GpuYearPrice, HourlyPrice, Money, PowerMonthPrice, PowerPrice, Range, Seconds,
    Share, Watts, YearlyPrice, YearlyRate,
};

/// The name of what the bill of materials has around nodes, all of it: a spreadsheet has it from the bill.
pub const AROUND_NODES: &str = "around_nodes";

/// A number that somebody may change.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// What recipes call it.
    pub name: String,
    /// What it is.
    pub what: String,
    /// The number between its ends.
    pub number: Range<f64>,
    /// What it counts.
    pub unit: String,
    /// The currency of money: recipes are in US dollars.
    pub currency: Option<Currency>,
    /// How far to trust it, who says so, since when.
    pub origin: Sourced<()>,
}

/// A number that follows from inputs and other steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What recipes call it.
    pub name: String,
    /// What it is.
    pub what: String,
    /// What was computed.
    pub value: Range<f64>,
    /// What it counts.
    pub unit: &'static str,
    /// How it is computed.
    pub recipe: String,
    /// Whether it has ends; without, only its value is computed.
    pub ends: bool,
}

/// Inputs and steps of a cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// The inputs.
    pub inputs: Vec<Input>,
    /// The steps, each after those that it needs.
    pub steps: Vec<Step>,
}

impl Sheet {
    /// Enters an input; one that is there already stays.
    pub fn enter<T: Entry, U>(&mut self, what: &str, number: Range<T>, origin: &Sourced<U>) {
        let name = name(what);
        if self.inputs.iter().any(|input| input.name == name) {
            return;
        }
        let Unit { text, currency } = number.value.unit();
        let origin =
            Sourced { value: (), provenance: origin.provenance, source: origin.source.clone(), seen: origin.seen.clone() };
        let number = number.map(Entry::number);
        self.inputs.push(Input { name, what: what.to_owned(), number, unit: text, currency, origin });
    }

    /// Enters what other currencies of inputs are worth in US dollars.
    pub fn rates(&mut self, rate: impl Fn(Currency) -> Option<Sourced<f64>>) {
        let others = self.inputs.iter().filter_map(|input| input.currency).filter(|currency| *currency != Currency::USD);
        for currency in others.collect::<Vec<_>>() {
            if let Some(rate) = rate(currency) {
                self.enter(&rate_of(currency), Range::exact(Plain(rate.value, "USD")), &rate);
            }
        }
    }

    /// Adds a step.
    pub fn step(&mut self, what: &str, unit: &'static str, value: Range<f64>, recipe: impl Into<String>) {
        self.steps.push(Step { name: name(what), what: what.to_owned(), value, unit, recipe: recipe.into(), ends: true });
    }

    /// Adds a step of which only the value is known.
    pub fn exact_step(&mut self, what: &str, unit: &'static str, value: f64, recipe: impl Into<String>) {
        self.step(what, unit, Range::exact(value), recipe);
        if let Some(last) = self.steps.last_mut() {
            last.ends = false;
        }
    }
}

/// What the rate of exchange of a currency is called.
#[must_use]
pub fn rate_of(currency: Currency) -> String {
    format!("USD for one {currency}")
}

/// The name of what something is: lower-case letters, digits and underscores.
#[must_use]
pub fn name(what: &str) -> String {
    let plain = what.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect::<String>();
    let name = plain.split_whitespace().collect::<Vec<_>>().join("_");
    // No name of a spreadsheet starts with a digit.
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// What a number counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// In words.
    pub text: String,
    /// The currency of money.
    pub currency: Option<Currency>,
}

impl From<&str> for Unit {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), currency: None }
    }
}

/// What may be an input: a number in a unit.
pub trait Entry: Copy {
    /// The number.
    fn number(self) -> f64;
    /// What it counts.
    fn unit(self) -> Unit;
}

macro_rules! entries {
    ($($kind:ty: $unit:literal, $number:expr;)*) => {
        $(impl Entry for $kind {
            fn number(self) -> f64 { $number(self) }
            fn unit(self) -> Unit { $unit.into() }
        })*
    };
}

entries! {
    f64: "", |plain| plain;
    Share: "%", Share::get;
    YearlyRate: "%/year", YearlyRate::get;
    Seconds: "years", Seconds::years;
    Watts: "kW", |power: Watts| power.get() / 1e3;
    Date: "date", serial;
}

macro_rules! prices {
    ($($kind:ty: $per:literal;)*) => {
        $(impl Entry for $kind {
            fn number(self) -> f64 { self.per_unit().amount() }
            fn unit(self) -> Unit {
                let currency = self.per_unit().currency();
                Unit { text: format!("{currency}/{}", $per), currency: Some(currency) }
            }
        })*
    };
}

prices! {
    EnergyPrice: "kWh";
    HourlyPrice: "GPU-h";
    GpuPrice: "GPU";
    GpuYearPrice: "GPU-year";
    PowerPrice: "W";
    PowerMonthPrice: "kW-month";
    YearlyPrice: "year";
}

impl Entry for Money {
    fn number(self) -> f64 {
        self.amount()
    }
    fn unit(self) -> Unit {
        Unit { text: self.currency().to_string(), currency: Some(self.currency()) }
    }
}

/// A number with a unit that has no type of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plain(pub f64, pub &'static str);

impl Entry for Plain {
    fn number(self) -> f64 {
        self.0
    }
    fn unit(self) -> Unit {
        self.1.into()
    }
}

/// A day as spreadsheets count it: days since the end of 1899, with a leap day that 1900 did not have.
fn serial(date: Date) -> f64 {
    "2000-01-01".parse::<Date>().map_or(0.0, |day| 36_526.0 + day.until(date).get() / 86_400.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Provenance;

    #[test]
    fn inputs_are_named_by_what_they_are() {
        assert_eq!(name("GPUs per person"), "gpus_per_person");
        assert_eq!(name("price of dgx-h100"), "price_of_dgx_h100");
        let mut sheet = Sheet::default();
        let given = Sourced::new((), Provenance::Given, "cluster file");
        sheet.enter("electricity", Range::exact("0.4 CNY/kWh".parse::<EnergyPrice>().unwrap()), &given);
        sheet.enter("electricity", Range::exact("9 CNY/kWh".parse::<EnergyPrice>().unwrap()), &given);
        assert_eq!(sheet.inputs.len(), 1);
        let input = &sheet.inputs[0];
        assert_eq!((input.number.value, input.unit.as_str()), (0.4, "CNY/kWh"));
        assert_eq!(input.currency.map(|currency| currency.to_string()).as_deref(), Some("CNY"));
    }

    #[test]
    fn days_are_counted_as_spreadsheets_do() {
        assert_eq!("2026-11-25".parse::<Date>().unwrap().number(), 46_351.0);
    }
}
