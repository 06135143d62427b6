//! Some nodes of a pool as if they were all of it.

use petgraph::graph::UnGraph;

use super::Topology;

impl Topology {
    /// What a job finds that runs on these nodes of a pool and no others: the first accelerators of a pool of as many nodes are where
    /// the ones of these nodes are. Links to leaves and spines are as wide as in the whole cluster.
    #[must_use]
    pub fn on_nodes(&self, pool: usize, nodes: &[u32], gpus_per_node: u32) -> Self {
        let all = self.places.get(pool).map_or(&[][..], Vec::as_slice);
        let places = nodes.iter().flat_map(|node| {
            let first = (node * gpus_per_node) as usize;
            all.get(first..first + gpus_per_node as usize).unwrap_or_default().iter().copied()
        });
        Self {
            graph: UnGraph::default(),
            gpus: vec![Vec::new()],
            places: vec![places.collect()],
            pools: self.pools.get(pool).cloned().into_iter().collect(),
            leaf_up: self.leaf_up.clone(),
            pod_up: self.pod_up.clone(),
            size: self.size,
            racks: self.racks,
            feeds: self.feeds.clone(),
        }
    }
}
