//! The figures of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rounded;
use crate::run::{LostTime, RunEstimate};
use crate::units::{Carbon, Seconds};

/// A whole training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunFigures {
    /// Tokens to train on.
    pub tokens: f64,
    /// Optimizer steps.
    pub steps: u64,
    /// Nodes that the job occupies.
    pub nodes: u64,
    /// Time of all steps, were there no interruptions and no checkpoints.
    pub productive_time_s: f64,
    /// Time by the calendar.
    pub time_s: f64,
    /// Time of all steps over time by the calendar.
    pub goodput: f64,
    /// What is lost.
    pub lost_time: LostFigures,
    /// Interruptions expected over the run.
    pub interruptions: f64,
    /// Mean time to an interruption; none where nothing fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtti_s: Option<f64>,
    /// Training between two checkpoints; none where none is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_interval_s: Option<f64>,
    /// Weights and what the optimizer keeps, of the whole model, once.
    pub checkpoint_bytes: f64,
    /// Nodes to keep beside the job's.
    pub spare_nodes: u64,
    /// Accelerators times the time by the calendar.
    pub gpu_seconds: f64,
    /// What all nodes of the job draw.
    pub it_power_w: f64,
    /// The same with the site's cooling and losses.
    pub site_power_w: f64,
    /// Energy of the nodes at the site's meter.
    pub energy_j: f64,
    /// CO2 equivalent of that energy by location, where the grid's intensity is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carbon_location_g: Option<f64>,
    /// The same by market, where contracts or a residual mix are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carbon_market_g: Option<f64>,
    /// CO2 equivalent of making the accelerators, for the share of their life.
    pub carbon_embodied_g: f64,
    /// Time by which the job has to be done, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_s: Option<f64>,
    /// Whether it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meets_deadline: Option<bool>,
}

/// Time in which a run does not train.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LostFigures {
    /// Saving checkpoints.
    pub saving_s: f64,
    /// Training that is done again.
    pub wasted_s: f64,
    /// From an interruption to the loading of the checkpoint.
    pub recovery_s: f64,
    /// Loading checkpoints.
    pub loading_s: f64,
}

impl RunFigures {
    pub(super) fn new(run: &RunEstimate, deadline: Option<Seconds>) -> Self {
        let seconds = |time: Option<Seconds>| time.map(|time| rounded(time.get()));
        let carbon = |carbon: Option<Carbon>| carbon.map(|carbon| rounded(carbon.get()));
        Self {
            tokens: rounded(run.tokens.get()),
            steps: run.steps,
            nodes: run.nodes,
            productive_time_s: rounded(run.productive.get()),
            time_s: rounded(run.time.get()),
            goodput: rounded(run.goodput),
            lost_time: LostFigures::new(&run.lost),
            interruptions: rounded(run.interruptions),
            mtti_s: seconds(run.failures.mtti),
            checkpoint_interval_s: seconds(run.checkpoint.interval),
            checkpoint_bytes: rounded(run.checkpoint.bytes.get()),
            spare_nodes: run.spares.nodes,
            gpu_seconds: rounded(run.gpu_hours.get()),
            it_power_w: rounded(run.it_power.get()),
            site_power_w: rounded(run.site_power.get()),
            energy_j: rounded(run.energy.get()),
            carbon_location_g: carbon(run.carbon.location),
            carbon_market_g: carbon(run.carbon.market),
            carbon_embodied_g: rounded(run.carbon.embodied.get()),
            deadline_s: seconds(deadline),
            meets_deadline: run.meets_deadline,
        }
    }
}

impl LostFigures {
    fn new(of: &LostTime) -> Self {
        Self {
            saving_s: rounded(of.saving.get()),
            wasted_s: rounded(of.wasted.get()),
            recovery_s: rounded(of.recovery.get()),
            loading_s: rounded(of.loading.get()),
        }
    }
}
