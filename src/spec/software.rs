//! The training framework of a job: how it fuses, launches and overlaps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttentionKernel, ScheduleKind};

/// A class of training frameworks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Software {
    /// Megatron-Core and what is built on it (`NeMo`, Megatron-Bridge, Primus): Transformer Engine's fused kernels, tensor-parallel
    /// collectives behind the matmuls.
    #[default]
    MegatronCore,
    /// Megatron-Core and `NeMo` until the spring of 2025: experts without fused permutation and dispatch.
    #[serde(rename = "megatron-core-2024")]
    MegatronCore2024,
    /// Megatron-LM of 2021 and 2022: few fused kernels, no overlap.
    #[serde(rename = "megatron-2021")]
    Megatron2021,
    /// Megatron-DeepSpeed: the same kernels under `DeepSpeed`'s pipeline engine and checkpointing.
    MegatronDeepspeed,
    /// `PyTorch` FSDP, run eagerly (Composer, `InternEvo`).
    Fsdp,
    /// `PyTorch` FSDP with `torch.compile` (torchtitan, fms-fsdp), or with models written in fused kernels (those of `NeMo` AutoModel that
    /// have experts).
    FsdpCompiled,
    /// JAX, compiled by XLA (`MaxText`, Pax).
    Xla,
}

impl Software {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::MegatronCore,
        Self::MegatronCore2024,
        Self::Megatron2021,
        Self::MegatronDeepspeed,
        Self::Fsdp,
        Self::FsdpCompiled,
        Self::Xla,
    ];

    /// The name, as written in YAML.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MegatronCore => "megatron-core",
            Self::MegatronCore2024 => "megatron-core-2024",
            Self::Megatron2021 => "megatron-2021",
            Self::MegatronDeepspeed => "megatron-deepspeed",
            Self::Fsdp => "fsdp",
            Self::FsdpCompiled => "fsdp-compiled",
            Self::Xla => "xla",
        }
    }

    /// Whether a stage waits until what it sends has arrived, where it holds one run of layers; with several, other work goes on.
    #[must_use]
    pub fn sends_in_line(self) -> bool {
        self.is_early_megatron() || self.is_megatron_core()
    }

    /// Whether it has the kernels of Megatron-LM of 2021.
    #[must_use]
    pub fn is_early_megatron(self) -> bool {
        matches!(self, Self::Megatron2021 | Self::MegatronDeepspeed)
    }

    /// Whether it is built on Megatron-Core, of any year.
    #[must_use]
    pub fn is_megatron_core(self) -> bool {
        matches!(self, Self::MegatronCore | Self::MegatronCore2024)
    }

    /// The pipeline schedules that it has: those of Megatron-LM, of `DeepSpeed`'s pipeline engine, of
    /// `torch.distributed.pipelining`, of `MaxText`.
    #[must_use]
    pub fn schedules(self) -> &'static [ScheduleKind] {
        use ScheduleKind::{BreadthFirst, DualPipeV, Gpipe, Interleaved, OneForwardOneBackward, ZbV};
        match self {
            Self::MegatronDeepspeed => &[OneForwardOneBackward],
            Self::MegatronCore | Self::MegatronCore2024 | Self::Megatron2021 | Self::Xla => {
                &[OneForwardOneBackward, Interleaved]
            }
            Self::Fsdp | Self::FsdpCompiled => &[Gpipe, OneForwardOneBackward, Interleaved, BreadthFirst, ZbV, DualPipeV],
        }
    }

    /// Stages of ZeRO that it has, with and without a pipeline: `DeepSpeed` refuses to divide gradients or weights of pipelines,
    /// Megatron's optimizer of 2021 divided nothing, and what Megatron-FSDP adds has no pipeline.
    #[must_use]
    pub fn zero_stages(self, pipelined: bool) -> &'static [u8] {
        match (self, pipelined) {
            (Self::Megatron2021, _) => &[0],
            (Self::MegatronCore2024, _) | (Self::MegatronCore | Self::MegatronDeepspeed | Self::Xla, true) => &[0, 1],
            (Self::Fsdp | Self::FsdpCompiled, true) => &[0, 1, 3],
            _ => &[0, 1, 2, 3],
        }
    }

    /// Whether it hides the communication of replicas behind computation.
    #[must_use]
    pub fn overlaps_replicas(self) -> bool {
        !self.is_early_megatron()
    }

    /// Whether it can run tensor-parallel collectives behind matmuls: Megatron-Core's `--tp-comm-overlap`, XLA's collective matmuls.
    #[must_use]
    pub fn overlaps_tensor(self) -> bool {
        self.is_megatron_core() || self == Self::Xla
    }

    /// Whether it can run the exchange of tokens with experts behind another microbatch: Megatron-Core's
    /// `--overlap-moe-expert-parallel-comm`, of 2025.
    #[must_use]
    pub fn overlaps_experts(self) -> bool {
        self == Self::MegatronCore
    }

    /// Whether selective recomputation picks operators of a layer whatever the attention kernel.
    #[must_use]
    pub fn selects_operators(self) -> bool {
        matches!(self, Self::Fsdp | Self::FsdpCompiled)
    }

    /// How it computes attention unless a job says otherwise.
    #[must_use]
    pub fn attention(self) -> AttentionKernel {
        if self.is_early_megatron() { AttentionKernel::Unfused } else { AttentionKernel::Flash }
    }
}
