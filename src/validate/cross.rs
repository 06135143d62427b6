//! Errors on sources that no constant was fitted to: each source held out in turn.

use std::collections::{BTreeMap, BTreeSet};

use super::PublishedRun;
use super::fit::fit;
use super::predict::Predictor;
use super::score::{is_fitted, quantile};
use crate::calibration::{Calibration, Spread, Training};

/// Rounds of a fit that starts where the whole fit ended and lacks one source.
const ROUNDS: usize = 2;
/// Groups below which publishers are held out together.
const FEW: usize = 5;
/// Groups that a class needs to speak for itself.
const ENOUGH: usize = 8;

/// The logarithm of predicted over measured time of every fitted row, predicted with constants fitted without its source; nothing
/// for rows without prediction or measurement, and for rows that were not fitted.
#[must_use]
pub fn held_out(
    predictor: &Predictor,
    rows: &[PublishedRun],
    training: &Training,
    take: &dyn Fn(&PublishedRun) -> bool,
) -> Vec<Option<f64>> {
    let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| take(row)) {
        groups.entry(publisher(row)).or_default().insert(row.split_group.as_str());
    }
    // Publishers of a few groups are held out together.
    let fold_of = |row: &PublishedRun| {
        let publisher = publisher(row);
        if groups.get(publisher).is_some_and(|groups| groups.len() >= FEW) { publisher.to_owned() } else { "others".to_owned() }
    };
    let folds: BTreeSet<String> = rows.iter().filter(|row| take(row)).map(fold_of).collect();
    let mut out = vec![None; rows.len()];
    for fold in &folds {
        let without = |row: &PublishedRun| take(row) && fold_of(row) != *fold;
        let fitted = fit(predictor, rows, training, &without, ROUNDS, true);
        let calibration = Calibration::with_training(fitted.training);
        for (i, row) in rows.iter().enumerate().filter(|(_, row)| take(row) && fold_of(row) == *fold) {
            let Ok(case) = &predictor.cases[i] else { continue };
            let time = predictor.step_time(case, &calibration);
            out[i] = case.measured.zip(time).map(|(measured, time)| (time / measured).ln());
            debug_assert!(is_fitted(row));
        }
    }
    out
}

/// Who published a row: submitters of one benchmark are one.
fn publisher(row: &PublishedRun) -> &str {
    if row.source.starts_with("MLPerf") { "MLPerf" } else { row.source.as_str() }
}

/// How far rows of each class of framework and generation are off, from errors on sources held out.
#[must_use]
pub fn spreads(predictor: &Predictor, rows: &[PublishedRun], errors: &[Option<f64>], training: &Training) -> Vec<Spread> {
    // Class -> group -> errors.
    let mut classes: BTreeMap<(String, String), BTreeMap<&str, Vec<f64>>> = BTreeMap::new();
    for ((row, case), error) in rows.iter().zip(&predictor.cases).zip(errors) {
        let (Ok(case), Some(error)) = (case, error) else { continue };
        if row.task == "lora" {
            continue;
        }
        let software = case.layout.computation.software.as_str().to_owned();
        let generation = training.generation(&case.machine.accelerator).unwrap_or("any").to_owned();
        for class in [(software.clone(), generation), (software, "any".into()), ("any".into(), "any".into())] {
            classes.entry(class).or_default().entry(row.split_group.as_str()).or_default().push(error.abs());
        }
    }
    classes
        .into_iter()
        .filter(|((software, _), groups)| software == "any" || groups.len() >= ENOUGH)
        .map(|((software, generation), groups)| {
            let weighted: Vec<(f64, f64)> =
                groups.values().flat_map(|errors| errors.iter().map(|error| (*error, 1.0 / errors.len() as f64))).collect();
            Spread {
                software,
                generation,
                groups: groups.len() as u32,
                half: conformal(weighted.clone(), groups.len(), 0.5),
                ninety: conformal(weighted, groups.len(), 0.9),
            }
        })
        .collect()
}

/// The conformal quantile: what share (n + 1) / n · `level` of n groups stays below (Vovk et al., Algorithmic Learning in a Random
/// World), rounded up to four digits.
fn conformal(mut weighted: Vec<(f64, f64)>, groups: usize, level: f64) -> f64 {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n = groups as f64;
    let wanted = (level * (n + 1.0) / n).min(1.0) * weighted.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut seen = 0.0;
    let found = weighted.iter().find(|(_, weight)| {
        seen += weight;
        seen >= wanted * (1.0 - 1e-12)
    });
    let most: Vec<f64> = weighted.iter().map(|(error, _)| *error).collect();
    let value = found.map_or_else(|| quantile(&most, 1.0), |(error, _)| *error);
    (value * 1e4).ceil() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conformal_quantiles_are_a_little_wider_than_plain_ones() {
        let errors: Vec<(f64, f64)> = (1..=9).map(|i| (f64::from(i) / 100.0, 1.0)).collect();
        // Nine groups: nine in ten takes all of them, half takes the fifth.
        assert_eq!(conformal(errors.clone(), 9, 0.9), 0.09);
        assert_eq!(conformal(errors, 9, 0.5), 0.05);
    }
}
