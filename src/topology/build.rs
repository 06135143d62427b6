//! From a cluster to its graph.

use petgraph::graph::{NodeIndex, UnGraph};

use super::fabric::{FabricSize, size_fabric};
use super::{Device, Link, LinkKind, Place, PoolLinks, Topology};
use crate::catalog::ScaleUpKind;
use crate::spec::{Cluster, FabricKind, Pool};
use crate::units::{BytesPerSecond, Seconds};

/// One hop over a scale-up link (NCCL's tuning table, LL protocol).
const SCALE_UP_HOP: Seconds = Seconds::new(0.6e-6);
/// One hop over PCI Express (NCCL's tuning table, LL protocol).
const PCIE_HOP: Seconds = Seconds::new(1.0e-6);
/// One hop through a network switch, cable included; vendors state 0.13 to 0.4 us port to port.
const NETWORK_HOP: Seconds = Seconds::new(0.5e-6);
/// Usable bandwidth of 16 lanes per direction, by generation 3, 4, 5, 6 (`pcie*-x16` of the catalogue's links).
const PCIE_X16: [f64; 4] = [15.75e9, 31e9, 63e9, 121e9];

pub(super) fn build(cluster: &Cluster) -> Topology {
    let size = size_fabric(cluster);
    let gpus = cluster.gpus() as usize;
    let mut builder = Builder {
        graph: UnGraph::with_capacity(gpus * 5 / 2 + 64, gpus * 4 + 64),
        leaves: Vec::new(),
        leaf_up: Vec::new(),
        pod_up: Vec::new(),
    };
    if let Some(size) = &size {
        builder.switches(cluster, size);
    }
    let mut topology = Topology {
        graph: UnGraph::default(),
        gpus: Vec::new(),
        places: Vec::new(),
        pools: Vec::new(),
        leaf_up: Vec::new(),
        pod_up: Vec::new(),
        size,
        racks: 0,
        feeds: Vec::new(),
    };
    let mut first_node = 0;
    let mut first_domain = 0;
    let mut feeds = Feeds::new(cluster);
    for (index, pool) in cluster.pools.iter().enumerate() {
        let (nodes, places) = builder.pool(cluster, index, pool, size.as_ref(), (first_node, first_domain), &mut feeds);
        first_node += pool.nodes;
        first_domain += pool.nodes * pool.gpus_per_node.div_ceil(pool.domain());
        topology.gpus.push(nodes);
        topology.places.push(places);
        topology.pools.push(links(cluster, pool));
    }
    topology.racks = feeds.racks;
    topology.feeds = feeds.gpus;
    topology.graph = builder.graph;
    topology.leaf_up = builder.leaf_up;
    topology.pod_up = builder.pod_up;
    topology
}

fn links(cluster: &Cluster, pool: &Pool) -> PoolLinks {
    let scale_up = &pool.accelerator.scale_up;
    PoolLinks {
        scale_up: scale_up.link.clone(),
        scale_up_bandwidth: scale_up.bandwidth,
        pair_bandwidth: scale_up.pair_bandwidth.unwrap_or(scale_up.bandwidth),
        domain: pool.domain(),
        network: pool
            .network_per_gpu()
            .filter(|_| cluster.fabric.is_some())
            .map(|bandwidth| (cluster.fabric.as_ref().map(|fabric| fabric.link.clone()).unwrap_or_default(), bandwidth)),
        rails: cluster.fabric.as_ref().is_some_and(|fabric| fabric.kind != FabricKind::FatTree),
    }
}

struct Builder {
    graph: UnGraph<Device, Link>,
    leaves: Vec<NodeIndex>,
    leaf_up: Vec<BytesPerSecond>,
    pod_up: Vec<BytesPerSecond>,
}

impl Builder {
    fn link(&mut self, a: NodeIndex, b: NodeIndex, kind: LinkKind, bandwidth: BytesPerSecond, latency: Seconds, cables: u32) {
        self.graph.add_edge(a, b, Link { kind, bandwidth: bandwidth * f64::from(cables), latency, cables });
    }

