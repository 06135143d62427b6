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
    /// Of each pool.
    gpus_per_node: [u32; 2],
    checkpoint: Bytes,
}

impl Resilience {
    /// Of a job on a pool of a cluster, or on two.
    #[must_use]
    pub fn new(cluster: &Cluster, setup: &Setup<'_>) -> Self {
        Self {
            reliability: cluster.reliability.clone(),
            storage: cluster.storage.clone(),
            gpus_per_node: [0, 1].map(|side| setup.side(side).pool.gpus_per_node),
            checkpoint: Bytes::new(setup.model.parameters() * States::saved(&setup.computation)),
        }
    }

    /// How often so many nodes of each pool are interrupted.
    #[must_use]
    pub fn failures(&self, nodes: [u64; 2]) -> Failures {
        Failures::new(&self.reliability, occupied(&self.of(nodes)))
    }

    /// How a job of such failures saves, that takes `step` a step.
    #[must_use]
    pub fn checkpoint(&self, nodes: [u64; 2], failures: &Failures, step: Seconds) -> Checkpoint {
        let kept = (&self.reliability, &self.storage);
        Checkpoint::new(kept, self.checkpoint, count(nodes.iter().sum()), (failures.mtti, step))
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
    pub fn spares(&self, nodes: [u64; 2]) -> Spares {
        Spares::new(&self.reliability, occupied(&self.of(nodes)))
    }

    /// Nodes of each pool with the accelerators of one.
    fn of(&self, nodes: [u64; 2]) -> [(u32, Nodes); 2] {
        [0, 1].map(|side| (self.gpus_per_node[side], count(nodes[side])))
    }

    /// Time by the calendar of `productive` training in steps of `step` on so many nodes of each pool. It only rises with the time of a step.
    #[must_use]
    pub fn calendar(&self, nodes: [u64; 2], step: Seconds, productive: Seconds) -> Seconds {
        let failures = self.failures(nodes);
        self.renewal(&failures, &self.checkpoint(nodes, &failures, step)).calendar(productive)
    }
}

/// Without a second pool that has no nodes of the job.
fn occupied(pools: &[(u32, Nodes); 2]) -> &[(u32, Nodes)] {
    if pools[1].1 > count(0) { pools } else { &pools[..1] }
}

fn count(nodes: u64) -> Nodes {
    Nodes::new(nodes as f64)
}
