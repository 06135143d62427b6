//! What a layout costs each stage: durations of its turns, transfers and reductions, and memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::collective::Communicator;
use super::durations::{ChunkTimes, Durations};
use super::layer::{Costing, Groups, Passes, Spent, gradient_bytes};
use super::memory::{Memory, weight_bytes};
use super::schedule::{Pipeline, Placement, Schedule, ScheduleError, Times};
use super::setup::Setup;
use super::working;
use crate::calibration::Operation;
use crate::model::{Count, LayerKind, Shard};
use crate::parallel::{LayerSplit, Strategy};
use crate::spec::{Recompute, Software};
use crate::units::{Bytes, Seconds};

/// Bytes that Adam reads and writes per parameter: gradient, master weight and two moments read, three of them and the 16-bit
/// weight written, and the gradient read once more for its norm.
const OPTIMIZER_TRAFFIC: f64 = 34.0;
/// Pieces that a chunk's first and last passes are cut into when communication runs beside them.
const MOST_PIECES: u32 = 8;

/// What a layout costs each stage.
#[derive(Debug, Clone)]
pub struct Costs {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The job's own order, in place of the one that the pipeline's schedule makes.
    pub order: Option<Arc<Schedule>>,
    /// Durations of its tasks.
    pub durations: Durations,
    /// Microbatches that each chunk of a stage works on, `[stage][chunk]`: half of them where two directions share a stage.
    pub microbatches: f64,
    /// Memory of an accelerator of each stage.
    pub memory: Vec<Memory>,
    /// Bytes that a microbatch keeps on a chunk, `[stage][chunk]`.
    pub saved: Vec<Vec<Bytes>>,
    /// Microbatches of each chunk between forward and backward pass when the stage keeps most, `[stage][chunk]`.
    pub in_flight: Vec<Vec<u32>>,
    /// Layers of each stage.
    pub layers: Vec<u32>,
    /// FLOPs that recomputation runs again, of one microbatch, on one accelerator of each stage.
    pub recomputed_flops: Vec<f64>,
}

impl Costs {
    /// What every stage runs.
    ///
    /// # Errors
    /// When the schedule does not run in this shape.
    pub fn schedule(&self) -> Result<Cow<'_, Schedule>, ScheduleError> {
        match &self.order {
            Some(order) => Ok(Cow::Borrowed(order)),
            None => self.pipeline.schedule().map(Cow::Owned),
        }
    }

    /// The fullest stage's memory.
    #[must_use]
    pub fn peak_memory(&self) -> Bytes {
        self.memory.iter().map(Memory::total).fold(Bytes::ZERO, Bytes::max)
    }

    /// Time of all microbatches on a stage, by what it goes to.
    #[must_use]
    pub fn spent(&self, stage: usize) -> Spent {
        let once = self.durations.chunks[stage].iter().fold(Spent::default(), |all, times| all + times.whole());
        once * self.microbatches
    }

    /// Of [`Self::spent`], recomputation.
    #[must_use]
    pub fn recomputed(&self, stage: usize) -> Spent {
        let once = self.durations.chunks[stage].iter().fold(Spent::default(), |all, times| all + times.recompute);
        once * self.microbatches
    }

    /// A time that no order of the tasks can beat: the slowest stage's own work and the optimizer; for schedules in which every
    /// microbatch goes from the first stage to the last and back, behind the first forward passes of the stages before it and,
    /// where a stage ends with an input gradient, ahead of their last backward passes.
    #[must_use]
    pub fn lower_bound(&self) -> Seconds {
        let chunks = &self.durations.chunks;
        let overlaps = self.pipeline.kind.pairs();
        let mut ahead = Seconds::ZERO;
        let mut bound = Seconds::ZERO;
        for (stage, times) in chunks.iter().enumerate() {
            let spent = self.spent(stage);
            // Overlapped passes hide communication, never computation.
            let work = if overlaps { spent.compute } else { spent.total() };
            bound = bound.max(ahead + work);
            if self.pipeline.kind.placement() != Placement::Bidirectional {
                // Chunk 0 holds the slices that every microbatch meets first, and last of all on the way back.
                let back = times[0].recompute + times[0].input_gradient + times[0].weight_gradient;
                // A stage that puts weight gradients off may end with one, which no other stage waits for.
                let behind = if self.pipeline.kind.splits_backward() { Seconds::ZERO } else { back.total() };
                ahead += times[0].forward.total() + behind;
            }
        }
        bound + self.durations.optimizer.iter().copied().fold(Seconds::ZERO, Seconds::max)
    }
}

