//! What a model takes to generate a token: one forward pass, all weights that the token meets, and keys and values that stay.
//!
//! Of a sequence that is generated alone, whose keys and values are few beside the weights: the least that its hardware must do.
//! Many sequences at once share the reading of weights, and not the keys and values.

use super::{Architecture, Heads};
use crate::units::{Bytes, Flop};

/// What a generated token takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Generation {
    /// Its forward pass.
    pub work: Flop,
    /// Weights that it meets, all of which are read.
    pub read: Bytes,
    /// Weights that have to be in memory.
    pub resident: Bytes,
    /// Keys and values that it leaves in memory.
    pub kept: Bytes,
}

impl Generation {
    /// Of a model whose weights and whose keys and values have so many bytes an element: 2 of 16 bits, 0.5 of 4.
    #[must_use]
    pub fn new(model: &Architecture, weight: f64, key_value: f64) -> Self {
        let flops = model.flops(1);
        Self {
            work: flops.forward(),
            read: Bytes::new(model.active_parameters() * weight),
            resident: Bytes::new(model.parameters() * weight),
            kept: Bytes::new(f64::from(model.layers) * kept_elements(model.heads) * key_value),
        }
    }
}

/// Elements that a layer keeps of a token: keys and values, or what both are computed from (arXiv:2405.04434, table 1).
fn kept_elements(heads: Heads) -> f64 {
    match heads {
        Heads::Grouped { key_value, dim, .. } => 2.0 * f64::from(key_value) * f64::from(dim),
        Heads::Latent { kv_rank, rope_dim, .. } => f64::from(kv_rank + rope_dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn of(name: &str) -> Generation {
        let model = Catalog::embedded().model(name).expect("known");
        Generation::new(&Architecture::new(model).expect("a model"), 2.0, 2.0)
    }

    #[test]
    fn a_token_meets_the_active_weights() {
        // Two FLOPs a weight of the matmuls; the embedding is looked up.
        let gpt = of("gpt3-175b");
        assert!((gpt.work.get() / (2.0 * 175e9) - 1.0).abs() < 0.01, "{}", gpt.work);
        let mixtral = of("mixtral-8x7b");
        assert!((mixtral.read.get() / (2.0 * 12.9e9) - 1.0).abs() < 0.01, "{}", mixtral.read);
        assert!((mixtral.resident.get() / (2.0 * 46.7e9) - 1.0).abs() < 0.01, "{}", mixtral.resident);
    }

    #[test]
    fn keys_and_values_by_kind_of_attention() {
        // Llama 3 70B: 80 layers of 8 key-value heads of width 128. DeepSeek-V3: 61 layers of 512 + 64.
        assert_eq!(of("llama3-70b").kept.get(), 80.0 * 2.0 * 8.0 * 128.0 * 2.0);
        assert_eq!(of("deepseek-v3").kept.get(), 61.0 * 576.0 * 2.0);
    }
}
