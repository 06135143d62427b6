//! A whole training run from a step: how many steps, how long, how much energy and carbon.
//!
//! Failures, checkpoints and restarts are not in it. This room knows `step` and `spec`; it does not know money.

use serde::Serialize;

use crate::spec::{Cluster, Pool};
use crate::step::StepEstimate;
use crate::units::{Carbon, Energy, GpuHours, Seconds, Tokens, Watts};

/// The estimate of a training run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunEstimate {
    /// Tokens to train on.
    pub tokens: Tokens,
    /// Optimizer steps.
    pub steps: u64,
    /// Time of all steps.
    #[serde(rename = "time_s")]
    pub time: Seconds,
    /// Accelerators times that time.
    #[serde(rename = "gpu_seconds")]
    pub gpu_hours: GpuHours,
    /// Nodes that the job occupies.
    pub nodes: u64,
    /// What those nodes draw while training.
    #[serde(rename = "it_power_w")]
    pub it_power: Watts,
    /// The same with the site's cooling and losses.
    #[serde(rename = "site_power_w")]
    pub site_power: Watts,
    /// Energy of the run at the site's meter.
    #[serde(rename = "energy_j")]
    pub energy: Energy,
    /// CO2 equivalent of that energy, where the grid's intensity is given.
    #[serde(rename = "carbon_g")]
    pub carbon: Option<Carbon>,
    /// Whether it is done by the job's deadline, where there is one.
    pub meets_deadline: Option<bool>,
}

/// What a node draws while training, with the site's cooling and losses.
#[must_use]
pub fn node_power(cluster: &Cluster, pool: &Pool) -> Watts {
    pool.max_power.value * cluster.power.load_factor.value * cluster.power.pue.value
}

impl RunEstimate {
    /// The run of `tokens` at the pace of `step`.
    #[must_use]
    pub fn new(cluster: &Cluster, pool: &Pool, step: &StepEstimate, tokens: Tokens, deadline: Option<Seconds>) -> Self {
        let steps = (tokens / step.tokens_per_step).ceil();
        let time = step.step_time * steps;
        let nodes = step.gpus.div_ceil(u64::from(pool.gpus_per_node));
        let it_power = pool.max_power.value * cluster.power.load_factor.value * nodes as f64;
        let site_power = node_power(cluster, pool) * nodes as f64;
        let energy = site_power * time;
        Self {
            tokens,
            steps: steps as u64,
            time,
            gpu_hours: time.on_gpus(step.gpus),
            nodes,
            it_power,
            site_power,
            energy,
            carbon: cluster.power.carbon.map(|intensity| intensity * energy),
            meets_deadline: deadline.map(|deadline| time <= deadline),
        }
    }
}
