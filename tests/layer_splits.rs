//! A job's own split of its layers, from the file to the stages: layers, parameters and activations land where they were put.

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::{Plan, Refusal};
use planner::spec::{Cluster, Workload};
use planner::step::StageEstimate;
use planner::topology::Topology;

/// Stages of Llama 3 8B, 32 layers, on four DGX H100 with these keys of `parallelism`.
fn stages(keys: &str) -> Vec<StageEstimate> {
    let cluster = "name: lab\npools:\n- {name: h100, nodes: 4, server: dgx-h100}\nfabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n";
    let cluster = Cluster::load(Source::new("lab.yaml", cluster), Catalog::embedded()).expect("valid");
    let workload = format!(
        "jobs:\n- name: a\n  model: llama3-8b\n  sequence: 8192\n  global-batch: 64 sequences\n  parallelism: {{tp: 2, microbatch: 1, {keys}}}\n"
    );
    let workload = Workload::load(Source::new("jobs.yaml", workload), Catalog::embedded()).expect("valid");
    let topology = Topology::new(&cluster);
    match Plan::new(&cluster, &topology, &workload, &workload.jobs[0], Catalog::embedded()) {
        Ok(plan) => plan.step.stages,
        Err(Refusal::Input(said)) => panic!("{keys}: {}", said[0].message),
        Err(Refusal::No(said)) => panic!("{keys}: {}", said.message),
    }
}

fn layers(keys: &str) -> Vec<u32> {
    stages(keys).iter().map(|stage| stage.layers).collect()
}

#[test]
fn layers_land_on_their_stages() {
    assert_eq!(layers("pp: 4, vp: 1"), [8, 8, 8, 8]);
    assert_eq!(layers("pp: 4, vp: 1, layers: [7, 9, 9, 7]"), [7, 9, 9, 7]);
    // Slices of two loops: stage i holds slices i and i + 2.
    assert_eq!(layers("pp: 2, vp: 2, layers: [7, 9, 9, 7]"), [16, 16]);
    assert_eq!(layers("pp: 2, vp: 2, layers: [1, 2, 9, 20]"), [10, 22]);
    assert_eq!(layers("pp: 4, vp: 1, first-stage-layers: 6, last-stage-layers: 4"), [6, 11, 11, 4]);
    assert_eq!(layers("pp: 4, vp: 2, first-stage-layers: 8, last-stage-layers: 4"), [8, 10, 10, 4]);
    assert_eq!(layers("pp: 3, vp: 1, dp: 1, account-for-loss: true"), [11, 11, 10]);
    assert_eq!(layers("pp: 2, vp: 1, account-for-embedding: true, account-for-loss: true"), [16, 16]);
    // The first stage of a vee has both ends of the model, slices 0 and 3.
    assert_eq!(layers("pp: 2, schedule: zb-v, layers: [7, 9, 8, 8]"), [15, 17]);
}

/// Without a degree of its own the split says how many stages there can be.
#[test]
fn the_search_keeps_to_a_split() {
    assert_eq!(layers("layers: [7, 9, 9, 7]").iter().sum::<u32>(), 32);
    assert_eq!(layers("vp: 1, layers: [5, 6, 6, 6, 9]"), [5, 6, 6, 6, 9]);
    let found = layers("account-for-embedding: true, account-for-loss: true");
    assert_eq!(found.len(), 2, "17 and 34 stages are too many for the pool: {found:?}");
}

/// Weights follow the layers, with the embedding on the first stage and the output layer on the last, and so do the activations.
#[test]
fn memory_follows_the_layers() {
    let (even, uneven) = (stages("pp: 4, vp: 1"), stages("pp: 4, vp: 1, layers: [6, 8, 12, 6]"));
    let weights = |stages: &[StageEstimate]| stages.iter().map(|stage| stage.memory.weights.get()).collect::<Vec<_>>();
    let (before, after) = (weights(&even), weights(&uneven));
    let layer = before[1] / 8.0;
    for (stage, more) in [(0, -2.0), (1, 0.0), (2, 4.0), (3, -2.0)] {
        assert!((after[stage] - before[stage] - more * layer).abs() < 1e-6 * before[stage], "stage {stage}");
    }
    let (kept, now) = (even[2].memory.activations.get(), uneven[2].memory.activations.get());
    assert!((now / kept - 12.0 / 8.0).abs() < 1e-9, "{kept} {now}");
    // A stage of an embedding alone, and one of the output layer alone.
    let bare = stages("pp: 4, vp: 1, layers: [0, 16, 16, 0]");
    let table = bare[0].memory.weights.get();
    assert!(table > 0.0 && (table - (before[0] - 8.0 * layer)).abs() < 1e-6 * table);
    assert!(bare[3].memory.weights.get() > 0.0 && bare[0].busy.get() > 0.0 && bare[3].busy > bare[0].busy);
}
