//! The estimate of one step: how long, where the time goes, how much memory.

use serde::Serialize;

use super::costs::Costs;
use super::durations::{ChunkTimes, Durations, overlapped};
use super::graph::{Deadlock, Replay, TaskGraph};
use super::layer::Spent;
use super::memory::{Memory, Peak};
use super::schedule::{ScheduleError, Turn, Work};
use super::setup::Setup;
use crate::parallel::Strategy;
use crate::units::{Bytes, Flop, FlopPerSecond, Seconds, Tokens, TokensPerSecond};

/// The estimate of one training step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepEstimate {
    /// The layout.
    pub strategy: Strategy,
    /// Accelerators that it runs on.
    pub gpus: u64,
    /// Tokens of a step.
    pub tokens_per_step: Tokens,
    /// Time of a step.
    #[serde(rename = "step_time_s")]
    pub step_time: Seconds,
    /// Tokens per second of the whole job.
    pub tokens_per_s: TokensPerSecond,
    /// FLOPs of the model in a step: a multiply-add is two, causal attention counts half, recomputation does not count.
    #[serde(rename = "model_flop")]
    pub model_flops: Flop,
    /// The same with what recomputation runs again.
    #[serde(rename = "hardware_flop")]
    pub hardware_flops: Flop,
    /// Dense peak of one accelerator, the denominator of MFU; over two pools the mean of all accelerators.
    #[serde(rename = "peak_flop_per_s")]
    pub peak: FlopPerSecond,
    /// Model FLOPs utilisation.
    pub mfu: f64,
    /// Hardware FLOPs utilisation.
    pub hfu: f64,
    /// Where the time of the busiest stage goes.
    pub breakdown: Breakdown,
    /// The stage with the most work of its own, which the breakdown is of.
    pub busiest_stage: u32,
    /// Stage by stage.
    pub stages: Vec<StageEstimate>,
    /// Memory of one accelerator; over two pools, of the fullest one.
    #[serde(rename = "memory_capacity_bytes")]
    pub memory_capacity: Bytes,
    /// Turns of all stages' compute streams.
    pub turns: usize,
    /// What is on each pool of a pipeline over two.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolPart>,
}

/// What of a layout is on one of its pools.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PoolPart {
    /// The pool.
    pub pool: String,
    /// Its accelerator.
    pub accelerator: String,
    /// Stages on it.
    pub stages: u32,
    /// Layers on them.
    pub layers: u32,
    /// Accelerators.
    pub gpus: u64,
    /// Dense peak of one of them.
    #[serde(rename = "peak_flop_per_s")]
    pub peak: FlopPerSecond,
    /// Memory of one of them.
    #[serde(rename = "memory_capacity_bytes")]
    pub memory_capacity: Bytes,
}

/// Where the time of a step goes, on the busiest stage; the parts add up to the step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Breakdown {
    /// Kernels, recomputation left out.
    #[serde(rename = "compute_s")]
    pub compute: Seconds,
    /// Recomputation, with the collectives that it repeats.
    #[serde(rename = "recompute_s")]
    pub recompute: Seconds,
    /// Exposed tensor-parallel communication.
    #[serde(rename = "tensor_parallel_s")]
    pub tensor: Seconds,
    /// Exposed context-parallel communication.
    #[serde(rename = "context_parallel_s")]
    pub context: Seconds,
    /// Exposed expert-parallel communication.
    #[serde(rename = "expert_parallel_s")]
    pub expert: Seconds,
    /// Exposed data-parallel communication: gradients, and weights that ZeRO divides.
    #[serde(rename = "data_parallel_s")]
    pub data: Seconds,
    /// Exposed transfers between stages.
    #[serde(rename = "pipeline_parallel_s")]
    pub pipeline: Seconds,
    /// Waiting for other stages.
    #[serde(rename = "bubble_s")]
    pub bubble: Seconds,
    /// Optimizer.
    #[serde(rename = "optimizer_s")]
    pub optimizer: Seconds,
}

