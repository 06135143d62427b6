//! The network to the shared storage.
//!
//! As in NVIDIA's DGX H100 reference architecture (RA-11333-001 V11): nodes are slightly oversubscribed, "near 4:3", storage
//! devices have as many uplinks as ports. Every scalable unit of 32 nodes has a leaf for each storage port of its nodes, with 32
//! ports down and 24 up, and a leaf for 12 ports of storage with 12 up; spines follow the divisor rule. Four units take
//! 8 + 4 leaves and 4 spines, and 254 + 240 cables: the 16 switches and 494 cables of its tables 7 and 8. How the 16 divide into
//! leaves and spines is not printed there.

use super::fabric::MANAGERS;
use super::item::{Group, Item, cable, modules, transceiver};
use crate::catalog::{Catalog, Switch, is_infiniband};
use crate::spec::{Cluster, Pool};
use crate::units::BitsPerSecond;

/// Uplinks of a leaf for each of its ports to nodes.
const UP_FOR_DOWN: (u32, u32) = (3, 4);
/// Ports for storage devices for each port of a node: 48 for 4 x 64.
const DEVICE_PORTS: (u32, u32) = (3, 16);
/// Ports of a node with eight accelerators.
const PORTS_PER_NODE: u32 = 2;

/// Rate of such a port where none is stated.
const PORT_RATE: BitsPerSecond = BitsPerSecond::new(400e9);

/// Leaves, spines and links of the storage network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    units: u32,
    node_leaves: u32,
    device_leaves: u32,
    spines: u32,
    cores: u32,
    node_up: u32,
    device_ports: u32,
    device_up: u32,
}

impl Size {
    fn uplinks(&self) -> u32 {
        self.node_leaves * self.node_up + self.device_leaves * self.device_up
    }
}

/// Switches, cables and transceivers of the storage network.
pub(super) fn network(cluster: &Cluster, catalog: &Catalog, notes: &mut Vec<String>) -> Vec<Item> {
    let group = Group::Storage;
    let Some(compute) = &cluster.fabric else { return Vec::new() };
    let stated = &cluster.networks.storage;
    let default = if is_infiniband(&compute.link) { catalog.switch("qm9700") } else { Some(&compute.switch) };
    let Some(switch) = stated.switch.as_ref().or(default) else { return Vec::new() };
    let (Some(switch_ports), Some(port_rate)) = (switch.ports, switch.port_rate) else { return Vec::new() };
    let mut items = Vec::new();
    let per_node = |pool: &Pool| {
        let by_rule = PORTS_PER_NODE * pool.gpus_per_node.div_ceil(8);
        stated.ports_per_node.or(pool.server.storage_nics.map(|nics| nics.count)).unwrap_or(by_rule)
    };
    let nodes: u32 = cluster.pools.iter().map(|pool| pool.nodes).sum();
    let ports: u32 = cluster.pools.iter().map(|pool| pool.nodes * per_node(pool)).sum();
    if ports == 0 {
        return items;
    }
    if stated.ports_per_node.is_none() && cluster.pools.iter().any(|pool| pool.server.storage_nics.is_none()) {
        notes.push(format!(
            "Storage network: {PORTS_PER_NODE} ports for every 8 accelerators are assumed, as in a DGX H100. State \
             `networks.storage.ports-per-node`."
        ));
    }
    let nics = cluster.pools.iter().filter_map(|pool| pool.server.storage_nics);
    let rate = nics.map(|nics| nics.rate).reduce(BitsPerSecond::max).unwrap_or(PORT_RATE).min(port_rate);
    let breakout = (port_rate.get() / rate.get()).floor().clamp(1.0, 8.0) as u32;
    let radix = switch_ports * breakout;
    let device_ports = cluster.networks.storage_device_ports;
    let size = size(radix, nodes, ports, compute.scalable_unit, device_ports);
    items.extend(switches(&size, switch));
    let link = cable(rate);
    let why = format!("{nodes} nodes, {ports} ports");
    items.push(Item::part(group, "cables from nodes to leaves", &link, catalog, u64::from(ports), why));
    let up = size.uplinks();
    let why = format!("{} x {} + {} x {} uplinks", size.node_leaves, size.node_up, size.device_leaves, size.device_up);
    items.push(Item::part(group, "cables from leaves to spines", &link, catalog, u64::from(up), why));
    let cores = if size.cores > 0 { up } else { 0 };
    items.push(Item::part(
        group,
        "cables from spines to cores",
        &link,
        catalog,
        u64::from(cores),
        "as many as into spines".into(),
    ));
    let devices = size.units * size.device_ports;
    let why = format!("{} for each of {} scalable units, to storage devices", size.device_ports, size.units);
    items.push(Item::part(group, "cables to storage devices", "splitter-400g", catalog, u64::from(devices), why));
    let managers = if is_infiniband(switch.link.as_deref().unwrap_or_default()) && size.spines > 0 { MANAGERS } else { 0 };
    items.extend(transceivers(&size, switch, (rate, breakout), ports, managers, catalog));
    if let Some(appliance) = catalog.switch("ufm-appliance").filter(|_| managers > 0) {
        items.push(Item::switch(group, "fabric managers", appliance, managers, "one works, one stands by".into()));
        let why = format!("{managers} managers x 2 ports");
        items.push(Item::part(group, "fabric manager cables", &link, catalog, u64::from(managers * 2), why));
    }
    items.push(system(&size, catalog));
    items.retain(|item| item.count > 0);
    items
}

