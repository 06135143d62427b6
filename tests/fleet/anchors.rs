//! Published traces through every policy that other simulators have, equal to them in every digit they print.
//!
//! The rows are in `tests/data/schedules.csv`, with the tool and its commit; the traces and their licences in `tests/data/traces`.

use std::path::Path;
use std::sync::Arc;

use planner::diagnostic::Source;
use planner::fleet::placement::{Map, Packed, Pool};
use planner::fleet::trace::Trace;
use planner::fleet::{Job, Outcome, Placer, PolicyKind, Setting, simulate};
use rayon::prelude::*;

pub fn trace(name: &str) -> Trace {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces").join(name);
    Trace::read(&Source::read_table(&path).expect("a file")).expect("a trace")
}

/// Jobs on GPUs that never fail.
pub fn simulated<P: Placer>(jobs: &[Job], weights: &[f64], policy: PolicyKind, placer: P) -> Outcome {
    let setting = Setting::new(jobs, weights, policy);
    simulate(&setting, placer, &mut std::iter::empty())
}

fn run<P: Placer>(trace: &Trace, policy: PolicyKind, placer: P) -> Outcome {
    simulated(&trace.jobs, &vec![1.0; trace.queues.len()], policy, placer)
}

/// The policy and whether GPUs are only counted, by the names of the table; nothing for rules of one tool alone.
fn known(tool: &str, policy: &str, placement: &str) -> Option<(PolicyKind, bool)> {
    let policy = match (tool.split(' ').next()?, policy) {
        // What two of them call otherwise passes by jobs that do not fit, and protects nobody (notes of their rows).
        ("Alibaba", "fifo") | ("AccaSim", "easy backfill") | (_, "fjf") => PolicyKind::FirstFit,
        ("Alibaba", "sjf") | (_, "sjffit") => PolicyKind::SjfSkip,
        (_, "fifo") => PolicyKind::Fifo,
        (_, "easy") => PolicyKind::Easy,
        (_, "sjf") => PolicyKind::Sjf,
        _ => return None,
    };
    match placement {
        "pool" | "pool (one big node)" => Some((policy, true)),
        "node" | "consolidate" => Some((policy, false)),
        _ => None,
    }
}

#[test]
fn published_schedules_to_the_last_digit() {
    let text = include_str!("../data/schedules.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headings = reader.headers().expect("headings").clone();
    let column = |name: &str| headings.iter().position(|heading| heading == name).expect("a column");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let traces = [("philly_ee9e8c", "philly-ee9e8c.csv"), ("tiresias60", "tiresias-60.csv"), ("philly_all", "philly.csv")]
        .map(|(name, file)| (name, trace(file)));
    let check = |row: &csv::StringRecord| {
        let cell = |name: &str| row.get(column(name)).expect("a cell");
        let Some((_, trace)) = traces.iter().find(|(name, _)| *name == cell("trace")) else { return 0 };
        let Some((policy, counted)) = known(cell("tool"), cell("policy"), cell("placement")) else { return 0 };
        let (nodes, gpus): (u32, u32) = (cell("nodes").parse().unwrap(), cell("gpus_per_node").parse().unwrap());
        let outcome = if counted {
            run(trace, policy, Pool::new(&[nodes * gpus]))
        } else {
            run(trace, policy, Packed::new(Arc::new(Map::flat(nodes, gpus)), Arc::default()))
        };
        let waits = outcome.waits(&trace.jobs);
        let name = format!("{} {} {} by {}", cell("trace"), cell("policy"), cell("placement"), cell("tool"));
        let mut checked = 0;
        let mut equal = |column: &str, digits: usize, value: f64| {
            if !cell(column).is_empty() {
                let wanted: f64 = cell(column).parse().unwrap();
                assert_eq!(format!("{value:.digits$}"), format!("{wanted:.digits$}"), "{name}: {column}");
                checked += 1;
            }
        };
        equal("avg_jct_s", 2, waits.completion);
        equal("avg_wait_s", 2, waits.mean);
        // One counts in ticks of a second, and its last one is after the end.
        let tick = if cell("tool").starts_with("Alibaba") { 1.0 } else { 0.0 };
        equal("makespan_s", 0, outcome.end.secs() + tick);
        equal("utilisation", 6, outcome.utilisation(nodes * gpus));
        equal("max_queue", 0, outcome.longest_queue as f64);
        equal("p50_wait_s", 0, waits.p50);
        equal("p95_wait_s", 0, waits.p95);
        equal("p99_wait_s", 0, waits.p99);
        equal("max_wait_s", 0, waits.most);
        checked
    };
    let checked: Vec<usize> = rows.par_iter().map(check).collect();
    // 23 rows of the oracle in nine columns, and what other tools print of the same in three.
    assert_eq!(checked.iter().filter(|figures| **figures == 9).count(), 23);
    assert_eq!(checked.iter().filter(|figures| **figures == 3).count(), 11);
}
