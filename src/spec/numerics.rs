//! Data types and attention kernels, as a job asks for them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Data type of the matrix multiplications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit, on the tensor units as TF32 where they exist.
    Tf32,
    /// 16-bit brain float.
    Bf16,
    /// 16-bit IEEE float.
    Fp16,
    /// 8-bit matmuls of the linear layers, the rest in BF16.
    Fp8,
}

impl Precision {
    /// Bytes of one activation element.
    #[must_use]
    pub fn activation_bytes(self) -> f64 {
        if self == Self::Tf32 { 4.0 } else { 2.0 }
    }

    /// Bytes of one element as a matmul reads it.
    #[must_use]
    pub fn matmul_bytes(self) -> f64 {
        match self {
            Self::Tf32 => 4.0,
            Self::Bf16 | Self::Fp16 => 2.0,
            Self::Fp8 => 1.0,
        }
    }

    /// The type that attention is computed in.
    #[must_use]
    pub fn attention(self) -> Self {
        if self == Self::Fp8 { Self::Bf16 } else { self }
    }

    /// The name, as written in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
            Self::Fp8 => "fp8",
        }
    }
}

/// How the attention scores are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttentionKernel {
    /// One fused kernel that never writes the scores (FlashAttention, arXiv:2205.14135).
    #[default]
    Flash,
    /// Separate matmuls, softmax and dropout over a written score matrix.
    Unfused,
}
