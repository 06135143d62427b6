//! What a policy file may say.

use schemars::JsonSchema;
use serde::Deserialize;

use super::amount::Amount;
use crate::units::{Money, Seconds, Share, Watts};

/// Which estimates are kept of a tree of clusters and workloads, and what may become of them.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PolicyFile {
    /// Jobs on clusters that are estimated; every job on every cluster when left out.
    #[schemars(length(max = 1000))]
    pub pairs: Vec<PairFile>,
    /// What may become of their estimates.
    #[schemars(length(max = 1000))]
    pub policies: Vec<RuleFile>,
}

/// Jobs on clusters. Patterns are globs (`h100-*`) over the path below the tree without `.yaml`, over its last part, and over the
/// name that a cluster file gives itself.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PairFile {
    /// Pattern of clusters.
    pub cluster: String,
    /// Pattern of workloads.
    pub workload: String,
    /// Pattern of jobs; every job when left out.
    #[serde(default)]
    pub job: Option<String>,
}

/// A policy: one rule, for which jobs on which clusters it holds, and what happens when it is broken.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RuleFile {
    /// What it is called in reports.
    pub name: Option<String>,
    /// Pattern of clusters; every cluster when left out.
    pub cluster: Option<String>,
    /// Pattern of workloads; every workload when left out.
    pub workload: Option<String>,
    /// Pattern of jobs; every job when left out.
    pub job: Option<String>,
    /// What happens when it is broken.
    pub level: Level,
    /// Most by which a figure may grow since the baseline, in percent.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub max_increase_percent: Option<f64>,
    /// The figure that `max-increase-percent` is about.
    pub figure: Option<RuleFigure>,
    /// Most by which a figure may grow: cost by money, run time by a time, energy, site power, carbon or memory by their units.
    pub max_increase: Option<Amount>,
    /// A cost that may not be crossed from below; what was above it before may stay there.
    pub budget: Option<Money>,
    /// Least MFU.
    pub min_mfu: Option<Share>,
    /// Most power of a run's nodes at the site's meter.
    pub max_site_power: Option<Watts>,
    /// Least share of an accelerator's memory that stays free.
    pub min_memory_headroom: Option<Share>,
    /// Most time of a run, by the calendar.
    pub max_run_time: Option<Seconds>,
    /// Whether the job's own deadline has to be met.
    pub meet_deadline: Option<bool>,
}

/// What happens when a policy is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is told, and the exit code is 1.
    #[default]
    Fail,
    /// It is told.
    Warn,
}

/// A figure that a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleFigure {
    /// Cost of the run.
    Cost,
    /// Time of the run by the calendar.
    RunTime,
    /// Time of a step.
    StepTime,
    /// Energy at the site's meter.
    Energy,
    /// Power at the site's meter.
    SitePower,
    /// CO2 equivalent of electricity, by location.
    Carbon,
    /// Memory of the fullest accelerator.
    Memory,
}
