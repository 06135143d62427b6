//! Where GPU time goes, and what it waits for: what would have to be better for it to be less.

use serde::Serialize;

use crate::step::{Setup, StepEstimate};

/// What a phase waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Matrix units.
    Arithmetic,
    /// Memory of the accelerator.
    MemoryBandwidth,
    /// Links within a scale-up domain.
    ScaleUp,
    /// The network between nodes.
    Network,
    /// The host, which issues kernels.
    Host,
    /// Other stages of the pipeline.
    Schedule,
}

impl Limit {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arithmetic => "arithmetic",
            Self::MemoryBandwidth => "memory bandwidth",
            Self::ScaleUp => "scale-up links",
            Self::Network => "network",
            Self::Host => "host",
            Self::Schedule => "other stages",
        }
    }
}

/// A part of the work for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Phase {
    /// What is done.
    pub name: &'static str,
    /// What it waits for.
    pub limit: Limit,
    /// Accelerators times seconds for a million tokens.
    #[serde(rename = "gpu_s_per_million_tokens")]
    pub gpu_time: f64,
}

/// The phases of a step, in a fixed order, those that take no time included; they add up to the GPU time.
pub(super) fn phases(step: &StepEstimate, setup: &Setup<'_>) -> Vec<Phase> {
    let s = &step.strategy;
    let b = &step.breakdown;
    // Computation is told by the kernels of the busiest stage, recomputation as forward passes are.
    let roofs = setup.at(s, step.busiest_stage).roofs(s, step.busiest_stage);
    let share = |part: crate::units::Seconds| part / roofs.total();
    // Over two pools, in the smaller domain of both.
    let domain = setup.parts(s).map(|(own, _)| own.pool.domain()).min().unwrap_or(1);
    let within = |ranks: u32| if ranks <= domain { Limit::ScaleUp } else { Limit::Network };
    let whole = if step.gpus <= u64::from(domain) { Limit::ScaleUp } else { Limit::Network };
    // A stage ends in the domain where the next one begins only where all of them fit into it.
    let parts = [
        ("matmuls and attention", Limit::Arithmetic, b.compute * share(roofs.math)),
        ("element-wise kernels", Limit::MemoryBandwidth, b.compute * share(roofs.memory)),
        ("kernels issued late", Limit::Host, b.compute * share(roofs.host)),
        ("recomputation", Limit::Arithmetic, b.recompute),
        ("tensor-parallel", within(s.tp), b.tensor),
        ("context-parallel", within(s.tp * s.cp), b.context),
        ("expert-parallel", within(s.ep * s.etp), b.expert),
        ("data-parallel", whole, b.data),
        ("pipeline transfers", whole, b.pipeline),
        ("pipeline bubble", Limit::Schedule, b.bubble),
        ("optimizer", Limit::MemoryBandwidth, b.optimizer),
    ];
    let per_second = step.gpus as f64 / step.tokens_per_step.get() * 1e6;
    parts.into_iter().map(|(name, limit, time)| Phase { name, limit, gpu_time: time.get() * per_second }).collect()
}
