//! Money, power and GPUs, turned into each other; which of two limits binds.

use serde::Serialize;

use crate::units::{GpuPrice, Money, PowerPrice, Watts};

/// What limits a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// The money.
    Budget,
    /// The site's power.
    Power,
}

/// What a budget buys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Purchase {
    /// Whole GPUs.
    pub gpus: f64,
    /// What they draw at the site's meter.
    #[serde(rename = "site_power_w")]
    pub power: Watts,
    /// What they cost.
    pub capital: Money,
    /// What there could be no more of.
    pub limit: Limit,
}

/// As many GPUs as `budget` pays for and, where there is one, a site limit carries; money in one currency.
#[must_use]
pub fn buy(budget: Money, each: GpuPrice, power: Watts, site_limit: Option<Watts>) -> Purchase {
    let paid = budget.amount() / each.per_unit().amount();
    let carried = site_limit.map_or(f64::INFINITY, |limit| limit / power);
    let gpus = paid.min(carried).floor();
    let limit = if carried < paid { Limit::Power } else { Limit::Budget };
    Purchase { gpus, power: power * gpus, capital: each.per_unit() * gpus, limit }
}

/// The power of a site that `budget` builds, at a price per watt with or without what stands in it.
#[must_use]
pub fn power_for(budget: Money, price: PowerPrice) -> Watts {
    Watts::new(budget.amount() / price.per_unit().amount())
}

/// Numbers of public-claims.md.
#[cfg(test)]
mod tests {
    use super::*;

    /// An H100 with its share of network and storage, PUE left out.
    const H100: Watts = Watts::new(1370.0);

    fn usd(amount: f64) -> Money {
        Money::usd(amount)
    }

    #[test]
    fn fifty_billion_a_year() {
        // H10: 1.25 GW at 40 M USD/MW, GPUs included, or 1.06 M GPUs at 47,000 USD.
        assert_eq!(power_for(usd(50e9), "40 M USD/MW".parse().unwrap()).get(), 1.25e9);
        let bought = buy(usd(50e9), GpuPrice::new(usd(47_000.0)), H100, None);
        assert!((bought.gpus / 1.06e6 - 1.0).abs() < 5e-3 && bought.limit == Limit::Budget);
        // T7: 300 billion a year are 7.5 GW.
        assert_eq!(power_for(usd(6e12 / 20.0), "40 M USD/MW".parse().unwrap()).get(), 7.5e9);
    }

    #[test]
    fn a_hundred_billion() {
        // T6: 2.0 M GPUs at 50,000 USD; with 1.37 kW of IT each, 2.7 GW (told as 2.8).
        let bought = buy(usd(100e9), GpuPrice::new(usd(50_000.0)), H100, None);
        assert_eq!(bought.gpus, 2e6);
        assert!((bought.power.get() - 2.74e9).abs() < 1e6);
        let bound = buy(usd(100e9), GpuPrice::new(usd(50_000.0)), H100, Some(Watts::new(1e9)));
        assert!(bound.limit == Limit::Power && bound.power.get() <= 1e9 && bound.gpus == 729_927.0);
        assert_eq!(bound.capital, usd(729_927.0 * 50_000.0));
    }

    #[test]
    fn the_fleet_of_2023() {
        // H8: 650,000 H100 are 1.1 GW at a PUE of 1.25, and 31 billion USD at 47,000 each.
        let all = buy(usd(650_000.0 * 47_000.0), GpuPrice::new(usd(47_000.0)), H100 * 1.25, None);
        assert_eq!(all.gpus, 650_000.0);
        assert!((all.power.get() / 1.1e9 - 1.0).abs() < 0.02 && (all.capital.amount() / 31e9 - 1.0).abs() < 0.02);
    }
}
