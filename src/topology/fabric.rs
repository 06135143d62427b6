//! How many switches and cables a fabric takes.
//!
//! The rules of NVIDIA's SuperPOD reference architectures, one plane at a time, with E endpoints (ports of nodes), a switch of
//! r ports and an oversubscription o: a leaf has r·o/(1+o) ports down and the rest up; two tiers reach r²/2 endpoints. The
//! spines of two tiers are the smallest divisor of a leaf's uplinks that is enough, because each leaf spreads its uplinks
//! evenly over all spines: three scalable units of DGX H100 take 16 spines, not 12.

use serde::Serialize;

use crate::spec::{Cluster, Fabric, FabricKind};

/// Switches and cables of a fabric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FabricSize {
    /// Tiers of switches.
    pub tiers: u32,
    /// Leaf switches.
    pub leaves: u32,
    /// Spine switches.
    pub spines: u32,
    /// Core switches.
    pub cores: u32,
    /// Cables between nodes and leaves.
    pub node_leaf_cables: u32,
    /// Cables between leaves and spines.
    pub leaf_spine_cables: u32,
    /// Cables between spines and cores.
    pub spine_core_cables: u32,
    /// Uplinks of one leaf.
    pub leaf_uplinks: u32,
    /// Groups of leaves and spines under the cores; 1 without cores.
    pub pods: u32,
    /// Leaves of a pod; 0 without cores.
    pub leaves_per_pod: u32,
    /// Nodes that share a set of leaves.
    pub scalable_unit: u32,
    /// Ports of a switch at the nodes' line rate.
    pub radix: u32,
    /// Links at the nodes' line rate that one port of the switch is broken out to.
    pub breakout: u32,
    /// Separate networks that share nothing but nodes: one a plane, and one a rail where rails are not joined.
    pub networks: u32,
}

/// Sizes the fabric of a cluster; nothing when it has none.
#[must_use]
pub fn size_fabric(cluster: &Cluster) -> Option<FabricSize> {
    let fabric = cluster.fabric.as_ref()?;
    let ports: Vec<(u32, u32)> =
        cluster.pools.iter().map(|pool| (pool.nodes, pool.nics.as_ref().map_or(0, |nics| nics.value.count))).collect();
    let planes = fabric.planes.max(1);
    let breakout = fabric.breakout(&cluster.pools);
    let radix = fabric.ports * breakout;
    let rails = ports.iter().map(|(_, nics)| *nics).max().unwrap_or(0);
    let endpoints: u32 = ports.iter().map(|(nodes, nics)| nodes * nics).sum();
    let nodes: u32 = ports.iter().map(|(nodes, _)| nodes).sum();
    let need = Demand { nodes, rails, endpoints, planes };
    let size = if fabric.kind == FabricKind::RailOnly { rail_only(fabric, radix, need) } else { size(fabric, radix, need) };
    Some(FabricSize { breakout, ..size })
}

/// Rails that are not joined: the network of one rail, as often as there are rails.
fn rail_only(fabric: &Fabric, radix: u32, need: Demand) -> FabricSize {
    let rails = need.rails.max(1);
    let one = size(fabric, radix, Demand { rails: 1, endpoints: need.nodes, ..need });
    FabricSize {
        leaves: one.leaves * rails,
        spines: one.spines * rails,
        cores: one.cores * rails,
        node_leaf_cables: need.endpoints,
        leaf_spine_cables: one.leaf_spine_cables * rails,
        spine_core_cables: one.spine_core_cables * rails,
        pods: if one.tiers == 3 { one.pods * rails } else { 1 },
        networks: one.networks * rails,
        ..one
    }
}

#[derive(Clone, Copy)]
struct Demand {
    nodes: u32,
    /// Ports per node.
    rails: u32,
    /// Ports of all nodes.
    endpoints: u32,
    planes: u32,
}

