//! A whole training run from a step: how many steps, how long with failures and checkpoints, how much energy and carbon.
//!
//! This room knows `step` and `spec`; it does not know money.

pub mod carbon;
pub mod checkpoint;
mod failures;
pub mod goodput;
pub mod power;
mod resilience;
pub mod spares;

pub use carbon::{Footprint, YEAR};
pub use checkpoint::Checkpoint;
pub use failures::Failures;
pub use goodput::{LostTime, Renewal};
pub use power::NodePower;
pub use resilience::Resilience;
pub use spares::Spares;

use serde::Serialize;

use crate::spec::{Cluster, Job, Pool};
use crate::step::{Setup, StepEstimate};
use crate::units::{Energy, GpuHours, Seconds, Tokens, Watts};

/// The estimate of a training run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunEstimate {
    /// Tokens to train on.
    pub tokens: Tokens,
    /// Optimizer steps.
    pub steps: u64,
    /// Time of all steps, were there no interruptions and no checkpoints.
    #[serde(rename = "productive_time_s")]
    pub productive: Seconds,
    /// Time by the calendar: of all steps, and what is lost.
    #[serde(rename = "time_s")]
    pub time: Seconds,
    /// Time of all steps over time by the calendar.
    pub goodput: f64,
    /// What is lost.
    #[serde(rename = "lost_time")]
    pub lost: LostTime,
    /// How often the job is interrupted.
    pub failures: Failures,
    /// Interruptions expected over the run.
    pub interruptions: f64,
    /// How it saves what it has learnt.
    pub checkpoint: Checkpoint,
    /// Nodes to keep beside the job's.
    pub spares: Spares,
    /// Accelerators times the time by the calendar.
    #[serde(rename = "gpu_seconds")]
    pub gpu_hours: GpuHours,
    /// Nodes that the job occupies.
    pub nodes: u64,
    /// The same on each of its pools.
    pub pools: Vec<PoolRun>,
    /// What all of them draw, without what is around them: that draws the same whether the job runs or not.
    #[serde(rename = "it_power_w")]
    pub it_power: Watts,
    /// The same with the site's cooling and losses.
    #[serde(rename = "site_power_w")]
    pub site_power: Watts,
    /// Energy of the run's nodes at the site's meter.
    #[serde(rename = "energy_j")]
    pub energy: Energy,
    /// CO2 equivalent of that energy, and of making the accelerators.
    pub carbon: Footprint,
    /// The same nodes at the same load for a year.
    pub year: Year,
    /// Whether it is done by the job's deadline, where there is one.
    pub meets_deadline: Option<bool>,
}

/// What of a job is on one of its pools.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolRun {
    /// The pool.
    pub pool: String,
    /// Nodes that the job occupies there.
    pub nodes: u64,
    /// What one of them draws while training.
    pub node_power: NodePower,
}

impl PoolRun {
    fn new(cluster: &Cluster, (pool, gpus): (&Pool, u64), activity: f64) -> Self {
        Self {
            pool: pool.name.clone(),
            nodes: gpus.div_ceil(u64::from(pool.gpus_per_node)),
            node_power: NodePower::new(cluster, pool, activity),
        }
    }

    /// What its nodes draw together.
    #[must_use]
    pub fn power(&self) -> Watts {
        self.node_power.total.value * self.nodes as f64
    }
}

/// A year of 8,766 hours of the job's nodes at its load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Year {
    /// Energy of the nodes at the site's meter.
    #[serde(rename = "energy_j")]
    pub energy: Energy,
    /// CO2 equivalent.
    pub carbon: Footprint,
}

/// The most that a node draws while training, with the site's cooling and losses.
#[must_use]
pub fn node_power(cluster: &Cluster, pool: &Pool) -> Watts {
    NodePower::new(cluster, pool, 1.0).total.value * cluster.power.pue.value
}

impl RunEstimate {
    /// The run of `tokens` at the pace of `step`, on the pools of its layout.
    #[must_use]
    pub fn new(cluster: &Cluster, setup: &Setup<'_>, step: &StepEstimate, (tokens, job): (Tokens, &Job)) -> Self {
        let steps = (tokens / step.tokens_per_step).ceil();
        let productive = step.step_time * steps;
        let activity = power::activity(&step.breakdown, step.step_time);
        let parts = setup.accelerators(&step.strategy);
        let pools: Vec<PoolRun> = parts.iter().map(|part| PoolRun::new(cluster, *part, activity)).collect();
        let nodes = [0, 1].map(|side| pools.get(side).map_or(0, |pool| pool.nodes));
        let resilience = Resilience::new(cluster, setup);
        let failures = resilience.failures(nodes);
        let checkpoint = resilience.checkpoint(nodes, &failures, step.step_time);
        let renewal = resilience.renewal(&failures, &checkpoint);
        let time = renewal.calendar(productive);
        let it_power: Watts = pools.iter().map(PoolRun::power).sum();
        let site_power = it_power * cluster.power.pue.value;
        let energy = site_power * time;
        let footprint = |energy, time: Seconds| {
            let held: Vec<(&Pool, GpuHours)> = parts.iter().map(|(pool, gpus)| (*pool, time.on_gpus(*gpus))).collect();
            Footprint::new(&cluster.power.carbon, &held, energy, (job.start, time))
        };
        Self {
            tokens,
            steps: steps as u64,
            productive,
            time,
            goodput: renewal.goodput(),
            lost: renewal.lost(productive),
            interruptions: renewal.interruptions(time),
            spares: resilience.spares(nodes),
            failures,
            checkpoint,
            gpu_hours: time.on_gpus(step.gpus),
            nodes: nodes.iter().sum(),
            pools,
            it_power,
            site_power,
            energy,
            carbon: footprint(energy, time).over_used_hours(cluster.cost.given_utilisation()),
            year: Year { energy: site_power * YEAR, carbon: footprint(site_power * YEAR, YEAR) },
            meets_deadline: job.deadline.map(|deadline| time <= deadline),
        }
    }
}
