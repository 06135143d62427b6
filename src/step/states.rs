//! Bytes that a framework holds of every parameter: weights, gradients, optimizer.
//!
//! Megatron-LM's table (`docs/source/api-guide/dist_optimizer.md`): with 32-bit gradients 18 bytes a parameter, or 6 + 12/D with
//! the optimizer divided over D replicas; with 16-bit gradients 20, or 4 + 16/D, because the optimizer copies its part to 32
//! bits before it steps.

use crate::spec::{Computation, Precision, Software};

/// Bytes a parameter, before any of them is divided over replicas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct States {
    /// Weights; divided by ZeRO-3.
    pub weights: f64,
    /// Gradients; divided by ZeRO-2.
    pub gradients: f64,
    /// Master weights, moments, and 32-bit copies of gradients; divided by ZeRO-1.
    pub optimizer: f64,
}

impl States {
    /// Of a computation whose states are divided as ZeRO's `stage` says. `any_layout` accelerators multiply 8-bit matrices
    /// in every layout; others hold a transposed copy of each for the backward pass.
    #[must_use]
    pub fn of(computation: &Computation, stage: u8, any_layout: bool) -> Self {
        let precision = computation.precision;
        if computation.adapters {
            // Frozen weights have neither gradients nor optimizer; the adapters' own are too few to count.
            return Self { weights: weights(computation, any_layout), gradients: 0.0, optimizer: 0.0 };
        }
        if fully_sharded(computation.software) && stage == 3 && !computation.storage.half_shards {
            // Parameters, gradients and moments in 32 bits; 16-bit weights exist only where they are gathered.
            return Self { weights: 4.0, gradients: 4.0, optimizer: 8.0 };
        }
        let half_gradients = precision == Precision::Fp16 || fully_sharded(computation.software);
        let (gradients, copies) = match (half_gradients, computation.software) {
            // `DeepSpeed`'s and `InternEvo`'s optimizers flatten the gradients of their part before they copy them to 32 bits.
            (true, software) if software == Software::MegatronDeepspeed || fully_sharded(software) => (2.0, 2.0 + 4.0),
            (true, _) => (2.0, 4.0),
            // `BF16_Optimizer`: 16-bit gradients of a microbatch beside the 32-bit ones that it adds them to.
            (false, Software::MegatronDeepspeed) => (6.0, 0.0),
            (false, _) if computation.storage.narrow_gradients => (2.0, 0.0),
            (false, _) => (4.0, 0.0),
        };
        Self { weights: weights(computation, any_layout), gradients, optimizer: 12.0 + copies }
    }

    /// What a checkpoint holds of every parameter: 16-bit weights, master weights and moments, or 32-bit weights and moments
    /// where FSDP has no others. Every layout writes it once; frozen weights are not written again.
    #[must_use]
    pub fn saved(computation: &Computation) -> f64 {
        match computation.software {
            _ if computation.adapters => 0.0,
            software if fully_sharded(software) && !computation.storage.half_shards => 4.0 + 8.0,
            _ => 2.0 + 12.0,
        }
    }

    /// All of them, undivided.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.weights + self.gradients + self.optimizer
    }
}

/// 16 bits, from which narrower matmuls cast; or 8 bits, twice where the backward pass needs the transpose.
fn weights(computation: &Computation, any_layout: bool) -> f64 {
    if !computation.storage.narrow_weights {
        return computation.precision.activation_bytes();
    }
    match computation.precision {
        // Transposes are made as they are needed (`disable_parameter_transpose_cache`).
        _ if computation.adapters => 1.0,
        // Blocks of scales run along the inner dimension, which the transpose exchanges.
        Precision::Mxfp8 => 2.0 * Precision::Mxfp8.matmul_bytes(),
        _ if any_layout => 1.0,
        _ => 2.0,
    }
}

/// Whether ZeRO-3 holds parameters in 32 bits and casts what it gathers.
#[must_use]
pub fn fully_sharded(software: Software) -> bool {
    matches!(software, Software::Fsdp | Software::FsdpCompiled | Software::Xla)
}
