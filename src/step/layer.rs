//! What one layer costs a rank, forward and backward: kernels, and the communication that its computation waits for.

use std::ops::{Add, AddAssign, Mul, Sub};

use super::collective::Communicator;
use super::kernel::Device;
use super::layer_kernels::{LayerKernels, passes};
use super::working;
use crate::calibration::Operation;
use crate::model::{Architecture, Count, Heads, LayerKind, Shard, embedding_operators, head_operators};
use crate::parallel::Strategy;
use crate::spec::{Computation, ContextKind, Precision, Recompute};
use crate::units::{Bytes, Seconds};

/// Time by what it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// Kernels.
    pub compute: Seconds,
    /// Tensor-parallel collectives.
    pub tensor: Seconds,
    /// Context-parallel collectives.
    pub context: Seconds,
    /// Expert dispatch and combine.
    pub expert: Seconds,
    /// Transfers between stages that computation waits for.
    pub pipeline: Seconds,
    /// Gathering of weights that ZeRO-3 divides, and reduction of gradients in every microbatch, as far as it is not hidden.
    pub weights: Seconds,
}

impl Spent {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.compute + self.tensor + self.context + self.expert + self.pipeline + self.weights
    }
}

impl Add for Spent {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            compute: self.compute + other.compute,
            tensor: self.tensor + other.tensor,
            context: self.context + other.context,
            expert: self.expert + other.expert,
            pipeline: self.pipeline + other.pipeline,
            weights: self.weights + other.weights,
        }
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Spent {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + other * -1.0
    }
}

impl Mul<f64> for Spent {
    type Output = Self;
    fn mul(self, by: f64) -> Self {
        Self {
            compute: self.compute * by,
            tensor: self.tensor * by,
            context: self.context * by,
            expert: self.expert * by,
            pipeline: self.pipeline * by,
            weights: self.weights * by,
        }
    }
}

/// Forward and backward of one piece of the model on one rank, for one microbatch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Passes {
    /// Forward.
    pub forward: Spent,
    /// What is computed again before the backward pass.
    pub recompute: Spent,
    /// Gradient of the inputs, with the communication of the backward pass.
    pub input_gradient: Spent,
    /// Gradient of the weights.
    pub weight_gradient: Spent,
    /// Bytes kept between the passes.
    pub saved: Bytes,
    /// Bytes kept while the backward pass of this one piece runs, beyond `saved`.
    pub working: Bytes,
    /// Matmul FLOPs of recomputation.
    pub recomputed_flops: f64,
}

impl Passes {
    /// The whole backward pass, recomputation included.
    #[must_use]
    pub fn backward(&self) -> Spent {
        self.recompute + self.input_gradient + self.weight_gradient
    }
}

/// The groups that a rank talks to.
#[derive(Debug, Clone, Copy)]
pub struct Groups {
    /// Tensor-parallel ranks.
    pub tensor: Communicator,
    /// Context-parallel ranks.
    pub context: Communicator,
    /// Expert-parallel ranks.
    pub expert: Communicator,
    /// Ranks that hold the same dense weights, over which one copy of what ZeRO divides is spread.
    pub shards: Communicator,
    /// Ranks that hold the same part of different copies.
    pub copies: Communicator,
    /// The same as `shards` of ranks that hold the same experts.
    pub expert_shards: Communicator,
    /// The same as `copies` of them.
    pub expert_copies: Communicator,
    /// A rank and its counterpart on the next stage, in one scale-up domain.
    pub near: Communicator,
    /// The same in two domains.
    pub far: Communicator,
    /// How far apart these are.
    pub stage: u32,
}

/// What is needed to cost layers.
#[derive(Debug, Clone, Copy)]
pub struct Costing<'a> {
    /// The model.
    pub model: &'a Architecture,
    /// The layout.
    pub strategy: &'a Strategy,
    /// The rank's share.
    pub shard: &'a Shard,
    /// The accelerator.
    pub device: &'a Device,
    /// What is computed, and with which software.
    pub computation: &'a Computation,
    /// The rank's groups.
    pub groups: &'a Groups,
}

