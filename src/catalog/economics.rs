//! Prices, lives, rates and ratios that a cost is computed from where a cluster file does not say, each with source and date.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{PriceClass, Provenance, Sourced};
use crate::units::{EnergyPrice, GpuYearPrice, PowerMonthPrice, PowerPrice, Range, Seconds, Share, YearlyPrice, YearlyRate};

/// One figure of economics, with the range in which it was seen.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Figure<T> {
    /// The name that files refer to.
    pub name: String,
    /// What it is.
    pub what: String,
    /// What is planned with.
    pub value: T,
    /// Lowest seen.
    #[serde(default)]
    pub low: Option<T>,
    /// Highest seen.
    #[serde(default)]
    pub high: Option<T>,
    /// What kind of price it is.
    #[serde(default)]
    pub class: Option<PriceClass>,
    /// When it held.
    pub date: String,
    /// Who says so.
    pub source: String,
    /// Whether no source was seen: from experience, or derived.
    #[serde(default)]
    pub assumed: bool,
}

impl<T: Copy> Figure<T> {
    /// The value between its ends.
    pub fn range(&self) -> Range<T> {
        Range::new(self.low.unwrap_or(self.value), self.value, self.high.unwrap_or(self.value))
    }

    /// As what it is taken for in place of something that nobody gave: an assumption, with its source.
    pub fn assumption(&self) -> Sourced<Range<T>> {
        let class = self.class.map(|class| format!("{}, ", class.as_str())).unwrap_or_default();
        let source = format!("{} ({class}{}): {}", self.what, self.date, self.source);
        Sourced::new(self.range(), Provenance::Assumed, source).seen(self.class, self.date.clone())
    }
}

/// The figure of that name.
pub fn named<'a, T>(figures: &'a [Figure<T>], name: &str) -> Option<&'a Figure<T>> {
    figures.iter().find(|figure| figure.name == name)
}

/// Figures of economics, by what they are counted in.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Economics {
    /// Electricity by region.
    pub tariffs: Vec<Figure<EnergyPrice>>,
    /// Demand charges.
    pub demand: Vec<Figure<PowerMonthPrice>>,
    /// What a site costs to build, without what stands in it.
    pub build: Vec<Figure<PowerPrice>>,
    /// Space with power, rented; energy is metered on top.
    pub colocation: Vec<Figure<PowerMonthPrice>>,
    /// Years over which things are paid for.
    pub lives: Vec<Figure<Seconds>>,
    /// Interest, maintenance, insurance, progress.
    pub rates: Vec<Figure<YearlyRate>>,
    /// Utilisation, residual value, parts of prices.
    pub shares: Vec<Figure<Share>>,
    /// PUE, GPUs that a person looks after.
    pub ratios: Vec<Figure<f64>>,
    /// What a person costs.
    pub pay: Vec<Figure<YearlyPrice>>,
    /// Licences.
    pub software: Vec<Figure<GpuYearPrice>>,
}

impl Economics {
    /// These figures with those of `other` added, or put in place of those of the same name.
    pub(super) fn merge(&mut self, other: Self) {
        fn into<T>(figures: &mut Vec<Figure<T>>, from: Vec<Figure<T>>) {
            super::merge(figures, from, |a, b| a.name == b.name);
        }
        into(&mut self.tariffs, other.tariffs);
        into(&mut self.demand, other.demand);
        into(&mut self.build, other.build);
        into(&mut self.colocation, other.colocation);
        into(&mut self.lives, other.lives);
        into(&mut self.rates, other.rates);
        into(&mut self.shares, other.shares);
        into(&mut self.ratios, other.ratios);
        into(&mut self.pay, other.pay);
        into(&mut self.software, other.software);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn ordered<T: Copy + PartialOrd + std::fmt::Debug>(figures: &[Figure<T>]) {
        for (i, figure) in figures.iter().enumerate() {
            let range = figure.range();
            assert!(range.low <= range.value && range.value <= range.high, "{}: {range:?}", figure.name);
            assert!(!figure.source.is_empty() && !figure.date.is_empty(), "{}", figure.name);
            assert!(figures[..i].iter().all(|other| other.name != figure.name), "{} twice", figure.name);
        }
    }

    #[test]
    fn figures_lie_between_their_ends() {
        let e = &Catalog::embedded().economics;
        ordered(&e.lives);
        ordered(&e.rates);
        ordered(&e.shares);
        ordered(&e.ratios);
        let amounts = |money: Vec<Range<f64>>| assert!(money.iter().all(|r| r.low <= r.value && r.value <= r.high));
        amounts(e.tariffs.iter().map(|f| f.range().map(|p| p.per_unit().amount())).collect());
        amounts(e.build.iter().map(|f| f.range().map(|p| p.per_unit().amount())).collect());
        amounts(e.colocation.iter().map(|f| f.range().map(|p| p.per_unit().amount())).collect());
        amounts(e.demand.iter().map(|f| f.range().map(|p| p.per_unit().amount())).collect());
        amounts(e.pay.iter().map(|f| f.range().map(|p| p.per_unit().amount())).collect());
        amounts(e.software.iter().map(|f| f.range().map(|p| p.per_unit().amount())).collect());
    }

    #[test]
    fn power_for_industry_is_cheaper_than_what_was_told() {
        // public-claims E4: 0.87 CNY/kWh is 1.5 to 1.6 times what industry paid in the United States in 2023 and 2024.
        let us = |year: &str| {
            let figure = named(&Catalog::embedded().economics.tariffs, year).unwrap();
            figure.value.per_unit().amount() * 7.1
        };
        assert!((0.87 / us("us-2023") - 1.52).abs() < 0.01 && (0.87 / us("us-2024") - 1.59).abs() < 0.01);
    }
}
