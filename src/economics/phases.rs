//! Buying in phases for demand that grows: whole scalable units, ordered ahead by their lead time, at prices that move, retired at the
//! end of their life; what that is worth today, beside buying all of it at once.

use serde::Serialize;

use super::capital::net_present_value;
use super::cohorts::Cohorts;
use super::drawn::{Drawn, Meter};
use super::growth::Growth;
use super::path;
use crate::spec::PricePath;
use crate::units::{GpuPrice, HourlyPrice, Money, Seconds, Share, Watts, YearlyRate};

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// GPUs that are needed now, and how fast that doubles.
    pub growth: Growth,
    /// Capacity that is kept beside the demand, as a part of it.
    pub headroom: Share,
    /// From an order to service.
    pub lead: Seconds,
    /// Time between two orders.
    pub every: Seconds,
    /// How far is planned.
    pub horizon: Seconds,
}

/// What is bought of.
#[derive(Debug, Clone, PartialEq)]
pub struct Supply {
    /// GPUs of a scalable unit: only whole ones are bought.
    pub unit: u32,
    /// GPUs that are there already, at the beginning of their life.
    pub installed: u32,
    /// Price of a GPU with its share, now.
    pub each: GpuPrice,
    /// How it moves.
    pub path: PricePath,
    /// The most that a GPU draws at the site's meter.
    pub power: Watts,
    /// The most that the site can give; none where that is not known.
    pub site_limit: Option<Watts>,
    /// What it draws from day to day, and how that is billed.
    pub meter: Meter,
    /// Years that it serves.
    pub life: Seconds,
    /// What money costs.
    pub rate: YearlyRate,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// When it is placed, from now.
    #[serde(rename = "order_s")]
    pub order: Seconds,
    /// When it goes into service.
    #[serde(rename = "in_service_s")]
    pub in_service: Seconds,
    /// Scalable units.
    pub units: u64,
    /// GPUs in service from then on.
    pub gpus: f64,
    /// GPUs that retire until then and are replaced.
    pub retired: f64,
    /// GPUs that are needed on that day.
    pub demand: f64,
    /// Part of the GPUs in service that is needed then.
    pub used: f64,
    /// What the order costs, paid when it is delivered.
    pub capital: Money,
    /// The most that all GPUs in service draw, at the site's meter.
    #[serde(rename = "site_power_w")]
    pub power: Watts,
}

/// The orders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phases {
    /// Demand of a year over that of the year before.
    pub growth_per_year: f64,
    /// When what is there now is no longer enough.
    #[serde(rename = "shortfall_s")]
    pub shortfall: Seconds,
    /// Time without enough GPUs before the first order can be in service; none where it comes in time.
    #[serde(rename = "short_for_s")]
    pub short_for: Option<Seconds>,
    /// When the GPUs in service can draw more than the site can give; never where that is not known.
    #[serde(rename = "over_site_limit_s")]
    pub over_site_limit: Option<Seconds>,
    /// The orders, the first first.
    pub phases: Vec<Phase>,
    /// All of them.
    pub capital: Money,
    /// The same at today's value.
    pub present_value: Money,
    /// Today's value of buying at once what the end needs, without replacing what retires.
    pub at_once: Money,
    /// The electricity from now until the last order can be in service.
    pub electricity: Drawn,
}

impl Phases {
    /// The orders that a demand asks of a supply; money in the currency of the price.
    #[must_use]
    pub fn new(demand: &Demand, supply: &Supply) -> Self {
        let unit = f64::from(supply.unit.max(1));
        let mut fleet = Cohorts::new(supply.life, f64::from(supply.installed));
        let mut phases: Vec<Phase> = Vec::new();
        let orders = (demand.horizon / demand.every).floor() as u32;
        for order in 0..=orders {
            let now = demand.every * f64::from(order);
            let in_service = now + demand.lead;
            let ordered = fleet.ordered();
            let retired = ordered - fleet.not_retired(in_service);
            let wanted = demand.growth.order(now, demand.lead, demand.headroom.get(), ordered, retired);
            // A hair less than a whole number is rounding.
            let units = (wanted / unit - 1e-9).ceil().max(0.0);
            if units == 0.0 {
                continue;
            }
            fleet.add(in_service, units * unit);
            let (gpus, needed) = (fleet.not_retired(in_service), demand.growth.at(in_service));
            let replaced = retired - phases.iter().map(|phase| phase.retired).sum::<f64>();
            phases.push(Phase {
                order: now,
                in_service,
                units: units as u64,
                gpus,
                retired: replaced,
                demand: needed,
                used: needed / gpus,
                capital: price(supply, in_service) * (units * unit),
                power: supply.power * gpus,
            });
        }
        let worth = |cash: &[(Seconds, f64)]| {
            Money::new(net_present_value(cash.iter().copied(), supply.rate), supply.each.per_unit().currency())
        };
        let cash: Vec<(Seconds, f64)> = phases.iter().map(|phase| (phase.in_service, phase.capital.amount())).collect();
        let end = demand.growth.at(demand.horizon + demand.lead) * (1.0 + demand.headroom.get()) - f64::from(supply.installed);
        let all = (end / unit - 1e-9).ceil().max(0.0) * unit;
        let over = |gpus: f64| supply.site_limit.is_some_and(|limit| supply.power * gpus > limit);
        let shortfall = demand.growth.reaches(f64::from(supply.installed));
        Self {
            growth_per_year: demand.growth.per_year(),
            shortfall,
            short_for: (shortfall < demand.lead).then(|| demand.lead - shortfall),
            capital: Money::new(cash.iter().map(|(_, amount)| amount).sum(), supply.each.per_unit().currency()),
            present_value: worth(&cash),
            at_once: worth(&[(demand.lead, (price(supply, demand.lead) * all).amount())]),
            over_site_limit: if over(f64::from(supply.installed)) {
                Some(Seconds::ZERO)
            } else {
                phases.iter().find(|phase| over(phase.gpus)).map(|phase| phase.in_service)
            },
            electricity: Drawn::new(&fleet, &supply.meter, demand.horizon + demand.lead, supply.rate),
            phases,
        }
    }
}

