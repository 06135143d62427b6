//! The pieces that a model is made of on one rank: a layer of each sort, embedding and output layer, costed once and put together
//! in any number.

use super::Setup;
use super::layer::{Costing, Groups, Passes};
use super::layer_kernels::{LayerKernels, passes};
use super::memory::weight_bytes;
use super::sides::Sides;
use super::working;
use crate::model::{Architecture, Count, LayerKind, embedding_operators, head_operators};
use crate::parallel::Strategy;
use crate::spec::Recompute;
use crate::units::{Bytes, Seconds};

/// Layers differ by kind and by whether attention has a window.
pub(super) const SORTS: usize = 4;

/// How many layers of each sort.
pub(super) type BySort = [u16; SORTS];

/// Which sort of layer is where in a model.
#[derive(Debug, Clone)]
pub struct LayerSorts {
    /// Layers of each sort ahead of a layer; one entry more than layers.
    ahead: Vec<BySort>,
    windows: [Option<u32>; SORTS],
}

impl LayerSorts {
    pub(super) fn of(model: &Architecture) -> Self {
        let mut ahead = vec![BySort::default()];
        let mut windows = [None; SORTS];
        for layer in 0..model.layers {
            let (kind, window) = (model.layer_kind(layer), model.window(layer));
            let sort = 2 * usize::from(kind == LayerKind::Moe) + usize::from(window.is_some());
            windows[sort] = window;
            let mut next = ahead[layer as usize];
            next[sort] += 1;
            ahead.push(next);
        }
        Self { ahead, windows }
    }

    /// Layers of each sort among `layers` from `first` on.
    pub(super) fn between(&self, first: u32, layers: u32) -> BySort {
        let at = |layer: u32| self.ahead[(layer as usize).min(self.ahead.len() - 1)];
        let (from, to) = (at(first), at(first + layers));
        std::array::from_fn(|sort| to[sort] - from[sort])
    }

    fn is_there(&self, sort: usize) -> bool {
        self.ahead.last().is_some_and(|all| all[sort] > 0)
    }

    fn kind(sort: usize) -> LayerKind {
        if sort >= 2 { LayerKind::Moe } else { LayerKind::Dense }
    }
}

/// Computation of a piece's passes, nothing of it again.
fn once(passes: &Passes) -> Seconds {
    passes.forward.compute + passes.input_gradient.compute + passes.weight_gradient.compute
}

/// Kernels of every piece, on the share of a rank: the same for all layouts of equal tensor, sequence, context and expert
/// parallelism and microbatch.
#[derive(Debug, Clone)]
pub struct ShardKernels {
    layers: [Option<LayerKernels>; SORTS],
    embedding: Passes,
    head: Passes,
}

impl ShardKernels {
    /// Time of computing one microbatch's forward and backward pass through the whole model, nothing of it again: what no stage
    /// and no schedule can do less of.
    #[must_use]
    pub fn whole(&self, sorts: &LayerSorts) -> Seconds {
        let all = sorts.between(0, u32::MAX / 2);
        let layers =
            self.layers.iter().zip(all).filter_map(|(kernels, n)| Some(once(&kernels.as_ref()?.passes) * f64::from(n)));
        layers.sum::<Seconds>() + once(&self.embedding) + once(&self.head)
    }
}

impl Sides<ShardKernels> {
    /// Over two pools of so many stages each, the time of a microbatch's kernels on the busiest stage that no way of dealing the layers
    /// out beats; nothing on one pool.
    ///
    /// A stage of the first pool that takes T leaves the second what is over in its own time, at the best exchange rate of any layer;
    /// the embedding is always on the first stage.
    #[must_use]
    pub fn spread(&self, sorts: &LayerSorts, [first, second]: [u32; 2]) -> Option<Seconds> {
        let (on_first, on_second) = self.pair()?;
        let all = sorts.between(0, u32::MAX / 2);
        let layers = on_first.layers.iter().zip(&on_second.layers).zip(all);
        let layers: Vec<[Seconds; 2]> = layers
            .filter_map(|((a, b), n)| Some([a.as_ref()?, b.as_ref()?].map(|kernels| once(&kernels.passes) * f64::from(n))))
            .filter(|[a, _]| a.get() > 0.0)
            .collect();
        let best = layers.iter().map(|[a, b]| *b / *a).fold(f64::INFINITY, f64::min);
        let head = once(&on_first.head).min(once(&on_second.head) / best);
        let work = layers.iter().map(|[a, _]| *a).sum::<Seconds>() + once(&on_first.embedding) + head;
        Some(work / (f64::from(first) + f64::from(second) / best))
    }
}

