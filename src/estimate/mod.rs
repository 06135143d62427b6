//! Estimates as they leave the planner: the figures of a plan in base units with the unit in the key, hashes of what they follow
//! from, and one precision for all.
//!
//! [`crate::plan::Plan`] is what is known about a plan; an [`Estimate`] is what is kept of it, in files that are compared over
//! months. Its form has a version and a JSON Schema (`planner schema estimate`). This room knows plans; it does not know
//! arguments, baselines or output.

mod cost;
mod digits;
mod hash;
mod inputs;
mod origin;
mod refused;
mod run;
mod step;

pub use cost::{CostFigures, Price};
pub use digits::{DIGITS, SAME, json, rounded, same};
pub use hash::Hash;
pub use inputs::{Context, InputHashes, Inputs, Loaded, Own};
pub use origin::Origin;
pub use refused::Refused;
pub use run::{LostFigures, RunFigures};
pub use step::{BreakdownFigures, MemoryFigures, StageFigures, StepFigures};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// Version of the form.
pub const SCHEMA_VERSION: u32 = 1;

/// What the first key of an exported file says.
pub const FORMAT: &str = "planner-estimate";

/// A file of estimates, as `planner plan --export` writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// `planner-estimate`.
    pub format: String,
    /// Version of this form. Raised when a key changes its meaning or goes; new keys do not raise it.
    pub schema_version: u32,
    /// What the estimates were made by.
    pub planner: Origin,
    /// One a job.
    pub estimates: Vec<Estimate>,
}

impl Export {
    /// A file of estimates.
    #[must_use]
    pub fn new(estimates: Vec<Estimate>) -> Self {
        Self { format: FORMAT.to_owned(), schema_version: SCHEMA_VERSION, planner: Origin::own(), estimates }
    }
}

/// The estimate of a job on a cluster: one step, the run, its cost.
///
/// Figures are in base units, the unit is the end of the key: `_s` seconds, `_bytes`, `_flop`, `_w` watts, `_j` joules, `_g`
/// grams of CO2 equivalent; shares are between 0 and 1. Every figure that is no count is rounded to nine significant digits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// Name of the cluster.
    pub cluster: String,
    /// The pool that the job runs on.
    pub pool: String,
    /// Its accelerator.
    pub accelerator: String,
    /// Name of the job.
    pub job: String,
    /// Its model.
    pub model: String,
    /// Data type of the matmuls.
    pub precision: String,
    /// What the estimate follows from.
    pub inputs: InputHashes,
    /// One step.
    pub step: StepFigures,
    /// The whole run, when the job says how many tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunFigures>,
    /// Its cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostFigures>,
    /// Figures that are assumed, not measured, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<String>,
}

impl Estimate {
    /// What is kept of a plan; `usd_rate` is US dollars for a unit of its cost's currency, where known.
    ///
    /// Figures come out rounded, so that an estimate is the same before it is written and after it is read.
    #[must_use]
    pub fn new(plan: &Plan, inputs: InputHashes, usd_rate: Option<f64>) -> Self {
        Self {
            cluster: plan.cluster.name.clone(),
            pool: plan.cluster.pool.clone(),
            accelerator: plan.cluster.accelerator.clone(),
            job: plan.job.name.clone(),
            model: plan.job.model.clone(),
            precision: plan.job.precision.as_str().to_owned(),
            inputs,
            step: StepFigures::new(plan),
            run: plan.run.as_ref().map(|run| RunFigures::new(run, plan.job.deadline)),
            cost: plan.cost.as_ref().map(|cost| CostFigures::new(cost, usd_rate)),
            assumed: plan.assumptions.iter().map(|assumption| assumption.what.clone()).collect(),
        }
    }

    /// The same without the figures of single stages: what a baseline keeps.
    #[must_use]
    pub fn in_brief(mut self) -> Self {
        self.step.stages.clear();
        self
    }
}
