//! FLOPs of the model itself, whatever runs it: the numerator of MFU.

use super::attention::attended_pairs;
use super::{Architecture, Heads, LayerKind};
use crate::units::Flop;

/// FLOPs per sequence. MFU counts [`Self::model`]; HFU adds what recomputation runs again.
///
/// Conventions: a multiply-add is two FLOPs; attention counts the pairs a causal mask leaves (half the square); the output
/// layer counts, embedding look-ups do not; backward is twice forward. Megatron-LM counts so since 2024; older Megatron tables
/// count the whole square and full recomputation, see `docs/model.md`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelFlops {
    /// Forward through the matmuls of all layers.
    pub layers: f64,
    /// Forward through the attention scores and their weighted sums.
    pub attention: f64,
    /// Forward through the output layer.
    pub head: f64,
}

impl ModelFlops {
    /// Forward alone.
    #[must_use]
    pub fn forward(&self) -> Flop {
        Flop::new(self.layers + self.attention + self.head)
    }

    /// Forward and backward: three times forward.
    #[must_use]
    pub fn model(&self) -> Flop {
        self.forward() * 3.0
    }
}

impl Architecture {
    /// FLOPs of one sequence of `sequence` tokens.
    #[must_use]
    pub fn flops(&self, sequence: u32) -> ModelFlops {
        let s = f64::from(sequence);
        let h = f64::from(self.hidden);
        let mut flops = ModelFlops { layers: 0.0, attention: 0.0, head: 2.0 * s * h * f64::from(self.vocab) };
        let heads = f64::from(self.heads.query());
        let widths = f64::from(self.heads.query_dim()) + f64::from(self.heads.value_dim());
        for index in 0..self.layers {
            flops.layers += 2.0 * s * (self.attention_matrix() + self.ffn_matrix(self.layer_kind(index)));
            flops.attention += 2.0 * attended_pairs(s, self.window(index)) * heads * widths;
        }
        flops
    }

    /// Weights of the attention projections that a token meets.
    fn attention_matrix(&self) -> f64 {
        let h = f64::from(self.hidden);
        match self.heads {
            Heads::Grouped { query, key_value, dim } => h * 2.0 * f64::from(query + key_value) * f64::from(dim),
            Heads::Latent { query, q_rank, kv_rank, nope_dim, rope_dim, v_dim } => {
                let [a, q, c, n, r, v] = [query, q_rank, kv_rank, nope_dim, rope_dim, v_dim].map(f64::from);
                let queries = if q_rank == 0 { h * a * (n + r) } else { h * q + q * a * (n + r) };
                queries + h * (c + r) + c * a * (n + v) + a * v * h
            }
        }
    }

    /// Weights of the feed-forward block that a token meets.
    fn ffn_matrix(&self, kind: LayerKind) -> f64 {
        let per_width = f64::from(self.ffn_matrices()) * f64::from(self.hidden);
        match (kind, self.moe) {
            (LayerKind::Moe, Some(moe)) => {
                per_width * (f64::from(moe.top_k) * f64::from(moe.ffn) + f64::from(moe.shared_ffn))
                    + f64::from(self.hidden) * f64::from(moe.experts)
            }
            _ => per_width * f64::from(self.ffn),
        }
    }
}
