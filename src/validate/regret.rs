//! What the search would have chosen in place of the layouts that published runs had, and what these lose to it by the model's
//! own reckoning.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::predict::{Case, Predictor};
use super::score::{median, quantile};
use super::{PublishedRun, REFERENCE};
use crate::calibration::Calibration;
use crate::parallel::Strategy;
use crate::search::{Space, Wanted, search};
use crate::spec::Parallelism;
use crate::units::Batch;

/// A published layout beside the one that a search chooses for the same job on the same machine.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Regret {
    /// The row; of several with the same layout, the first.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// What was trained on what.
    pub what: String,
    /// The published layout.
    pub published: Strategy,
    /// The search's.
    pub chosen: Strategy,
    /// Predicted time of the published layout over that of the search's, minus one; below zero where the published layout is not
    /// in the space or is judged not to fit.
    pub regret: f64,
    /// Whether the published layout's time lies within the 90 % interval of the search's.
    pub within: bool,
}

/// The layouts of GPU pretraining runs of quality A, each beside the search's, in the order of the rows.
#[must_use]
pub fn regrets(predictor: &Predictor, rows: &[PublishedRun], calibration: &Calibration) -> Vec<Regret> {
    let mut seen = std::collections::BTreeSet::new();
    let mut layouts: Vec<(&PublishedRun, &Case)> = Vec::new();
    for (row, case) in rows.iter().zip(&predictor.cases) {
        let Ok(case) = case else { continue };
        let gpu = !REFERENCE.iter().any(|name| row.accelerator.to_lowercase().starts_with(name));
        let tuned = gpu && row.quality == "A" && row.task == "pretrain" && !case.layout.open_microbatch;
        let key = format!("{:?} {} {:?} {:?}", case.machine, case.model.name, case.layout.computation, case.layout.strategy);
        if tuned && seen.insert(key) {
            layouts.push((row, case));
        }
    }
    layouts.par_iter().filter_map(|(row, case)| regret(predictor, row, case, calibration)).collect()
}

fn regret(predictor: &Predictor, row: &PublishedRun, case: &Case, calibration: &Calibration) -> Option<Regret> {
    let setup = predictor.setup(case, calibration).ok()?;
    let published = case.layout.strategy;
    let batch = Batch::Sequences(published.sequences() as u32);
    let space = Space::new(&setup.computation, batch, Parallelism::default());
    let best = search(&setup, &space, &Wanted { top: 1, ..Wanted::default() }).best.into_iter().next()?;
    let time = predictor.step_time(case, calibration)? / published.sequences() as f64;
    let ratio = time / best.time_per_sequence();
    let spread = calibration.training().interval(&setup.pool.accelerator.name, &setup.computation, best.strategy.gpus());
    Some(Regret {
        id: row.id.clone(),
        source: row.source.clone(),
        what: format!("{} on {} x {}", row.model_name, published.gpus(), row.accelerator),
        published,
        chosen: best.strategy,
        regret: ratio - 1.0,
        within: ratio.ln() <= spread.ninety,
    })
}

/// Regrets of one source.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SourceRegret {
    /// Who published them.
    pub source: String,
    /// Layouts.
    pub layouts: usize,
    /// Median regret.
    pub median: f64,
    /// What nine in ten layouts stay below.
    pub ninety: f64,
    /// Share of layouts whose time lies within the 90 % interval of the search's.
    pub within: f64,
}

/// Regrets by source, the one with most layouts first, and of all together.
#[must_use]
pub fn by_source(regrets: &[Regret]) -> Vec<SourceRegret> {
    let mut sources: BTreeMap<&str, Vec<&Regret>> = BTreeMap::new();
    for regret in regrets {
        sources.entry(regret.source.as_str()).or_default().push(regret);
    }
    let of = |source: &str, all: &[&Regret]| {
        let mut values: Vec<f64> = all.iter().map(|regret| regret.regret).collect();
        values.sort_by(f64::total_cmp);
        SourceRegret {
            source: source.to_owned(),
            layouts: all.len(),
            median: median(values.clone()),
            ninety: quantile(&values, 0.9),
            within: all.iter().filter(|regret| regret.within).count() as f64 / all.len().max(1) as f64,
        }
    };
    let mut rows: Vec<SourceRegret> = sources.iter().map(|(source, all)| of(source, all)).collect();
    rows.sort_by(|a, b| b.layouts.cmp(&a.layouts).then_with(|| a.source.cmp(&b.source)));
    rows.insert(0, of("all", &regrets.iter().collect::<Vec<_>>()));
    rows
}
