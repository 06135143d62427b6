//! What one layer costs a rank, forward and backward: kernels, and the communication that its computation waits for.

use std::ops::{Add, AddAssign, Mul, Sub};

use super::collective;
use super::kernel::{Device, Pass};
use super::working;
use crate::calibration::{Calibration, Operation};
use crate::model::{
    Architecture, Count, Heads, LayerKind, Operator, Part, Shard, embedding_operators, head_operators, layer_operators,
};
use crate::parallel::Strategy;
use crate::spec::{AttentionKernel, Computation, Precision, Recompute, Software};
use crate::topology::Group;
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
#[derive(Debug, Clone)]
pub struct Groups {
    /// Tensor-parallel ranks.
    pub tensor: Group,
    /// Context-parallel ranks.
    pub context: Group,
    /// Expert-parallel ranks.
    pub expert: Group,
    /// Ranks that hold the same dense weights.
    pub data: Group,
    /// Ranks that hold the same experts.
    pub expert_data: Group,
    /// A rank and its counterpart on the next stage.
    pub pipeline: Group,
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
    /// Efficiency constants.
    pub calibration: &'a Calibration,
    /// The rank's groups.
    pub groups: &'a Groups,
}

impl Costing<'_> {
    /// One layer of `kind`.
    #[must_use]
    pub fn layer(&self, kind: LayerKind, window: Option<u32>, recompute: Recompute) -> Passes {
        let operators = layer_operators(self.model, kind, window, self.shard);
        let mut passes = self.operators(&operators);
        let factors = &self.device.factors;
        passes.forward.compute += factors.layer;
        passes.input_gradient.compute += factors.layer;
        if kind == LayerKind::Moe {
            passes.forward.compute += factors.route;
            passes.input_gradient.compute += factors.route;
        }
        let communication = self.tensor(kind) * factors.tensor_exposed
            + self.context() * factors.context_exposed
            + self.experts(kind) * factors.expert_exposed;
        passes.forward += communication;
        // The backward pass of a gather is a scatter and the other way round: as much again.
        passes.input_gradient += communication;
        let again = passes.forward;
        self.recompute(recompute, kind, &operators, again, &mut passes);
        passes.working += working::passing_gradients(&operators, self.shard);
        let weights = self.divided_weights(&self.model.layer_parameters(kind), &passes);
        passes.forward.weights += weights[0];
        passes.input_gradient.weights += weights[1];
        passes
    }

    /// The embedding, on the first stage.
    #[must_use]
    pub fn embedding(&self) -> Passes {
        let mut passes = self.operators(&embedding_operators(self.model, self.shard));
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
        let mut passes = self.operators(&head_operators(self.model, self.shard));
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
        passes.forward.tensor += collective::time(self.calibration, Operation::AllReduce, scalars, &self.groups.tensor) * 3.0;
        let held = Count { sharded: self.model.output_parameters(), replicated: self.model.norm_width(), expert: 0.0 };
        let weights = self.divided_weights(&held, &passes);
        passes.forward.weights += weights[0];
        passes.input_gradient.weights += weights[1];
        passes
    }

    fn operators(&self, operators: &[Operator]) -> Passes {
        let mut passes = Passes::default();
        for operator in operators {
            passes.forward.compute += self.kernels(operator, &operator.forward, Pass::Forward);
            passes.input_gradient.compute += self.kernels(operator, &operator.input_gradient, Pass::Backward);
            if !self.computation.adapters {
                passes.weight_gradient.compute += self.kernels(operator, &operator.weight_gradient, Pass::Backward);
            }
            passes.saved += operator.saved.bytes;
        }
        // Where the host issues kernels more slowly than they run, it sets the pace.
        let count = |of: &dyn Fn(&Operator) -> usize| operators.iter().map(|o| of(o) as f64 * o.launches).sum::<f64>();
        passes.forward.compute = passes.forward.compute.max(self.device.factors.issue * count(&|o| o.forward.len()));
        let backward = passes.input_gradient.compute + passes.weight_gradient.compute;
        let issued = self.device.factors.issue * count(&|o| o.input_gradient.len() + o.weight_gradient.len());
        if issued > backward {
            let slower = issued / backward;
            passes.input_gradient.compute = passes.input_gradient.compute * slower;
            passes.weight_gradient.compute = passes.weight_gradient.compute * slower;
        }
        passes
    }

    fn kernels(&self, operator: &Operator, kernels: &[crate::model::Kernel], pass: Pass) -> Seconds {
        kernels.iter().map(|kernel| self.device.time_in(operator.part, kernel, pass)).sum()
    }

    /// A collective over the tensor-parallel ranks on the microbatch's activations.
    fn tensor_collective(&self, operation: Operation) -> Seconds {
        let element = self.shard.precision.activation_bytes();
        let bytes = Bytes::new(self.shard.tokens() * f64::from(self.model.hidden) * element);
        collective::time(self.calibration, operation, bytes, &self.groups.tensor)
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

    /// Keys and values of the whole sequence, gathered before attention; their gradients scattered behind it.
    fn context(&self) -> Spent {
        let width = match self.model.heads {
            Heads::Grouped { key_value, dim, .. } => {
                2.0 * (f64::from(key_value) / f64::from(self.strategy.tp)).max(1.0) * f64::from(dim)
            }
            Heads::Latent { kv_rank, rope_dim, .. } => f64::from(kv_rank + rope_dim),
        };
        let tokens = f64::from(self.shard.microbatch) * f64::from(self.shard.sequence);
        let bytes = Bytes::new(tokens * width * self.shard.precision.activation_bytes());
        let gather = collective::time(self.calibration, Operation::AllGather, bytes, &self.groups.context);
        Spent { context: gather, ..Spent::default() }
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
            .map(|element| collective::expert_exchange(self.calibration, tokens, h * element, moe.top_k, &self.groups.expert));
        Spent { expert: there + back, ..Spent::default() }
    }

    /// What recomputation runs again and what it saves keeping.
    fn recompute(&self, recompute: Recompute, kind: LayerKind, operators: &[Operator], forward: Spent, passes: &mut Passes) {
        let storage = &self.computation.storage;
        if recompute != Recompute::Full {
            let kept = match storage.named {
                Some(tensors) => working::named_tensors(self.model, kind, self.shard, tensors),
                None => passes.saved - working::freed(operators, self.model, self.shard, storage.recomputed),
            };
            passes.working = (passes.saved - kept).max(Bytes::ZERO);
            passes.saved = kept;
        }
        let of =
            |wanted: &dyn Fn(&Operator) -> bool| -> Vec<Operator> { operators.iter().filter(|o| wanted(o)).cloned().collect() };
        let again = match recompute {
            Recompute::None => return,
            Recompute::Selective if matches!(self.computation.software, Software::Fsdp | Software::FsdpCompiled) => {
                let kept = working::every_second_matmul(self.model, kind, self.shard);
                passes.working = (passes.saved - kept).max(Bytes::ZERO);
                passes.saved = kept;
                // What is not kept runs again: all but attention and every second matmul.
                let mut matmuls = 0;
                let runs_again = |o: &&Operator| {
                    let is_matmul = o.forward.iter().any(|kernel| matches!(kernel, crate::model::Kernel::Matmul { .. }));
                    matmuls += usize::from(is_matmul);
                    o.part != Part::AttentionCore && !(is_matmul && matmuls % 2 == 0)
                };
                operators.iter().filter(runs_again).cloned().collect()
            }
            // A fused kernel computes its scores again as it is.
            Recompute::Selective if self.shard.attention != AttentionKernel::Unfused => return,
            Recompute::Selective => {
                let core = of(&|o| o.part == Part::AttentionCore);
                passes.working = core.iter().map(|o| o.saved.bytes).sum();
                // The core's inputs stay: they are what it is computed again from.
                let inputs = core_inputs(self.model, self.shard);
                passes.saved = passes.saved - passes.working + inputs;
                core
            }
            Recompute::Full => {
                passes.working = passes.saved;
                let input =
                    self.shard.sequence_tokens() * f64::from(self.model.hidden) * self.shard.precision.activation_bytes();
                // `MaxText` divides the residual stream over the tensor axis.
                let over = if self.computation.software == Software::Xla { f64::from(self.strategy.tp) } else { 1.0 };
                passes.saved = Bytes::new(input / over);
                operators.to_vec()
            }
        };
        passes.recomputed_flops = again.iter().flat_map(|o| &o.forward).map(crate::model::Kernel::flops).sum();
        let issued = self.device.factors.issue * again.iter().map(|o| o.forward.len() as f64 * o.launches).sum::<f64>();
        let compute = again.iter().map(|o| self.kernels(o, &o.forward, Pass::Forward)).sum::<Seconds>().max(issued);
        let mut spent = Spent { compute, ..Spent::default() };
        if recompute == Recompute::Full {
            spent = Spent { compute: spent.compute, weights: Seconds::ZERO, ..forward };
        }
        passes.recompute = spent;
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
        let dense = count.sharded / f64::from(self.strategy.tp) + count.replicated;
        let expert = count.expert / f64::from(self.strategy.ep * self.strategy.etp);
        let over = |operation, element: f64| {
            collective::time(self.calibration, operation, Bytes::new(dense * element), &self.groups.data)
                + collective::time(self.calibration, operation, Bytes::new(expert * element), &self.groups.expert_data)
        };
        let gather = if self.strategy.zero == 3 { over(Operation::AllGather, 2.0) } else { Seconds::ZERO };
        [gather, over(Operation::ReduceScatter, gradient_bytes(self.shard.precision))]
    }
}

/// Bytes of queries, keys and values on a rank: what selective recomputation keeps of the attention core.
fn core_inputs(model: &Architecture, shard: &Shard) -> Bytes {
    let t = f64::from(shard.tensor);
    let kv = (f64::from(model.heads.key_value()) / t).max(1.0);
    let [d, v] = [model.heads.query_dim(), model.heads.value_dim()].map(f64::from);
    let width = f64::from(model.heads.query()) / t * d + kv * (d + v);
    Bytes::new(shard.tokens() * width * shard.precision.activation_bytes())
}

/// Bytes of a gradient element as it is summed over replicas: BF16 gradients are accumulated in 32 bits, FP16 ones in 16, as
/// Megatron-LM does.
#[must_use]
pub fn gradient_bytes(precision: Precision) -> f64 {
    if precision == Precision::Fp16 { 2.0 } else { 4.0 }
}
