//! What the pictures of a step are drawn from, and what they tell apart.
//!
//! Pictures show *turns*: a pass of one microbatch through one chunk, made of tasks that run one behind the other on the
//! compute stream. A backward pass whose weight gradient follows at once is one turn; in a schedule that puts weight gradients
//! off, they are turns of their own.

use crate::step::durations::Part;
use crate::step::graph::{Placed, Stream, Task, TaskKind, Timeline};
use crate::units::{Bytes, Seconds};

/// A step as pictures need it.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What the picture is called.
    pub title: &'a str,
    /// Pipeline stages.
    pub stages: u32,
    /// When every task runs.
    pub timeline: &'a Timeline,
    /// Memory of each stage after each change, in the order of time; may be empty.
    pub memory: &'a [Vec<(Seconds, Bytes)>],
    /// What one accelerator of each stage has; may be empty.
    pub capacity: &'a [Bytes],
}

impl Scene<'_> {
    /// The different accelerators' memory, in the order of the stages.
    pub(super) fn capacities(&self) -> Vec<Bytes> {
        let mut all = self.capacity.to_vec();
        all.dedup();
        all
    }
}

/// What a piece of a stage's time is, as far as pictures tell it apart. In the order of [`Class::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    Forward,
    Backward,
    InputGradient,
    WeightGradient,
    Recompute,
    Pair,
    Communication,
    Optimizer,
}

impl Class {
    pub(super) const ALL: [Self; 8] = [
        Self::Forward,
        Self::Backward,
        Self::InputGradient,
        Self::WeightGradient,
        Self::Recompute,
        Self::Pair,
        Self::Communication,
        Self::Optimizer,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::InputGradient => "input gradient",
            Self::WeightGradient => "weight gradient",
            Self::Recompute => "recompute",
            Self::Pair => "forward and backward overlapped",
            Self::Communication => "exposed communication",
            Self::Optimizer => "optimizer",
        }
    }

    /// The class of a task; `split` where gradients of inputs and weights are turns of their own.
    pub(super) fn of(kind: TaskKind, split: bool) -> Self {
        match kind {
            TaskKind::Compute(Part::Forward) => Self::Forward,
            TaskKind::Compute(Part::Recompute) => Self::Recompute,
            TaskKind::Compute(Part::InputGradient) if split => Self::InputGradient,
            TaskKind::Compute(Part::WeightGradient) if split => Self::WeightGradient,
            TaskKind::Compute(Part::InputGradient | Part::WeightGradient) => Self::Backward,
            TaskKind::Overlapped => Self::Pair,
            TaskKind::Optimizer => Self::Optimizer,
            _ => Self::Communication,
        }
    }
}

/// Which way a pass goes through the pipeline, `None` for what belongs to no pass.
fn part(kind: TaskKind) -> Option<Part> {
    match kind {
        TaskKind::Compute(part)
        | TaskKind::TensorParallel(part)
        | TaskKind::ContextParallel(part)
        | TaskKind::ExpertParallel(part)
        | TaskKind::Weights(part) => Some(part),
        _ => None,
    }
}

/// The microbatches whose forward pass (true) or gradient of the inputs (false) this task is part of.
pub(super) fn passes(task: &Task) -> impl Iterator<Item = (bool, u32)> {
    let own = match (task.kind, part(task.kind)) {
        (TaskKind::Overlapped, _) | (_, Some(Part::Forward)) => Some((true, task.microbatch)),
        (_, Some(Part::Recompute | Part::InputGradient)) => Some((false, task.microbatch)),
        _ => None,
    };
    let beside = task.beside.filter(|_| task.kind == TaskKind::Overlapped).map(|(_, microbatch)| (false, microbatch));
    own.into_iter().chain(beside)
}

/// The name of a task where there is no room: `F 3`, `B 3`, `TP 3`.
pub(super) fn short(task: &Task) -> String {
    let (m, chunk) = (task.microbatch, task.chunk);
    match task.kind {
        TaskKind::Compute(Part::Forward) => format!("F {m}"),
        TaskKind::Compute(Part::Recompute) => format!("R {m}"),
        TaskKind::Compute(Part::InputGradient) => format!("B {m}"),
        TaskKind::Compute(Part::WeightGradient) => format!("W {m}"),
        TaskKind::Overlapped => task.beside.map_or_else(|| format!("F {m}"), |(_, beside)| format!("F {m} + B {beside}")),
        TaskKind::TensorParallel(_) => format!("TP {m}"),
        TaskKind::ContextParallel(_) => format!("CP {m}"),
        TaskKind::ExpertParallel(_) => format!("EP {m}"),
        TaskKind::Weights(_) => format!("weights {m}"),
        TaskKind::SendForward => format!("send F {m}"),
        TaskKind::SendBackward => format!("send B {m}"),
        TaskKind::GatherParameters => format!("gather, chunk {chunk}"),
        TaskKind::ReduceGradients => format!("reduce, chunk {chunk}"),
        TaskKind::Optimizer => "optimizer".to_owned(),
    }
}

