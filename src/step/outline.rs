//! What a layout costs, equal slices of the model said once: enough for its memory, a bound on its time, and its time itself.
//!
//! A pipeline has hundreds of slices and four or five sorts of them, so that an outline takes a microsecond where
//! [`Costs`](super::Costs), which lays everything out by stage and chunk, takes many. `Costs` is made from it.

use std::borrow::Cow;

use super::costs::MOST_PIECES;
use super::durations::ChunkTimes;
use super::graph::Lanes;
use super::memory::{Memory, Peak};
use super::pieces::Pieces;
use super::schedule::{Pipeline, Placement, Schedule, ScheduleError, Times};
use super::setup::Setup;
use super::sides::{PoolGroups, Sides};
use super::slice::Slice;
use crate::model::Count;
use crate::parallel::{LayerDeal, LayerSplit, Strategy};
use crate::spec::ScheduleKind;
use crate::units::{Bytes, Seconds};

/// A bound adds up in another order than the time that it bounds, and may be rounded up where both are the same: it is taken so much
/// less, and a layout that is as good as another is costed like it.
const A_HAIR_BELOW: f64 = 1.0 - 1e-12;

/// What a layout costs.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The layout.
    pub(super) strategy: Strategy,
    /// The pipeline.
    pub(super) pipeline: Pipeline,
    placement: Placement,
    sorts: Vec<Slice>,
    /// Sort of each slice, in model order.
    of: Vec<u16>,
    /// Transfer to the stage behind and to the one before, by stage that sends.
    pub(super) sends: Vec<[Seconds; 2]>,
    /// Whether the sender waits for it.
    in_line: bool,
    /// Stages where what it holds changes from the stage before.
    changes: Vec<u32>,
    pub(super) pieces: u32,
    layers: Vec<u32>,
    alive: Vec<u32>,
    /// The last schedule that was walked: layouts that differ in how replicas share their states have one.
    walked: Option<(Pipeline, Schedule)>,
}

impl Default for Outline {
    fn default() -> Self {
        let times = Times { forward: 1.0, input_gradient: 1.0, weight_gradient: 1.0, transfer: 0.0 };
        let kind = ScheduleKind::OneForwardOneBackward;
        Self {
            strategy: Strategy::default(),
            pipeline: Pipeline { kind, stages: 1, chunks: 1, microbatches: 1, memory_limit: 1, times },
            placement: Placement::Looped,
            sorts: Vec::new(),
            of: Vec::new(),
            sends: Vec::new(),
            in_line: false,
            changes: Vec::new(),
            pieces: 1,
            layers: Vec::new(),
            alive: Vec::new(),
            walked: None,
        }
    }
}

impl Outline {
    /// What a chunk of a stage holds.
    pub(super) fn slice(&self, stage: u32, chunk: u32) -> &Slice {
        &self.sorts[self.of[self.placement.slice(self.pipeline.stages, stage, chunk) as usize] as usize]
    }

    /// Times of a chunk's passes: what the slice takes, and transfers that the sender waits for.
    pub(super) fn times(&self, stage: u32, chunk: u32) -> ChunkTimes {
        let mut times = self.slice(stage, chunk).times;
        if self.in_line {
            if stage + 1 < self.pipeline.stages {
                times.forward.pipeline += self.sends[stage as usize][0];
            }
            if stage > 0 {
                times.input_gradient.pipeline += self.sends[stage as usize - 1][0];
            }
        }
        times
    }

    /// Transfer to the stage behind and to the one before that runs beside the sender's work.
    pub(super) fn send(&self, stage: u32) -> [Seconds; 2] {
        if self.in_line { [Seconds::ZERO; 2] } else { self.sends[stage as usize] }
    }

