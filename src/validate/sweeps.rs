//! Sweeps of layouts: one job on one machine by one source, laid out in several ways. Does the layout win that is predicted to?

use std::collections::BTreeMap;

use super::PublishedRun;
use super::score::{Predicted, Scored, mean, median, quantile};
use crate::calibration::LayoutSpread;

/// Pairs whose measured times are closer tell nothing about order: the same configuration published twice differs by 1 to 4 %.
const SAME: f64 = 0.03;
/// Batches further apart are different jobs, even by sequence: the bubble and what a step pays once weigh differently.
const SAME_BATCH: f64 = 0.05;
/// Pairs of repeats that a source needs for its own noise to be known.
const KNOWN: usize = 10;
/// Layouts that a sweep needs for its ranks to mean something, and pairs of them.
const LAYOUTS: usize = 4;
const PAIRS: f64 = 3.0;

/// Layouts of one job.
#[derive(Debug)]
pub struct Sweep<'a> {
    /// A run of it.
    pub row: &'a PublishedRun,
    /// Its layouts.
    pub layouts: Vec<Timed>,
    /// The difference, in the logarithm of time, below which its source's measured times are the same.
    pub noise: f64,
}

/// A layout, measured and predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed {
    /// Measured seconds of a sequence, the median of repeats.
    pub measured: f64,
    /// Predicted ones.
    pub predicted: f64,
    /// Sequences of a step.
    pub sequences: f64,
}

/// Measured times of the repeats of each layout, and one of them.
type Layouts = BTreeMap<String, (Vec<f64>, Timed)>;

/// Kendall's rank correlation of measured and predicted times (tau-a of the pairs that are compared).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankCorrelation {
    /// Over pairs that are further apart than repeats are.
    pub beyond_noise: f64,
    /// Over all pairs.
    pub plain: f64,
}

/// The sweeps among `rows`, of quality A: runs of one source and release, machine, architecture, sequence length, type and framework.
/// Rows that leave the microbatch or the recomputation open are of no sweep: what differs between them is not known.
#[must_use]
pub fn sweeps<'a>(rows: &[&Scored<'a>]) -> Vec<Sweep<'a>> {
    let mut jobs: BTreeMap<String, Layouts> = BTreeMap::new();
    let mut examples: BTreeMap<String, &'a PublishedRun> = BTreeMap::new();
    for scored in rows {
        let row = scored.row;
        let Ok(predicted) = &scored.outcome else { continue };
        let Some(measured) = predicted.measured else { continue };
        let printed = !predicted.case.layout.open_microbatch && !row.recompute.is_empty();
        if !printed || !matches!(row.quality.as_str(), "A" | "") {
            continue;
        }
        let sequences = predicted.case.layout.strategy.sequences() as f64;
        let timed = Timed { measured, predicted: predicted.estimate.step_time.get() / sequences, sequences };
        let key = job(row, predicted);
        examples.entry(key.clone()).or_insert(row);
        let layout = format!("{:?} {:?}", predicted.case.layout.strategy, predicted.case.layout.computation);
        jobs.entry(key).or_default().entry(layout).or_insert((Vec::new(), timed)).0.push(measured / sequences);
    }
    let noises = noises(examples.iter().map(|(key, &row)| (row.source.as_str(), &jobs[key])));
    jobs.into_iter()
        .map(|(key, layouts)| {
            let row = examples[&key];
            let layouts = layouts.into_values().map(|(repeats, timed)| Timed { measured: median(repeats), ..timed }).collect();
            Sweep { row, layouts, noise: noises.get(row.source.as_str()).copied().unwrap_or(SAME) }
        })
        .collect()
}

/// What is the same for all layouts of a sweep.
fn job(row: &PublishedRun, predicted: &Predicted<'_>) -> String {
    let computation = &predicted.case.layout.computation;
    format!(
        "{}|{}|{}|{:?}|{:?}|{}|{:?}|{:?}",
        row.source,
        row.date_or_release,
        row.task,
        predicted.case.machine,
        predicted.case.model,
        computation.sequence,
        computation.precision,
        computation.software
    )
}

/// The median difference of repeats of one layout by source, where it is known and more than what is everywhere.
fn noises<'a, 'b>(jobs: impl Iterator<Item = (&'a str, &'b Layouts)>) -> BTreeMap<&'a str, f64> {
    let mut differences: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (source, layouts) in jobs {
        for (repeats, _) in layouts.values() {
            let pairs = repeats.iter().enumerate().flat_map(|(i, a)| repeats[i + 1..].iter().map(move |b| (a / b).ln().abs()));
            differences.entry(source).or_default().extend(pairs);
        }
    }
    differences.into_iter().filter(|(_, all)| all.len() >= KNOWN).map(|(source, all)| (source, median(all).max(SAME))).collect()
}

