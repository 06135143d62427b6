//! A pipeline order that is written, read back and planned with is the schedule that it was written from.

use std::path::Path;

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::{Plan, Refusal, setup};
use planner::spec::{Cluster, ScheduleKind, Workload};
use planner::step::StepEstimate;
use planner::step::schedule::to_text;
use planner::topology::Topology;

/// The step of Llama 3 8B on four DGX H100 with these keys of `parallelism`, the order that it runs in, and its bound.
fn step(keys: &str) -> Result<(StepEstimate, String), String> {
    let cluster = "name: lab\npools:\n- {name: h100, nodes: 4, server: dgx-h100}\nfabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n";
    let cluster = Cluster::load(Source::new("lab.yaml", cluster), Catalog::embedded()).expect("valid");
    let workload = format!(
        "jobs:\n- name: a\n  model: llama3-8b\n  sequence: 8192\n  global-batch: 64 sequences\n  parallelism: {{tp: 2, microbatch: 1, {keys}}}\n"
    );
    // Orders lie beside the workload.
    let name = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jobs.yaml").display().to_string();
    let said = |found: Vec<planner::diagnostic::Diagnostic>| found[0].message.clone();
    let workload = Workload::load(Source::new(name, workload), Catalog::embedded()).map_err(said)?;
    let topology = Topology::new(&cluster);
    let job = &workload.jobs[0];
    let refused = |refusal| match refusal {
        Refusal::Input(found) => said(found),
        Refusal::No(found) => found.message,
    };
    let plan = Plan::new(&cluster, &topology, &workload, job, Catalog::embedded()).map_err(refused)?;
    let setup = setup(&cluster, &topology, &workload, job).map_err(refused)?;
    let costs = setup.costs(&plan.step.strategy);
    assert!(costs.lower_bound.get() <= plan.step.step_time.get() * (1.0 + 1e-12), "{keys}: the bound is none");
    let order = to_text(&costs.schedule().expect("it was planned"));
    Ok((plan.step, order))
}

fn written(name: &str, order: &str) {
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), order).expect("the temporary folder can be written to");
}

#[test]
fn every_schedule_survives_being_written_and_read() {
    let own = ScheduleKind::ALL.map(|kind| {
        let vp = if kind.is_looped() { 2 } else { 1 };
        (kind.as_str().to_owned(), format!("pp: 4, vp: {vp}, dp: 4, schedule: {}", kind.as_str()))
    });
    let uneven = ("uneven".to_owned(), "pp: 4, vp: 2, dp: 4, layers: [1, 2, 3, 4, 4, 5, 6, 7]".to_owned());
    for (name, keys) in own.into_iter().chain([uneven]) {
        let (made, order) = step(&keys).unwrap_or_else(|said| panic!("{name}: {said}"));
        written(&format!("{name}.csv"), &order);
        let layers = keys.split_once(", layers").map(|(_, list)| format!(", layers{list}")).unwrap_or_default();
        let (read, again) = step(&format!("order: {name}.csv, dp: 4{layers}")).unwrap_or_else(|said| panic!("{name}: {said}"));
        assert_eq!(order, again, "{name}");
        assert_eq!(made.step_time, read.step_time, "{name}");
        assert_eq!(made.stages, read.stages, "{name}: memory and time by stage");
        assert_eq!((made.breakdown, made.turns), (read.breakdown, read.turns), "{name}");
        assert_eq!(read.strategy.schedule.as_str(), "own-order");
    }
}

/// What the order leaves open follows from it: stages, virtual stages, replicas.
#[test]
fn a_layout_follows_from_its_order() {
    let (made, order) = step("pp: 4, vp: 2, dp: 2").expect("it fits");
    assert_eq!(made.strategy.microbatches, 32);
    written("implied.csv", &order);
    let (read, _) = step("order: implied.csv").expect("it fits");
    assert_eq!((read.strategy.pp, read.strategy.vp, read.strategy.dp, read.strategy.microbatches), (4, 2, 2, 32));
    let said = step("order: implied.csv, dp: 4").expect_err("16 microbatches are not 32");
    assert_eq!(said, "the order is of 32 microbatches, the layout has 16 of them in a step");
}

/// Activations are those that the turns keep: an order that puts the first backward pass off keeps more, and takes longer.
#[test]
fn activations_are_counted_by_walking_the_order() {
    let (made, order) = step("pp: 2, vp: 1, dp: 8, recompute: full").expect("it fits");
    written("plain.csv", &order);
    // All forward passes of the first stage first.
    let (first, rest) = order.split_once('\n').expect("two rows");
    let (mut forward, mut backward): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for cell in first.split(',') {
        if cell.contains('F') { forward.push(cell) } else { backward.push(cell) }
    }
    forward.append(&mut backward);
    written("eager.csv", &format!("{}\n{rest}", forward.join(",")));
    let (eager, _) = step("dp: 8, recompute: full, order: eager.csv").expect("it fits");
    let kept = |step: &StepEstimate, stage: usize| step.stages[stage].memory.activations.get();
    assert!((kept(&eager, 0) / kept(&made, 0) - 8.0 / 2.0).abs() < 1e-9, "8 microbatches instead of 2");
    assert_eq!(kept(&eager, 1), kept(&made, 1));
}
