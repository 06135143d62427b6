//! Data types and attention kernels, as a job asks for them.

use crate::catalog::Peak;
use crate::units::FlopPerSecond;
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
    /// 8-bit matmuls of the linear layers, scaled by tensor, the rest in BF16.
    Fp8,
    /// 8-bit matmuls of the linear layers, scaled by blocks of 32 (OCP MX), the rest in BF16.
    Mxfp8,
    /// 4-bit matmuls of the linear layers, scaled by blocks of 16 (NVFP4), the rest in BF16.
    Nvfp4,
    /// 8-bit integer matmuls of the linear layers, the rest in BF16.
    Int8,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Tf32, Self::Bf16, Self::Fp16, Self::Fp8, Self::Mxfp8, Self::Nvfp4, Self::Int8];

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
            // A scale of 8 bits for every 32 elements, or for every 16.
            Self::Mxfp8 => 1.0 + 1.0 / 32.0,
            Self::Nvfp4 => 0.5 + 1.0 / 16.0,
            Self::Fp8 | Self::Int8 => 1.0,
        }
    }

    /// The type that attention is computed in.
    #[must_use]
    pub fn attention(self) -> Self {
        if self.is_narrow() { Self::Bf16 } else { self }
    }

    /// Whether the linear layers compute in fewer bits than activations are kept in.
    #[must_use]
    pub fn is_narrow(self) -> bool {
        matches!(self, Self::Fp8 | Self::Mxfp8 | Self::Nvfp4 | Self::Int8)
    }

    /// The dense rate of an accelerator in this type; TF32 is FP32 on the vector units where there is no other.
    #[must_use]
    pub fn peak(self, of: &Peak) -> Option<FlopPerSecond> {
        match self {
            Self::Tf32 => of.tf32.or(of.fp32),
            Self::Bf16 => of.bf16,
            Self::Fp16 => of.fp16,
            Self::Fp8 | Self::Mxfp8 => of.fp8,
            Self::Nvfp4 => of.fp4,
            Self::Int8 => of.int8,
        }
    }

    /// The name, as written in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
            Self::Fp8 => "fp8",
            Self::Mxfp8 => "mxfp8",
            Self::Nvfp4 => "nvfp4",
            Self::Int8 => "int8",
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
    /// A fused kernel of 2022, written in Triton, with linear biases (`MPT`).
    Triton,
    /// A fused kernel with attention sinks, the learned denominators of GPT-OSS, for which the fast kernels are not made.
    Sinks,
    /// Separate matmuls, softmax and dropout over a written score matrix.
    Unfused,
}
