//! How often a job is interrupted: by its nodes, in proportion to their number, and by itself, whatever its size.

use serde::Serialize;

use crate::catalog::Sourced;
use crate::spec::Reliability;
use crate::units::{FailureRate, Nodes, Seconds};

/// How often a job is interrupted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failures {
    /// Failures of one node that stop the job.
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
    /// Of a job on `nodes` nodes of `gpus` accelerators each. Rates add up, as of independent causes without memory.
    #[must_use]
    pub fn new(reliability: &Reliability, gpus: u32, nodes: Nodes) -> Self {
        let node_rate = reliability.node_rate(gpus);
        let by_nodes = 1.0 / node_rate.value.mean_time(nodes).get();
        let by_job = reliability.job_mtti.map_or(0.0, |mtti| 1.0 / mtti.get());
        let rate = by_nodes + by_job;
        Self { node_rate, job_mtti: reliability.job_mtti, mtti: (rate > 0.0).then(|| Seconds::new(1.0 / rate)) }
    }
}
