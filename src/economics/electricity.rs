//! The electricity bill: energy by period, demand with its ratchet and its floor, taxes, a fixed fee.

use crate::units::{Energy, EnergyPrice, HourlyPrice, Money, PowerMonthPrice, Seconds, Share, Watts};

/// A part of the week with its own price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeriodPrice {
    /// Part of the hours of a week.
    pub hours: Share,
    /// Price of energy in it.
    pub price: EnergyPrice,
}

/// What a supplier charges for; all prices in one currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Tariff {
    /// Prices of energy, whose hours make up the week; one of all hours for a flat price.
    pub periods: Vec<PeriodPrice>,
    /// Price of the billed demand.
    pub demand: Option<PowerMonthPrice>,
    /// Part of the highest demand of the last twelve months that is billed at least.
    pub ratchet: Share,
    /// Part of the contracted power that is billed at least.
    pub floor: Share,
    /// Taxes on all of it.
    pub taxes: f64,
    /// A fixed fee each month.
    pub fee: f64,
}

impl Tariff {
    /// Energy at one price, and nothing else.
    #[must_use]
    pub fn flat(price: EnergyPrice) -> Self {
        Self {
            periods: vec![PeriodPrice { hours: Share::new(1.0), price }],
            demand: None,
            ratchet: Share::ZERO,
            floor: Share::ZERO,
            taxes: 0.0,
            fee: 0.0,
        }
    }

    /// Price of energy that is drawn evenly over the week, before taxes.
    #[must_use]
    pub fn mean_price(&self) -> EnergyPrice {
        let currency = self.periods.first().map_or(crate::units::Currency::USD, |period| period.price.per_unit().currency());
        let amount = self.periods.iter().map(|period| period.price.per_unit().amount() * period.hours.get()).sum();
        EnergyPrice::new(Money::new(amount, currency))
    }
}

/// What a month draws, and what is reserved for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Month {
    /// Energy, drawn evenly.
    pub energy: Energy,
    /// Highest mean power of fifteen minutes.
    pub peak: Watts,
    /// Contracted power, drawn or not.
    pub contract: Watts,
}

impl Month {
    /// How long it is: a twelfth of a year.
    pub const LENGTH: Seconds = Seconds::new(Seconds::YEAR.get() / 12.0);

    /// A month at an even power, nothing contracted.
    #[must_use]
    pub fn even(power: Watts) -> Self {
        Self { energy: power * Self::LENGTH, peak: power, contract: Watts::ZERO }
    }

    /// The same with a contract.
    #[must_use]
    pub fn contracted(self, contract: Watts) -> Self {
        Self { contract, ..self }
    }
}

/// The bill of a month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bill {
    /// Power that demand is billed for: the peak, or more by ratchet or floor.
    pub billed: Watts,
    /// Energy.
    pub energy: f64,
    /// Demand.
    pub demand: f64,
    /// Taxes and the fixed fee.
    pub other: f64,
}

impl Bill {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.energy + self.demand + self.other
    }
}

/// The bills of months in their order, in the currency of the prices.
#[must_use]
pub fn bills(tariff: &Tariff, months: &[Month]) -> Vec<Bill> {
    let price = tariff.mean_price();
    let peaks: Vec<f64> = months.iter().map(|month| month.peak.get()).collect();
    let bill = |(i, month): (usize, &Month)| {
        let highest = peaks[i.saturating_sub(11)..=i].iter().copied().fold(0.0, f64::max);
        let billed = month.peak.max(month.contract * tariff.floor.get()).max(Watts::new(highest * tariff.ratchet.get()));
        let energy = (month.energy * price).amount();
        let demand = tariff.demand.map_or(0.0, |price| (billed * price).per_unit().amount() / 12.0);
        Bill { billed, energy, demand, other: tariff.taxes * (energy + demand + tariff.fee) + tariff.fee }
    };
    months.iter().enumerate().map(bill).collect()
}

/// The price of electricity at which it would be `share` of a GPU-hour whose other costs are `other`.
#[must_use]
pub fn price_for_share(share: Share, other: HourlyPrice, site_power: Watts) -> EnergyPrice {
    let wanted = other * (share.get() / (1.0 - share.get()));
    EnergyPrice::new(wanted.per_unit() * (1e3 / site_power.get()))
}

/// Numbers of economics.md, section 1.4, and of the claims that public-claims.md names.
#[cfg(test)]
mod tests {
    use super::*;

