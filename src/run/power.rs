//! What a node draws while it trains.
//!
//! Shares of the accelerators' board power: what the node draws when nothing runs (host, ports, memory, idle accelerators); what the
//! accelerators add while they compute, and less while they wait for others or for the network; and fans, where it is cooled by air.
//! Measured on boards of eight NVIDIA accelerators; [`measured`] says which. Elsewhere, and where the cluster file says so, it is a
//! share of the largest power. docs/runs.md has the rows that the shares are from and those that they are held against.

use serde::Serialize;

use crate::catalog::{Cooling, Provenance, ScaleUpKind, Sourced};
use crate::spec::power_cap::COMPUTING;
use crate::spec::{Cluster, Pool};
use crate::step::Breakdown;
use crate::units::{Seconds, Watts};

/// Of a node that does nothing: between the 0.424 (H100) and 0.371 (B200) that were measured.
pub const IDLE: f64 = 0.40;
/// Activity of accelerators that wait or communicate, against computing: assumed. They poll and copy; no log tells it apart.
pub const WAITING: f64 = 0.8;
/// Added by fans: adapters of Llama 2 70B on eight nodes of H100, cooled by air against immersed.
pub const FANS: f64 = 0.25;

/// Accelerators on the boards that were measured.
const BOARD: u32 = 8;
const SOURCE: &str = "measured nodes (MLPerf Training v4.0 to v5.0 power logs): docs/runs.md, power";

/// What a node draws while it trains, in its parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodePower {
    /// All of it; never more than the node's largest power.
    #[serde(rename = "total_w")]
    pub total: Sourced<Watts>,
    /// Its parts, where they are modelled.
    pub parts: Option<Parts>,
}

/// Parts of a node's power.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Parts {
    /// When nothing runs.
    #[serde(rename = "idle_w")]
    pub idle: Watts,
    /// Added by computing all the time.
    #[serde(rename = "computing_w")]
    pub computing: Watts,
    /// Share of that which is drawn, over a step.
    pub activity: f64,
    /// Fans.
    #[serde(rename = "fans_w")]
    pub fans: Watts,
}

impl Parts {
    /// What they add up to.
    #[must_use]
    pub fn total(&self) -> Watts {
        self.idle + self.computing * self.activity + self.fans
    }
}

/// Whether nodes like a pool's were measured: boards of eight NVIDIA accelerators behind switches (HGX, DGX).
#[must_use]
pub fn measured(pool: &Pool) -> bool {
    let accelerator = &pool.accelerator;
    accelerator.vendor == "NVIDIA" && accelerator.scale_up.kind == ScaleUpKind::Switch && pool.gpus_per_node == BOARD
}

/// How much of what computing adds is drawn over a step: all of it in kernels, less where they wait or communicate.
#[must_use]
pub fn activity(breakdown: &Breakdown, step: Seconds) -> f64 {
    let kernels = (breakdown.compute + breakdown.recompute + breakdown.optimizer) / step;
    (kernels + WAITING * (1.0 - kernels)).clamp(0.0, 1.0)
}

impl NodePower {
    /// Of a node of `pool` whose accelerators are active for a share of the time.
    #[must_use]
    pub fn new(cluster: &Cluster, pool: &Pool, activity: f64) -> Self {
        let (most, load) = (&pool.max_power, &cluster.power.load_factor);
        if load.provenance == Provenance::Given || !measured(pool) {
            let source = format!("{} of the largest power: {}", load.value, load.source);
            return Self { total: Sourced::new(most.value * load.value, load.provenance, source), parts: None };
        }
        let boards = pool.accelerator.tdp * f64::from(pool.gpus_per_node);
        let fans = if pool.cooling == Some(Cooling::Liquid) { 0.0 } else { FANS };
        let saved = pool.gpu_cap.map_or(Watts::ZERO, |cap| cap.saved * f64::from(pool.gpus_per_node));
        let computing = boards * COMPUTING - saved;
        let parts = Parts { idle: boards * IDLE, computing, activity, fans: boards * fans };
        Self { total: Sourced::new(parts.total().min(most.value), Provenance::Calibrated, SOURCE), parts: Some(parts) }
    }
}
