//! The documentation is run, regenerated and compared: commands, the picture, the YAML reference, the table of runs, the rooms.
//!
//! What is generated is rewritten by `PLANNER_BLESS=1 cargo test --test docs`, the output of commands by `TRYCMD=overwrite`.

#[path = "docs/accuracy.rs"]
mod accuracy;
#[path = "docs/reference.rs"]
mod reference;
#[path = "docs/rooms.rs"]
mod rooms;

use std::path::{Path, PathBuf};

use planner::catalog::Catalog;
use planner::plan::Plan;
use planner::report;
use planner::spec::{Cluster, Workload, examples};
use planner::topology::Topology;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default().replace("\r\n", "\n")
}

/// Holds a generated file against the one that is there, or replaces it when `PLANNER_BLESS` is set.
fn compare(path: &str, wanted: &str) {
    if read(path) == wanted {
        return;
    }
    if std::env::var_os("PLANNER_BLESS").is_some() {
        std::fs::write(root().join(path), wanted).expect("a file that can be written");
        return;
    }
    let there = read(path);
    let place = there.lines().zip(wanted.lines()).position(|(a, b)| a != b).unwrap_or(there.lines().count());
    panic!(
        "{path} is out of date from line {}:\n  there:  {}\n  wanted: {}\nrewrite it with PLANNER_BLESS=1 cargo test --test docs",
        place + 1,
        there.lines().nth(place).unwrap_or("(end)"),
        wanted.lines().nth(place).unwrap_or("(end)"),
    );
}

/// The text of `path` with the lines between `<!-- name -->` and `<!-- /name -->` replaced.
fn filled(path: &str, name: &str, content: &str) -> String {
    let text = read(path);
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = text.find(&begin).unwrap_or_else(|| panic!("{path} has no {begin}")) + begin.len();
    let to = text[from..].find(&end).unwrap_or_else(|| panic!("{path} has no {end}")) + from;
    format!("{}{content}{}", &text[..from], &text[to..])
}

/// The architecture lists every test program, and none that is not there.
#[test]
fn every_test_program_is_listed() {
    let text = read("docs/architecture.md");
    let listed: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `tests/")?.split_once(".rs`")).map(|(name, _)| name).collect();
    let mut there: Vec<String> = std::fs::read_dir(root().join("tests"))
        .expect("a folder")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    there.sort_unstable();
    let mut named = listed.clone();
    named.sort_unstable();
    assert_eq!(named, there);
}

#[test]
fn commands_print_what_the_documents_say() {
    trycmd::TestCases::new().env("COLUMNS", "100").case("README.md").case("docs/*.md");
}

/// Files that the commands of a document read are shown in full in its text.
#[test]
fn files_that_commands_read_are_in_the_text() {
    for document in [
        "docs/getting-started",
        "docs/schedules",
        "docs/launch",
        "docs/purchase",
        "docs/sweeps",
        "docs/cost",
        "docs/schedule",
        "docs/ci",
    ] {
        shows_its_files(document);
    }
}

fn shows_its_files(document: &str) {
    let text = read(&format!("{document}.md"));
    let mut folders = vec![root().join(format!("{document}.in"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path: PathBuf = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read_to_string(&path).expect("text").replace("\r\n", "\n");
            assert!(text.contains(&format!("\n{content}```")), "{document}.md does not show {}", path.display());
        }
    }
}

#[test]
fn the_picture_is_the_output() {
    let command = "planner plan clusters/h100-superpod-127.yaml --workload clusters/workloads/llama3-70b.yaml";
    let catalog = Catalog::embedded();
    let source = |name: &str| examples::read(name).expect("embedded").0;
    let cluster = Cluster::load(source("clusters/h100-superpod-127.yaml"), catalog).expect("valid");
    let workload = Workload::load(source("clusters/workloads/llama3-70b.yaml"), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    let plan = Plan::new(&cluster, &topology, &workload, &workload.jobs[0], catalog).expect("a plan");
    compare("docs/images/plan.svg", &report::terminal_svg(command, &report::plan_text(&plan)));
}

#[test]
fn the_yaml_reference_follows_the_schemas() {
    compare("docs/yaml-reference.md", &reference::page());
}

/// What is said of accuracy is what comes out, and no worse than what is promised.
#[test]
fn accuracy_is_told_as_it_comes_out() {
    accuracy::compare_documents(&filled, &compare);
}

#[test]
fn rooms_know_only_what_is_below_them() {
    let order = rooms::listed(&read("docs/architecture.md"));
    let broken = rooms::upward(&root().join("src"), &order);
    assert!(broken.is_empty(), "arrows that point up:\n{}", broken.join("\n"));
}

/// Links between the documents, and from them to files, lead somewhere.
#[test]
fn links_lead_somewhere() {
    let mut documents = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned(), "CHANGELOG.md".to_owned()];
    for entry in std::fs::read_dir(root().join("docs")).expect("a folder") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            documents.push(format!("docs/{name}"));
        }
    }
    let mut dead = Vec::new();
    for document in documents {
        let text = read(&document);
        let folder = root().join(&document).parent().expect("a folder").to_path_buf();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if link.contains("://") {
                continue;
            }
            let target = if file.is_empty() { root().join(&document) } else { folder.join(file) };
            if !target.exists() {
                dead.push(format!("{document}: {link}"));
            } else if !anchor.is_empty() && !has_anchor(&std::fs::read_to_string(&target).unwrap_or_default(), anchor) {
                dead.push(format!("{document}: {link}, no such heading"));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

fn has_anchor(text: &str, anchor: &str) -> bool {
    let slug = |heading: &str| -> String {
        heading
            .to_lowercase()
            .chars()
            .filter_map(|c| if c == ' ' { Some('-') } else { (c.is_alphanumeric() || c == '-' || c == '_').then_some(c) })
            .collect()
    };
    text.contains(&format!("<a id=\"{anchor}\"></a>"))
        || text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line.trim_start_matches('#').trim()) == anchor)
}
