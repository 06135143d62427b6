//! Layouts costed in full, those that run the same schedule side by side.

use std::cmp::Ordering;

use super::wanted::{Deadline, Objective, Wanted};
use crate::parallel::Strategy;
use crate::step::graph::{Lanes, Replay, Scratch};
use crate::step::schedule::Pipeline;
use crate::step::{Outline, Setup};
use crate::units::{Bytes, Seconds};

/// Layouts side by side.
const LANES: usize = 8;

/// A layout with what it costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    /// The layout.
    pub(super) strategy: Strategy,
    /// Memory of the fullest accelerator.
    pub(super) memory: Bytes,
    /// Time of a step.
    pub(super) step_time: Seconds,
    /// How good it is: less is better.
    pub(super) score: f64,
}

impl Layout {
    /// What is told apart among the best.
    pub(super) fn degrees(&self) -> [u32; 5] {
        let s = &self.strategy;
        [s.tp, s.cp, s.pp, s.ep, s.dp]
    }

    /// Best first; of equally good ones the one that needs less memory, then the plainer one.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then_with(|| self.memory.get().total_cmp(&other.memory.get()))
            .then_with(|| other.strategy.overlap.cmp(&self.strategy.overlap))
            .then_with(|| self.strategy.cmp(&other.strategy))
    }

    pub(super) fn before(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Less
    }
}

/// Memory that costing uses again and again.
#[derive(Default)]
pub(super) struct Coster {
    lanes: Lanes<LANES>,
    scratch: Scratch<LANES>,
    replay: Option<(Pipeline, Replay)>,
}

impl Coster {
    /// Step times of layouts, in their order. Layouts of one pipeline that follow each other are replayed side by side. A layout whose
    /// schedule cannot be run takes forever.
    pub(super) fn step_times(&mut self, setup: &Setup<'_>, outlines: &[Outline], times: &mut Vec<Seconds>) {
        times.clear();
        let mut rest = outlines;
        while let Some(first) = rest.first() {
            let alike = rest.iter().take(LANES).take_while(|outline| outline.pipeline() == first.pipeline()).count();
            let (now, later) = rest.split_at(alike);
            self.side_by_side(setup, now, times);
            rest = later;
        }
    }

    fn side_by_side(&mut self, setup: &Setup<'_>, outlines: &[Outline], times: &mut Vec<Seconds>) {
        let forever = Seconds::new(f64::INFINITY);
        let Some(first) = outlines.first() else { return };
        let pipeline = *first.pipeline();
        if self.replay.as_ref().is_none_or(|(known, _)| *known != pipeline) {
            self.replay = match setup.schedule(first) {
                Ok(schedule) => Some((pipeline, Replay::new(&schedule, pipeline.microbatches))),
                Err(_) => None,
            };
        }
        self.lanes.reset(pipeline.stages as usize, pipeline.chunks as usize, pipeline.kind.pairs());
        for (lane, outline) in outlines.iter().enumerate() {
            outline.fill(setup, &mut self.lanes, lane);
        }
        let found = self.replay.as_ref().and_then(|(_, replay)| replay.side_by_side(&self.lanes, &mut self.scratch));
        times.extend((0..outlines.len()).map(|lane| found.map_or(forever, |steps| Seconds::new(steps[lane]))));
    }
}

impl Wanted {
    /// The score of a layout of this job.
    pub(super) fn score_of(&self, setup: &Setup<'_>, s: &Strategy, step: Seconds) -> f64 {
        self.score(s, step, setup.computation.sequence, setup.pool.gpus_per_node)
    }

    /// A score with which no layout meets the deadline, interrupted or not; infinite where meeting it is not all that is wanted.
    pub(super) fn hopeless(&self, setup: &Setup<'_>) -> f64 {
        let deadline = self.deadline.as_ref().filter(|_| self.any_in_time && self.objective == Objective::Time);
        let sequence = f64::from(setup.computation.sequence);
        // The score is the time of a sequence; a hair more is rounding.
        deadline.map_or(f64::INFINITY, |deadline| deadline.within.get() * sequence / deadline.tokens.get() * (1.0 + 1e-9))
    }

    /// Whether a layout is all that is wanted.
    pub(super) fn is_enough(&self, setup: &Setup<'_>, s: &Strategy, step: Seconds) -> bool {
        let deadline = self.deadline.as_ref().filter(|_| self.any_in_time);
        deadline.is_some_and(|deadline| self.in_time(deadline, setup, s, step))
    }

    /// Whether a layout that takes no less than `least` may be wanted, where only what is in time is.
    pub(super) fn may_do(&self, setup: &Setup<'_>, s: &Strategy, least: Seconds) -> bool {
        let deadline = self.deadline.as_ref().filter(|_| self.any_in_time && self.objective == Objective::Time);
        deadline.is_none_or(|deadline| self.in_time(deadline, setup, s, least))
    }

    fn in_time(&self, deadline: &Deadline, setup: &Setup<'_>, s: &Strategy, step: Seconds) -> bool {
        let sizes = (setup.computation.sequence, setup.pool.gpus_per_node);
        self.run_time(deadline, s, step, sizes) <= deadline.within
    }
}
