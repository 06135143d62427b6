//! How often a job is interrupted: by its nodes, in proportion to their number, and by itself, whatever its size.

use serde::Serialize;

use crate::catalog::Sourced;
use crate::spec::Reliability;
use crate::units::{FailureRate, Nodes, Seconds};

/// How often a job is interrupted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failures {
    /// Failures of one node that stop the job; of two pools, the mean over their nodes.
    #[serde(rename = "node_rate_per_s")]
    pub node_rate: Sourced<FailureRate>,
    /// Mean time between interruptions by the job itself.
    #[serde(rename = "job_mtti_s")]
    pub job_mtti: Option<Seconds>,
    /// Mean time to an interruption, of any cause; none where nothing fails.
    #[serde(rename = "mtti_s")]
    pub mtti: Option<Seconds>,
}

impl Failures {
    /// Of a job on so many nodes of so many accelerators each, pool by pool. Rates add up, as of independent causes without memory.
    #[must_use]
    pub fn new(reliability: &Reliability, pools: &[(u32, Nodes)]) -> Self {
        let node_rate = mean_rate(reliability, pools);
        let all = pools.iter().map(|(_, nodes)| *nodes).sum();
        let by_nodes = 1.0 / node_rate.value.mean_time(all).get();
        let by_job = reliability.job_mtti.map_or(0.0, |mtti| 1.0 / mtti.get());
        let rate = by_nodes + by_job;
        Self { node_rate, job_mtti: reliability.job_mtti, mtti: (rate > 0.0).then(|| Seconds::new(1.0 / rate)) }
    }
}

/// The rate of a node; of nodes of different sizes, the mean over all of them.
pub(super) fn mean_rate(reliability: &Reliability, pools: &[(u32, Nodes)]) -> Sourced<FailureRate> {
    let (first, others) = pools.split_first().map_or((0, [].as_slice()), |(first, others)| (first.0, others));
    let rate = reliability.node_rate(first);
    if others.iter().all(|(gpus, _)| *gpus == first) {
        return rate;
    }
    let all: Nodes = pools.iter().map(|(_, nodes)| *nodes).sum();
    let mean = pools.iter().map(|(gpus, nodes)| reliability.node_rate(*gpus).value * (*nodes / all)).sum();
    Sourced::new(mean, rate.provenance, format!("{}, the mean over nodes of both pools", rate.source))
}
