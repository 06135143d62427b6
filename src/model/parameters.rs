//! How many parameters a model has, and which of them a rank can hold a share of.

use super::{Architecture, Heads, LayerKind};
use crate::catalog::Norm;

/// Parameters, apart by how they can be divided.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Count {
    /// Divided by tensor parallelism.
    pub sharded: f64,
    /// On every tensor-parallel rank alike: norms, biases behind a row-parallel matrix, the router.
    pub replicated: f64,
    /// Weights of routed experts, divided by expert (and expert-tensor) parallelism.
    pub expert: f64,
}

impl Count {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.sharded + self.replicated + self.expert
    }

    fn add(&mut self, other: Self) {
        self.sharded += other.sharded;
        self.replicated += other.replicated;
        self.expert += other.expert;
    }
}

impl Architecture {
    /// All parameters.
    #[must_use]
    pub fn parameters(&self) -> f64 {
        let layers: f64 = (0..self.layers).map(|i| self.layer_parameters(self.layer_kind(i)).total()).sum();
        let output = if self.tied_embeddings { 0.0 } else { self.output_parameters() };
        layers + self.embedding_parameters().total() + output + self.norm_width()
    }

    /// Parameters that one token meets: the routed experts it is not sent to left out.
    #[must_use]
    pub fn active_parameters(&self) -> f64 {
        let Some(moe) = self.moe else { return self.parameters() };
        let expert_layers = (0..self.layers).filter(|i| self.layer_kind(*i) == LayerKind::Moe).count() as f64;
        let all = self.layer_parameters(LayerKind::Moe).expert;
        self.parameters() - expert_layers * all * (1.0 - f64::from(moe.top_k) / f64::from(moe.experts))
    }

    /// Token embedding, learned positions, and the norm behind them.
    #[must_use]
    pub fn embedding_parameters(&self) -> Count {
        let h = f64::from(self.hidden);
        Count {
            sharded: f64::from(self.vocab) * h,
            replicated: f64::from(self.learned_positions) * h + if self.embedding_norm { self.norm_width() } else { 0.0 },
            expert: 0.0,
        }
    }

    /// The output projection. On the last stage it is held even when its weights are the embedding's.
    #[must_use]
    pub fn output_parameters(&self) -> f64 {
        f64::from(self.vocab) * f64::from(self.hidden)
    }

    /// Parameters of one norm of width h.
    #[must_use]
    pub fn norm_width(&self) -> f64 {
        f64::from(self.hidden) * if self.norm == Norm::Layer { 2.0 } else { 1.0 }
    }

    /// Parameters of one layer of `kind`.
    #[must_use]
    pub fn layer_parameters(&self, kind: LayerKind) -> Count {
        let mut count = self.attention_parameters();
        count.add(self.feed_forward_parameters(kind));
        count.replicated += f64::from(self.norms_per_layer) * self.norm_width();
        count
    }

    fn attention_parameters(&self) -> Count {
        let h = f64::from(self.hidden);
        match self.heads {
            Heads::Grouped { query, key_value, dim } => {
                let [a, g, d] = [query, key_value, dim].map(f64::from);
                let column_bias = if self.qkv_bias { (a + 2.0 * g) * d } else { 0.0 };
                Count {
                    sharded: h * (2.0 * a + 2.0 * g) * d + column_bias,
                    replicated: if self.bias { h } else { 0.0 } + if self.qk_norm { 2.0 * d } else { 0.0 },
                    expert: 0.0,
                }
            }
            Heads::Latent { query, q_rank, kv_rank, nope_dim, rope_dim, v_dim } => {
                let [a, q, c, n, r, v] = [query, q_rank, kv_rank, nope_dim, rope_dim, v_dim].map(f64::from);
                let queries = if q_rank == 0 { h * a * (n + r) } else { q * a * (n + r) };
                // The down-projections and their norms are whole on every tensor-parallel rank.
                let down = if q_rank == 0 { 0.0 } else { h * q + q } + h * (c + r) + c;
                Count { sharded: queries + c * a * (n + v) + h * a * v, replicated: down, expert: 0.0 }
            }
        }
    }

    fn feed_forward_parameters(&self, kind: LayerKind) -> Count {
        let h = f64::from(self.hidden);
        let matrices = f64::from(self.ffn_matrices());
        match (kind, self.moe) {
            (LayerKind::Moe, Some(moe)) => Count {
                sharded: matrices * h * f64::from(moe.shared_ffn),
                replicated: h * f64::from(moe.experts),
                expert: f64::from(moe.experts) * matrices * h * f64::from(moe.ffn),
            },
            _ => {
                let f = f64::from(self.ffn);
                let column_bias = if self.bias { (matrices - 1.0) * f } else { 0.0 };
                Count { sharded: matrices * h * f + column_bias, replicated: if self.bias { h } else { 0.0 }, expert: 0.0 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    #[test]
    fn counts_equal_the_published_ones() {
        let models = &Catalog::embedded().models;
        assert!(models.len() >= 40);
        for model in models {
            let count = Architecture::new(model).unwrap().parameters();
            let published = model.published.as_ref().unwrap_or_else(|| panic!("{} has no published count", model.name));
            let error = count / published.parameters.get() - 1.0;
            assert!(
                error.abs() <= 0.01,
                "{}: {count:.4e} against {}: {:+.2} %",
                model.name,
                published.parameters,
                error * 100.0
            );
        }
    }

    #[test]
    fn a_token_meets_few_experts() {
        for (name, active) in [("mixtral-8x7b", 12.9e9), ("deepseek-v3", 37e9), ("qwen3-235b-a22b", 22e9)] {
            let model = Architecture::new(Catalog::embedded().model(name).unwrap()).unwrap();
            // Published active counts are rounded and some leave the embedding out.
            assert!((model.active_parameters() / active - 1.0).abs() < 0.03, "{name}: {:e}", model.active_parameters());
        }
    }
}
