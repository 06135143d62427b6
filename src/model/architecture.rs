//! A transformer whose numbers fit together.

use crate::catalog::{Activation, Experts, Model, Norm, Position, SlidingWindow};

/// A checked transformer architecture. Widths are in elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    /// The name that files refer to.
    pub name: String,
    /// Transformer layers, L.
    pub layers: u32,
    /// Width of the residual stream, h.
    pub hidden: u32,
    /// Attention heads.
    pub heads: Heads,
    /// Width of the dense feed-forward block, f.
    pub ffn: u32,
    /// Activation of the feed-forward block.
    pub activation: Activation,
    /// Vocabulary, V.
    pub vocab: u32,
    /// Whether the output layer shares the embedding's weights.
    pub tied_embeddings: bool,
    /// Length of the learned position table; 0 without one.
    pub learned_positions: u32,
    /// Rotary positions.
    pub rope: bool,
    /// Normalisation.
    pub norm: Norm,
    /// Biases on all linear layers.
    pub bias: bool,
    /// Biases on query, key and value projections.
    pub qkv_bias: bool,
    /// Normalised queries and keys.
    pub qk_norm: bool,
    /// Norms of width h per layer.
    pub norms_per_layer: u32,
    /// A norm behind the embedding.
    pub embedding_norm: bool,
    /// Dropout, whose masks are kept.
    pub dropout: bool,
    /// Attention to a window only.
    pub sliding_window: Option<SlidingWindow>,
    /// Mixture of experts.
    pub moe: Option<Experts>,
}

/// The heads of attention and how they are projected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heads {
    /// Multi-head or grouped-query attention: `query` heads share `key_value` heads of width `dim`.
    Grouped {
        /// Query heads, a.
        query: u32,
        /// Key and value heads, g.
        key_value: u32,
        /// Width of a head, d.
        dim: u32,
    },
    /// Multi-head latent attention (arXiv:2405.04434, section 2.1).
    Latent {
        /// Query heads, a.
        query: u32,
        /// Rank of the query projection; 0 for a full one.
        q_rank: u32,
        /// Rank of the joint key and value projection.
        kv_rank: u32,
        /// Width of a head's part without positions.
        nope_dim: u32,
        /// Width of a head's part with rotary positions, shared by all heads on the key side.
        rope_dim: u32,
        /// Width of a value head.
        v_dim: u32,
    },
}

impl Heads {
    /// Query heads, a.
    #[must_use]
    pub fn query(self) -> u32 {
        match self {
            Self::Grouped { query, .. } | Self::Latent { query, .. } => query,
        }
    }

    /// Heads of keys and values, by which tensor parallelism can divide them.
    #[must_use]
    pub fn key_value(self) -> u32 {
        match self {
            Self::Grouped { key_value, .. } => key_value,
            Self::Latent { query, .. } => query,
        }
    }

    /// Width of a query (and key) head.
    #[must_use]
    pub fn query_dim(self) -> u32 {
        match self {
            Self::Grouped { dim, .. } => dim,
            Self::Latent { nope_dim, rope_dim, .. } => nope_dim + rope_dim,
        }
    }

    /// Width of a value head.
    #[must_use]
    pub fn value_dim(self) -> u32 {
        match self {
            Self::Grouped { dim, .. } => dim,
            Self::Latent { v_dim, .. } => v_dim,
        }
    }
}

/// What the feed-forward block of a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerKind {
    /// One dense block.
    Dense,
    /// Routed experts.
    Moe,
}

/// Why a model's numbers do not fit together: the field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// The field at fault, as written in YAML.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Architecture {
    /// Checks that the numbers of `model` fit together.
    ///
    /// # Errors
    /// The first field that does not.
    pub fn new(model: &Model) -> Result<Self, ModelError> {
        let error = |field, message: String, help: String| Err(ModelError { field, message, help });
        let key_value = model.kv_heads.unwrap_or(model.heads);
        if model.heads % key_value != 0 {
            return error(
                "kv-heads",
                format!("{} query heads are not a multiple of {key_value} key-value heads", model.heads),
                "each key-value head serves the same number of query heads".into(),
            );
        }
        let heads = match (model.mla, model.head_dim) {
            (Some(mla), _) => Heads::Latent {
                query: model.heads,
                q_rank: mla.q_rank.unwrap_or(0),
                kv_rank: mla.kv_rank,
                nope_dim: mla.nope_dim,
                rope_dim: mla.rope_dim,
                v_dim: mla.v_dim,
            },
            (None, Some(dim)) => Heads::Grouped { query: model.heads, key_value, dim },
            (None, None) if model.hidden % model.heads == 0 => {
                Heads::Grouped { query: model.heads, key_value, dim: model.hidden / model.heads }
            }
            (None, None) => {
                return error(
                    "heads",
                    format!("hidden {} is not a multiple of {} heads", model.hidden, model.heads),
                    "change one of them, or state `head-dim`".into(),
                );
            }
        };
        let learned_positions = match (model.position, model.positions) {
            (Position::Learned, Some(positions)) => positions,
            (Position::Learned, None) => {
                return error(
                    "position",
                    "a learned position table needs its length".into(),
                    "add `positions: 2048`, or use `position: rope`".into(),
                );
            }
            _ => 0,
        };
        if let Some(moe) = model.moe {
            if moe.top_k > moe.experts {
                return error(
                    "moe",
                    format!("a token cannot go to {} of {} experts", moe.top_k, moe.experts),
                    "`top-k` is at most `experts`".into(),
                );
            }
            if moe.first_dense >= model.layers {
                return error(
                    "moe",
                    format!("`first-dense: {}` leaves none of {} layers to the experts", moe.first_dense, model.layers),
                    "leave `moe` out for a dense model".into(),
                );
            }
        }
        Ok(Self {
            name: model.name.clone(),
            layers: model.layers,
            hidden: model.hidden,
            heads,
            ffn: model.ffn,
            activation: model.activation,
            vocab: model.vocab,
            tied_embeddings: model.tied_embeddings,
            learned_positions,
            rope: model.position == Position::Rope || model.mla.is_some(),
            norm: model.norm,
            bias: model.bias,
            qkv_bias: model.bias || model.qkv_bias,
            qk_norm: model.qk_norm,
            norms_per_layer: 2 + model.extra_norms - u32::from(model.parallel_block),
            embedding_norm: model.embedding_norm,
            dropout: model.dropout,
            sliding_window: model.sliding_window,
            moe: model.moe,
        })
    }

    /// The kind of layer `index`, from 0.
    #[must_use]
    pub fn layer_kind(&self, index: u32) -> LayerKind {
        match self.moe {
            Some(moe) if index >= moe.first_dense && (index - moe.first_dense) % moe.every == moe.every - 1 => LayerKind::Moe,
            _ => LayerKind::Dense,
        }
    }

    /// How many tokens a query of layer `index` sees at most; nothing for the whole sequence.
    #[must_use]
    pub fn window(&self, index: u32) -> Option<u32> {
        let sliding = self.sliding_window?;
        let global = sliding.global_every.is_some_and(|every| index % every == every - 1);
        (!global).then_some(sliding.window)
    }

    /// Matrices of one feed-forward block: three when gated, else two.
    #[must_use]
    pub fn ffn_matrices(&self) -> u32 {
        if self.activation.is_gated() { 3 } else { 2 }
    }
}
