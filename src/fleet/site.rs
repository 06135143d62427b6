//! A cluster as a schedule meets it: places, power, windows, spares, failures.

use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::failure::{self, Fault, Process};
use super::placement::{Map, Packed, Placement, Pool};
use super::{Job, Moment, Outcome, Pace, PolicyKind, Power, Setting, Spares, Window, Windows, simulate};
use crate::catalog::{Provenance, Sourced};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::run::node_power;
use crate::spec::{Cluster, Portfolio};
use crate::topology::Topology;

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

impl Site {
    /// A cluster with what a portfolio says of it.
    ///
    /// # Errors
    /// Windows of pools or nodes that are not there.
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
        let idle: f64 = cluster.pools.iter().map(|pool| pool.max_power.value.get() * site * IDLE * f64::from(pool.nodes)).sum();
        let windows = portfolio.map_or(Ok(Vec::new()), |portfolio| windows(cluster, portfolio))?;
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
                idle,
                caps: caps(cluster, portfolio),
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

    /// GPUs of all pools.
    #[must_use]
    pub fn all_gpus(&self) -> u32 {
        self.gpus.iter().sum()
    }
}

/// Caps of power from the start on: the site's limit and, where it is lower, that of the time.
fn caps(cluster: &Cluster, portfolio: Option<&Portfolio>) -> Vec<(Moment, f64)> {
    let limit = cluster.power.site_limit.map_or(f64::INFINITY, crate::units::Watts::get);
    let times: Vec<(Moment, Moment, f64)> = portfolio
        .map(|portfolio| &portfolio.file().power_caps)
        .into_iter()
        .flatten()
        .map(|cap| (Moment::from(cap.from), Moment::from(cap.from + cap.lasts), cap.cap.get()))
        .collect();
    let mut edges: Vec<Moment> = times.iter().flat_map(|(from, until, _)| [*from, *until]).collect();
    edges.push(Moment::ZERO);
    edges.sort_unstable();
    edges.dedup();
    let lowest = |at: Moment| {
        let during = times.iter().filter(|(from, until, _)| *from <= at && at < *until);
        during.map(|(_, _, watts)| *watts).fold(limit, f64::min)
    };
    let caps: Vec<(Moment, f64)> = edges.into_iter().map(|at| (at, lowest(at))).collect();
    if caps.iter().all(|(_, watts)| watts.is_infinite()) { Vec::new() } else { caps }
}

/// Maintenance and reservations as nodes and jobs.
fn windows(cluster: &Cluster, portfolio: &Portfolio) -> Result<Vec<Window>, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut all = Vec::new();
    let file = portfolio.file();
    let total: u32 = cluster.pools.iter().map(|pool| pool.nodes).sum();
    let mut pool_of = |list: &str, index: usize, name: Option<&String>| -> Option<Option<usize>> {
        let Some(name) = name else { return Some(None) };
        let place = cluster.pools.iter().position(|pool| pool.name == *name);
        if place.is_none() {
            let message = format!("cluster `{}` has no pool {}", cluster.name, quoted(name));
            errors.push(portfolio.error((list, index), "pool", Code::UnknownPool, message));
        }
        place.map(Some)
    };
    let range = |pool: usize| {
        let first: u32 = cluster.pools[..pool].iter().map(|pool| pool.nodes).sum();
        first..first + cluster.pools[pool].nodes
    };
    let mut too_many = Vec::new();
    for (i, window) in file.maintenance.iter().enumerate() {
        let Some(pool) = pool_of("maintenance", i, window.pool.as_ref()) else { continue };
        let mut nodes = FixedBitSet::with_capacity(total as usize);
        for pool in pool.map_or_else(|| (0..cluster.pools.len()).collect::<Vec<_>>(), |pool| vec![pool]) {
            let all = range(pool);
            let count = window.nodes.map_or(all.len() as u32, |nodes| nodes.get() as u32).min(all.len() as u32);
            nodes.insert_range((all.end - count) as usize..all.end as usize);
        }
        let (from, until) = (Moment::from(window.from), Moment::from(window.from + window.lasts));
        all.push(Window { name: window.name.clone(), from, until, nodes, jobs: FixedBitSet::new() });
    }
    for (i, window) in file.reservations.iter().enumerate() {
        let Some(pool) = pool_of("reservations", i, window.pool.as_ref()) else { continue };
        let own = range(pool.unwrap_or(0));
        let count = window.nodes.get() as u32;
        if count > own.len() as u32 {
            let message = format!("{count} nodes are kept, the pool has {}", own.len());
            too_many.push(portfolio.error(("reservations", i), "nodes", Code::GpuCount, message).help("keep fewer"));
            continue;
        }
        let mut nodes = FixedBitSet::with_capacity(total as usize);
        nodes.insert_range(own.start as usize..(own.start + count) as usize);
        let named = |name: &String| file.jobs.iter().position(|job| job.name == *name);
        let jobs: FixedBitSet = window.jobs.iter().filter_map(named).collect();
        let (from, until) = (Moment::from(window.from), Moment::from(window.from + window.lasts));
        all.push(Window { name: window.name.clone(), from, until, nodes, jobs });
    }
    errors.extend(too_many);
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}