impl Breakdown {
    /// The parts with their names, in a fixed order.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, Seconds); 9] {
        [
            ("compute", self.compute),
            ("recompute", self.recompute),
            ("tensor-parallel", self.tensor),
            ("context-parallel", self.context),
            ("expert-parallel", self.expert),
            ("data-parallel", self.data),
            ("pipeline transfers", self.pipeline),
            ("pipeline bubble", self.bubble),
            ("optimizer", self.optimizer),
        ]
    }

    /// Communication that computation waits for.
    #[must_use]
    pub fn exposed_communication(&self) -> Seconds {
        self.tensor + self.context + self.expert + self.data + self.pipeline
    }
}

/// One pipeline stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StageEstimate {
    /// Its number.
    pub stage: u32,
    /// Its layers.
    pub layers: u32,
    /// Time in which it computes or communicates in line.
    #[serde(rename = "busy_s")]
    pub busy: Seconds,
    /// Time in which it waits.
    #[serde(rename = "idle_s")]
    pub idle: Seconds,
    /// What an accelerator of it holds at its fullest.
    pub memory: Memory,
    /// What that accelerator has.
    #[serde(skip)]
    pub capacity: Bytes,
}

impl StageEstimate {
    /// An accelerator of it at its fullest.
    #[must_use]
    pub fn peak(&self) -> Peak {
        Peak { memory: self.memory.total(), of: self.capacity }
    }
}

impl StepEstimate {
    /// The stage whose accelerators are fullest.
    #[must_use]
    pub fn fullest(&self) -> Option<&StageEstimate> {
        self.stages.iter().reduce(|a, b| if a.peak().fuller(b.peak()) == a.peak() { a } else { b })
    }
}

impl Setup<'_> {
    /// The step time of a layout from its costs: the longest path of its task graph, replayed in compact form.
    ///
    /// # Errors
    /// When the schedule is not legal or deadlocks.
    pub fn step_time(&self, costs: &Costs) -> Result<Seconds, StepError> {
        let schedule = costs.schedule()?;
        let replay = Replay::new(&schedule, costs.pipeline.microbatches);
        Ok(replay.checked(&schedule, costs.pipeline.microbatches, &costs.durations)?.step)
    }

    /// The task graph of a layout, for its timeline.
    ///
    /// # Errors
    /// When the schedule is not legal or deadlocks.
    pub fn task_graph(&self, costs: &Costs) -> Result<TaskGraph, StepError> {
        let schedule = costs.schedule()?;
        Ok(TaskGraph::new(&schedule, costs.pipeline.microbatches, &costs.durations)?)
    }

    /// The estimate of a legal layout.
    ///
    /// # Errors
    /// When the schedule is not legal or deadlocks.
    pub fn estimate(&self, strategy: &Strategy, costs: &Costs) -> Result<StepEstimate, StepError> {
        let schedule = costs.schedule()?;
        let replay = Replay::new(&schedule, costs.pipeline.microbatches);
        let run = |durations: &Durations| {
            replay.checked(&schedule, costs.pipeline.microbatches, durations).map(|outcome| outcome.step)
        };
        let step_time = run(&costs.durations)?;
        // What replicas' communication and transfers cost is what the step is shorter by without them.
        let alone = costs.durations.without_replicas();
        let without_data = run(&alone)?;
        let without_transfers = run(&alone.without_transfers())?;

        let busy: Vec<Seconds> =
            schedule.orders.iter().enumerate().map(|(stage, order)| own_work(order, &costs.durations.chunks[stage])).collect();
        let busiest = (0..busy.len()).fold(0, |best, stage| if busy[stage] > busy[best] { stage } else { best });
        let optimizer = costs.durations.optimizer.iter().copied().fold(Seconds::ZERO, Seconds::max);
        let (once, recomputed) = exposed(costs, busiest, busy[busiest]);
        let breakdown = Breakdown {
            compute: once.compute,
            recompute: recomputed.total(),
            tensor: once.tensor,
            context: once.context,
            expert: once.expert,
            data: once.weights + (step_time - without_data),
            pipeline: once.pipeline + (without_data - without_transfers),
            bubble: rounded_off(without_transfers - busy[busiest] - optimizer, step_time),
            optimizer,
        };

        let gpus = strategy.gpus();
        let tokens = Tokens::new(strategy.sequences() as f64 * f64::from(self.computation.sequence));
        let model_flops = self.model.flops(self.computation.sequence).model() * strategy.sequences() as f64;
        let replicas = f64::from(strategy.tp * strategy.cp) * f64::from(strategy.dp);
        let repeated_flops: f64 = costs.recomputed_flops.iter().map(|stage| stage * costs.microbatches * replicas).sum();
        let hardware_flops = model_flops + Flop::new(repeated_flops);
        let peak = self.peak(strategy);
        let capacity = peak * step_time * gpus as f64;
        Ok(StepEstimate {
            strategy: *strategy,
            gpus,
            tokens_per_step: tokens,
            step_time,
            tokens_per_s: tokens / step_time,
            model_flops,
            hardware_flops,
            peak,
            mfu: model_flops / capacity,
            hfu: hardware_flops / capacity,
            breakdown,
            busiest_stage: busiest as u32,
            stages: (0..busy.len())
                .map(|stage| StageEstimate {
                    stage: stage as u32,
                    layers: costs.layers[stage],
                    busy: busy[stage],
                    idle: (step_time - busy[stage] - optimizer).max(Seconds::ZERO),
                    memory: costs.memory[stage],
                    capacity: costs.capacity[stage],
                })
                .collect(),
            memory_capacity: costs.fullest().of,
            turns: replay.len(),
            pools: if strategy.seam.is_some() { self.pool_parts(strategy, costs) } else { Vec::new() },
        })
    }
}

