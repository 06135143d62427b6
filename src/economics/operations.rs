//! The lines of what is paid year by year: staff, maintenance, insurance, licences, data; and what somebody else pays.

use super::exchange::Priced;
use super::hardware::Terms;
use super::ledger::{CostLine, Ledger};
use super::subsidy::Subsidy;
use crate::catalog::{Provenance, Sourced};
use crate::spec::Component;
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
        self.line(Component::Staff, hour, formula);
        Ok(())
    }

    /// Writes the lines that are parts of a price. Whoever hires hardware pays for them with the hire.
    pub(super) fn upkeep(&mut self, hardware: Option<Range<GpuPrice>>, site: Option<Range<GpuPrice>>) -> Priced<()> {
        let cost = self.cost;
        if let Some(price) = hardware {
            let rate = self.need("maintenance of hardware", cost.maintenance.as_ref(), "maintenance: 4 %/year")?;
            let hour = price.with(rate, |price, rate| (price * rate).hourly());
            self.line(Component::Maintenance, hour, format!("price x {} / 8,766 h", rate.value));
        }
        let none = Range::exact(GpuPrice::new(Money::usd(0.0)));
        let insured = hardware.unwrap_or(none).with(site.unwrap_or(none), |hardware, site| {
            GpuPrice::new(Money::usd(hardware.per_unit().amount() + site.per_unit().amount()))
        });
        if insured.high.per_unit().amount() > 0.0 {
            let rate = self.need("insurance and property tax", cost.insurance.as_ref(), "insurance: 1 %/year")?;
            let hour = insured.with(rate, |price, rate| (price * rate).hourly());
            self.line(Component::Insurance, hour, format!("price of hardware and site x {} / 8,766 h", rate.value));
        }
        Ok(())
    }

    /// Writes the lines of licences and data, where the file has them.
    pub(super) fn licences(&mut self) -> Priced<()> {
        let given = |key: &str| Sourced::new((), Provenance::Given, format!("cluster file, cost.{key}"));
        if let Some(price) = self.cost.software {
            self.note("software", price, &given("software"));
            let hour = GpuYearPrice::new(self.exchange.usd(price.per_unit())?).hourly();
            self.line(Component::Software, Range::exact(hour), format!("{price} / 8,766 h"));
        }
        if let Some(price) = self.cost.data {
            self.note("data", price, &given("data"));
            let all = YearlyPrice::new(self.exchange.usd(price.per_unit())?);
            let hour = GpuYearPrice::each_of(all, self.cluster.gpus()).hourly();
            self.line(Component::Data, Range::exact(hour), format!("{price} / {} GPUs / 8,766 h", self.cluster.gpus()));
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
            self.lines.push(CostLine {
                component: subsidy.on,
                subsidy: Some(subsidy.name.clone()),
                gpu_hour: hour,
                share_of_owned_cost: 0.0,
                formula: format!("paid by somebody else, of {}", subsidy.on.as_str()),
            });
        }
        Ok(())
    }
}

/// The sum of lines in US dollars, end by end.
pub(super) fn total(lines: impl Iterator<Item = Range<HourlyPrice>>) -> Range<HourlyPrice> {
    let add = |a: HourlyPrice, b: HourlyPrice| HourlyPrice::new(Money::usd(a.per_unit().amount() + b.per_unit().amount()));
    lines.fold(Range::exact(HourlyPrice::new(Money::usd(0.0))), |sum, line| sum.with(line, add))
}
