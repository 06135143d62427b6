//! Bytes per accelerator, by stage.

use serde::Serialize;

use super::layer::gradient_bytes;
use crate::model::Count;
use crate::parallel::Strategy;
use crate::spec::{Computation, Precision};
use crate::units::Bytes;

/// Driver context, communication buffers, workspaces and fragments: assumed, between the 2 and 5 GiB that frameworks show
/// beyond their tensors.
pub const RESERVE: Bytes = Bytes::new(3.0 * 1024.0 * 1024.0 * 1024.0);

/// What one accelerator of a stage holds at its fullest.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Memory {
    /// Weights, in the type of the forward pass.
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
    /// Activations of the piece that is being computed.
    #[serde(rename = "working_bytes")]
    pub working: Bytes,
    /// Driver, communication buffers, workspaces.
    #[serde(rename = "reserve_bytes")]
    pub reserve: Bytes,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Bytes {
        self.weights + self.gradients + self.optimizer + self.activations + self.working + self.reserve
    }

    /// Adds the states of `count` parameters, divided as the layout divides them.
    pub(super) fn add_parameters(&mut self, count: &Count, strategy: &Strategy, computation: &Computation) {
        let dense = count.sharded / f64::from(strategy.tp) + count.replicated;
        let expert = count.expert / f64::from(strategy.ep * strategy.etp);
        let replicas = f64::from(strategy.dp * strategy.cp);
        let expert_replicas = f64::from(strategy.expert_replicas());
        let held = |from: u8| {
            if strategy.zero >= from { dense / replicas + expert / expert_replicas } else { dense + expert }
        };
        self.weights += Bytes::new(held(3) * weight_bytes(computation.precision));
        // Frozen weights have neither; the adapters' own are too few to count.
        if !computation.adapters {
            self.gradients += Bytes::new(held(2) * gradient_bytes(computation.precision));
            self.optimizer += Bytes::new(held(1) * 12.0);
        }
    }
}

/// Bytes of a weight in the forward pass: 16 bits, from which FP8 matmuls cast.
#[must_use]
pub fn weight_bytes(precision: Precision) -> f64 {
    precision.activation_bytes()
}
