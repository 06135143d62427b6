//! Files that are written: the same on any number of threads, whole or not at all.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::case::{base, git, planner, temporary, write};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn estimates_do_not_depend_on_threads() {
    let folder = temporary("threads");
    base(&folder.join("fleet"));
    let written = |threads: &str| {
        let run = |arguments: &[&str]| {
            let status = Command::new(env!("CARGO_BIN_EXE_planner"))
                .args(arguments)
                .current_dir(&folder)
                .env("RAYON_NUM_THREADS", threads)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            assert!(status.expect("the program starts").success());
        };
        run(&["baseline", "fleet", "-o", "baseline.json"]);
        run(&["plan", "fleet/h100.yaml", "--workload", "fleet/jobs/small.yaml", "--export", "estimate.json"]);
        ["baseline.json", "estimate.json"].map(|file| std::fs::read_to_string(folder.join(file)).expect("it was written"))
    };
    let one = written("1");
    assert_eq!(one, written("2"));
    assert_eq!(one, written("7"));
    // A line a figure, and no figure of more digits than are promised.
    for number in
        one.concat().lines().filter_map(|line| line.trim().trim_end_matches(',').rsplit_once(": ")?.1.parse::<f64>().ok())
    {
        assert!(number.fract() == 0.0 || planner::estimate::rounded(number) == number, "{number}");
    }
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

