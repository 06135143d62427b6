//! The nodes themselves, and those that are kept in store.

use super::item::{Group, Item};
use crate::run::Spares;
use crate::spec::{Cluster, Pool};
use crate::units::{NodeCount, Nodes, significant};

/// The nodes of every pool.
pub(super) fn compute(cluster: &Cluster) -> Vec<Item> {
    let all = cluster.pools.iter().filter(|pool| pool.nodes > 0);
    all.map(|pool| {
        let why = format!("pool `{}`, {} {} each", pool.name, pool.gpus_per_node, pool.accelerator.name);
        Item::nodes(Group::Compute, role(pool), pool, pool.nodes, why)
    })
    .collect()
}

/// What the nodes of a pool are called on a bill.
pub(super) fn role(pool: &Pool) -> String {
    format!("nodes of {}", pool.name)
}

/// Nodes in store, in the order of the pools. They draw no power.
pub(super) fn spares(cluster: &Cluster) -> Vec<Item> {
    let of = |pool: &Pool| {
        let (count, why) = stored(cluster, pool);
        let role = format!("spare nodes of {}", pool.name);
        (count > 0).then(|| Item::nodes(Group::Spares, role, pool, count, why))
    };
    cluster.pools.iter().filter_map(of).collect()
}

/// How many nodes of a pool are in store, and by which rule.
fn stored(cluster: &Cluster, pool: &Pool) -> (u32, String) {
    let share = |count: u32| f64::from(count) / f64::from(pool.nodes.max(1)) * 100.0;
    match pool.spares {
        NodeCount::Nodes(_) | NodeCount::Share(_) => {
            let count = pool.spares.of(pool.nodes);
            (count, format!("{:.1} % of {} nodes, in store", share(count), pool.nodes))
        }
        NodeCount::ByOutages => {
            let reliability = &cluster.reliability;
            let rate = reliability.node_rate(pool.gpus_per_node).value;
            let spares = Spares::new(reliability, &[(pool.gpus_per_node, Nodes::new(f64::from(pool.nodes)))]);
            let count = spares.nodes as u32;
            let why = format!(
                "{:.1} % of {} nodes, for {} % of the time: a node is down for {} % of it ({rate}, {} to repair)",
                share(count),
                pool.nodes,
                significant(spares.full_strength.value * 100.0, 3),
                significant(spares.unavailability * 100.0, 2),
                spares.repair.value
            );
            (count, why)
        }
    }
}