/// Price of a GPU that is delivered after a time.
fn price(supply: &Supply, after: Seconds) -> Money {
    let one = HourlyPrice::new(Money::usd(1.0));
    supply.each.per_unit() * path::at(&supply.path, one, None, after).per_unit().amount()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::electricity::Tariff;

    fn years(years: f64) -> Seconds {
        Seconds::YEAR * years
    }

    fn demand() -> Demand {
        Demand {
            growth: Growth { now: 200.0, doubling: years(1.0) },
            headroom: Share::ZERO,
            lead: Seconds::ZERO,
            every: years(0.5),
            horizon: years(2.0),
        }
    }

    fn supply() -> Supply {
        Supply {
            unit: 256,
            installed: 0,
            each: GpuPrice::new(Money::usd(1000.0)),
            path: PricePath::Constant,
            power: Watts::new(1000.0),
            site_limit: None,
            meter: Meter {
                each: Watts::new(800.0),
                tariff: Tariff::flat("0.10 USD/kWh".parse().unwrap()),
                contracts: Vec::new(),
            },
            life: years(10.0),
            rate: YearlyRate::new(0.0),
        }
    }

    #[test]
    fn phases_are_whole_units_that_hold_the_demand() {
        // economics.md 3: 200 GPUs that double each year are 283, 400, 566 and 800 after every half: units of 256 are 1, 2, 2, 3, 4.
        let found = Phases::new(&demand(), &supply());
        let gpus: Vec<f64> = found.phases.iter().map(|phase| phase.gpus / 256.0).collect();
        assert_eq!(gpus, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(found.phases.iter().map(|phase| phase.order / years(1.0)).collect::<Vec<_>>(), [0.0, 0.5, 1.5, 2.0]);
        assert!(found.phases.iter().all(|phase| phase.gpus >= phase.demand && phase.used <= 1.0));
        assert_eq!(found.capital.amount(), 1024.0 * 1000.0);
        // Without a cost of capital and with prices that stay, phases and all at once are worth the same.
        assert_eq!((found.present_value, found.at_once), (found.capital, found.capital));
        assert!((found.growth_per_year - 2.0).abs() < 1e-12);
    }

    #[test]
    fn electricity_follows_the_phases() {
        // 256 GPUs of 0.8 kW for half a year, 512 for a whole one, 768 for half a year; a site of 600 kW is full with the third unit.
        let supply = Supply { site_limit: Some(Watts::new(600e3)), ..supply() };
        let found = Phases::new(&demand(), &supply);
        let years: Vec<f64> = found.electricity.years.iter().map(|year| year.total.amount()).collect();
        let half = |units: f64| units * 256.0 * 0.8 * 4383.0 * 0.10;
        assert_eq!(years.len(), 2);
        assert!(
            (years[0] - half(1.0) - half(2.0)).abs() < 1e-3 && (years[1] - half(2.0) - half(3.0)).abs() < 1e-3,
            "{years:?}"
        );
        assert_eq!(found.over_site_limit, Some(self::years(1.5)));
    }

    #[test]
    fn waiting_is_worth_the_interest_and_the_decline() {
        let supply = Supply { path: PricePath::Decline(YearlyRate::new(0.2)), rate: YearlyRate::new(0.1), ..supply() };
        let found = Phases::new(&demand(), &supply);
        let worth: f64 = found
            .phases
            .iter()
            .map(|phase| {
                let years = phase.in_service.years();
                256_000.0 * 0.8f64.powf(years) / 1.1f64.powf(years)
            })
            .sum();
        assert!((found.present_value.amount() - worth).abs() < 1e-6 && worth < found.at_once.amount());
        assert_eq!(found.at_once.amount(), 1_024_000.0);
    }

    #[test]
    fn orders_look_ahead_and_replace_what_retires() {
        let demand = Demand { lead: years(1.0), headroom: Share::new(0.1), ..demand() };
        let found = Phases::new(&demand, &Supply { installed: 256, life: years(1.5), ..supply() });
        // 256 last for 0.36 years, and an order takes one.
        assert!((found.shortfall.years() - (256.0f64 / 200.0).log2()).abs() < 1e-9);
        assert!((found.short_for.expect("it comes too late").years() - 0.644).abs() < 1e-3);
        for phase in &found.phases {
            assert!(phase.gpus >= phase.demand * 1.1 - 1e-6, "{phase:?}");
        }
        let retired: f64 = found.phases.iter().map(|phase| phase.retired).sum();
        assert!(retired >= 256.0, "the first GPUs are still there: {retired}");
    }
}
