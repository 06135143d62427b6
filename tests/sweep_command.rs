//! `planner sweep` and `planner merge` as they are run: the job files of docs/sweeps.md with the variables that each engine sets,
//! exit codes, and what is said to whom.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PLANNER: &str = env!("CARGO_BIN_EXE_planner");

/// Variables of engines that may run these tests.
const ENGINES: [&str; 8] = [
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_STEP",
    "SLURM_ARRAY_TASK_COUNT",
    "JOB_COMPLETION_INDEX",
    "HQ_TASK_ID",
    "PLANNER_SHARDS",
];

/// A folder with the files of the document.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("offers")).expect("a folder");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sweeps.in");
        for part in ["", "offers"] {
            for entry in fs::read_dir(from.join(part)).expect("a folder") {
                let path = entry.expect("readable").path();
                if path.is_file() {
                    fs::copy(&path, folder.join(part).join(path.file_name().expect("a name"))).expect("copied");
                }
            }
        }
        Self(folder)
    }

    fn run(&self, program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let binaries = Path::new(PLANNER).parent().expect("a folder");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.0.join("bin"), binaries.to_path_buf()].into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new(program);
        for name in ENGINES {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(&self.0).env("PATH", std::env::join_paths(path).expect("a path"));
        command.envs(variables.iter().copied()).output().expect("it runs")
    }

    fn planner(&self, arguments: &str, variables: &[(&str, &str)]) -> (i32, String, String) {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let output = self.run(PLANNER, &arguments, variables);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
    }

    fn bash(&self, script: &str, variables: &[(&str, &str)]) -> String {
        let output = self.run("bash", &[script], variables);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{script}: {said}");
        said
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect("written");
    }

    /// A program of that name on the path of what is run here.
    #[cfg(unix)]
    fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        fs::create_dir_all(self.0.join("bin")).expect("a folder");
        self.write(&format!("bin/{name}"), script);
        fs::set_permissions(self.0.join("bin").join(name), fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// The shards, merged, are the sweep that one machine plans.
    fn merges(&self) {
        let files: Vec<String> = (0..=4).map(|k| format!("shards/{k}.jsonl")).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).filter(|file| self.0.join(file).exists()).collect();
        assert_eq!(files.len(), 4, "{files:?}");
        let (code, _, said) = self.planner(&format!("merge {} -o merged.jsonl", files.join(" ")), &[]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(self.planner(&format!("{SWEEP} -o whole.jsonl"), &[]).0, 0);
        assert!(self.read("merged.jsonl") == self.read("whole.jsonl"), "the merge is not the whole");
    }
}

/// What the job files run.
const SWEEP: &str = "sweep offers --workload jobs.yaml --nodes 1..16:x2";

#[cfg(unix)]
#[test]
fn the_slurm_script_runs_a_shard_a_task() {
    let folder = Folder::new("slurm");
    let array = |id, [min, max, count]: [&'static str; 3]| {
        [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", min),
            ("SLURM_ARRAY_TASK_MAX", max),
            ("SLURM_ARRAY_TASK_STEP", "1"),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ]
    };
    assert!(folder.read("sweep.sbatch").contains("#SBATCH --array=1-4\n"));
    for (id, items) in [("1", "0 to 4"), ("4", "15 to 19")] {
        let said = folder.bash("sweep.sbatch", &array(id, ["1", "4", "4"]));
        let wanted = format!("Shard {id} of 4, as SLURM_ARRAY_TASK_ID says: items {items} of 20.\n");
        assert!(said.starts_with(&wanted), "{said}");
    }
    let (code, _, said) = folder.planner("merge shards/1.jsonl shards/4.jsonl", &[]);
    assert_eq!(code, 1);
    assert!(said.contains("error: shards 2, 3 of 4 are missing"), "{said}");
    // As the document says to run lost tasks again: PLANNER_SHARDS=4 sbatch --array=2,3.
    for id in ["2", "3"] {
        let again = [&array(id, ["2", "3", "2"])[..], &[("PLANNER_SHARDS", "4")]].concat();
        assert!(folder.bash("sweep.sbatch", &again).contains(&format!("Shard {id} of 4")));
    }
    folder.merges();
}

#[cfg(unix)]
#[test]
fn the_kubernetes_job_runs_a_shard_a_completion() {
    let folder = Folder::new("kubernetes");
    let job: serde_yaml::Value = serde_yaml::from_str(&folder.read("sweep-job.yaml")).expect("YAML");
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"].as_str(), Some("Indexed"));
    let completions = spec["completions"].as_u64().expect("a number");
    let container = &spec["template"]["spec"]["containers"][0];
    let shards = container["env"][0]["value"].as_str().expect("text");
    assert_eq!((container["env"][0]["name"].as_str(), shards), (Some("PLANNER_SHARDS"), completions.to_string().as_str()));
    let words = |key: &str| -> Vec<String> {
        let words = container[key].as_sequence().expect("a list");
        words.iter().map(|word| word.as_str().expect("text").to_owned()).collect()
    };
    let (command, arguments) = (words("command"), words("args"));
    for index in 0..completions {
        let index = index.to_string();
        let words: Vec<&str> = command[1..].iter().chain(&arguments).map(String::as_str).collect();
        let output = folder.run(&command[0], &words, &[("PLANNER_SHARDS", shards), ("JOB_COMPLETION_INDEX", &index)]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.contains("as JOB_COMPLETION_INDEX says"), "{said}");
    }
    folder.merges();
}

