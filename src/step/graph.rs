//! The task graph of one training step: a petgraph DAG whose longest path is the step time.
//!
//! Tasks are the forward and backward passes of every chunk and microbatch, the transfers between stages, the reductions of
//! gradients, the gathering of parameters, and the optimizer. Edges are data dependencies and, because a schedule fixes who
//! runs what in which order, the order of each resource: a stage's compute stream, its streams for sending forward and
//! backward, its data-parallel stream. Acyclicity is held by the type; a schedule that waits for itself is an error.

use petgraph::acyclic::Acyclic;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::IntoNodeIdentifiers;

use super::schedule::{Pipeline, Turn};
use crate::units::Seconds;

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskKind {
    /// A forward pass, or a piece of one.
    Forward,
    /// A backward pass, or a piece of one.
    Backward,
    /// Activations to the next stage.
    SendForward,
    /// Gradients to the stage before.
    SendBackward,
    /// Parameters from the ranks that hold them.
    GatherParameters,
    /// Gradients to the ranks that hold them.
    ReduceGradients,
    /// The optimizer step.
    Optimizer,
}

/// One task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Task {
    /// What it does.
    pub kind: TaskKind,
    /// The stage whose stream it runs on.
    pub stage: u32,
    /// Chunk of the stage.
    pub chunk: u32,
    /// Microbatch.
    pub microbatch: u32,
    /// How long it takes.
    pub duration: Seconds,
}

/// Durations of a pipeline, by stage and chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Durations {
    /// Forward pass of one microbatch, `[stage][chunk]`.
    pub forward: Vec<Vec<Seconds>>,
    /// Backward pass of one microbatch, recomputation included, `[stage][chunk]`.
    pub backward: Vec<Vec<Seconds>>,
    /// Transfer to the next stage, by stage that sends.
    pub send: Vec<Seconds>,
    /// Gathering of a chunk's parameters before its first forward pass, `[stage][chunk]`.
    pub gather: Vec<Vec<Seconds>>,
    /// Reduction of a chunk's gradients behind its last backward pass, `[stage][chunk]`.
    pub reduce: Vec<Vec<Seconds>>,
    /// Optimizer step, by stage.
    pub optimizer: Vec<Seconds>,
    /// Pieces that a chunk's first forward and last backward pass are cut into, to run the above beside them; 1: not beside.
    pub pieces: u32,
}

/// A schedule in which tasks wait for each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schedule deadlocks: stage {stage} waits for itself at {task}")]
pub struct Deadlock {
    /// A stage on the circle.
    pub stage: u32,
    /// A task on it.
    pub task: String,
}

/// The tasks of one step, without a circle.
#[derive(Debug)]
pub struct TaskGraph {
    graph: Acyclic<DiGraph<Task, ()>>,
}

/// When everything runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The longest path.
    pub step: Seconds,
    /// Tasks with their start, in order of the graph.
    pub tasks: Vec<(Task, Seconds)>,
}

impl TaskGraph {
    /// Lays a pipeline's tasks out as a graph.
    ///
    /// # Errors
    /// When the order of a schedule contradicts its data dependencies.
    pub fn new(pipeline: &Pipeline, durations: &Durations) -> Result<Self, Deadlock> {
        let graph = Builder::new(pipeline, durations).build();
        Acyclic::try_from_graph(graph.clone()).map(|graph| Self { graph }).map_err(|cycle| {
            let task = graph[cycle.node_id()];
            Deadlock {
                stage: task.stage,
                task: format!("{:?} of chunk {}, microbatch {}", task.kind, task.chunk, task.microbatch),
            }
        })
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Starts every task as soon as what it waits for has ended.
    #[must_use]
    pub fn simulate(&self) -> Timeline {
        let graph = self.graph.inner();
        let mut end = vec![0.0f64; graph.node_count()];
        let mut start = vec![0.0f64; graph.node_count()];
        for node in self.graph.nodes_iter() {
            let ready =
                graph.neighbors_directed(node, petgraph::Incoming).map(|before| end[before.index()]).fold(0.0, f64::max);
            start[node.index()] = ready;
            end[node.index()] = ready + graph[node].duration.get();
        }
        Timeline {
            step: Seconds::new(end.iter().copied().fold(0.0, f64::max)),
            tasks: graph.node_identifiers().map(|node| (graph[node], Seconds::new(start[node.index()]))).collect(),
        }
    }
}

/// First and last piece of a pass.
type Span = (NodeIndex, NodeIndex);

struct Builder<'a> {
    pipeline: &'a Pipeline,
    durations: &'a Durations,
    graph: DiGraph<Task, ()>,
    /// Passes by direction, stage, chunk and microbatch.
    passes: Vec<Span>,
    gathers: Vec<Option<NodeIndex>>,
    reduces: Vec<Option<NodeIndex>>,
}