/// NVIDIA's guideline of the middle class ("better"): 40 GB/s read and 20 GB/s write for each scalable unit.
fn system(size: &Size, catalog: &Catalog) -> Item {
    let why = format!(
        "sized by its vendor; {} GB/s read and {} GB/s write are NVIDIA's \"better\" for {} scalable units",
        40 * size.units,
        20 * size.units,
        size.units
    );
    Item::part(Group::Storage, "storage", "storage-system", catalog, 1, why)
}

fn switches(size: &Size, switch: &Switch) -> Vec<Item> {
    let group = Group::Storage;
    if size.spines == 0 {
        let why = "a pair that every node and every storage device is attached to both of";
        return vec![Item::switch(group, "leaf switches", switch, size.node_leaves, why.into())];
    }
    let leaves = format!(
        "{} scalable units, {} leaves for nodes and {} for storage in all",
        size.units, size.node_leaves, size.device_leaves
    );
    let spines = format!("{} uplinks, spread evenly over spines", size.uplinks());
    let cores = format!("{} links from spines", size.uplinks());
    vec![
        Item::switch(group, "leaf switches", switch, size.node_leaves + size.device_leaves, leaves),
        Item::switch(group, "spine switches", switch, size.spines, spines),
        Item::switch(group, "core switches", switch, size.cores, cores),
    ]
}

fn transceivers(
    size: &Size,
    switch: &Switch,
    (rate, breakout): (BitsPerSecond, u32),
    ports: u32,
    managers: u32,
    catalog: &Catalog,
) -> Vec<Item> {
    let group = Group::Storage;
    let cages = switch.ports_per_cage.unwrap_or(1).max(1);
    let lanes = u64::from(cages * breakout);
    let up = u64::from(size.uplinks());
    let node_leaves = u64::from(size.node_leaves);
    let down = modules(u64::from(ports), node_leaves, lanes);
    // The cables to storage devices bring their own ends; a manager takes the free half of a module where there is one.
    let of_managers = u64::from(managers * 2).saturating_sub(down * lanes - u64::from(ports)).div_ceil(lanes);
    let up_modules = modules(u64::from(size.node_leaves * size.node_up), node_leaves, lanes)
        + modules(u64::from(size.device_leaves * size.device_up), u64::from(size.device_leaves), lanes);
    let cores = if size.cores > 0 { up } else { 0 };
    let above = modules(up, u64::from(size.spines), lanes)
        + modules(cores, u64::from(size.spines), lanes)
        + modules(cores, u64::from(size.cores), lanes);
    let count = down + of_managers + up_modules + above;
    let why = format!(
        "{} on leaves towards nodes and managers, {up_modules} towards spines, {above} on spines; {lanes} links in a module",
        down + of_managers
    );
    let cage = rate * f64::from(cages * breakout);
    vec![
        Item::part(group, "switch transceivers", &transceiver(cage), catalog, count, why),
        Item::part(group, "transceivers in nodes", &transceiver(rate), catalog, u64::from(ports), format!("{ports} ports")),
        Item::part(
            group,
            "transceivers in fabric managers",
            &transceiver(rate),
            catalog,
            u64::from(managers * 2),
            "one a port".into(),
        ),
    ]
}

