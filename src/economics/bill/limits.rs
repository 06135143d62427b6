//! What the site must carry, and whether it can: power, cooling, addresses. A limit that is exceeded is a "no".

use serde::Serialize;

use super::racks::Racks;
use crate::catalog::{Cooling, is_infiniband};
use crate::spec::Cluster;
use crate::topology::FabricSize;
use crate::units::{AirFlow, TemperatureRise, WaterFlow, Watts};

/// Rack power that air with aisle containment usually carries, and the most that NVIDIA shows a rack for (four DGX B200 with
/// 8,580 CFM, RACKULA-DGX).
const AIR: (Watts, Watts) = (Watts::new(40e3), Watts::new(57.2e3));
/// The same for a rear-door heat exchanger.
const REAR_DOOR: (Watts, Watts) = (Watts::new(60e3), Watts::new(80e3));
/// Unicast addresses (LIDs) of an InfiniBand subnet.
const LIDS: u32 = 48_895;

/// How a limit is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Kept.
    Kept,
    /// Kept, beyond what is usual.
    Tight,
    /// Exceeded.
    Exceeded,
}

/// A limit, and what of it is used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// What is limited.
    pub what: String,
    /// What is used of it.
    pub used: f64,
    /// The most that may be used.
    pub most: f64,
    /// What both count: `W` or `LIDs`.
    pub unit: &'static str,
    /// Whether it is kept.
    pub verdict: Verdict,
    /// What else to know.
    pub remark: String,
}

impl Limit {
    fn power(what: String, used: Watts, most: Watts, remark: String) -> Self {
        Self::new(what, (used.get(), most.get()), "W", remark)
    }

    fn new(what: String, (used, most): (f64, f64), unit: &'static str, remark: String) -> Self {
        // A sum that misses the limit by a rounding keeps it.
        let verdict = if used > most * (1.0 + 1e-9) { Verdict::Exceeded } else { Verdict::Kept };
        Self { what, used, most, unit, verdict, remark }
    }

    /// The share of the limit that is left; negative when it is exceeded.
    #[must_use]
    pub fn margin(&self) -> f64 {
        1.0 - self.used / self.most
    }
}

/// What carries the heat of a full rack away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coolant {
    /// Air for racks that are cooled by it, and how much warmer it gets.
    #[serde(rename = "air_m3_per_s_and_rise_k", skip_serializing_if = "Option::is_none")]
    pub air: Option<(AirFlow, TemperatureRise)>,
    /// Water for racks that are cooled by it, all of their heat, and how much warmer it gets.
    #[serde(rename = "water_m3_per_s_and_rise_k", skip_serializing_if = "Option::is_none")]
    pub water: Option<(WaterFlow, TemperatureRise)>,
}

/// The flow that a full rack needs.
pub(super) fn coolant(cluster: &Cluster, racks: &Racks) -> Coolant {
    let (air_rise, water_rise) = (cluster.power.air_rise.value, cluster.power.water_rise.value);
    let air = || (racks.power.cooled_by_air(air_rise), air_rise);
    let water = || (racks.power.cooled_by_water(water_rise), water_rise);
    match racks.cooling {
        Cooling::Air => Coolant { air: Some(air()), water: None },
        Cooling::RearDoor => Coolant { air: Some(air()), water: Some(water()) },
        Cooling::Liquid | Cooling::Hybrid => Coolant { air: None, water: Some(water()) },
    }
}

/// Nodes that a site's power carries, `floor(limit / (PUE * node))`, when each draws its most.
#[must_use]
pub fn nodes_within(limit: Watts, pue: f64, node: Watts) -> u32 {
    let nodes = limit.get() / (pue * node.get());
    // 1.75 MW for 100 nodes of 17.5 kW are 100, whatever a rounding makes of it.
    if nodes.is_finite() { (nodes + 1e-9).floor().clamp(0.0, 1e9) as u32 } else { 0 }
}

/// Every limit that is known: of racks, feeds, the site, and of the fabric's addresses.
pub(super) fn check(cluster: &Cluster, racks: &[Racks], it: Watts, size: Option<&FabricSize>) -> Vec<Limit> {
    let power = &cluster.power;
    let mut limits = Vec::new();
    for racks in racks {
        let what = |of: &str| format!("{of} of a rack, {}", racks.holds);
        if let Some(most) = power.rack_limit {
            limits.push(Limit::power(what("power"), racks.power, most, "power.rack-limit".to_owned()));
        }
        if let Some(most) = power.feed_limit {
            limits.push(Limit::power(what("feed"), racks.power, most, "power.feed-limit".to_owned()));
        }
        limits.extend(cooled(racks, what("cooling")));
    }
    if let Some(most) = power.site_limit {
        let site = it * power.pue.value;
        let free = Watts::new((most.get() - site.get()).max(0.0));
        let room = match cluster.pools.first().filter(|_| cluster.pools.len() == 1) {
            Some(pool) => format!(", room for {} more nodes", nodes_within(free, power.pue.value, pool.max_power.value)),
            None => String::new(),
        };
        limits.push(Limit::power("power of the site".to_owned(), site, most, format!("power.site-limit{room}")));
    }
    limits.extend(addresses(cluster, size));
    limits
}

/// Whether the way that a rack is cooled carries its heat; liquid has no limit but the flow.
fn cooled(racks: &Racks, what: String) -> Option<Limit> {
    let ((usual, most), how) = match racks.cooling {
        Cooling::Air => (AIR, "air"),
        Cooling::RearDoor => (REAR_DOOR, "a rear-door heat exchanger"),
        Cooling::Liquid | Cooling::Hybrid => return None,
    };
    let remark = format!("{how} usually carries {usual}");
    let limit = Limit::power(what, racks.power, most, remark);
    let beyond = limit.verdict == Verdict::Kept && racks.power > usual;
    Some(if beyond { Limit { verdict: Verdict::Tight, ..limit } } else { limit })
}

/// Addresses of an InfiniBand subnet: one for each port of a node and one for each switch. Planes and separate rails are subnets
/// of their own.
fn addresses(cluster: &Cluster, size: Option<&FabricSize>) -> Option<Limit> {
    let (fabric, size) = (cluster.fabric.as_ref()?, size?);
    if !is_infiniband(&fabric.link) {
        return None;
    }
    let planes = fabric.planes.max(1);
    let rails = (size.networks / planes).max(1);
    let switches = size.leaves + size.spines + size.cores;
    let used = size.node_leaf_cables / rails + switches / (planes * rails);
    let remark = "a port of a node and a switch take one each".to_owned();
    let what = "addresses of an InfiniBand subnet".to_owned();
    Some(Limit::new(what, (f64::from(used), f64::from(LIDS)), "LIDs", remark))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes of 10.2 kW at a PUE of 1.25: 2 MW carry 156.
    #[test]
    fn nodes_of_a_budget_of_power() {
        assert_eq!(nodes_within(Watts::new(2e6), 1.25, Watts::new(10.2e3)), 156);
        assert_eq!(nodes_within(Watts::new(1.75e6), 1.0, Watts::new(17.5e3)), 100);
        assert_eq!(nodes_within(Watts::ZERO, 1.25, Watts::new(10.2e3)), 0);
    }
}
