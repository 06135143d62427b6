//! One currency for a sum, and what is said where a price is missing.

use serde::Serialize;

use crate::catalog::Catalog;
use crate::spec::Cluster;
use crate::units::{Currency, Money, MoneyInterval, Range};

/// A price that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("no price of {item} is known")]
pub struct MissingPrice {
    /// Of what.
    pub item: String,
    /// Where to put it.
    pub put: String,
}

impl MissingPrice {
    /// Of `item`; `put` says what to write where.
    #[must_use]
    pub fn new(item: impl Into<String>, put: impl Into<String>) -> Self {
        Self { item: item.into(), put: put.into() }
    }
}

/// A price, or what is missing of it.
pub type Priced<T> = Result<T, MissingPrice>;

/// Exchange rates of a cluster file and of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// Whose rates come first.
    pub cluster: &'a Cluster,
    /// Whose rates come next.
    pub catalog: &'a Catalog,
}

impl Exchange<'_> {
    fn rate(self, currency: Currency) -> Priced<f64> {
        let missing = || {
            let put = format!("add `currencies: [{{code: {currency}, usd: 1.0, date: 2026-11}}]` with the rate of a day");
            MissingPrice::new(format!("one {currency} in USD"), put)
        };
        self.cluster.usd_rate(currency, self.catalog).map(|rate| rate.value).ok_or_else(missing)
    }

    /// In US dollars.
    ///
    /// # Errors
    /// When no rate is known.
    pub fn usd(self, money: Money) -> Priced<Money> {
        Ok(money.convert(Currency::USD, self.rate(money.currency())?))
    }

    /// The value of a price and its ends, in US dollars.
    ///
    /// # Errors
    /// When no rate is known.
    pub fn each<T: Copy, U>(self, prices: Range<T>, money: impl Fn(T) -> Money, of: impl Fn(Money) -> U) -> Priced<Range<U>> {
        let rate = self.rate(money(prices.value).currency())?;
        Ok(prices.map(|price| of(money(price).convert(Currency::USD, rate))))
    }

    /// The same of money between bounds.
    ///
    /// # Errors
    /// When no rate is known.
    pub fn interval(self, money: MoneyInterval) -> Priced<Range<Money>> {
        self.each(Range::new(money.low(), money.value(), money.high()), |money| money, |money| money)
    }
}