/// In place of HyperQueue: runs the command behind `--` for every number of `--array`, with the variables of `--env`.
#[cfg(unix)]
const HQ: &str = r#"#!/bin/bash
set -euo pipefail
[ "$1" = submit ]; shift
while [ "$1" != -- ]; do
    case "$1" in
        --wait) shift ;;
        --array) first="${2%-*}" last="${2#*-}"; shift 2 ;;
        --env) export "$2"; shift 2 ;;
        --cpus) shift 2 ;;
        *) echo "no option $1" >&2; exit 1 ;;
    esac
done
shift
for ((id = first; id <= last; id++)); do HQ_TASK_ID=$id "$@"; done
"#;

#[cfg(unix)]
#[test]
fn the_hyperqueue_command_runs_a_shard_a_task() {
    let folder = Folder::new("hyperqueue");
    folder.program("hq", HQ);
    let said = folder.bash("sweep-hq.sh", &[("SLURM_ARRAY_TASK_ID", "1")]);
    assert!(said.contains("Shard 4 of 4, as HQ_TASK_ID says"), "{said}");
    folder.merges();
}

/// In place of GNU parallel: runs what stands before `:::` for every word behind it, `{}` replaced by the word.
#[cfg(unix)]
const PARALLEL: &str = r#"#!/bin/bash
set -euo pipefail
command=()
while [ "$1" != ::: ]; do command+=("$1"); shift; done
shift
for word in "$@"; do "${command[@]//\{\}/$word}"; done
"#;

#[cfg(unix)]
#[test]
fn the_parallel_command_runs_a_shard_a_word() {
    let folder = Folder::new("parallel");
    folder.program("parallel", PARALLEL);
    let said = folder.bash("sweep-parallel.sh", &[]);
    assert!(said.contains("Shard 4 of 4, as --shard says"), "{said}");
    folder.merges();
}

#[test]
fn a_shard_that_is_not_clear_is_bad_input() {
    let folder = Folder::new("unclear");
    for (options, variables, said) in [
        ("--shard 0/4", vec![], "shards are counted from 1"),
        ("--shard 5/4", vec![], "shard 5 of 4 does not exist"),
        ("--shard third", vec![], "write it as in `3/16`"),
        ("--shard 1/2 --shards 2", vec![], "cannot be used with"),
        ("--shards 4", vec![], "nothing says which this is"),
        ("", vec![("PLANNER_SHARDS", "4")], "nothing says which this is"),
        ("", vec![("JOB_COMPLETION_INDEX", "0")], "add `--shards N`"),
        ("--shards 4", vec![("JOB_COMPLETION_INDEX", "4")], "shard 5 of 4 does not exist"),
        ("", vec![("HQ_TASK_ID", "one"), ("PLANNER_SHARDS", "4")], "HQ_TASK_ID is `one`, not a number"),
        ("--shards 4", vec![("SLURM_ARRAY_TASK_ID", "0")], "SLURM_ARRAY_TASK_ID: shard 0 of 4 does not exist"),
    ] {
        let (code, out, err) = folder.planner(&format!("{SWEEP} {options}"), &variables);
        assert_eq!((code, out.as_str()), (2, ""), "{options}: {err}");
        assert!(err.contains(said), "{options} {variables:?}: {err}");
    }
    let (code, _, err) = folder.planner(&format!("{SWEEP} --shard none"), &[("JOB_COMPLETION_INDEX", "0")]);
    assert_eq!((code, err.as_str()), (0, ""));
}

#[test]
fn what_is_swept_over_is_checked_before_it_is_planned() {
    let folder = Folder::new("options");
    folder.write("broken.yaml", "name: x\npools: [{name: a, nodes: 1, sever: dgx-h100}]\n");
    fs::create_dir(folder.0.join("empty")).expect("a folder");
    for (arguments, said) in [
        ("sweep offers", "--workload"),
        ("sweep --workload jobs.yaml", "CLUSTER"),
        ("sweep offers --workload jobs.yaml --gpu-hour 2.00", "`2.00` has no unit"),
        ("sweep offers --workload jobs.yaml --gpu-hour 2USD", "is money, not a price per GPU-hour"),
        ("sweep offers --workload jobs.yaml --tariff 0.1USD/h", "`/h` is not what a price per kilowatt-hour is counted by"),
        ("sweep offers --workload jobs.yaml --nodes 0", "not between 1 and"),
        ("sweep offers --workload jobs.yaml --nodes 8..4", "write `4..8`"),
        ("sweep empty --workload jobs.yaml", "the folder empty has no *.yaml"),
        ("sweep broken.yaml nowhere.yaml --workload jobs.yaml", "did you mean `server`?"),
        ("sweep broken.yaml nowhere.yaml --workload jobs.yaml", "no file `nowhere.yaml`"),
        ("sweep offers offers/rented-h100.yaml --workload jobs.yaml", "two clusters are called `rented-h100`"),
        ("sweep mixed-a100-h100 --workload jobs.yaml --nodes 2", "is for clusters of one pool"),
        ("merge", "FILE"),
        ("merge nowhere.jsonl", "cannot read nowhere.jsonl"),
        ("merge jobs.yaml", "is not what `planner sweep` writes"),
    ] {
        let (code, out, err) = folder.planner(arguments, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments}: {err}");
        assert!(err.contains(said), "{arguments}: {err}");
    }
}

