//! One operator: what it computes, what it moves, what it keeps for the backward pass.

use super::Keeping;
use crate::spec::{AttentionKernel, Precision};
use crate::units::Bytes;

/// The share of a layer that one rank holds, and the microbatch it works on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shard {
    /// Sequences in a microbatch, b.
    pub microbatch: u32,
    /// Tokens of a sequence, s.
    pub sequence: u32,
    /// Tensor-parallel degree, t.
    pub tensor: u32,
    /// Whether norms, dropouts and residuals are divided along the sequence over the tensor-parallel ranks.
    pub sequence_parallel: bool,
    /// Context-parallel degree, c.
    pub context: u32,
    /// Expert-parallel degree, e.
    pub expert: u32,
    /// Tensor-parallel degree inside an expert.
    pub expert_tensor: u32,
    /// Data type of the matmuls.
    pub precision: Precision,
    /// How attention is computed.
    pub attention: AttentionKernel,
    /// In which type tensors are kept for the backward pass.
    pub keeping: Keeping,
}

impl Shard {
    /// Tokens of the microbatch on this rank: b·s/c.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        f64::from(self.microbatch) * f64::from(self.sequence) / f64::from(self.context)
    }

    /// Tokens in the regions that sequence parallelism divides.
    #[must_use]
    pub fn sequence_tokens(&self) -> f64 {
        if self.sequence_parallel { self.tokens() / f64::from(self.tensor) } else { self.tokens() }
    }
}

/// Bytes to which the rows of a matmul's operands have to be aligned for the fast kernels (NVIDIA, Matrix Multiplication Background
/// User's Guide, section 4.1).
const ALIGNMENT: f64 = 16.0;

/// One kernel's work on one rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kernel {
    /// `batch` products of an [m × k] by a [k × n] matrix.
    Matmul {
        /// Rows.
        m: f64,
        /// Columns.
        n: f64,
        /// Inner length.
        k: f64,
        /// How many of them, in one launch.
        batch: f64,
        /// Data type.
        precision: Precision,
        /// Whether the rows of its operands in memory begin where fast kernels need them to.
        aligned: bool,
    },
    /// Fused attention.
    Attention {
        /// Multiplications and additions.
        flops: f64,
        /// Bytes to and from memory.
        bytes: f64,
        /// Data type.
        precision: Precision,
    },
    /// A pass over memory.
    Stream {
        /// Bytes to and from memory.
        bytes: f64,
    },
}

impl Kernel {
    /// The matmuls of `batch` products of an [m × k] by a [k × n] matrix: forward, for the gradient of the first operand, and of the
    /// second.
    pub(super) fn product([m, n, k]: [f64; 3], batch: f64, precision: Precision) -> [Self; 3] {
        // What is multiplied lies in memory along n or k, in every one of the three: how many tokens an expert gets does not matter.
        let aligned = [n, k].iter().all(|side| side * precision.matmul_bytes() % ALIGNMENT == 0.0);
        [[m, n, k], [m, k, n], [k, n, m]].map(|[m, n, k]| Self::Matmul { m, n, k, batch, precision, aligned })
    }

    /// Multiplications and additions on the matrix units.
    #[must_use]
    pub fn flops(&self) -> f64 {
        match *self {
            Self::Matmul { m, n, k, batch, .. } => 2.0 * m * n * k * batch,
            Self::Attention { flops, .. } => flops,
            Self::Stream { .. } => 0.0,
        }
    }

    /// Bytes to and from memory.
    #[must_use]
    pub fn bytes(&self) -> f64 {
        match *self {
            // Operands in the matmul's type, the result in 16 bits or more.
            Self::Matmul { m, n, k, batch, precision, .. } => {
                batch * ((m * k + k * n) * precision.matmul_bytes() + m * n * precision.activation_bytes())
            }
            Self::Attention { bytes, .. } | Self::Stream { bytes } => bytes,
        }
    }
}

/// Which part of the model an operator belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Norms, projections and residual of the attention block.
    Attention,
    /// Scores, softmax and weighted sum: what selective recomputation runs again.
    AttentionCore,
    /// The feed-forward block, dense or shared.
    FeedForward,
    /// Routed experts with their router.
    Experts,
    /// Tokens put in the order of their experts, and back.
    Permutation,
    /// The token embedding.
    Embedding,
    /// The output projection and loss.
    Head,
}

/// Tensors kept for the backward pass, on this rank.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Saved {
    /// Bytes kept.
    pub bytes: Bytes,
}

/// One operator of a layer on one rank, for one microbatch.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// What it is.
    pub name: &'static str,
    /// Where it belongs.
    pub part: Part,
    /// Kernels of the forward pass.
    pub forward: Vec<Kernel>,
    /// Kernels of the backward pass that give the gradient of the input.
    pub input_gradient: Vec<Kernel>,
    /// Kernels of the backward pass that give the gradient of the weights.
    pub weight_gradient: Vec<Kernel>,
    /// What it keeps between the passes.
    pub saved: Saved,
    /// Kernels that a framework launches for each one that is modelled: more where small ones are not fused.
    pub launches: f64,
}

impl Operator {
    /// A linear layer: rows × inputs by inputs × outputs, `batch` times. Input and weight gradients are matmuls of their own;
    /// 8-bit operands are cast from 16 bits first.
    #[must_use]
    pub(super) fn linear(
        name: &'static str,
        part: Part,
        [m, n, k]: [f64; 3],
        batch: f64,
        precision: Precision,
        saved: f64,
    ) -> Self {
        let [product, of_input, of_weights] = Kernel::product([m, n, k], batch, precision);
        let (mut forward, mut input_gradient) = (vec![product], vec![of_input]);
        if precision.is_narrow() {
            // A pass that reads 16 bits and writes 8, and their transpose for the weight gradient. Weights are cast once a step.
            forward.push(Kernel::Stream { bytes: 4.0 * m * k * batch });
            input_gradient.push(Kernel::Stream { bytes: 4.0 * m * n * batch });
        }
        Self {
            name,
            part,
            forward,
            input_gradient,
            weight_gradient: vec![of_weights],
            saved: Saved { bytes: Bytes::new(saved) },
            launches: 1.0,
        }
    }

    /// The same operator, made of `launches` kernels for each of its own.
    #[must_use]
    pub(super) fn launching(self, launches: f64) -> Self {
        Self { launches, ..self }
    }

    /// A memory-bound pass of `forward` and `backward` bytes.
    #[must_use]
    pub(super) fn stream(name: &'static str, part: Part, forward: f64, backward: f64, saved: f64) -> Self {
        Self {
            name,
            part,
            forward: vec![Kernel::Stream { bytes: forward }],
            input_gradient: vec![Kernel::Stream { bytes: backward }],
            weight_gradient: Vec::new(),
            saved: Saved { bytes: Bytes::new(saved) },
            launches: 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_features_have_to_be_aligned() {
        let aligned = |sides| {
            Kernel::product(sides, 1.0, Precision::Bf16).map(|kernel| matches!(kernel, Kernel::Matmul { aligned: true, .. }))
        };
        // 2,731 tokens of an expert of 7,168 by 4,096; a head of 150.
        assert_eq!(aligned([2731.0, 4096.0, 7168.0]), [true; 3]);
        assert_eq!(aligned([4096.0, 150.0, 8192.0]), [false; 3]);
    }
}
