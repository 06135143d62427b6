//! A job on a pool: everything that is the same for every layout, and what a layout costs a stage.

use std::collections::BTreeMap;

use super::collective;
use super::graph::Durations;
use super::kernel::Device;
use super::layer::{Costing, Groups, Passes, Spent, gradient_bytes};
use super::memory::{Memory, RESERVE, weight_bytes};
use super::schedule::Pipeline;
use crate::calibration::{Calibration, Operation};
use crate::catalog::Model;
use crate::model::{Architecture, Count, LayerKind, ModelError, Shard};
use crate::parallel::Strategy;
use crate::spec::{AttentionKernel, Cluster, Pool, Precision};
use crate::topology::Topology;
use crate::units::{Bytes, Seconds};

/// Bytes that Adam reads and writes per parameter: gradient, master weight and two moments read, three of them and the 16-bit
/// weight written, and the gradient read once more for its norm.
const OPTIMIZER_TRAFFIC: f64 = 34.0;
/// Pieces that a chunk's first and last passes are cut into when communication runs beside them.
const MOST_PIECES: u32 = 8;

/// A job on a pool.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The model.
    pub model: Architecture,
    /// Tokens of a sequence.
    pub sequence: u32,
    /// Data type of the matmuls.
    pub precision: Precision,
    /// How attention is computed.
    pub attention: AttentionKernel,
    /// The pool.
    pub pool: &'a Pool,
    /// Its number in the cluster.
    pub pool_index: usize,
    /// The cluster.
    pub topology: &'a Topology,
    /// Efficiency constants.
    pub calibration: &'a Calibration,
    /// The accelerator.
    pub device: Device,
}

/// Why a job cannot be costed on a pool.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SetupError {
    /// The model's numbers do not fit together.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The accelerator has no such type.
    #[error("{accelerator} has no {} matmuls", precision.as_str())]
    Precision {
        /// The accelerator.
        accelerator: String,
        /// The type.
        precision: Precision,
    },
}

/// What a layout costs each stage.
#[derive(Debug, Clone)]
pub struct Costs {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Durations of its tasks.
    pub durations: Durations,
    /// Time of one microbatch on each stage, forward and backward, by what it goes to.
    pub spent: Vec<Spent>,
    /// Of it, recomputation.
    pub recomputed: Vec<Spent>,
    /// Memory of an accelerator of each stage.
    pub memory: Vec<Memory>,
    /// Layers of each stage.
    pub layers: Vec<u32>,
    /// FLOPs that recomputation runs again, of one microbatch, on one accelerator of each stage.
    pub recomputed_flops: Vec<f64>,
}

impl Costs {
    /// The fullest stage's memory.
    #[must_use]
    pub fn peak_memory(&self) -> Bytes {
        self.memory.iter().map(Memory::total).fold(Bytes::ZERO, Bytes::max)
    }

    /// A time that no order of the tasks can beat: the slowest stage's own work, behind the first forward passes of the stages
    /// before it and ahead of their last backward passes, and the optimizer.
    #[must_use]
    pub fn lower_bound(&self) -> Seconds {
        let d = &self.durations;
        let m = f64::from(self.pipeline.microbatches);
        let mut ahead = Seconds::ZERO;
        let mut bound = Seconds::ZERO;
        for stage in 0..d.forward.len() {
            let work: Seconds = d.forward[stage].iter().chain(&d.backward[stage]).copied().sum();
            bound = bound.max(ahead + work * m);
            // Chunk 0 comes first on every stage, forward and last of all backward.
            ahead += d.forward[stage][0] + d.backward[stage][0];
        }
        bound + d.optimizer.iter().copied().fold(Seconds::ZERO, Seconds::max)
    }
}

