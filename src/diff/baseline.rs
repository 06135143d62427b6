//! The file of estimates that later ones are compared with: one figure a line, keys in alphabetical order, and what the figures
//! follow from, so that changes can be tried one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::estimated::Estimated;
use super::pair::Pair;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::estimate::{Estimate, Inputs, Origin, Refused, same};

/// Version of the form.
pub const SCHEMA_VERSION: u32 = 1;

/// What the key `format` says.
const FORMAT: &str = "planner-baseline";

/// Estimates of a tree, with what they follow from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// `planner-baseline`.
    pub format: String,
    /// Version of this form. Raised when a key changes its meaning or goes.
    pub schema_version: u32,
    /// What the estimates were made by.
    pub planner: Origin,
    /// What the user's catalogue says, where one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Value>,
    /// What the user's profile says, where one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Value>,
    /// What cluster files say, by their path without suffix.
    pub clusters: BTreeMap<String, Value>,
    /// What workload files say, by their path without suffix.
    pub workloads: BTreeMap<String, Jobs>,
    /// Estimates by cluster, workload and job.
    pub estimates: BTreeMap<String, BTreeMap<String, BTreeMap<String, Answer>>>,
}

/// Jobs of a workload file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// What the file says of each job.
    pub jobs: BTreeMap<String, Value>,
    /// Lines of the files that a job names, by job and by the name of the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// The estimate of a pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// An estimate.
    Estimate(Box<Estimate>),
    /// None, and why.
    Refusal(Refused),
}

impl Baseline {
    /// Of estimates by this planner.
    #[must_use]
    pub fn new(all: &[Estimated]) -> Self {
        let mut made = Self {
            format: FORMAT.to_owned(),
            schema_version: SCHEMA_VERSION,
            planner: Origin::own(),
            catalog: all.first().and_then(|one| one.inputs.catalog.clone()),
            profile: all.first().and_then(|one| one.inputs.profile.clone()),
            clusters: BTreeMap::new(),
            workloads: BTreeMap::new(),
            estimates: BTreeMap::new(),
        };
        for Estimated { pair, inputs, outcome, .. } in all {
            made.clusters.insert(pair.cluster.clone(), inputs.cluster.clone());
            let workload = made.workloads.entry(pair.workload.clone()).or_default();
            workload.jobs.insert(pair.job.clone(), inputs.job.clone());
            if !inputs.files.is_empty() {
                workload.files.insert(pair.job.clone(), inputs.files.clone());
            }
            let answer = match outcome {
                Ok(estimate) => Answer::Estimate(Box::new(estimate.clone())),
                Err(refused) => Answer::Refusal(refused.clone()),
            };
            let jobs = made.estimates.entry(pair.cluster.clone()).or_default().entry(pair.workload.clone()).or_default();
            jobs.insert(pair.job.clone(), answer);
        }
        made
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it: no JSON, no baseline, of another version, or not whole.
    pub fn read(source: &Arc<Source>) -> Result<Self, Diagnostic> {
        let again = "write it again with `planner baseline`, and look at what changed";
        let broken = |error: &serde_json::Error| {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
            let at = source.offset(error.line(), error.column());
            Diagnostic::error(Code::Baseline, format!("the baseline cannot be read: {reason}")).at(source, at..at + 1, "")
        };
        let value: Value = serde_json::from_str(source.text()).map_err(|error| broken(&error).help(again))?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            let message = format!("this is no baseline: it does not say `\"format\": \"{FORMAT}\"`");
            let error = Diagnostic::error(Code::Baseline, message).at(source, 0..1, "");
            return Err(error.help("name a file that `planner baseline` wrote, or a revision of git"));
        }
        match value.get("schema_version").and_then(Value::as_u64) {
            Some(version) if version == u64::from(SCHEMA_VERSION) => {}
            version => {
                let said = version.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
                let newer = version.is_some_and(|version| version > u64::from(SCHEMA_VERSION));
                let message = format!("the baseline is of {said} of its form, this planner reads version {SCHEMA_VERSION}");
                let at = source.text().find("\"schema_version\"").unwrap_or_default();
                let error = Diagnostic::error(Code::Baseline, message).at(source, at..at + "\"schema_version\"".len(), "");
                return Err(error.help(if newer { "use the planner that wrote it, or a newer one" } else { again }));
            }
        }
        let read: Self = serde_json::from_str(source.text()).map_err(|error| broken(&error).help(again))?;
        read.check().map_err(|message| Diagnostic::error(Code::Baseline, message).at(source, 0..1, "").help(again))?;
        Ok(read)
    }

    /// Every estimate has the inputs that it follows from, and they are those.
    fn check(&self) -> Result<(), String> {
        for (pair, answer) in self.answers() {
            let Some(inputs) = self.inputs(&pair) else {
                return Err(format!("the baseline has an estimate of {pair}, and not what it follows from"));
            };
            if let Answer::Estimate(estimate) = answer
                && estimate.inputs != inputs.hashes()
            {
                return Err(format!("the baseline was edited: the estimate of {pair} follows from other inputs than it has"));
            }
        }
        Ok(())
    }

    /// Whether another has the same figures and inputs, whatever the two were made by.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let inputs = |of: &Self| (of.clusters.clone(), of.workloads.clone(), of.catalog.clone(), of.profile.clone());
        let figures = |of: &Self| serde_json::to_value(&of.estimates).unwrap_or_default();
        inputs(self) == inputs(other) && alike(&figures(self), &figures(other))
    }

    /// The estimates.
    #[must_use]
    pub fn estimated(&self) -> Vec<Estimated> {
        let all = self.answers().filter_map(|(pair, answer)| {
            let inputs = self.inputs(&pair)?;
            let name = inputs.cluster.get("name").and_then(Value::as_str).unwrap_or(&pair.cluster);
            let outcome = match answer {
                Answer::Estimate(estimate) => Ok((**estimate).clone()),
                Answer::Refusal(refused) => Err(refused.clone()),
            };
            Some(Estimated { cluster: name.to_owned(), pair, inputs, outcome })
        });
        all.collect()
    }

    fn answers(&self) -> impl Iterator<Item = (Pair, &Answer)> {
        self.estimates.iter().flat_map(|(cluster, workloads)| {
            workloads.iter().flat_map(move |(workload, jobs)| {
                let pair = |job: &String| Pair { cluster: cluster.clone(), workload: workload.clone(), job: job.clone() };
                jobs.iter().map(move |(job, answer)| (pair(job), answer))
            })
        })
    }

    fn inputs(&self, pair: &Pair) -> Option<Inputs> {
        let workload = self.workloads.get(&pair.workload)?;
        Some(Inputs {
            cluster: self.clusters.get(&pair.cluster)?.clone(),
            job: workload.jobs.get(&pair.job)?.clone(),
            files: workload.files.get(&pair.job).cloned().unwrap_or_default(),
            catalog: self.catalog.clone(),
            profile: self.profile.clone(),
        })
    }
}

/// Whether two values are the same, figures at the precision that is kept.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| same(a, b)),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| alike(value, other)))
        }
        _ => a == b,
    }
}