    /// Leaves, spines and cores, with each leaf's uplinks spread evenly over the spines of its pod (and plane).
    fn switches(&mut self, cluster: &Cluster, size: &FabricSize) {
        let rate =
            cluster.pools.iter().filter_map(|pool| pool.nics.as_ref()).map(|nics| nics.value.rate.get()).fold(0.0, f64::max);
        let planes = cluster.fabric.as_ref().map_or(1, |fabric| fabric.planes.max(1));
        let cable = BytesPerSecond::new(rate / 8.0 / f64::from(planes));
        self.leaves = (0..size.leaves).map(|_| self.graph.add_node(Device::Leaf)).collect();
        let spines: Vec<_> = (0..size.spines).map(|_| self.graph.add_node(Device::Spine)).collect();
        let cores: Vec<_> = (0..size.cores).map(|_| self.graph.add_node(Device::Core)).collect();
        let groups = size.pods.max(if size.tiers == 2 { size.networks } else { 1 });
        let spines_per_group = (size.spines / groups.max(1)).max(1);
        self.leaf_up = vec![BytesPerSecond::ZERO; self.leaves.len()];
        for (i, leaf) in self.leaves.clone().into_iter().enumerate().filter(|_| !spines.is_empty()) {
            let group = group_of(i as u32, size, groups);
            for (j, cables) in spread(size.leaf_uplinks, spines_per_group).enumerate().filter(|(_, cables)| *cables > 0) {
                let spine = spines[(group * spines_per_group) as usize + j];
                self.link(leaf, spine, LinkKind::Network, cable, NETWORK_HOP, cables);
                self.leaf_up[i] += cable * f64::from(cables);
            }
        }
        self.pod_up = vec![BytesPerSecond::ZERO; if cores.is_empty() { 0 } else { groups as usize }];
        for (i, spine) in spines.iter().enumerate().filter(|_| !cores.is_empty()) {
            let uplinks = size.spine_core_cables / size.spines.max(1);
            // Spine j of every pod reaches the same cores, as in a folded Clos network.
            let first = (i as u32 % spines_per_group) * uplinks;
            for (j, cables) in spread(uplinks, uplinks.min(size.cores)).enumerate() {
                let core = cores[((first + j as u32) % size.cores) as usize];
                self.link(*spine, core, LinkKind::Network, cable, NETWORK_HOP, cables);
                self.pod_up[i / spines_per_group as usize] += cable * f64::from(cables);
            }
        }
    }

    fn pool(
        &mut self,
        cluster: &Cluster,
        index: usize,
        pool: &Pool,
        size: Option<&FabricSize>,
        (first_node, first_domain): (u32, u32),
        feeds: &mut Feeds,
    ) -> (Vec<NodeIndex>, Vec<Place>) {
        let domain = pool.domain();
        let domains_per_node = pool.gpus_per_node.div_ceil(domain);
        let scale_up = &pool.accelerator.scale_up;
        let generation = pool.accelerator.pcie.unwrap_or(4).clamp(3, 6);
        let pcie = BytesPerSecond::new(PCIE_X16[generation as usize - 3]);
        let mut gpus = Vec::with_capacity(pool.gpus() as usize);
        let mut places = Vec::with_capacity(pool.gpus() as usize);
        for node in 0..pool.nodes {
            let host = self.graph.add_node(Device::Host);
            feeds.place(&mut self.graph, host, pool);
            let own: Vec<_> = (0..pool.gpus_per_node)
                .map(|g| self.graph.add_node(Device::Gpu { pool: index as u16, index: node * pool.gpus_per_node + g }))
                .collect();
            for members in own.chunks(domain as usize) {
                self.domain(members, scale_up.kind, scale_up.bandwidth, scale_up.pair_bandwidth.unwrap_or(scale_up.bandwidth));
            }
            for gpu in &own {
                self.link(*gpu, host, LinkKind::Pcie, pcie, PCIE_HOP, 1);
            }
            let ports = self.ports(cluster, pool, host, &own, first_node + node, size);
            for (g, gpu) in own.iter().enumerate() {
                let leaf = if ports.is_empty() { u32::MAX } else { ports[g * ports.len() / own.len()] };
                let pod = size.map_or(0, |size| if leaf == u32::MAX { 0 } else { group_of(leaf, size, size.pods.max(1)) });
                let domain = first_domain + node * domains_per_node + g as u32 / domain;
                places.push(Place { domain, leaf, pod });
                gpus.push(*gpu);
            }
        }
        (gpus, places)
    }

    fn domain(&mut self, members: &[NodeIndex], kind: ScaleUpKind, bandwidth: BytesPerSecond, pair: BytesPerSecond) {
        if members.len() < 2 {
            return;
        }
        match kind {
            ScaleUpKind::Switch | ScaleUpKind::Torus => {
                let switch = self.graph.add_node(Device::ScaleUpSwitch);
                for gpu in members {
                    self.link(*gpu, switch, LinkKind::ScaleUp, bandwidth, SCALE_UP_HOP * 0.5, 1);
                }
            }
            ScaleUpKind::Mesh | ScaleUpKind::Bridge => {
                for (i, a) in members.iter().enumerate() {
                    for b in &members[..i] {
                        self.link(*a, *b, LinkKind::ScaleUp, pair, SCALE_UP_HOP, 1);
                    }
                }
            }
            ScaleUpKind::Pcie => {}
        }
    }

