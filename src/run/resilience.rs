//! Failures, checkpoints and spares of a job on any number of nodes.

use super::checkpoint::Checkpoint;
use super::failures::Failures;
use super::goodput::Renewal;
use super::spares::Spares;
use crate::spec::{CheckpointStorage, Cluster, Reliability};
use crate::step::Setup;
use crate::step::states::States;
use crate::units::{Bytes, Nodes, Seconds};

/// What of a job's failures and checkpoints is the same on any number of nodes.
#[derive(Debug, Clone)]
pub struct Resilience {
    reliability: Reliability,
    storage: CheckpointStorage,
    gpus_per_node: u32,
    checkpoint: Bytes,
}

impl Resilience {
    /// Of a job on a pool of a cluster.
    #[must_use]
    pub fn new(cluster: &Cluster, setup: &Setup<'_>) -> Self {
        Self {
            reliability: cluster.reliability.clone(),
            storage: cluster.storage.clone(),
            gpus_per_node: setup.pool.gpus_per_node,
            checkpoint: Bytes::new(setup.model.parameters() * States::saved(&setup.computation)),
        }
    }

    /// How often `nodes` nodes are interrupted.
    #[must_use]
    pub fn failures(&self, nodes: u64) -> Failures {
        Failures::new(&self.reliability, self.gpus_per_node, count(nodes))
    }

    /// How a job of such failures saves, that takes `step` a step.
    #[must_use]
    pub fn checkpoint(&self, nodes: u64, failures: &Failures, step: Seconds) -> Checkpoint {
        let kept = (&self.reliability, &self.storage);
        Checkpoint::new(kept, self.checkpoint, count(nodes), (failures.mtti, step))
    }

    /// The job between its interruptions.
    #[must_use]
    pub fn renewal(&self, failures: &Failures, checkpoint: &Checkpoint) -> Renewal {
        Renewal {
            mtti: failures.mtti,
            interval: checkpoint.interval,
            blocked: checkpoint.blocked,
            behind: checkpoint.behind(),
            restart: self.reliability.restart.value,
            load: checkpoint.load,
        }
    }

    /// Nodes to keep beside the job's.
    #[must_use]
    pub fn spares(&self, nodes: u64, failures: &Failures) -> Spares {
        Spares::new(&self.reliability, failures.node_rate.value, count(nodes))
    }

    /// Time by the calendar of `productive` training in steps of `step` on `nodes` nodes. It only rises with the time of a step.
    #[must_use]
    pub fn calendar(&self, nodes: u64, step: Seconds, productive: Seconds) -> Seconds {
        let failures = self.failures(nodes);
        self.renewal(&failures, &self.checkpoint(nodes, &failures, step)).calendar(productive)
    }
}

fn count(nodes: u64) -> Nodes {
    Nodes::new(nodes as f64)
}
