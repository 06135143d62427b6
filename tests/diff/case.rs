//! A case: a tree, what was in it before and what is in it now, and a run of the program on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;
use serde_json::Value;

/// Forms that are exported beside the text.
pub const FORMS: [&str; 6] = ["markdown", "summary", "github", "junit", "sarif", "json"];

/// Texts that are replaced, each of which is there.
type Edits = BTreeMap<String, Vec<[String; 2]>>;

/// A case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// What it is about.
    pub about: String,
    /// The exit code.
    pub exit: i32,
    /// Changes to the tree before the baseline is written.
    #[serde(default)]
    before: Edits,
    /// Files beside the tree, before the baseline is written.
    #[serde(default)]
    before_add: BTreeMap<String, String>,
    /// Changes to the baseline.
    #[serde(default)]
    baseline: Baseline,
    /// Files that are called otherwise.
    #[serde(default)]
    rename: BTreeMap<String, String>,
    /// Files that are new.
    #[serde(default)]
    add: BTreeMap<String, String>,
    /// Changes to files.
    #[serde(default)]
    edit: Edits,
    /// The policy file.
    policy: Option<String>,
    /// What is compared with, when not the baseline.
    compare_to: Option<String>,
    /// Whether the tree is in a repository, committed before it is changed.
    #[serde(default)]
    git: bool,
    /// Further arguments.
    #[serde(default)]
    arguments: Vec<String>,
}

/// Changes to a baseline.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Baseline {
    edit: Vec<[String; 2]>,
    /// Factors on figures, as another planner would have found them.
    scale: BTreeMap<String, f64>,
    version: Option<String>,
}

/// What a run left.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// By form; nothing where the input was refused.
    pub exported: BTreeMap<&'static str, String>,
}

/// A folder of its own.
pub fn temporary(name: &str) -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Out of the repository of this crate, so that a tree without one of its own is in none.
    let folder = std::env::temp_dir().join(format!("planner-diff-{}-{number}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written to");
    folder
}

/// Copies the base tree to `to`.
pub fn base(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff/base");
    for file in ["h100.yaml", "a100.yaml", "jobs/small.yaml"] {
        let text = std::fs::read_to_string(from.join(file)).expect("it is there").replace("\r\n", "\n");
        write(&to.join(file), &text);
    }
}

pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
    std::fs::write(path, text).expect("it can be written");
}

/// Runs the program in a folder.
pub fn planner(folder: &Path, arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_planner"))
        .args(arguments)
        .current_dir(folder)
        // No repository above the temporary folder is found.
        .env("GIT_CEILING_DIRECTORIES", std::env::temp_dir())
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stderr.contains("panicked"), "planner {}: {stderr}", arguments.join(" "));
    Ran { code: output.status.code(), stdout, stderr, exported: BTreeMap::new() }
}

impl Case {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("text");
        planner::yaml::parse_embedded(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Makes the tree and its baseline, changes it, and compares.
    pub fn run(&self) -> Ran {
        let folder = temporary("case");
        let tree = folder.join("fleet");
        base(&tree);
        edit(&tree, &self.before);
        for (file, text) in &self.before_add {
            write(&folder.join(file), text);
        }
        if self.git {
            git(&folder, &["init", "--quiet"]);
            git(&folder, &["add", "."]);
            git(&folder, &["commit", "--quiet", "--message", "as it was"]);
        }
        self.write_baseline(&folder);
        for (from, to) in &self.rename {
            let text = std::fs::read_to_string(tree.join(from)).expect("it is there");
            write(&tree.join(to), &text);
            std::fs::remove_file(tree.join(from)).expect("it can be removed");
        }
        for (file, text) in &self.add {
            write(&tree.join(file), text);
        }
        edit_in(&[&tree, &folder], &self.edit);
        if let Some(text) = &self.policy {
            write(&tree.join("planner.policy.yaml"), text);
        }
        let ran = self.compare(&folder);
        std::fs::remove_dir_all(&folder).expect("it can be removed");
        ran
    }

    fn write_baseline(&self, folder: &Path) {
        let mut arguments = vec!["baseline", "fleet", "-o", "baseline.json"];
        arguments.extend(self.arguments.iter().map(String::as_str).filter(|argument| *argument != "--exit-zero"));
        let ran = planner(folder, &arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let file = folder.join("baseline.json");
        let mut text = std::fs::read_to_string(&file).expect("it was written");
        let Baseline { edit, scale, version } = &self.baseline;
        for [from, to] in edit {
            text = replaced("baseline.json", &text, from, to);
        }
        if !scale.is_empty() || version.is_some() {
            let mut whole: Value = serde_json::from_str(&text).expect("JSON");
            if let Some(version) = version {
                whole["planner"]["version"] = Value::String(version.clone());
            }
            let factor = |of: &str| scale.get(of).copied().unwrap_or(1.0);
            each_estimate(&mut whole, &|estimate| {
                for (place, factor) in [("/run/time_s", factor("run_time")), ("/cost/total/amount", factor("cost"))] {
                    let figure = estimate.pointer_mut(place).expect("a figure");
                    *figure = planner::estimate::rounded(figure.as_f64().expect("a number") * factor).into();
                }
            });
            text = serde_json::to_string_pretty(&whole).expect("JSON");
        }
        write(&file, &text);
    }

    fn compare(&self, folder: &Path) -> Ran {
        let mut arguments = vec!["diff", "fleet", "--compare-to", self.compare_to.as_deref().unwrap_or("baseline.json")];
        let exports: Vec<String> = FORMS.iter().map(|form| format!("{form}:out.{form}")).collect();
        arguments.extend(exports.iter().flat_map(|export| ["--export", export]));
        arguments.extend(self.arguments.iter().map(String::as_str));
        let mut ran = planner(folder, &arguments);
        for form in FORMS {
            if let Ok(text) = std::fs::read_to_string(folder.join(format!("out.{form}"))) {
                ran.exported.insert(form, text);
            }
        }
        ran
    }
}

/// Changes every estimate of a baseline.
fn each_estimate(baseline: &mut Value, change: &dyn Fn(&mut Value)) {
    let clusters = baseline["estimates"].as_object_mut().expect("clusters");
    let workloads = clusters.values_mut().flat_map(|cluster| cluster.as_object_mut().expect("workloads").values_mut());
    let jobs = workloads.flat_map(|workload| workload.as_object_mut().expect("jobs").values_mut());
    jobs.filter_map(|job| job.get_mut("estimate")).for_each(change);
}

fn edit(tree: &Path, edits: &Edits) {
    edit_in(&[tree], edits);
}

/// Changes files in the first folder that has them.
fn edit_in(folders: &[&Path], edits: &Edits) {
    for (file, edits) in edits {
        let path = folders.iter().map(|folder| folder.join(file)).find(|path| path.is_file()).expect("it is there");
        let text = std::fs::read_to_string(&path).expect("text");
        let text = edits.iter().fold(text, |text, [from, to]| replaced(file, &text, from, to));
        write(&path, &text);
    }
}

fn replaced(file: &str, text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{file} has no {from:?}:\n{text}");
    text.replacen(from, to, 1)
}

/// Git without the settings of whoever runs the tests.
pub fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=planner", "-c", "user.email=planner@example.invalid", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .status()
        .expect("git starts");
    assert!(status.success(), "git {}", arguments.join(" "));
}
