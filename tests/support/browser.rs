//! Headless Chromium, and a page that reads a trace.
//!
//! Without Chromium the tests say so and do nothing, unless `PLANNER_REQUIRE_CHROMIUM` is set, as `.ci/run` does: then they fail.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Names that Chromium goes by.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Chromium's program, or nothing where there is none and none is required.
pub fn chromium() -> Option<PathBuf> {
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

/// A file of the tests' own folder.
pub fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// What the page of `tests/data/trace_check.html` says about a trace.
pub fn verdict(chromium: &Path, name: &str, trace: &str) -> String {
    let template = include_str!("../data/trace_check.html");
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
