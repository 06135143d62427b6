//! What a job says of its framework moves what it should, and nothing else.

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::Plan;
use planner::spec::{Cluster, Workload, examples};
use planner::topology::Topology;

fn plan(model: &str, job: &str, parallelism: &str) -> Plan {
    let catalog = Catalog::embedded();
    let (source, _) = examples::read("h100-superpod-127").expect("embedded");
    let cluster = Cluster::load(source, catalog).expect("valid");
    let text = format!(
        "jobs:\n- name: a\n  model: {model}\n  sequence: 4096\n  global-batch: 512 sequences\n{job}  parallelism: {{{parallelism}}}\n"
    );
    let workload = Workload::load(Source::new("w.yaml", text), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    Plan::new(&cluster, &topology, &workload, &workload.jobs[0], catalog).expect("a plan")
}

const DENSE: &str = "tp: 8, sp: true, cp: 1, pp: 1, dp: 16, microbatch: 1, recompute: none, zero: 1";
const EXPERTS: &str = "tp: 1, pp: 4, ep: 8, dp: 32, microbatch: 1, recompute: none, zero: 1";

#[test]
fn overlap_takes_away_communication_only() {
    let with = plan("llama3-8b", "", DENSE).step.breakdown;
    let without = plan("llama3-8b", "", &format!("{DENSE}, tensor-overlap: false")).step.breakdown;
    assert!(without.tensor.get() > 2.0 * with.tensor.get());
    assert_eq!((with.compute, with.context, with.expert), (without.compute, without.context, without.expert));
}

#[test]
fn experts_behind_other_work_take_less() {
    let plain = plan("mixtral-8x7b", "", EXPERTS).step.breakdown;
    let overlapped = plan("mixtral-8x7b", "", &format!("{EXPERTS}, expert-overlap: true")).step.breakdown;
    assert!(overlapped.expert.get() < plain.expert.get());
    assert_eq!(overlapped.compute, plain.compute);
}

#[test]
fn graphs_spare_the_host() {
    let issued = plan("mixtral-8x7b", "", EXPERTS).step.step_time;
    let recorded = plan("mixtral-8x7b", "  graphs: full\n", EXPERTS).step.step_time;
    assert!(recorded < issued, "{recorded} {issued}");
}

#[test]
fn frozen_weights_have_no_gradients() {
    let whole = plan("llama3-8b", "", DENSE);
    let adapters = plan("llama3-8b", "  adapters: true\n", DENSE);
    let compute = |plan: &Plan| plan.step.breakdown.compute.get();
    // Two passes of three, and the attention core, whose backward pass stays.
    assert!((0.6..0.85).contains(&(compute(&adapters) / compute(&whole))), "{}", compute(&adapters) / compute(&whole));
    assert_eq!(adapters.step.stages[0].memory.optimizer.get(), 0.0);
    assert_eq!(adapters.step.breakdown.data.get(), 0.0);
}

#[test]
fn older_frameworks_are_slower_on_the_same_cards() {
    let time = |software: &str| plan("llama3-8b", &format!("  software: {software}\n"), DENSE).step.step_time;
    assert!(time("megatron-2021") > time("megatron-core"));
    assert!(time("megatron-deepspeed") > time("megatron-2021"));
}