/// A run that is ended while it estimates leaves the old file, and nothing beside it.
#[test]
fn an_interrupted_run_leaves_the_old_baseline() {
    let folder = temporary("interrupted");
    base(&folder.join("fleet"));
    assert_eq!(planner(&folder, &["baseline", "fleet", "-o", "baseline.json"]).code, Some(0));
    let old = std::fs::read(folder.join("baseline.json")).expect("it was written");
    // What takes minutes without optimisation, and seconds with it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("clusters");
    for file in ["h100-16384.yaml", "h800-2048.yaml", "workloads/llama3.1-405b.yaml", "workloads/deepseek-v3.yaml"] {
        write(&folder.join("fleet").join(file), &std::fs::read_to_string(root.join(file)).expect("it is there"));
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_planner"))
        .args(["baseline", "fleet", "-o", "baseline.json"])
        .current_dir(&folder)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().expect("it can be waited for").is_none(), "it ended before it was interrupted");
    child.kill().expect("it can be ended");
    child.wait().expect("it can be waited for");
    assert_eq!(std::fs::read(folder.join("baseline.json")).expect("it is there"), old);
    assert_eq!(names(&folder), ["baseline.json", "fleet"]);
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

/// So does one that cannot put the new file in its place, and one whose input is refused.
#[test]
fn a_run_that_fails_leaves_what_was_there() {
    let folder = temporary("fails");
    base(&folder.join("fleet"));
    std::fs::create_dir(folder.join("taken.json")).expect("it can be made");
    write(&folder.join("taken.json/file"), "");
    let ran = planner(&folder, &["baseline", "fleet", "-o", "taken.json"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(names(&folder), ["fleet", "taken.json"]);
    write(&folder.join("baseline.json"), "old");
    write(&folder.join("fleet/h100.yaml"), "name: x\npools: 4\n");
    assert_eq!(planner(&folder, &["baseline", "fleet", "-o", "baseline.json"]).code, Some(2));
    assert_eq!(std::fs::read_to_string(folder.join("baseline.json")).expect("it is there"), "old");
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

#[test]
fn a_baseline_is_held_against_what_would_be_written() {
    let folder = temporary("check");
    base(&folder.join("fleet"));
    let check = ["baseline", "fleet", "-o", "baseline.json", "--check"];
    assert_eq!(planner(&folder, &check).code, Some(2));
    assert_eq!(planner(&folder, &check[..4]).code, Some(0));
    assert_eq!(planner(&folder, &check).code, Some(0));
    let file = folder.join("fleet/h100.yaml");
    let text = std::fs::read_to_string(&file).expect("text");
    write(&file, &format!("{text}# a comment\n"));
    assert_eq!(planner(&folder, &check).code, Some(0));
    write(&file, &text.replace("2.20 USD", "2.30 USD"));
    let ran = planner(&folder, &check);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("planner baseline fleet -o baseline.json") && ran.stdout.contains("2.20 → 2.30 USD"),
        "{}",
        ran.stderr
    );
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

/// A model's own file, a catalogue and a file elsewhere are read of the revision too.
#[test]
fn files_that_others_name_are_of_the_revision() {
    let folder = temporary("named");
    base(&folder.join("fleet"));
    let config = r#"{"model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
        "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000, "max_position_embeddings": 8192}"#;
    write(&folder.join("models/own.json"), config);
    let jobs = folder.join("fleet/jobs/small.yaml");
    let text = std::fs::read_to_string(&jobs).expect("text").replace("model: llama3-8b", "model: ../../models/own.json");
    write(&jobs, &text);
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message", "as it was"]);
    let compare = |to: &str| planner(&folder, &["diff", "fleet", "--compare-to", to]);
    let ran = compare("HEAD");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("no change in 4 estimates"), "{}", ran.stdout);
    assert_eq!(planner(&folder, &["baseline", "fleet", "-o", "baseline.json"]).code, Some(0));
    write(&folder.join("models/own.json"), &config.replace("\"num_hidden_layers\": 22", "\"num_hidden_layers\": 24"));
    for to in ["HEAD", "baseline.json"] {
        let ran = compare(to);
        assert!(ran.stdout.contains("by ../../models/own.json changed   fleet/jobs/small.yaml:3:12"), "{}", ran.stdout);
    }
    // From inside the folder, and of what is not there yet.
    let ran = planner(&folder.join("fleet"), &["diff", "jobs", "--compare-to", "HEAD"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("has no clusters"), "{}", ran.stderr);
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

/// The checked-in baseline is what comes out, for a pair that is estimated in no time; `.ci/run` holds all of it against the tree.
#[test]
fn the_baseline_of_the_examples_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = planner::diagnostic::Source::read_table(&root.join("clusters/baseline.json")).expect("it is there");
    let all = planner::diff::Baseline::read(&source).expect("a baseline").estimated();
    let one = all.iter().find(|one| one.pair.cluster == "desktop-2x-rtx-4090").expect("the desktop");
    let (then, now) = (one.outcome.as_ref().expect("a plan"), one.inputs.estimate("workloads/tinyllama.yaml").expect("a plan"));
    let again = "write it again: planner baseline clusters -o clusters/baseline.json";
    for figure in planner::diff::Figure::ALL {
        let of = |estimate| figure.of(estimate, planner::units::Currency::USD).unwrap_or_default();
        assert!(planner::estimate::same(of(then), of(&now)), "{figure:?}: {} for {}; {again}", of(then), of(&now));
    }
    let file = planner::diagnostic::Source::read(&root.join("clusters/desktop-2x-rtx-4090.yaml")).expect("it is there");
    assert_eq!(planner::yaml::scan(&file).expect("YAML").to_json(), one.inputs.cluster, "{again}");
}

/// A comment has room for 64 KB and an annotation list for ten: what does not fit is left out whole and counted, the worst is there.
#[test]
fn what_does_not_fit_is_counted() {
    let folder = temporary("large");
    let tree = folder.join("fleet");
    base(&tree);
    let cluster = std::fs::read_to_string(tree.join("h100.yaml")).expect("text");
    std::fs::remove_file(tree.join("a100.yaml")).expect("it can be removed");
    let write_all = |price: &dyn Fn(usize) -> String| {
        for i in 0..90 {
            let text = cluster.replace("h100-small", &format!("h100-{i}")).replace("2.20 USD", &format!("{} USD", price(i)));
            write(&tree.join(format!("north/rack-row-{i}.yaml")), &text);
        }
    };
    write_all(&|_| "2.20".to_owned());
    assert_eq!(planner(&folder, &["baseline", "fleet", "-o", "baseline.json"]).code, Some(0));
    write_all(&|i| format!("3.{i:02}"));
    write(&tree.join("planner.policy.yaml"), "policies:\n  - max-increase-percent: 5\n");
    let ran =
        planner(&folder, &["diff", "fleet", "--compare-to", "baseline.json", "--export", "comment.md", "--format", "github"]);
    assert_eq!(ran.code, Some(1));
    let comment = std::fs::read_to_string(folder.join("comment.md")).expect("it was written");
    assert!(comment.len() < 65_536, "{} bytes", comment.len());
    assert!(
        comment.starts_with("<!-- planner diff fleet -->\n") && comment.contains(" pieces of this report left out"),
        "{comment}"
    );
    assert_eq!(comment.matches("<details>").count(), comment.matches("</details>").count());
    let errors: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 10);
    // The dearest first; one of 180 that is not there is counted in the last that is.
    assert!(errors[0].contains("rack-row-89"), "{}", errors[0]);
    assert!(errors[9].ends_with("and 170 more errors"), "{}", errors[9]);
    std::fs::remove_dir_all(folder).expect("it can be removed");
}