    /// An H100 with its share of network and storage, at the meter of a site with a PUE of 1.25.
    const H100: Watts = Watts::new(1370.0 * 1.25);

    fn usd(text: &str) -> EnergyPrice {
        text.parse().unwrap()
    }

    #[test]
    fn a_gpu_hour_takes_14_cents() {
        let bill = bills(&Tariff::flat(usd("0.08 USD/kWh")), &[Month::even(H100)])[0];
        let hour = bill.total() * 12.0 / 8766.0;
        assert!((hour - 0.137).abs() < 1e-6);
        // E3: 10.5 % of 1.30 USD, 5.8 % of 2.35 USD. Far from the 65 % that is told.
        assert!((hour / 1.30 - 0.105).abs() < 5e-4 && (hour / 2.35 - 0.058).abs() < 5e-4);
    }

    #[test]
    fn to_be_most_of_the_cost_it_would_have_to_be_dear() {
        let price = price_for_share(Share::new(0.65), "1.20 USD/GPU-h".parse().unwrap(), H100);
        assert!((price.per_unit().amount() - 1.30).abs() < 2e-3);
    }

    #[test]
    fn a_day_of_a_chat_service() {
        // public-claims I1: 4,000 servers of 6.5 kW at 0.08 USD/kWh take 49.9 k USD a day.
        let day: Seconds = "24 h".parse().unwrap();
        let cost = Watts::new(4000.0 * 6500.0) * day * usd("0.08 USD/kWh");
        assert!((cost.amount() - 49_920.0).abs() < 1e-6);
    }

    #[test]
    fn periods_share_the_week() {
        let period = |hours, price| PeriodPrice { hours: Share::new(hours / 168.0), price: usd(price) };
        let tariff = Tariff {
            periods: vec![period(60.0, "0.12 USD/kWh"), period(108.0, "0.05 USD/kWh")],
            ..Tariff::flat(usd("1 USD/kWh"))
        };
        assert!((tariff.mean_price().per_unit().amount() - 0.075).abs() < 1e-12);
        let one = Tariff { periods: vec![period(168.0, "0.08 USD/kWh")], ..tariff };
        let month = [Month::even(H100)];
        assert_eq!(bills(&one, &month), bills(&Tariff::flat(usd("0.08 USD/kWh")), &month));
    }

    #[test]
    fn demand_remembers_the_highest_month() {
        let tariff = Tariff {
            demand: Some("15 USD/kW-month".parse().unwrap()),
            ratchet: Share::new(0.8),
            ..Tariff::flat(usd("0.08 USD/kWh"))
        };
        let months: Vec<Month> =
            [1000.0, 500.0, 900.0].into_iter().map(|kw| Month::even(Watts::new(kw * 1e3))).cycle().take(3).collect();
        let bills = super::bills(&tariff, &months);
        let billed: Vec<f64> = bills.iter().map(|bill| bill.billed.get() / 1e3).collect();
        assert_eq!(billed, [1000.0, 800.0, 900.0]);
        assert_eq!(bills[1].demand, 800.0 * 15.0);
        // After twelve months the peak is forgotten.
        let mut year = vec![Month::even(Watts::new(1e6))];
        year.extend(vec![Month::even(Watts::new(1e5)); 12]);
        let bills = super::bills(&tariff, &year);
        assert_eq!((bills[11].billed.get(), bills[12].billed.get()), (8e5, 1e5));
    }

    #[test]
    fn a_staged_build_pays_for_what_it_reserved() {
        // 85 % of the contracted capacity is paid for, drawn or not (AEP Ohio, 25 MW and more).
        let tariff = Tariff {
            demand: Some("10 USD/kW-month".parse().unwrap()),
            floor: Share::new(0.85),
            taxes: 0.05,
            fee: 1000.0,
            ..Tariff::flat(usd("0.05 USD/kWh"))
        };
        let bill = bills(&tariff, &[Month::even(Watts::new(20e6)).contracted(Watts::new(100e6))])[0];
        assert_eq!(bill.billed.get(), 85e6);
        assert!((bill.demand - 850_000.0).abs() < 1e-6);
        assert!((bill.other - (0.05 * (bill.energy + bill.demand + 1000.0) + 1000.0)).abs() < 1e-6);
        assert!((bill.energy - 20_000.0 * 730.5 * 0.05).abs() < 1e-3);
    }
}
