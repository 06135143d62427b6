//! The nearest to a job that fits nowhere: what it could leave open, and how many nodes it would fit on.

use crate::parallel::Strategy;
use crate::search::{Found, Space, Wanted, search};
use crate::spec::{Cluster, Parallelism, Pool};
use crate::step::Setup;
use crate::topology::Topology;

/// Accelerators of the largest pool that is tried.
const MOST_GPUS: u32 = 131_072;

/// Layouts that are weighed in vain before the search for a way out ends.
const MOST_WEIGHED: u64 = 200_000;

/// What makes the job fit, each found by searching again.
pub(super) fn nearest(cluster: &Cluster, setup: &Setup<'_>, space: &Space) -> String {
    let mut effort = Effort { weighed: 0 };
    let mut ways = Vec::new();
    for (key, fixed) in levers(&space.fixed) {
        if let Some(found) = effort.fits(setup, &Space { fixed, ..space.clone() }) {
            ways.push(format!("leave out `{key}`: then {}", takes(&found)));
        }
    }
    if let Some((nodes, found)) = more_nodes(cluster, setup, space, &mut effort) {
        let Pool { name, nodes: now, .. } = setup.pool;
        ways.push(format!("use {nodes} nodes in pool `{name}`, not {now}: there {}", takes(&found)));
    }
    if ways.is_empty() {
        return "no key left out and no larger pool that was tried makes it fit: use accelerators with more memory, a smaller microbatch or a larger global batch".into();
    }
    ways.join("; or ")
}

fn takes(found: &Found) -> String {
    format!("`{}` takes {:#}", found.strategy.describe(), found.costs.peak_memory())
}

/// How much was tried so far: an answer of no comes soon, whatever the job.
struct Effort {
    weighed: u64,
}

impl Effort {
    fn fits(&mut self, setup: &Setup<'_>, space: &Space) -> Option<Found> {
        if self.weighed > MOST_WEIGHED {
            return None;
        }
        let found = search(setup, space, &Wanted { top: 1, ..Wanted::default() });
        self.weighed += found.account.out_of_memory;
        found.best.into_iter().next()
    }
}

/// The job with one of its fixed keys left out, by key.
fn levers(fixed: &Parallelism) -> Vec<(&'static str, Parallelism)> {
    let mut all = Vec::new();
    let mut lever = |key, is_fixed: bool, open: &dyn Fn(&mut Parallelism)| {
        if is_fixed {
            let mut without = fixed.clone();
            open(&mut without);
            all.push((key, without));
        }
    };
    lever("recompute", fixed.recompute.is_some(), &|p| (p.recompute, p.recompute_layers) = (None, None));
    lever("recompute-layers", fixed.recompute_layers.is_some(), &|p| p.recompute_layers = None);
    lever("zero", fixed.zero.is_some(), &|p| p.zero = None);
    lever("zero-replicas", fixed.zero_replicas.is_some(), &|p| p.zero_replicas = None);
    lever("microbatch", fixed.microbatch.is_some(), &|p| p.microbatch = None);
    lever("sp", fixed.sp.is_some(), &|p| p.sp = None);
    lever("tp", fixed.tp.is_some(), &|p| p.tp = None);
    lever("cp", fixed.cp.is_some(), &|p| p.cp = None);
    lever("pp", fixed.pp.is_some(), &|p| p.pp = None);
    lever("first-pool-stages", fixed.first_pool_stages.is_some(), &|p| p.first_pool_stages = None);
    lever("vp", fixed.vp.is_some(), &|p| p.vp = None);
    lever("ep", fixed.ep.is_some(), &|p| p.ep = None);
    lever("etp", fixed.etp.is_some(), &|p| p.etp = None);
    lever("dp", fixed.dp.is_some(), &|p| p.dp = None);
    lever("schedule", fixed.schedule.is_some(), &|p| p.schedule = None);
    all
}

/// The fewest nodes of the pool that the job fits on, and how: doubled until it fits, then halved in between.
fn more_nodes(cluster: &Cluster, setup: &Setup<'_>, space: &Space, effort: &mut Effort) -> Option<(u32, Found)> {
    // Of two pools, it is not said which would have them.
    if setup.second.is_some() {
        return None;
    }
    // Memory does not ask how nodes are wired.
    let mut grown = cluster.clone();
    (grown.fabric, grown.pools) = (None, vec![setup.pool.clone()]);
    let mut on = |nodes: u32| {
        grown.pools[0].nodes = nodes;
        let topology = Topology::new(&grown);
        let setup = Setup { pool: &grown.pools[0], pool_index: 0, topology: &topology, ..setup.clone() };
        effort.fits(&setup, space)
    };
    let mut least = setup.pool.nodes.max(states_fill(setup));
    let (mut most, mut found) = loop {
        let twice = least.checked_mul(2).filter(|nodes| nodes.saturating_mul(setup.pool.gpus_per_node) <= MOST_GPUS)?;
        match on(twice) {
            Some(found) => break (twice, found),
            None => least = twice,
        }
    };
    while most - least > 1 {
        let between = least + (most - least) / 2;
        match on(between) {
            Some(better) => (most, found) = (between, better),
            None => least = between,
        }
    }
    Some((most, found))
}

/// Nodes that the model's states alone fill, divided over all accelerators.
fn states_fill(setup: &Setup<'_>) -> u32 {
    let states = setup.states(&Strategy { zero: 3, ..Strategy::default() }).total() * setup.model.parameters();
    let node = setup.pool.accelerator.memory.get() * f64::from(setup.pool.gpus_per_node);
    (states / node.max(1.0)).floor().min(f64::from(u32::MAX)) as u32
}