impl Setup<'_> {
    fn pool_parts(&self, s: &Strategy, costs: &Costs) -> Vec<PoolPart> {
        let layers = |side: usize| (0..).zip(&costs.layers).filter(|(stage, _)| s.side(*stage) == side).map(|(_, n)| n).sum();
        let part = |(side, (own, part)): (usize, (&Self, Strategy))| PoolPart {
            pool: own.pool.name.clone(),
            accelerator: own.pool.accelerator.title.clone(),
            stages: part.pp,
            layers: layers(side),
            gpus: part.gpus(),
            peak: own.device.linear.peak,
            memory_capacity: own.pool.accelerator.memory,
        };
        self.parts(s).enumerate().map(part).collect()
    }
}

/// Why a layout has no step time.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StepError {
    /// The schedule's own rules are not met.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Its tasks wait for each other in a circle.
    #[error(transparent)]
    Deadlock(#[from] Deadlock),
}

/// Time of a stage's turns, overlapped ones counted together.
fn own_work(order: &[Turn], chunks: &[ChunkTimes]) -> Seconds {
    let mut total = Seconds::ZERO;
    let mut turns = order.iter();
    while let Some(turn) = turns.next() {
        let times = &chunks[turn.chunk as usize];
        total += match turns.as_slice().first().filter(|_| turn.paired) {
            Some(other) => {
                turns.next();
                let (forward, backward) = if turn.work == Work::Forward { (turn, other) } else { (other, turn) };
                overlapped(&chunks[forward.chunk as usize], &chunks[backward.chunk as usize])
            }
            None => times.of(turn.work),
        };
    }
    total
}

/// Time of a stage's passes, without and of recomputation, the communication scaled to the part that overlapping leaves exposed.
fn exposed(costs: &Costs, stage: usize, busy: Seconds) -> (Spent, Spent) {
    let (all, recomputed) = (costs.spent(stage), costs.recomputed(stage));
    let communication = all.total() - all.compute;
    let hidden = (all.total() - busy).max(Seconds::ZERO);
    let share = if communication.get() > 0.0 { ((communication - hidden) / communication).clamp(0.0, 1.0) } else { 1.0 };
    let scaled = |spent: Spent| Spent { compute: spent.compute, ..spent * share };
    (scaled(all - recomputed), scaled(recomputed))
}

/// A difference of times that is nothing but rounding is nothing.
fn rounded_off(difference: Seconds, of: Seconds) -> Seconds {
    if difference.get() > of.get() * 1e-9 { difference } else { Seconds::ZERO }
}
