//! Money in a currency, and prices per energy and per GPU-hour.

use std::fmt;
use std::ops::Mul;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct};

use super::{QuantityError, grouped, number, significant};

/// An ISO 4217 currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// The currencies that prices may be written in. Rates to USD stand, dated, in the catalogue.
const CURRENCIES: [&str; 20] = [
    "AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "HKD", "INR", "JPY", "KRW", "NOK", "NZD", "PLN", "SEK", "SGD",
    "TWD", "USD", "ZAR",
];

/// More than all the money there is, in any currency.
const MOST: f64 = 1e18;

impl Currency {
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("USD")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        if let (true, Ok(code)) = (CURRENCIES.contains(&text), <[u8; 3]>::try_from(text.as_bytes())) {
            return Ok(Self(code));
        }
        let upper = text.to_ascii_uppercase();
        let hint = if CURRENCIES.contains(&upper.as_str()) {
            format!("write it in capitals: `{upper}`")
        } else {
            format!("use a three-letter code such as `USD` ({})", CURRENCIES.join(", "))
        };
        Err(QuantityError::new(format!("`{text}` is not a currency code that is known")).with_hint(hint))
    }
}

/// An amount of money in one currency. Amounts of different currencies are not added: convert first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Money {
    amount: f64,
    currency: Currency,
}

impl Money {
    /// `amount` units of `currency`.
    #[must_use]
    pub const fn new(amount: f64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// `amount` US dollars.
    #[must_use]
    pub const fn usd(amount: f64) -> Self {
        Self::new(amount, Currency::USD)
    }

    /// Units of the currency.
    #[must_use]
    pub const fn amount(self) -> f64 {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The same value in `currency`, at `rate` units of it for one unit of this one.
    #[must_use]
    pub fn convert(self, currency: Currency, rate: f64) -> Self {
        Self::new(self.amount * rate, currency)
    }

    /// The sum, or nothing when the currencies differ.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        (self.currency == other.currency).then(|| Self::new(self.amount + other.amount, self.currency))
    }
}

impl Mul<f64> for Money {
    type Output = Self;
    fn mul(self, by: f64) -> Self {
        Self::new(self.amount * by, self.currency)
    }
}

impl fmt::Display for Money {
    /// Three significant digits below 1,000; whole units with separators above: `391,360 CNY`, `2.50 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = if self.amount.abs() >= 1000.0 { grouped(self.amount, 0) } else { significant(self.amount, 3) };
        write!(f, "{number} {}", self.currency)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Money", 2)?;
        fields.serialize_field("amount", &self.amount)?;
        fields.serialize_field("currency", self.currency.code())?;
        fields.end()
    }
}

/// Splits `2.50 USD/GPU-hour` into money and what it is per (`GPU-hour`, or nothing).
fn split<'a>(text: &'a str, name: &str, example: &str) -> Result<(Money, Option<&'a str>), QuantityError> {
    if text.trim().starts_with(['$', '€', '¥', '£']) {
        return Err(QuantityError::new(format!("`{text}` starts with a currency sign, which several currencies share"))
            .with_hint(format!("write the currency code behind the number: `{example}`")));
    }
    let (amount, digits, unit) = number::split(text)?;
    if unit.is_empty() {
        return Err(QuantityError::without_unit(digits, name, "a currency code", example));
    }
    let (code, per) = unit.split_once('/').map_or((unit, None), |(code, per)| (code, Some(per.trim())));
    let (code, scale) = match code.trim().split_once(' ') {
        Some(("k", code)) => (code, 1e3),
        Some(("M", code)) => (code, 1e6),
        Some(("B", code)) => (code, 1e9),
        _ => (code.trim(), 1.0),
    };
    let currency: Currency = code.parse()?;
    if amount * scale > MOST {
        return Err(QuantityError::new(format!("`{text}` is too large to be meant")));
    }
    Ok((Money::new(amount * scale, currency), per))
}

macro_rules! priced {
    ($(#[$doc:meta])* $name:ident($kind:literal, $called:literal, $example:literal, $unit:literal, [$(($per:literal, $size:expr)),*])) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name(Money);

        impl $name {
            /// From the money for one unit.
            #[must_use]
            pub const fn new(per_unit: Money) -> Self { Self(per_unit) }
            /// The money for one unit.
            #[must_use]
            pub const fn per_unit(self) -> Money { self.0 }
        }

        impl FromStr for $name {
            type Err = QuantityError;
            fn from_str(text: &str) -> Result<Self, QuantityError> {
                let (money, per) = split(text, $called, $example)?;
                match per {
                    $(Some($per) => Ok(Self(money * (1.0 / $size))),)*
                    Some(other) => Err(QuantityError::new(format!("`/{other}` is not what {} is counted by", $called))
                        .with_hint(concat!("write it as in `", $example, "`"))),
                    None => Err(QuantityError::new(format!("`{text}` is money, not {}", $called))
                        .with_hint(concat!("write it as in `", $example, "`"))),
                }
            }
        }

        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, by: f64) -> Self { Self(self.0 * by) }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.0, $unit)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> { self.0.serialize(to) }
        }

        text_type!($name, $kind, $example);
    };
}

