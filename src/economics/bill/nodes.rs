//! The nodes themselves, and those that are kept in store.

use super::item::{Group, Item};
use crate::spec::{Cluster, Pool};

/// The nodes of every pool.
pub(super) fn compute(cluster: &Cluster) -> Vec<Item> {
    let all = cluster.pools.iter().filter(|pool| pool.nodes > 0);
    all.map(|pool| {
        let why = format!("pool `{}`, {} {} each", pool.name, pool.gpus_per_node, pool.accelerator.name);
        Item::nodes(Group::Compute, format!("nodes of {}", pool.name), pool, pool.nodes, why)
    })
    .collect()
}

/// Nodes in store: `spares` of each pool, in the order of the pools. They draw no power.
pub(super) fn spares(pools: &[Pool], spares: &[u32]) -> Vec<Item> {
    let wanted = pools.iter().zip(spares).filter(|(_, spares)| **spares > 0);
    wanted
        .map(|(pool, spares)| {
            let share = f64::from(*spares) / f64::from(pool.nodes.max(1)) * 100.0;
            let why = format!("{share:.1} % of {} nodes, in store", pool.nodes);
            Item::nodes(Group::Spares, format!("spare nodes of {}", pool.name), pool, *spares, why)
        })
        .collect()
}