    /// Gathering and reduction of a chunk; without overlap the first chunk has all of the stage's reduction.
    pub(super) fn replicas(&self, stage: u32, chunk: u32) -> [Seconds; 2] {
        let slice = self.slice(stage, chunk);
        match (self.strategy.overlap, chunk) {
            (true, _) => [slice.gather, slice.reduce],
            (false, 0) => [Seconds::ZERO, (0..self.pipeline.chunks).map(|chunk| self.slice(stage, chunk).reduce).sum()],
            (false, _) => [Seconds::ZERO; 2],
        }
    }

    /// Microbatches that each chunk works on: half of them where each direction has its own copy of the model.
    pub(super) fn microbatches(&self) -> f64 {
        let all = f64::from(self.pipeline.microbatches);
        if self.placement == Placement::Bidirectional { all / 2.0 } else { all }
    }

    /// A time that no order of the tasks can beat: the slowest stage's own work and the optimizer; for schedules in which every
    /// microbatch goes from the first stage to the last and back, behind the first forward passes of the stages before it and,
    /// where a stage ends with an input gradient, ahead of their last backward passes, transfers between them included.
    #[must_use]
    pub fn lower_bound(&self, setup: &Setup<'_>) -> Seconds {
        let kind = self.pipeline.kind;
        let microbatches = self.microbatches();
        let one_way = kind.placement() != Placement::Bidirectional;
        // A stage that puts weight gradients off may end with one, which no other stage waits for.
        let returns = !kind.splits_backward();
        // Without overlap a stage of a loop reduces behind all of its passes.
        let reduces_last = !self.strategy.overlap && returns && kind.placement() == Placement::Looped;
        let mut ahead = Seconds::ZERO;
        let mut behind = Seconds::ZERO;
        let mut bound = Seconds::ZERO;
        for stage in 0..self.pipeline.stages {
            let mut work = Seconds::ZERO;
            for chunk in 0..self.pipeline.chunks {
                let whole = self.times(stage, chunk).whole();
                // Overlapped passes hide communication, never computation.
                work += if kind.pairs() { whole.compute } else { whole.total() };
            }
            let end = ahead + work * microbatches;
            bound = bound.max(end + behind);
            if reduces_last {
                bound = bound.max(end + self.replicas(stage, 0)[1]);
            }
            if one_way && stage + 1 < self.pipeline.stages {
                // Chunk 0 holds the slices that every microbatch meets first, and last of all on the way back.
                let first = self.times(stage, 0);
                ahead += first.forward.total() + self.send(stage)[0];
                if returns {
                    let back = first.recompute + first.input_gradient + first.weight_gradient;
                    behind += back.total() + self.send(stage + 1)[1];
                }
            }
        }
        (bound + self.optimizer(setup)) * A_HAIR_BELOW
    }

    /// The slowest stage's optimizer, with the gathering behind it where nothing overlaps.
    #[must_use]
    pub fn optimizer(&self, setup: &Setup<'_>) -> Seconds {
        self.changes.iter().map(|stage| self.stage_optimizer(setup, *stage)).fold(Seconds::ZERO, Seconds::max)
    }

    pub(super) fn stage_optimizer(&self, setup: &Setup<'_>, stage: u32) -> Seconds {
        let gather = || (0..self.pipeline.chunks).map(|chunk| self.slice(stage, chunk).gather).sum::<Seconds>();
        let exposed = if self.strategy.overlap { Seconds::ZERO } else { gather() };
        setup.at(&self.strategy, stage).optimizer(&self.strategy, &self.parameters(stage)) + exposed
    }

    pub(super) fn parameters(&self, stage: u32) -> Count {
        (0..self.pipeline.chunks).fold(Count::default(), |sum, chunk| {
            let held = &self.slice(stage, chunk).parameters;
            Count {
                sharded: sum.sharded + held.sharded,
                replicated: sum.replicated + held.replicated,
                expert: sum.expert + held.expert,
            }
        })
    }

