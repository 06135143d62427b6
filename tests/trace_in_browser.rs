//! Traces opened in headless Chromium by a page that parses them. Of a step: no two slices of a stream at once, arrows from slice to slice and
//! forward in time, a counter a stage, and the step's own time. Of a schedule: no job runs twice at once, GPUs and power are counted, and the
//! last job ends with the schedule.

#[path = "support/browser.rs"]
mod browser;

use std::path::Path;
use std::process::{Command, Stdio};

use browser::{chromium, temporary, verdict};
use serde_json::Value;

/// A trace that the program writes into a file of that name; `arguments` end with the option that takes it.
fn trace(name: &str, arguments: &[&str]) -> String {
    let path = temporary(&format!("{name}.json"));
    let status = Command::new(env!("CARGO_BIN_EXE_planner"))
        .args(arguments)
        .arg(&path)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.code() != Some(2), "{arguments:?}");
    std::fs::read_to_string(path).expect("it was written")
}

/// The trace of the step of `tests/data/trace.yaml`.
fn step(name: &str) -> String {
    trace(name, &["trace", "h100-superpod-127", "--workload", "tests/data/trace.yaml", "--output"])
}

/// The trace of a year of jobs, some of which make room for others.
fn year(name: &str) -> String {
    trace(name, &["schedule", "h100-256", "one-year", "--policy", "priority", "--trace"])
}

/// What the page says of a trace with something changed in it.
fn changed(chromium: &Path, name: &str, whole: &str, with: &dyn Fn(&mut Value)) -> String {
    let mut trace: Value = serde_json::from_str(whole).expect("JSON");
    with(&mut trace);
    verdict(chromium, name, &trace.to_string())
}

/// The place of the last event of a phase.
fn last(trace: &Value, phase: &str) -> usize {
    let events = trace["traceEvents"].as_array().expect("a list");
    events.iter().rposition(|event| event["ph"] == phase).expect("there is one")
}

#[test]
fn a_browser_finds_the_trace_right() {
    let Some(chromium) = chromium() else { return };
    let said = verdict(&chromium, "trace-right", &step("trace-right"));
    // 16 microbatches over 16 slices: every slice but the last sends forward, every one but the first backward.
    assert!(said.starts_with("right: 8 stages, ") && said.contains(&format!(" {} arrows", 2 * 15 * 16)), "{said}");
}

/// The page sees what is wrong: a slice that starts early, an arrow that goes back, a counter that is not there, another step time.
#[test]
fn a_browser_finds_broken_traces_wrong() {
    let Some(chromium) = chromium() else { return };
    let whole = step("trace-broken");
    let broken = |name: &str, with: &dyn Fn(&mut Value)| changed(&chromium, name, &whole, with);

    let said = broken("trace-overlap", &|trace| {
        // The last slice of the list starts when the one before it does.
        let at = last(trace, "X");
        trace["traceEvents"][at]["ts"] = trace["traceEvents"][at - 1]["ts"].clone();
        trace["traceEvents"][at]["tid"] = trace["traceEvents"][at - 1]["tid"].clone();
    });
    assert!(said.starts_with("wrong: ") && said.contains("starts before"), "{said}");

    let said = broken("trace-arrow", &|trace| {
        let at = last(trace, "f");
        trace["traceEvents"][at]["ts"] = 0.into();
    });
    assert!(said.starts_with("wrong: ") && said.contains("goes back in time"), "{said}");

    let said = broken("trace-counter", &|trace| {
        trace["traceEvents"].as_array_mut().expect("a list").retain(|event| event["ph"] != "C" || event["pid"] != 3);
    });
    assert!(said.contains("process 3 has no counter"), "{said}");

    let said = broken("trace-time", &|trace| trace["otherData"]["step_us"] = 1.into());
    assert!(said.contains("the last slice ends at"), "{said}");
}

#[test]
fn a_browser_finds_the_schedule_right() {
    let Some(chromium) = chromium() else { return };
    let said = verdict(&chromium, "schedule-right", &year("schedule-right"));
    assert!(said.starts_with("right: 40 jobs in 3 queues, 41 slices, "), "{said}");
}

/// The page sees a job that runs twice at once, one of no queue, power that is not counted, another end.
#[test]
fn a_browser_finds_broken_schedules_wrong() {
    let Some(chromium) = chromium() else { return };
    let whole = year("schedule-broken");
    let broken = |name: &str, with: &dyn Fn(&mut Value)| changed(&chromium, name, &whole, with);

    let said = broken("schedule-overlap", &|trace| {
        let at = last(trace, "X");
        let twice = trace["traceEvents"][at].clone();
        trace["traceEvents"].as_array_mut().expect("a list").push(twice);
    });
    assert!(said.starts_with("wrong: ") && said.contains("starts before"), "{said}");

    let said = broken("schedule-queue", &|trace| {
        let at = last(trace, "X");
        trace["traceEvents"][at]["pid"] = 99.into();
    });
    assert!(said.contains("runs in no queue"), "{said}");

    let said = broken("schedule-power", &|trace| {
        trace["traceEvents"].as_array_mut().expect("a list").retain(|event| event["name"] != "power");
    });
    assert!(said.contains("power is not counted"), "{said}");

    let said = broken("schedule-end", &|trace| trace["otherData"]["end_us"] = 1.into());
    assert!(said.contains("the last slice ends at"), "{said}");
}