/// One piece with its communication.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Piece {
    pub(super) passes: Passes,
    pub(super) parameters: Count,
}

/// All pieces of a model in a layout.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// By sort, and by what is computed again; none of a sort that the model has no layers of.
    pub(super) layers: [Option<Box<[Piece; 3]>>; SORTS],
    pub(super) embedding: Piece,
    pub(super) head: Piece,
    /// Bytes of the logits, which live while no layer is at work.
    pub(super) logits: Bytes,
}

impl Setup<'_> {
    /// Kernels of a layout's pieces.
    #[must_use]
    pub fn kernels(&self, strategy: &Strategy) -> ShardKernels {
        let shard = self.shard(strategy);
        let (device, computation) = (&self.device, &self.computation);
        let layers = std::array::from_fn(|sort| {
            let (kind, window) = (LayerSorts::kind(sort), self.sorts.windows[sort]);
            let there = self.sorts.is_there(sort);
            there.then(|| LayerKernels::new(&self.model, &shard, device, computation, kind, window))
        });
        ShardKernels {
            layers,
            embedding: passes(&embedding_operators(&self.model, &shard), device, computation),
            head: passes(&head_operators(&self.model, &shard), device, computation),
        }
    }

    /// A layout's pieces: its kernels with the communication of its groups.
    #[must_use]
    pub fn pieces(&self, strategy: &Strategy, kernels: &ShardKernels, groups: &Groups) -> Pieces {
        let shard = self.shard(strategy);
        let costing = Costing {
            model: &self.model,
            strategy,
            shard: &shard,
            device: &self.device,
            computation: &self.computation,
            groups,
        };
        let layers = std::array::from_fn(|sort| {
            let kernels = kernels.layers[sort].as_ref()?;
            let parameters = self.model.layer_parameters(LayerSorts::kind(sort));
            let gathered = self.gathered(strategy, &parameters);
            Some(Box::new([Recompute::None, Recompute::Selective, Recompute::Full].map(|recompute| {
                let passes = costing.with_communication(kernels, recompute);
                let working = passes.working + gathered;
                Piece { passes: Passes { working, ..passes }, parameters }
            })))
        });
        let head = costing.head_with(&kernels.head);
        let mut held = Count { replicated: self.model.norm_width(), ..Count::default() };
        // With tied embeddings on one stage there is one table; otherwise the last stage holds its own.
        if !(self.model.tied_embeddings && strategy.pp == 1) {
            held.sharded += self.model.output_parameters();
        }
        let logits = head.saved + head.working;
        let (saved, working) = (Bytes::ZERO, Bytes::ZERO);
        Pieces {
            layers,
            embedding: Piece {
                passes: costing.embedding_with(&kernels.embedding),
                parameters: self.model.embedding_parameters(),
            },
            head: Piece { passes: Passes { saved, working, ..head }, parameters: held },
            // They live from the head's forward to its backward pass, which follow each other: one microbatch.
            logits,
        }
    }

    /// What ZeRO-3 gathers of a layer that holds `count`.
    fn gathered(&self, s: &Strategy, count: &Count) -> Bytes {
        let parameters = count.sharded / f64::from(s.tp) + count.replicated + count.expert / f64::from(s.ep * s.etp);
        if s.zero < 3 { Bytes::ZERO } else { working::gathered(self.computation.software, parameters) }
    }

    /// Gathering of weights ahead of a step and reduction of gradients behind it, for the parameters of a slice.
    pub(super) fn replica_communication(&self, s: &Strategy, held: &Count, layers: u32, groups: &Groups) -> [Seconds; 2] {
        let gradient = super::layer::gradient_bytes(&self.computation);
        let weight = weight_bytes(self.computation.precision);
        match s.zero {
            _ if self.computation.adapters => [Seconds::ZERO; 2],
            0 => [Seconds::ZERO, groups.all_reduce(s, held, gradient)],
            1 if self.computation.storage.owners => groups.by_owners(s, held, layers, [weight, gradient]),
            1 => [groups.gather(s, held, weight), groups.reduce_scatter(s, held, gradient)],
            2 => [groups.gather(s, held, weight), Seconds::ZERO],
            _ => [Seconds::ZERO; 2],
        }
    }
}
