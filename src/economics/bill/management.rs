//! The networks for management: in-band (logins, schedulers, home directories) and out-of-band (management ports).
//!
//! As in NVIDIA's DGX H100 reference architecture (RA-11333-001 V11, tables 7 and 8): everything in-band is attached to both
//! switches of a pair, pairs have two links between them and four uplinks each to a pair of cores. The 127 nodes, 4 management
//! servers, 4 home-directory devices and 8 out-of-band switches take three pairs and two cores, its 8 SN4600C. Out-of-band
//! switches are filled to nine tenths: what its 8 SN2201 for 315 ports have in common with the 1 and 2 of the smaller DGX design
//! (RA-11127-001 V5, 29 and 45 ports).

use super::item::{Group, Item};
use crate::catalog::{Catalog, Switch};
use crate::spec::Cluster;

/// Ports of a node on the in-band network.
const IN_BAND_PORTS: u32 = 2;
/// Devices with home directories, attached to a pair.
const HOME_DEVICES: u32 = 4;
/// Servers that manage the cluster.
const SERVERS: u32 = 4;
/// Links between the two switches of a pair.
const PAIR_LINKS: u32 = 2;
/// Links from a leaf to the cores.
const CORE_LINKS: u32 = 4;
/// Links to the network of the site.
const SITE_LINKS: u32 = 4;
/// Share of an out-of-band switch's ports that is used: nine tenths.
const FILLED: (u32, u32) = (9, 10);

/// What is attached to the networks for management.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attached {
    /// Switches of the compute and storage networks.
    pub fabric_switches: u32,
    /// Fabric managers.
    pub managers: u32,
    /// Power distribution units.
    pub pdus: u32,
}

/// Switches, cables and servers of both networks.
pub(super) fn networks(cluster: &Cluster, attached: Attached, catalog: &Catalog) -> Vec<Item> {
    let networks = &cluster.networks;
    if cluster.fabric.is_none() {
        return Vec::new();
    }
    let nodes: u32 = cluster.pools.iter().map(|pool| pool.nodes).sum();
    let servers = networks.management_servers.unwrap_or(SERVERS);
    let in_band_ports = networks.in_band.ports_per_node.unwrap_or(IN_BAND_PORTS);
    let out_of_band_ports = networks.out_of_band.ports_per_node.unwrap_or(1);
    let in_band = networks.in_band.switch.as_ref().or_else(|| catalog.switch("sn4600c")).filter(|_| in_band_ports > 0);
    let out_of_band =
        networks.out_of_band.switch.as_ref().or_else(|| catalog.switch("sn2201")).filter(|_| out_of_band_ports > 0);
    let ports = |in_band_switches: u32| {
        nodes * out_of_band_ports + attached.fabric_switches + servers + attached.managers + in_band_switches + attached.pdus
    };
    // The in-band network carries the uplinks of the out-of-band switches, which reach its switches' management ports.
    let (mut below, mut pairs) = (0, Pairs::default());
    for _ in 0..8 {
        pairs = in_band
            .map_or(pairs, |switch| Pairs::of(switch, (nodes * in_band_ports).div_ceil(2) + servers + HOME_DEVICES + below));
        let needed = out_of_band.map_or(0, |switch| filled(switch, ports(pairs.switches())));
        if needed == below {
            break;
        }
        below = needed;
    }
    let mut items = Vec::new();
    if let Some(switch) = in_band {
        items.extend(in_band_items(switch, pairs, (nodes, in_band_ports, servers, below), catalog));
    }
    if let Some(switch) = out_of_band {
        let ports = ports(pairs.switches());
        let group = Group::OutOfBand;
        let why = format!(
            "{ports} ports ({nodes} nodes, {} switches, {} servers and managers, {} PDUs), nine tenths of {} in each",
            attached.fabric_switches + pairs.switches(),
            servers + attached.managers,
            attached.pdus,
            switch.ports.unwrap_or(0)
        );
        items.push(Item::switch(group, "switches", switch, below, why));
        items.push(Item::part(group, "cables", "cable-1g", catalog, u64::from(ports), "one for each port".into()));
    }
    items.retain(|item| item.count > 0);
    items
}

