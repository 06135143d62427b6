//! Steps to draw in tests: interleaved 1F1B in the order of Megatron-LM, and a small one with everything else.

use petgraph::graph::{DiGraph, NodeIndex};

use super::Scene;
use crate::step::durations::Part;
use crate::step::graph::{Placed, Task, TaskKind, Timeline};
use crate::units::{Bytes, Seconds};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// What accelerators of a stage have; no step has more stages.
static CAPACITY: [Bytes; 256] = [Bytes::new(80.0 * GIB); 256];

/// A step made up.
pub(crate) struct Step {
    pub title: String,
    pub graph: DiGraph<Task, ()>,
    pub timeline: Timeline,
    pub memory: Vec<Vec<(Seconds, Bytes)>>,
}

impl Step {
    pub(crate) fn scene(&self) -> Scene<'_> {
        let (title, capacity) = (self.title.as_str(), &CAPACITY[..self.memory.len()]);
        Scene { title, stages: self.memory.len() as u32, timeline: &self.timeline, memory: &self.memory, capacity }
    }
}

/// Whether forward, chunk, microbatch.
type Pass = (bool, u32, u32);

/// What a rank runs, in order; `m` is a multiple of `p` when `v` is above 1.
fn order(rank: u32, p: u32, v: u32, m: u32) -> Vec<Pass> {
    let total = m * v;
    let warmup = if v == 1 { (p - rank - 1).min(m) } else { ((p - rank - 1) * 2 + (v - 1) * p).min(total) };
    let pass = |forward: bool, k: u32| {
        let chunk = k % (p * v) / p;
        let microbatch = if v == 1 { k } else { k / (p * v) * p + k % p };
        (
            forward,
            if v == 1 {
                0
            } else if forward {
                chunk
            } else {
                v - 1 - chunk
            },
            microbatch,
        )
    };
    let mut out: Vec<Pass> = (0..warmup).map(|k| pass(true, k)).collect();
    for k in 0..total {
        out.extend((k + warmup < total).then(|| pass(true, k + warmup)));
        out.push(pass(false, k));
    }
    out
}

struct Builder {
    graph: DiGraph<Task, ()>,
}

impl Builder {
    fn add(
        &mut self,
        kind: TaskKind,
        stage: u32,
        chunk: u32,
        microbatch: u32,
        duration: f64,
        after: &[Option<NodeIndex>],
    ) -> NodeIndex {
        let duration = Seconds::new(duration);
        let task = self.graph.add_node(Task { kind, stage, chunk, microbatch, beside: None, duration });
        for before in after.iter().flatten() {
            self.graph.add_edge(*before, task, ());
        }
        task
    }
}

/// Interleaved 1F1B of `p` stages with `v` chunks and `m` microbatches: with transfers, exposed tensor-parallel time,
/// recomputation on chunk 0, gradients reduced at the end, an optimizer.
pub(crate) fn interleaved(p: u32, v: u32, m: u32) -> Step {
    let mut b = Builder { graph: DiGraph::new() };
    let unit = 0.012 / f64::from(v);
    let at = |(forward, chunk, microbatch): Pass, stage: u32| {
        ((usize::from(forward) * (p * v) as usize + (chunk * p + stage) as usize) * m as usize) + microbatch as usize
    };
    let mut first = vec![None; 2 * (p * v * m) as usize];
    let mut last = first.clone();
    let mut ends = Vec::new();
    let mut orders = Vec::new();
    for stage in 0..p {
        let order = order(stage, p, v, m);
        let mut before = None;
        for pass @ (forward, chunk, microbatch) in order.clone() {
            let parts: &[(TaskKind, f64)] = if forward {
                &[(TaskKind::Compute(Part::Forward), 1.0), (TaskKind::TensorParallel(Part::Forward), 0.18)]
            } else {
                &[
                    (TaskKind::Compute(Part::Recompute), if chunk == 0 { 0.3 } else { 0.0 }),
                    (TaskKind::Compute(Part::InputGradient), 1.0),
                    (TaskKind::TensorParallel(Part::InputGradient), 0.18),
                    (TaskKind::Compute(Part::WeightGradient), 1.0),
                ]
            };
            for (kind, time) in parts {
                let task = b.add(*kind, stage, chunk, microbatch, time * unit, &[before]);
                first[at(pass, stage)].get_or_insert(task);
                before = Some(task);
            }
            last[at(pass, stage)] = before;
        }
        let reduce = b.add(TaskKind::ReduceGradients, stage, 0, m - 1, 2.0 * unit, &[before]);
        ends.push(Some(reduce));
        orders.push(order);
    }
    for (stage, order) in (0..p).zip(&orders) {
        let mut streams = [None; 2];
        for pass @ (forward, chunk, microbatch) in order.iter().copied() {
            let place = chunk * p + stage;
            let to = if forward { place + 1 } else { place.wrapping_sub(1) };
            let own = last[at(pass, stage)];
            if to >= p * v {
                if forward {
                    b.graph.add_edge(own.unwrap(), first[at((false, chunk, microbatch), stage)].unwrap(), ());
                }
                continue;
            }
            let there = first[at((forward, to / p, microbatch), to % p)].unwrap();
            if to % p == stage {
                b.graph.add_edge(own.unwrap(), there, ());
                continue;
            }
            let kind = if forward { TaskKind::SendForward } else { TaskKind::SendBackward };
            let send = b.add(kind, stage, chunk, microbatch, 0.1 * unit, &[own, streams[usize::from(forward)]]);
            streams[usize::from(forward)] = Some(send);
            b.graph.add_edge(send, there, ());
        }
    }
    for stage in 0..p {
        b.add(TaskKind::Optimizer, stage, 0, m - 1, 1.5 * unit, &ends);
    }
    let timeline = simulate(&b.graph);
    let memory = (0..p).map(|stage| memory(&timeline, stage, p, v)).collect();
    Step { title: format!("1F1B, {p} stages of {v} chunks, {m} microbatches"), graph: b.graph, timeline, memory }
}

