//! From a schedule and its durations to the tasks of a step and what each waits for.

use petgraph::graph::{DiGraph, NodeIndex};

use super::{Stream, Task, TaskKind};
use crate::step::durations::{Durations, Part, leads_back, overlapped};
use crate::step::layer::Spent;
use crate::step::schedule::{Schedule, Turn, Work};
use crate::units::Seconds;

pub(super) fn graph(schedule: &Schedule, microbatches: u32, durations: &Durations) -> DiGraph<Task, ()> {
    let mut builder = Builder::new(schedule, microbatches, durations);
    for stage in 0..schedule.orders.len() {
        builder.compute_stream(stage);
    }
    for stage in 0..schedule.orders.len() {
        builder.transfers(stage);
    }
    builder.optimizer();
    builder.graph
}

/// First and last task of a turn.
#[derive(Clone, Copy)]
struct Span {
    first: NodeIndex,
    last: NodeIndex,
}

struct Builder<'a> {
    schedule: &'a Schedule,
    durations: &'a Durations,
    microbatches: usize,
    slices: usize,
    graph: DiGraph<Task, ()>,
    /// Forward and input-gradient turns by direction, place on the way and microbatch.
    passes: Vec<Option<Span>>,
    /// The last task of each stage's compute and data-parallel stream.
    ends: Vec<NodeIndex>,
}

impl<'a> Builder<'a> {
    fn new(schedule: &'a Schedule, microbatches: u32, durations: &'a Durations) -> Self {
        let stages = schedule.orders.len() as u32;
        let chunks = durations.chunks.first().map_or(1, Vec::len) as u32;
        let slices = schedule.placement.slices(stages, chunks) as usize;
        let passes = vec![None; 2 * slices * microbatches as usize];
        Self {
            schedule,
            durations,
            microbatches: microbatches as usize,
            slices,
            graph: DiGraph::new(),
            passes,
            ends: Vec::new(),
        }
    }

    fn place(&self, stage: usize, chunk: u32) -> usize {
        self.schedule.placement.slice(self.schedule.orders.len() as u32, stage as u32, chunk) as usize
    }

    fn slot(&self, forward: bool, place: usize, microbatch: u32) -> usize {
        (usize::from(forward) * self.slices + place) * self.microbatches + microbatch as usize
    }

    fn task(&mut self, kind: TaskKind, stage: usize, turn: &Turn, duration: Seconds) -> NodeIndex {
        self.graph.add_node(Task {
            kind,
            stage: stage as u32,
            chunk: turn.chunk,
            microbatch: turn.microbatch,
            beside: None,
            duration,
        })
    }

    /// A task behind `before` on the same stream.
    fn next(
        &mut self,
        before: &mut Option<NodeIndex>,
        kind: TaskKind,
        stage: usize,
        turn: &Turn,
        duration: Seconds,
    ) -> NodeIndex {
        let task = self.task(kind, stage, turn, duration);
        if let Some(before) = before.replace(task) {
            self.graph.add_edge(before, task, ());
        }
        task
    }

    /// A stage's turns in the order of the schedule, with gathers ahead of first forward and reductions behind last backward.
    fn compute_stream(&mut self, stage: usize) {
        let order = &self.schedule.orders[stage];
        let (gathers, reduces) = ends_of_chunks(order, self.durations.chunks[stage].len());
        let (mut compute, mut data) = (None, None);
        let mut i = 0;
        while i < order.len() {
            let turn = &order[i];
            if turn.paired && i + 1 < order.len() {
                self.pair(stage, &order[i], &order[i + 1], &mut compute);
                // A pair is not cut into pieces: what its last backward pass releases runs behind it.
                for (k, turn) in [(i, &order[i]), (i + 1, &order[i + 1])] {
                    let time = self.durations.reduce[stage][turn.chunk as usize];
                    if reduces[turn.chunk as usize] == Some(k) && time.get() > 0.0 {
                        let reduce = self.next(&mut data, TaskKind::ReduceGradients, stage, turn, time);
                        self.graph.add_edge(compute.unwrap_or(reduce), reduce, ());
                    }
                }
                i += 2;
                continue;
            }
            let c = turn.chunk as usize;
            let gather = self.durations.gather[stage][c];
            let reduce = self.durations.reduce[stage][c];
            let gathers = gathers[c] == Some(i) && gather.get() > 0.0;
            let reduces = reduces[c] == Some(i) && reduce.get() > 0.0;
            let pieces = if gathers || reduces { self.durations.pieces.max(1) } else { 1 };
            let share = 1.0 / f64::from(pieces);
            let mut span: Option<Span> = None;
            for _ in 0..pieces {
                let piece = self.turn(stage, turn, share, &mut compute);
                if gathers {
                    let task = self.next(&mut data, TaskKind::GatherParameters, stage, turn, gather * share);
                    self.graph.add_edge(task, piece.first, ());
                }
                if reduces {
                    let task = self.next(&mut data, TaskKind::ReduceGradients, stage, turn, reduce * share);
                    self.graph.add_edge(piece.last, task, ());
                }
                span = Some(Span { first: span.map_or(piece.first, |span| span.first), last: piece.last });
            }
            self.passed(stage, turn, span);
            i += 1;
        }
        self.ends.extend(compute);
        self.ends.extend(data);
    }

