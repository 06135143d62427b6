//! How long training takes on the GPUs that a job gets, by the planner's own estimate.
//!
//! A kind of training run is planned for a number of GPUs of a pool, on nodes as far apart as the ones that it gets: below one leaf, in one
//! pod, or half of them in another pod. Its layout is searched as `planner plan` does, on as many GPUs as there are, no more. A plan is made
//! once and kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::placement::{Map, Placement, Spread};
use super::{Checkpoint, Moment, Pace};
use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::plan::{Plan, Refusal, Request};
use crate::spec::{Cluster, Job, Workload};
use crate::topology::Topology;
use crate::units::Tokens;

/// A kind of training run on GPUs of a pool.
pub type Kind = (u32, u16, u32, Spread);

/// How it runs there.
#[derive(Debug, Clone, PartialEq)]
pub struct Speed {
    /// Seconds of a token, interruptions and checkpoints aside.
    pub seconds_per_token: f64,
    /// What it saves, and what starting again takes.
    pub checkpoint: Checkpoint,
    /// Its layout, in words.
    pub layout: String,
    /// GPUs that the layout uses.
    pub gpus: u64,
}

/// Plans of all kinds of training runs of a portfolio on a cluster.
pub struct Speeds<'a> {
    cluster: &'a Cluster,
    topology: &'a Topology,
    map: Map,
    catalog: &'a Catalog,
    calibration: &'a Calibration,
    training: &'a Workload,
    /// Of each class of jobs that are timed alike: the kind that it is, and where it would rather run.
    classes: Vec<Kind>,
    known: Mutex<BTreeMap<Kind, Arc<Speed>>>,
}

impl<'a> Speeds<'a> {
    /// Nothing is planned yet.
    #[must_use]
    pub fn new(
        (cluster, topology): (&'a Cluster, &'a Topology),
        training: &'a Workload,
        (catalog, calibration): (&'a Catalog, &'a Calibration),
    ) -> Self {
        let map = Map::new(cluster, topology, Placement::Pod);
        Self { cluster, topology, map, catalog, calibration, training, classes: Vec::new(), known: Mutex::default() }
    }

    /// The number of a class, made if there is none.
    pub fn class(&mut self, kind: Kind) -> u32 {
        let place = self.classes.iter().position(|class| *class == kind).unwrap_or_else(|| {
            self.classes.push(kind);
            self.classes.len() - 1
        });
        place as u32
    }

    /// Plans a kind.
    ///
    /// # Errors
    /// Why it does not run there.
    pub fn plan(&self, kind: Kind) -> Result<Arc<Speed>, Refusal> {
        if let Some(speed) = self.lock().get(&kind) {
            return Ok(Arc::clone(speed));
        }
        let speed = self.planned(kind).map(Arc::new)?;
        self.lock().insert(kind, Arc::clone(&speed));
        Ok(speed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Kind, Arc<Speed>>> {
        // Whoever panicked while holding it had not begun to write.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More GPUs than the pool has are of several pools, the slowest of which sets the pace: it is found on all that the pool has, and goes with
    /// the number of GPUs from there on.
    fn planned(&self, (training, pool, wanted, spread): Kind) -> Result<Speed, Refusal> {
        let job = &self.training.jobs[training as usize];
        let index = usize::from(pool);
        let mut own = self.cluster.pools[index].clone();
        let gpus = wanted.min(own.gpus());
        own.nodes = gpus.div_ceil(own.gpus_per_node);
        if gpus < own.gpus_per_node {
            own.gpus_per_node = gpus;
        }
        let topology =
            self.topology.on_nodes(index, &self.nodes(pool, own.nodes, spread), self.cluster.pools[index].gpus_per_node);
        let tokens = job.tokens.unwrap_or(Tokens::new(1e9));
        let job = Job { pool: Some(own.name.clone()), tokens: Some(tokens), deadline: None, ..job.clone() };
        let mut cluster = self.cluster.clone();
        cluster.pools = vec![own];
        // What the site may draw is for the schedule to keep.
        (cluster.power.site_limit, cluster.power.rack_limit) = (None, None);
        let request = Request { top: 1, ..Request::default() };
        let how: (_, _, &dyn Fn(_)) = (self.calibration, &request, &|_| {});
        let plan = Plan::asked((&cluster, &topology), self.training, &job, self.catalog, how)?;
        let step = &plan.step;
        let restart = cluster.reliability.restart.value;
        let checkpoint = plan.run.as_ref().map_or(Checkpoint::default(), |run| Checkpoint {
            interval: run.checkpoint.interval.map(Moment::from),
            write: Moment::from(run.checkpoint.blocked),
            restart: Moment::from(restart + run.checkpoint.load),
        });
        Ok(Speed {
            seconds_per_token: step.step_time.get() / step.tokens_per_step.get() * f64::from(gpus) / f64::from(wanted),
            checkpoint,
            layout: step.strategy.describe(),
            gpus: step.gpus,
        })
    }

    /// Nodes of a pool that are as far apart; the first ones where there are none such.
    fn nodes(&self, pool: u16, count: u32, spread: Spread) -> Vec<u32> {
        let own: Vec<_> = self.map.atoms.iter().filter(|atom| atom.pool == pool).collect();
        let first = own.first().map_or(0, |atom| atom.node);
        let number = |atom: &&super::placement::Atom| atom.node - first;
        let half = count.div_ceil(2) as usize;
        let apart: Option<Vec<u32>> = own.first().and_then(|home| {
            let here = |atom: &&&super::placement::Atom| match spread {
                Spread::Pods => atom.pod == home.pod,
                _ => atom.leaf == home.leaf,
            };
            let there = |atom: &&&super::placement::Atom| match spread {
                Spread::Leaf => false,
                Spread::Pod => atom.pod == home.pod && atom.leaf != home.leaf,
                Spread::Pods => atom.pod != home.pod,
            };
            let near: Vec<u32> = own.iter().filter(here).take(half).map(number).collect();
            let far: Vec<u32> = own.iter().filter(there).take(count as usize - half).map(number).collect();
            (spread != Spread::Leaf && near.len() + far.len() == count as usize).then(|| [near, far].concat())
        });
        apart.unwrap_or_else(|| (0..count).collect())
    }
}

impl Pace for Speeds<'_> {
    fn slowdown(&self, class: u32, pools: &[u16], gpus: u32, spread: Spread) -> f64 {
        let home = self.classes[class as usize];
        let Ok(at_home) = self.plan(home) else { return 1.0 };
        let there = pools.iter().map(|pool| match self.plan((home.0, *pool, gpus, spread)) {
            Ok(speed) => speed.seconds_per_token / at_home.seconds_per_token,
            // Where it does not fit it would not have been put; as fast as the GPUs are fewer.
            Err(_) => f64::from(home.2) / f64::from(gpus.max(1)),
        });
        there.fold(0.0, f64::max).max(1e-6)
    }
}