impl<'a> Builder<'a> {
    fn new(pipeline: &'a Pipeline, durations: &'a Durations) -> Self {
        let passes = 2 * pipeline.stages * pipeline.chunks * pipeline.microbatches;
        let graph = DiGraph::with_capacity(2 * passes as usize, 4 * passes as usize);
        let unset = NodeIndex::end();
        let stages = pipeline.stages as usize;
        Self {
            pipeline,
            durations,
            graph,
            passes: vec![(unset, unset); passes as usize],
            gathers: vec![None; stages],
            reduces: vec![None; stages],
        }
    }

    fn build(mut self) -> DiGraph<Task, ()> {
        let orders: Vec<Vec<Turn>> = (0..self.pipeline.stages).map(|stage| self.pipeline.order(stage)).collect();
        for (stage, order) in orders.iter().enumerate() {
            self.compute_stream(stage as u32, order);
        }
        for (stage, order) in orders.iter().enumerate() {
            self.transfers(stage as u32, order);
        }
        self.optimizer();
        self.graph
    }

    fn slot(&self, forward: bool, stage: u32, chunk: u32, microbatch: u32) -> usize {
        let p = self.pipeline;
        (((u32::from(forward) * p.stages + stage) * p.chunks + chunk) * p.microbatches + microbatch) as usize
    }

    /// A stage's passes in the order of the schedule, with gathers ahead of first forward and reductions behind last backward.
    fn compute_stream(&mut self, stage: u32, order: &[Turn]) {
        let i = stage as usize;
        let last_backward: Vec<Option<u32>> = (0..self.pipeline.chunks)
            .map(|chunk| order.iter().rev().find(|turn| !turn.forward && turn.chunk == chunk).map(|turn| turn.microbatch))
            .collect();
        let first_forward: Vec<Option<u32>> = (0..self.pipeline.chunks)
            .map(|chunk| order.iter().find(|turn| turn.forward && turn.chunk == chunk).map(|turn| turn.microbatch))
            .collect();
        let mut before: Option<NodeIndex> = None;
        for turn in order {
            let c = turn.chunk as usize;
            let whole = if turn.forward { self.durations.forward[i][c] } else { self.durations.backward[i][c] };
            let gathers = turn.forward && first_forward[c] == Some(turn.microbatch) && self.durations.gather[i][c].get() > 0.0;
            let reduces = !turn.forward && last_backward[c] == Some(turn.microbatch) && self.durations.reduce[i][c].get() > 0.0;
            let pieces = if gathers || reduces { self.durations.pieces.max(1) } else { 1 };
            let part = 1.0 / f64::from(pieces);
            let mut first = None;
            for _ in 0..pieces {
                let kind = if turn.forward { TaskKind::Forward } else { TaskKind::Backward };
                let task = self.task(kind, stage, turn, whole * part);
                if let Some(before) = before {
                    self.graph.add_edge(before, task, ());
                }
                if gathers {
                    let gather = self.task(TaskKind::GatherParameters, stage, turn, self.durations.gather[i][c] * part);
                    if let Some(previous) = self.gathers[i].replace(gather) {
                        self.graph.add_edge(previous, gather, ());
                    }
                    self.graph.add_edge(gather, task, ());
                }
                if reduces {
                    let reduce = self.task(TaskKind::ReduceGradients, stage, turn, self.durations.reduce[i][c] * part);
                    if let Some(previous) = self.reduces[i].replace(reduce) {
                        self.graph.add_edge(previous, reduce, ());
                    }
                    self.graph.add_edge(task, reduce, ());
                }
                first.get_or_insert(task);
                before = Some(task);
            }
            if let (Some(first), Some(last)) = (first, before) {
                let slot = self.slot(turn.forward, stage, turn.chunk, turn.microbatch);
                self.passes[slot] = (first, last);
            }
        }
    }

    /// What a stage sends, in the order in which it is computed; sending waits for no one but its own stream.
    fn transfers(&mut self, stage: u32, order: &[Turn]) {
        let (p, v) = (self.pipeline.stages, self.pipeline.chunks);
        let mut streams: [Option<NodeIndex>; 2] = [None, None];
        for turn in order {
            let own = self.passes[self.slot(turn.forward, stage, turn.chunk, turn.microbatch)];
            let place = turn.chunk * p + stage;
            let to = match turn.forward {
                true if place + 1 < p * v => place + 1,
                // Behind the last chunk's forward pass comes its own backward pass.
                true => {
                    let back = self.passes[self.slot(false, stage, turn.chunk, turn.microbatch)];
                    self.graph.add_edge(own.1, back.0, ());
                    continue;
                }
                false if place > 0 => place - 1,
                false => continue,
            };
            let there = self.passes[self.slot(turn.forward, to % p, to / p, turn.microbatch)];
            let duration = self.durations.send[stage as usize];
            if to % p == stage || duration.get() <= 0.0 {
                self.graph.add_edge(own.1, there.0, ());
                continue;
            }
            let kind = if turn.forward { TaskKind::SendForward } else { TaskKind::SendBackward };
            let send = self.task(kind, stage, turn, duration);
            if let Some(previous) = streams[usize::from(turn.forward)].replace(send) {
                self.graph.add_edge(previous, send, ());
            }
            self.graph.add_edge(own.1, send, ());
            self.graph.add_edge(send, there.0, ());
        }
    }

