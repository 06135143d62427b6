//! The kernels of a layer on one rank, forward and backward, without any communication: what layouts that differ only in where
//! their ranks are, how many stages and replicas they have and what they recompute share.

use super::kernel::{Device, Pass};
use super::layer::{Passes, gradient_bytes};
use super::working;
use crate::model::{Architecture, Kernel, LayerKind, Operator, Part, Shard, layer_operators};
use crate::spec::{AttentionKernel, Computation, Recompute, Software};
use crate::units::{Bytes, Seconds};

/// The kernels of one sort of layer.
#[derive(Debug, Clone, Copy)]
pub struct LayerKernels {
    /// Its kind.
    pub kind: LayerKind,
    /// Computation of its passes; what is kept is in `again`.
    pub passes: Passes,
    /// What recomputation runs again and leaves to be kept, in the order of [`Recompute`]'s variants.
    pub again: [Again; 3],
    /// Time of the attention core, forward and backward.
    pub attention: [Seconds; 2],
}

/// What recomputation runs again and what is kept beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Again {
    /// Kernels that run again.
    pub compute: Seconds,
    /// Their matmul FLOPs.
    pub flops: f64,
    /// Bytes kept between the passes.
    pub saved: Bytes,
    /// Bytes kept while the backward pass of this one layer runs, beyond `saved`.
    pub working: Bytes,
}

impl LayerKernels {
    /// A layer of `kind` with an attention window, on a rank's share of it.
    #[must_use]
    pub fn new(
        model: &Architecture,
        shard: &Shard,
        device: &Device,
        computation: &Computation,
        kind: LayerKind,
        window: Option<u32>,
    ) -> Self {
        let operators = layer_operators(model, kind, window, shard);
        let mut passes = passes(&operators, device, computation);
        passes.forward.compute += device.factors.layer;
        passes.input_gradient.compute += device.factors.layer;
        if kind == LayerKind::Moe {
            passes.forward.compute += device.factors.route;
            passes.input_gradient.compute += device.factors.route;
        }
        let core = || operators.iter().filter(|operator| operator.part == Part::AttentionCore);
        let forward = core().map(|o| kernels(device, o, &o.forward, Pass::Forward)).sum();
        let backward = core().map(|o| kernels(device, o, &o.input_gradient, Pass::Backward)).sum();
        let layer = Layer { model, shard, device, computation, kind, operators: &operators, saved: passes.saved };
        let mut again = [Recompute::None, Recompute::Selective, Recompute::Full].map(|recompute| layer.again(recompute));
        for each in &mut again {
            each.working += working::passing_gradients(&operators, shard);
        }
        Self { kind, passes, again, attention: [forward, backward] }
    }
}

/// Passes of `operators`, kernels alone.
#[must_use]
pub fn passes(operators: &[Operator], device: &Device, computation: &Computation) -> Passes {
    let mut passes = Passes::default();
    for operator in operators {
        passes.forward.compute += kernels(device, operator, &operator.forward, Pass::Forward);
        passes.input_gradient.compute += kernels(device, operator, &operator.input_gradient, Pass::Backward);
        if !computation.adapters {
            passes.weight_gradient.compute += kernels(device, operator, &operator.weight_gradient, Pass::Backward);
            passes.weight_gradient.compute += accumulation(operator, device, computation);
        }
        passes.saved += operator.saved.bytes;
    }
    // Where the host issues kernels more slowly than they run, it sets the pace.
    let count = |of: &dyn Fn(&Operator) -> usize| operators.iter().map(|o| of(o) as f64 * o.launches).sum::<f64>();
    passes.forward.compute = passes.forward.compute.max(device.factors.issue * count(&|o| o.forward.len()));
    let backward = passes.input_gradient.compute + passes.weight_gradient.compute;
    let issued = device.factors.issue * count(&|o| o.input_gradient.len() + o.weight_gradient.len());
    if issued > backward {
        let slower = issued / backward;
        passes.input_gradient.compute = passes.input_gradient.compute * slower;
        passes.weight_gradient.compute = passes.weight_gradient.compute * slower;
    }
    passes
}

