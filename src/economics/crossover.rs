//! Owning against renting, one machine against a dearer one: where the two cost the same.

use crate::units::HourlyPrice;

/// Hours of a year.
const YEAR: f64 = 8766.0;

/// Hours of a year from which owning costs less than renting: `rent x h > fixed cost + running cost x h`.
///
/// `owned` is the cost of every hour, used or not; `running` the part of it that is only paid in used hours. None where rent does
/// not even pay for what an hour draws; more than a year has where renting is always cheaper.
#[must_use]
pub fn hours_per_year(rent: HourlyPrice, owned: HourlyPrice, running: HourlyPrice) -> Option<f64> {
    let [rent, owned, running] = [rent, owned, running].map(|price| price.per_unit().amount());
    (rent > running).then(|| YEAR * (owned - running).max(0.0) / (rent - running))
}

/// How much faster the dearer of two GPUs must be to cost no more for the same work.
#[must_use]
pub fn break_even_speed_up(dearer: HourlyPrice, cheaper: HourlyPrice) -> f64 {
    dearer.per_unit().amount() / cheaper.per_unit().amount()
}

/// Profit over the price: never more than all of it.
#[must_use]
pub fn margin(cost: f64, price: f64) -> f64 {
    (price - cost) / price
}

/// Profit over the cost.
#[must_use]
pub fn mark_up(cost: f64, price: f64) -> f64 {
    (price - cost) / cost
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> HourlyPrice {
        text.parse().unwrap()
    }

    #[test]
    fn owning_pays_from_so_many_hours() {
        let hours = hours_per_year(price("2.35 USD/GPU-h"), price("1.69 USD/GPU-h"), price("0.137 USD/GPU-h")).unwrap();
        // At those hours both cost the same.
        assert!((2.35 * hours - (1.553 * 8766.0 + 0.137 * hours)).abs() < 1e-6);
        assert!((hours / 8766.0 - 0.7018).abs() < 1e-4);
        assert_eq!(hours_per_year(price("0.10 USD/GPU-h"), price("1 USD/GPU-h"), price("0.137 USD/GPU-h")), None);
        let never = hours_per_year(price("1.30 USD/GPU-h"), price("1.69 USD/GPU-h"), price("0.137 USD/GPU-h")).unwrap();
        assert!(never > 8766.0);
    }

    #[test]
    fn an_h200_has_to_be_faster() {
        // public-claims H4: 1.41 over 1.30 USD an hour.
        assert!((break_even_speed_up(price("1.41 USD/GPU-h"), price("1.30 USD/GPU-h")) - 1.085).abs() < 5e-4);
    }

    #[test]
    fn a_margin_is_not_a_mark_up() {
        // public-claims H5: 3,320 USD to make, 25,000 to 30,000 to buy.
        let percent = |share: f64| (share * 100.0).round();
        assert_eq!((percent(mark_up(3320.0, 25e3)), percent(mark_up(3320.0, 30e3))), (653.0, 804.0));
        assert_eq!((percent(margin(3320.0, 25e3)), percent(margin(3320.0, 30e3))), (87.0, 89.0));
    }
}
