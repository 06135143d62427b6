//! Money that is known to lie between two bounds.

use std::fmt;
use std::ops::Mul;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Currency, Money, grouped, significant};

/// An amount of money with the bounds it was seen between, all in one currency: `low <= value <= high`.
///
/// Sums add bound to bound, which is what a buyer can be sure of: the cheapest and the dearest that everything together can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoneyInterval {
    low: f64,
    value: f64,
    high: f64,
    currency: Currency,
}

impl MoneyInterval {
    /// An amount that is known.
    #[must_use]
    pub const fn exact(money: Money) -> Self {
        Self { low: money.amount(), value: money.amount(), high: money.amount(), currency: money.currency() }
    }

    /// Between two bounds, in either order, with the middle as the value; nothing when the currencies differ.
    #[must_use]
    pub fn between(a: Money, b: Money) -> Option<Self> {
        let middle = a.plus(b)? * 0.5;
        Self::around(middle, a, b)
    }

    /// A value and two bounds, in any order; nothing when the currencies differ.
    #[must_use]
    pub fn around(value: Money, a: Money, b: Money) -> Option<Self> {
        let currency = value.currency();
        if a.currency() != currency || b.currency() != currency {
            return None;
        }
        let [a, value, b] = [a, value, b].map(Money::amount);
        Some(Self { low: a.min(b).min(value), value, high: a.max(b).max(value), currency })
    }

    /// Nothing of a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { low: 0.0, value: 0.0, high: 0.0, currency }
    }

    /// The least that it can be.
    #[must_use]
    pub const fn low(self) -> Money {
        Money::new(self.low, self.currency)
    }

    /// What it is taken for.
    #[must_use]
    pub const fn value(self) -> Money {
        Money::new(self.value, self.currency)
    }

    /// The most that it can be.
    #[must_use]
    pub const fn high(self) -> Money {
        Money::new(self.high, self.currency)
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the bounds are the value.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.low >= self.high
    }

    /// The sum, bound by bound; nothing when the currencies differ.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        (self.currency == other.currency).then_some(Self {
            low: self.low + other.low,
            value: self.value + other.value,
            high: self.high + other.high,
            currency: self.currency,
        })
    }

    /// The same in `currency`, at `rate` units of it for one unit of this one.
    #[must_use]
    pub fn convert(self, currency: Currency, rate: f64) -> Self {
        Self { currency, ..self * rate }
    }
}

impl Mul<f64> for MoneyInterval {
    type Output = Self;
    /// A count of it; a negative count turns the bounds round.
    fn mul(self, by: f64) -> Self {
        let [a, value, b] = [self.low, self.value, self.high].map(|amount| amount * by);
        Self { low: a.min(b), value, high: a.max(b), currency: self.currency }
    }
}

impl fmt::Display for MoneyInterval {
    /// The value, and the bounds behind it where there are any: `36,000 USD (36,000 to 38,000)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_exact() {
            return self.value().fmt(f);
        }
        let bound = |amount: f64| if amount.abs() >= 1000.0 { grouped(amount, 0) } else { significant(amount, 3) };
        write!(f, "{} ({} to {})", self.value(), bound(self.low), bound(self.high))
    }
}

impl Serialize for MoneyInterval {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("MoneyInterval", 4)?;
        fields.serialize_field("low", &self.low)?;
        fields.serialize_field("value", &self.value)?;
        fields.serialize_field("high", &self.high)?;
        fields.serialize_field("currency", self.currency.code())?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_add_up() {
        let switch = MoneyInterval::around(Money::usd(36_000.0), Money::usd(36_000.0), Money::usd(38_000.0)).unwrap();
        let node = MoneyInterval::between(Money::usd(375_000.0), Money::usd(230_000.0)).unwrap();
        let sum = (switch * 2.0).plus(node).unwrap();
        assert_eq!(sum.to_string(), "374,500 USD (302,000 to 451,000)");
        assert_eq!(MoneyInterval::exact(Money::usd(12.0)).to_string(), "12.0 USD");
    }

    #[test]
    fn currencies_do_not_mix() {
        let yuan = Money::new(700.0, "CNY".parse().unwrap());
        assert_eq!(MoneyInterval::between(yuan, Money::usd(100.0)), None);
        let exact = MoneyInterval::exact(yuan);
        assert_eq!(exact.plus(MoneyInterval::zero(Currency::USD)), None);
        assert_eq!(exact.convert(Currency::USD, 0.125).value(), Money::usd(87.5));
    }
}
