//! A cluster as a schedule meets it: places, power, windows, spares, failures.

use std::sync::Arc;

use super::failure::{self, Fault, Process};
use super::placement::{Map, Packed, Placement, Pool};
use super::{Job, Moment, Outcome, Pace, PolicyKind, Power, Setting, Spares, Windows, promises, simulate};
use crate::catalog::{Provenance, Sourced};
use crate::diagnostic::Diagnostic;
use crate::run::node_power;
use crate::spec::{Cluster, Portfolio};
use crate::topology::Topology;
use crate::units::Watts;

/// What an idle node draws, over its largest power.
const IDLE: f64 = 0.24;

/// A cluster as a schedule meets it.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where its nodes are.
    pub map: Arc<Map>,
    /// How places are chosen.
    pub placement: Placement,
    /// GPUs of each pool.
    pub gpus: Vec<u32>,
    /// Power, its caps included.
    pub power: Power,
    /// Nodes that are promised.
    pub windows: Arc<Windows>,
    /// Nodes kept ready.
    pub spares: Spares,
    /// Failures of each node in a second.
    pub rates: Vec<f64>,
    /// Mean outage in seconds.
    pub outage: f64,
}

/// Who runs: jobs, queues and the rule.
#[derive(Clone, Copy)]
pub struct Roster<'a> {
    /// The jobs.
    pub jobs: &'a [Job],
    /// Weights of their queues.
    pub weights: &'a [f64],
    /// Who goes next.
    pub policy: PolicyKind,
    /// How fast jobs run where they are placed.
    pub pace: &'a dyn Pace,
}

/// Longest simulation: a job that gets nowhere would go on for ever.
const LONGEST: Moment = Moment::from_secs(100 * 31_557_600);

/// Share of a node's largest power that it draws when nothing runs.
#[must_use]
pub fn idle_share() -> Sourced<f64> {
    let why =
        "2.4 kW before load of a server of 8 H200 that may draw 10.2 kW (MLPerf Inference v4.1, system under test at the wall)";
    Sourced::new(IDLE, Provenance::Assumed, why)
}

/// What a site draws at its meter when nothing runs.
pub(super) fn idle(cluster: &Cluster) -> Watts {
    let nodes = cluster.pools.iter().map(|pool| pool.max_power.value.get() * f64::from(pool.nodes));
    Watts::new(nodes.sum::<f64>() * IDLE * cluster.power.pue.value)
}

impl Site {
    /// A cluster with what a portfolio says of it.
    ///
    /// # Errors
    /// Windows of pools or nodes that are not there, caps below what idle nodes draw, spares that leave no node.
    pub fn new(
        (cluster, topology): (&Cluster, &Topology),
        portfolio: Option<&Portfolio>,
        placement: Placement,
    ) -> Result<Self, Vec<Diagnostic>> {
        let nodes: Vec<u32> = cluster.pools.iter().map(|pool| pool.nodes).collect();
        let site = cluster.power.pue.value;
        let per_gpu = |pool: &crate::spec::Pool| {
            let busy = node_power(cluster, pool).get() - pool.max_power.value.get() * site * IDLE;
            busy.max(0.0) / f64::from(pool.gpus_per_node)
        };
        let windows = portfolio.map_or(Ok(Vec::new()), |portfolio| promises::check(cluster, portfolio))?;
        let rates = cluster.pools.iter().flat_map(|pool| {
            let rate = cluster.reliability.node_rate(pool.gpus_per_node).value.get();
            std::iter::repeat_n(rate, pool.nodes as usize)
        });
        let spares = vec![portfolio.map_or(0, |portfolio| portfolio.spares); nodes.len()];
        Ok(Self {
            map: Arc::new(Map::new(cluster, topology, placement)),
            placement,
            gpus: cluster.pools.iter().map(crate::spec::Pool::gpus).collect(),
            power: Power {
                busy: cluster.pools.iter().map(per_gpu).collect(),
                idle: idle(cluster).get(),
                caps: promises::caps(cluster, portfolio),
                in_use: vec![0; nodes.len()],
            },
            windows: Arc::new(Windows::new(windows)),
            spares: Spares::new(&nodes, &spares),
            rates: rates.collect(),
            outage: cluster.reliability.repair.value.get(),
        })
    }

    fn setting<'a>(&self, roster: &Roster<'a>) -> Setting<'a> {
        Setting {
            jobs: roster.jobs,
            weights: roster.weights,
            policy: roster.policy,
            pace: roster.pace,
            power: self.power.clone(),
            windows: Arc::clone(&self.windows),
            spares: self.spares.clone(),
            until: LONGEST,
        }
    }

    fn packed(&self) -> Packed {
        Packed::new(Arc::clone(&self.map), Arc::clone(&self.windows))
    }

    /// The schedule if nothing fails.
    #[must_use]
    pub fn schedule(&self, roster: &Roster<'_>) -> Outcome {
        let none: &mut dyn Iterator<Item = Fault> = &mut std::iter::empty();
        match self.placement {
            Placement::Pool => simulate(&self.setting(roster), Pool::new(&self.gpus), none),
            _ => simulate(&self.setting(roster), self.packed(), none),
        }
    }

    /// Schedules under so many courses of failures. GPUs have to be in places: those that are only counted have no nodes to fail.
    #[must_use]
    pub fn courses(&self, roster: &Roster<'_>, seeds: std::ops::Range<u64>) -> Vec<Outcome> {
        let process = Process::clustered(self.rates.clone(), self.outage);
        failure::monte_carlo(&self.setting(roster), &self.packed(), &process, seeds)
    }

    /// The pool of a place that a job holds GPUs of.
    #[must_use]
    pub fn pool_of(&self, place: u32) -> usize {
        match self.placement {
            Placement::Pool => place as usize,
            _ => usize::from(self.map.atoms[place as usize].pool),
        }
    }

    /// GPUs of all pools.
    #[must_use]
    pub fn all_gpus(&self) -> u32 {
        self.gpus.iter().sum()
    }
}
