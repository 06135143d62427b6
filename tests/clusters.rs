//! Every example cluster is planned and its screen kept; every embedded example is a file and every file is embedded.

use std::collections::BTreeSet;
use std::path::Path;

use planner::catalog::Catalog;
use planner::plan::{Plan, explain, setup};
use planner::report;
use planner::spec::{Cluster, Workload, examples};
use planner::topology::Topology;

/// The workload that an example cluster is planned with: the one it is known for.
fn workload(cluster: &str) -> &'static str {
    match cluster {
        "a100-selene-3072" => "megatron-1t",
        "desktop-2x-rtx-4090" => "tinyllama",
        "dgx-h100" | "mixed-a100-h100" => "llama3-8b",
        "h100-16384" => "llama3.1-405b",
        "h800-2048" => "deepseek-v3",
        "mi300x-64" => "mixtral-8x7b",
        "gb200-nvl72-8" => "gpt3-175b",
        _ => "llama3-70b",
    }
}

fn load(cluster: &str, workload: &str) -> (Cluster, Workload) {
    let catalog = Catalog::embedded();
    let read = |name: &str| examples::read(name).expect("embedded").0;
    (Cluster::load(read(cluster), catalog).expect("valid"), Workload::load(read(workload), catalog).expect("valid"))
}

#[test]
fn every_cluster_is_planned() {
    insta::glob!("../clusters", "*.yaml", |path| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let (cluster, workload) = load(name, workload(name));
        let topology = Topology::new(&cluster);
        let plans: Vec<String> = workload
            .jobs
            .iter()
            .map(|job| report::plan_text(&Plan::new(&cluster, &topology, &workload, job, Catalog::embedded()).expect("a plan")))
            .collect();
        insta::assert_snapshot!(plans.join("\n"));
    });
}

#[test]
fn every_workload_has_a_cluster_that_it_fits_on() {
    insta::glob!("../clusters/workloads", "*.yaml", |path| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let cluster = match name {
            "megatron-1t" => "a100-selene-3072",
            "deepseek-v3" => "h800-2048",
            "llama3.1-405b" => "h100-16384",
            "llama3-70b-two-pools" => "mixed-a100-h100",
            _ => "h100-superpod-127",
        };
        let (cluster, workload) = load(cluster, &format!("workloads/{name}"));
        let topology = Topology::new(&cluster);
        for job in &workload.jobs {
            let plan = Plan::new(&cluster, &topology, &workload, job, Catalog::embedded()).expect("a plan");
            insta::assert_snapshot!(report::plan_csv(&plan));
        }
    });
}

#[test]
fn examples_in_the_binary_are_the_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("clusters");
    let files = |folder: &Path| -> BTreeSet<String> {
        std::fs::read_dir(folder)
            .expect("there")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|suffix| suffix == "yaml"))
            .map(|path| path.strip_prefix(&root).expect("inside").to_string_lossy().replace('\\', "/"))
            .collect()
    };
    let mut all = files(&root);
    all.extend(files(&root.join("workloads")));
    all.extend(files(&root.join("portfolios")));
    let embedded: BTreeSet<String> = examples::EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(embedded, all);
}

/// Every line of an explanation follows from the lines beneath it, and its headline is the plan's.
#[test]
fn explanations_compute() {
    fn check(derivation: &planner::plan::Derivation) {
        let recomputed = derivation.recomputed();
        let scale = derivation.value.abs().max(1e-300);
        assert!(
            (recomputed - derivation.value).abs() / scale < 1e-9,
            "{}: {} by its formula, {} told",
            derivation.name,
            recomputed,
            derivation.value
        );
        derivation.from.iter().for_each(check);
    }
    for name in ["h100-superpod-127", "h800-2048", "h100-16384", "a100-selene-3072", "desktop-2x-rtx-4090", "mi300x-64"] {
        let (cluster, workload) = load(name, workload(name));
        let topology = Topology::new(&cluster);
        let job = &workload.jobs[0];
        let plan = Plan::new(&cluster, &topology, &workload, job, Catalog::embedded()).expect("a plan");
        let setup = setup(&cluster, &topology, &workload, job).expect("a setup");
        let derivations = explain(&plan, &cluster, &setup);
        derivations.iter().for_each(check);
        let value = |wanted: &str| derivations.iter().find(|d| d.name == wanted).map(|d| d.value);
        assert_eq!(value("step time"), Some(plan.step.step_time.get()));
        assert_eq!(value("MFU"), Some(plan.step.mfu));
    }
}

/// The same answer whatever the number of threads.
#[test]
fn plans_do_not_depend_on_threads() {
    let (cluster, workload) = load("h100-superpod-127", "llama3-70b");
    let topology = Topology::new(&cluster);
    let plan = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let plan = Plan::new(&cluster, &topology, &workload, &workload.jobs[0], Catalog::embedded()).expect("a plan");
            report::json(&plan).expect("json")
        })
    };
    let one = plan(1);
    assert_eq!(one, plan(2));
    assert_eq!(one, plan(7));
}
