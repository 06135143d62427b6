//! The line of the hardware: its price, and what a year of it costs by the method.

use super::bill::{Bill, Line};
use super::capital;
use super::exchange::{MissingPrice, Priced};
use super::ledger::Ledger;
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
            self.note("lease", lease.value, lease);
            let price = HourlyPrice::new(self.exchange.usd(lease.value.per_unit())?);
            self.line(Component::Capital, Range::exact(price), "price of hired hardware");
            return Ok(Terms::default());
        }
        let price = self.price()?;
        if cost.method == Method::Replacement {
            let progress = self.need("performance per dollar", cost.progress.as_ref(), "progress: 38 %/year")?;
            let charge = progress.map(capital::replacement);
            self.charge(price, charge, "x ln(1 + progress) / 8,766 h");
            return Ok(Terms { price: Some(price), ..Terms::default() });
        }
        let life = self.need("life of hardware", cost.life.as_ref(), "life: 5 years")?;
        let residual = self.need("residual value", cost.residual.as_ref(), "residual: 0 %")?;
        let mut terms = Terms { price: Some(price), life: Some(life), wacc: None };
        // A long life and a high residual value make the low end.
        let kept = life.turned().with(residual.turned(), |life, residual| (life, residual));
        if cost.method == Method::StraightLine {
            let charge = kept.map(|(life, residual)| capital::straight_line(life, residual));
            self.charge(price, charge, "x (1 - residual) / life / 8,766 h");
        } else {
            let rate = self.wacc()?;
            terms.wacc = Some(rate);
            let charge = rate.with(kept, |rate, (life, residual)| capital::annuity(rate, life, residual));
            let factor = capital::recovery_factor(rate.value, life.value).get();
            let left = if residual.value.get() > 0.0 { "x (1 - residual / (1+r)^L) " } else { "" };
            let life = life.value;
            self.charge(
                price,
                charge,
                &format!("{left}x {factor:.4} / 8,766 h, recovery factor at {} over {life}", rate.value),
            );
        }
        Ok(terms)
    }

    fn charge(&mut self, price: Range<GpuPrice>, charge: Range<YearlyRate>, formula: &str) {
        let formula = format!("{} {formula}", price.value);
        self.line(Component::Capital, price.with(charge, |price, charge| (price * charge).hourly()), formula);
    }

    fn wacc(&mut self) -> Priced<Range<YearlyRate>> {
        let of_financing = self.cost.financing.map(|f| {
            let rate = capital::wacc(f.equity, f.return_on_equity, f.interest, f.tax.unwrap_or_default());
            Sourced::new(Range::exact(rate), Provenance::Given, "cluster file, cost.financing")
        });
        let known = of_financing.or_else(|| self.cost.wacc.clone());
        self.need("cost of capital", known.as_ref(), "wacc: 10 %/year")
    }

    /// Price of a GPU with its share: as given, else its node and its part of what the bill of materials has around nodes.
    fn price(&mut self) -> Priced<Range<GpuPrice>> {
        if let Some(given) = &self.cost.capital {
            self.note("capital per GPU", given.value, given);
            return Ok(Range::exact(GpuPrice::new(self.exchange.usd(given.value.per_unit())?)));
        }
        let pool = self.pool;
        let Some(node) = &pool.price else {
            let put = format!("write `price: 310000 USD` in pool `{}`, or `capital: 46000 USD/GPU` under `cost`", pool.name);
            return Err(MissingPrice::new(format!("a node `{}`", pool.server.name), put));
        };
        let price = self.exchange.interval(node.unit)?.map(|node| GpuPrice::each_of(node, pool.gpus_per_node));
        let date = if node.date.is_empty() { String::new() } else { format!(" ({})", node.date) };
        self.note("node per GPU", price, &Sourced::new((), node.provenance, format!("{}{date}", node.source)));
        let bill = Bill::of(self.cluster, self.exchange.catalog);
        let Some(lines) = bill.around_nodes() else { return self.with_usual_network(price) };
        let around = self.around(&lines)?;
        let worst = lines.iter().filter_map(|line| line.price.as_ref()).map(|price| price.provenance).max();
        let source = format!("`planner bom`: {} lines with a price", lines.len());
        self.note("around a node, per GPU", around, &Sourced::new((), worst.unwrap_or(Provenance::Given), source));
        self.without_a_price.extend(bill.unpriced().iter().map(|(item, _)| (*item).to_owned()));
        let sum = |a: GpuPrice, b: GpuPrice| GpuPrice::new(Money::usd(a.per_unit().amount() + b.per_unit().amount()));
        Ok(price.with(around, sum))
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

    /// A node's price with the usual part of a network, where the network's own price is not known.
    fn with_usual_network(&mut self, node: Range<GpuPrice>) -> Priced<Range<GpuPrice>> {
        let network =
            self.need("network in the price of a cluster", self.cost.interconnect.as_ref(), "capital: 46000 USD/GPU")?;
        // A cluster is not all network, whatever a catalogue says.
        let nodes = (1.0 - network.value.get()).max(0.01);
        Ok(node.map(|node| GpuPrice::new(node.per_unit() * (1.0 / nodes))))
    }
}