/// Pairs of leaves, and the cores above them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pairs {
    pairs: u32,
    cores: u32,
}

impl Pairs {
    fn of(switch: &Switch, devices: u32) -> Self {
        let ports = switch.ports.unwrap_or(64);
        let pairs = devices.div_ceil(ports.saturating_sub(PAIR_LINKS + CORE_LINKS).max(1)).max(1);
        let each = pairs * 2 * CORE_LINKS / 2;
        let cores = if pairs > 1 { 2 * each.div_ceil(ports.saturating_sub(SITE_LINKS).max(1)) } else { 0 };
        Self { pairs, cores }
    }

    fn switches(self) -> u32 {
        self.pairs * 2 + self.cores
    }
}

fn in_band_items(
    switch: &Switch,
    pairs: Pairs,
    (nodes, ports, servers, below): (u32, u32, u32, u32),
    catalog: &Catalog,
) -> Vec<Item> {
    let group = Group::InBand;
    let leaves = pairs.pairs * 2;
    let devices = (nodes * ports).div_ceil(2) + servers + HOME_DEVICES + below;
    let why = format!(
        "{devices} devices on both switches of {} pairs, {PAIR_LINKS} links between the two and {CORE_LINKS} to the cores",
        pairs.pairs
    );
    let to_cores = if pairs.cores > 0 { leaves * CORE_LINKS } else { 0 };
    let optical = nodes * ports + (servers + HOME_DEVICES + below) * 2 + to_cores;
    let of_optical = format!(
        "{} to nodes, {} to servers, {} to home directories, {} to out-of-band switches, {to_cores} to cores",
        nodes * ports,
        servers * 2,
        HOME_DEVICES * 2,
        below * 2
    );
    vec![
        Item::switch(group, "leaf switches", switch, leaves, why),
        Item::switch(group, "core switches", switch, pairs.cores, "a pair above several pairs of leaves".into()),
        Item::part(group, "optical cables", "aoc-100g", catalog, u64::from(optical), of_optical),
        Item::part(
            group,
            "cables between switches of a pair",
            "dac-100g",
            catalog,
            u64::from(pairs.pairs * PAIR_LINKS),
            format!("{} pairs x {PAIR_LINKS}", pairs.pairs),
        ),
        Item::part(
            group,
            "transceivers to the site",
            "transceiver-100g",
            catalog,
            u64::from(SITE_LINKS),
            "this end only".into(),
        ),
        Item::part(group, "servers", "management-server", catalog, u64::from(servers), "schedulers, logins, monitoring".into()),
    ]
}

/// Out-of-band switches for so many ports.
fn filled(switch: &Switch, ports: u32) -> u32 {
    (ports * FILLED.1).div_ceil((switch.ports.unwrap_or(48) * FILLED.0).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RA-11127-001 V5, table 4.2: 4 and 8 nodes with 29 and 45 ports; RA-11333-001 V11, table 8: 315 ports.
    #[test]
    fn out_of_band_switches_as_published() {
        let switch = Catalog::embedded().switch("sn2201").unwrap();
        assert_eq!([29, 45, 315].map(|ports| filled(switch, ports)), [1, 2, 8]);
    }

    /// RA-11127-001 V5: a pair without cores; RA-11333-001 V11: three pairs and two cores.
    #[test]
    fn in_band_switches_as_published() {
        let switch = Catalog::embedded().switch("sn4600c").unwrap();
        assert_eq!(Pairs::of(switch, 8 + 5 + 2), Pairs { pairs: 1, cores: 0 });
        assert_eq!(Pairs::of(switch, 127 + 4 + 4 + 8), Pairs { pairs: 3, cores: 2 });
    }
}