/// One stage: forward, a pair, an input gradient, weight gradients put off; names that need escapes.
pub(crate) fn put_off() -> Step {
    let mut b = Builder { graph: DiGraph::new() };
    let mut before = None;
    for (kind, microbatch) in [
        (TaskKind::Compute(Part::Forward), 0),
        (TaskKind::Overlapped, 1),
        (TaskKind::Compute(Part::InputGradient), 1),
        (TaskKind::Compute(Part::WeightGradient), 0),
        (TaskKind::Compute(Part::WeightGradient), 1),
        (TaskKind::Optimizer, 0),
    ] {
        before = Some(b.add(kind, 0, 0, microbatch, 0.01, &[before]));
        if kind == TaskKind::Overlapped {
            b.graph[before.unwrap()].beside = Some((0, 0));
        }
    }
    let timeline = simulate(&b.graph);
    Step { title: "\"a\" < b & c".to_owned(), graph: b.graph, timeline, memory: vec![Vec::new()] }
}

/// The longest path, slack and one critical chain.
fn simulate(graph: &DiGraph<Task, ()>) -> Timeline {
    let order = petgraph::algo::toposort(graph, None).unwrap();
    let duration = |node: NodeIndex| graph[node].duration.get();
    let mut start = vec![0.0f64; graph.node_count()];
    for node in &order {
        let ends = graph.neighbors_directed(*node, petgraph::Incoming).map(|before| start[before.index()] + duration(before));
        start[node.index()] = ends.fold(0.0, f64::max);
    }
    let end = |node: NodeIndex| start[node.index()] + duration(node);
    let step = order.iter().map(|node| end(*node)).fold(0.0, f64::max);
    let mut latest = vec![step; graph.node_count()];
    for node in order.iter().rev() {
        let next = graph.neighbors_directed(*node, petgraph::Outgoing).map(|after| latest[after.index()]).fold(step, f64::min);
        latest[node.index()] = next - duration(*node);
    }
    let mut critical = vec![false; start.len()];
    let mut at = graph.node_indices().find(|node| end(*node) >= step);
    while let Some(node) = at {
        critical[node.index()] = true;
        at = graph.neighbors_directed(node, petgraph::Incoming).filter(|before| end(*before) >= start[node.index()]).min();
    }
    let mut tasks: Vec<Placed> = graph
        .node_indices()
        .map(|node| Placed {
            task: graph[node],
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

/// Activations held from the forward to the end of the backward pass, on top of weights.
fn memory(timeline: &Timeline, stage: u32, p: u32, v: u32) -> Vec<(Seconds, Bytes)> {
    let mut changes: Vec<(f64, f64)> = vec![(0.0, 20.0)];
    let activations = 40.0 / f64::from(p * v);
    for placed in timeline.tasks.iter().filter(|placed| placed.task.stage == stage) {
        match placed.task.kind {
            TaskKind::Compute(Part::Forward) => changes.push((placed.start.get(), activations)),
            TaskKind::Compute(Part::WeightGradient) => changes.push((placed.end().get(), -activations)),
            _ => {}
        }
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut held = 0.0;
    changes
        .into_iter()
        .map(|(time, change)| {
            held += change;
            (Seconds::new(time), Bytes::new(held * GIB))
        })
        .collect()
}
