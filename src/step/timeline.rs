//! What a timeline tells of each stage: busy and idle time, communication by kind, memory over time, and which tasks make the
//! step.

use serde::{Serialize, Serializer};

use super::costs::Costs;
use super::graph::{Placed, Stream, TaskKind, Timeline};
use crate::units::{Bytes, Seconds};

/// What happens on one stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StageTimeline {
    /// The stage.
    pub stage: u32,
    /// Its compute stream is occupied.
    #[serde(rename = "busy_s")]
    pub busy: Seconds,
    /// Its compute stream waits.
    #[serde(rename = "idle_s")]
    pub idle: Seconds,
    /// Communication that its compute stream waits for, by kind.
    #[serde(rename = "exposed_s", serialize_with = "by_name")]
    pub exposed: Vec<(&'static str, Seconds)>,
    /// The most memory that it holds.
    #[serde(rename = "peak_memory_bytes")]
    pub peak_memory: Bytes,
    /// When it does.
    #[serde(rename = "peak_at_s")]
    pub peak_at: Seconds,
    /// Time of its tasks on the critical path.
    #[serde(rename = "critical_s")]
    pub critical: Seconds,
    /// By how much its tightest compute task off the critical path can slip.
    #[serde(rename = "least_slack_s")]
    pub least_slack: Seconds,
}

/// Writes times by name as a mapping in their order.
///
/// # Errors
/// What the serializer has to say.
pub fn by_name<S: Serializer>(times: &[(&'static str, Seconds)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(times.iter().copied())
}

/// Every stage of a timeline.
#[must_use]
pub fn stages(timeline: &Timeline, costs: &Costs) -> Vec<StageTimeline> {
    by_stage(timeline, costs)
        .into_iter()
        .enumerate()
        .map(|(stage, own)| {
            let on = |stream: Stream| own.iter().filter(move |placed| placed.task.kind.stream() == stream);
            let busy: Seconds = on(Stream::Compute).map(|placed| placed.task.duration).sum();
            let memory = memory(&own, costs, stage);
            let (peak_at, peak_memory) =
                memory.iter().fold((Seconds::ZERO, Bytes::ZERO), |most, now| if now.1 > most.1 { *now } else { most });
            let slack = on(Stream::Compute).filter(|placed| !placed.critical).map(|placed| placed.slack);
            StageTimeline {
                stage: stage as u32,
                busy,
                idle: (timeline.step - busy).max(Seconds::ZERO),
                exposed: exposed(&own),
                peak_memory,
                peak_at,
                critical: own.iter().filter(|placed| placed.critical).map(|placed| placed.task.duration).sum(),
                least_slack: slack.reduce(Seconds::min).unwrap_or(Seconds::ZERO),
            }
        })
        .collect()
}

/// Memory of every stage after each task that changes it.
#[must_use]
pub fn memory_by_stage(timeline: &Timeline, costs: &Costs) -> Vec<Vec<(Seconds, Bytes)>> {
    by_stage(timeline, costs).iter().enumerate().map(|(stage, own)| memory(own, costs, stage)).collect()
}

/// The tasks of each stage.
fn by_stage<'a>(timeline: &'a Timeline, costs: &Costs) -> Vec<Vec<&'a Placed>> {
    let mut stages = vec![Vec::new(); costs.memory.len()];
    for placed in &timeline.tasks {
        if let Some(own) = stages.get_mut(placed.task.stage as usize) {
            own.push(placed);
        }
    }
    stages
}

/// In-line communication of a stage by kind, in a fixed order.
fn exposed(own: &[&Placed]) -> Vec<(&'static str, Seconds)> {
    let mut kinds =
        vec![("tensor", Seconds::ZERO), ("context", Seconds::ZERO), ("expert", Seconds::ZERO), ("weights", Seconds::ZERO)];
    for placed in own {
        let kind = match placed.task.kind {
            TaskKind::TensorParallel(_) => 0,
            TaskKind::ContextParallel(_) => 1,
            TaskKind::ExpertParallel(_) => 2,
            TaskKind::Weights(_) => 3,
            _ => continue,
        };
        kinds[kind].1 += placed.task.duration;
    }
    kinds
}

/// Memory of a stage after each task that changes it: a microbatch's activations are there from the start of its forward pass
/// to the end of its weight gradient.
#[must_use]
pub fn memory(own: &[&Placed], costs: &Costs, stage: usize) -> Vec<(Seconds, Bytes)> {
    let held = costs.memory[stage];
    let in_flight: Bytes =
        costs.saved[stage].iter().zip(&costs.in_flight[stage]).map(|(saved, alive)| *saved * f64::from(*alive)).sum();
    // Everything but the microbatches in flight is there all the time.
    let base = held.total() - in_flight;
    let mut changes: Vec<(Seconds, f64)> = Vec::new();
    let mut seen: std::collections::BTreeMap<(u32, u32), (Seconds, Seconds)> = std::collections::BTreeMap::new();
    for placed in
        own.iter().filter(|placed| placed.task.kind.stream() == Stream::Compute && placed.task.kind != TaskKind::Optimizer)
    {
        for key in std::iter::once((placed.task.chunk, placed.task.microbatch)).chain(placed.task.beside) {
            let (first, last) = seen.entry(key).or_insert((placed.start, placed.end()));
            *first = first.min(placed.start);
            *last = last.max(placed.end());
        }
    }
    for ((chunk, _), (first, last)) in seen {
        let saved = costs.saved[stage].get(chunk as usize).copied().unwrap_or_default().get();
        changes.push((first, saved));
        changes.push((last, -saved));
    }
    // What is given back at a time is there for what starts then.
    changes.sort_by(|a, b| a.0.get().total_cmp(&b.0.get()).then(a.1.total_cmp(&b.1)));
    let mut now = base;
    let mut out = vec![(Seconds::ZERO, base)];
    for (at, change) in changes {
        now += Bytes::new(change);
        out.push((at, now));
    }
    out
}

/// What the critical path is made of: time by kind of task, longest first.
#[must_use]
pub fn critical_path(timeline: &Timeline) -> Vec<(&'static str, Seconds)> {
    let mut kinds: Vec<(&'static str, Seconds)> = Vec::new();
    for placed in timeline.tasks.iter().filter(|placed| placed.critical && placed.task.duration.get() > 0.0) {
        let name = placed.task.kind.as_str();
        match kinds.iter_mut().find(|(kind, _)| *kind == name) {
            Some((_, time)) => *time += placed.task.duration,
            None => kinds.push((name, placed.task.duration)),
        }
    }
    kinds.sort_by(|a, b| b.1.get().total_cmp(&a.1.get()).then(a.0.cmp(b.0)));
    kinds
}
