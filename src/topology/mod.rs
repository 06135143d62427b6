//! The cluster as a graph of devices and links, and the questions that a planner asks of it.
//!
//! Devices are accelerators, scale-up switches, hosts, network ports, leaf, spine and core switches, racks and power feeds;
//! links carry bandwidth per direction, latency, and how many parallel cables they stand for (a leaf's eight cables to one
//! spine are one link). Every accelerator and port is there: a hundred thousand GPUs are a quarter of a million devices, which
//! build in a fraction of a second, and answers need no case for "the same everywhere".
//!
//! This room knows `spec`, `catalog` and `units`; it does not know jobs, layouts or time.

mod build;
mod fabric;
mod group;
mod route;
mod subset;

pub use fabric::{FabricSize, size_fabric};
pub use group::{Group, LinkUse, Pattern};
pub use route::Route;

use petgraph::graph::{NodeIndex, UnGraph};

use crate::spec::Cluster;
use crate::units::{BytesPerSecond, Seconds};

/// A piece of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Device {
    /// An accelerator: its pool, its number in the pool.
    Gpu {
        /// Pool.
        pool: u16,
        /// Number in the pool, node by node.
        index: u32,
    },
    /// The switches of a scale-up domain, as one.
    ScaleUpSwitch,
    /// Processors and memory of a node.
    Host,
    /// A network port of a node.
    Nic,
    /// A leaf switch.
    Leaf,
    /// A spine switch.
    Spine,
    /// A core switch.
    Core,
    /// A rack.
    Rack,
    /// A power feed.
    Feed,
}

/// What a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// Between accelerators, or to their switch.
    ScaleUp,
    /// PCI Express.
    Pcie,
    /// Between ports and switches.
    Network,
    /// From a feed to a rack, from a rack to a node.
    Power,
}

/// A link between two devices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// What it is.
    pub kind: LinkKind,
    /// Bandwidth per direction, of all its cables.
    pub bandwidth: BytesPerSecond,
    /// Time that a message needs beside its bytes.
    pub latency: Seconds,
    /// Parallel cables.
    pub cables: u32,
}

/// Where an accelerator is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its scale-up domain, over all pools.
    pub domain: u32,
    /// Its leaf switch; `u32::MAX` without network.
    pub leaf: u32,
    /// The pod of that leaf.
    pub pod: u32,
}

/// The cluster as a graph.
#[derive(Debug)]
pub struct Topology {
    graph: UnGraph<Device, Link>,
    /// The accelerators of each pool, in order.
    gpus: Vec<Vec<NodeIndex>>,
    places: Vec<Vec<Place>>,
    pools: Vec<PoolLinks>,
    /// Bandwidth from each leaf to its spines, per direction, summed over the graph's links.
    leaf_up: Vec<BytesPerSecond>,
    /// Bandwidth from each pod's spines to the cores, per direction, summed over the graph's links.
    pod_up: Vec<BytesPerSecond>,
    size: Option<FabricSize>,
    racks: u32,
    feeds: Vec<u32>,
}

/// What the links of a pool's accelerators are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PoolLinks {
    pub scale_up: String,
    pub scale_up_bandwidth: BytesPerSecond,
    pub pair_bandwidth: BytesPerSecond,
    pub domain: u32,
    pub network: Option<(String, BytesPerSecond)>,
    pub rails: bool,
}

impl Topology {
    /// Builds the graph of a cluster.
    #[must_use]
    pub fn new(cluster: &Cluster) -> Self {
        build::build(cluster)
    }

    /// The graph itself.
    #[must_use]
    pub fn graph(&self) -> &UnGraph<Device, Link> {
        &self.graph
    }

    /// The accelerators of a pool, node by node.
    #[must_use]
    pub fn gpus(&self, pool: usize) -> &[NodeIndex] {
        self.gpus.get(pool).map_or(&[], Vec::as_slice)
    }

    /// Switches and cables of the compute fabric, when there is one.
    #[must_use]
    pub fn fabric(&self) -> Option<&FabricSize> {
        self.size.as_ref()
    }

    /// The leaf switch and the pod of an accelerator of a pool; of a node, its first accelerator's stand for all.
    #[must_use]
    pub fn leaf_and_pod(&self, pool: usize, gpu: u32) -> (u32, u32) {
        let place = self.places.get(pool).and_then(|places| places.get(gpu as usize));
        place.map_or((0, 0), |place| (place.leaf, place.pod))
    }

    /// How many racks hold the nodes.
    #[must_use]
    pub fn racks(&self) -> u32 {
        self.racks
    }

    /// Accelerators behind each power feed.
    #[must_use]
    pub fn gpus_per_feed(&self) -> &[u32] {
        &self.feeds
    }
}