/// `unit` nodes are a scalable unit, where one is stated; else as many as fill a leaf for each of two ports.
fn size(radix: u32, nodes: u32, ports: u32, unit: Option<u32>, device_ports: Option<u32>) -> Size {
    let per_node = ports.div_ceil(nodes.max(1)).max(1);
    let most = (radix / 2).max(1);
    let unit = unit.unwrap_or(PORTS_PER_NODE * most / per_node).clamp(1, nodes.max(1));
    let units = nodes.div_ceil(unit);
    let leaves_of_unit = (unit * per_node).div_ceil(most);
    let down = (unit * per_node).div_ceil(leaves_of_unit);
    let up = (down * UP_FOR_DOWN.0).div_ceil(UP_FOR_DOWN.1);
    let device_ports = device_ports.unwrap_or((unit * per_node * DEVICE_PORTS.0).div_ceil(DEVICE_PORTS.1)).min(most);
    let mut size =
        Size { units, node_leaves: 2, device_leaves: 0, spines: 0, cores: 0, node_up: 0, device_ports, device_up: 0 };
    // Small clusters: everything on a pair of switches, half of the storage's ports on each.
    if units == 1 && ports.div_ceil(2) + device_ports.div_ceil(2) + MANAGERS <= radix {
        return size;
    }
    size.node_leaves = units * leaves_of_unit;
    size.device_leaves = units;
    for spines in 1..=radix {
        size.node_up = up.next_multiple_of(spines);
        size.device_up = device_ports.next_multiple_of(spines);
        let fits = down + size.node_up <= radix && device_ports + size.device_up <= radix;
        if fits && size.uplinks() <= spines * radix {
            size.spines = spines;
            return size;
        }
    }
    // Three tiers: spines with half of their ports up.
    size.node_up = up;
    size.device_up = device_ports;
    size.spines = size.uplinks().div_ceil((radix / 2).max(1));
    size.cores = size.uplinks().div_ceil(radix);
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spines_share_the_uplinks_of_every_leaf_evenly() {
        let four = size(64, 127, 254, Some(32), None);
        assert_eq!((four.node_leaves, four.device_leaves, four.spines), (8, 4, 4));
        assert_eq!((four.node_up, four.device_up, four.uplinks()), (24, 12, 240));
        let sixteen = size(64, 512, 1024, None, None);
        assert_eq!(sixteen.node_up % sixteen.spines, 0);
        assert!(sixteen.uplinks() <= sixteen.spines * 64, "{sixteen:?}");
        let large = size(64, 2048, 4096, Some(32), None);
        assert_eq!((large.spines, large.cores), (large.uplinks().div_ceil(32), large.uplinks().div_ceil(64)));
    }

    /// Racks of 72 GPUs with 18 ports each: three are a unit of 54 ports on two leaves.
    #[test]
    fn nodes_of_many_ports_share_leaves() {
        let racks = size(64, 8, 144, None, None);
        assert_eq!((racks.units, racks.node_leaves, racks.device_leaves), (3, 6, 3));
        assert_eq!((racks.node_up, racks.device_ports), (21, 11));
    }

    #[test]
    fn a_small_cluster_shares_a_pair() {
        let one = size(64, 8, 16, None, None);
        assert_eq!((one.node_leaves, one.spines, one.device_ports), (2, 0, 3));
    }
}
