//! What a job stores in fewer bits, or for a shorter time, than its framework does by default.

/// Choices that change what a rank holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Storage {
    /// Weights are stored in 8 bits only: Megatron-Core's `--fp8-param-gather`, `NeMo`'s `fp8_params`.
    pub narrow_weights: bool,
    /// Gradients are summed over microbatches in 16 bits: `grad_reduce_in_fp32: false`.
    pub narrow_gradients: bool,
    /// The input of the activation function is kept in 8 bits: `activation_func_fp8_input_store`.
    pub narrow_activation: bool,
    /// FSDP divides 16-bit weights and gradients, and 32-bit copies beside them (`InternEvo`), instead of 32-bit ones only.
    pub half_shards: bool,
    /// ZeRO-1 gives whole tensors to ranks, and each broadcasts what it updated (`InternEvo`), instead of equal slices that are gathered.
    pub owners: bool,
    /// Every microbatch's weight gradients are added to the sum in a pass of their own (autograd, `InternEvo`, Megatron-LM before its
    /// fused kernel of February 2022) instead of by the matmuls that make them. `DeepSpeed`'s engine always does that.
    pub summed_apart: bool,
    /// Tensors of a layer that stay on the accelerator, where a job names them (`MaxText`'s `remat_policy`).
    pub named: Option<Tensors>,
    /// Modules of a layer that are computed again (Megatron-Core's `recompute_modules`).
    pub recomputed: Modules,
    /// Layers of a stage whose activations wait in the host's memory (Transformer Engine's `cpu_offloading_num_layers`).
    pub offloaded_layers: u16,
    /// Whether the loss is computed kernel by kernel, each with a result of its own, or by one that reads the logits.
    pub loss: Loss,
}

/// How the loss is computed from the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// As the framework does by default.
    #[default]
    Default,
    /// Cast, log-softmax and its gradient one by one, in 32 bits.
    Unfused,
}

/// A set of a layer's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tensors(u8);

impl Tensors {
    /// The layer's input.
    pub const INPUT: Self = Self(1);
    /// Projected queries.
    pub const QUERY: Self = Self(1 << 1);
    /// Projected keys.
    pub const KEY: Self = Self(1 << 2);
    /// Projected values.
    pub const VALUE: Self = Self(1 << 3);
    /// What attention returns.
    pub const CONTEXT: Self = Self(1 << 4);
    /// The output projection's result.
    pub const OUT: Self = Self(1 << 5);
    /// The up projection's results.
    pub const UP: Self = Self(1 << 6);
    /// The down projection's result.
    pub const DOWN: Self = Self(1 << 7);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A set of a layer's modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modules(u8);

impl Modules {
    /// Results of the norms (`layernorm`).
    pub const NORMS: Self = Self(1);
    /// The activation function of experts (`moe_act`).
    pub const EXPERT_ACTIVATION: Self = Self(1 << 1);
    /// Queries, keys and values from their latents (`mla_up_proj`).
    pub const LATENT_UP: Self = Self(1 << 2);
    /// Router, dispatch and experts (`moe`).
    pub const EXPERTS: Self = Self(1 << 3);
    /// The dense feed-forward block (`mlp`).
    pub const FEED_FORWARD: Self = Self(1 << 4);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
