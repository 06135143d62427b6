//! What a run of the bench leaves behind: every sample, with what it was measured on and how it was counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kernel::Work;
use super::sample::Warning;
use super::{Adapter, Summary, Timing};

/// Version of the JSON that a result is written as.
pub const SCHEMA_VERSION: u32 = 1;

/// A run of the bench on one GPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchResult {
    /// Version of this structure.
    pub schema_version: u32,
    /// Version of the planner.
    pub planner_version: String,
    /// Name of the host.
    pub host: String,
    /// When it began, in seconds since 1970.
    pub started_unix_s: u64,
    /// Seconds it took.
    pub wall_s: f64,
    /// `quick`, `default` or `thorough`.
    pub effort: String,
    /// What the arrays hold.
    pub data: String,
    /// The GPU.
    pub adapter: Adapter,
    /// What was measured, in the order it was.
    pub measurements: Vec<Measurement>,
    /// What was not, and why.
    pub skipped: Vec<Skipped>,
    /// What ended the run before its end.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// One kernel, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Its name.
    pub kernel: String,
    /// The sort of kernel: the name of its shader.
    pub family: String,
    /// Data type.
    pub dtype: String,
    /// Values of the shader's parameters.
    pub parameters: BTreeMap<String, u32>,
    /// Workgroups of a dispatch.
    pub groups: [u32; 3],
    /// Rows, columns and depth of a product.
    #[serde(default)]
    pub shape: Option<[u64; 3]>,
    /// What a dispatch does, and how that is counted.
    pub work: Work,
    /// How its result was checked.
    pub check: Verdict,
    /// `device` or `host`: whose clock the rate is from.
    pub clock: String,
    /// Dispatches of a sample.
    pub dispatches: u32,
    /// Samples thrown away before these.
    pub warm_up: u32,
    /// Time of each sample.
    pub samples: Vec<Timing>,
    /// Seconds of a dispatch. Nothing where the check failed.
    #[serde(default)]
    pub seconds: Option<Summary>,
    /// Work per second, from the median; seconds a dispatch for a launch. Nothing where the check failed.
    #[serde(default)]
    pub rate: Option<f64>,
    /// What to know about it.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the result is right.
    pub passed: bool,
    /// What was compared with what.
    pub method: String,
    /// The largest error found, in units of the tolerance; zero where results are exact.
    pub worst: f64,
    /// What is wrong, if anything.
    #[serde(default)]
    pub fault: Option<String>,
}

impl Verdict {
    /// A result that is right to the bit.
    pub(super) fn exact(method: impl Into<String>) -> Self {
        Self { passed: true, method: method.into(), worst: 0.0, fault: None }
    }

    /// A result that is wrong.
    pub(super) fn wrong(method: impl Into<String>, fault: impl Into<String>) -> Self {
        Self { passed: false, method: method.into(), worst: 0.0, fault: Some(fault.into()) }
    }
}

/// A kernel that was not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its name.
    pub kernel: String,
    /// Why.
    pub reason: String,
}

/// What ended a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The kernel that ran.
    pub kernel: String,
    /// What happened.
    pub message: String,
    /// What helps.
    pub remedy: String,
}

impl BenchResult {
    /// The measurements of a family whose check passed.
    pub fn of<'a>(&'a self, family: &'a str) -> impl Iterator<Item = &'a Measurement> {
        self.measurements.iter().filter(move |measurement| measurement.family == family && measurement.rate.is_some())
    }

    /// The measurement of a family with the highest rate.
    #[must_use]
    pub fn best<'a>(&'a self, family: &'a str) -> Option<&'a Measurement> {
        self.of(family).max_by(|a, b| a.rate.unwrap_or(0.0).total_cmp(&b.rate.unwrap_or(0.0)))
    }
}

impl Measurement {
    /// How far the rate is uncertain, as a share of it: the MAD of the samples over their median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        self.seconds.map_or(0.0, |seconds| seconds.spread())
    }

    /// The value of a parameter of the shader.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<u32> {
        self.parameters.get(name).copied()
    }
}