    /// The fullest accelerator.
    #[must_use]
    pub fn peak_memory(&mut self, setup: &Setup<'_>) -> Peak {
        let mut peak = Peak { memory: Bytes::ZERO, of: setup.pool.accelerator.memory };
        if self.is_walked(setup) {
            let known = self.walked.take().filter(|(pipeline, _)| *pipeline == self.pipeline);
            let Some((pipeline, schedule)) = known.or_else(|| Some((self.pipeline, setup.schedule(self).ok()?.into_owned())))
            else {
                return peak;
            };
            for (stage, alive) in self.walk(&schedule).iter().enumerate() {
                peak = peak.fuller(self.peak_of(setup, stage as u32, alive));
            }
            self.walked = Some((pipeline, schedule));
            return peak;
        }
        // Of stages that hold the same, the first keeps most microbatches in every schedule but those with two ends on a stage.
        let all = self.pipeline.stages;
        let falls = self.placement == Placement::Looped;
        let mut alive = std::mem::take(&mut self.alive);
        let stages = if falls { self.changes.len() as u32 } else { all };
        for index in 0..stages {
            let stage = if falls { self.changes[index as usize] } else { index };
            self.pipeline.in_flight_into(stage, &mut alive);
            peak = peak.fuller(self.peak_of(setup, stage, &alive));
        }
        self.alive = alive;
        peak
    }

    fn peak_of(&self, setup: &Setup<'_>, stage: u32, alive: &[u32]) -> Peak {
        let setup = setup.at(&self.strategy, stage);
        Peak { memory: self.memory(setup, stage, alive).total(), of: setup.pool.accelerator.memory }
    }

    /// Whether microbatches in flight are counted by walking the turns: where the chunks of a stage keep different amounts, or
    /// there is no closed form.
    pub(super) fn is_walked(&self, setup: &Setup<'_>) -> bool {
        let s = &self.strategy;
        let dealt = setup.layers != LayerSplit::Even || s.split != LayerDeal::Even || s.seam.is_some();
        let uneven = dealt && self.pipeline.chunks > 1;
        uneven || self.pipeline.kind == ScheduleKind::ZbAuto || setup.own_order(&self.strategy).is_some()
    }

    /// Microbatches in flight at each stage's fullest, by walking its turns.
    pub(super) fn walked(&self, setup: &Setup<'_>) -> Vec<Vec<u32>> {
        setup.schedule(self).map(|schedule| self.walk(&schedule)).unwrap_or_default()
    }

    fn walk(&self, schedule: &Schedule) -> Vec<Vec<u32>> {
        (0..self.pipeline.stages)
            .map(|stage| schedule.fullest(stage, |chunk| self.slice(stage, chunk).saved.get().max(1.0)))
            .collect()
    }

    /// What an accelerator of a stage holds with `alive` microbatches of each chunk in flight; `setup` is of its pool.
    pub(super) fn memory(&self, setup: &Setup<'_>, stage: u32, alive: &[u32]) -> Memory {
        let mut memory = Memory::default();
        let layers: u32 = (0..self.pipeline.chunks).map(|chunk| self.slice(stage, chunk).layers).sum();
        let offloaded = f64::from(setup.computation.storage.offloaded_layers) / f64::from(layers).max(1.0);
        let on_device = 1.0 - offloaded.min(1.0);
        let piped = setup.piped(&self.strategy, stage as usize);
        for (chunk, alive) in alive.iter().enumerate() {
            memory.activations += (self.slice(stage, chunk as u32).saved * on_device + piped) * f64::from(*alive);
        }
        for chunk in 0..self.pipeline.chunks {
            memory.working = memory.working.max(self.slice(stage, chunk).working);
        }
        memory.add_parameters(&self.parameters(stage), &self.strategy, &setup.states(&self.strategy));
        memory.add_overhead(setup.computation.software, setup.pool.accelerator.memory);
        memory
    }

    /// Writes the durations into a lane.
    pub fn fill<const L: usize>(&self, setup: &Setup<'_>, lanes: &mut Lanes<L>, lane: usize) {
        for stage in 0..self.pipeline.stages {
            for chunk in 0..self.pipeline.chunks {
                let at = (stage as usize, chunk as usize);
                lanes.set_chunk(lane, at, &self.times(stage, chunk), self.replicas(stage, chunk));
            }
            lanes.set_send(lane, stage as usize, self.send(stage));
        }
        lanes.set_step(lane, self.pieces, self.optimizer(setup));
    }