/// Time of adding an operator's new weight gradients to what earlier microbatches left, where matmuls do not: a pass over both, behind
/// the matmuls that made the new ones, in 16 bits.
pub(super) fn accumulation(operator: &Operator, device: &Device, computation: &Computation) -> Seconds {
    if !computation.sums_apart() {
        return Seconds::ZERO;
    }
    let sum = gradient_bytes(computation);
    let add = |kernel: &Kernel| match *kernel {
        Kernel::Matmul { m, n, batch, .. } => device.memory.time(m * n * batch * (2.0 + 2.0 * sum)) + device.launch.value,
        Kernel::Attention { .. } | Kernel::Stream { .. } => Seconds::ZERO,
    };
    operator.weight_gradient.iter().map(add).sum()
}

fn kernels(device: &Device, operator: &Operator, kernels: &[Kernel], pass: Pass) -> Seconds {
    kernels.iter().map(|kernel| device.time_in(operator.part, kernel, pass)).sum()
}

/// A layer whose recomputation is asked about.
struct Layer<'a> {
    model: &'a Architecture,
    shard: &'a Shard,
    device: &'a Device,
    computation: &'a Computation,
    kind: LayerKind,
    operators: &'a [Operator],
    /// What its passes keep when nothing is computed again.
    saved: Bytes,
}

impl Layer<'_> {
    fn again(&self, recompute: Recompute) -> Again {
        match recompute {
            Recompute::None => self.nothing(),
            Recompute::Selective if matches!(self.computation.software, Software::Fsdp | Software::FsdpCompiled) => {
                self.every_second_matmul()
            }
            // A fused kernel computes its scores again as it is.
            Recompute::Selective if self.shard.attention != AttentionKernel::Unfused => self.nothing(),
            Recompute::Selective => self.core(),
            Recompute::Full => self.everything(),
        }
    }

    /// What the framework keeps, and computes again on the way, without being asked.
    fn nothing(&self) -> Again {
        let storage = &self.computation.storage;
        let saved = match storage.named {
            Some(tensors) => working::named_tensors(self.model, self.kind, self.shard, tensors),
            None => self.saved - working::freed(self.operators, self.model, self.shard, storage.recomputed),
        };
        Again { saved, working: (self.saved - saved).max(Bytes::ZERO), ..Again::default() }
    }

    /// torchtitan: what is not kept runs again, all but attention and every second matmul.
    fn every_second_matmul(&self) -> Again {
        let left = self.nothing().saved;
        let saved = working::every_second_matmul(self.model, self.kind, self.shard);
        let mut matmuls = 0;
        let runs_again = |o: &&Operator| {
            let is_matmul = o.forward.iter().any(|kernel| matches!(kernel, Kernel::Matmul { .. }));
            matmuls += usize::from(is_matmul);
            o.part != Part::AttentionCore && !(is_matmul && matmuls % 2 == 0)
        };
        let run = self.run(&self.operators.iter().filter(runs_again).collect::<Vec<_>>());
        Again { saved, working: (left - saved).max(Bytes::ZERO), ..run }
    }

    fn core(&self) -> Again {
        let left = self.nothing().saved;
        let core: Vec<&Operator> = self.operators.iter().filter(|o| o.part == Part::AttentionCore).collect();
        let working: Bytes = core.iter().map(|o| o.saved.bytes).sum();
        // The core's inputs stay: they are what it is computed again from.
        Again { saved: left - working + core_inputs(self.model, self.shard), working, ..self.run(&core) }
    }

    fn everything(&self) -> Again {
        let input = self.shard.sequence_tokens() * f64::from(self.model.hidden) * self.shard.precision.activation_bytes();
        // `MaxText` divides the residual stream over the tensor axis.
        let over = if self.computation.software == Software::Xla { f64::from(self.shard.tensor) } else { 1.0 };
        let all: Vec<&Operator> = self.operators.iter().collect();
        Again { saved: Bytes::new(input / over), working: self.saved, ..self.run(&all) }
    }

    fn run(&self, operators: &[&Operator]) -> Again {
        let flops = operators.iter().flat_map(|o| &o.forward).map(Kernel::flops).sum();
        let issued = self.device.factors.issue * operators.iter().map(|o| o.forward.len() as f64 * o.launches).sum::<f64>();
        let compute = operators.iter().map(|o| kernels(self.device, o, &o.forward, Pass::Forward)).sum::<Seconds>();
        Again { compute: compute.max(issued), flops, ..Again::default() }
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
