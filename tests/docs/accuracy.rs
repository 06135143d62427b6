//! Predictions held against published runs, as the documents tell it.

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::report::{By, Table, headline, validation_markdown, validation_parts};
use planner::validate::score::score;
use planner::validate::{PUBLISHED, Predictor, read};

/// Most that the rows which count may be off, in percent: what the documents promise. Lower when predictions get better.
const MEDIAN: f64 = 5.0;
const MEAN: f64 = 8.0;
const NINE_IN_TEN: f64 = 20.5;
const BIAS: f64 = 1.0;

/// Tables and limits.
pub fn compare_documents(filled: &dyn Fn(&str, &str, &str) -> String, compare: &dyn Fn(&str, &str)) {
    let rows = read(PUBLISHED).expect("it is embedded");
    let predictor = Predictor::new(&rows, Catalog::embedded());
    let scored = score(&predictor, &rows, Calibration::defaults());
    let summary = headline(&scored);
    assert!(summary.median_abs_pct_error <= MEDIAN, "{summary:?}");
    assert!(summary.mean_abs_pct_error <= MEAN, "{summary:?}");
    assert!(summary.p90_abs_pct_error <= NINE_IN_TEN, "{summary:?}");
    assert!(summary.bias_pct.abs() <= BIAS, "{summary:?}");
    assert!(summary.coverage_90 >= 0.85, "{summary:?}");
    let predicted = scored.iter().filter(|scored| scored.outcome.is_ok()).count();
    assert!(predicted * 10 >= rows.len() * 9, "{predicted} of {} rows", rows.len());

    compare("README.md", &filled("README.md", "accuracy", &validation_parts(&scored).markdown()));
    let path = "docs/accuracy.md";
    compare(path, &filled(path, "validate", &validation_markdown(&scored, By::Source, 20)));
    compare(path, &filled(path, "constants", &constants().markdown()));
    compare(path, &filled(path, "spreads", &spreads().markdown()));
}

fn constants() -> Table {
    let mut table = Table::new(&["constant", "value", "prior", "least", "most", "runs"], 1);
    for c in &Calibration::defaults().training().constants {
        table.row([
            c.name.clone(),
            c.value.to_string(),
            c.prior.to_string(),
            c.least.to_string(),
            c.most.to_string(),
            c.rows.to_string(),
        ]);
    }
    table
}

fn spreads() -> Table {
    let mut table = Table::new(&["framework", "generation", "groups", "half within", "nine in ten within"], 2);
    for spread in &Calibration::defaults().training().spreads {
        let factor = |half: f64| format!("x {:.3}", half.exp());
        table.row([
            spread.software.clone(),
            spread.generation.clone(),
            spread.groups.to_string(),
            factor(spread.half),
            factor(spread.ninety),
        ]);
    }
    table
}