impl<'a> Setup<'a> {
    /// A model on pool `pool_index` of a cluster.
    ///
    /// # Errors
    /// When the model's numbers do not fit together, or the accelerator does not compute in `precision`.
    ///
    /// # Panics
    /// When the cluster has no such pool.
    pub fn new(
        (cluster, pool_index): (&'a Cluster, usize),
        topology: &'a Topology,
        calibration: &'a Calibration,
        model: &Model,
        (sequence, precision, attention): (u32, Precision, AttentionKernel),
    ) -> Result<Self, SetupError> {
        let pool = &cluster.pools[pool_index];
        let device = Device::new(pool, calibration, precision)
            .ok_or_else(|| SetupError::Precision { accelerator: pool.accelerator.title.clone(), precision })?;
        Ok(Self {
            model: Architecture::new(model)?,
            sequence,
            precision,
            attention,
            pool,
            pool_index,
            topology,
            calibration,
            device,
        })
    }

    /// The share of a rank.
    #[must_use]
    pub fn shard(&self, strategy: &Strategy) -> Shard {
        Shard {
            microbatch: strategy.microbatch,
            sequence: self.sequence,
            tensor: strategy.tp,
            sequence_parallel: strategy.sp,
            context: strategy.cp,
            expert: strategy.ep,
            expert_tensor: strategy.etp,
            precision: self.precision,
            attention: self.attention,
        }
    }

    /// The groups of a rank.
    #[must_use]
    pub fn groups(&self, s: &Strategy) -> Groups {
        let world = s.gpus() as u32;
        let group = |size: u32, stride: u32| self.topology.group(self.pool_index, world, size, stride);
        Groups {
            tensor: group(s.tp, 1),
            context: group(s.cp, s.tp),
            expert: group(s.ep, s.etp),
            data: group(s.cp * s.dp, s.tp),
            expert_data: group(s.expert_replicas(), s.ep * s.etp),
            pipeline: group(s.pp, s.tp * s.cp * s.dp),
        }
    }

    /// What a legal layout costs each stage.
    #[must_use]
    pub fn costs(&self, strategy: &Strategy) -> Costs {
        self.costs_with(strategy, &self.groups(strategy))
    }

    /// The same with the groups of [`Self::groups`], which many layouts share.
    #[must_use]
    pub fn costs_with(&self, strategy: &Strategy, groups: &Groups) -> Costs {
        let s = strategy;
        let shard = self.shard(s);
        let costing = Costing {
            model: &self.model,
            strategy: s,
            shard: &shard,
            device: &self.device,
            calibration: self.calibration,
            groups,
        };
        let pipeline = Pipeline { kind: s.schedule, stages: s.pp, chunks: s.vp, microbatches: s.microbatches };
        // Layers differ by kind and attention window only: each sort is costed once.
        let mut sorts: BTreeMap<(LayerKind, Option<u32>), Passes> = BTreeMap::new();
        let [embedding, head] = [costing.embedding(), costing.head()];
        let split = s.chunk_layers(self.model.layers);

        let (p, v) = (s.pp as usize, s.vp as usize);
        let zero = || vec![vec![Seconds::ZERO; v]; p];
        let mut durations = Durations {
            forward: zero(),
            backward: zero(),
            send: self.sends(s, &shard, groups),
            gather: zero(),
            reduce: zero(),
            optimizer: vec![Seconds::ZERO; p],
            pieces: 1,
        };
        let mut costs = Costs {
            pipeline,
            durations: durations.clone(),
            spent: vec![Spent::default(); p],
            recomputed: vec![Spent::default(); p],
            memory: vec![Memory { reserve: RESERVE, ..Memory::default() }; p],
            layers: vec![0; p],
            recomputed_flops: vec![0.0; p],
        };
        let in_flight: Vec<Vec<u32>> = (0..s.pp).map(|stage| pipeline.in_flight(stage)).collect();
        let mut parameters = vec![Count::default(); p];
        let mut first_layer = 0;
        for (chunk, layers) in split.iter().copied().enumerate() {
            let (stage, c) = (chunk % p, chunk / p);
            let alive = f64::from(in_flight[stage][c]);
            let mut held = Count::default();
            let mut add = |passes: &Passes, costs: &mut Costs| {
                costs.spent[stage] += passes.forward + passes.backward;
                costs.recomputed[stage] += passes.recomputed;
                costs.recomputed_flops[stage] += passes.recomputed_flops;
                costs.memory[stage].add_activations(passes, alive);
                durations.forward[stage][c] += passes.forward.total();
                durations.backward[stage][c] += passes.backward.total();
            };
            if chunk == 0 {
                add(&embedding, &mut costs);
                held = sum(held, self.model.embedding_parameters());
            }
            for index in first_layer..first_layer + layers {
                let sort = (self.model.layer_kind(index), self.model.window(index));
                let passes = *sorts.entry(sort).or_insert_with(|| costing.layer(sort.0, sort.1));
                add(&passes, &mut costs);
                held = sum(held, self.model.layer_parameters(sort.0));
            }
            if chunk + 1 == split.len() {
                // The logits live from the head's forward to its backward pass, which follow each other: one microbatch.
                let alive_now = Passes { saved: Bytes::ZERO, ..head };
                add(&alive_now, &mut costs);
                costs.memory[stage].activations += head.saved;
                held = sum(held, Count { replicated: self.model.norm_width(), ..Count::default() });
                // With tied embeddings on one stage there is one table; otherwise the last stage holds its own.
                if !(self.model.tied_embeddings && p == 1) {
                    held = sum(held, Count { sharded: self.model.output_parameters(), ..Count::default() });
                }
            }
            let [gather, reduce] = self.replica_communication(s, &held, groups);
            durations.gather[stage][c] = gather;
            durations.reduce[stage][c] = reduce;
            parameters[stage] = sum(parameters[stage], held);
            costs.layers[stage] += layers;
            first_layer += layers;
        }
        for (stage, held) in parameters.iter().enumerate() {
            costs.memory[stage].add_parameters(held, s, self.precision);
            durations.optimizer[stage] = self.optimizer(s, held);
        }
        if s.overlap {
            durations.pieces = (self.model.layers / (s.pp * s.vp)).clamp(1, MOST_PIECES);
        } else {
            expose(&mut durations);
        }
        costs.durations = durations;
        costs
    }

    /// Time of sending a microbatch's activations to the next stage, by stage that sends.
    ///
    /// Each tensor-parallel rank sends its part of the tensor; without sequence parallelism the parts are gathered behind the
    /// transfer (the scatter-gather optimisation of arXiv:2104.04473, section 4.1).
    fn sends(&self, s: &Strategy, shard: &Shard, groups: &Groups) -> Vec<Seconds> {
        let bytes = shard.tokens() * f64::from(self.model.hidden) * self.precision.activation_bytes();
        let part = Bytes::new(bytes / f64::from(s.tp));
        let gather = if s.sp || s.tp == 1 {
            Seconds::ZERO
        } else {
            collective::time(self.calibration, Operation::AllGather, Bytes::new(bytes), &groups.tensor)
        };
        let stride = s.tp * s.cp * s.dp;
        (0..s.pp)
            .map(|stage| {
                let next = (stage + 1) % s.pp;
                let inside = self.topology.same_domain(self.pool_index, stage * stride, next * stride);
                let mut pair = groups.pipeline.clone();
                pair.ranks = 2;
                pair.per_domain = if inside { 2 } else { 1 };
                pair.domains = if inside { 1 } else { 2 };
                if s.pp < 2 {
                    Seconds::ZERO
                } else {
                    collective::time(self.calibration, Operation::PointToPoint, part, &pair) + gather
                }
            })
            .collect()
    }

    /// Gathering of weights ahead of a step and reduction of gradients behind it, for the parameters of a chunk.
    fn replica_communication(&self, s: &Strategy, held: &Count, groups: &Groups) -> [Seconds; 2] {
        let dense = held.sharded / f64::from(s.tp) + held.replicated;
        let expert = held.expert / f64::from(s.ep * s.etp);
        let over = |operation, element: f64| {
            collective::time(self.calibration, operation, Bytes::new(dense * element), &groups.data)
                + collective::time(self.calibration, operation, Bytes::new(expert * element), &groups.expert_data)
        };
        let gradient = gradient_bytes(self.precision);
        match s.zero {
            0 => [Seconds::ZERO, over(Operation::AllReduce, gradient)],
            1 => [over(Operation::AllGather, weight_bytes(self.precision)), over(Operation::ReduceScatter, gradient)],
            2 => [over(Operation::AllGather, weight_bytes(self.precision)), Seconds::ZERO],
            _ => [Seconds::ZERO; 2],
        }
    }

    /// Adam on the parameters that a rank updates: memory traffic.
    fn optimizer(&self, s: &Strategy, held: &Count) -> Seconds {
        let dense = held.sharded / f64::from(s.tp) + held.replicated;
        let expert = held.expert / f64::from(s.ep * s.etp);
        let updated =
            if s.zero >= 1 { dense / f64::from(s.dp * s.cp) + expert / f64::from(s.expert_replicas()) } else { dense + expert };
        Bytes::new(updated * OPTIMIZER_TRAFFIC) / self.device.memory.bandwidth()
    }
}

/// Without overlap the reduction of all chunks stands behind the last backward pass, and the gathering behind the optimizer.
fn expose(durations: &mut Durations) {
    for stage in 0..durations.forward.len() {
        let reduce: Seconds = durations.reduce[stage].iter().copied().sum();
        let gather: Seconds = durations.gather[stage].iter().copied().sum();
        durations.reduce[stage].fill(Seconds::ZERO);
        durations.gather[stage].fill(Seconds::ZERO);
        durations.reduce[stage][0] = reduce;
        durations.optimizer[stage] += gather;
    }
}

fn sum(a: Count, b: Count) -> Count {
    Count { sharded: a.sharded + b.sharded, replicated: a.replicated + b.replicated, expert: a.expert + b.expert }
}
