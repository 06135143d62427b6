//! Memory against published peaks, and every published run against the memory of its accelerators.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::validate::memory::{MemoryCheck, TABLES, WITHIN_90, misfits, peaks, tables};
use planner::validate::{PUBLISHED, Predictor, PublishedRun, read};

/// Rows that are off by more than 20 %, and why.
const FAR_OFF: [(&str, &str); 6] = [
    ("BS0041", "65 GB, where twice the microbatch is printed with 56"),
    ("BS0082", "38 GB, where the same configuration is printed with 44 in BS0081"),
    ("BS0151", "26 to 32 GB are printed for one configuration"),
    ("BS0154", "26 to 32 GB are printed for one configuration"),
    ("MI0226", "the source does not restate its microbatch and recomputation"),
    ("MI0304", "4-bit run with 64 GiB less than the 8-bit one beside it: settings that the source leaves out"),
];

/// Runs that ran, that leave nothing open, and that are still predicted to need over 10 % more than there is.
const TOO_LARGE: [(&str, &str); 6] = [
    ("MI0023", "DeepSpeed ZeRO-3 on Azure: checkpoints on the host are not modelled"),
    ("MI0024", "DeepSpeed ZeRO-3 on Azure: checkpoints on the host are not modelled"),
    ("MI0234", "which layers FSDP's selective checkpointing takes is not known"),
    ("TP0057", "Gemma 3 with its 262,144 tokens: MaxText's tiles over the vocabulary are not modelled"),
    ("TP0058", "Gemma 3 with its 262,144 tokens: MaxText's tiles over the vocabulary are not modelled"),
    ("TP0059", "Gemma 3 with its 262,144 tokens: MaxText's tiles over the vocabulary are not modelled"),
];

fn published() -> &'static (Vec<PublishedRun>, Predictor) {
    static READ: OnceLock<(Vec<PublishedRun>, Predictor)> = OnceLock::new();
    READ.get_or_init(|| {
        let rows = read(PUBLISHED).expect("the embedded table parses");
        let predictor = Predictor::new(&rows, Catalog::embedded());
        (rows, predictor)
    })
}

/// Mean absolute error by source and of all, in percent.
fn errors(checks: &[MemoryCheck]) -> (BTreeMap<&str, f64>, f64) {
    let mut by: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for check in checks {
        if let Some(error) = check.error() {
            by.entry(&check.source).or_default().push(error.abs() * 100.0);
        }
    }
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    let all: Vec<f64> = by.values().flatten().copied().collect();
    let by = by.into_iter().map(|(source, errors)| (source, mean(&errors))).collect();
    (by, mean(&all))
}

/// 5.6 % reached over 128 runs.
#[test]
fn peaks_are_near_the_published_ones() {
    let (rows, predictor) = published();
    let checks = peaks(predictor, rows);
    let (by, mean) = errors(&checks);
    assert!(checks.iter().filter(|check| check.predicted.is_ok()).count() >= 128);
    assert!(mean <= 5.8, "{mean:.2} % of all, by source {by:#?}");
    for (source, mean) in by {
        let most = match source {
            // One configuration is printed with 26 to 32 GB.
            "BigScience GPT-2 V100 experiments" => 16.0,
            // One row, of FAR_OFF.
            "aws-samples/awsome-distributed-training" => 50.0,
            _ => 9.0,
        };
        assert!(mean <= most, "{source}: {mean:.2} %");
    }
    let within = checks.iter().filter_map(MemoryCheck::error).filter(|error| error.abs() <= WITHIN_90).count();
    assert!(within * 10 >= checks.iter().filter(|check| check.predicted.is_ok()).count() * 9, "{within} within the interval");
    let far: Vec<&str> = checks
        .iter()
        .filter(|check| check.error().is_some_and(|error| error.abs() > 0.2))
        .map(|check| check.id.as_str())
        .collect();
    assert_eq!(far, FAR_OFF.map(|(id, _)| id), "far off");
}

/// 6.6 % reached over 43 figures: Megatron's own formulas within 3 %. `InternEvo`'s peaks are too low by 22 %: what it holds beside
/// states, activations and buffers is not known.
#[test]
fn tables_of_memory_are_near_the_published_ones() {
    let checks = tables(TABLES, Catalog::embedded()).expect("the embedded table parses");
    let (by, mean) = errors(&checks);
    assert!(checks.iter().filter(|check| check.predicted.is_ok()).count() >= 43);
    assert!(mean <= 6.8, "{mean:.2} % of all, by source {by:#?}");
    for (source, mean) in by {
        let most = match source {
            _ if source.contains("InternLM") => 23.0,
            _ if source.contains("Figure 7") => 0.5,
            _ => 3.0,
        };
        assert!(mean <= most, "{source}: {mean:.2} %");
    }
}

#[test]
fn runs_that_ran_fit() {
    let (rows, predictor) = published();
    let misfits = misfits(predictor, rows);
    let whole: Vec<&str> = misfits
        .iter()
        .filter(|misfit| misfit.open.is_none() && !misfit.is_within_interval())
        .map(|misfit| misfit.id.as_str())
        .collect();
    assert_eq!(whole, TOO_LARGE.map(|(id, _)| id), "too large");
    // 24 of them are of one table that leaves the ZeRO stage open, most others leave recomputation open.
    assert!(misfits.len() <= 56, "{} misfits", misfits.len());
}

/// Of six configurations that the source could not run for want of memory, four are refused and one fills the accelerator.
#[test]
fn runs_that_ran_out_of_memory_do_not_fit() {
    let (rows, predictor) = published();
    let mut full = Vec::new();
    for (row, case) in rows.iter().zip(&predictor.cases).filter(|(row, _)| row.notes.contains("OOM")) {
        let case = case.as_ref().expect("it can be predicted");
        let estimate = predictor.estimate(case, Calibration::defaults()).expect("its schedule runs");
        if estimate.fullest().expect("it has stages").memory.total() >= estimate.memory_capacity {
            full.push(row.id.as_str());
        }
    }
    assert_eq!(full, ["BS0079", "BS0086", "BS0087", "BS0121", "BS0122"]);
}
