//! The figures of a step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rounded;
use crate::plan::Plan;
use crate::step::memory::Memory;
use crate::step::{Breakdown, StageEstimate};

/// One training step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFigures {
    /// The layout, in a line.
    pub layout: String,
    /// Accelerators that it runs on.
    pub gpus: u64,
    /// Tokens of a step.
    pub tokens: f64,
    /// Time of a step.
    pub step_time_s: f64,
    /// Of measured times one in twenty is below this.
    pub step_time_90_low_s: f64,
    /// Of measured times one in twenty is above this.
    pub step_time_90_high_s: f64,
    /// Tokens per second of the whole job.
    pub tokens_per_s: f64,
    /// FLOPs of the model: a multiply-add is two, causal attention counts half, recomputation does not count.
    pub model_flop: f64,
    /// The same with what recomputation runs again.
    pub hardware_flop: f64,
    /// Dense peak of one accelerator, the denominator of MFU.
    pub peak_flop_per_s: f64,
    /// Model FLOPs utilisation.
    pub mfu: f64,
    /// Hardware FLOPs utilisation.
    pub hfu: f64,
    /// Where the time of the busiest stage goes; the parts add up to the step.
    pub breakdown: BreakdownFigures,
    /// What the fullest accelerator holds.
    pub memory: MemoryFigures,
    /// Memory of one accelerator.
    pub memory_capacity_bytes: f64,
    /// Stage by stage; not in baselines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageFigures>,
}

/// Where the time of a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakdownFigures {
    /// Kernels, recomputation left out.
    pub compute_s: f64,
    /// Recomputation, with the collectives that it repeats.
    pub recompute_s: f64,
    /// Exposed tensor-parallel communication.
    pub tensor_parallel_s: f64,
    /// Exposed context-parallel communication.
    pub context_parallel_s: f64,
    /// Exposed expert-parallel communication.
    pub expert_parallel_s: f64,
    /// Exposed data-parallel communication.
    pub data_parallel_s: f64,
    /// Exposed transfers between stages.
    pub pipeline_parallel_s: f64,
    /// Waiting for other stages.
    pub bubble_s: f64,
    /// Optimizer.
    pub optimizer_s: f64,
}

/// What one accelerator holds at its fullest.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryFigures {
    /// All of it.
    pub total_bytes: f64,
    /// Weights.
    pub weights_bytes: f64,
    /// Gradients.
    pub gradients_bytes: f64,
    /// Master weights and moments.
    pub optimizer_bytes: f64,
    /// Activations kept between forward and backward.
    pub activations_bytes: f64,
    /// What the piece that is being computed holds beyond them.
    pub working_bytes: f64,
    /// Holes between tensors.
    pub fragments_bytes: f64,
    /// Driver, communication buffers, workspaces.
    pub reserve_bytes: f64,
}

/// One pipeline stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageFigures {
    /// Its number.
    pub stage: u32,
    /// Its layers.
    pub layers: u32,
    /// Time in which it computes or communicates in line.
    pub busy_s: f64,
    /// Time in which it waits.
    pub idle_s: f64,
    /// What an accelerator of it holds.
    pub memory: MemoryFigures,
}

impl StepFigures {
    pub(super) fn new(plan: &Plan) -> Self {
        let step = &plan.step;
        Self {
            layout: step.strategy.describe(),
            gpus: step.gpus,
            tokens: rounded(step.tokens_per_step.get()),
            step_time_s: rounded(step.step_time.get()),
            step_time_90_low_s: rounded(plan.interval.ninety[0].get()),
            step_time_90_high_s: rounded(plan.interval.ninety[1].get()),
            tokens_per_s: rounded(step.tokens_per_s.get()),
            model_flop: rounded(step.model_flops.get()),
            hardware_flop: rounded(step.hardware_flops.get()),
            peak_flop_per_s: rounded(step.peak.get()),
            mfu: rounded(step.mfu),
            hfu: rounded(step.hfu),
            breakdown: BreakdownFigures::new(&step.breakdown),
            memory: step.fullest().map(|stage| MemoryFigures::new(&stage.memory)).unwrap_or_default(),
            memory_capacity_bytes: rounded(step.memory_capacity.get()),
            stages: step.stages.iter().map(StageFigures::new).collect(),
        }
    }
}

impl BreakdownFigures {
    fn new(of: &Breakdown) -> Self {
        Self {
            compute_s: rounded(of.compute.get()),
            recompute_s: rounded(of.recompute.get()),
            tensor_parallel_s: rounded(of.tensor.get()),
            context_parallel_s: rounded(of.context.get()),
            expert_parallel_s: rounded(of.expert.get()),
            data_parallel_s: rounded(of.data.get()),
            pipeline_parallel_s: rounded(of.pipeline.get()),
            bubble_s: rounded(of.bubble.get()),
            optimizer_s: rounded(of.optimizer.get()),
        }
    }
}

impl MemoryFigures {
    fn new(of: &Memory) -> Self {
        Self {
            total_bytes: rounded(of.total().get()),
            weights_bytes: rounded(of.weights.get()),
            gradients_bytes: rounded(of.gradients.get()),
            optimizer_bytes: rounded(of.optimizer.get()),
            activations_bytes: rounded(of.activations.get()),
            working_bytes: rounded(of.working.get()),
            fragments_bytes: rounded(of.fragments.get()),
            reserve_bytes: rounded(of.reserve.get()),
        }
    }
}

impl StageFigures {
    fn new(of: &StageEstimate) -> Self {
        Self {
            stage: of.stage,
            layers: of.layers,
            busy_s: rounded(of.busy.get()),
            idle_s: rounded(of.idle.get()),
            memory: MemoryFigures::new(&of.memory),
        }
    }
}