    /// The layout.
    #[must_use]
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The pipeline that it runs.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }
}

impl Setup<'_> {
    /// What every stage runs.
    ///
    /// # Errors
    /// When the schedule does not run in this shape.
    pub fn schedule(&self, outline: &Outline) -> Result<Cow<'_, Schedule>, ScheduleError> {
        match self.own_order(&outline.strategy) {
            Some(order) => Ok(Cow::Borrowed(order.schedule.as_ref())),
            None => outline.pipeline.schedule().map(Cow::Owned),
        }
    }

    /// What a layout costs, into `outline`, whose memory is used again. `pieces` and `groups` are those of the layout.
    pub fn outline(&self, s: &Strategy, pieces: &Sides<Pieces>, groups: &PoolGroups, outline: &mut Outline) {
        let chunks = s.chunks();
        // The heuristic schedule keeps to the memory of 1F1B.
        let open = Times { forward: 1.0, input_gradient: 1.0, weight_gradient: 1.0, transfer: 0.0 };
        outline.pipeline =
            Pipeline { kind: s.schedule, stages: s.pp, chunks, microbatches: s.microbatches, memory_limit: s.pp, times: open };
        outline.strategy = *s;
        outline.placement = s.schedule.placement();
        outline.in_line = self.computation.software.sends_in_line() && chunks == 1;
        let mut layers = std::mem::take(&mut outline.layers);
        self.slice_layers_into(s, &mut layers);
        outline.sorts.clear();
        outline.of.clear();
        let mut first = 0;
        for (index, count) in layers.iter().copied().enumerate() {
            let ends = [index == 0, index + 1 == layers.len()];
            let side = s.side_of_slice(index as u32);
            let (all, again) = self.slice_sorts(s, index as u32, first, count);
            let key = (all, again, ends, side as u8);
            let found = outline.sorts.iter().rposition(|slice| slice.key == key);
            let sort = found.unwrap_or_else(|| {
                let own = self.side(side);
                outline.sorts.push(own.slice_costs(s, pieces.of(side), groups.sides.of(side), key));
                outline.sorts.len() - 1
            });
            outline.of.push(sort as u16);
            first += count;
        }
        let slices = layers.len().max(1);
        outline.layers = layers;
        self.sends_into(s, groups, &mut outline.sends);
        outline.pieces = if s.overlap { (self.model.layers / slices as u32).clamp(1, MOST_PIECES) } else { 1 };
        outline.changes.clear();
        for stage in 0..s.pp {
            let sort = |stage, chunk| outline.of[outline.placement.slice(s.pp, stage, chunk) as usize];
            // The first stage alone may hold buffers of its own.
            if stage < 2 || (0..chunks).any(|chunk| sort(stage, chunk) != sort(stage - 1, chunk)) {
                outline.changes.push(stage);
            }
        }
        if s.schedule == ScheduleKind::ZbAuto {
            outline.pipeline.times = outline.relative_times();
        }
    }
}

impl Outline {
    /// Mean times of a chunk's turns: what a heuristic schedule goes by.
    fn relative_times(&self) -> Times {
        let (p, v) = (self.pipeline.stages, self.pipeline.chunks);
        let mean = |of: &dyn Fn(&ChunkTimes) -> f64| {
            let all: f64 =
                (0..p).flat_map(|stage| (0..v).map(move |chunk| (stage, chunk))).map(|(i, c)| of(&self.times(i, c))).sum();
            (all / f64::from((p * v).max(1))).max(1e-12)
        };
        Times {
            forward: mean(&|times| times.forward.total().get()),
            input_gradient: mean(&|times| (times.recompute + times.input_gradient).total().get()),
            weight_gradient: mean(&|times| times.weight_gradient.total().get()),
            transfer: self.send(0)[0].get(),
        }
    }
}