    /// The optimizer waits for every stage's gradients, because their global norm scales the step.
    fn optimizer(&mut self) {
        let ends: Vec<NodeIndex> = (0..self.pipeline.stages)
            .flat_map(|stage| {
                let last = self
                    .pipeline
                    .order(stage)
                    .last()
                    .map(|turn| self.passes[self.slot(turn.forward, stage, turn.chunk, turn.microbatch)].1);
                last.into_iter().chain(self.reduces[stage as usize])
            })
            .collect();
        for stage in 0..self.pipeline.stages {
            let turn = Turn { forward: false, chunk: 0, microbatch: self.pipeline.microbatches.saturating_sub(1) };
            let task = self.task(TaskKind::Optimizer, stage, &turn, self.durations.optimizer[stage as usize]);
            for end in &ends {
                self.graph.add_edge(*end, task, ());
            }
        }
    }

    fn task(&mut self, kind: TaskKind, stage: u32, turn: &Turn, duration: Seconds) -> NodeIndex {
        self.graph.add_node(Task { kind, stage, chunk: turn.chunk, microbatch: turn.microbatch, duration })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ScheduleKind;
    use proptest::prelude::*;

    fn uniform(p: u32, v: u32, f: f64, b: f64) -> Durations {
        let each = |x: f64| vec![vec![Seconds::new(x); v as usize]; p as usize];
        Durations {
            forward: each(f),
            backward: each(b),
            send: vec![Seconds::ZERO; p as usize],
            gather: each(0.0),
            reduce: each(0.0),
            optimizer: vec![Seconds::ZERO; p as usize],
            pieces: 1,
        }
    }

    fn step(kind: ScheduleKind, p: u32, v: u32, m: u32, f: f64, b: f64) -> f64 {
        let pipeline = Pipeline { kind, stages: p, chunks: v, microbatches: m };
        TaskGraph::new(&pipeline, &uniform(p, v, f, b)).unwrap().simulate().step.get()
    }

    proptest! {
        #[test]
        fn uniform_stages_take_the_closed_form(p in 1u32..10, m in 1u32..24, f in 0.1f64..4.0, b in 0.1f64..8.0) {
            let closed = f64::from(m + p - 1) * (f + b);
            for kind in [ScheduleKind::Gpipe, ScheduleKind::OneForwardOneBackward] {
                // With fewer microbatches than stages 1F1B still takes (m + p - 1)(F + B).
                prop_assert!((step(kind, p, 1, m, f, b) / closed - 1.0).abs() < 1e-9);
            }
        }

        #[test]
        fn interleaving_divides_the_bubble(p in 2u32..7, v in 2u32..5, rounds in 1u32..5, f in 0.5f64..2.0, ratio in 1.0f64..3.0) {
            // Per chunk: m v (F + B) of work and (p - 1)(F + B) of bubble, v times less than without chunks.
            let b = f * ratio;
            let closed = (f64::from(rounds * p * v) + f64::from(p - 1)) * (f + b);
            let simulated = step(ScheduleKind::Interleaved, p, v, rounds * p, f, b);
            prop_assert!((simulated / closed - 1.0).abs() < 1e-9, "{} against {}", simulated, closed);
        }
    }

    #[test]
    fn overlapped_reduction_hides_behind_the_last_backward() {
        let pipeline = Pipeline { kind: ScheduleKind::OneForwardOneBackward, stages: 1, chunks: 1, microbatches: 4 };
        let time = |reduce: f64, pieces: u32| {
            let mut durations = uniform(1, 1, 1.0, 2.0);
            durations.reduce = vec![vec![Seconds::new(reduce)]];
            durations.pieces = pieces;
            TaskGraph::new(&pipeline, &durations).unwrap().simulate().step.get()
        };
        assert!((time(1.0, 1) - 13.0).abs() < 1e-12);
        // In eight pieces only the last is exposed: an eighth.
        assert!((time(1.0, 8) - 12.125).abs() < 1e-12);
        // Longer than the backward pass: the rest of it is exposed behind the first piece.
        assert!((time(4.0, 8) - (10.0 + 0.25 + 4.0)).abs() < 1e-12);
    }
}
