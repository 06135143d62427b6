//! The lines of what is paid year by year: staff, maintenance, insurance, licences, data; and what somebody else pays.

use std::fmt::Write as _;

use super::exchange::Priced;
use super::hardware::Terms;
use super::ledger::{CostLine, Ledger};
use super::sheet;
use super::subsidy::Subsidy;
use crate::catalog::{Provenance, Sourced};
use crate::spec::{Component, SubsidyTerms};
use crate::units::{GpuPrice, GpuYearPrice, HourlyPrice, Money, Range, YearlyPrice};

/// Hours of a year.
const YEAR: f64 = 8766.0;

impl Ledger<'_> {
    /// Writes the line of the people.
    pub(super) fn staff(&mut self) -> Priced<()> {
        let cost = self.cost;
        let each = self.need("GPUs per person", cost.gpus_per_person.as_ref(), "staff: {gpus-per-person: 500}")?;
        let pay = self.need("pay of a person", cost.pay.as_ref(), "staff: {pay: 130000 USD/year}")?;
        let pay = self.exchange.each(pay, YearlyPrice::per_unit, |pay| pay)?;
        let hour = pay.with(each.turned(), |pay, gpus| GpuYearPrice::new(pay * (1.0 / gpus)).hourly());
        let formula = format!("{}/year / {} GPUs / 8,766 h", pay.value, each.value);
        self.line(Component::Staff, hour, (formula, "{pay_of_a_person}/{~gpus_per_person}/{hours_of_a_year}"));
        Ok(())
    }

    /// Writes the lines that are parts of a price. Whoever hires hardware pays for them with the hire.
    pub(super) fn upkeep(&mut self, hardware: Option<Range<GpuPrice>>, site: Option<Range<GpuPrice>>) -> Priced<()> {
        let cost = self.cost;
        if let Some(price) = hardware {
            let rate = self.need("maintenance of hardware", cost.maintenance.as_ref(), "maintenance: 4 %/year")?;
            let hour = price.with(rate, |price, rate| (price * rate).hourly());
            let formula = format!("price x {} / 8,766 h", rate.value);
            let recipe = "{price_of_a_gpu}*{maintenance_of_hardware}/{hours_of_a_year}";
            self.line(Component::Maintenance, hour, (formula, recipe));
        }
        let none = Range::exact(GpuPrice::new(Money::usd(0.0)));
        let insured = hardware.unwrap_or(none).with(site.unwrap_or(none), |hardware, site| {
            GpuPrice::new(Money::usd(hardware.per_unit().amount() + site.per_unit().amount()))
        });
        if insured.high.per_unit().amount() > 0.0 {
            let rate = self.need("insurance and property tax", cost.insurance.as_ref(), "insurance: 1 %/year")?;
            let hour = insured.with(rate, |price, rate| (price * rate).hourly());
            let formula = format!("price of hardware and site x {} / 8,766 h", rate.value);
            let parts = [hardware.map(|_| "{price_of_a_gpu}"), site.map(|_| "{site_of_a_gpu}")];
            let insured = parts.into_iter().flatten().collect::<Vec<_>>().join("+");
            let recipe = format!("({insured})*{{insurance_and_property_tax}}/{{hours_of_a_year}}");
            self.line(Component::Insurance, hour, (formula, recipe));
        }
        Ok(())
    }

    /// Writes the lines of licences and data, where the file has them.
    pub(super) fn licences(&mut self) -> Priced<()> {
        let given = |key: &str| Sourced::new((), Provenance::Given, format!("cluster file, cost.{key}"));
        if let Some(price) = self.cost.software {
            self.enter("software", Range::exact(price), &given("software"));
            let hour = GpuYearPrice::new(self.exchange.usd(price.per_unit())?).hourly();
            self.line(Component::Software, Range::exact(hour), (format!("{price} / 8,766 h"), "{software}/{hours_of_a_year}"));
        }
        if let Some(price) = self.cost.data {
            self.enter("data", Range::exact(price), &given("data"));
            let all = YearlyPrice::new(self.exchange.usd(price.per_unit())?);
            let hour = GpuYearPrice::each_of(all, self.cluster.gpus()).hourly();
            let formula = format!("{price} / {} GPUs / 8,766 h", self.cluster.gpus());
            self.line(Component::Data, Range::exact(hour), (formula, "{data}/{gpus}/{hours_of_a_year}"));
        }
        Ok(())
    }

    /// Writes the lines of subsidies; each pays of what those before it leave.
    pub(super) fn subsidies(&mut self, terms: &Terms) -> Priced<()> {
        let gpus = f64::from(self.cluster.gpus().max(1));
        for subsidy in &self.cost.subsidies {
            let life = match terms.life {
                Some(life) => life.value,
                None => self.need("life of hardware", self.cost.life.as_ref(), "life: 5 years")?.value,
            };
            let share = |money: Money| self.exchange.usd(money).map(|money| money.amount() / gpus);
            let rule = Subsidy {
                percent: subsidy.percent.get(),
                amount_per_year: subsidy.amount.map(|amount| share(amount.per_unit())).transpose()?.unwrap_or(0.0),
                cap: subsidy.cap.map(share).transpose()?,
                until: subsidy.until,
                once: subsidy.on == Component::Capital,
            };
            let start = self.cost.start;
            let lowered = self.lines.iter().filter(|line| line.component == subsidy.on).map(|line| line.gpu_hour);
            let left = total(lowered);
            let hour = left.map(|hour| {
                let paid = rule.per_year(hour.per_unit().amount() * YEAR, start, life) / YEAR;
                HourlyPrice::new(Money::usd(-paid))
            });
            self.note("subsidy", &subsidy.name, &Sourced::new((), Provenance::Given, "cluster file, cost.subsidies"));
            let recipe = self.subsidy_recipe(subsidy);
            self.lines.push(CostLine {
                component: subsidy.on,
                subsidy: Some(subsidy.name.clone()),
                gpu_hour: hour,
                share_of_owned_cost: 0.0,
                formula: format!("paid by somebody else, of {}", subsidy.on.as_str()),
                recipe,
            });
        }
        Ok(())
    }

    /// The recipe of [`Subsidy::per_year`] for what is left of a line.
    fn subsidy_recipe(&mut self, terms: &SubsidyTerms) -> String {
        let given = Sourced::new((), Provenance::Given, "cluster file, cost.subsidies");
        let lines = self.lines.iter().enumerate().filter(|(_, line)| line.component == terms.on);
        let left: Vec<String> = lines.map(|(i, _)| format!("{{line {i}}}")).collect();
        if left.is_empty() {
            return "0".to_owned();
        }
        let left = format!("({})", left.join("+"));
        let called = |what: &str| format!("{}: {what}", terms.name);
        let percent = called("part of it");
        self.sheet.enter(&percent, Range::exact(terms.percent), &given);
        let mut paid = format!("{left}*{{{}}}", sheet::name(&percent));
        if let Some(amount) = terms.amount {
            let what = called("amount");
            self.sheet.enter(&what, Range::exact(amount), &given);
            let _ = write!(paid, "+{{{}}}/{{gpus}}/{{hours_of_a_year}}", sheet::name(&what));
        }
        let mut recipe = format!("MIN({paid},{left})");
        if let (Some(start), Some(until)) = (self.cost.start, terms.until) {
            let (first, last) = ("first day in service", called("last day"));
            self.sheet.enter(first, Range::exact(start), &Sourced::new((), Provenance::Given, "cluster file, cost.start"));
            self.sheet.enter(&last, Range::exact(until), &given);
            let (first, last) = (sheet::name(first), sheet::name(&last));
            let _ = if terms.on == Component::Capital {
                write!(recipe, "*IF({{{first}}}<={{{last}}},1,0)")
            } else {
                write!(recipe, "*MAX(0,MIN(1,({{{last}}}-{{{first}}})/365.25/{{=life_of_hardware}}))")
            };
        }
        if let Some(cap) = terms.cap {
            let what = called("most");
            self.sheet.enter(&what, Range::exact(cap), &given);
            let name = sheet::name(&what);
            recipe = format!("MIN({recipe},{{{name}}}/{{gpus}}/{{=life_of_hardware}}/{{hours_of_a_year}})");
        }
        format!("-{recipe}")
    }
}

/// The sum of lines in US dollars, end by end.
pub(super) fn total(lines: impl Iterator<Item = Range<HourlyPrice>>) -> Range<HourlyPrice> {
    let add = |a: HourlyPrice, b: HourlyPrice| HourlyPrice::new(Money::usd(a.per_unit().amount() + b.per_unit().amount()));
    lines.fold(Range::exact(HourlyPrice::new(Money::usd(0.0))), |sum, line| sum.with(line, add))
}