impl Costing<'_> {
    /// One layer of `kind`.
    #[must_use]
    pub fn layer(&self, kind: LayerKind, window: Option<u32>, recompute: Recompute) -> Passes {
        let kernels = LayerKernels::new(self.model, self.shard, self.device, self.computation, kind, window);
        self.with_communication(&kernels, recompute)
    }

    /// A layer whose kernels are costed already.
    #[must_use]
    pub fn with_communication(&self, kernels: &LayerKernels, recompute: Recompute) -> Passes {
        let factors = &self.device.factors;
        let again = &kernels.again[recompute as usize];
        let mut passes = Passes { saved: again.saved, working: again.working, recomputed_flops: again.flops, ..kernels.passes };
        let in_line = self.tensor(kernels.kind) * factors.tensor_exposed + self.experts(kernels.kind) * factors.expert_exposed;
        let context = self.context(kernels.attention);
        // The backward pass of a gather is a scatter and the other way round: as much again.
        passes.forward += in_line + context[0];
        passes.input_gradient += in_line + context[1];
        passes.recompute = match recompute {
            Recompute::Full => Spent { compute: again.compute, ..passes.forward },
            Recompute::Selective | Recompute::None => Spent { compute: again.compute, ..Spent::default() },
        };
        let weights = self.divided_weights(&self.model.layer_parameters(kernels.kind), &passes);
        passes.forward.weights += weights[0];
        passes.input_gradient.weights += weights[1];
        passes
    }

    /// The embedding, on the first stage.
    #[must_use]
    pub fn embedding(&self) -> Passes {
        let operators = embedding_operators(self.model, self.shard);
        self.embedding_with(&passes(&operators, self.device, self.computation))
    }

    /// The embedding of which the kernels are costed.
    #[must_use]
    pub fn embedding_with(&self, kernels: &Passes) -> Passes {
        let mut passes = *kernels;
        // A vocabulary divided over the tensor-parallel ranks is summed; with sequence parallelism, summed and divided.
        let operation = if self.strategy.sp { Operation::ReduceScatter } else { Operation::AllReduce };
        passes.forward.tensor += self.tensor_collective(operation);
        if self.strategy.sp {
            passes.input_gradient.tensor += self.tensor_collective(Operation::AllGather);
        }
        // Nothing runs before the first weights are there, and nothing behind the last gradients.
        let [gather, reduce] = self.weight_collectives(&self.model.embedding_parameters());
        passes.forward.weights += gather;
        passes.input_gradient.weights += reduce;
        passes
    }

    /// The output layer and loss, on the last stage.
    #[must_use]
    pub fn head(&self) -> Passes {
        let operators = head_operators(self.model, self.shard);
        self.head_with(&passes(&operators, self.device, self.computation))
    }

    /// The output layer and loss of which the kernels are costed.
    #[must_use]
    pub fn head_with(&self, kernels: &Passes) -> Passes {
        let mut passes = *kernels;
        // Its operators keep 32 bits of each.
        let logits = self.shard.tokens() * f64::from(self.model.vocab) / f64::from(self.strategy.tp);
        let bytes = working::logit_bytes(self.computation.software, self.computation.storage.loss, self.strategy.tp);
        passes.working = Bytes::new(logits * (bytes - 4.0));
        if self.strategy.sp {
            passes.forward.tensor += self.tensor_collective(Operation::AllGather);
            passes.input_gradient.tensor += self.tensor_collective(Operation::ReduceScatter);
        } else {
            passes.input_gradient.tensor += self.tensor_collective(Operation::AllReduce);
        }
        // Maximum, sum and target logit of every token over the divided vocabulary, in 32 bits.
        let scalars = Bytes::new(self.shard.tokens() * 4.0);
        passes.forward.tensor += self.groups.tensor.time(Operation::AllReduce, scalars) * 3.0;
        let held = Count { sharded: self.model.output_parameters(), replicated: self.model.norm_width(), expert: 0.0 };
        let weights = self.divided_weights(&held, &passes);
        passes.forward.weights += weights[0];
        passes.input_gradient.weights += weights[1];
        passes
    }

    /// A collective over the tensor-parallel ranks on the microbatch's activations.
    fn tensor_collective(&self, operation: Operation) -> Seconds {
        let element = self.shard.precision.activation_bytes();
        let bytes = Bytes::new(self.shard.tokens() * f64::from(self.model.hidden) * element);
        self.groups.tensor.time(operation, bytes)
    }

    /// Attention and feed-forward block: gather and scatter around each with sequence parallelism, a sum behind each without.
    fn tensor(&self, kind: LayerKind) -> Spent {
        let around = if self.strategy.sp {
            self.tensor_collective(Operation::AllGather) + self.tensor_collective(Operation::ReduceScatter)
        } else {
            self.tensor_collective(Operation::AllReduce)
        };
        let shared = self.model.moe.is_some_and(|moe| moe.shared_ffn > 0);
        // Whole experts take the tokens as they are divided; nothing is gathered around them.
        let blocks = if kind == LayerKind::Moe && self.strategy.etp == 1 && !shared { 1.0 } else { 2.0 };
        Spent { tensor: around * blocks, ..Spent::default() }
    }

    /// What context-parallel ranks exchange around attention that takes `attention`, forward and backward, as far as it is exposed.
    ///
    /// Around a ring, keys and values of the whole sequence pass behind the attention that they feed: what the calibration says
    /// stays exposed, and what attention is too short to hide, backward with their gradients beside them. What is gathered, or
    /// exchanged for heads, is there before attention begins: all of it is exposed.
    fn context(&self, attention: [Seconds; 2]) -> [Spent; 2] {
        if self.strategy.cp < 2 {
            return [Spent::default(); 2];
        }
        let group = &self.groups.context;
        let element = self.shard.precision.activation_bytes();
        let tokens = f64::from(self.shard.microbatch) * f64::from(self.shard.sequence);
        let kept = match self.model.heads {
            Heads::Grouped { key_value, dim, .. } => {
                2.0 * (f64::from(key_value) / f64::from(self.strategy.tp)).max(1.0) * f64::from(dim)
            }
            Heads::Latent { kv_rank, rope_dim, .. } => f64::from(kv_rank + rope_dim),
        };
        let keys = Bytes::new(tokens * kept * element);
        let gather = group.time(Operation::AllGather, keys);
        let spent = |context| Spent { context, ..Spent::default() };
        match self.strategy.context {
            ContextKind::Ring => {
                // The last of the ring's steps brings nothing.
                let c = f64::from(self.strategy.cp);
                let least = gather * self.device.factors.context_exposed;
                let exposed = |travels: f64, attention: Seconds| least.max(gather * travels - attention * ((c - 1.0) / c));
                [spent(exposed(1.0, attention[0])), spent(exposed(2.0, attention[1]))]
            }
            // Gathered once more for the backward pass, instead of kept.
            ContextKind::AllGather => [spent(gather), spent(gather + group.time(Operation::ReduceScatter, keys))],
            ContextKind::AllToAll => {
                let [heads, key_value] = match self.model.heads {
                    Heads::Grouped { query, key_value, .. } => [query, key_value],
                    Heads::Latent { query, .. } => [query, query],
                };
                let [d, v] = [self.model.heads.query_dim(), self.model.heads.value_dim()].map(f64::from);
                let width = (f64::from(heads) + f64::from(key_value)) * (d + v) / f64::from(self.strategy.tp);
                let exchange = group.time(Operation::AllToAll, Bytes::new(self.shard.tokens() * width * element));
                [spent(exchange), spent(exchange)]
            }
        }
    }

    /// Tokens to their experts and back.
    fn experts(&self, kind: LayerKind) -> Spent {
        let Some(moe) = self.model.moe.filter(|_| kind == LayerKind::Moe && self.strategy.ep > 1) else {
            return Spent::default();
        };
        let tokens = self.shard.sequence_tokens();
        let h = f64::from(self.model.hidden);
        // Dispatch may travel in the matmuls' type, combine in 16 bits (DeepSeek-V3 report, section 3.2.2).
        let [there, back] = [self.shard.precision.matmul_bytes(), self.shard.precision.activation_bytes()]
            .map(|element| self.groups.expert.expert_exchange(tokens, h * element, moe.top_k));
        Spent { expert: there + back, ..Spent::default() }
    }

    /// Exposed time of gathering the weights of a layer before both passes (ZeRO-3) and of reducing its gradients (ZeRO-2 and 3):
    /// what the layer's own passes do not hide, because each gather runs beside the layer before it.
    fn divided_weights(&self, held: &Count, passes: &Passes) -> [Seconds; 2] {
        let [gather, reduce] = self.weight_collectives(held);
        let hidden = |communication: Seconds, behind: Seconds| {
            // What runs beside computation takes cores and memory bandwidth from it.
            let beside = communication.min(behind) * self.device.factors.contention;
            if self.strategy.overlap { (communication - behind).max(Seconds::ZERO) + beside } else { communication }
        };
        [hidden(gather, passes.forward.total()), hidden(gather + reduce, passes.backward().total())]
    }

    /// Gathering of weights and reduction of gradients of `count` parameters in every microbatch.
    fn weight_collectives(&self, count: &Count) -> [Seconds; 2] {
        if self.strategy.zero < 2 || self.computation.adapters {
            return [Seconds::ZERO; 2];
        }
        let gather = if self.strategy.zero == 3 { self.groups.gather(self.strategy, count, 2.0) } else { Seconds::ZERO };
        [gather, self.groups.reduce_scatter(self.strategy, count, gradient_bytes(self.computation))]
    }
}

