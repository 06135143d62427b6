//! How often nodes fail, how a job saves what it has learnt, and where it saves it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cluster_file::ClusterFile;
use crate::catalog::{Provenance, Sourced};
use crate::diagnostic::{Code, Diagnostic};
use crate::units::{BytesPerSecond, FailureRate, Nodes, Seconds};
use crate::yaml::{Document, Path};

/// From an interruption to the first step after it, loading apart: what is assumed.
const RESTART: (f64, &str) =
    (600.0, "between the runs of Llama 3 (about 5 min implied) and MegaScale (found in 10, caught up in 15)");
/// Mean outage of a node.
const REPAIR: (f64, &str) = (133.0 * 3600.0, "mean of 582 outages of 400 nodes in 349 days (InfiniteHBD-Trace)");
/// How outages of two nodes go together.
const CORRELATION: (f64, &str) = (0.0124, "nodes down at once on the same trace: 5.8 times the variance of independent ones");
/// Share of the time for which spares are counted.
const FULL_STRENGTH: (f64, &str) = (0.99, "a common target; ByteRobust sizes its standby for the same percentile");
/// What a node reads, as its share of the storage.
const READ: (f64, &str) = (1.25e9, "40 GB/s for 32 nodes, the middle column of NVIDIA's DGX SuperPOD storage guidance");
/// What a node writes.
const WRITE: (f64, &str) = (0.625e9, "half of what is read, as everywhere in NVIDIA's DGX SuperPOD storage guidance");

/// Accelerators of the nodes that the failure rates of [`Fleet`] were counted on.
const COUNTED_ON: f64 = 8.0;

/// How often nodes fail, and what a job does about it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReliabilityFile {
    /// Failures that stop a job, of any cause, per node; those of `fleet` when left out.
    pub failures: Option<FailureRate>,
    /// How good the fleet is, where its failures are not counted.
    pub fleet: Option<Fleet>,
    /// Mean time between interruptions by the job itself, whatever its size: faults of its code, hangs, stops by hand.
    pub job_mtti: Option<Seconds>,
    /// From an interruption to the loading of the checkpoint: detected, nodes replaced, processes started and warm.
    pub restart: Option<Seconds>,
    /// Training between two checkpoints; by Daly's formula when left out.
    pub checkpoint_interval: Option<Seconds>,
    /// What the job waits for a checkpoint that is written while it goes on; the whole writing when left out.
    pub checkpoint_blocking: Option<Seconds>,
    /// Mean time for which a failed node is away.
    pub repair: Option<Seconds>,
    /// Correlation between the outages of two nodes; 0 when each fails by itself.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub outage_correlation: Option<f64>,
    /// Share of the time in which a job is to have all its nodes: what spares are counted for.
    #[schemars(range(min = 0.5, max = 0.99999))]
    pub full_strength: Option<f64>,
}

/// How good a fleet is: failures in 1,000 days of a node of eight accelerators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fleet {
    /// 2.3, as Meta's RSC-2, and `CoreWeave`'s H100.
    Good,
    /// 4.0, as Llama 3's interruptions (3.8), and all faults of `InfiniteHBD`'s trace (4.2).
    #[default]
    Typical,
    /// 6.5, as Meta's RSC-1.
    Young,
}

impl Fleet {
    /// Failures per 1,000 days of a node of eight accelerators, and where they were counted.
    fn rate(self) -> (f64, &'static str) {
        match self {
            Self::Good => (2.3, "a good fleet: Meta's RSC-2 2.34 (arXiv:2410.21680), CoreWeave 2.13 per 1,000 node-days"),
            Self::Typical => (4.0, "a typical fleet: Llama 3 3.79 (arXiv:2407.21783), InfiniteHBD 4.18 per 1,000 node-days"),
            Self::Young => (6.5, "a young fleet: Meta's RSC-1 6.50 per 1,000 node-days (arXiv:2410.21680)"),
        }
    }
}

/// Where checkpoints are written. What is slowest of all of it and the sum over nodes counts.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StorageFile {
    /// What the storage writes, all nodes together.
    pub write: Option<BytesPerSecond>,
    /// What the storage reads, all nodes together.
    pub read: Option<BytesPerSecond>,
    /// What a node writes.
    pub write_per_node: Option<BytesPerSecond>,
    /// What a node reads.
    pub read_per_node: Option<BytesPerSecond>,
}

/// How often nodes fail, and what a job does about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Failures of a node, as given.
    failures: Option<FailureRate>,
    /// How good the fleet is, where they are not.
    fleet: Sourced<Fleet>,
    /// Mean time between interruptions by the job itself.
    pub job_mtti: Option<Seconds>,
    /// From an interruption to the loading of the checkpoint.
    pub restart: Sourced<Seconds>,
    /// Training between two checkpoints, as given.
    pub interval: Option<Seconds>,
    /// What the job waits for a checkpoint, as given.
    pub blocking: Option<Seconds>,
    /// Mean time for which a failed node is away.
    pub repair: Sourced<Seconds>,
    /// Correlation between the outages of two nodes.
    pub correlation: Sourced<f64>,
    /// Share of the time in which a job is to have all its nodes.
    pub full_strength: Sourced<f64>,
}