impl Setup<'_> {
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
            computation: &self.computation,
            groups,
        };
        let mut pipeline = pipeline(s);
        let placement = s.schedule.placement();
        let split = self.slice_layers(s);
        // Layers differ by kind and attention window only: each sort is costed once.
        let mut sorts: BTreeMap<Sort, Passes> = BTreeMap::new();
        let slices = self.slices(&costing, &split, &mut sorts);

        let (p, v) = (s.pp as usize, pipeline.chunks as usize);
        let zero = || vec![vec![Seconds::ZERO; v]; p];
        let mut durations = Durations {
            chunks: vec![vec![ChunkTimes::default(); v]; p],
            send: self.sends(s, &shard, groups),
            gather: zero(),
            reduce: zero(),
            optimizer: vec![Seconds::ZERO; p],
            pieces: 1,
        };
        let mut costs = Costs {
            pipeline,
            order: self.own_order(s).map(|order| Arc::clone(&order.schedule)),
            durations: durations.clone(),
            microbatches: microbatches_per_chunk(&pipeline),
            memory: vec![Memory::default(); p],
            saved: vec![vec![Bytes::ZERO; v]; p],
            in_flight: Vec::new(),
            layers: vec![0; p],
            recomputed_flops: vec![0.0; p],
        };
        let mut parameters = vec![Count::default(); p];
        for stage in 0..p {
            for c in 0..v {
                let slice = &slices[placement.slice(s.pp, stage as u32, c as u32) as usize];
                durations.chunks[stage][c] = slice.times;
                costs.saved[stage][c] = slice.saved;
                costs.recomputed_flops[stage] += slice.recomputed_flops;
                costs.memory[stage].working = costs.memory[stage].working.max(slice.working);
                costs.layers[stage] += slice.layers;
                let [gather, reduce] = self.replica_communication(s, &slice.parameters, groups);
                durations.gather[stage][c] = gather;
                durations.reduce[stage][c] = reduce;
                parameters[stage] = sum(parameters[stage], slice.parameters);
            }
        }
        if self.computation.software.sends_in_line() && pipeline.chunks == 1 {
            send_in_line(&mut durations);
        }
        for times in durations.chunks.iter_mut().flatten() {
            times.forward.compute += self.device.factors.turn;
            times.input_gradient.compute += self.device.factors.turn;
        }
        pipeline.times = relative_times(&durations);
        costs.pipeline = pipeline;
        costs.in_flight = self.in_flight(&costs);
        for (stage, held) in parameters.iter().enumerate() {
            let layers = f64::from(costs.layers[stage]).max(1.0);
            let on_device = 1.0 - (f64::from(self.computation.storage.offloaded_layers) / layers).min(1.0);
            for (saved, alive) in costs.saved[stage].iter().zip(&costs.in_flight[stage]) {
                costs.memory[stage].activations += (*saved * on_device + self.piped(s, stage)) * f64::from(*alive);
            }
            costs.memory[stage].add_parameters(held, s, &self.states(s));
            costs.memory[stage].add_overhead(self.computation.software, self.pool.accelerator.memory);
            durations.optimizer[stage] = self.optimizer(s, held);
        }
        if s.overlap {
            durations.pieces = (self.model.layers / split.len().max(1) as u32).clamp(1, MOST_PIECES);
        } else {
            expose(&mut durations);
        }
        costs.durations = durations;
        costs
    }

    /// Microbatches in flight at each stage's fullest: in closed form where the chunks of a stage keep about as much, else by
    /// walking its turns.
    fn in_flight(&self, costs: &Costs) -> Vec<Vec<u32>> {
        let stages = 0..costs.pipeline.stages;
        let uneven = self.layers != LayerSplit::Even && costs.pipeline.chunks > 1;
        let walked = if uneven || costs.order.is_some() { costs.schedule().ok() } else { None };
        match walked {
            Some(schedule) => stages
                .map(|stage| schedule.fullest(stage, |chunk| costs.saved[stage as usize][chunk as usize].get().max(1.0)))
                .collect(),
            None => stages.map(|stage| costs.pipeline.in_flight(stage)).collect(),
        }
    }

    /// Every slice of the model: its layers, with the embedding on the first and the output layer on the last.
    fn slices(&self, costing: &Costing<'_>, split: &[u32], sorts: &mut BTreeMap<Sort, Passes>) -> Vec<Slice> {
        let mut first_layer = 0;
        let mut slices = Vec::with_capacity(split.len());
        for (index, layers) in split.iter().copied().enumerate() {
            let mut slice = Slice { layers, ..Slice::default() };
            if index == 0 {
                slice.add(&costing.embedding());
                slice.parameters = sum(slice.parameters, self.model.embedding_parameters());
            }
            for layer in first_layer..first_layer + layers {
                let again = costing.strategy.recompute_of(index as u32 / costing.strategy.pp * layers + layer - first_layer);
                let sort = (self.model.layer_kind(layer), self.model.window(layer), again);
                let passes = *sorts.entry(sort).or_insert_with(|| {
                    let passes = costing.layer(sort.0, sort.1, sort.2);
                    Passes {
                        working: passes.working + self.gathered(costing.strategy, &self.model.layer_parameters(sort.0)),
                        ..passes
                    }
                });
                slice.add(&passes);
                slice.parameters = sum(slice.parameters, self.model.layer_parameters(sort.0));
            }
            if index + 1 == split.len() {
                let head = costing.head();
                // The logits live from the head's forward to its backward pass, which follow each other: one microbatch, while
                // no layer is at work.
                let logits = head.saved + head.working;
                slice.add(&Passes { saved: Bytes::ZERO, working: logits, ..head });
                slice.parameters = sum(slice.parameters, Count { replicated: self.model.norm_width(), ..Count::default() });
                // With tied embeddings on one stage there is one table; otherwise the last stage holds its own.
                if !(self.model.tied_embeddings && costing.strategy.pp == 1) {
                    slice.parameters =
                        sum(slice.parameters, Count { sharded: self.model.output_parameters(), ..Count::default() });
                }
            }
            first_layer += layers;
            slices.push(slice);
        }
        slices
    }

    /// What `DeepSpeed`'s pipeline engine holds of a microbatch in flight beside what the layers keep: the stage's output, until
    /// its gradient arrives, and on the first stage the embedding's output beside its transpose, which the layers keep
    /// (`runtime/pipe/engine.py`, `pipe_buffers`). Megatron-LM frees the output's data once it is sent.
    fn piped(&self, s: &Strategy, stage: usize) -> Bytes {
        if self.computation.software != Software::MegatronDeepspeed {
            return Bytes::ZERO;
        }
        let shard = self.shard(s);
        let tensor = Bytes::new(shard.tokens() * f64::from(self.model.hidden) * self.computation.precision.activation_bytes());
        tensor * if stage == 0 { 2.0 } else { 1.0 }
    }

    /// What ZeRO-3 gathers of a layer that holds `count`.
    fn gathered(&self, s: &Strategy, count: &Count) -> Bytes {
        let parameters = count.sharded / f64::from(s.tp) + count.replicated + count.expert / f64::from(s.ep * s.etp);
        if s.zero < 3 { Bytes::ZERO } else { working::gathered(self.computation.software, parameters) }
    }

    /// Time of sending a microbatch's activations to the next stage, by stage that sends.
    ///
    /// Each tensor-parallel rank sends its part of the tensor; without sequence parallelism the parts are gathered behind the
    /// transfer (the scatter-gather optimisation of arXiv:2104.04473, section 4.1).
    fn sends(&self, s: &Strategy, shard: &Shard, groups: &Groups) -> Vec<Seconds> {
        let bytes = shard.tokens() * f64::from(self.model.hidden) * self.computation.precision.activation_bytes();
        let part = Bytes::new(bytes / f64::from(s.tp));
        let gather = if s.sp { Seconds::ZERO } else { groups.tensor.time(Operation::AllGather, Bytes::new(bytes)) };
        let over = |pair: &Communicator| pair.time(Operation::PointToPoint, part) + gather;
        let (near, far) = (over(&groups.near), over(&groups.far));
        (0..s.pp)
            .map(|stage| {
                let next = (stage + 1) % s.pp;
                let inside = self.topology.same_domain(self.pool_index, stage * groups.stage, next * groups.stage);
                match inside {
                    _ if s.pp < 2 => Seconds::ZERO,
                    true => near,
                    false => far,
                }
            })
            .collect()
    }

    /// Gathering of weights ahead of a step and reduction of gradients behind it, for the parameters of a chunk.
    fn replica_communication(&self, s: &Strategy, held: &Count, groups: &Groups) -> [Seconds; 2] {
        let gradient = gradient_bytes(self.computation.precision);
        let weight = weight_bytes(self.computation.precision);
        match s.zero {
            _ if self.computation.adapters => [Seconds::ZERO; 2],
            0 => [Seconds::ZERO, groups.all_reduce(s, held, gradient)],
            1 => [groups.gather(s, held, weight), groups.reduce_scatter(s, held, gradient)],
            2 => [groups.gather(s, held, weight), Seconds::ZERO],
            _ => [Seconds::ZERO; 2],
        }
    }

    /// Adam on the parameters that a rank updates: memory traffic.
    fn optimizer(&self, s: &Strategy, held: &Count) -> Seconds {
        let dense = held.sharded / f64::from(s.tp) + held.replicated;
        let expert = held.expert / f64::from(s.ep * s.etp);
        let [ranks, expert_ranks] = s.shards();
        let updated = if s.zero >= 1 { dense / ranks + expert / expert_ranks } else { dense + expert };
        let trained = if self.computation.adapters { 0.0 } else { updated };
        Bytes::new(trained * OPTIMIZER_TRAFFIC) / self.device.memory.bandwidth() + self.device.factors.step
    }
}

