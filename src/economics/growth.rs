//! Demand that doubles, and what is bought for it in phases.

use crate::units::Seconds;

/// Demand that doubles in a fixed time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// Demand now, in any unit.
    pub now: f64,
    /// Time in which it doubles.
    pub doubling: Seconds,
}

impl Growth {
    /// Demand at a later time, `D0 x 2^(t / T)`.
    #[must_use]
    pub fn at(&self, after: Seconds) -> f64 {
        self.now * (after / self.doubling).exp2()
    }

    /// What the demand of a year is to that of the year before.
    #[must_use]
    pub fn per_year(&self) -> f64 {
        (Seconds::YEAR / self.doubling).exp2()
    }

    /// The growth that made `first` into `last` over `time`; none where it did not grow.
    #[must_use]
    pub fn implied(first: f64, last: f64, time: Seconds) -> Option<Self> {
        let doublings = (last / first).log2();
        (doublings > 0.0).then(|| Self { now: first, doubling: time / doublings })
    }

    /// When demand reaches `capacity`: the date of the shortfall. Zero where it is there already.
    #[must_use]
    pub fn reaches(&self, capacity: f64) -> Seconds {
        self.doubling * (capacity / self.now).log2().max(0.0)
    }

    /// What to order at a time: demand when it is delivered, with headroom, less what will be installed by then.
    #[must_use]
    pub fn order(&self, at: Seconds, lead: Seconds, headroom: f64, installed: f64, retired: f64) -> f64 {
        (self.at(at + lead) * (1.0 + headroom) - installed + retired).max(0.0)
    }
}

/// Numbers of economics.md, section 3, and of public-claims.md, section 4.
#[cfg(test)]
mod tests {
    use super::*;

    fn months(months: f64) -> Seconds {
        Seconds::YEAR * (months / 12.0)
    }

    fn growth(doubling: f64) -> Growth {
        Growth { now: 1.0, doubling: months(doubling) }
    }

    #[test]
    fn growth_a_year() {
        // G1, G2 and G3: 1.48, 2.32 and 4.30 times a year are what runs showed; 64 and 4,096 are what was said of 2023.
        for (doubling, wanted) in [(21.3, 1.48), (9.9, 2.32), (5.7, 4.30), (2.0, 64.0), (1.0, 4096.0)] {
            let is = growth(doubling).per_year();
            assert!((is / wanted - 1.0).abs() < 3e-3, "{doubling} months: {is}");
        }
    }

    #[test]
    fn growth_that_two_models_imply() {
        // G3: from GPT-3 to GPT-4 66.9 times in 33.5 months, which is a doubling in 5.5.
        let implied = Growth::implied(1.0, 66.9, months(33.5)).unwrap();
        assert!((implied.doubling / months(1.0) - 5.5).abs() < 0.05);
        assert_eq!(Growth::implied(2.0, 1.0, months(12.0)), None);
    }

    #[test]
    fn five_years_of_it() {
        for (doubling, wanted) in [(21.3, 7.0), (9.9, 67.0), (5.7, 1475.0), (2.0, 1.1e9)] {
            let is = growth(doubling).at(months(60.0));
            assert!((is / wanted - 1.0).abs() < 0.03, "{doubling} months: {is}");
        }
    }

    #[test]
    fn cost_that_doubles_in_nine_months() {
        // economics.md, section 3: 2.4 (to 2.5) times a year.
        assert!((growth(9.0).per_year() - 2.52).abs() < 5e-3);
    }

    #[test]
    fn the_day_of_the_shortfall() {
        let demand = Growth { now: 200.0, doubling: months(12.0) };
        assert!((demand.reaches(800.0) / months(24.0) - 1.0).abs() < 1e-12);
        assert_eq!(demand.reaches(100.0), Seconds::ZERO);
    }

    #[test]
    fn an_order_looks_ahead_by_its_lead_time() {
        let demand = Growth { now: 100.0, doubling: months(12.0) };
        assert!((demand.order(months(0.0), months(12.0), 0.1, 100.0, 10.0) - 130.0).abs() < 1e-9);
        assert_eq!(demand.order(months(0.0), months(0.0), 0.0, 150.0, 0.0), 0.0);
    }
}
