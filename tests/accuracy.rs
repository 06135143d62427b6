//! Predicted against published step times. Nothing here is fitted: efficiencies come from kernel and collective measurements.

#[path = "support/megatron.rs"]
mod megatron;

use megatron::{Run, predicted};

fn line(run: &Run) -> String {
    let row = &run.row;
    format!(
        "{:<8} {:<18} {:>5} {:<58} {:>8.2} s {:>8.2} s {:>+6.1} %  MFU {:.1} %",
        row.id,
        row.model,
        row.gpus,
        run.group(),
        row.step_time_s,
        run.predicted,
        run.error() * 100.0,
        run.mfu * 100.0,
    )
}

#[test]
fn megatron_runs_on_a100_come_out_within_twelve_percent() {
    let runs = predicted();
    assert_eq!(runs.len(), 28);
    println!("{:<8} {:<18} {:>5} {:<58} {:>10} {:>10}", "id", "model", "GPUs", "source", "published", "predicted");
    for run in &runs {
        println!("{}", line(run));
    }
    let mean = runs.iter().map(|run| run.error().abs()).sum::<f64>() / runs.len() as f64;
    let bias = runs.iter().map(Run::error).sum::<f64>() / runs.len() as f64;
    println!(
        "mean absolute error {:.1} %, bias {:+.1} %, {} rows, no constant fitted to them",
        mean * 100.0,
        bias * 100.0,
        runs.len()
    );
    assert!(mean <= 0.12, "mean absolute error {:.1} %", mean * 100.0);
}

/// The interval that a plan prints holds nine in ten of these runs.
#[test]
fn the_printed_interval_holds_nine_in_ten() {
    let runs = predicted();
    let inside =
        runs.iter().filter(|run| (run.row.step_time_s / run.predicted - 1.0).abs() <= planner::plan::STEP_TIME_ERROR).count();
    println!("{inside} of {} runs within ± {:.0} % of the prediction", runs.len(), planner::plan::STEP_TIME_ERROR * 100.0);
    assert!(inside as f64 >= 0.9 * runs.len() as f64, "{inside} of {}", runs.len());
}