/// A row of a picture that has not room for all stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// A stage.
    Stage(u32),
    /// Stages left out, from the first one on.
    Hidden { first: u32, count: u32 },
}

/// All stages, or the first and last `ends` of more than `most`.
pub(super) fn rows(stages: u32, most: u32, ends: u32) -> Vec<Row> {
    if stages <= most {
        return (0..stages).map(Row::Stage).collect();
    }
    let hidden = Row::Hidden { first: ends, count: stages - 2 * ends };
    (0..ends).map(Row::Stage).chain([hidden]).chain((stages - ends..stages).map(Row::Stage)).collect()
}

/// The step's tasks that take time, by stage, in the order of time.
pub(super) fn by_stage<'a>(scene: &Scene<'a>) -> Vec<Vec<&'a Placed>> {
    let mut stages: Vec<Vec<&Placed>> = vec![Vec::new(); scene.stages as usize];
    for placed in scene.timeline.tasks.iter().filter(|placed| placed.task.duration.get() > 0.0) {
        if let Some(stage) = stages.get_mut(placed.task.stage as usize) {
            stage.push(placed);
        }
    }
    for stage in &mut stages {
        stage.sort_by(|a, b| a.start.get().total_cmp(&b.start.get()));
    }
    stages
}

/// A stretch of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    pub start: f64,
    pub end: f64,
    pub class: Class,
}

/// What runs without a break on a stage's compute stream for one microbatch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    /// Its first task.
    pub task: Task,
    /// What most of it is about: not its communication, not its recomputation.
    pub class: Class,
    /// Its pieces in order, neighbours of the same class as one.
    pub stretches: Vec<Stretch>,
}

impl Turn {
    pub(super) fn start(&self) -> f64 {
        self.stretches.first().map_or(0.0, |stretch| stretch.start)
    }

    pub(super) fn end(&self) -> f64 {
        self.stretches.last().map_or(0.0, |stretch| stretch.end)
    }

    /// The turn in words: `backward of microbatch 3, chunk 1, on stage 2`.
    pub(super) fn describe(&self) -> String {
        let Task { microbatch, chunk, stage, .. } = self.task;
        match (self.class, self.task.beside) {
            (Class::Optimizer, _) => format!("optimizer on stage {stage}"),
            (Class::Pair, Some((other, beside))) => {
                let forward = format!("forward of microbatch {microbatch}, chunk {chunk}");
                format!("{forward}, beside backward of {beside}, chunk {other}, on stage {stage}")
            }
            _ => format!("{} of microbatch {microbatch}, chunk {chunk}, on stage {stage}", self.class.name()),
        }
    }
}

/// The turns of a stage's compute stream. `tasks` are those of one stage, in the order of time.
pub(super) fn turns(tasks: &[&Placed], split: bool) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut last: Option<&Placed> = None;
    for placed in tasks.iter().filter(|placed| placed.task.kind.stream() == Stream::Compute) {
        let class = Class::of(placed.task.kind, split);
        let stretch = Stretch { start: placed.start.get(), end: placed.end().get(), class };
        let follows = last.is_some_and(|last| continues(last, placed, split));
        match turns.last_mut().filter(|_| follows) {
            Some(turn) => {
                if matches!(turn.class, Class::Communication | Class::Recompute) && class != Class::Communication {
                    turn.class = class;
                }
                match turn.stretches.last_mut().filter(|before| before.class == class) {
                    Some(before) => before.end = stretch.end,
                    None => turn.stretches.push(stretch),
                }
            }
            None => turns.push(Turn { task: placed.task, class, stretches: vec![stretch] }),
        }
        last = Some(placed);
    }
    turns
}

