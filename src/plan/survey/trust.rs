//! How sure it is that the best layout is the best: predictions of layouts are off by different amounts.

use serde::Serialize;

use crate::calibration::{Calibration, LayoutSpread};
use crate::parallel::Strategy;
use crate::plan::contest::Entry;
use crate::search::Found;

/// Leads that the best layout may lack, as shares of the time.
const MARGINS: [f64; 3] = [0.02, 0.05, 0.1];

/// How sure it is that the best layout is the best, when each layout's prediction is off by itself as far as published sweeps of
/// layouts were. Layouts of equal tensor, context, pipeline and expert parallelism are off alike, and the best of them stands for all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trust {
    /// Each layout's chance to be the best, in the order of their predictions.
    pub layouts: Vec<Likely>,
    /// Chance that no layout is faster than the first by more than a margin.
    pub within: Vec<Within>,
    /// Time of a step if communication did not overlap with computation, over the predicted, less one; nothing where the layout does
    /// not overlap.
    pub without_overlap: Option<f64>,
    /// Share of the fullest accelerator's memory that is free.
    pub free_memory: f64,
    /// The published sweeps behind it.
    pub from: LayoutSpread,
}

/// A chance to be nearly the best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Within {
    /// The share of the time by which another layout may be faster.
    pub margin: f64,
    /// The chance.
    pub chance: f64,
}

impl Trust {
    /// A layout's chance to be the best, where it is one of those that were weighed.
    #[must_use]
    pub fn chance(&self, strategy: &Strategy) -> Option<f64> {
        self.layouts.iter().find(|likely| likely.strategy == *strategy).map(|likely| likely.best)
    }
}

/// A layout's chance to be the best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likely {
    /// The layout.
    pub strategy: Strategy,
    /// The chance.
    pub best: f64,
}

pub(super) fn trust(winner: &Entry<'_>, calibration: &Calibration) -> Trust {
    let spread = &calibration.training().between_layouts;
    let kind = |s: &Strategy| [s.tp, s.cp, s.pp, s.ep];
    let mut rivals: Vec<&Found> = Vec::new();
    for found in &winner.found.best {
        if rivals.iter().all(|other| kind(&other.strategy) != kind(&found.strategy)) {
            rivals.push(found);
        }
    }
    let scores: Vec<f64> = rivals.iter().map(|found| winner.score_of(found)).collect();
    let chance = |i: usize, margin: f64| {
        let mut first = scores.clone();
        first.swap(0, i);
        spread.stays_best(&first, margin)
    };
    let setup = &winner.setup;
    let slower = |best: &Found| {
        let strategy = Strategy { overlap: false, ..best.strategy };
        let time = setup.step_time(&setup.costs(&strategy)).ok()?;
        Some(time.get() / best.step_time.get() - 1.0)
    };
    let best = winner.found.best.first();
    Trust {
        layouts: rivals
            .iter()
            .enumerate()
            .map(|(i, found)| Likely { strategy: found.strategy, best: chance(i, 0.0) })
            .collect(),
        within: MARGINS.map(|margin| Within { margin, chance: chance(0, margin.ln_1p()) }).to_vec(),
        without_overlap: best.filter(|best| best.strategy.overlap).and_then(slower),
        free_memory: best.map_or(0.0, |best| 1.0 - best.costs.fullest().share()),
        from: spread.clone(),
    }
}