impl Groups {
    /// Dense and expert parameters of `count` on a rank.
    pub(super) fn held(s: &Strategy, count: &Count) -> [f64; 2] {
        [count.sharded / f64::from(s.tp) + count.replicated, count.expert / f64::from(s.ep * s.etp)]
    }

    /// Time of gathering weights of `element` bytes that ZeRO divides.
    pub(super) fn gather(&self, s: &Strategy, count: &Count, element: f64) -> Seconds {
        let [dense, expert] = Self::held(s, count);
        self.shards.time(Operation::AllGather, Bytes::new(dense * element))
            + self.expert_shards.time(Operation::AllGather, Bytes::new(expert * element))
    }

    /// Time of summing gradients of `element` bytes so that each rank has the part that it updates: over the ranks of a copy, then,
    /// part by part, over the copies.
    pub(super) fn reduce_scatter(&self, s: &Strategy, count: &Count, element: f64) -> Seconds {
        let summed = |held: f64, shards: &Communicator, copies: &Communicator| {
            let part = held / f64::from(shards.ranks());
            shards.time(Operation::ReduceScatter, Bytes::new(held * element))
                + copies.time(Operation::AllReduce, Bytes::new(part * element))
        };
        let [dense, expert] = Self::held(s, count);
        summed(dense, &self.shards, &self.copies) + summed(expert, &self.expert_shards, &self.expert_copies)
    }

    /// Time of summing whole gradients of `element` bytes over all ranks with the same weights.
    pub(super) fn all_reduce(&self, s: &Strategy, count: &Count, element: f64) -> Seconds {
        let [dense, expert] = Self::held(s, count);
        self.shards.time(Operation::AllReduce, Bytes::new(dense * element))
            + self.expert_shards.time(Operation::AllReduce, Bytes::new(expert * element))
    }
}

/// Bytes of a gradient element as it is summed over replicas: BF16 gradients are accumulated in 32 bits unless the job says otherwise,
/// FP16 ones in 16, as Megatron-LM does; `InternEvo` sums both in 16. What the buffer holds is what travels
/// (`param_and_grad_buffer.py`).
#[must_use]
pub fn gradient_bytes(computation: &Computation) -> f64 {
    let storage = &computation.storage;
    let narrow = computation.precision == Precision::Fp16 || storage.half_shards || storage.narrow_gradients;
    if narrow { 2.0 } else { 4.0 }
}
