//! The published runs of `tests/data`, predicted: the tables of the documents.

use std::fmt::Write as _;

use super::megatron::Run;
pub use super::megatron::predicted;

/// One line a run.
pub fn table(runs: &[Run]) -> String {
    let mut out = String::from(
        "| run | source | model | GPUs | tp | pp | vp | dp | microbatch | batch | recompute | published | predicted | error | predicted MFU |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|\n",
    );
    for run in runs {
        let r = &run.row;
        let source = match r.layout.as_str() {
            "paper" => "Korthikanti",
            "older" => "Narayanan, older",
            _ => "README, later",
        };
        let _ = writeln!(
            out,
            "| {} | {source} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.2} s | {:.2} s | {:+.1} % | {:.1} % |",
            r.id,
            r.model,
            r.gpus,
            if r.sp { format!("{} (sp)", r.tp) } else { r.tp.to_string() },
            r.pp,
            r.vp,
            r.dp,
            r.mbs,
            r.gbs,
            r.recompute,
            r.step_time_s,
            run.predicted,
            run.error() * 100.0,
            run.mfu * 100.0,
        );
    }
    out
}

/// One line a publication, and one for all.
pub fn by_source(runs: &[Run]) -> String {
    let mut groups: Vec<String> = Vec::new();
    for run in runs {
        if !groups.contains(&run.group()) {
            groups.push(run.group());
        }
    }
    let mut out = String::from("| source | runs | GPUs | mean absolute error | bias | largest |\n|---|--:|--:|--:|--:|--:|\n");
    for name in groups.iter().map(String::as_str).chain(["all"]) {
        let of: Vec<&Run> = runs.iter().filter(|run| name == "all" || run.group() == name).collect();
        let count = of.len() as f64;
        let gpus = |pick: fn(u64, u64) -> u64| of.iter().map(|run| run.row.gpus).reduce(pick).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {name} | {} | {} to {} | {:.1} % | {:+.1} % | {:.1} % |",
            of.len(),
            gpus(u64::min),
            gpus(u64::max),
            of.iter().map(|run| run.error().abs()).sum::<f64>() / count * 100.0,
            of.iter().map(|run| run.error()).sum::<f64>() / count * 100.0,
            of.iter().map(|run| run.error().abs()).fold(0.0, f64::max) * 100.0,
        );
    }
    out
}