/// What layers differ by: kind, attention window, and what is computed again.
type Sort = (LayerKind, Option<u32>, Recompute);

/// A run of layers.
#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    times: ChunkTimes,
    saved: Bytes,
    working: Bytes,
    recomputed_flops: f64,
    parameters: Count,
    layers: u32,
}

impl Slice {
    fn add(&mut self, passes: &Passes) {
        self.times.forward += passes.forward;
        self.times.recompute += passes.recompute;
        self.times.input_gradient += passes.input_gradient;
        self.times.weight_gradient += passes.weight_gradient;
        self.saved += passes.saved;
        self.working = self.working.max(passes.working);
        self.recomputed_flops += passes.recomputed_flops;
    }
}

/// The pipeline of a layout, its times still open. The heuristic schedule keeps to the memory of 1F1B.
fn pipeline(s: &Strategy) -> Pipeline {
    let chunks = s.schedule.chunks().unwrap_or(s.vp);
    let times = Times { forward: 1.0, input_gradient: 1.0, weight_gradient: 1.0, transfer: 0.0 };
    Pipeline { kind: s.schedule, stages: s.pp, chunks, microbatches: s.microbatches, memory_limit: s.pp, times }
}

/// Microbatches that one chunk works on: half of them where each direction has its own copy of the model.
fn microbatches_per_chunk(pipeline: &Pipeline) -> f64 {
    let all = f64::from(pipeline.microbatches);
    if pipeline.kind.placement() == Placement::Bidirectional { all / 2.0 } else { all }
}

