//! Tables of runs: read or refused in their place, predicted, scored; the same on one thread and on many.

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::report::{headline, json, validation_report};
use planner::validate::score::{Predicted, Summary, score};
use planner::validate::sweeps::{between_layouts, rank_correlation};
use planner::validate::{PUBLISHED, Predictor, PublishedRun, read};

fn report(rows: &[PublishedRun]) -> String {
    let predictor = Predictor::new(rows, Catalog::embedded());
    json(&validation_report(&score(&predictor, rows, Calibration::defaults()))).expect("keys are text")
}

#[test]
fn a_table_of_ones_own_needs_few_columns() {
    let table = "id,accelerator,n_gpus,model_name,seq,gbs,mbs,precision,framework,tp,pp,step_time_s\n\
                 a,H100-SXM-80GB,64,Llama-3-70B,8192,128,1,bf16,NeMo,4,4,14.7\n\
                 b,A100-SXM-80GB,8,no such model,2048,64,1,bf16,NeMo,1,1,1.0\n\
                 c,H100-SXM-80GB,8,Llama-3-8B,8192,128,1,bf16,NeMo,1,1,\n";
    let rows = read(table).expect("well-formed");
    let predictor = Predictor::new(&rows, Catalog::embedded());
    let scored = score(&predictor, &rows, Calibration::defaults());
    let found = validation_report(&scored);
    assert_eq!(found.summary.rows_total, 3);
    assert_eq!(found.summary.rows_scored, 1);
    assert!(found.rows[0].error_pct.is_some_and(|error| error.abs() < 25.0), "{:?}", found.rows[0]);
    assert!(found.rows[0].low_90 < found.rows[0].predicted && found.rows[0].predicted < found.rows[0].high_90);
    assert!(found.rows[1].reason.contains("no known model"), "{}", found.rows[1].reason);
    assert!(found.rows[2].reason.contains("no measured time") && found.rows[2].predicted.is_some());
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    let missing = read("id,accelerator\nx,y\n").expect_err("no such columns");
    assert_eq!((missing.line, missing.message.as_str()), (1, "the table has no column `n_gpus`"));
    let cell = read("id,accelerator,n_gpus,model_name,seq\nx,H100,eight,m,1\n").expect_err("no number");
    assert_eq!((cell.line, cell.column), (2, 3), "{}", cell.message);
    assert!(cell.message.contains("`eight`"), "{}", cell.message);
    let short = read("id,accelerator,n_gpus,model_name,seq\nx,H100\n").expect_err("cells are missing");
    assert_eq!(short.line, 2, "{}", short.message);
}

#[test]
fn threads_do_not_change_a_byte() {
    let rows: Vec<PublishedRun> = read(PUBLISHED).expect("embedded").into_iter().step_by(17).collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| report(&rows))
    };
    assert_eq!(on(1), on(4));
}

/// What is said about the ranks of layouts is what the published sweeps say with these constants.
#[test]
fn the_spread_between_layouts_is_that_of_published_sweeps() {
    let rows: Vec<PublishedRun> = read(PUBLISHED).expect("embedded");
    let predictor = Predictor::new(&rows, Catalog::embedded());
    let scored = score(&predictor, &rows, Calibration::defaults());
    let found = between_layouts(&scored.iter().collect::<Vec<_>>());
    assert_eq!(found, Calibration::defaults().training().between_layouts);
    assert!(found.sweeps >= 30 && found.layouts >= 200, "{found:?}");
}

/// Within sweeps of layouts the one wins that is predicted to, more often than not by far.
#[test]
fn faster_layouts_are_predicted_to_be_faster() {
    let rows: Vec<PublishedRun> = read(PUBLISHED).expect("embedded");
    let predictor = Predictor::new(&rows, Catalog::embedded());
    let scored = score(&predictor, &rows, Calibration::defaults());
    let (tau, sweeps) = rank_correlation(&scored.iter().collect::<Vec<_>>()).expect("sweeps are published");
    assert!(sweeps >= 15 && tau.beyond_noise > 0.75 && tau.plain > 0.6, "{tau:?} over {sweeps}");
}

/// `InternEvo`'s table: ZeRO-1 over all replicas is slower than within a node, and the more so the more replicas there are.
#[test]
fn owners_that_broadcast_to_more_ranks_take_longer() {
    let rows: Vec<PublishedRun> = read(PUBLISHED).expect("embedded");
    let over = |ids: [&str; 2]| {
        let rows = ids.map(|id| rows.iter().find(|row| row.id == id).expect("published").clone());
        let predictor = Predictor::new(&rows, Catalog::embedded());
        let scored = score(&predictor, &rows, Calibration::defaults());
        let of = |time: &dyn Fn(&Predicted<'_>) -> f64| {
            let [all, node] = [0, 1].map(|i| time(scored[i].outcome.as_ref().expect("is predicted")));
            all / node
        };
        (of(&|p| p.estimate.step_time.get()), of(&|p| p.measured.expect("is measured")))
    };
    let (at_128, measured_128) = over(["MI0051", "MI0059"]);
    let (at_512, measured_512) = over(["MI0053", "MI0061"]);
    assert!(1.0 < at_128 && at_128 < at_512 && at_512 > 1.08, "{at_128} {at_512}");
    // A broadcast costs more than its latency and its bytes: what is predicted is the least of it.
    assert!(at_128 < measured_128 && at_512 < measured_512, "{measured_128} {measured_512}");
}

/// Korthikanti et al. (arXiv:2205.05198, table 5), the rows that Calculon is judged by, and vTrain's multi-node runs.
#[test]
fn well_known_tables_come_out() {
    let rows: Vec<PublishedRun> = read(PUBLISHED).expect("embedded");
    let of =
        |source: &str| -> Vec<PublishedRun> { rows.iter().filter(|row| row.source.starts_with(source)).cloned().collect() };
    let mean = |rows: &[PublishedRun]| {
        let predictor = Predictor::new(rows, Catalog::embedded());
        let scored = score(&predictor, rows, Calibration::defaults());
        let errors: Vec<f64> = scored.iter().filter_map(|s| s.outcome.as_ref().ok()?.error()).map(f64::abs).collect();
        assert_eq!(errors.len(), rows.len(), "every row is predicted");
        100.0 * errors.iter().sum::<f64>() / errors.len() as f64
    };
    let korthikanti = mean(&of("Korthikanti"));
    assert!(korthikanti < 6.0, "{korthikanti:.2} %");
    let vtrain = mean(&of("vTrain validation data (multi-node)"));
    assert!(vtrain < 8.0, "{vtrain:.2} %");
}

#[test]
fn an_empty_summary_is_no_division_by_zero() {
    let summary = Summary::new([]);
    assert_eq!((summary.rows_scored, summary.mean_abs_pct_error, summary.coverage_90), (0, 0.0, 0.0));
    let rows = read("id,accelerator,n_gpus,model_name,seq\n").expect("no rows");
    let predictor = Predictor::new(&rows, Catalog::embedded());
    assert_eq!(headline(&score(&predictor, &rows, Calibration::defaults())).rows_total, 0);
}
