//! Bytes per accelerator, by stage.

use serde::Serialize;

use super::states::States;
use crate::model::Count;
use crate::parallel::Strategy;
use crate::spec::{Precision, Software};
use crate::units::Bytes;

/// Driver context, communication buffers, workspaces: assumed, between the 2 and 5 GiB that frameworks show beyond their tensors.
pub const RESERVE: Bytes = Bytes::new(3.0 * 1024.0 * 1024.0 * 1024.0);
/// Buckets that `DeepSpeed` reduces gradients and gathers weights in: 5·10⁸ elements each by default
/// (`reduce_bucket_size`, `allgather_bucket_size`), in 16 bits.
const DEEPSPEED_BUCKETS: Bytes = Bytes::new(2.0 * 5e8 * 2.0);

/// What one accelerator of a stage holds at its fullest.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Memory {
    /// Weights, in the type of the forward pass; in 32 bits where FSDP divides them.
    #[serde(rename = "weights_bytes")]
    pub weights: Bytes,
    /// Gradients.
    #[serde(rename = "gradients_bytes")]
    pub gradients: Bytes,
    /// Master weights and the two moments of Adam, in 32 bits.
    #[serde(rename = "optimizer_bytes")]
    pub optimizer: Bytes,
    /// Activations kept between forward and backward, of all microbatches in flight.
    #[serde(rename = "activations_bytes")]
    pub activations: Bytes,
    /// What the piece that is being computed holds beyond them: activations computed again, logits, gathered weights.
    #[serde(rename = "working_bytes")]
    pub working: Bytes,
    /// Holes between tensors in what the framework's allocator has reserved.
    #[serde(rename = "fragments_bytes")]
    pub fragments: Bytes,
    /// Driver, communication buffers, workspaces.
    #[serde(rename = "reserve_bytes")]
    pub reserve: Bytes,
}

/// An accelerator at its fullest.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Peak {
    /// What it holds.
    pub memory: Bytes,
    /// What it has.
    pub of: Bytes,
}

impl Peak {
    /// The fuller of two accelerators.
    #[must_use]
    pub fn fuller(self, other: Self) -> Self {
        // Of alike ones that with more in it, so that rounding has no say.
        let fuller = if self.of == other.of { other.memory > self.memory } else { other.share() > self.share() };
        if fuller { other } else { self }
    }

    /// Whether it holds what it has to.
    #[must_use]
    pub fn fits(self) -> bool {
        self.memory <= self.of
    }

    /// The share of it that is full.
    #[must_use]
    pub fn share(self) -> f64 {
        self.memory / self.of
    }
}

impl Memory {
    /// All of it: what the driver reports as used.
    #[must_use]
    pub fn total(&self) -> Bytes {
        self.reserved() + self.reserve
    }

    /// What the framework's allocator holds (`torch.cuda.max_memory_reserved`).
    #[must_use]
    pub fn reserved(&self) -> Bytes {
        self.allocated() + self.fragments
    }

    /// What its tensors hold (`torch.cuda.max_memory_allocated`).
    #[must_use]
    pub fn allocated(&self) -> Bytes {
        self.weights + self.gradients + self.optimizer + self.activations + self.working
    }

    /// Adds the states of `count` parameters, divided as the layout divides them.
    pub(super) fn add_parameters(&mut self, count: &Count, strategy: &Strategy, states: &States) {
        let dense = count.sharded / f64::from(strategy.tp) + count.replicated;
        let expert = count.expert / f64::from(strategy.ep * strategy.etp);
        let [ranks, expert_ranks] = strategy.shards();
        let held = |from: u8| if strategy.zero >= from { dense / ranks + expert / expert_ranks } else { dense + expert };
        self.weights += Bytes::new(held(3) * states.weights);
        self.gradients += Bytes::new(held(2) * states.gradients);
        self.optimizer += Bytes::new(held(1) * states.optimizer);
    }

    /// Adds what is no tensor of the model: holes, buckets, buffers, driver.
    pub(super) fn add_overhead(&mut self, software: Software, capacity: Bytes) {
        self.reserve = RESERVE;
        if software == Software::MegatronDeepspeed {
            self.reserve += DEEPSPEED_BUCKETS;
        }
        // Where memory runs out the allocator frees what it holds in vain and tries again: holes alone make no layout too large.
        let room = (capacity - self.allocated() - self.reserve).max(Bytes::ZERO);
        self.fragments = (self.allocated() * fragments(software)).min(room);
    }
}

/// Share of its tensors by which the caching allocator of `PyTorch` holds more than them. XLA plans every address ahead.
fn fragments(software: Software) -> f64 {
    if software == Software::Xla { 0.0 } else { FRAGMENTS }
}

/// See [`fragments`]: what FSDP runs reserve per byte of states that more replicas divide is 1.07 to 1.10 (torchtitan, Llama 3.1 8B
/// on 8 and on 128 H100s).
const FRAGMENTS: f64 = 0.08;

/// Bytes of a weight in the forward pass: 16 bits, from which FP8 matmuls cast.
#[must_use]
pub fn weight_bytes(precision: Precision) -> f64 {
    precision.activation_bytes()
}
