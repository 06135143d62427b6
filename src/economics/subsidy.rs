//! Subsidies: a part of a line or an amount, up to a cap, for as long as they last.

use crate::units::{Date, Seconds};

/// What is paid by somebody else; amounts in one currency, per GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Subsidy {
    /// Part of the line that is paid.
    pub percent: f64,
    /// An amount each year beside it.
    pub amount_per_year: f64,
    /// Most that is paid over the whole life.
    pub cap: Option<f64>,
    /// Last day on which it is paid.
    pub until: Option<Date>,
    /// Whether it is paid with the purchase, all or nothing, instead of month by month.
    pub once: bool,
}

impl Subsidy {
    /// What it pays each year of a life that starts at `start`, on the mean, for a line that costs `per_year`. It never pays more than
    /// the line.
    #[must_use]
    pub fn per_year(&self, per_year: f64, start: Option<Date>, life: Seconds) -> f64 {
        let lasts = match (start, self.until) {
            (Some(start), Some(until)) if self.once => f64::from(u8::from(start <= until)),
            (Some(start), Some(until)) => (start.until(until) / life).clamp(0.0, 1.0),
            _ => 1.0,
        };
        let paid = (per_year * self.percent + self.amount_per_year).min(per_year) * lasts;
        self.cap.map_or(paid, |cap| paid.min(cap / life.years()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Subsidy = Subsidy { percent: 0.5, amount_per_year: 0.0, cap: None, until: None, once: false };

    fn date(text: &str) -> Option<Date> {
        text.parse().ok()
    }

    #[test]
    fn half_of_the_power_bill() {
        // economics.md, section 10, and public-claims G7: up to 50 % of it in Chinese hubs of 2025, from 0.8 to 0.4 CNY/kWh.
        let five = Seconds::YEAR * 5.0;
        assert_eq!(0.8 - HALF.per_year(0.8, None, five), 0.4);
    }

    #[test]
    fn it_ends_on_its_day() {
        let four = Seconds::YEAR * 4.0;
        let ends = Subsidy { until: date("2027-11-01"), ..HALF };
        let paid = ends.per_year(1000.0, date("2026-11-01"), four);
        assert!((paid - 125.0).abs() < 0.2, "a year of four: {paid}");
        assert_eq!(ends.per_year(1000.0, date("2028-01-01"), four), 0.0);
        let once = Subsidy { once: true, ..ends };
        assert_eq!(once.per_year(1000.0, date("2026-11-01"), four), 500.0);
        assert_eq!(once.per_year(1000.0, date("2028-01-01"), four), 0.0);
        assert_eq!(ends.per_year(1000.0, date("2020-01-01"), Seconds::YEAR), 500.0);
    }

    #[test]
    fn it_stops_at_its_cap_and_at_the_bill() {
        let five = Seconds::YEAR * 5.0;
        assert_eq!(Subsidy { cap: Some(1000.0), ..HALF }.per_year(1000.0, None, five), 200.0);
        let amount = Subsidy { percent: 0.0, amount_per_year: 5000.0, ..HALF };
        assert_eq!(amount.per_year(1000.0, None, five), 1000.0);
    }
}
