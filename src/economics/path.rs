//! How a price moves: constant decline, Wright's law, price-performance progress, or a list of dates.
//!
//! Prices move both ways. An H100 rented for 8 to 12 USD an hour in 2023, 1.70 in October 2025 and 2.35 in March 2026; only a list
//! of dates draws that.

use crate::spec::PricePath;
use crate::units::{Date, HourlyPrice, Money, Seconds, Share};

/// Wright's exponent `b` for a learning rate, by which each doubling of what was ever made lowers the price: `1 - 2^-b`.
#[must_use]
pub fn wright_exponent(learning: Share) -> f64 {
    -(1.0 - learning.get()).log2()
}

/// The price `after` the start. `price` is that of the start, where the path has no prices of its own; a list needs the `start`.
#[must_use]
pub fn at(path: &PricePath, price: HourlyPrice, start: Option<Date>, after: Seconds) -> HourlyPrice {
    let years = after.years();
    match path {
        PricePath::Constant => price,
        PricePath::Decline(rate) => price * (1.0 - rate.get()).max(0.0).powf(years),
        PricePath::Progress(rate) => price * (1.0 + rate.get()).powf(-years),
        PricePath::Wright { learning, growth } => price * (1.0 + growth.get()).powf(-wright_exponent(*learning) * years),
        PricePath::Dated(list) => start.and_then(|start| dated(list, start, after)).unwrap_or(price),
    }
}

/// On the line between the two dates around it; level before the first and after the last.
fn dated(list: &[(Date, HourlyPrice)], start: Date, after: Seconds) -> Option<HourlyPrice> {
    let time = |i: usize| start.until(list[i].0);
    let amount = |i: usize| list[i].1.per_unit().amount();
    match (0..list.len()).find(|i| time(*i) >= after) {
        Some(0) => list.first().map(|(_, price)| *price),
        None => list.last().map(|(_, price)| *price),
        Some(next) => {
            let part = (after - time(next - 1)) / (time(next) - time(next - 1));
            let between = amount(next - 1) + (amount(next) - amount(next - 1)) * part;
            Some(HourlyPrice::new(Money::new(between, list[next].1.per_unit().currency())))
        }
    }
}

/// The mean price over `time`, month by month.
#[must_use]
pub fn mean(path: &PricePath, price: HourlyPrice, start: Option<Date>, time: Seconds) -> HourlyPrice {
    if *path == PricePath::Constant {
        return price;
    }
    let months = (time.years() * 12.0).ceil().clamp(1.0, 1200.0) as u32;
    let middle = |month: u32| time * ((f64::from(month) + 0.5) / f64::from(months));
    let prices: Vec<Money> = (0..months).map(|month| at(path, price, start, middle(month)).per_unit()).collect();
    let sum: f64 = prices.iter().map(|price| price.amount()).sum();
    HourlyPrice::new(Money::new(sum / f64::from(months), prices[0].currency()))
}

/// Numbers of economics.md, section 2.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::YearlyRate;

    fn price(text: &str) -> HourlyPrice {
        text.parse().unwrap()
    }

    fn amount(path: &PricePath, years: f64) -> f64 {
        at(path, price("1 USD/GPU-h"), None, Seconds::YEAR * years).per_unit().amount()
    }

    #[test]
    fn a_constant_decline() {
        let path = PricePath::Decline(YearlyRate::new(0.2));
        assert!((amount(&path, 3.0) - 0.512).abs() < 1e-12);
        assert_eq!(amount(&PricePath::Constant, 3.0), 1.0);
    }

    #[test]
    fn wrights_law() {
        // b = 0.234 is a learning rate of 15 %.
        assert!((1.0 - 2f64.powf(-0.234) - 0.15).abs() < 5e-4);
        assert!((wright_exponent(Share::new(0.15)) - 0.234).abs() < 5e-4);
        let path = PricePath::Wright { learning: Share::new(0.15), growth: YearlyRate::new(1.0) };
        assert!((amount(&path, 2.0) - 0.85 * 0.85).abs() < 1e-12);
    }

    #[test]
    fn performance_per_dollar_doubles_in_2_15_years() {
        let path = PricePath::Progress(YearlyRate::new(0.38));
        assert!((amount(&path, 2.15) - 0.5).abs() < 5e-4);
    }

    #[test]
    fn a_rent_that_falls_and_rises() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let list = vec![
            (day("2024-10"), price("2.99 USD/GPU-h")),
            (day("2025-10"), price("1.70 USD/GPU-h")),
            (day("2026-03"), price("2.35 USD/GPU-h")),
            (day("2026-05"), price("2.95 USD/GPU-h")),
        ];
        let path = PricePath::Dated(list);
        let on = |start: &str| at(&path, price("9 USD/GPU-h"), Some(day(start)), Seconds::ZERO).per_unit().amount();
        assert_eq!((on("2023-01"), on("2025-10"), on("2027-01")), (2.99, 1.70, 2.95));
        assert!((on("2025-04-02") - f64::midpoint(2.99, 1.70)).abs() < 0.01);
        let year = mean(&path, price("9 USD/GPU-h"), Some(day("2025-10")), Seconds::YEAR).per_unit().amount();
        assert!(year > 1.70 && year < 2.95, "{year}");
    }

    #[test]
    fn the_mean_of_a_decline() {
        let path = PricePath::Decline(YearlyRate::new(0.2));
        let mean = mean(&path, price("1 USD/GPU-h"), None, Seconds::YEAR * 5.0).per_unit().amount();
        let exact = (1.0 - 0.8f64.powi(5)) / (5.0 * -(0.8f64.ln()));
        assert!((mean - exact).abs() < 1e-4);
    }
}
