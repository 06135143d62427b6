//! The line of the hardware: its price, and what a year of it costs by the method.

use super::bill::Line;
use super::capital;
use super::exchange::{MissingPrice, Priced};
use super::ledger::Ledger;
use super::sheet::{self, AROUND_NODES};
use crate::catalog::{Provenance, Sourced};
use crate::spec::{Component, Method};
use crate::units::{GpuPrice, HourlyPrice, Money, Range, Seconds, YearlyRate};

/// On which terms hardware is had.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Terms {
    /// Price of a GPU with its share of what is bought once; none for hired hardware.
    pub price: Option<Range<GpuPrice>>,
    /// Years over which it is paid for.
    pub life: Option<Range<Seconds>>,
    /// Cost of capital, where it counts.
    pub wacc: Option<Range<YearlyRate>>,
}

impl Ledger<'_> {
    /// Writes the line of the hardware.
    pub(super) fn hardware(&mut self) -> Priced<Terms> {
        let cost = self.cost;
        if let Some(lease) = cost.lease.as_ref().filter(|_| cost.method == Method::Lease) {
            self.enter("lease", Range::exact(lease.value), lease);
            let price = HourlyPrice::new(self.exchange.usd(lease.value.per_unit())?);
            self.line(Component::Capital, Range::exact(price), ("price of hired hardware", "{lease}"));
            return Ok(Terms::default());
        }
        let price = self.price()?;
        if cost.method == Method::Replacement {
            let progress = self.need("performance per dollar", cost.progress.as_ref(), "progress: 38 %/year")?;
            let charge = progress.map(capital::replacement);
            self.charge(price, charge, ("x ln(1 + progress) / 8,766 h", "LN(1+{performance_per_dollar})"));
            return Ok(Terms { price: Some(price), ..Terms::default() });
        }
        let life = self.need("life of hardware", cost.life.as_ref(), "life: 5 years")?;
        let residual = self.need("residual value", cost.residual.as_ref(), "residual: 0 %")?;
        let mut terms = Terms { price: Some(price), life: Some(life), wacc: None };
        // A long life and a high residual value make the low end.
        let kept = life.turned().with(residual.turned(), |life, residual| (life, residual));
        if cost.method == Method::StraightLine {
            let charge = kept.map(|(life, residual)| capital::straight_line(life, residual));
            let recipe = "(1-{~residual_value})/{~life_of_hardware}";
            self.charge(price, charge, ("x (1 - residual) / life / 8,766 h", recipe));
        } else {
            let rate = self.wacc()?;
            terms.wacc = Some(rate);
            let charge = rate.with(kept, |rate, (life, residual)| capital::annuity(rate, life, residual));
            let factor = capital::recovery_factor(rate.value, life.value).get();
            let left = if residual.value.get() > 0.0 { "x (1 - residual / (1+r)^L) " } else { "" };
            let formula = format!("{left}x {factor:.4} / 8,766 h, recovery factor at {} over {}", rate.value, life.value);
            let recipe = "-PMT({cost_of_capital},{~life_of_hardware},1)\
                          *(1-{~residual_value}/(1+{cost_of_capital})^{~life_of_hardware})";
            self.charge(price, charge, (&formula, recipe));
        }
        Ok(terms)
    }

    fn charge(&mut self, price: Range<GpuPrice>, charge: Range<YearlyRate>, (formula, recipe): (&str, &str)) {
        let formula = format!("{} {formula}", price.value);
        let recipe = format!("{{price_of_a_gpu}}*{recipe}/{{hours_of_a_year}}");
        self.line(Component::Capital, price.with(charge, |price, charge| (price * charge).hourly()), (formula, recipe));
    }

    fn wacc(&mut self) -> Priced<Range<YearlyRate>> {
        let cost = self.cost;
        let Some(f) = cost.financing else { return self.need("cost of capital", cost.wacc.as_ref(), "wacc: 10 %/year") };
        let (given, tax) = (Sourced::new((), Provenance::Given, "cluster file, cost.financing"), f.tax.unwrap_or_default());
        let rate = Range::exact(capital::wacc(f.equity, f.return_on_equity, f.interest, tax));
        self.note("cost of capital", rate, &given);
        self.sheet.enter("equity", Range::exact(f.equity), &given);
        self.sheet.enter("return on equity", Range::exact(f.return_on_equity), &given);
        self.sheet.enter("interest", Range::exact(f.interest), &given);
        self.sheet.enter("tax on profits", Range::exact(tax), &given);
        let recipe = "{equity}*{return_on_equity}+(1-{equity})*{interest}*(1-{tax_on_profits})";
        self.sheet.step("cost of capital", "%/year", rate.map(YearlyRate::get), recipe);
        Ok(rate)
    }

    /// Price of a GPU with its share: as given, else its node and its part of what the bill of materials has around nodes.
    fn price(&mut self) -> Priced<Range<GpuPrice>> {
        let (price, recipe) = if let Some(given) = &self.cost.capital {
            self.enter("capital per GPU", Range::exact(given.value), given);
            let price = GpuPrice::new(self.exchange.usd(given.value.per_unit())?);
            (Range::exact(price), "{capital_per_gpu}".to_owned())
        } else {
            self.billed()?
        };
        self.sheet.step("price of a GPU", "USD", price.map(|price| price.per_unit().amount()), recipe);
        Ok(price)
    }

    /// The same by the bill of materials, and its recipe.
    fn billed(&mut self) -> Priced<(Range<GpuPrice>, String)> {
        let (pool, bill) = (self.pool, self.bill);
        let Some(node) = bill.node_price(pool) else {
            let put = format!("write `price: 310000 USD` in pool `{}`, or `capital: 46000 USD/GPU` under `cost`", pool.name);
            return Err(MissingPrice::new(format!("a node `{}`", pool.server.name), put));
        };
        let price = self.exchange.interval(node.unit)?.map(|node| GpuPrice::each_of(node, pool.gpus_per_node));
        let date = if node.date.is_empty() { String::new() } else { format!(" ({})", node.date) };
        self.note("node per GPU", price, &Sourced::new((), node.provenance, format!("{}{date}", node.source)));
        let (what, unit) = (format!("price of {}", pool.server.name), node.unit);
        self.sheet.enter(&what, Range::new(unit.low(), unit.value(), unit.high()), &node.origin());
        let recipe = format!("{{{}}}/{{gpus_of_a_node}}", sheet::name(&what));
        let Some(lines) = bill.around_nodes() else {
            let network =
                self.need("network in the price of a cluster", self.cost.interconnect.as_ref(), "capital: 46000 USD/GPU")?;
            // A cluster is not all network, whatever a catalogue says.
            let nodes = (1.0 - network.value.get()).max(0.01);
            let all = price.map(|node| GpuPrice::new(node.per_unit() * (1.0 / nodes)));
            return Ok((all, format!("{recipe}/MAX(1-{{=network_in_the_price_of_a_cluster}},0.01)")));
        };
        let around = self.around(&lines)?;
        let worst = lines.iter().filter_map(|line| line.price.as_ref()).map(|price| price.provenance).max();
        let source = format!("`planner bom`: {} lines with a price", lines.len());
        self.note("around a node, per GPU", around, &Sourced::new((), worst.unwrap_or(Provenance::Given), source));
        let dollars = around.map(|price| price.per_unit().amount());
        self.sheet.step("around a node, per GPU", "USD", dollars, format!("{{{AROUND_NODES}}}/{{gpus}}"));
        self.without_a_price.extend(bill.unpriced().iter().map(|(item, _)| (*item).to_owned()));
        let sum = |a: GpuPrice, b: GpuPrice| GpuPrice::new(Money::usd(a.per_unit().amount() + b.per_unit().amount()));
        Ok((price.with(around, sum), format!("{recipe}+{{around_a_node_per_gpu}}")))
    }

    /// What lines of the bill cost each GPU of the cluster, whether they are owned already or bought.
    fn around(&self, lines: &[&Line]) -> Priced<Range<GpuPrice>> {
        let mut sum = Range::exact(0.0);
        for line in lines {
            let Some(price) = &line.price else { continue };
            let all = self.exchange.interval(price.unit * line.count as f64)?;
            sum = sum.with(all, |sum, all| sum + all.amount());
        }
        Ok(sum.map(|sum| GpuPrice::each_of(Money::usd(sum), self.cluster.gpus())))
    }
}
