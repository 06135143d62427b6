//! What a job computes, and with which software: everything of it that is not its layout.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttentionKernel, Precision, Software, Storage};

/// How much of a step is launched from recorded graphs (CUDA graphs, XLA executables) instead of kernel by kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Graphs {
    /// Nothing.
    #[default]
    None,
    /// Parts of every layer.
    Partial,
    /// The whole of it: the host never keeps the accelerator waiting.
    Full,
}

/// What every layout of a job has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Computation {
    /// Tokens of a sequence.
    pub sequence: u32,
    /// Data type of the matmuls.
    pub precision: Precision,
    /// How attention is computed.
    pub attention: AttentionKernel,
    /// The framework.
    pub software: Software,
    /// How much of a step is launched from recorded graphs.
    pub graphs: Graphs,
    /// Whether tensor-parallel collectives run behind the matmuls that they feed or follow.
    pub tensor_overlap: bool,
    /// Whether tokens travel to and from their experts behind another microbatch's computation.
    pub expert_overlap: bool,
    /// Whether only low-rank adapters are trained: weights frozen, no weight gradients (arXiv:2106.09685).
    pub adapters: bool,
    /// What is stored in fewer bits than the framework does by default.
    pub storage: Storage,
}

impl Computation {
    /// As `software` computes it by default.
    #[must_use]
    pub fn new(sequence: u32, precision: Precision, software: Software) -> Self {
        Self {
            sequence,
            precision,
            attention: software.attention(),
            software,
            graphs: if software == Software::Xla { Graphs::Full } else { Graphs::None },
            tensor_overlap: software.overlaps_tensor(),
            expert_overlap: false,
            adapters: false,
            storage: Storage::default(),
        }
    }

    /// Whether every microbatch's weight gradients are added to the sum in a pass of their own (`DeepSpeed`'s
    /// `runtime/bf16_optimizer.py`, `update_hp_grads`).
    #[must_use]
    pub fn sums_apart(&self) -> bool {
        self.software == Software::MegatronDeepspeed || self.storage.summed_apart
    }
}
