//! What is owned already: the bill of the owned nodes alone, and what has to be re-laid when their fabric grows.

use crate::spec::Cluster;
use crate::topology::{FabricSize, size_fabric};

/// The part of a cluster that is owned; nothing when nothing is.
pub(super) fn owned(cluster: &Cluster) -> Option<Cluster> {
    let mut owned = cluster.clone();
    for pool in &mut owned.pools {
        pool.nodes = pool.owned;
    }
    owned.pools.retain(|pool| pool.nodes > 0);
    if owned.pools.is_empty() { None } else { Some(owned) }
}

/// Cables of the owned fabric that end somewhere else in the whole one, in words.
///
/// Leaves stay where they are. Each spreads its uplinks evenly over all spines: with S spines before and more after, the share
/// S / S' of them stays. In a fabric with another tier the spines are others, and all uplinks move.
pub(super) fn relaid(before: &Cluster, whole: &FabricSize) -> Option<String> {
    let owned = size_fabric(before)?;
    let uplinks = owned.leaf_spine_cables;
    if whole.tiers == owned.tiers && whole.spines == owned.spines {
        return None;
    }
    if owned.tiers < 2 {
        let ports = owned.node_leaf_cables;
        return Some(format!(
            "Recabling: the owned nodes hang on {} switch(es) without spines; {ports} cables move where a leaf keeps ports for \
             uplinks.",
            owned.leaves
        ));
    }
    if whole.tiers != owned.tiers {
        return Some(format!("Recabling: with a third tier all {uplinks} cables between owned leaves and spines move."));
    }
    let stay = f64::from(owned.spines.min(whole.spines)) / f64::from(whole.spines.max(1));
    let moved = (f64::from(uplinks) * (1.0 - stay)).round();
    Some(format!(
        "Recabling: {moved} of the {uplinks} cables between owned leaves and spines move, because {} spines become {}. A fabric \
         that is cabled for its final number of spines is spared that.",
        owned.spines, whole.spines
    ))
}
