//! When the turns of a pipeline of one chunk a stage run if every stage takes as long as any other: what the heuristic compares
//! its candidates by.

use super::{Times, Turn, Work};

/// How long a step takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    /// From the start of the first turn to the end of the last one.
    pub(super) step: f64,
    /// The same of the stage for which it is longest.
    pub(super) stage: f64,
}

impl Span {
    /// Whether this is faster: the step counts, then the longest stage.
    pub(super) fn beats(&self, other: &Self) -> bool {
        let alike = other.step * 1e-9;
        self.step < other.step - alike || self.step < other.step + alike && self.stage < other.stage - alike
    }

    /// The span of stages that began and ended then.
    pub(super) fn of(stages: impl Iterator<Item = (f64, f64)>) -> Self {
        stages.fold(Self { step: 0.0, stage: 0.0 }, |span, (began, ended)| Self {
            step: span.step.max(ended),
            stage: span.stage.max(ended - began),
        })
    }
}

/// When forward passes and input gradients end, by stage and microbatch; infinity for those that have not started.
pub(super) struct Ends {
    microbatches: u32,
    transfer: f64,
    forward: Vec<f64>,
    input_gradient: Vec<f64>,
}

impl Ends {
    pub(super) fn new(stages: u32, microbatches: u32, times: &Times) -> Self {
        let unset = vec![f64::INFINITY; stages as usize * microbatches as usize];
        Self { microbatches, transfer: times.transfer, forward: unset.clone(), input_gradient: unset }
    }

    fn at(&self, stage: u32, microbatch: u32) -> usize {
        stage as usize * self.microbatches as usize + microbatch as usize
    }

    /// When what a turn needs is there.
    pub(super) fn ready(&self, work: Work, stage: u32, microbatch: u32) -> f64 {
        let own = self.at(stage, microbatch);
        let each = self.microbatches as usize;
        match work {
            Work::Forward => own.checked_sub(each).map_or(0.0, |before| self.forward[before] + self.transfer),
            Work::WeightGradient => self.input_gradient[own],
            Work::Backward | Work::InputGradient => {
                let behind = self.input_gradient.get(own + each).map_or(0.0, |end| end + self.transfer);
                self.forward[own].max(behind)
            }
        }
    }

    pub(super) fn set(&mut self, work: Work, stage: u32, microbatch: u32, end: f64) {
        let own = self.at(stage, microbatch);
        match work {
            Work::Forward => self.forward[own] = end,
            Work::Backward | Work::InputGradient => self.input_gradient[own] = end,
            Work::WeightGradient => {}
        }
    }
}

/// How long a turn takes.
pub(super) const fn duration(work: Work, times: &Times) -> f64 {
    match work {
        Work::Forward => times.forward,
        Work::Backward => times.input_gradient + times.weight_gradient,
        Work::InputGradient => times.input_gradient,
        Work::WeightGradient => times.weight_gradient,
    }
}

/// The stage that waits for what a turn makes.
pub(super) fn next_stage(work: Work, stage: u32, stages: u32) -> Option<u32> {
    match work {
        Work::Forward => Some(stage + 1).filter(|next| *next < stages),
        Work::Backward | Work::InputGradient => stage.checked_sub(1),
        Work::WeightGradient => None,
    }
}

/// Runs every stage's turns as early as the order allows; nothing when they wait for each other in a circle.
pub(super) fn replay(orders: &[Vec<Turn>], microbatches: u32, times: &Times) -> Option<Span> {
    let stages = orders.len() as u32;
    let mut ends = Ends::new(stages, microbatches, times);
    let mut clocks = vec![Clock { next: 0, began: f64::INFINITY, free: 0.0 }; orders.len()];
    let mut awake: Vec<u32> = (0..stages).rev().collect();
    while let Some(stage) = awake.pop() {
        let clock = &mut clocks[stage as usize];
        while let Some(turn) = orders[stage as usize].get(clock.next) {
            let ready = ends.ready(turn.work, stage, turn.microbatch);
            if ready.is_infinite() {
                break;
            }
            let start = clock.free.max(ready);
            *clock = Clock { next: clock.next + 1, began: clock.began.min(start), free: start + duration(turn.work, times) };
            ends.set(turn.work, stage, turn.microbatch, clock.free);
            awake.extend(next_stage(turn.work, stage, stages));
        }
    }
    let done = clocks.iter().zip(orders).all(|(clock, order)| clock.next == order.len());
    done.then(|| Span::of(clocks.iter().map(|clock| (clock.began, clock.free))))
}

/// How far a stage is.
#[derive(Debug, Clone, Copy)]
struct Clock {
    next: usize,
    began: f64,
    free: f64,
}