    /// The network ports of a node, and the leaf that each reaches.
    fn ports(
        &mut self,
        cluster: &Cluster,
        pool: &Pool,
        host: NodeIndex,
        gpus: &[NodeIndex],
        node: u32,
        size: Option<&FabricSize>,
    ) -> Vec<u32> {
        let (Some(nics), Some(size), Some(fabric)) = (&pool.nics, size, &cluster.fabric) else { return Vec::new() };
        let (count, rate) = (nics.value.count, nics.value.rate.to_bytes());
        let leaves = self.leaves.len() as u32;
        let planes = fabric.planes.max(1);
        let per_plane = (leaves / planes).max(1);
        let units = node_units(cluster, size).max(1);
        let rails = (per_plane / units).max(1);
        (0..count)
            .map(|port| {
                let nic = self.graph.add_node(Device::Nic);
                // With a port for every accelerator the two share a PCI Express switch; otherwise ports hang off the host.
                let near = if count as usize >= gpus.len() { gpus[port as usize * gpus.len() / count as usize] } else { host };
                self.link(nic, near, LinkKind::Pcie, rate, PCIE_HOP, 1);
                let leaf = match fabric.kind {
                    FabricKind::SingleSwitch => 0,
                    FabricKind::FatTree => (node * count + port) / (size.node_leaf_cables.div_ceil(per_plane)).max(1),
                    FabricKind::RailOptimizedFatTree => (node / size.scalable_unit.max(1)) * rails + port % rails,
                    // The leaves of a rail stand together, for its spines to reach them and no others.
                    FabricKind::RailOnly => port % rails * units + node / size.scalable_unit.max(1),
                };
                for plane in 0..planes {
                    let leaf = (plane * per_plane + leaf).min(leaves - 1);
                    self.link(nic, self.leaves[leaf as usize], LinkKind::Network, rate / f64::from(planes), NETWORK_HOP, 1);
                }
                leaf.min(leaves - 1)
            })
            .collect()
    }
}

/// Scalable units of the whole cluster.
fn node_units(cluster: &Cluster, size: &FabricSize) -> u32 {
    let nodes: u32 = cluster.pools.iter().map(|pool| pool.nodes).sum();
    nodes.div_ceil(size.scalable_unit.max(1))
}

/// The pod (or plane) of leaf `i`.
fn group_of(i: u32, size: &FabricSize, groups: u32) -> u32 {
    let per_group = if size.tiers == 3 { size.leaves_per_pod } else { size.leaves.div_ceil(groups.max(1)) };
    (i / per_group.max(1)).min(groups.saturating_sub(1))
}

/// `cables` over `ends`, as evenly as it goes.
fn spread(cables: u32, ends: u32) -> impl Iterator<Item = u32> {
    let ends = ends.max(1);
    (0..ends).map(move |i| cables / ends + u32::from(i < cables % ends))
}

/// Racks are filled node by node, feeds rack by rack.
struct Feeds {
    limit: Option<f64>,
    rack: Option<(NodeIndex, u32, usize)>,
    load: f64,
    feed: Option<NodeIndex>,
    racks: u32,
    gpus: Vec<u32>,
}

impl Feeds {
    fn new(cluster: &Cluster) -> Self {
        let limit = cluster.power.feed_limit.map(crate::units::Watts::get);
        Self { limit, rack: None, load: 0.0, feed: None, racks: 0, gpus: Vec::new() }
    }

    /// Puts a node into the rack that has room, and the rack behind the feed that can carry it.
    fn place(&mut self, graph: &mut UnGraph<Device, Link>, host: NodeIndex, pool: &Pool) {
        let power = |cables| Link { kind: LinkKind::Power, bandwidth: BytesPerSecond::ZERO, latency: Seconds::ZERO, cables };
        let (rack, left, feed) = match self.rack {
            Some((rack, left, feed)) if left > 0 => (rack, left, feed),
            _ => {
                let draw = pool.max_power.value.get() * f64::from(pool.nodes_per_rack);
                let full = self.limit.is_some_and(|limit| self.load + draw > limit);
                let feed = match self.feed {
                    Some(feed) if !full => feed,
                    _ => {
                        self.load = 0.0;
                        self.gpus.push(0);
                        *self.feed.insert(graph.add_node(Device::Feed))
                    }
                };
                self.load += draw;
                self.racks += 1;
                let rack = graph.add_node(Device::Rack);
                graph.add_edge(feed, rack, power(1));
                (rack, pool.nodes_per_rack, self.gpus.len() - 1)
            }
        };
        graph.add_edge(rack, host, power(1));
        self.gpus[feed] += pool.gpus_per_node;
        self.rack = Some((rack, left - 1, feed));
    }
}