/// Deserialize from text and JSON Schema for a type that is written as text.
macro_rules! text_type {
    ($name:ident, $kind:literal, $example:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(super::quantity::Text(std::marker::PhantomData::<Self>))
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "x-quantity": $kind, "examples": [$example] })
            }
        }
    };
}

priced! {
    /// Money for a kilowatt-hour.
    EnergyPrice("energy-price", "a price per kilowatt-hour", "0.08 USD/kWh", "kWh", [("kWh", 1.0)])
}
priced! {
    /// Money for one GPU for one hour.
    HourlyPrice("gpu-hour-price", "a price per GPU-hour", "2.50 USD/GPU-hour", "GPU-h", [("GPU-hour", 1.0), ("GPU-h", 1.0)])
}
priced! {
    /// Money for one GPU, with what belongs to it.
    GpuPrice("gpu-price", "a price per GPU", "46000 USD/GPU", "GPU", [("GPU", 1.0)])
}
priced! {
    /// Money for one GPU for one year.
    GpuYearPrice("gpu-year-price", "a price per GPU-year", "4500 USD/GPU-year", "GPU-year", [("GPU-year", 1.0)])
}
priced! {
    /// Money for a watt of IT power: what a site costs to build.
    PowerPrice("power-price", "a price per watt", "12 USD/W", "W", [("W", 1.0), ("kW", 1e3), ("MW", 1e6)])
}
priced! {
    /// Money for a kilowatt for one month: a demand charge, or the rent of space with power.
    PowerMonthPrice("power-month-price", "a price per kilowatt and month", "184 USD/kW-month", "kW-month",
        [("kW-month", 1.0), ("MW-month", 1e3)])
}
priced! {
    /// Money for a year.
    YearlyPrice("yearly-price", "money per year", "130000 USD/year", "year", [("year", 1.0), ("month", 1.0 / 12.0)])
}

impl FromStr for Money {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        match split(text, "money", "310000 USD")? {
            (money, None) => Ok(money),
            (_, Some(per)) => Err(QuantityError::new(format!("`{text}` is a price per {per}, not an amount of money"))
                .with_hint("write it as in `310000 USD`")),
        }
    }
}

text_type!(Money, "money", "310000 USD");
text_type!(Currency, "currency", "CNY");

pub(super) fn check(kind: &str, text: &str) -> Option<Result<(), QuantityError>> {
    match kind {
        "energy-price" => Some(text.parse::<EnergyPrice>().map(|_| ())),
        "gpu-hour-price" => Some(text.parse::<HourlyPrice>().map(|_| ())),
        "gpu-price" => Some(text.parse::<GpuPrice>().map(|_| ())),
        "gpu-year-price" => Some(text.parse::<GpuYearPrice>().map(|_| ())),
        "power-price" => Some(text.parse::<PowerPrice>().map(|_| ())),
        "power-month-price" => Some(text.parse::<PowerMonthPrice>().map(|_| ())),
        "yearly-price" => Some(text.parse::<YearlyPrice>().map(|_| ())),
        "money" => Some(text.parse::<Money>().map(|_| ())),
        "currency" => Some(text.parse::<Currency>().map(|_| ())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_say_what_they_are_per() {
        assert_eq!("0.08 USD/kWh".parse::<EnergyPrice>().unwrap().to_string(), "0.0800 USD/kWh");
        assert!("0.08 USD/MWh".parse::<EnergyPrice>().is_err());
        assert!("0.08 USD".parse::<EnergyPrice>().is_err());
        assert!("0.08".parse::<EnergyPrice>().unwrap_err().needs_unit());
        assert_eq!("12 M USD/MW".parse::<PowerPrice>().unwrap().to_string(), "12.0 USD/W");
        assert_eq!("100 USD/month".parse::<YearlyPrice>().unwrap().to_string(), "1,200 USD/year");
        assert!("184 USD/kW".parse::<PowerMonthPrice>().unwrap_err().hint().unwrap().contains("184 USD/kW-month"));
        assert!("$2.50/GPU-hour".parse::<HourlyPrice>().unwrap_err().hint().unwrap().contains("2.50 USD/GPU-hour"));
    }

    #[test]
    fn currencies_do_not_add_up_unconverted() {
        let dollars = Money::usd(100.0);
        let yuan = Money::new(712.0, "CNY".parse().unwrap());
        assert_eq!(dollars.plus(yuan), None);
        assert_eq!(yuan.convert(Currency::USD, 1.0 / 7.12).plus(dollars).map(Money::amount), Some(200.0));
    }
}
