//! The electricity of a site that grows: what its GPUs draw month by month, and the bills for it, with what demand remembers and what
//! is contracted before it is drawn.

use serde::Serialize;

use super::capital::net_present_value;
use super::cohorts::Cohorts;
use super::electricity::{Bill, Month, Tariff, bills};
use crate::units::{Currency, Energy, Money, Seconds, Watts, YearlyRate};

/// What GPUs draw from.
#[derive(Debug, Clone, PartialEq)]
pub struct Meter {
    /// Power of a GPU at the site's meter while it works.
    pub each: Watts,
    /// What the supplier charges for the whole site, in US dollars.
    pub tariff: Tariff,
    /// Contracted power.
    pub contracts: Vec<Contract>,
}

/// Power that is contracted from a time on, in place of what was before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Contract {
    /// From when.
    #[serde(rename = "from_s")]
    pub from: Seconds,
    /// How much.
    #[serde(rename = "power_w")]
    pub power: Watts,
}

/// The bills of months that follow each other, twelve or what is left at the end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawnYear {
    /// When it begins, from now.
    #[serde(rename = "from_s")]
    pub from: Seconds,
    /// When it ends.
    #[serde(rename = "to_s")]
    pub to: Seconds,
    /// Energy at the meter.
    #[serde(rename = "energy_j")]
    pub energy: Energy,
    /// Highest power at the meter.
    #[serde(rename = "peak_w")]
    pub peak: Watts,
    /// Highest power that demand is billed for.
    #[serde(rename = "billed_w")]
    pub billed: Watts,
    /// What energy costs.
    pub energy_cost: Money,
    /// What demand costs.
    pub demand_cost: Money,
    /// Taxes and the fixed fee.
    pub taxes_and_fee: Money,
    /// All of it.
    pub total: Money,
}

/// The electricity of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drawn {
    /// Year by year.
    pub years: Vec<DrawnYear>,
    /// All bills.
    pub total: Money,
    /// The same at today's value, each paid at the end of its month.
    pub present_value: Money,
    /// Part of them, before taxes, that is for demand which was not drawn: billed by the ratchet or by the contract.
    pub demand_not_drawn: Money,
    /// When more is drawn than is contracted; never without a contract.
    #[serde(rename = "over_contract_s")]
    pub over_contract: Option<Seconds>,
}

impl Drawn {
    /// The bills of whole months from now to `until`, at least one; money is worth `rate` a year. Every GPU in service draws, needed or not.
    #[must_use]
    pub fn new(cohorts: &Cohorts, meter: &Meter, until: Seconds, rate: YearlyRate) -> Self {
        let count = ((until / Month::LENGTH + 1e-6).floor() as u32).max(1);
        let start = |month: u32| Month::LENGTH * f64::from(month);
        let months: Vec<Month> = (0..count)
            .map(|month| {
                let (from, to) = (start(month), start(month + 1));
                let energy = meter.each * cohorts.mean(from, to) * Month::LENGTH;
                Month { energy, peak: meter.each * cohorts.most(from, to), contract: meter.contracted(from) }
            })
            .collect();
        let bills = bills(&meter.tariff, &months);
        let usd = |amount: f64| Money::new(amount, Currency::USD);
        let paid = bills.iter().enumerate().map(|(month, bill)| (start(month as u32 + 1), bill.total()));
        let not_drawn = |(month, bill): (&Month, &Bill)| bill.demand * (1.0 - month.peak.get() / bill.billed.get().max(1e-9));
        let over = |month: &Month| month.contract > Watts::ZERO && month.peak > month.contract;
        Self {
            years: months.chunks(12).zip(bills.chunks(12)).enumerate().map(|(year, all)| DrawnYear::new(year, all)).collect(),
            total: usd(bills.iter().map(Bill::total).sum()),
            present_value: usd(net_present_value(paid, rate)),
            demand_not_drawn: usd(months.iter().zip(&bills).map(not_drawn).sum()),
            over_contract: months.iter().position(over).map(|month| start(month as u32)),
        }
    }
}

impl Meter {
    /// Power that is contracted at a time: by the last contract that has begun.
    fn contracted(&self, at: Seconds) -> Watts {
        // A month that a contract begins in is a month of it.
        let begun = self.contracts.iter().filter(|contract| contract.from < at + Month::LENGTH * (1.0 - 1e-6));
        begun.max_by(|a, b| a.from.get().total_cmp(&b.from.get())).map_or(Watts::ZERO, |contract| contract.power)
    }
}

impl DrawnYear {
    fn new(year: usize, (months, bills): (&[Month], &[Bill])) -> Self {
        let from = Seconds::YEAR * year as f64;
        let sum = |part: fn(&Bill) -> f64| Money::new(bills.iter().map(part).sum(), Currency::USD);
        Self {
            from,
            to: from + Month::LENGTH * months.len() as f64,
            energy: months.iter().map(|month| month.energy).sum(),
            peak: months.iter().map(|month| month.peak).fold(Watts::ZERO, Watts::max),
            billed: bills.iter().map(|bill| bill.billed).fold(Watts::ZERO, Watts::max),
            energy_cost: sum(|bill| bill.energy),
            demand_cost: sum(|bill| bill.demand),
            taxes_and_fee: sum(|bill| bill.other),
            total: sum(Bill::total),
        }
    }
}

