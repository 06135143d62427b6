//! Model architectures as they are written: in the catalogue, in a workload file, or read from a Hugging Face `config.json`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Entry, entry};
use crate::units::Parameters;

/// One transformer.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Model {
    /// The name that files refer to.
    pub name: String,
    /// The name for people.
    #[serde(default)]
    pub title: String,
    /// The family it belongs to.
    #[serde(default)]
    pub family: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Transformer layers.
    #[schemars(range(min = 1, max = 10_000))]
    pub layers: u32,
    /// Width of the residual stream.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub hidden: u32,
    /// Query heads.
    #[schemars(range(min = 1, max = 100_000))]
    pub heads: u32,
    /// Key and value heads (grouped-query attention); as many as query heads when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000))]
    pub kv_heads: Option<u32>,
    /// Width of a head; hidden / heads when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000))]
    pub head_dim: Option<u32>,
    /// Width of the dense feed-forward block.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub ffn: u32,
    /// Activation of the feed-forward block.
    pub activation: Activation,
    /// Vocabulary.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub vocab: u32,
    /// Whether the output layer shares the embedding's weights.
    #[serde(default)]
    pub tied_embeddings: bool,
    /// Position information.
    #[serde(default)]
    pub position: Position,
    /// Length of the learned position table.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub positions: Option<u32>,
    /// Normalisation.
    #[serde(default)]
    pub norm: Norm,
    /// Biases on the linear layers.
    #[serde(default)]
    pub bias: bool,
    /// Biases on the query, key and value projections only.
    #[serde(default)]
    pub qkv_bias: bool,
    /// Normalised queries and keys.
    #[serde(default)]
    pub qk_norm: bool,
    /// Norms of the hidden width per layer beyond the usual two.
    #[serde(default)]
    #[schemars(range(min = 0, max = 8))]
    pub extra_norms: u32,
    /// A norm behind the embedding.
    #[serde(default)]
    pub embedding_norm: bool,
    /// Attention and feed-forward side by side, on one norm.
    #[serde(default)]
    pub parallel_block: bool,
    /// Trained with dropout, whose masks are kept for the backward pass.
    #[serde(default)]
    pub dropout: bool,
    /// Attention to a window of the sequence only.
    #[serde(default)]
    pub sliding_window: Option<SlidingWindow>,
    /// Longest sequence it was made for.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_sequence: Option<u32>,
    /// Multi-head latent attention.
    #[serde(default)]
    pub mla: Option<LatentAttention>,
    /// Mixture of experts.
    #[serde(default)]
    pub moe: Option<Experts>,
    /// Multi-token-prediction layers, beside the counted parameters.
    #[serde(default)]
    #[schemars(range(min = 0, max = 64))]
    pub mtp_layers: u32,
    /// Parameter counts as published.
    #[serde(default)]
    pub published: Option<Published>,
    /// Keys of the source list.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Fields that were not seen in a source.
    #[serde(default)]
    pub assumed: Vec<String>,
    /// What else to know.
    #[serde(default)]
    pub notes: Option<String>,
}

entry!(Model, "model");

/// Activation of the feed-forward block. The gated ones have three matrices, the others two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Gated, with `SiLU`.
    Swiglu,
    /// Gated, with GELU.
    Geglu,
    /// GELU.
    Gelu,
    /// `ReLU`.
    Relu,
    /// `ReLU`, squared.
    SquaredRelu,
}

impl Activation {
    /// Whether a gate matrix stands beside the up matrix.
    #[must_use]
    pub fn is_gated(self) -> bool {
        matches!(self, Self::Swiglu | Self::Geglu)
    }
}

/// How a model knows positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// Rotary embedding of queries and keys.
    #[default]
    Rope,
    /// A learned table.
    Learned,
    /// Linear biases on the attention scores.
    Alibi,
    /// None.
    None,
}

/// Normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// `RMSNorm`: a weight.
    #[default]
    Rms,
    /// `LayerNorm`: a weight and a bias.
    Layer,
}

/// Attention to a window of the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SlidingWindow {
    /// Tokens a query sees.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub window: u32,
    /// Every so many layers one sees the whole sequence; none does when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    pub global_every: Option<u32>,
}

/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LatentAttention {
    /// Rank of the query projection; a full projection when absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub q_rank: Option<u32>,
    /// Rank of the joint key and value projection.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub kv_rank: u32,
    /// Width of a head's part without positions.
    #[schemars(range(min = 1, max = 100_000))]
    pub nope_dim: u32,
    /// Width of a head's part with rotary positions.
    #[schemars(range(min = 1, max = 100_000))]
    pub rope_dim: u32,
    /// Width of a value head.
    #[schemars(range(min = 1, max = 100_000))]
    pub v_dim: u32,
}

/// Mixture of experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Experts {
    /// Routed experts per layer.
    #[schemars(range(min = 1, max = 100_000))]
    pub experts: u32,
    /// Experts a token is sent to.
    #[schemars(range(min = 1, max = 100_000))]
    pub top_k: u32,
    /// Width of an expert.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub ffn: u32,
    /// Width of the shared experts together.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100_000_000))]
    pub shared_ffn: u32,
    /// Dense layers at the start.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10_000))]
    pub first_dense: u32,
    /// Every so many layers behind them have experts.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10_000))]
    pub every: u32,
}

fn one() -> u32 {
    1
}

/// Parameter counts as published.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Published {
    /// All parameters.
    pub parameters: Parameters,
    /// Parameters that a token meets.
    #[serde(default)]
    pub active: Option<Parameters>,
    /// Who says so.
    pub source: String,
}
