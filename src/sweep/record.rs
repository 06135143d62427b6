//! What a sweep writes: a header, and a line of JSON an item, in base units with the unit in the key.

use serde::{Deserialize, Serialize};

use super::{Shard, Space};
use crate::estimate::{Price, Refused};

/// Version of the lines.
pub const SCHEMA_VERSION: u32 = 1;

/// What the first key of a header says.
pub(super) const FORMAT: &str = "planner-sweep";

/// The first line: what the items are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// `planner-sweep`.
    pub format: String,
    /// Version of the lines.
    pub schema_version: u32,
    /// Version of the planner.
    pub planner_version: String,
    /// Hash of all that the items follow from.
    pub space: String,
    /// Items of all shards.
    pub items: usize,
    /// Number of this shard, from 1.
    pub shard: u32,
    /// How many there are.
    pub shards: u32,
}

impl Header {
    /// The header of a shard.
    #[must_use]
    pub fn new(space: &Space, shard: Shard) -> Self {
        Self {
            format: FORMAT.to_owned(),
            schema_version: SCHEMA_VERSION,
            planner_version: env!("CARGO_PKG_VERSION").to_owned(),
            space: format!("sha256:{}", space.fingerprint()),
            items: space.len(),
            shard: shard.number(),
            shards: shard.of(),
        }
    }
}

/// One item and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its place, from 0.
    pub index: usize,
    /// Name of the cluster.
    pub cluster: String,
    /// Nodes of the cluster.
    pub nodes: u32,
    /// Name of the workload.
    pub workload: String,
    /// Name of the job.
    pub job: String,
    /// The price of a GPU-hour that is swept over.
    pub gpu_hour: Option<Price>,
    /// The price of a kilowatt-hour that is swept over.
    pub tariff_kwh: Option<Price>,
    /// The answer.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The answer to an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A plan.
    Plan(Box<Planned>),
    /// None, and why.
    Refusal(Refused),
}

/// The figures of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Accelerators that the job runs on.
    pub gpus: u64,
    /// The layout, in a line.
    pub layout: String,
    /// Time of a step.
    pub step_time_s: f64,
    /// Nine in ten measured times are in between.
    pub step_time_90_s: [f64; 2],
    /// Half of them are.
    pub step_time_50_s: [f64; 2],
    /// Tokens per second of the whole job.
    pub tokens_per_s: f64,
    /// Model FLOPs utilisation.
    pub mfu: f64,
    /// Memory of the fullest accelerator.
    pub memory_bytes: f64,
    /// Memory that it has.
    pub memory_capacity_bytes: f64,
    /// Time of the run, when the job says how many tokens.
    pub run_time_s: Option<f64>,
    /// Energy of the run, at the site's meter.
    pub energy_j: Option<f64>,
    /// CO2 equivalent of that energy, where the grid's intensity is given.
    pub carbon_g: Option<f64>,
    /// Price of a GPU-hour that the cost is at: swept over, the cluster file's, or the catalogue's.
    pub gpu_hour: Option<Price>,
    /// Whether that price is the catalogue's.
    pub gpu_hour_assumed: bool,
    /// Cost of the run.
    pub cost: Option<Price>,
    /// The same in US dollars, to compare.
    pub cost_usd: Option<f64>,
    /// Cost of a million tokens.
    pub cost_per_million_tokens: Option<Price>,
    /// Electricity alone, where there is a tariff.
    pub electricity: Option<Price>,
    /// Whether the run is done by its deadline, where there is one.
    pub meets_deadline: Option<bool>,
}

impl Record {
    /// The plan, when there is one.
    #[must_use]
    pub fn plan(&self) -> Option<&Planned> {
        match &self.outcome {
            Outcome::Plan(plan) => Some(plan),
            Outcome::Refusal(_) => None,
        }
    }

    /// The refusal, when there is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refused> {
        match &self.outcome {
            Outcome::Plan(_) => None,
            Outcome::Refusal(refusal) => Some(refusal),
        }
    }
}

/// A header and its items: the content of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// What the items are of.
    pub header: Header,
    /// The items, by their index.
    pub records: Vec<Record>,
}

impl Sheet {
    /// The lines of the file.
    ///
    /// # Errors
    /// Never: keys of these structures are text.
    pub fn to_jsonl(&self) -> Result<String, serde_json::Error> {
        let mut out = serde_json::to_string(&self.header)? + "\n";
        for record in &self.records {
            out += &serde_json::to_string(record)?;
            out.push('\n');
        }
        Ok(out)
    }
}
