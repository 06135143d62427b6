//! In which type a framework keeps what the backward pass needs.

use super::Shard;

/// What differs from keeping every tensor once, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keeping {
    /// Inputs of linear layers are kept as their matmul reads them, in 8 or 4 bits, instead of what they were cast from
    /// (Transformer Engine keeps the cast tensor for the weight gradient).
    pub cast_inputs: bool,
    /// The input of a gated or other activation function is kept in 8 bits.
    pub narrow_activation: bool,
    /// Experts' results are weighted inside their activation function, so that the combination keeps none of them (Megatron-Core
    /// since 2025).
    pub weighs_inside: bool,
    /// Weights are frozen, and low-rank adapters beside the attention projections trained: frozen layers have no weight
    /// gradient and keep no input; an adapter keeps its own behind its dropout, with the mask (arXiv:2106.09685).
    pub adapters: bool,
}

impl Shard {
    /// Bytes that a linear layer keeps of an input of `elements`.
    #[must_use]
    pub fn kept_input(&self, elements: f64) -> f64 {
        if self.keeping.adapters {
            0.0
        } else if self.keeping.cast_inputs && self.precision.is_narrow() {
            elements * self.precision.matmul_bytes()
        } else {
            elements * self.precision.activation_bytes()
        }
    }

    /// Bytes that an attention projection keeps of an input of `elements` that fused attention (`held`) may keep anyway.
    #[must_use]
    pub(super) fn kept_projection(&self, elements: f64, held: bool) -> f64 {
        let own = self.kept_input(elements);
        let whole = elements * self.precision.activation_bytes();
        let shared = if !held {
            own
        } else if own < whole {
            own + whole
        } else {
            whole
        };
        shared + if self.keeping.adapters { whole + elements } else { 0.0 }
    }

    /// Bytes that an activation function keeps of an input of `elements`.
    #[must_use]
    pub(super) fn kept_activation(&self, elements: f64) -> f64 {
        elements * if self.keeping.narrow_activation { 1.0 } else { self.precision.activation_bytes() }
    }
}
