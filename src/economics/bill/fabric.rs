//! The compute fabric: switches, cables, transceivers, fabric managers.
//!
//! How many switches and links there are is [`FabricSize`]'s to know. Here links become things to order: a cable for each port
//! of a switch that links to another, a cable for each port of a node, and a transceiver for each cage that a link ends in. A
//! twin-port module serves two ports of one switch or of one node, and not of two.

use super::item::{Group, Item, cable, modules, transceiver};
use crate::catalog::{Catalog, is_infiniband};
use crate::spec::{Cluster, Fabric, FabricKind, Pool};
use crate::topology::FabricSize;

/// Leaf ports that one fabric manager takes.
const PORTS_OF_A_MANAGER: u32 = 2;

/// Fabric managers of an InfiniBand fabric: one works, one stands by.
pub(super) const MANAGERS: u32 = 2;

/// Everything between the network ports of the nodes; what is worth a remark goes into `notes`.
pub(super) fn compute(cluster: &Cluster, size: &FabricSize, catalog: &Catalog, notes: &mut Vec<String>) -> Vec<Item> {
    let Some(fabric) = &cluster.fabric else { return Vec::new() };
    let group = Group::ComputeFabric;
    let mut items = switches(fabric, size, catalog);
    let managers = managers(fabric, size, notes);
    items.extend(cables(cluster, fabric, size, catalog));
    let of_switches = switch_modules(cluster, fabric, size, managers);
    let cage = fabric.port_rate * f64::from(cages(fabric));
    let why = format!(
        "{} on leaves towards nodes, {} on leaves towards spines, {} on spines and cores; {} links in a module",
        of_switches.down,
        of_switches.up,
        of_switches.above,
        lanes(fabric, size)
    );
    items.push(Item::part(group, "switch transceivers", &transceiver(cage), catalog, of_switches.total(), why));
    for pool in &cluster.pools {
        let Some(nics) = &pool.nics else { continue };
        let ports = pool.server.ports_per_cage.unwrap_or(1).min(nics.value.count).max(1);
        let count = u64::from(pool.nodes) * u64::from(nics.value.count.div_ceil(ports));
        let why = format!("{} nodes x {} ports / {ports} in a module", pool.nodes, nics.value.count);
        let name = transceiver(nics.value.rate * f64::from(ports));
        items.push(Item::part(group, &format!("transceivers in {}", pool.name), &name, catalog, count, why));
    }
    if managers > 0 {
        let ports = u64::from(managers * PORTS_OF_A_MANAGER);
        let why = "one works, one stands by; together they take the ports of half a node".to_owned();
        if let Some(appliance) = catalog.switch("ufm-appliance") {
            items.push(Item::switch(group, "fabric managers", appliance, managers, why));
        }
        let lane = fabric.port_rate * (1.0 / f64::from(size.breakout.max(1)));
        let why = format!("{managers} managers x {PORTS_OF_A_MANAGER} ports");
        items.push(Item::part(group, "fabric manager cables", &cable(lane), catalog, ports, why.clone()));
        items.push(Item::part(group, "transceivers in fabric managers", &transceiver(lane), catalog, ports, why));
    }
    items.retain(|item| item.count > 0);
    items
}

fn switches(fabric: &Fabric, size: &FabricSize, catalog: &Catalog) -> Vec<Item> {
    let group = Group::ComputeFabric;
    let up = size.leaf_uplinks;
    let leaves = match fabric.kind {
        FabricKind::SingleSwitch => "one for all".to_owned(),
        FabricKind::FatTree => {
            format!("{} ports of nodes, {} on a leaf of {}", size.node_leaf_cables, size.radix - up, size.radix)
        }
        FabricKind::RailOptimizedFatTree | FabricKind::RailOnly => format!(
            "a leaf for each rail{} of every {} nodes",
            if fabric.planes > 1 { " and plane" } else { "" },
            size.scalable_unit
        ),
    };
    let mut items = vec![Item::switch(group, "leaf switches", &fabric.switch, size.leaves, leaves)];
    if size.spines > 0 {
        let networks = size.networks.max(1);
        let why = if size.tiers == 2 {
            let need = (size.leaf_spine_cables / networks).div_ceil(size.radix.max(1));
            format!(
                "{} uplinks need {need}; the {up} of each leaf spread evenly over {}{}",
                size.leaf_spine_cables / networks,
                size.spines / networks,
                if networks > 1 { format!(", in each of {networks} networks") } else { String::new() }
            )
        } else {
            format!("{up} in each of {} pods of {} leaves", size.pods, size.leaves_per_pod)
        };
        let ports = spine_ports(size);
        let mut spines = Item::switch(group, "spine switches", &fabric.switch, size.spines, why);
        if ports > size.radix {
            let why = format!("{}; {ports} ports each, more than the {} of a {}", spines.why, size.radix, fabric.switch.name);
            spines = Item::part(group, "spine switches", "modular-switch", catalog, u64::from(size.spines), why);
        }
        items.push(spines);
    }
    if size.cores > 0 {
        let why = format!("{} links from spines / {} ports", size.spine_core_cables, size.radix);
        items.push(Item::switch(group, "core switches", &fabric.switch, size.cores, why));
    }
    items
}

