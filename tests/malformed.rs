//! Bad input is met well: for every file of `tests/malformed/` the program ends with the right exit code, prints nothing to
//! standard output, and says where the mistake is and what to write instead, as the snapshot beside it shows.
//!
//! A new case is a file in that folder; `cargo insta review` shows what is said about it.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a run of the program left.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/malformed")
}

/// Reads to the end beside everything else, so that a full pipe stops no one.
fn all(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("output can be read");
        bytes
    })
}

/// Runs the program in the folder of the cases with `input` on its standard input. It has 20 s, far more than it needs: only
/// a run that never ends fails by it.
fn planner_reading(arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_planner"))
        .args(arguments)
        .current_dir(folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("piped");
    let stdout = all(child.stdout.take().expect("piped"));
    let stderr = all(child.stderr.take().expect("piped"));
    // A program that does not read its standard input closes it.
    let _ = stdin.write_all(input);
    drop(stdin);
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        if started.elapsed() > Duration::from_secs(20) {
            child.kill().expect("the program can be ended");
            panic!("planner {} does not end", arguments.join(" "));
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = |bytes: thread::JoinHandle<Vec<u8>>| String::from_utf8(bytes.join().expect("read")).expect("output is UTF-8");
    let ended = Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
    assert!(!ended.stderr.contains("panicked"), "planner {}: {}", arguments.join(" "), ended.stderr);
    ended
}

fn planner(arguments: &[&str]) -> Ended {
    planner_reading(arguments, b"")
}

/// Runs the program on bad input, and returns what it says about it.
fn refusal(arguments: &[&str], code: i32) -> String {
    let ended = planner(arguments);
    assert_eq!(ended.code, Some(code), "planner {}: {}{}", arguments.join(" "), ended.stdout, ended.stderr);
    assert_eq!(ended.stdout, "", "planner {}", arguments.join(" "));
    assert!(!ended.stderr.contains('\u{1b}'), "colour without a terminal: {}", ended.stderr);
    ended.stderr
}

/// How a case is run, and the exit code it ends with.
fn case(file: &str) -> (Vec<&str>, i32) {
    match file {
        // Nothing is wrong with the file: the answer is no.
        "workload-does-not-fit-in-memory.yaml" | "workload-spelled-extremes.yaml" => {
            (vec!["plan", "valid/cluster.yaml", "--workload", file], 1)
        }
        "server-without-price.yaml" => (vec!["cost", file], 2),
        "portfolio-larger-than-cluster.yaml" | "portfolio-training-does-not-fit.yaml" => {
            (vec!["schedule", "valid/cluster.yaml", file], 1)
        }
        "workload-fp8-on-a100.yaml" => (vec!["check", file, "valid/a100.yaml"], 2),
        "no-nics.yaml" => (vec!["check", "--catalog", "valid/catalog.yaml", file], 2),
        _ if file.starts_with("catalog-") => (vec!["check", "--catalog", file, "valid/cluster.yaml"], 2),
        _ if file.starts_with("workload-pools-") || file.starts_with("workload-first-pool-") => {
            (vec!["check", file, "valid/two-pools.yaml"], 2)
        }
        _ if file.starts_with("workload-") || file.starts_with("portfolio-") => (vec!["check", file, "valid/cluster.yaml"], 2),
        _ => (vec!["check", file], 2),
    }
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("malformed/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn every_mistake_is_shown_in_its_place_with_a_way_out() {
    let mut cases = 0;
    settings().bind(|| {
        insta::glob!("malformed/*.yaml", |path| {
            let file = path.file_name().and_then(|name| name.to_str()).expect("names are text");
            let (arguments, code) = case(file);
            let mut settings = insta::Settings::clone_current();
            settings.set_description(format!("planner {}, exit code {code}", arguments.join(" ")));
            settings.bind(|| insta::assert_snapshot!("said", refusal(&arguments, code)));
            cases += 1;
        });
    });
    assert!(cases >= 150, "only {cases} cases were found");
}

#[test]
fn every_mistake_of_a_trace_is_shown_in_its_place() {
    let mut cases = 0;
    settings().bind(|| {
        insta::glob!("malformed/traces/*", |path| {
            let file = path.file_name().and_then(|name| name.to_str()).expect("names are text");
            // Nothing is wrong with the file: the cluster is too small for it.
            let code = if file == "larger-than-cluster.csv" { 1 } else { 2 };
            let trace = format!("traces/{file}");
            let said = refusal(&["schedule", "valid/cluster.yaml", &trace], code);
            assert!(said.contains(&format!("--> {trace}:")), "{file} has a place: {said}");
            let mut settings = insta::Settings::clone_current();
            settings.set_description(format!("planner schedule valid/cluster.yaml {trace}, exit code {code}"));
            settings.bind(|| insta::assert_snapshot!("trace", said));
            cases += 1;
        });
    });
    assert!(cases >= 15, "only {cases} cases were found");
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_in_every_style() {
    for style in ["concise", "json", "github"] {
        let said = refusal(&["check", "several-mistakes.yaml", "--diagnostics", style], 2);
        for code in ["P0104", "P0106", "P0105", "P0101", "P0108", "P0107"] {
            assert!(said.contains(code), "{style} lacks {code}: {said}");
        }
        settings().bind(|| insta::assert_snapshot!(format!("several-mistakes-{style}"), said));
    }
}

#[test]
fn concise_is_one_line_a_mistake() {
    let said = refusal(&["check", "several-mistakes.yaml", "--diagnostics", "concise"], 2);
    assert_eq!(said.lines().count(), 7, "{said}");
    assert!(said.lines().all(|line| line.starts_with("several-mistakes.yaml:")), "{said}");
}

#[test]
fn json_is_json_with_a_version_and_places() {
    let said = refusal(&["check", "several-mistakes.yaml", "--diagnostics", "json"], 2);
    let json: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
    assert_eq!(json["schema_version"], 1);
    let all = json["diagnostics"].as_array().expect("a list");
    assert_eq!(all.len(), 7);
    assert!(all.iter().all(|one| one["line"].is_u64() && one["column"].is_u64() && one["help"].is_string()), "{said}");
}

#[test]
fn mistakes_of_both_files_are_reported_at_once() {
    let said = refusal(&["plan", "wrong-unit.yaml", "-w", "workload-unknown-model.yaml", "--diagnostics", "concise"], 2);
    assert_eq!(said.lines().count(), 2, "{said}");
    let said = refusal(&["check", "empty.yaml", "no-such-file.yaml", "binary.yaml", "--diagnostics", "concise"], 2);
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_do_no_harm() {
    let plan = |cluster: &str, workload: &str| {
        let ended = planner(&["plan", cluster, "--workload", workload]);
        assert_eq!(ended.code, Some(0), "{cluster}, {workload}: {}", ended.stderr);
        ended.stdout
    };
    let plain = plan("valid/cluster.yaml", "valid/workload.yaml");
    assert!(plain.contains("Step time"));
    assert_eq!(plan("valid/byte-order-mark.yaml", "valid/workload-byte-order-mark.yaml"), plain);
    assert_eq!(plan("valid/carriage-returns.yaml", "valid/workload-carriage-returns.yaml"), plain);
    // YAML reads JSON.
    assert_eq!(plan("valid/json.yaml", "valid/workload-json.yaml"), plain);
    assert_eq!(planner(&["check", "valid/json.yaml", "valid/workload-json.yaml"]).code, Some(0));
    let portfolio = planner(&["check", "valid/cluster.yaml", "valid/portfolio.yaml"]);
    assert_eq!(portfolio.code, Some(0), "{}", portfolio.stderr);
    assert!(portfolio.stdout.contains("portfolio, 2 job(s) in 1 queue(s)"), "{}", portfolio.stdout);
    assert!(portfolio.stdout.contains("valid/portfolio.yaml on lab: ok"), "{}", portfolio.stdout);
    assert_eq!(planner(&["check", "valid/number-for-name.yaml"]).code, Some(0));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let said = refusal(&["check", "wrong-unot.yaml"], 2);
    assert!(
        said.starts_with("error[P0001]: no file `wrong-unot.yaml`") && said.contains("did you mean `wrong-unit.yaml`?"),
        "{said}"
    );
    let said = refusal(&["check", "nowhere/cluster.yaml"], 2);
    assert!(said.contains("there is no folder `nowhere`"), "{said}");
    let said = refusal(&["check", "models"], 2);
    assert!(said.starts_with("error[P0001]: `models` is a folder"), "{said}");
    refusal(&["check", ""], 2);
    let said = refusal(&["plan", "valid/workload.yaml"], 2);
    assert!(said.contains("unknown key `jobs`"), "{said}");
    refusal(&["plan", "valid/cluster.yaml", "--workload", "valid/cluster.yaml"], 2);
    refusal(&["plan", "valid/cluster.yaml", "--workload", "valid/workload.yaml", "--job", "nobody"], 2);
}

/// Checks text that would be a nuisance as a file, under a name in the build's temporary folder.
fn refusal_of(name: &str, text: &[u8]) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("the temporary folder can be written to");
    let said = refusal(&["check", path.to_str().expect("it is text"), "--diagnostics", "concise"], 2);
    std::fs::remove_file(&path).expect("it is there");
    said
}

#[test]
fn large_and_deep_files_end_soon() {
    let job = |i: usize, after: &str| {
        format!("- {{name: j{i}, model: llama3-8b, sequence: 8192, global-batch: 1 sequences, after: [{after}]}}\n")
    };
    let jobs = |text: String| format!("jobs:\n{text}");
    for (name, code, text) in [
        ("deep-flow.yaml", "P0010", "[".repeat(100_000)),
        ("deep-block.yaml", "P0010", "- ".repeat(100_000)),
        ("deep-mapping.yaml", "P0010", "{a: ".repeat(100_000)),
        ("deep-indentation.yaml", "P0010", (0..1_000).map(|depth| " ".repeat(depth) + "a:\n").collect()),
        ("deep-workload.yaml", "P0010", format!("jobs: {}", "[".repeat(100_000))),
        ("two-mebibytes.yaml", "P0003", "name: lab # ".repeat(180_000)),
        ("long-line.yaml", "P0101", format!("name: lab\nnome: {}\n", "x".repeat(1_000_000))),
        ("long-key.yaml", "P0004", format!("{}: lab\n", "x".repeat(1_000_000))),
        ("many-keys.yaml", "P0101", (0..50_000).map(|key| format!("key{key}: 1\n")).collect::<Vec<_>>().concat()),
        ("one-key-often.yaml", "P0006", "name: lab\n".repeat(90_000)),
        ("many-items.yaml", "P0011", format!("pools: [{}]", "1,".repeat(300_000))),
        ("many-aliases.yaml", "P0007", format!("a: &a x\nb: [{}]\n", "*a, ".repeat(90_000))),
        ("many-pools.yaml", "P0102", format!("name: lab\npools:\n{}", "- {name: a}\n".repeat(30_000))),
        ("many-quotes.yaml", "P0004", "\"".repeat(500_001)),
        ("many-documents.yaml", "P0012", "---\na: 1\n".repeat(50_000)),
        ("many-mistakes.yaml", "P0106", {
            let pool = |i: usize| format!("- {{name: p{i}, nodes: 1, server: dgx-h100, max-power: 1 MWh}}\n");
            format!("name: lab\npools:\n{}", (0..10_000).map(pool).collect::<String>())
        }),
        ("too-many-pools.yaml", "P0109", {
            let pool = |i: usize| format!("- {{name: p{i}, nodes: 1, server: dgx-h100}}\n");
            format!("name: lab\npools:\n{}", (0..10_000).map(pool).collect::<String>())
        }),
        ("many-unknown-servers.yaml", "P0202", {
            let pool = |i: usize| format!("- {{name: p{i}, nodes: 1, server: dgx-hh100}}\n");
            format!("name: lab\npools:\n{}", (0..1_000).map(pool).collect::<String>())
        }),
        ("many-duplicate-names.yaml", "P0209", {
            let pool = |i: usize| format!("- {{name: p{}, nodes: 1, server: dgx-h100}}\n", i % 2);
            format!("name: lab\npools:\n{}", (0..1_000).map(pool).collect::<String>())
        }),
        ("many-unknown-jobs.yaml", "P0207", jobs((0..1_000).map(|i| job(i, &"nobody, ".repeat(100))).collect())),
        ("a-long-circle.yaml", "P0210", jobs((0..1_000).map(|i| job(i, &format!("j{}", (i + 1) % 1_000))).collect())),
    ] {
        let said = refusal_of(name, text.as_bytes());
        assert!(said.contains(code), "{name}: {}", said.chars().take(2_000).collect::<String>());
        assert!(said.len() < 20_000, "{name} is answered with {} bytes", said.len());
    }
}

#[test]
fn standard_input_is_read_and_devices_do_not_hang() {
    if !Path::new("/dev/stdin").exists() {
        return;
    }
    let cluster = std::fs::read(folder().join("valid/cluster.yaml")).expect("it is there");
    let ended = planner_reading(&["check", "/dev/stdin"], &cluster);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "/dev/stdin: cluster, 128 GPUs in 1 pool(s)\n"),
        "{}",
        ended.stderr
    );
    assert!(refusal(&["check", "/dev/null"], 2).contains("P0005"));
    for endless in ["/dev/zero", "/dev/urandom"] {
        assert!(refusal(&["check", endless], 2).starts_with("error[P0003]"));
    }
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_not_waited_for() {
    let pipe = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipe.yaml");
    let _ = std::fs::remove_file(&pipe);
    if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        return;
    }
    let said = refusal(&["check", pipe.to_str().expect("it is text")], 2);
    std::fs::remove_file(&pipe).expect("it is there");
    assert!(said.contains("is a pipe, not a file"), "{said}");
}
