//! What a portfolio file may say.

use schemars::JsonSchema;
use serde::Deserialize;

use super::JobFile;
use crate::units::{Nodes, Seconds, Tokens, Watts};

/// Jobs over months: when each comes, what it takes, by when it has to be done.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PortfolioFile {
    /// Kinds of training runs, with the keys of a workload file's jobs; `train` of a job names one.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub training: Vec<JobFile>,
    /// Queues of the policy `fair-share`; those that jobs name are there with a weight of 1.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub queues: Vec<QueueFile>,
    /// The jobs.
    #[schemars(length(min = 1, max = 10_000))]
    pub jobs: Vec<PortfolioJobFile>,
    /// Times at which nodes are out for work on them.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub maintenance: Vec<MaintenanceFile>,
    /// Times at which nodes are kept for some jobs.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub reservations: Vec<ReservationFile>,
    /// Caps of the site's power over time, beside the cluster's own limit.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub power_caps: Vec<PowerCapFile>,
    /// Nodes of each pool that are kept ready for those that fail.
    #[serde(default)]
    pub spares: Option<Nodes>,
}

/// A queue with its share.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct QueueFile {
    /// Name of the queue.
    pub name: String,
    /// Its share of GPU time, over the sum of all weights.
    #[schemars(range(min = 0.001, max = 1_000_000.0))]
    pub weight: f64,
}

/// A job of a portfolio. Times count from the start of the portfolio.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PortfolioJobFile {
    /// Name of the job.
    pub name: String,
    /// The kind of training run that it is; its time is planned for the GPUs that it gets.
    #[serde(default)]
    pub train: Option<String>,
    /// Training data, where the kind does not say.
    #[serde(default)]
    pub tokens: Option<Tokens>,
    /// How long it runs on the most GPUs that it asks for, in place of `train`.
    #[serde(default)]
    pub duration: Option<Seconds>,
    /// What the scheduler is told of how long it runs; the truth when left out.
    #[serde(default)]
    pub time_limit: Option<Seconds>,
    /// When it is submitted; at the start when left out.
    #[serde(default)]
    pub arrival: Option<Seconds>,
    /// Jobs that have to be done before it starts.
    #[serde(default)]
    pub after: Vec<String>,
    /// Queue that it is submitted to.
    #[serde(default)]
    pub queue: Option<String>,
    /// Jobs of higher priority go first under the policy `priority`.
    #[serde(default)]
    pub priority: i32,
    /// When it has to be done.
    #[serde(default)]
    pub deadline: Option<Seconds>,
    /// GPUs that it runs on.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub gpus: Option<u32>,
    /// Most GPUs that it makes use of, when `gpus` are the fewest.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_gpus: Option<u32>,
    /// Whole nodes that it runs on, in place of `gpus`.
    #[serde(default)]
    pub nodes: Option<Nodes>,
    /// Most nodes that it makes use of, when `nodes` are the fewest.
    #[serde(default)]
    pub max_nodes: Option<Nodes>,
    /// Pool that it runs in; any one of them when left out.
    #[serde(default)]
    pub pool: Option<String>,
    /// Whether it may run in several pools at once, at the pace of the slowest.
    #[serde(default)]
    pub across_pools: bool,
    /// Whether it may be stopped for others. It has notice to save what it did.
    #[serde(default)]
    pub preemptible: bool,
    /// Work between two checkpoints; of `train`, by Daly's formula when left out; of `duration`, nothing is saved then.
    #[serde(default)]
    pub checkpoint_interval: Option<Seconds>,
    /// Time that a checkpoint stops it for; of `train`, from the storage of the cluster when left out.
    #[serde(default)]
    pub checkpoint_write: Option<Seconds>,
    /// Time from an interruption until work goes on; that of the cluster's `reliability` when left out.
    #[serde(default)]
    pub restart: Option<Seconds>,
}

/// Nodes that are out of use from one time to another.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MaintenanceFile {
    /// What it is called.
    pub name: String,
    /// When it begins.
    pub from: Seconds,
    /// How long it takes.
    pub lasts: Seconds,
    /// How many nodes, the last of the pool; all when left out.
    #[serde(default)]
    pub nodes: Option<Nodes>,
    /// Their pool; every pool when left out.
    #[serde(default)]
    pub pool: Option<String>,
}

/// Nodes that are kept for some jobs from one time to another.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReservationFile {
    /// What it is called.
    pub name: String,
    /// When it begins.
    pub from: Seconds,
    /// How long it takes.
    pub lasts: Seconds,
    /// How many nodes, the first of the pool.
    pub nodes: Nodes,
    /// Their pool; the first of the cluster when left out.
    #[serde(default)]
    pub pool: Option<String>,
    /// The jobs that may use them.
    #[schemars(length(min = 1, max = 10_000))]
    pub jobs: Vec<String>,
}

/// A cap of the site's power from one time to another.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PowerCapFile {
    /// When it begins.
    pub from: Seconds,
    /// How long it takes.
    pub lasts: Seconds,
    /// Most power that the site may draw, cooling included.
    pub cap: Watts,
}