/// Ports that a spine needs, down and up.
fn spine_ports(size: &FabricSize) -> u32 {
    let spines = size.spines.max(1);
    size.leaf_spine_cables.div_ceil(spines) + size.spine_core_cables.div_ceil(spines)
}

fn cables(cluster: &Cluster, fabric: &Fabric, size: &FabricSize, catalog: &Catalog) -> Vec<Item> {
    let group = Group::ComputeFabric;
    let mut items = Vec::new();
    for pool in &cluster.pools {
        let Some(nics) = &pool.nics else { continue };
        let count = u64::from(pool.nodes) * u64::from(nics.value.count);
        let why = format!("{} nodes x {} ports", pool.nodes, nics.value.count);
        items.push(Item::part(
            group,
            &format!("cables from {} to leaves", pool.name),
            &cable(nics.value.rate),
            catalog,
            count,
            why,
        ));
    }
    let breakout = size.breakout.max(1);
    let broken_out = if breakout > 1 { format!(" / {breakout} in a cable of {}", fabric.port_rate) } else { String::new() };
    let above = [
        (
            "cables from leaves to spines",
            size.leaf_spine_cables,
            format!("{} leaves x {} uplinks", size.leaves, size.leaf_uplinks),
        ),
        (
            "cables from spines to cores",
            size.spine_core_cables,
            format!("{} spines x {} uplinks", size.spines, size.spine_core_cables / size.spines.max(1)),
        ),
    ];
    for (role, links, why) in above {
        let count = u64::from(links.div_ceil(breakout));
        items.push(Item::part(group, role, &cable(fabric.port_rate), catalog, count, why + &broken_out));
    }
    items
}

/// Modules in switches, by where they are.
struct Modules {
    down: u64,
    up: u64,
    above: u64,
}

impl Modules {
    fn total(&self) -> u64 {
        self.down + self.up + self.above
    }
}

/// Ports that share a cage of the fabric's switch.
fn cages(fabric: &Fabric) -> u32 {
    fabric.switch.ports_per_cage.unwrap_or(1).max(1)
}

/// Links at the nodes' rate that a module carries.
fn lanes(fabric: &Fabric, size: &FabricSize) -> u64 {
    u64::from(cages(fabric) * size.breakout.max(1))
}

fn switch_modules(cluster: &Cluster, fabric: &Fabric, size: &FabricSize, managers: u32) -> Modules {
    let lanes = lanes(fabric, size);
    let planes = u64::from(fabric.planes.max(1));
    let mut down = 0;
    let mut left_over = 0;
    for (links, leaves) in leaf_links(cluster, fabric, size) {
        let (links, leaves) = (links * planes, leaves.max(1));
        let here = modules(links, leaves, lanes);
        down += here;
        left_over += here * lanes - links;
    }
    // A manager's port takes the free half of a module where there is one, else a module of its own.
    down += u64::from(managers * PORTS_OF_A_MANAGER).saturating_sub(left_over);
    let spines = u64::from(size.spines);
    let (leaf_spine, spine_core) = (u64::from(size.leaf_spine_cables), u64::from(size.spine_core_cables));
    Modules {
        down,
        up: modules(leaf_spine, u64::from(size.leaves), lanes),
        above: modules(leaf_spine, spines, lanes)
            + modules(spine_core, spines, lanes)
            + modules(spine_core, u64::from(size.cores), lanes),
    }
}

/// Ports of nodes, and the leaves that share them evenly: by scalable unit where rails are kept apart, else all together.
fn leaf_links(cluster: &Cluster, fabric: &Fabric, size: &FabricSize) -> Vec<(u64, u64)> {
    let ports_of = |pool: &Pool| u64::from(pool.nics.as_ref().map_or(0, |nics| nics.value.count));
    let unit = size.scalable_unit.max(1);
    let nodes: u32 = cluster.pools.iter().map(|pool| pool.nodes).sum();
    let units = nodes.div_ceil(unit).max(1);
    if matches!(fabric.kind, FabricKind::FatTree | FabricKind::SingleSwitch) || size.leaves < units {
        return vec![(u64::from(size.node_leaf_cables), u64::from(size.leaves))];
    }
    let mut by_unit = vec![(0, u64::from(size.leaves / units)); units as usize];
    let mut first = 0;
    for pool in &cluster.pools {
        let end = first + pool.nodes;
        for (u, (links, _)) in by_unit.iter_mut().enumerate() {
            let (from, to) = (u as u32 * unit, (u as u32 + 1) * unit);
            *links += u64::from(end.min(to).saturating_sub(first.max(from))) * ports_of(pool);
        }
        first = end;
    }
    by_unit
}

/// Fabric managers: as stated; else a pair on an InfiniBand fabric with spines whose leaves have ports left for it.
fn managers(fabric: &Fabric, size: &FabricSize, notes: &mut Vec<String>) -> u32 {
    if let Some(stated) = fabric.managers {
        return stated;
    }
    if !is_infiniband(&fabric.link) || size.tiers < 2 {
        return 0;
    }
    let down = (size.radix - size.leaf_uplinks.min(size.radix)) * size.leaves;
    if down < size.node_leaf_cables + MANAGERS * PORTS_OF_A_MANAGER {
        notes.push(format!(
            "No fabric managers on the compute fabric: nodes take all {down} ports of its leaves. One node less in a scalable \
             unit leaves room for them, or state `fabric.managers`."
        ));
        return 0;
    }
    MANAGERS
}
