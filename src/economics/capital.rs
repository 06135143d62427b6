//! What capital costs each year, as a part of its price: straight line, annuity, replacement value.
//!
//! The same rates serve a GPU and the building around it; only price, life and rate of interest differ.

use crate::units::{Seconds, Share, YearlyRate};

/// Book depreciation: the price less what is left at the end, in equal parts over the life, `(1 - S) / L`.
#[must_use]
pub fn straight_line(life: Seconds, residual: Share) -> YearlyRate {
    YearlyRate::new((1.0 - residual.get()) / life.years())
}

/// The capital recovery factor `r (1+r)^L / ((1+r)^L - 1)`: equal yearly payments that repay a loan at `rate` over `life`.
#[must_use]
pub fn recovery_factor(rate: YearlyRate, life: Seconds) -> YearlyRate {
    let (rate, years) = (rate.get(), life.years());
    if rate == 0.0 {
        return YearlyRate::new(1.0 / years);
    }
    // r / (1 - (1+r)^-L): the same, without the power that overflows.
    YearlyRate::new(rate / -(-years * rate.ln_1p()).exp_m1())
}

/// Depreciation with the cost of the capital that is tied up: `(1 - S / (1+r)^L) x recovery factor`.
#[must_use]
pub fn annuity(rate: YearlyRate, life: Seconds, residual: Share) -> YearlyRate {
    let left = residual.get() * (-life.years() * rate.get().ln_1p()).exp();
    recovery_factor(rate, life) * (1.0 - left)
}

/// Economic depreciation: what the same performance costs less each year, as performance per dollar grows by `progress`,
/// `ln(1 + progress)`. Epoch AI (arXiv:2405.21015) has 0.14 orders of magnitude a year, which is 38 % and makes 32.2 % of the price.
#[must_use]
pub fn replacement(progress: YearlyRate) -> YearlyRate {
    YearlyRate::new(progress.get().ln_1p())
}

/// The weighted average cost of capital, `E/V r_e + D/V r_d (1 - tax)`.
#[must_use]
pub fn wacc(equity: Share, return_on_equity: YearlyRate, interest: YearlyRate, tax: Share) -> YearlyRate {
    let debt = 1.0 - equity.get();
    return_on_equity * equity.get() + interest * (debt * (1.0 - tax.get()))
}

/// Today's value of payments at later times, `sum of cash / (1+r)^t`; all in one currency, what is paid negative.
#[must_use]
pub fn net_present_value(cash: impl IntoIterator<Item = (Seconds, f64)>, rate: YearlyRate) -> f64 {
    cash.into_iter().map(|(time, amount)| amount * (-time.years() * rate.get().ln_1p()).exp()).sum()
}

/// Numbers of economics.md, section 1.1.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{GpuPrice, Money};

    fn rate(percent: f64) -> YearlyRate {
        YearlyRate::new(percent / 100.0)
    }

    fn years(years: f64) -> Seconds {
        Seconds::YEAR * years
    }

    fn hourly(price: f64, charge: YearlyRate) -> f64 {
        (GpuPrice::new(Money::usd(price)) * charge).hourly().per_unit().amount()
    }

    #[test]
    fn recovery_factors() {
        for (percent, life, factor) in [(10.0, 4.0, 0.3155), (10.0, 5.0, 0.2638), (13.0, 5.0, 0.2843), (8.0, 6.0, 0.2163)] {
            assert!((recovery_factor(rate(percent), years(life)).get() - factor).abs() < 5e-5, "{percent} %, {life} years");
        }
        assert_eq!(recovery_factor(rate(0.0), years(4.0)).get(), 0.25);
        // Far from any market, and still a number.
        assert_eq!(recovery_factor(YearlyRate::new(1e28), years(1e6)).get(), 1e28);
    }

    #[test]
    fn the_capital_table() {
        let none = Share::ZERO;
        let row = |price: f64| {
            [
                hourly(price, straight_line(years(4.0), none)),
                hourly(price, straight_line(years(5.0), none)),
                hourly(price, annuity(rate(10.0), years(4.0), none)),
                hourly(price, annuity(rate(10.0), years(5.0), none)),
                hourly(price, annuity(rate(10.0), years(6.0), none)),
            ]
        };
        for (price, wanted) in
            [(35_000.0, [0.998, 0.799, 1.260, 1.053, 0.917]), (47_000.0, [1.340, 1.072, 1.691, 1.414, 1.231])]
        {
            for (is, wanted) in row(price).into_iter().zip(wanted) {
                assert!((is - wanted).abs() < 6e-4, "{price}: {is}, not {wanted}");
            }
        }
    }

    #[test]
    fn life_is_a_bigger_lever_than_electricity() {
        let of = |life| hourly(47_000.0, annuity(rate(10.0), years(life), Share::ZERO));
        assert!((of(3.0) - 2.16).abs() < 5e-3 && (of(6.0) - 1.23).abs() < 5e-3);
        assert!(of(3.0) - of(6.0) > 0.137);
    }

    #[test]
    fn replacement_value_falls_by_a_third_each_year() {
        let progress = YearlyRate::new(10f64.powf(0.14) - 1.0);
        assert!((progress.get() - 0.38).abs() < 5e-4);
        assert!((replacement(progress).get() - 0.322).abs() < 5e-4);
    }

    #[test]
    fn a_residual_value_is_discounted() {
        let (ten, five) = (rate(10.0), years(5.0));
        let kept = annuity(ten, five, Share::new(0.2)) / annuity(ten, five, Share::ZERO);
        assert!((kept - (1.0 - 0.2 / 1.1f64.powi(5))).abs() < 1e-12);
        assert!((straight_line(five, Share::new(0.2)).get() - 0.16).abs() < 1e-12);
    }

    #[test]
    fn capital_of_equity_and_debt() {
        let wacc = wacc(Share::new(0.4), rate(15.0), rate(9.0), Share::new(0.21));
        assert!((wacc.get() - (0.4 * 0.15 + 0.6 * 0.09 * 0.79)).abs() < 1e-12);
    }

    #[test]
    fn an_annuity_pays_its_price_back() {
        let payment = recovery_factor(rate(10.0), years(5.0)).get();
        let cash = (1..=5).map(|year| (years(f64::from(year)), payment));
        assert!((net_present_value(cash, rate(10.0)) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn servers_of_a_chat_service() {
        // public-claims I1: 30,000 A100 in nodes of eight at 199,000 USD are 746 M USD; 4,000 nodes are 796 M USD.
        let node = Money::usd(199_000.0);
        assert_eq!((node * (30_000.0 / 8.0)).amount(), 746_250_000.0);
        assert_eq!((node * 4_000.0).amount(), 796_000_000.0);
    }
}
