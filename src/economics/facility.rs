//! Space, power distribution and cooling around a GPU: built, or rented by the kilowatt.

use super::capital::annuity;
use crate::units::{GpuPrice, GpuYearPrice, PowerMonthPrice, PowerPrice, Seconds, Share, Watts, YearlyRate};

/// What it takes to house `power` of IT at a build price per watt.
#[must_use]
pub fn build(power: Watts, price: PowerPrice) -> GpuPrice {
    GpuPrice::new(power * price)
}

/// A year of a built site: an annuity over the life of its plant, with nothing left at the end.
#[must_use]
pub fn built(power: Watts, price: PowerPrice, rate: YearlyRate, life: Seconds) -> GpuYearPrice {
    build(power, price) * annuity(rate, life, Share::ZERO)
}

/// A year in a rented one; its electricity is metered on top.
#[must_use]
pub fn rented(power: Watts, price: PowerMonthPrice) -> GpuYearPrice {
    GpuYearPrice::each_of(power * price, 1)
}

/// Numbers of economics.md, section 1.3: an H100 with its share of network and storage draws 1.37 kW.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Money;

    const H100: Watts = Watts::new(1370.0);

    #[test]
    fn a_built_site() {
        let price: PowerPrice = "12 M USD/MW".parse().unwrap();
        assert_eq!(build(H100, price).per_unit(), Money::usd(16_440.0));
        let hour = built(H100, price, YearlyRate::new(0.08), Seconds::YEAR * 15.0).hourly();
        assert!((hour.per_unit().amount() - 0.219).abs() < 5e-4);
    }

    #[test]
    fn a_rented_one() {
        for (price, wanted) in [("130 USD/kW-month", 0.244), ("184 USD/kW-month", 0.345), ("217.30 USD/kW-month", 0.408)] {
            let hour = rented(H100, price.parse().unwrap()).hourly().per_unit().amount();
            assert!((hour - wanted).abs() < 6e-4, "{price}: {hour}");
        }
    }
}
