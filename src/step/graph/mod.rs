//! The task graph of one training step: a petgraph DAG whose longest path is the step time.
//!
//! Tasks are forward passes, recomputation, gradients of inputs and weights, the collectives that computation waits for,
//! transfers between stages, the gathering of parameters and the reduction of gradients, and the optimizer. Edges are data
//! dependencies and, because a schedule fixes who runs what in which order, the order of each resource: a stage's compute
//! stream, its streams for sending forward and backward, its data-parallel stream. Acyclicity is held by the type; a schedule
//! that waits for itself is an error that names the tasks on the circle.
//!
//! [`TaskGraph`] is for looking at a step: its critical path, its slack, a picture. [`Replay`] is the same in a compact form for
//! asking how long, a million times; a test holds the two together.

mod build;
mod lanes;
mod replay;

pub use lanes::Lanes;
pub use replay::{Replay, Scratch};

use petgraph::acyclic::Acyclic;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::durations::{Durations, Part};
use super::schedule::Schedule;
use crate::units::Seconds;

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// Kernels of a pass.
    Compute(Part),
    /// A forward and a backward pass, each hiding the other's communication.
    Overlapped,
    /// A tensor-parallel collective of a pass.
    TensorParallel(Part),
    /// A context-parallel collective of a pass.
    ContextParallel(Part),
    /// Expert dispatch and combine of a pass.
    ExpertParallel(Part),
    /// Weights gathered or gradients reduced within a pass (ZeRO-2 and 3), as far as not hidden.
    Weights(Part),
    /// Activations to the next stage.
    SendForward,
    /// Gradients to the stage before.
    SendBackward,
    /// Parameters from the ranks that hold them, ahead of the first forward pass.
    GatherParameters,
    /// Gradients to the ranks that hold them, behind the last backward pass.
    ReduceGradients,
    /// The optimizer step.
    Optimizer,
}

/// What a task occupies on its stage. One task at a time on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The compute stream.
    Compute,
    /// Sending to the next stage.
    SendForward,
    /// Sending to the stage before.
    SendBackward,
    /// Communication with replicas.
    DataParallel,
}

impl TaskKind {
    /// The stream that it runs on.
    #[must_use]
    pub fn stream(self) -> Stream {
        match self {
            Self::SendForward => Stream::SendForward,
            Self::SendBackward => Stream::SendBackward,
            Self::GatherParameters | Self::ReduceGradients => Stream::DataParallel,
            _ => Stream::Compute,
        }
    }

    /// The name for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compute(Part::Forward) => "forward",
            Self::Compute(Part::Recompute) => "recompute",
            Self::Compute(Part::InputGradient) => "input gradient",
            Self::Compute(Part::WeightGradient) => "weight gradient",
            Self::Overlapped => "forward and backward",
            Self::TensorParallel(_) => "tensor-parallel",
            Self::ContextParallel(_) => "context-parallel",
            Self::ExpertParallel(_) => "expert-parallel",
            Self::Weights(_) => "weights",
            Self::SendForward => "send forward",
            Self::SendBackward => "send backward",
            Self::GatherParameters => "gather parameters",
            Self::ReduceGradients => "reduce gradients",
            Self::Optimizer => "optimizer",
        }
    }
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
    /// Chunk and microbatch of the backward pass that an overlapped task runs beside its forward pass.
    pub beside: Option<(u32, u32)>,
    /// How long it takes.
    pub duration: Seconds,
}

impl Task {
    /// The task in words: `forward of microbatch 3, chunk 1, on stage 2`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} of microbatch {}, chunk {}, on stage {}", self.kind.as_str(), self.microbatch, self.chunk, self.stage)
    }
}

/// A schedule in which tasks wait for each other in a circle.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the schedule deadlocks: {}", tasks.iter().take(8).map(Task::describe).collect::<Vec<_>>().join(" waits for "))]
pub struct Deadlock {
    /// Tasks on the circle, each waiting for the one behind it.
    pub tasks: Vec<Task>,
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
    /// Tasks by start, then stage, then stream.
    pub tasks: Vec<Placed>,
}

/// A task with its place in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placed {
    /// The task.
    pub task: Task,
    /// When it starts.
    pub start: Seconds,
    /// By how much it can start later without the step taking longer.
    pub slack: Seconds,
    /// Whether it lies on the critical path: one chain of tasks that makes the step.
    pub critical: bool,
}

impl Placed {
    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Seconds {
        self.start + self.task.duration
    }
}

