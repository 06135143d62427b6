//! Where the nodes of a cluster are on its fabric.

use crate::spec::Cluster;
use crate::topology::Topology;

use super::Placement;

/// The least piece of a cluster that a job is packed into: a node, or a scale-up domain of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Atom {
    /// Its GPUs.
    pub gpus: u32,
    /// Its pool.
    pub pool: u16,
    /// Its node, counted over all pools.
    pub node: u32,
    /// Its set of leaf switches.
    pub leaf: u32,
    /// Its pod.
    pub pod: u32,
}

/// All atoms, in the order of pools and nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// The atoms.
    pub atoms: Vec<Atom>,
    /// Nodes of all pools.
    pub nodes: u32,
    /// Pools.
    pub pools: usize,
    /// How far the fabric counts when places are chosen.
    pub placement: Placement,
}

impl Map {
    /// The map of a cluster.
    #[must_use]
    pub fn new(cluster: &Cluster, topology: &Topology, placement: Placement) -> Self {
        let mut atoms = Vec::new();
        let mut first = 0;
        for (index, pool) in cluster.pools.iter().enumerate() {
            let domain = if placement == Placement::Domain { pool.domain() } else { pool.gpus_per_node };
            for node in 0..pool.nodes {
                let (leaf, pod) = topology.leaf_and_pod(index, node * pool.gpus_per_node);
                let mut left = pool.gpus_per_node;
                while left > 0 {
                    let gpus = domain.min(left);
                    atoms.push(Atom { gpus, pool: index as u16, node: first + node, leaf, pod });
                    left -= gpus;
                }
            }
            first += pool.nodes;
        }
        Self { atoms, nodes: first, pools: cluster.pools.len(), placement }
    }

    /// One pool of equal nodes on one leaf.
    #[must_use]
    pub fn flat(nodes: u32, gpus: u32) -> Self {
        let atoms = (0..nodes).map(|node| Atom { gpus, pool: 0, node, leaf: 0, pod: 0 }).collect();
        Self { atoms, nodes, pools: 1, placement: Placement::Node }
    }

    /// GPUs of all nodes.
    #[must_use]
    pub fn gpus(&self) -> u32 {
        self.atoms.iter().map(|atom| atom.gpus).sum()
    }
}