impl Reliability {
    pub(super) fn of(file: &ReliabilityFile) -> Self {
        let time = |given: Option<Seconds>, key, (value, why)| figure(given, key, Seconds::new(value), why);
        let number = |given: Option<f64>, key, (value, why)| figure(given, key, value, why);
        Self {
            failures: file.failures,
            fleet: figure(file.fleet, "reliability.fleet", Fleet::default(), "no failures are given"),
            job_mtti: file.job_mtti,
            restart: time(file.restart, "reliability.restart", RESTART),
            interval: file.checkpoint_interval,
            blocking: file.checkpoint_blocking,
            repair: time(file.repair, "reliability.repair", REPAIR),
            correlation: number(file.outage_correlation, "reliability.outage-correlation", CORRELATION),
            full_strength: number(file.full_strength, "reliability.full-strength", FULL_STRENGTH),
        }
    }

    /// Failures of a node of `gpus` accelerators: as given; else the fleet's, in proportion to the eight that they were counted on.
    #[must_use]
    pub fn node_rate(&self, gpus: u32) -> Sourced<FailureRate> {
        if let Some(rate) = self.failures {
            return Sourced::new(rate, Provenance::Given, "cluster file, reliability.failures");
        }
        let (per_thousand, why) = self.fleet.value.rate();
        let rate = FailureRate::per_thousand_node_days(per_thousand) * (f64::from(gpus) / COUNTED_ON);
        let scaled = if f64::from(gpus) == COUNTED_ON { String::new() } else { format!(" of 8 GPUs, in proportion to {gpus}") };
        Sourced::new(rate, Provenance::Assumed, format!("{why}{scaled}"))
    }

    /// The same with nodes of `gpus` accelerators that fail `by` times as often.
    #[must_use]
    pub fn failing(&self, gpus: u32, by: f64) -> Self {
        Self { failures: Some(self.node_rate(gpus).value * by), ..self.clone() }
    }
}

/// Where checkpoints are written.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointStorage {
    write: Option<BytesPerSecond>,
    read: Option<BytesPerSecond>,
    write_per_node: Option<BytesPerSecond>,
    read_per_node: Option<BytesPerSecond>,
}

impl CheckpointStorage {
    pub(super) fn of(file: &StorageFile) -> Self {
        Self { write: file.write, read: file.read, write_per_node: file.write_per_node, read_per_node: file.read_per_node }
    }

    /// What `nodes` nodes write together.
    #[must_use]
    pub fn write(&self, nodes: Nodes) -> Sourced<BytesPerSecond> {
        slowest((self.write, "storage.write"), (self.write_per_node, "storage.write-per-node"), nodes, WRITE)
    }

    /// What `nodes` nodes read together.
    #[must_use]
    pub fn read(&self, nodes: Nodes) -> Sourced<BytesPerSecond> {
        slowest((self.read, "storage.read"), (self.read_per_node, "storage.read-per-node"), nodes, READ)
    }
}

type Stated = (Option<BytesPerSecond>, &'static str);

/// The slower of what all may do together and what the nodes can do one by one.
fn slowest((all, all_key): Stated, (each, each_key): Stated, nodes: Nodes, assumed: (f64, &str)) -> Sourced<BytesPerSecond> {
    let together = each.map(|each| each * nodes.get());
    match (all, together) {
        (Some(all), Some(together)) if together < all => given(together, each_key),
        (Some(all), _) => given(all, all_key),
        (None, Some(together)) => given(together, each_key),
        (None, None) => Sourced::new(
            BytesPerSecond::new(assumed.0) * nodes.get(),
            Provenance::Assumed,
            format!("{} a node: {}", BytesPerSecond::new(assumed.0), assumed.1),
        ),
    }
}

fn given<T>(value: T, key: &str) -> Sourced<T> {
    Sourced::new(value, Provenance::Given, format!("cluster file, {key}"))
}

/// What the file says, else what is assumed.
fn figure<T>(stated: Option<T>, key: &str, assumed: T, why: &str) -> Sourced<T> {
    stated.map_or_else(|| Sourced::new(assumed, Provenance::Assumed, why), |value| given(value, key))
}

/// Times that are divided by, or of which none is as good as no entry.
pub(super) fn mistakes(file: &Document<ClusterFile>) -> Vec<Diagnostic> {
    let reliability = &file.value.reliability;
    let zero = |time: Option<Seconds>| time == Some(Seconds::ZERO);
    [("job-mtti", reliability.job_mtti), ("checkpoint-interval", reliability.checkpoint_interval)]
        .into_iter()
        .filter(|(_, time)| zero(*time))
        .map(|(key, _)| {
            let at = Path::root().key("reliability").key(key);
            let error = file.error(Code::OutOfRange, &at, format!("`{key}` is zero: the job would get nowhere"));
            error.help(format!("leave `{key}` out if it is not known"))
        })
        .collect()
}
