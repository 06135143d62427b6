//! Published traces through every policy that other simulators have, equal to them in every digit they print.
//!
//! The rows are in `tests/data/schedules.csv`, with the tool and its commit; the traces and their licences in `tests/data/traces`.

use std::path::Path;
use std::sync::Arc;

use planner::diagnostic::Source;
use planner::fleet::placement::{Map, Packed, Pool};
use planner::fleet::trace::Trace;
use planner::fleet::{Job, Outcome, Placer, PolicyKind, Setting, simulate};

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
fn known(policy: &str, placement: &str) -> Option<(PolicyKind, bool)> {
    let policy = match policy {
        "fifo" => PolicyKind::Fifo,
        "fjf" => PolicyKind::FirstFit,
        "easy" => PolicyKind::Easy,
        "sjf" => PolicyKind::Sjf,
        "sjffit" => PolicyKind::SjfSkip,
        _ => return None,
    };
    match placement {
        "pool" => Some((policy, true)),
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
    let mut checked = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        let cell = |name: &str| row.get(column(name)).expect("a cell");
        let file = match cell("trace") {
            "philly_ee9e8c" => "philly-ee9e8c.csv",
            "tiresias60" => "tiresias-60.csv",
            _ => continue,
        };
        let Some((policy, counted)) = known(cell("policy"), cell("placement")) else { continue };
        let (nodes, gpus): (u32, u32) = (cell("nodes").parse().unwrap(), cell("gpus_per_node").parse().unwrap());
        let trace = trace(file);
        let outcome = if counted {
            run(&trace, policy, Pool::new(&[nodes * gpus]))
        } else {
            run(&trace, policy, Packed::new(Arc::new(Map::flat(nodes, gpus)), Arc::default()))
        };
        let waits = outcome.waits(&trace.jobs);
        let name = format!("{} {} {} by {}", cell("trace"), cell("policy"), cell("placement"), cell("tool"));
        let mut equal = |column: &str, digits: usize, value: f64| {
            if !cell(column).is_empty() {
                let wanted: f64 = cell(column).parse().unwrap();
                assert_eq!(format!("{value:.digits$}"), format!("{wanted:.digits$}"), "{name}: {column}");
                checked += 1;
            }
        };
        equal("avg_jct_s", 2, waits.completion);
        equal("avg_wait_s", 2, waits.mean);
        equal("makespan_s", 0, outcome.end.secs());
        equal("utilisation", 6, outcome.utilisation(nodes * gpus));
        equal("max_queue", 0, outcome.longest_queue as f64);
        equal("p50_wait_s", 0, waits.p50);
        equal("p95_wait_s", 0, waits.p95);
        equal("p99_wait_s", 0, waits.p99);
        equal("max_wait_s", 0, waits.most);
    }
    // 14 rows of the oracle in six columns, and what other tools print of the same.
    assert!(checked >= 14 * 6, "{checked} figures");
}
