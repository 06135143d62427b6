//! How a layout's ranks are numbered and how its context-parallel ranks exchange keys and values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How context-parallel ranks see each other's keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContextKind {
    /// Passed around a ring behind the attention that they feed (arXiv:2310.01889; Megatron's `p2p`).
    #[default]
    Ring,
    /// Gathered before attention (Llama 3, arXiv:2407.21783, section 3.3.2; Megatron's `allgather`).
    AllGather,
    /// Sequences exchanged for heads before attention and back behind it (DeepSpeed-Ulysses, arXiv:2309.14509; Megatron's `a2a`).
    AllToAll,
}

impl ContextKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ring, Self::AllGather, Self::AllToAll];

    /// The name, as written in YAML.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::AllGather => "all-gather",
            Self::AllToAll => "all-to-all",
        }
    }
}

/// Which ranks are neighbours: from the innermost degree of parallelism to the outermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
pub enum RankOrder {
    /// Pipeline stages outermost: what Megatron-LM, `DeepSpeed` and torchtitan do unless told otherwise.
    #[default]
    #[serde(rename = "tp-cp-dp-pp")]
    TpCpDpPp,
    /// Replicas outermost: Megatron-LM's `--use-tp-pp-dp-mapping`.
    #[serde(rename = "tp-cp-pp-dp")]
    TpCpPpDp,
}

impl RankOrder {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::TpCpDpPp, Self::TpCpPpDp];

    /// The name, as written in YAML.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TpCpDpPp => "tp-cp-dp-pp",
            Self::TpCpPpDp => "tp-cp-pp-dp",
        }
    }
}
