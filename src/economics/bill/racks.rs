//! Racks and what distributes power in them.

use serde::Serialize;

use super::item::{Group, Item};
use crate::catalog::{Catalog, Cooling};
use crate::spec::{Cluster, Pool};
use crate::units::Watts;

/// Power distribution units of a rack of network gear: two, of which either carries the rack (RA-11333-001 V11, table 7: 12 for 6).
const NETWORK_PDUS: u32 = 2;
/// What either of them carries: 400 V, 32 A, three phases.
const NETWORK_RACK: Watts = Watts::new(22.2e3);
/// Rack units of network gear in a rack of 48: the rest is for cables and air.
const NETWORK_UNITS: u32 = 42;

/// Racks that are alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Racks {
    /// What is in them: the name of a pool, or `network`.
    pub holds: String,
    /// How many.
    pub count: u32,
    /// Nodes in a full one; 0 for network gear.
    pub nodes: u32,
    /// Most power that a full one draws.
    #[serde(rename = "power_w")]
    pub power: Watts,
    /// How it is cooled.
    pub cooling: Cooling,
}

/// Racks of nodes, pool by pool; none for a machine that stands on its own.
pub(super) fn of_nodes(cluster: &Cluster) -> Vec<Racks> {
    let pools = cluster.pools.iter().filter(|pool| pool.nodes > 0 && !stands_alone(cluster, pool));
    pools
        .map(|pool| {
            let nodes = pool.nodes_per_rack.max(1);
            let count = match pool.server.racks {
                Some(racks) => pool.nodes * racks,
                None => pool.nodes.div_ceil(nodes),
            };
            let nodes = if pool.server.racks.is_some() { 1 } else { nodes.min(pool.nodes) };
            let power = pool.max_power.value * (f64::from(nodes) / f64::from(pool.server.racks.unwrap_or(1)));
            Racks { holds: pool.name.clone(), count, nodes, power, cooling: pool.cooling.unwrap_or(Cooling::Air) }
        })
        .collect()
}

fn stands_alone(cluster: &Cluster, pool: &Pool) -> bool {
    cluster.fabric.is_none() && pool.server.rack_units.is_none()
}

/// Racks of network gear: as many as its power and its height need, none where it fits beside the nodes of one rack.
pub(super) fn of_network(cluster: &Cluster, gear: &[Item]) -> Option<Racks> {
    let units: u64 = gear.iter().map(|item| item.count * u64::from(item.rack_units)).sum();
    let power: Watts = gear.iter().map(draw).sum();
    if units == 0 {
        return None;
    }
    let limit = cluster.power.rack_limit.map_or(NETWORK_RACK, |limit| limit.min(NETWORK_RACK));
    let by_power = (power / limit).ceil().clamp(1.0, 1e6) as u32;
    let by_height = u32::try_from(units.div_ceil(u64::from(NETWORK_UNITS))).unwrap_or(u32::MAX);
    let count = by_power.max(by_height);
    let each = power / f64::from(count);
    Some(Racks { holds: "network".to_owned(), count, nodes: 0, power: each, cooling: Cooling::Air })
}

/// Most power that all pieces of an item draw.
pub(super) fn draw(item: &Item) -> Watts {
    item.power.as_ref().map_or(Watts::ZERO, |power| power.value * item.count as f64)
}

/// Power distribution units of racks that are delivered without.
pub(super) fn pdus(cluster: &Cluster, nodes: &[Racks], network: Option<&Racks>) -> u32 {
    in_need(cluster, nodes) * cluster.power.pdus_per_rack.value + network.map_or(0, |racks| racks.count * NETWORK_PDUS)
}

/// Racks of nodes that are to be bought: those of servers that bring none.
fn in_need(cluster: &Cluster, nodes: &[Racks]) -> u32 {
    let brings = |racks: &Racks| cluster.pools.iter().any(|pool| pool.name == racks.holds && pool.server.racks.is_some());
    nodes.iter().filter(|racks| !brings(racks)).map(|racks| racks.count).sum()
}

/// Racks and power distribution as items.
pub(super) fn items(cluster: &Cluster, nodes: &[Racks], network: Option<&Racks>, catalog: &Catalog) -> Vec<Item> {
    let group = Group::RacksAndPower;
    let of_nodes = in_need(cluster, nodes);
    let of_network = network.map_or(0, |racks| racks.count);
    let each = cluster.power.pdus_per_rack.value;
    let mut why: Vec<String> = nodes
        .iter()
        .filter(|racks| racks.nodes > 0)
        .map(|racks| format!("{} for {}, {} in each", racks.count, racks.holds, racks.nodes))
        .collect();
    if let Some(racks) = network {
        why.push(format!(
            "{} for network gear of {} at up to {NETWORK_RACK} each",
            racks.count,
            racks.power * f64::from(racks.count)
        ));
    }
    let mut items = vec![
        Item::part(group, "racks", "rack", catalog, u64::from(of_nodes + of_network), why.join("; ")),
        Item::part(
            group,
            "PDUs of nodes",
            "rack-pdu",
            catalog,
            u64::from(of_nodes * each),
            format!("{of_nodes} racks x {each}"),
        ),
        Item::part(
            group,
            "PDUs of network gear",
            "network-pdu",
            catalog,
            u64::from(of_network * NETWORK_PDUS),
            format!("{of_network} racks x {NETWORK_PDUS}, either of which carries the rack"),
        ),
    ];
    items.retain(|item| item.count > 0);
    items
}