/// Numbers by hand for economics.md, section 1.4: a month has 730.5 hours.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    fn months(months: f64) -> Seconds {
        Month::LENGTH * months
    }

    /// 10 GPUs of a kilowatt that are 30 from the seventh month on; the first ten retire after eighteen.
    fn growing() -> Cohorts {
        let mut all = Cohorts::new(months(18.0), 10.0);
        all.add(months(6.0), 20.0);
        all
    }

    fn meter(ratchet: f64, floor: f64, contracts: &[(f64, f64)]) -> Meter {
        let tariff = Tariff {
            demand: Some("10 USD/kW-month".parse().unwrap()),
            ratchet: Share::new(ratchet),
            floor: Share::new(floor),
            ..Tariff::flat("0.10 USD/kWh".parse().unwrap())
        };
        let contract = |(from, kw): &(f64, f64)| Contract { from: months(*from), power: Watts::new(kw * 1e3) };
        Meter { each: Watts::new(1e3), tariff, contracts: contracts.iter().map(contract).collect() }
    }

    fn drawn(meter: &Meter) -> Drawn {
        Drawn::new(&growing(), meter, months(24.0), YearlyRate::new(0.0))
    }

    #[track_caller]
    fn near(money: Money, wanted: f64) {
        assert!((money.amount() - wanted).abs() < 1e-6, "{money}, not {wanted}");
    }

    #[test]
    fn a_load_that_grows_is_billed_month_by_month() {
        let drawn = drawn(&meter(0.0, 0.0, &[]));
        let [first, second] = drawn.years.as_slice() else { panic!("two years") };
        // Six months of 10 kW and six of 30; then six of 30 and six of 20.
        assert_eq!((first.from, first.to, second.from), (Seconds::ZERO, Seconds::YEAR, Seconds::YEAR));
        near(first.energy_cost, 0.10 * 730.5 * 6.0 * (10.0 + 30.0));
        near(second.energy_cost, 0.10 * 730.5 * 6.0 * (30.0 + 20.0));
        near(first.demand_cost, 10.0 * 6.0 * (10.0 + 30.0));
        near(second.demand_cost, 10.0 * 6.0 * (30.0 + 20.0));
        assert_eq!((first.peak.get(), first.billed.get()), (30e3, 30e3));
        near(drawn.demand_not_drawn, 0.0);
        assert_eq!(drawn.present_value, drawn.total);
        assert_eq!(drawn.over_contract, None);
    }

    #[test]
    fn a_ratchet_bills_what_has_retired() {
        // 90 % of 30 kW is 27, billed where 20 are drawn: for the six months after, whose last twelve all had 30.
        let drawn = drawn(&meter(0.9, 0.0, &[]));
        near(drawn.years[0].demand_cost, 10.0 * 6.0 * (10.0 + 30.0));
        near(drawn.years[1].demand_cost, 10.0 * 6.0 * (30.0 + 27.0));
        near(drawn.demand_not_drawn, 10.0 * 6.0 * 7.0);
    }

    #[test]
    fn a_contract_is_paid_before_it_is_drawn() {
        // 85 % of 40 kW are 34, drawn or not; in two steps, 10 and from the seventh month 40, they are 10 first.
        let at_once = drawn(&meter(0.0, 0.85, &[(0.0, 40.0)]));
        near(at_once.years[0].demand_cost, 10.0 * 12.0 * 34.0);
        near(at_once.demand_not_drawn, 10.0 * (6.0 * 24.0 + 12.0 * 4.0 + 6.0 * 14.0));
        let in_steps = drawn(&meter(0.0, 0.85, &[(0.0, 10.0), (6.0, 40.0)]));
        near(in_steps.years[0].demand_cost, 10.0 * (6.0 * 10.0 + 6.0 * 34.0));
        assert_eq!((at_once.over_contract, in_steps.over_contract), (None, None));
        // A contract that does not grow is drawn over when the second GPUs come.
        assert_eq!(drawn(&meter(0.0, 0.85, &[(0.0, 10.0)])).over_contract, Some(months(6.0)));
    }

    #[test]
    fn gpus_that_come_within_a_month_draw_for_a_part_of_it() {
        let mut cohorts = Cohorts::new(months(100.0), 0.0);
        cohorts.add(months(0.5), 10.0);
        let drawn = Drawn::new(&cohorts, &meter(0.0, 0.0, &[]), months(1.0), YearlyRate::new(0.1));
        near(drawn.years[0].energy_cost, 0.10 * 730.5 * 5.0);
        near(drawn.years[0].demand_cost, 100.0);
        near(drawn.present_value, drawn.total.amount() / 1.1f64.powf(1.0 / 12.0));
    }
}