#[test]
fn exit_codes_tell_whether_anything_has_a_plan() {
    let folder = Folder::new("codes");
    let none = "sweep desktop-2x-rtx-4090 --workload llama3-70b";
    let (code, out, err) = folder.planner(none, &[]);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(out.starts_with("1 item: 0 planned, 1 refused\n"), "{out}");
    // A shard without a plan is no failure of its task; the merge tells the whole.
    assert_eq!(folder.planner(&format!("{none} --shard 1/2 -o 1.jsonl"), &[]).0, 0);
    assert_eq!(folder.planner(&format!("{none} --shard 2/2 -o 2.jsonl"), &[]).0, 0);
    assert_eq!(folder.planner("merge 1.jsonl 2.jsonl -o merged.jsonl", &[]).0, 1);
    assert_eq!(folder.planner("sweep desktop-2x-rtx-4090 --workload llama3-70b tinyllama", &[]).0, 0);
}

#[test]
fn files_are_of_the_form_that_their_name_says() {
    let folder = Folder::new("forms");
    let sweep = "sweep offers --workload jobs.yaml --nodes 4 --gpu-hour 2USD/h";
    for (name, start) in [
        ("a.jsonl", "{\"format\":\"planner-sweep\""),
        ("a.csv", "item,cluster,nodes,"),
        ("a.md", "4 items: 4 planned"),
        ("a.txt", "4 items: 4 planned"),
        ("a", "{\"format\":\"planner-sweep\""),
    ] {
        let (code, out, err) = folder.planner(&format!("{sweep} -o {name}"), &[]);
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        assert!(err.starts_with("4 items: 4 planned"), "{err}");
        let text = folder.read(name);
        assert!(text.starts_with(start), "{name}: {text}");
    }
    assert!(folder.read("a.md").contains("| --- |") && !folder.read("a.txt").contains("| --- |"));
    for format in ["text", "csv", "markdown", "jsonl"] {
        let swept = folder.planner(&format!("{sweep} --format {format}"), &[]);
        let merged = folder.planner(&format!("merge a.jsonl --format {format}"), &[]);
        assert_eq!(merged, swept, "{format}");
    }
}

/// A sweep that fails leaves the file that was there, and no other.
#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let folder = Folder::new("replaced");
    folder.write("out.jsonl", "as it was\n");
    assert_eq!(folder.planner("sweep nowhere.yaml --workload jobs.yaml -o out.jsonl", &[]).0, 2);
    assert_eq!(folder.planner("merge jobs.yaml -o out.jsonl", &[]).0, 2);
    assert_eq!(folder.read("out.jsonl"), "as it was\n");
    assert_eq!(folder.planner(&format!("{SWEEP} --shard 1/4 -o out.jsonl"), &[]).0, 0);
    assert!(folder.read("out.jsonl").starts_with("{\"format\""));
    let left: Vec<_> = fs::read_dir(&folder.0).expect("a folder").map(|entry| entry.expect("readable").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains(".tmp")), "{left:?}");
}

/// A sweep that is killed on its way leaves the file that was there.
#[test]
fn an_interrupted_sweep_leaves_the_old_file() {
    let folder = Folder::new("interrupted");
    folder.write("out.jsonl", "as it was\n");
    // Minutes of work, of which a moment is let pass.
    let long = "sweep h100-16384 --workload llama3.1-405b --nodes 500..2048 -o out.jsonl --shard none";
    let mut command = Command::new(PLANNER);
    command.args(long.split(' ')).current_dir(&folder.0).env("RAYON_NUM_THREADS", "1");
    let mut child = command.spawn().expect("it runs");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(child.try_wait().expect("a child").is_none(), "it is done already");
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(folder.read("out.jsonl"), "as it was\n");
}

/// The number of threads that the environment asks for does not change a byte.
#[test]
fn threads_of_the_environment_do_not_matter() {
    let folder = Folder::new("threads");
    let on = |threads| folder.planner(&format!("{SWEEP} --format jsonl"), &[("RAYON_NUM_THREADS", threads)]);
    let one = on("1");
    assert_eq!(one.0, 0);
    assert!(on("5") == one, "five threads differ from one");
}
