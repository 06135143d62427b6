//! What a layout costs each stage: durations of its turns, transfers and reductions, and memory.

use std::borrow::Cow;
use std::sync::Arc;

use super::durations::Durations;
use super::layer::Spent;
use super::memory::{Memory, Peak};
use super::outline::Outline;
use super::schedule::{Pipeline, Schedule, ScheduleError};
use super::setup::Setup;
use super::sides::PoolGroups;
use crate::model::Count;
use crate::parallel::Strategy;
use crate::spec::Software;
use crate::units::{Bytes, Seconds};

/// Bytes that Adam reads and writes per parameter: gradient, master weight and two moments read, three of them and the 16-bit
/// weight written, and the gradient read once more for its norm.
const OPTIMIZER_TRAFFIC: f64 = 34.0;
/// Pieces that a chunk's first and last passes are cut into when communication runs beside them.
pub(super) const MOST_PIECES: u32 = 8;

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
    /// What that accelerator has.
    pub capacity: Vec<Bytes>,
    /// Bytes that a microbatch keeps on a chunk, `[stage][chunk]`.
    pub saved: Vec<Vec<Bytes>>,
    /// Microbatches of each chunk between forward and backward pass when the stage keeps most, `[stage][chunk]`.
    pub in_flight: Vec<Vec<u32>>,
    /// Layers of each stage.
    pub layers: Vec<u32>,
    /// FLOPs that recomputation runs again, of one microbatch, on one accelerator of each stage.
    pub recomputed_flops: Vec<f64>,
    /// See [`Outline::lower_bound`].
    pub lower_bound: Seconds,
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

    /// The fullest accelerator.
    #[must_use]
    pub fn fullest(&self) -> Peak {
        let peaks = self.memory.iter().zip(&self.capacity).map(|(held, of)| Peak { memory: held.total(), of: *of });
        peaks.reduce(Peak::fuller).unwrap_or_default()
    }

    /// What it holds.
    #[must_use]
    pub fn peak_memory(&self) -> Bytes {
        self.fullest().memory
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
}

impl Setup<'_> {
    /// What a legal layout costs each stage.
    #[must_use]
    pub fn costs(&self, strategy: &Strategy) -> Costs {
        self.costs_with(strategy, &self.pool_groups(strategy))
    }

    /// The same with the groups of [`Self::pool_groups`], which many layouts share.
    #[must_use]
    pub fn costs_with(&self, strategy: &Strategy, groups: &PoolGroups) -> Costs {
        let mut outline = Outline::default();
        let pieces = self.pool_pieces(strategy, &self.pool_kernels(strategy), groups);
        self.outline(strategy, &pieces, groups, &mut outline);
        self.laid_out(&outline)
    }

    /// An outline by stage and chunk.
    #[must_use]
    pub fn laid_out(&self, outline: &Outline) -> Costs {
        let pipeline = *outline.pipeline();
        let (p, v) = (pipeline.stages, pipeline.chunks);
        let by_chunk = |stage: u32| (0..v).map(move |chunk| (stage, chunk));
        let in_flight = if outline.is_walked(self) {
            outline.walked(self)
        } else {
            (0..p).map(|stage| pipeline.in_flight(stage)).collect()
        };
        let [mut gather, mut reduce] = [Vec::new(), Vec::new()];
        for stage in 0..p {
            let both: Vec<[Seconds; 2]> = by_chunk(stage).map(|(i, c)| outline.replicas(i, c)).collect();
            gather.push(both.iter().map(|[gather, _]| *gather).collect());
            reduce.push(both.iter().map(|[_, reduce]| *reduce).collect());
        }
        let slices = |stage| by_chunk(stage).map(|(i, c)| outline.slice(i, c));
        Costs {
            pipeline,
            order: self.own_order(&outline.strategy).map(|order| Arc::clone(&order.schedule)),
            durations: Durations {
                chunks: (0..p).map(|stage| by_chunk(stage).map(|(i, c)| outline.times(i, c)).collect()).collect(),
                send: (0..p).map(|stage| outline.send(stage)).collect(),
                gather,
                reduce,
                optimizer: (0..p).map(|stage| outline.stage_optimizer(self, stage)).collect(),
                pieces: outline.pieces,
            },
            microbatches: outline.microbatches(),
            memory: in_flight
                .iter()
                .enumerate()
                .map(|(stage, alive)| outline.memory(self.at(&outline.strategy, stage as u32), stage as u32, alive))
                .collect(),
            capacity: (0..p).map(|stage| self.at(&outline.strategy, stage).pool.accelerator.memory).collect(),
            saved: (0..p).map(|stage| slices(stage).map(|slice| slice.saved).collect()).collect(),
            in_flight,
            layers: (0..p).map(|stage| slices(stage).map(|slice| slice.layers).sum()).collect(),
            recomputed_flops: (0..p).map(|stage| slices(stage).map(|slice| slice.recomputed_flops).sum()).collect(),
            lower_bound: outline.lower_bound(self),
        }
    }

    /// What `DeepSpeed`'s pipeline engine holds of a microbatch in flight beside what the layers keep: the stage's output, until
    /// its gradient arrives, and on the first stage the embedding's output beside its transpose, which the layers keep
    /// (`runtime/pipe/engine.py`, `pipe_buffers`). Megatron-LM frees the output's data once it is sent.
    pub(super) fn piped(&self, s: &Strategy, stage: usize) -> Bytes {
        if self.computation.software != Software::MegatronDeepspeed {
            return Bytes::ZERO;
        }
        let shard = self.shard(s);
        let tensor = Bytes::new(shard.tokens() * f64::from(self.model.hidden) * self.computation.precision.activation_bytes());
        tensor * if stage == 0 { 2.0 } else { 1.0 }
    }

    /// Adam on the parameters that a rank updates: memory traffic.
    pub(super) fn optimizer(&self, s: &Strategy, held: &Count) -> Seconds {
        let dense = held.sharded / f64::from(s.tp) + held.replicated;
        let expert = held.expert / f64::from(s.ep * s.etp);
        let [ranks, expert_ranks] = s.shards();
        let updated = if s.zero >= 1 { dense / ranks + expert / expert_ranks } else { dense + expert };
        let trained = if self.computation.adapters { 0.0 } else { updated };
        Bytes::new(trained * OPTIMIZER_TRAFFIC) / self.device.memory.bandwidth() + self.device.factors.step
    }
}