/// Mean times of a chunk's turns: what a heuristic schedule goes by.
fn relative_times(durations: &Durations) -> Times {
    let all: Vec<&ChunkTimes> = durations.chunks.iter().flatten().collect();
    let mean =
        |of: &dyn Fn(&ChunkTimes) -> f64| (all.iter().map(|times| of(times)).sum::<f64>() / all.len().max(1) as f64).max(1e-12);
    Times {
        forward: mean(&|times| times.forward.total().get()),
        input_gradient: mean(&|times| (times.recompute + times.input_gradient).total().get()),
        weight_gradient: mean(&|times| times.weight_gradient.total().get()),
        transfer: durations.send.first().map_or(0.0, |time| time.get()),
    }
}

/// Transfers that the sender waits for: part of its turn, not of the way to the next stage.
fn send_in_line(durations: &mut Durations) {
    let last = durations.chunks.len() - 1;
    for (stage, chunks) in durations.chunks.iter_mut().enumerate() {
        for times in chunks {
            if stage < last {
                times.forward.pipeline += durations.send[stage];
            }
            if stage > 0 {
                times.input_gradient.pipeline += durations.send[stage - 1];
            }
        }
    }
    durations.send.fill(Seconds::ZERO);
}

/// Without overlap the reduction of all chunks stands behind the last backward pass, and the gathering behind the optimizer.
fn expose(durations: &mut Durations) {
    for stage in 0..durations.chunks.len() {
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