impl Sweep<'_> {
    /// How much longer the slowest layout took than the fastest, as a share.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let times = || self.layouts.iter().map(|layout| layout.measured);
        times().fold(0.0, f64::max) / times().fold(f64::INFINITY, f64::min) - 1.0
    }

    /// Whether the layouts that are predicted to be faster were; nothing of few layouts, or too close together.
    #[must_use]
    pub fn rank_correlation(&self) -> Option<RankCorrelation> {
        if self.layouts.len() < LAYOUTS {
            return None;
        }
        Some(RankCorrelation { beyond_noise: kendall(&self.layouts, self.noise)?, plain: kendall(&self.layouts, 0.0)? })
    }
}

/// The mean over sweeps, and how many there are.
#[must_use]
pub fn rank_correlation(rows: &[&Scored<'_>]) -> Option<(RankCorrelation, usize)> {
    let all: Vec<RankCorrelation> = sweeps(rows).iter().filter_map(Sweep::rank_correlation).collect();
    let over = |of: fn(&RankCorrelation) -> f64| mean(&all.iter().map(of).collect::<Vec<_>>());
    let found = RankCorrelation { beyond_noise: over(|tau| tau.beyond_noise), plain: over(|tau| tau.plain) };
    (!all.is_empty()).then_some((found, all.len()))
}

/// How far the errors of layouts of one job on one machine by one source are from their mean, the mistake that all of them share left
/// out: what decides whether the layout that is predicted to be the fastest is. Over sweeps of two layouts or more.
#[must_use]
pub fn between_layouts(rows: &[&Scored<'_>]) -> LayoutSpread {
    let sweeps: Vec<Sweep<'_>> = sweeps(rows).into_iter().filter(|sweep| sweep.layouts.len() >= 2).collect();
    let mut all = Vec::new();
    for sweep in &sweeps {
        let errors: Vec<f64> = sweep.layouts.iter().map(|layout| (layout.predicted / layout.measured).ln()).collect();
        let middle = mean(&errors);
        // The mean of n follows each of them by an nth (Bessel).
        let n = errors.len() as f64;
        all.extend(errors.iter().map(|error| (error - middle).abs() * (n / (n - 1.0)).sqrt()));
    }
    all.sort_by(f64::total_cmp);
    let decile = |tenth: usize| (quantile(&all, tenth as f64 / 10.0) * 1e4).round() / 1e4;
    let mut deciles: [f64; 11] = std::array::from_fn(decile);
    deciles[0] = 0.0;
    LayoutSpread { sweeps: sweeps.len() as u32, layouts: all.len() as u32, deciles }
}

/// Pairs in the same order less pairs in the other, over all of them; pairs measured less than `same` apart, or with other batches,
/// are not compared.
fn kendall(layouts: &[Timed], same: f64) -> Option<f64> {
    let (mut agree, mut pairs) = (0.0, 0.0);
    for (i, a) in layouts.iter().enumerate() {
        for b in &layouts[i + 1..] {
            let measured = (a.measured / b.measured).ln();
            let predicted = (a.predicted / b.predicted).ln();
            let comparable = (a.sequences / b.sequences).ln().abs() <= SAME_BATCH;
            if measured.abs() < same || !comparable {
                continue;
            }
            pairs += 1.0;
            agree += if measured * predicted > 0.0 { 1.0 } else { -1.0 };
        }
    }
    (pairs >= PAIRS).then(|| agree / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layouts(times: &[(f64, f64, f64)]) -> Vec<Timed> {
        times.iter().map(|&(measured, predicted, sequences)| Timed { measured, predicted, sequences }).collect()
    }

    #[test]
    fn ranks_agree_and_disagree() {
        let same = layouts(&[(1.0, 10.0, 8.0), (2.0, 20.0, 8.0), (3.0, 30.0, 8.0)]);
        assert_eq!(kendall(&same, SAME), Some(1.0));
        let turned = layouts(&[(1.0, 30.0, 8.0), (2.0, 20.0, 8.0), (3.0, 10.0, 8.0)]);
        assert_eq!(kendall(&turned, SAME), Some(-1.0));
    }

    #[test]
    fn what_is_within_noise_or_of_other_batches_has_no_order() {
        let close = layouts(&[(1.0, 1.0, 8.0), (1.01, 3.0, 8.0), (1.02, 2.0, 8.0)]);
        assert_eq!(kendall(&close, SAME), None);
        assert_eq!(kendall(&close, 0.0), Some(1.0 / 3.0));
        let batches = layouts(&[(1.0, 1.0, 8.0), (2.0, 2.0, 16.0), (3.0, 3.0, 32.0)]);
        assert_eq!(kendall(&batches, SAME), None);
    }

    #[test]
    fn a_source_that_repeats_itself_says_how_noisy_it_is() {
        let timed = layouts(&[(1.0, 1.0, 8.0)])[0];
        let repeats = |times: &[f64]| BTreeMap::from([(String::new(), (times.to_vec(), timed))]);
        let (noisy, calm, rare) = (repeats(&[1.0, 1.1, 1.21, 1.0, 1.1]), repeats(&[1.0; 5]), repeats(&[1.0, 2.0]));
        let found = noises([("noisy", &noisy), ("calm", &calm), ("rare", &rare)].into_iter());
        assert!((found["noisy"] - 1.1_f64.ln()).abs() < 1e-12, "{found:?}");
        assert_eq!((found["calm"], found.get("rare")), (SAME, None));
    }
}
