//! Layouts as options and back: every example planned, written as a launch script, read and planned again the same; every
//! model of the catalogue likewise; launch files in the style of their frameworks' examples, and broken ones.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::launch::{Format, Framework, Launch, Planned, import};
use planner::model::Architecture;
use planner::parallel::{LayerDeal, LayerSplit, Strategy};
use planner::plan::{Plan, setup};
use planner::spec::{
    Cluster, Computation, ContextKind, Job, Parallelism, Precision, RankOrder, Recompute, ScheduleKind, Workload, examples,
};
use planner::topology::Topology;

fn example(name: &str) -> Arc<Source> {
    examples::read(name).expect("embedded").0
}

fn workload(text: &str) -> Workload {
    let loaded = Workload::load(Source::new("workload.yaml", text), Catalog::embedded());
    loaded.unwrap_or_else(|errors| panic!("{:?}\n{text}", errors[0].message))
}

/// A launch text read as a workload file.
fn read_back(format: Format, text: &str) -> String {
    let source = Source::new("pretrain-again.sh", text);
    import(&source, format, &[], Catalog::embedded()).unwrap_or_else(|errors| panic!("{}\n{text}", errors[0].message))
}

/// Plans the same job on the same cluster after a trip through a Megatron-LM script.
fn round_trip(cluster: &str, job: &str) {
    let catalog = Catalog::embedded();
    let cluster = Cluster::load(example(cluster), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    let original = Workload::load(example(&format!("workloads/{job}")), catalog).expect("valid");
    let plan = Plan::new(&cluster, &topology, &original, &original.jobs[0], catalog).expect("a plan");
    let own = setup(&cluster, &topology, &original, &original.jobs[0]).expect("a setup");
    let planned = Planned {
        job: &original.jobs[0],
        model: &own.model,
        computation: own.computation,
        strategy: &plan.step.strategy,
        node: own.pool.gpus_per_node,
    };
    let launch = Launch::new(&planned, Framework::MegatronLm);
    let mut text = read_back(Format::MegatronLm, &launch.text());
    let lost: Vec<&str> = launch.unsupported.iter().map(|left| left.what.as_str()).collect();
    if plan.step.strategy.schedule == ScheduleKind::DualPipe {
        // What the script could not say is said to be lost, and all that is.
        assert_eq!(lost, ["schedule"], "{job}");
        text = text.replace("    parallelism:\n", "    parallelism:\n      schedule: dualpipe\n");
    } else {
        assert!(lost.is_empty(), "{job}: {lost:?}");
    }
    let again = workload(&text);
    let second = Plan::new(&cluster, &topology, &again, &again.jobs[0], catalog).expect("a plan");
    let slices = |s: &Strategy, workload: &Workload| {
        LayerSplit::of(&workload.jobs[0].parallelism).with(s.split).slices(s, planned.model.layers)
    };
    assert_eq!(slices(&second.step.strategy, &again), slices(&plan.step.strategy, &original), "{job}");
    // How layers are dealt is stated by the workload now, no longer by the layout.
    let without_deal = |s: &Strategy| Strategy { split: LayerDeal::Even, ..*s };
    assert_eq!(without_deal(&second.step.strategy), without_deal(&plan.step.strategy), "{job}");
    let (first, second) = (plan.step.step_time.get(), second.step.step_time.get());
    assert!((second / first - 1.0).abs() < 1e-9, "{job}: {first} s, then {second} s");
}

#[test]
fn every_example_is_planned_the_same_after_a_trip_through_a_script() {
    for (cluster, job) in [
        ("h100-superpod-127", "llama3-70b"),
        ("dgx-h100", "llama3-8b"),
        ("desktop-2x-rtx-4090", "tinyllama"),
        ("h100-superpod-127", "llama2-7b"),
        ("mi300x-64", "mixtral-8x7b"),
        ("gb200-nvl72-8", "llama3-70b"),
        ("h100-superpod-127", "gpt3-175b"),
        ("a100-selene-3072", "megatron-1t"),
        ("h100-16384", "llama3.1-405b"),
        ("h800-2048", "deepseek-v3"),
    ] {
        round_trip(cluster, job);
    }
}

/// On racks of 72 GPUs the best layout of GPT-3 leaves a part of the last one idle: a script starts as many on every node.
#[test]
fn a_part_of_a_node_is_said_to_be_lost() {
    let catalog = Catalog::embedded();
    let cluster = Cluster::load(example("gb200-nvl72-8"), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    let workload = Workload::load(example("workloads/gpt3-175b"), catalog).expect("valid");
    let plan = Plan::new(&cluster, &topology, &workload, &workload.jobs[0], catalog).expect("a plan");
    let own = setup(&cluster, &topology, &workload, &workload.jobs[0]).expect("a setup");
    let node = own.pool.gpus_per_node;
    let planned = Planned {
        job: &workload.jobs[0],
        model: &own.model,
        computation: own.computation,
        strategy: &plan.step.strategy,
        node,
    };
    let launch = Launch::new(&planned, Framework::MegatronLm);
    let rest = plan.step.strategy.gpus() % u64::from(node);
    let lost: Vec<(&str, &str)> = launch.unsupported.iter().map(|left| (left.what.as_str(), left.why.as_str())).collect();
    assert_eq!(lost, [("nodes", format!("the last node runs {rest} GPUs: start fewer processes there").as_str())]);
}

fn plain() -> Strategy {
    Strategy { dp: 8, microbatches: 4, zero: 1, ..Strategy::default() }
}

fn launch(job: &Job, strategy: &Strategy, framework: Framework) -> Launch {
    let model = Architecture::new(&job.model).expect("consistent");
    let precision = job.precision.unwrap_or(Precision::Bf16);
    let computation: Computation = job.computation(precision);
    Launch::new(&Planned { job, model: &model, computation, strategy, node: 8 }, framework)
}

fn job_of(model: &str, more: &str) -> Workload {
    let text = format!(
        "jobs:\n  - name: a\n    model: {model}\n    sequence: 1024\n    global-batch: 32 sequences\n    precision: bf16\n{more}"
    );
    workload(&text)
}

#[test]
fn every_model_of_the_catalogue_is_read_as_it_is_written() {
    let mut told = 0;
    for entry in &Catalog::embedded().models {
        let original = job_of(&entry.name, "");
        let launch = launch(&original.jobs[0], &plain(), Framework::MegatronLm);
        if launch.unsupported.iter().any(|left| left.what.starts_with("model.")) {
            told += 1;
            continue;
        }
        let again = workload(&read_back(Format::MegatronLm, &launch.text()));
        let [first, second] = [&original, &again].map(|workload| {
            let model = &workload.jobs[0].model;
            (Architecture { name: String::new(), ..Architecture::new(model).expect("consistent") }, model.mtp_layers)
        });
        assert_eq!(first, second, "{}", entry.name);
    }
    // BLOOM's positions, Gemma's norms, parallel blocks: Megatron-LM has no options for them.
    assert!((5..40).contains(&told), "{told} models cannot be expressed");
}

#[test]
fn every_choice_of_a_layout_is_read_as_it_is_written() {
    let mut layouts = vec![plain()];
    let mut add = |strategy: Strategy| layouts.push(strategy);
    for zero in 0..=3 {
        add(Strategy { zero, overlap: zero > 1, ..plain() });
    }
    for context in ContextKind::ALL {
        add(Strategy { cp: 4, context, dp: 2, microbatches: 16, ..plain() });
    }
    for (vp, schedule) in [(1, ScheduleKind::OneForwardOneBackward), (4, ScheduleKind::Interleaved)] {
        let piped = Strategy { tp: 2, sp: true, pp: 4, vp, schedule, dp: 2, microbatches: 16, ..plain() };
        add(piped);
        add(Strategy { rank_order: RankOrder::TpCpPpDp, zero_replicas: 2, ..piped });
        add(Strategy { recompute: Recompute::Full, ..piped });
        add(Strategy { recompute: Recompute::Full, recompute_layers: 4, ..piped });
        add(Strategy { recompute: Recompute::Selective, sp: false, ..piped });
    }
    let original = job_of("llama3-8b", "");
    for strategy in layouts {
        let launch = launch(&original.jobs[0], &strategy, Framework::MegatronLm);
        assert_eq!(launch.unsupported, [], "{strategy:?}");
        let again = workload(&read_back(Format::MegatronLm, &launch.text()));
        let said = Parallelism { tensor_overlap: None, ..again.jobs[0].parallelism.clone() };
        let wanted = Parallelism {
            tp: Some(strategy.tp),
            sp: Some(strategy.sp),
            cp: Some(strategy.cp),
            cp_kind: (strategy.cp > 1).then_some(strategy.context),
            pp: Some(strategy.pp),
            vp: Some(strategy.vp),
            dp: Some(strategy.dp),
            microbatch: Some(strategy.microbatch),
            zero: Some(strategy.zero),
            zero_replicas: (strategy.zero_replicas > 1).then_some(strategy.zero_replicas),
            recompute: Some(strategy.recompute),
            recompute_layers: (strategy.recompute_layers > 0).then_some(strategy.recompute_layers),
            rank_order: (strategy.rank_order != RankOrder::default()).then_some(strategy.rank_order),
            overlap: Some(strategy.overlap),
            ..Parallelism::default()
        };
        assert_eq!(said, wanted);
    }
}

#[test]
fn layers_are_dealt_as_the_job_and_the_search_say() {
    let strategy = Strategy { pp: 4, dp: 2, microbatches: 16, ..plain() };
    for more in [
        "    parallelism: {layers: [7, 9, 9, 7], pp: 4}\n",
        "    parallelism: {first-stage-layers: 6, last-stage-layers: 8, pp: 4}\n",
        "    parallelism: {account-for-embedding: true, account-for-loss: true, pp: 2}\n",
    ] {
        let original = job_of("llama3-8b", more);
        let fixed = &original.jobs[0].parallelism;
        let pp = fixed.pp.expect("stated");
        let strategy = Strategy { pp, ..strategy };
        let again =
            workload(&read_back(Format::MegatronLm, &launch(&original.jobs[0], &strategy, Framework::MegatronLm).text()));
        assert_eq!(LayerSplit::of(&again.jobs[0].parallelism), LayerSplit::of(fixed), "{more}");
    }
    let searched = Strategy { pp: 2, split: LayerDeal::Both, ..strategy };
    let original = job_of("llama3-8b", "");
    let again = workload(&read_back(Format::MegatronLm, &launch(&original.jobs[0], &searched, Framework::MegatronLm).text()));
    assert_eq!(LayerSplit::of(&again.jobs[0].parallelism), LayerSplit::Counted { embedding: true, loss: true });
    // Layers that do not divide are spelled out.
    let uneven = Strategy { pp: 3, dp: 2, microbatches: 16, ..plain() };
    let again = workload(&read_back(Format::MegatronLm, &launch(&original.jobs[0], &uneven, Framework::MegatronLm).text()));
    assert_eq!(LayerSplit::of(&again.jobs[0].parallelism), LayerSplit::Given(uneven.slice_layers(32)));
}

#[test]
fn what_a_framework_cannot_say_is_said() {
    let deep = job_of("deepseek-v3", "");
    let dual = Strategy { pp: 4, ep: 8, dp: 8, microbatches: 8, schedule: ScheduleKind::DualPipe, ..plain() };
    let zero_bubble = Strategy { schedule: ScheduleKind::ZbV, ..dual };
    let lost = |strategy: &Strategy, framework| -> Vec<String> {
        launch(&deep.jobs[0], strategy, framework).unsupported.into_iter().map(|left| left.what).collect()
    };
    assert_eq!(lost(&dual, Framework::MegatronLm), ["schedule"]);
    assert_eq!(lost(&dual, Framework::Nemo), ["schedule"]);
    assert_eq!(lost(&dual, Framework::Torchtitan), ["zero", "schedule", "software"]);
    assert_eq!(lost(&zero_bubble, Framework::Torchtitan), ["zero", "software"]);
    let wanted = ["schedule", "software", "model.mla", "model.moe", "model.mtp-layers"];
    assert_eq!(lost(&dual, Framework::Deepspeed), wanted);
    // Every one is a line of the text too.
    for framework in [Framework::MegatronLm, Framework::Nemo, Framework::Torchtitan, Framework::Deepspeed] {
        let launch = launch(&deep.jobs[0], &dual, framework);
        let text = launch.text();
        assert_eq!(text.matches("# Not expressed: ").count(), launch.unsupported.len(), "{text}");
    }
}

/// Megatron-Bridge's overrides are the same layout under other names.
#[test]
fn overrides_of_nemo_are_read_as_they_are_written() {
    nemo_round_trip("mixtral-8x7b");
    nemo_round_trip("deepseek-v3");
}

fn nemo_round_trip(model: &str) {
    let original = job_of(model, "");
    let strategy = Strategy { tp: 2, sp: true, pp: 2, ep: 4, etp: 1, dp: 4, microbatches: 8, ..plain() };
    let text = launch(&original.jobs[0], &strategy, Framework::Nemo).text();
    let mut yaml = String::new();
    let mut section = "";
    let mut overrides: Vec<&str> = text.lines().map(|line| line.trim().trim_end_matches(" \\").trim_matches('\'')).collect();
    overrides
        .retain(|line| !line.starts_with(['#', '"', '-']) && line.split_once('=').is_some_and(|(key, _)| key.contains('.')));
    overrides.sort_unstable();
    for (key, value) in overrides.iter().filter_map(|line| line.split_once('=')) {
        let (first, name) = key.split_once('.').expect("a section");
        if first != section {
            let _ = writeln!(yaml, "{first}:");
            section = first;
        }
        let _ = writeln!(yaml, "  {name}: {value}");
    }
    yaml.push_str("mixed_precision: bf16_mixed\n");
    let again = workload(&read_back(Format::Nemo, &yaml));
    let job = &again.jobs[0];
    assert_eq!(job.model.name, model, "{yaml}");
    let fixed = &job.parallelism;
    assert_eq!((fixed.tp, fixed.sp, fixed.pp, fixed.ep, fixed.etp), (Some(2), Some(true), Some(2), Some(4), Some(1)));
    assert_eq!((fixed.zero, fixed.overlap, fixed.tensor_overlap, fixed.dp), (Some(1), Some(true), Some(true), None));
    assert_eq!(job.precision, Some(Precision::Bf16));
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/launch")
}

/// How a file is read by its name.
fn origin(path: &Path) -> &'static str {
    let name = path.file_name().and_then(|name| name.to_str()).expect("names are text");
    let yaml = path.extension().is_some_and(|extension| extension == "yaml");
    if yaml && !name.contains("model-args") { "nemo" } else { "megatron-lm" }
}

fn planner(arguments: &[&str], at: &Path) -> (Option<i32>, String, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_planner")).args(arguments).current_dir(at).output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("launch/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn launch_files_are_read() {
    settings().bind(|| {
        insta::glob!("launch/*.*", |path| {
            let file = path.file_name().and_then(|name| name.to_str()).expect("names are text");
            let (code, workload, said) = planner(&["import", origin(path), file], &folder());
            assert_eq!((code, said.as_str()), (Some(0), ""), "{file}");
            insta::assert_snapshot!("read", workload);
            // What is written can be checked.
            let again = Workload::load(Source::new("workload.yaml", workload), Catalog::embedded());
            assert!(again.is_ok(), "{file}: {:?}", again.err());
        });
    });
}

#[test]
fn broken_launch_files_are_shown_in_their_place_with_a_way_out() {
    settings().bind(|| {
        insta::glob!("launch/malformed/*.*", |path| {
            let file = path.file_name().and_then(|name| name.to_str()).expect("names are text");
            let (code, workload, said) = planner(&["import", origin(path), file], &folder().join("malformed"));
            assert_eq!((code, workload.as_str()), (Some(2), ""), "{file}: {said}");
            assert!(said.contains(&format!("--> {file}:")) && said.contains("help:"), "{file}: {said}");
            insta::assert_snapshot!("refused", said);
        });
    });
}

/// What the file leaves open is given beside it.
#[test]
fn open_values_are_given_on_the_command_line() {
    let at = folder().join("malformed");
    let file = "undefined-variable.sh";
    let given = ["import", "megatron-lm", file, "--set", "TPX=4", "--set", "pipeline-model-parallel-size=2"];
    let (code, workload, said) = planner(&given, &at);
    assert_eq!(code, Some(0), "{said}");
    assert!(workload.contains("tp: 4 ") && workload.contains("pp: 2  # --set pipeline-model-parallel-size"), "{workload}");
    let (code, ..) = planner(&["import", "megatron-lm", file, "--set", "nothing"], &at);
    assert_eq!(code, Some(2));
}

/// Files made to be a nuisance end soon, and are refused or read.
#[test]
fn large_launch_files_end_soon() {
    let started = std::time::Instant::now();
    let line = |more: &str| format!("torchrun pretrain_gpt.py --num-layers 10000 --num-experts 8 {more}\n");
    let texts = [
        (0..80_000).map(|i| format!("A{i}=1")).collect::<Vec<_>>().join("\n"),
        "if [ -f x ]; then\nA=--b\n".repeat(40_000),
        "A=$A$A\n".repeat(100_000),
        "--num-layers $".repeat(70_000),
        line(&format!("--pipeline-model-parallel-layout ({})*10000", "t".repeat(900_000))),
        line(&format!("--moe-layer-freq '[1,{}0]+[1]*{}'", "0,".repeat(4_999), 4_999)),
        line(&format!("--moe-layer-freq '{}'", "(".repeat(900_000))),
        "MODEL_ARGS:\n".to_owned() + &(0..30_000).map(|i| format!("  --a{i}: ${{b{i}}}")).collect::<Vec<_>>().join("\n"),
        "case $x in\n".repeat(80_000),
        "<<EOF ".repeat(100_000),
        "a=(".repeat(100_000),
    ];
    for text in texts {
        for format in [Format::MegatronLm, Format::Nemo] {
            let source = Source::new("large.sh", text.as_str());
            let errors = import(&source, format, &[], Catalog::embedded()).expect_err("nothing is whole");
            assert!(!errors.is_empty(), "{}", &text[..60]);
        }
    }
    // Far more than they need: only one that never ends fails by it.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

/// Whatever is cut off, doubled or turned around in a launch file, it is read or refused with a place, and soon.
#[test]
fn no_launch_file_panics() {
    let catalog = Catalog::embedded();
    let mut tried = 0;
    for entry in std::fs::read_dir(folder()).expect("a folder").flatten().filter(|entry| entry.path().is_file()) {
        let text = std::fs::read_to_string(entry.path()).expect("text");
        let format = if origin(&entry.path()) == "nemo" { Format::Nemo } else { Format::MegatronLm };
        let mut random = fastrand::Rng::with_seed(text.len() as u64);
        for _ in 0..150 {
            let mut bytes: Vec<char> = text.chars().collect();
            for _ in 0..random.usize(1..6) {
                let (at, other) = (random.usize(..bytes.len()), random.usize(..bytes.len()));
                match random.u8(..4) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.swap(at, other),
                    2 => {
                        let marks = ['"', '\'', '(', ')', '$', '{', '}', '\\', '\n', '*', '9', 'é'];
                        bytes[at] = marks[random.usize(..marks.len())];
                    }
                    _ => {
                        bytes.remove(at);
                    }
                }
                if bytes.len() < 2 {
                    break;
                }
            }
            let source = Source::new("broken.sh", bytes.iter().collect::<String>());
            if let Err(errors) = import(&source, format, &[], catalog) {
                assert!(!errors.is_empty());
                assert!(errors.iter().all(|error| error.place().is_some() && !error.message.is_empty()));
            }
            tried += 1;
        }
    }
    assert!(tried > 1000);
}
