//! The lines of the site: space, power distribution and cooling; and the electricity that goes through them.

use std::fmt::Write as _;

use super::electricity::{Bill, Month, Tariff, bills};
use super::exchange::Priced;
use super::ledger::Ledger;
use super::sheet::{self, Plain};
use super::supplier::Supplier;
use super::{capital, facility};
use crate::catalog::{Provenance, Sourced};
use crate::spec::{Component, Facility};
use crate::units::{GpuPrice, GpuYearPrice, HourlyPrice, Money, PowerMonthPrice, PowerPrice, Range, Share};

/// Months of a year.
const MONTHS: usize = 12;

impl Ledger<'_> {
    /// Writes the line of the site; what it costs to build for a GPU, where it is built.
    pub(super) fn site(&mut self) -> Priced<Option<Range<GpuPrice>>> {
        let (power, cost) = (self.housed(), self.cost);
        self.enter_it_power();
        match &cost.facility {
            Facility::Rented(price) => {
                self.enter("colocation", Range::exact(price.value), price);
                let month = PowerMonthPrice::new(self.exchange.usd(price.value.per_unit())?);
                let hour = Range::exact(facility::rented(power, month).hourly());
                let formula = format!("{power} x {} x 12 / 8,766 h", price.value);
                self.line(Component::Facility, hour, (formula, "{it_power_per_gpu}*{colocation}*12/{hours_of_a_year}"));
                Ok(None)
            }
            Facility::Built { price, life, rate, maintenance } => {
                let watt = self.need("build cost of the site", price.as_ref(), "facility: {build: 12 USD/W}")?;
                let built =
                    self.exchange.each(watt, PowerPrice::per_unit, |watt| facility::build(power, PowerPrice::new(watt)))?;
                let life = self.need("life of the site", life.as_ref(), "facility: {life: 15 years}")?;
                let rate = self.need("cost of capital of the site", rate.as_ref(), "facility: {rate: 8 %/year}")?;
                let upkeep = self.need("maintenance of the site", maintenance.as_ref(), "facility: {maintenance: 3 %/year}")?;
                let charge = rate.with(life.turned(), |rate, life| capital::annuity(rate, life, Share::ZERO));
                let charge = charge.with(upkeep, |charge, upkeep| charge + upkeep);
                let hour = built.with(charge, |built, charge| (built * charge).hourly());
                let factor = capital::recovery_factor(rate.value, life.value).get();
                let formula = format!(
                    "{power} x {} x ({factor:.4} + {}) / 8,766 h, recovery factor and maintenance",
                    watt.value, upkeep.value
                );
                let dollars = built.map(|built| built.per_unit().amount());
                self.sheet.step("site of a GPU", "USD", dollars, "{it_power_per_gpu}*1000*{build_cost_of_the_site}");
                let recipe = "{site_of_a_gpu}*(-PMT({cost_of_capital_of_the_site},{~life_of_the_site},1)\
                              +{maintenance_of_the_site})/{hours_of_a_year}";
                self.line(Component::Facility, hour, (formula, recipe));
                Ok(Some(built))
            }
        }
    }

    /// Writes the line of electricity, the bills of an even year; gives the part of it that only used hours cost.
    pub(super) fn electricity(&mut self) -> Priced<Range<HourlyPrice>> {
        let (power, in_use) = (self.metered(), self.metered_in_use());
        let name_in_use = self.enter_power_at_the_meter();
        let Supplier { tariff, price } = self.supplier()?;
        let gpus = f64::from(self.cluster.gpus().max(1));
        let contract = self.cost.electricity.contract.unwrap_or_default() / gpus;
        let hourly = |year: f64| GpuYearPrice::new(Money::usd(year)).hourly();
        let year = price.map(|price| {
            let of_a_gpu = Tariff { periods: Tariff::flat(price).periods, fee: tariff.fee / gpus, ..tariff.clone() };
            let year = |power| bills(&of_a_gpu, &[Month::even(power).contracted(contract); MONTHS]);
            let energy: f64 = year(in_use).iter().map(|bill| bill.energy).sum();
            (year(power).iter().map(Bill::total).sum::<f64>(), energy * (1.0 + tariff.taxes))
        });
        let more = if tariff.demand.is_some() { ", demand on the billed power" } else { "" };
        let more = if tariff.taxes > 0.0 || tariff.fee > 0.0 { format!("{more}, taxes and fee") } else { more.to_owned() };
        let formula = format!("{power} at the meter x {}{more}", price.value);
        let (energy, all) = self.electricity_recipes(name_in_use);
        self.line(Component::Electricity, year.map(|(total, _)| hourly(total)), (formula, all));
        let running = year.map(|(_, energy)| hourly(energy));
        self.sheet.step("running cost", "USD/GPU-h", running.map(|hour| hour.per_unit().amount()), energy);
        Ok(running)
    }

    /// What the supplier charges, noted and entered.
    fn supplier(&mut self) -> Priced<Supplier> {
        let (supplier, from) = Supplier::of(self.exchange)?;
        let e = &self.cost.electricity;
        self.note("electricity", &from.value, &from);
        match (self.cluster.power.tariff, &e.tariff) {
            _ if !e.periods.is_empty() => {}
            (Some(flat), _) => self.sheet.enter("electricity", Range::exact(flat), &from),
            (None, Some(known)) => self.sheet.enter("electricity", known.value, known),
            (None, None) => {}
        }
        if let Some(price) = e.demand {
            self.note("demand", price, &Sourced::new((), Provenance::Given, "cluster file, cost.electricity.demand"));
        }
        Ok(supplier)
    }

    /// The recipes of energy in use with its taxes and of the whole bill. An even load is billed its own power, or more by a floor; a ratchet
    /// never takes more than the highest month.
    fn electricity_recipes(&mut self, in_use: &str) -> (String, String) {
        let e = &self.cost.electricity;
        let given = |key: &str| Sourced::new((), Provenance::Given, format!("cluster file, cost.electricity.{key}"));
        let mut of_periods = Vec::new();
        for (name, price, hours) in &e.periods {
            let (what, week) = (format!("electricity, {name}"), format!("hours a week, {name}"));
            self.sheet.enter(&what, Range::exact(*price), &given("periods"));
            self.sheet.enter(&week, Range::exact(Plain(hours.get() * 168.0, "h/week")), &given("periods"));
            of_periods.push(format!("{{{}}}*{{{}}}", sheet::name(&what), sheet::name(&week)));
        }
        let price = if of_periods.is_empty() { "{electricity}".to_owned() } else { format!("({})/168", of_periods.join("+")) };
        let mut more = String::new();
        if let Some(price) = e.demand {
            self.sheet.enter("demand", Range::exact(price), &given("demand"));
            let billed = if let Some(contract) = e.contract {
                self.sheet.enter("contracted power", Range::exact(contract), &given("contract"));
                self.sheet.enter("part of the contract billed at least", Range::exact(e.floor), &given("floor"));
                "MAX({power_at_the_meter},{contracted_power}*{part_of_the_contract_billed_at_least}/{gpus})"
            } else {
                "{power_at_the_meter}"
            };
            let _ = write!(more, "+{billed}*{{demand}}*12/{{hours_of_a_year}}");
        }
        if let Some(fee) = e.fee {
            self.sheet.enter("fixed fee", Range::exact(fee), &given("fee"));
            more += "+{fixed_fee}/{gpus}/{hours_of_a_year}";
        }
        let mut taxes = "";
        if e.taxes > Share::ZERO {
            self.sheet.enter("taxes on electricity", Range::exact(e.taxes), &given("taxes"));
            taxes = "*(1+{taxes_on_electricity})";
        }
        let energy = format!("{{power_at_the_meter}}*{price}");
        (
            format!("{{{in_use}}}*{price}{taxes}"),
            if more.is_empty() { format!("{energy}{taxes}") } else { format!("({energy}{more}){taxes}") },
        )
    }
}
