//! The trace of a step, opened in headless Chromium by a page that parses it: no two slices of a stream at once, arrows from slice
//! to slice and forward in time, a counter a stage, and the step's own time.
//!
//! Without Chromium the tests say so and do nothing, unless `PLANNER_REQUIRE_CHROMIUM` is set, as `.ci/run` does: then they fail.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Names that Chromium goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Chromium's program, or nothing where there is none and none is required.
fn chromium() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("PLANNER_REQUIRE_CHROMIUM").is_none(),
            "PLANNER_REQUIRE_CHROMIUM is set, and none of {} is in PATH",
            NAMES.join(", ")
        );
        // The harness keeps what macros print; this is seen.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: no Chromium in PATH, so no trace was opened in a browser");
    }
    found
}

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The trace of the step of `tests/data/trace.yaml`, by way of a file of that name.
fn trace(name: &str) -> String {
    let path = temporary(&format!("{name}.json"));
    let status = Command::new(env!("CARGO_BIN_EXE_planner"))
        .args(["trace", "h100-superpod-127", "--workload", "tests/data/trace.yaml", "--output"])
        .arg(&path)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success());
    std::fs::read_to_string(path).expect("it was written")
}

/// What the page says about a trace.
fn verdict(chromium: &Path, name: &str, trace: &str) -> String {
    let template = include_str!("data/trace_check.html");
    // A script ends at `</`, wherever it stands.
    let page = template.replacen(">TRACE<", &format!(">{}<", trace.replace("</", "<\\/")), 1);
    let path = temporary(&format!("{name}.html"));
    std::fs::write(&path, page).expect("the temporary folder can be written to");
    let dump = temporary(&format!("{name}.dom"));
    let mut child = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--dump-dom"])
        .arg(format!("--user-data-dir={}", temporary(&format!("{name}-profile")).display()))
        .arg(format!("file://{}", path.display()))
        .stdout(std::fs::File::create(&dump).expect("the temporary folder can be written to"))
        .stderr(Stdio::null())
        .spawn()
        .expect("Chromium starts");
    let started = Instant::now();
    while child.try_wait().expect("Chromium can be waited for").is_none() {
        if started.elapsed() > Duration::from_secs(120) {
            child.kill().expect("Chromium can be ended");
            panic!("Chromium does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let dom = std::fs::read_to_string(dump).expect("text");
    let said = dom.split_once("<pre id=\"verdict\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    said.unwrap_or_else(|| panic!("the page has no verdict: {}", dom.chars().take(500).collect::<String>())).0.to_owned()
}

#[test]
fn a_browser_finds_the_trace_right() {
    let Some(chromium) = chromium() else { return };
    let said = verdict(&chromium, "trace-right", &trace("trace-right"));
    // 16 microbatches over 16 slices: every slice but the last sends forward, every one but the first backward.
    assert!(said.starts_with("right: 8 stages, ") && said.contains(&format!(" {} arrows", 2 * 15 * 16)), "{said}");
}

/// The page sees what is wrong: a slice that starts early, an arrow that goes back, a counter that is not there, another step time.
#[test]
fn a_browser_finds_broken_traces_wrong() {
    let Some(chromium) = chromium() else { return };
    let whole: Value = serde_json::from_str(&trace("trace-broken")).expect("JSON");
    let broken = |name: &str, with: &dyn Fn(&mut Value)| {
        let mut trace = whole.clone();
        with(&mut trace);
        verdict(&chromium, name, &trace.to_string())
    };
    let events = |trace: &mut Value| trace["traceEvents"].as_array_mut().expect("a list").clone();
    let first =
        |trace: &mut Value, phase: &str| events(trace).iter().rposition(|event| event["ph"] == phase).expect("there is one");

    let said = broken("trace-overlap", &|trace| {
        // The last slice of the list starts when the one before it does.
        let at = first(trace, "X");
        trace["traceEvents"][at]["ts"] = trace["traceEvents"][at - 1]["ts"].clone();
        trace["traceEvents"][at]["tid"] = trace["traceEvents"][at - 1]["tid"].clone();
    });
    assert!(said.starts_with("wrong: ") && said.contains("starts before"), "{said}");

    let said = broken("trace-arrow", &|trace| {
        let at = first(trace, "f");
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