fn size(fabric: &Fabric, radix: u32, need: Demand) -> FabricSize {
    let Demand { nodes, rails, endpoints, planes } = need;
    let mut size = FabricSize {
        tiers: 1,
        node_leaf_cables: endpoints,
        pods: 1,
        radix,
        scalable_unit: nodes,
        networks: planes,
        ..FabricSize::default()
    };
    let single = fabric.kind == FabricKind::SingleSwitch || endpoints <= radix && fabric.scalable_unit.is_none();
    if single || rails == 0 || radix < 2 {
        size.leaves = planes * endpoints.div_ceil(radix.max(1)).max(1);
        return size;
    }
    let share = fabric.oversubscription / (1.0 + fabric.oversubscription);
    let down = ((f64::from(radix) * share).floor() as u32).clamp(1, radix - 1);
    let up = ((f64::from(down) / fabric.oversubscription).floor() as u32).clamp(1, radix - down);
    let by_rail = fabric.kind != FabricKind::FatTree;
    // Nodes whose ports share a set of leaves: one leaf a rail, or one leaf for all ports of a node.
    let unit = fabric
        .scalable_unit
        .map_or(if by_rail { down } else { (down / rails).max(1) }, |unit| unit.min(if by_rail { down } else { unit }));
    size.scalable_unit = unit;
    let units = nodes.div_ceil(unit);
    size.leaves = planes * if by_rail { units * rails } else { endpoints.div_ceil(down) };
    if fabric.kind == FabricKind::RailOnly && units == 1 {
        return size;
    }
    size.leaf_uplinks = up;
    size.leaf_spine_cables = size.leaves * up;
    let per_plane = size.leaves / planes;
    if endpoints <= radix * down && fabric.pod.is_none_or(|pod| pod >= nodes) {
        size.tiers = 2;
        let enough = (per_plane * up).div_ceil(radix);
        size.spines = planes * (enough..=up).find(|spines| up % spines == 0).unwrap_or(up);
        return size;
    }
    size.tiers = 3;
    // A pod is as many leaves as a spine has ports down, unless it is stated; its spines are a leaf's uplinks.
    let stated = fabric.pod.map(|pod| (pod.min(nodes) * rails).div_ceil(down).max(1));
    let spine_down = stated.unwrap_or(radix / 2);
    size.leaves_per_pod = spine_down;
    let pods = per_plane.div_ceil(spine_down);
    size.pods = pods * planes;
    size.leaves = per_plane * planes;
    size.spines = pods * up * planes;
    let spine_up = ((f64::from(spine_down) / fabric.core_oversubscription).floor() as u32).max(1);
    size.spine_core_cables = size.spines * spine_up;
    size.cores = size.spine_core_cables.div_ceil(radix);
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::diagnostic::Source;

    fn sized(nodes: u32, server: &str, fabric: &str) -> FabricSize {
        let text = format!("name: x\npools:\n- {{name: a, nodes: {nodes}, server: {server}}}\nfabric: {{{fabric}}}\n");
        size_fabric(&Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).unwrap()).unwrap()
    }

    /// Rows of NVIDIA's reference architectures: nodes, leaves, spines, cores.
    #[test]
    fn superpods_as_published() {
        let ndr = "kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes";
        let rows = [
            (31, 8, 4, 0),
            (63, 16, 8, 0),
            (95, 24, 16, 0),
            (127, 32, 16, 0),
            (256, 64, 32, 0),
            (512, 128, 128, 64),
            (1024, 256, 256, 128),
            (2048, 512, 512, 256),
        ];
        for (nodes, leaves, spines, cores) in rows {
            let size = sized(nodes, "dgx-h100", ndr);
            assert_eq!((size.leaves, size.spines, size.cores), (leaves, spines, cores), "{nodes} nodes: {size:?}");
        }
        let xdr = "kind: rail-optimized-fat-tree, switch: q3400, scalable-unit: 72 nodes";
        for (nodes, leaves, spines) in [(72, 8, 4), (144, 16, 8), (288, 32, 18), (576, 64, 36), (1296, 144, 72)] {
            let size = sized(nodes, "dgx-b300", xdr);
            assert_eq!((size.leaves, size.spines, size.cores), (leaves, spines, 0), "{nodes} nodes: {size:?}");
        }
    }

    #[test]
    fn a_small_cluster_needs_one_switch() {
        let size = sized(8, "dgx-h100", "kind: fat-tree, switch: qm9700");
        assert_eq!((size.tiers, size.leaves, size.spines), (1, 1, 0));
    }
}
