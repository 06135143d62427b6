//! The power of a GPU with its share of what is around its node: what a site is built for, and what is drawn there.
//!
//! Both are the bill of materials' power, so that a cost and a bill say one power of a cluster. A node draws a share of its largest while
//! it trains. Switches, storage and servers for management draw nearly the same whatever runs, and count at their largest. Power that
//! was measured with everything around a GPU goes before all of it, and has its load in it.

use super::ledger::Ledger;
use crate::catalog::Sourced;
use crate::units::{Range, Watts};

impl Ledger<'_> {
    /// IT power that a site is built for.
    pub(super) fn housed(&self) -> Watts {
        match &self.cost.power_per_gpu {
            Some(measured) => measured.value,
            None => self.of_node() + self.around_node().map_or(Watts::ZERO, |around| around.value),
        }
    }

    /// Power at the meter while training.
    pub(super) fn metered(&self) -> Watts {
        match &self.cost.power_per_gpu {
            Some(measured) => measured.value * self.cluster.power.pue.value,
            None => {
                let around = self.around_node().map_or(Watts::ZERO, |around| around.value);
                self.metered_in_use() + around * self.cluster.power.pue.value
            }
        }
    }

    /// The part of it that only used hours draw: what is around a node draws in all hours. Of power that was measured, all of it.
    pub(super) fn metered_in_use(&self) -> Watts {
        let site = &self.cluster.power;
        match &self.cost.power_per_gpu {
            Some(measured) => measured.value * site.pue.value,
            None => self.of_node() * site.load_factor.value * site.pue.value,
        }
    }

    /// Enters what IT power follows from.
    pub(super) fn enter_it_power(&mut self) {
        let cost = self.cost;
        if let Some(measured) = &cost.power_per_gpu {
            self.enter("IT power per GPU", Range::exact(measured.value), measured);
            return;
        }
        let (all, node, around) = (self.housed(), self.of_node(), self.around_node());
        self.enter("node power per GPU", Range::exact(node), &self.pool.max_power);
        let mut recipe = "{node_power_per_gpu}".to_owned();
        if let Some(around) = around {
            self.enter("power per GPU around nodes", Range::exact(around.value), &around);
            recipe += "+{power_per_gpu_around_nodes}";
        }
        self.sheet.exact_step("IT power per GPU", "kW", all.get() / 1e3, recipe);
    }

    /// Enters what power at the meter follows from; gives the name of the part that only used hours draw.
    pub(super) fn enter_power_at_the_meter(&mut self) -> &'static str {
        let (site, all) = (&self.cluster.power, self.metered().get() / 1e3);
        self.sheet.enter("PUE", Range::exact(site.pue.value), &site.pue);
        if self.cost.power_per_gpu.is_some() {
            self.sheet.exact_step("power at the meter", "kW", all, "{it_power_per_gpu}*{pue}");
            return "power_at_the_meter";
        }
        self.sheet.enter("load factor", Range::exact(site.load_factor.value), &site.load_factor);
        let nodes = self.metered_in_use().get() / 1e3;
        self.sheet.exact_step("node power per GPU at the meter", "kW", nodes, "{node_power_per_gpu}*{load_factor}*{pue}");
        let around = if self.around_node().is_some() { "+{power_per_gpu_around_nodes}*{pue}" } else { "" };
        self.sheet.exact_step("power at the meter", "kW", all, format!("{{node_power_per_gpu_at_the_meter}}{around}"));
        "node_power_per_gpu_at_the_meter"
    }

    /// A GPU's part of the largest power of its node.
    fn of_node(&self) -> Watts {
        self.pool.max_power.value / f64::from(self.pool.gpus_per_node.max(1))
    }

    /// Its part of what the bill has around nodes, which the GPUs of all pools share evenly.
    fn around_node(&self) -> Option<Sourced<Watts>> {
        let gpus = f64::from(self.bill.gpus.max(1));
        self.bill.power_around_nodes().map(|around| around.map(|power| power / gpus))
    }
}
