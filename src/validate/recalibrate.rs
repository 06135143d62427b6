//! The constants of training frameworks anew, as the file that the planner carries: fitted, and judged on sources held out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::PublishedRun;
use super::cross::{held_out, spreads};
use super::fit::{Fit, fit};
use super::predict::Predictor;
use super::score::{is_fitted, mean, median, quantile, score};
use super::sweeps::between_layouts;
use crate::calibration::{Calibration, LayoutSpread, Training};

/// Rounds after which a fit that still moves is taken as it is.
const MOST_ROUNDS: usize = 24;

/// Constants fitted anew, with how far off they are.
#[derive(Debug)]
pub struct Recalibration {
    /// The fit.
    pub fit: Fit,
    /// The constants and spreads, as `training.yaml` has them.
    pub training: Training,
    /// Median absolute errors of groups of pretraining runs, their sources held out, sorted.
    held_out: Vec<f64>,
}

impl Recalibration {
    /// Median over groups of the absolute error on sources held out.
    #[must_use]
    pub fn held_out_median(&self) -> f64 {
        quantile(&self.held_out, 0.5)
    }

    /// Mean over groups of the same.
    #[must_use]
    pub fn held_out_mean(&self) -> f64 {
        mean(&self.held_out)
    }
}

/// Whether a row may be fitted: marked for it, and complete.
#[must_use]
pub fn may_be_fitted(row: &PublishedRun) -> bool {
    is_fitted(row) && row.quality != "C"
}

/// Fits the constants of `start` from their priors.
#[must_use]
pub fn recalibrate(predictor: &Predictor, rows: &[PublishedRun], start: &Training) -> Recalibration {
    let fit = fit(predictor, rows, start, &may_be_fitted, MOST_ROUNDS, false);
    let errors = held_out(predictor, rows, &fit.training, &may_be_fitted);
    let spreads = spreads(predictor, rows, &errors, &fit.training);
    let scored = score(predictor, rows, &Calibration::with_training(fit.training.clone()));
    let between_layouts = between_layouts(&scored.iter().collect::<Vec<_>>());
    let training = Training { spreads, between_layouts, ..fit.training.clone() };
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (row, error) in rows.iter().zip(&errors).filter(|(row, _)| row.task == "pretrain") {
        groups.entry(row.split_group.as_str()).or_default().extend(error.map(|error| error.exp_m1().abs()));
    }
    let mut held_out: Vec<f64> = groups.into_values().filter(|errors| !errors.is_empty()).map(median).collect();
    held_out.sort_by(f64::total_cmp);
    Recalibration { fit, training, held_out }
}

/// The file.
#[must_use]
pub fn file(found: &Recalibration) -> String {
    let training = &found.training;
    let mut out = format!(
        "{HEADER}#\n# {} constants, fitted to {} runs in {} groups.\n\ngenerations:\n",
        training.constants.len(),
        found.fit.rows,
        found.fit.groups
    );
    for generation in &training.generations {
        let like = generation.like.as_ref().map(|like| format!(", like: {like}")).unwrap_or_default();
        let _ = writeln!(out, "  - {{name: {}, families: [{}]{like}}}", generation.name, generation.families.join(", "));
    }
    out.push_str("\nconstants:\n");
    for c in &training.constants {
        let _ = writeln!(
            out,
            "  - {{name: {}, value: {}, prior: {}, least: {}, most: {}, rows: {}}}",
            c.name, c.value, c.prior, c.least, c.most, c.rows
        );
    }
    out.push_str("\nspreads:\n");
    for s in &training.spreads {
        let _ = writeln!(
            out,
            "  - {{software: {}, generation: {}, groups: {}, half: {}, ninety: {}}}",
            s.software, s.generation, s.groups, s.half, s.ninety
        );
    }
    let LayoutSpread { sweeps, layouts, deciles } = &training.between_layouts;
    let deciles: Vec<String> = deciles.iter().map(f64::to_string).collect();
    let _ = write!(out, "\nbetween-layouts:\n  sweeps: {sweeps}\n  layouts: {layouts}\n  deciles: [{}]\n", deciles.join(", "));
    out
}

const HEADER: &str = "\
# What training frameworks deliver beyond what kernel tables say (defaults.yaml): few constants, fitted to published runs.
# Written by `planner calibrate --from-runs`; the same runs give the same file. docs/accuracy.md says how good it is.
#
#   value   what was fitted      prior   what it was believed to be: where the fit begins, and what it is drawn to
#   least, most   the range that is physically sensible      rows   runs whose predicted time depends on it
#
#   matmul.G.T           rate of matmuls in type T on generation G, over what the kernel tables say of days of work
#   attention-P.G.K      share of the dense peak that attention kernels of kind K reach, pass P
#   stream.F             traffic of element-wise kernels of framework F, over that of ideally fused ones
#   issue.F              time in which the host issues a kernel, in us; where that is longer than it runs, it sets the pace
#   layer.F              time of each pass of a layer beside its kernels, in us: checkpointing, synchronisation
#   turn.F               time of the host for a turn of the pipeline, in ms
#   step.F               time of a step beside its tasks, in ms: data, logging, clocks
#   tensor-exposed       share of tensor-parallel collectives that matmuls do not hide
#   context-exposed      the same of context-parallel exchanges
#   expert-exposed       the same of expert exchanges that run beside another microbatch
#   contention.F         slow-down of computation by a collective beside it, in shares of the collective's time
#   grouped, dispatch    time of grouped matmuls and traffic of permutation, over ideal ones
#   route                time in which the host waits for the tokens of every expert, in us, each pass of a layer
#   exchange.rack        time of expert exchanges in a rack-sized scale-up domain, over that of kernels for eight accelerators
#   unaligned            rate of matmuls whose rows are not aligned to 16 bytes, over aligned ones
#
#   spreads: half and nine in ten of the measured times lie within a factor of e^half and e^ninety of the predicted ones, from
#   errors on sources held out, by framework and generation
#
#   between-layouts: how far the errors of layouts of one job on one machine by one source are from their mean, in the logarithm of
#   time: distances that 0, 10, 20 ... 100 % of them stay below, over all published sweeps of quality A
";