/// Whether a task goes on with the turn of the one before it.
fn continues(before: &Placed, after: &Placed, split: bool) -> bool {
    let (a, b) = (&before.task, &after.task);
    let side = |kind: TaskKind| match part(kind)? {
        Part::Forward => Some(0),
        Part::WeightGradient if split => Some(2),
        Part::Recompute | Part::InputGradient | Part::WeightGradient => Some(1),
    };
    let same = (a.microbatch, a.chunk) == (b.microbatch, b.chunk) && side(a.kind).is_some() && side(a.kind) == side(b.kind);
    same && after.start.get() - before.end().get() <= 1e-9 * after.end().get()
}

/// Whether gradients of weights are put off: one of them starts without the gradient of its inputs just before it.
pub(super) fn split(stages: &[Vec<&Placed>]) -> bool {
    let turn_starts_with_weights =
        |tasks: &Vec<&Placed>| turns(tasks, false).iter().any(|turn| part(turn.task.kind) == Some(Part::WeightGradient));
    stages.iter().any(turn_starts_with_weights)
}

/// Seconds of each class in each of `n` equal spans of the step, in the order of [`Class::ALL`].
pub(super) fn shares(turns: &[Turn], step: f64, n: usize) -> Vec<[f64; Class::ALL.len()]> {
    let mut spans = vec![[0.0; Class::ALL.len()]; n];
    let span = step / n as f64;
    for stretch in turns.iter().flat_map(|turn| &turn.stretches) {
        let (first, last) = ((stretch.start / span) as usize, (stretch.end / span) as usize);
        for (i, shares) in spans.iter_mut().enumerate().take(last + 1).skip(first) {
            let inside = stretch.end.min((i + 1) as f64 * span) - stretch.start.max(i as f64 * span);
            shares[stretch.class as usize] += inside.max(0.0);
        }
    }
    spans
}

/// Seconds that a stage's compute stream works.
pub(super) fn busy(tasks: &[&Placed]) -> f64 {
    tasks.iter().filter(|p| p.task.kind.stream() == Stream::Compute).map(|p| p.task.duration.get()).sum()
}

/// The share of the step in which the compute streams of these stages stand still.
pub(super) fn idle(scene: &Scene, stages: &[Vec<&Placed>]) -> f64 {
    let whole = scene.timeline.step.get() * stages.len() as f64;
    if whole > 0.0 { (1.0 - stages.iter().map(|tasks| busy(tasks)).sum::<f64>() / whole).max(0.0) } else { 0.0 }
}

/// Microbatches and chunks that occur.
pub(super) fn counts(scene: &Scene) -> (u32, u32) {
    let tasks =
        || scene.timeline.tasks.iter().filter(|placed| part(placed.task.kind).is_some() || placed.task.beside.is_some());
    let most = |of: fn(&Task) -> u32| tasks().map(|placed| of(&placed.task) + 1).max().unwrap_or(0);
    (most(|task| task.microbatch), most(|task| task.chunk))
}

#[cfg(test)]
pub(crate) mod fake;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_do_not_overlap_and_keep_all_time() {
        for (p, v, m) in [(1, 1, 4), (4, 1, 8), (4, 2, 8), (8, 3, 16)] {
            let step = fake::interleaved(p, v, m);
            let scene = step.scene();
            let stages = by_stage(&scene);
            assert!(!split(&stages));
            for tasks in &stages {
                let turns = turns(tasks, false);
                // Forward and backward of every microbatch and chunk, and the optimizer.
                assert!(turns.len() as u32 > 2 * v * m);
                for pair in turns.windows(2) {
                    assert!(pair[0].end() <= pair[1].start() + 1e-12);
                }
                let all: f64 = turns.iter().flat_map(|turn| &turn.stretches).map(|s| s.end - s.start).sum();
                assert!((all - busy(tasks)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_weight_gradient_put_off_splits_the_backward_pass() {
        let step = fake::put_off();
        let scene = step.scene();
        let stages = by_stage(&scene);
        assert!(split(&stages));
        let classes: Vec<Class> = turns(&stages[0], true).iter().map(|turn| turn.class).collect();
        let names: Vec<&str> = classes.iter().map(|class| class.name()).collect();
        let expected =
            ["forward", "forward and backward overlapped", "input gradient", "weight gradient", "weight gradient", "optimizer"];
        assert_eq!(names, expected);
    }

    #[test]
    fn rows_in_the_middle_are_left_out() {
        assert_eq!(rows(3, 8, 4).len(), 3);
        let many = rows(64, 25, 12);
        assert_eq!(many.len(), 25);
        assert_eq!(many[12], Row::Hidden { first: 12, count: 40 });
        assert_eq!(many[13], Row::Stage(52));
    }
}