impl TaskGraph {
    /// Lays a schedule's tasks out as a graph.
    ///
    /// # Errors
    /// When the order of a schedule contradicts its data dependencies.
    pub fn new(schedule: &Schedule, microbatches: u32, durations: &Durations) -> Result<Self, Deadlock> {
        let graph = build::graph(schedule, microbatches, durations);
        match Acyclic::try_from_graph(graph.clone()) {
            Ok(graph) => Ok(Self { graph }),
            Err(_) => Err(circle(&graph)),
        }
    }

    /// The graph itself.
    #[must_use]
    pub fn graph(&self) -> &DiGraph<Task, ()> {
        self.graph.inner()
    }

    /// Starts every task as soon as what it waits for has ended, and walks back from the end for slack and critical path.
    #[must_use]
    pub fn simulate(&self) -> Timeline {
        let graph = self.graph.inner();
        let order: Vec<NodeIndex> = self.graph.nodes_iter().collect();
        let duration = |node: NodeIndex| graph[node].duration.get();
        let mut start = vec![0.0f64; graph.node_count()];
        for node in &order {
            let ends =
                graph.neighbors_directed(*node, petgraph::Incoming).map(|before| start[before.index()] + duration(before));
            start[node.index()] = ends.fold(0.0, f64::max);
        }
        let step = order.iter().map(|node| start[node.index()] + duration(*node)).fold(0.0, f64::max);
        let mut latest = vec![step; graph.node_count()];
        for node in order.iter().rev() {
            let next =
                graph.neighbors_directed(*node, petgraph::Outgoing).map(|after| latest[after.index()]).fold(step, f64::min);
            latest[node.index()] = next - duration(*node);
        }
        let critical = self.critical(&order, &start, step);
        let mut tasks: Vec<Placed> = order
            .iter()
            .map(|node| Placed {
                task: graph[*node],
                start: Seconds::new(start[node.index()]),
                slack: Seconds::new((latest[node.index()] - start[node.index()]).max(0.0)),
                critical: critical[node.index()],
            })
            .collect();
        tasks.sort_by(|a, b| {
            let place = |p: &Placed| (p.task.stage, p.task.kind.stream(), p.task.microbatch, p.task.chunk, p.task.kind);
            a.start.get().total_cmp(&b.start.get()).then_with(|| place(a).cmp(&place(b)))
        });
        Timeline { step: Seconds::new(step), tasks }
    }

    /// From a task that ends last, back along tasks that ended just when the next one started.
    fn critical(&self, order: &[NodeIndex], start: &[f64], step: f64) -> Vec<bool> {
        let graph = self.graph.inner();
        let end = |node: NodeIndex| start[node.index()] + graph[node].duration.get();
        let mut marked = vec![false; start.len()];
        let mut at = order.iter().copied().find(|node| end(*node) >= step);
        while let Some(node) = at {
            marked[node.index()] = true;
            let binding =
                graph.neighbors_directed(node, petgraph::Incoming).filter(|before| end(*before) >= start[node.index()]);
            at = if start[node.index()] > 0.0 { binding.min() } else { None };
        }
        marked
    }
}

/// The tasks of one circle, in the order in which they wait for each other.
fn circle(graph: &DiGraph<Task, ()>) -> Deadlock {
    let components = tarjan_scc(graph);
    // A pair of a microbatch's own passes waits for itself.
    let circles = |c: &[NodeIndex]| c.len() > 1 || c.iter().any(|node| graph.contains_edge(*node, *node));
    let Some(component) = components.iter().filter(|c| circles(c)).min_by_key(|c| c.len()) else {
        return Deadlock { tasks: Vec::new() };
    };
    let inside: std::collections::BTreeSet<NodeIndex> = component.iter().copied().collect();
    let mut walk = vec![component[0]];
    let mut met = vec![None; graph.node_count()];
    met[component[0].index()] = Some(0);
    // Every task of a component waits for one inside it: walking back returns to a task met before.
    while let Some(before) =
        walk.last().and_then(|node| graph.neighbors_directed(*node, petgraph::Incoming).filter(|n| inside.contains(n)).min())
    {
        if let Some(first) = met[before.index()] {
            walk.drain(..first);
            break;
        }
        met[before.index()] = Some(walk.len());
        walk.push(before);
    }
    Deadlock { tasks: walk.iter().map(|node| graph[*node]).collect() }
}

#[cfg(test)]
mod tests;