    /// The tasks of a turn, one behind the other: kernels of each part, then the communication that they wait for.
    fn turn(&mut self, stage: usize, turn: &Turn, share: f64, compute: &mut Option<NodeIndex>) -> Span {
        let times = self.durations.chunks[stage][turn.chunk as usize];
        let mut span: Option<Span> = None;
        for (part, spent) in times.parts(turn.work) {
            for (kind, time) in tasks_of(part, &spent) {
                let task = self.next(compute, kind, stage, turn, time * share);
                span = Some(Span { first: span.map_or(task, |span| span.first), last: task });
            }
        }
        span.unwrap_or_else(|| {
            let part = if turn.work == Work::Forward { Part::Forward } else { Part::InputGradient };
            let task = self.next(compute, TaskKind::Compute(part), stage, turn, Seconds::ZERO);
            Span { first: task, last: task }
        })
    }

    /// A forward and a backward turn as one task.
    fn pair(&mut self, stage: usize, a: &Turn, b: &Turn, compute: &mut Option<NodeIndex>) {
        let (forward, backward) = if a.work == Work::Forward { (a, b) } else { (b, a) };
        let times = |turn: &Turn| self.durations.chunks[stage][turn.chunk as usize];
        let duration = overlapped(&times(forward), &times(backward));
        let task = self.next(compute, TaskKind::Overlapped, stage, forward, duration);
        self.graph[task].beside = Some((backward.chunk, backward.microbatch));
        let span = Some(Span { first: task, last: task });
        self.passed(stage, forward, span);
        self.passed(stage, backward, span);
    }

    fn passed(&mut self, stage: usize, turn: &Turn, span: Option<Span>) {
        if turn.work != Work::WeightGradient {
            let slot = self.slot(turn.work == Work::Forward, self.place(stage, turn.chunk), turn.microbatch);
            self.passes[slot] = span;
        }
    }

    /// What a stage sends, in the order in which it is computed; sending waits for no one but its own stream.
    fn transfers(&mut self, stage: usize) {
        let mut streams: [Option<NodeIndex>; 2] = [None, None];
        let order: Vec<Turn> = self.schedule.orders[stage].clone();
        for turn in order.iter().filter(|turn| turn.work != Work::WeightGradient) {
            let forward = turn.work == Work::Forward;
            let place = self.place(stage, turn.chunk);
            let Some(own) = self.passes[self.slot(forward, place, turn.microbatch)] else { continue };
            let (to, there) = match (forward, place) {
                (true, place) if place + 1 < self.slices => (place + 1, self.slot(true, place + 1, turn.microbatch)),
                // Behind the last slice's forward pass comes its own backward pass.
                (true, place) => (place, self.slot(false, place, turn.microbatch)),
                (false, 0) => continue,
                (false, place) => (place - 1, self.slot(false, place - 1, turn.microbatch)),
            };
            let Some(there) = self.passes[there] else { continue };
            let receiver = self.holder(to, turn.microbatch);
            let duration = self.durations.send[stage][usize::from(leads_back(stage, receiver))];
            if receiver == stage || duration.get() <= 0.0 {
                self.graph.add_edge(own.last, there.first, ());
                continue;
            }
            let kind = if forward { TaskKind::SendForward } else { TaskKind::SendBackward };
            let send = self.next(&mut streams[usize::from(kind.stream() == Stream::SendForward)], kind, stage, turn, duration);
            self.graph.add_edge(own.last, send, ());
            self.graph.add_edge(send, there.first, ());
        }
    }

    /// The stage that holds a slice on the way of a microbatch.
    fn holder(&self, slice: usize, microbatch: u32) -> usize {
        let stages = self.schedule.orders.len() as u32;
        self.schedule.placement.holder(stages, slice as u32, microbatch, self.microbatches as u32).0 as usize
    }

    /// The optimizer waits for every stage's gradients, because their global norm scales the step.
    fn optimizer(&mut self) {
        let turn = Turn {
            work: Work::WeightGradient,
            chunk: 0,
            microbatch: self.microbatches.saturating_sub(1) as u32,
            paired: false,
        };
        for stage in 0..self.schedule.orders.len() {
            let task = self.task(TaskKind::Optimizer, stage, &turn, self.durations.optimizer[stage]);
            for end in self.ends.clone() {
                self.graph.add_edge(end, task, ());
            }
        }
    }
}

/// Where in an order each chunk's first forward turn and its last turn that gives weight gradients stand.
pub(super) fn ends_of_chunks(order: &[Turn], chunks: usize) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let (mut first, mut last) = (vec![None; chunks], vec![None; chunks]);
    for (i, turn) in order.iter().enumerate() {
        match turn.work {
            Work::Forward => {
                first[turn.chunk as usize].get_or_insert(i);
            }
            Work::Backward | Work::WeightGradient => last[turn.chunk as usize] = Some(i),
            Work::InputGradient => {}
        }
    }
    (first, last)
}

/// The tasks that a part of a turn takes, those that take no time left out.
fn tasks_of(part: Part, spent: &Spent) -> Vec<(TaskKind, Seconds)> {
    let all = [
        (TaskKind::Compute(part), spent.compute),
        (TaskKind::TensorParallel(part), spent.tensor),
        (TaskKind::ContextParallel(part), spent.context),
        (TaskKind::ExpertParallel(part), spent.expert),
        (TaskKind::Weights(part), spent.weights),
    ];
    all.into_iter().filter(|(_, time)| time.get() > 0.0).collect()
}
