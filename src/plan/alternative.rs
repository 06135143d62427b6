//! Layouts that are nearly as good as the plan's, and what makes the difference.

use serde::Serialize;

use crate::parallel::Strategy;
use crate::search::Found;
use crate::step::{Breakdown, Setup, StepEstimate};
use crate::units::Bytes;

/// A layout that is nearly as good.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// The layout.
    pub strategy: Strategy,
    /// Time per token over the plan's, minus one.
    pub slower_by: f64,
    /// GPU-hours per token over the plan's, minus one.
    pub dearer_by: f64,
    /// Memory of the fullest accelerator.
    #[serde(rename = "memory_bytes")]
    pub memory: Bytes,
    /// What makes it slower and what faster, the largest part first; together they are `slower_by`.
    pub why: Vec<Shift>,
}

/// How a part of the time of a step differs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shift {
    /// The part, as a step's breakdown names it.
    pub part: &'static str,
    /// Its time per token less the plan's, as a share of the plan's whole time per token.
    pub by: f64,
}

impl Alternative {
    /// `other` beside the best layout and its step.
    pub(super) fn new(setup: &Setup<'_>, other: &Found, (best, step): (&Found, &StepEstimate)) -> Self {
        let slower = other.time_per_sequence() / best.time_per_sequence();
        let of = (step.breakdown, best.strategy.sequences() as f64);
        // What was costed can be estimated.
        let estimate = setup.estimate(&other.strategy, &other.costs);
        let why = estimate.map(|estimate| shifts((estimate.breakdown, other.strategy.sequences() as f64), of, best));
        Self {
            strategy: other.strategy,
            slower_by: slower - 1.0,
            dearer_by: slower * other.strategy.gpus() as f64 / best.strategy.gpus() as f64 - 1.0,
            memory: other.costs.peak_memory(),
            why: why.unwrap_or_default(),
        }
    }
}

fn shifts((other, sequences): (Breakdown, f64), (own, own_sequences): (Breakdown, f64), best: &Found) -> Vec<Shift> {
    let by = |(a, b): (f64, f64)| (a / sequences - b / own_sequences) / best.time_per_sequence();
    let pairs = other.parts().into_iter().zip(own.parts());
    let mut all: Vec<Shift> = pairs.map(|((part, a), (_, b))| Shift { part, by: by((a.get(), b.get())) }).collect();
    all.retain(|shift| shift.by != 0.0);
    all.sort_by(|a, b| b.by.abs().total_cmp(&a.by.abs()).then_with(|| a.part.cmp(b.part)));
    all
}
