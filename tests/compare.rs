//! Clusters beside each other: phases add up, what is the same is the same, memory and bandwidth are named where they pay.

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::compare::{Comparison, Difference, Limit, OwnLayout, Place, With};
use planner::diagnostic::Source;
use planner::plan::{Refusal, Request};
use planner::spec::{Cluster, Component, Workload, examples};

const JOB: &str =
    "jobs:\n- name: small\n  model: llama3-8b\n  sequence: 4096\n  global-batch: 256 sequences\n  tokens: 100B tokens\n";

fn place(text: &str) -> Place {
    let source =
        if text.contains('\n') { Source::new("cluster.yaml", text) } else { examples::read(text).expect("an example").0 };
    Place::new(Cluster::load(source, Catalog::embedded()).expect("a valid cluster"))
}

/// Four nodes of H100 with fields of the accelerator as given.
fn nodes(name: &str, overrides: &str) -> Place {
    place(&format!(
        "name: {name}\npools:\n- {{name: a, nodes: 4, server: dgx-h100, overrides: {{{overrides}}}}}\n\
         fabric: {{kind: fat-tree, switch: qm9700}}\n"
    ))
}

fn compared(places: &[Place], job: &str) -> Result<Comparison, Refusal> {
    let workload = Workload::load(Source::new("job.yaml", job), Catalog::embedded()).expect("a valid workload");
    let with = With { catalog: Catalog::embedded(), calibration: Calibration::defaults(), request: &Request::default() };
    Comparison::new(places, (&workload, &workload.jobs[0]), with)
}

fn adds_up(difference: &Difference) {
    let sum: f64 = difference.by_limit.iter().map(|part| part.by).sum();
    assert!((sum - difference.by).abs() < 1e-9, "{sum} is not {}", difference.by);
}

#[test]
fn a_cluster_beside_itself_makes_no_difference() {
    let comparison = compared(&[nodes("a", ""), nodes("b", "")], JOB).expect("plans");
    let against = comparison.sites[1].against.as_ref().expect("beside the reference");
    assert_eq!((against.slower_by, against.gpu_time.by), (0.0, 0.0));
    assert!(against.gpu_time.by_limit.is_empty());
    assert_eq!(against.same_layout.as_ref().map(|same| same.by), Some(0.0));
    assert_eq!(against.own_layout, OwnLayout::Same);
    assert_eq!((against.break_even.price_ratio, against.break_even.is), (1.0, Some(1.0)));
    assert!(comparison.sites[0].against.is_none() && comparison.holds());
}

#[test]
fn phases_are_the_whole_gpu_time() {
    let comparison = compared(&[place("h100-superpod-127"), place("mi300x-64")], JOB).expect("plans");
    for site in &comparison.sites {
        let step = &site.plan.as_ref().expect("a plan").step;
        let wanted = step.gpus as f64 / step.tokens_per_s.get() * 1e6;
        assert!((site.gpu_time() / wanted - 1.0).abs() < 1e-9, "{}: {} is not {wanted}", site.cluster, site.gpu_time());
        assert!(site.phases.iter().all(|phase| phase.gpu_time >= 0.0));
    }
    adds_up(&comparison.sites[1].against.as_ref().expect("beside the reference").gpu_time);
}

#[test]
fn faster_memory_moves_what_waits_for_memory_and_nothing_else() {
    let comparison = compared(&[nodes("a", ""), nodes("b", "memory-bandwidth: 6.7 TB/s")], JOB).expect("plans");
    let against = comparison.sites[1].against.as_ref().expect("beside the reference");
    let same = against.same_layout.as_ref().expect("it is legal");
    adds_up(same);
    assert!(same.of(Limit::MemoryBandwidth) < -0.01, "{same:?}");
    // Attention and matmuls may take memory for their limit no longer; they are no faster for it than their arithmetic.
    assert!(same.of(Limit::Arithmetic).abs() < 0.01, "{same:?}");
    let reference = &comparison.sites[0];
    let streams: f64 =
        reference.phases.iter().filter(|phase| phase.limit == Limit::MemoryBandwidth).map(|phase| phase.gpu_time).sum();
    let most = streams / reference.gpu_time();
    assert!(-same.of(Limit::MemoryBandwidth) <= most / 2.0 + 1e-9, "more than half of {most} cannot be saved: {same:?}");
}

/// The H200 is an H100 with more and faster memory: what waits for arithmetic gains nothing, what waits for memory does, and a layout
/// that only fits there is named.
#[test]
fn h200_gains_by_its_memory_alone() {
    let job = JOB.replace("llama3-8b", "llama3-70b").replace("256 sequences", "504 sequences").replace("4096", "8192");
    let comparison = compared(&[place("h100-superpod-127"), place("h200-superpod-127")], &job).expect("plans");
    let against = comparison.sites[1].against.as_ref().expect("beside the reference");
    let same = against.same_layout.as_ref().expect("what fits 80 GB fits 141");
    assert!(same.of(Limit::Arithmetic) > -0.005, "compute-bound work gains: {same:?}");
    assert!(same.of(Limit::MemoryBandwidth) < 0.0, "bandwidth gives nothing: {same:?}");
    assert!(matches!(against.own_layout, OwnLayout::TooLarge { .. }), "{:?}", against.own_layout);
    assert!(against.gpu_time.by < same.by, "the layout that memory allows is no better than the other one");
    let text = planner::report::comparison_markdown(&comparison);
    assert!(text.contains("Compute-bound work gains nothing.") && text.contains("the memory gives -"), "{text}");
}

#[test]
fn at_the_break_even_price_a_token_costs_the_same() {
    let priced = |name: &str, overrides: &str, price: f64| {
        let text = format!(
            "name: {name}\npools:\n- {{name: a, nodes: 4, server: dgx-h100, overrides: {{{overrides}}}}}\n\
             fabric: {{kind: fat-tree, switch: qm9700}}\nprice: {{gpu-hour: {price} USD/GPU-hour}}\n"
        );
        place(&text)
    };
    let faster = "peak: {bf16: 1200 TFLOP/s}";
    let first = compared(&[priced("a", "", 2.0), priced("b", faster, 2.0)], JOB).expect("plans");
    let even = first.sites[1].against.as_ref().expect("beside the reference").break_even;
    assert!(even.price_ratio > 1.1, "{even:?}");
    let at = compared(&[priced("a", "", 2.0), priced("b", faster, 2.0 * even.price_ratio)], JOB).expect("plans");
    let cost = |i: usize| {
        let plan = at.sites[i].plan.as_ref().expect("a plan");
        plan.cost.as_ref().and_then(|cost| cost.per_million_tokens).expect("a price").amount()
    };
    // Runs are whole steps of the same batch.
    assert!((cost(1) / cost(0) - 1.0).abs() < 1e-6, "{} is not {}", cost(1), cost(0));
    assert!(at.sites[1].against.as_ref().and_then(|against| against.break_even.dearer_by).expect("prices").abs() < 1e-9);
}

#[test]
fn a_cluster_without_a_plan_is_told_and_a_reference_without_one_is_refused() {
    let huge = JOB.replace("llama3-8b", "llama3.1-405b");
    let small = place("dgx-h100");
    let comparison = compared(&[place("h100-superpod-127"), small], &huge).expect("the reference has a plan");
    assert!(!comparison.holds());
    let refused = &comparison.sites[1];
    assert!(refused.plan.is_none() && refused.against.is_none() && refused.phases.is_empty());
    assert!(refused.refusal.as_ref().is_some_and(|why| why.contains("fits")), "{:?}", refused.refusal);
    assert!(planner::report::comparison_text(&comparison).contains("dgx-h100: no plan: no layout"));
    let turned = compared(&[place("dgx-h100"), place("h100-superpod-127")], &huge);
    assert!(matches!(turned, Err(Refusal::No(_))));
}

#[test]
fn a_comparison_does_not_depend_on_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let found = compared(&[nodes("a", ""), nodes("b", "memory: 141 GB"), place("mi300x-64")], JOB).expect("plans");
            planner::report::json(&found).expect("keys are text")
        })
    };
    assert_eq!(on(1), on(3));
}

/// public-claims.md E10: power is dispatched to hubs where it costs 30 % less. The same hardware on the coast and there, beside each
/// other: no time, energy by the PUE, carbon by the grid, and of the money what electricity is of it.
#[test]
fn two_places_of_the_same_hardware() {
    let at = |name: &str, power: &str| {
        place(&format!(
            "name: {name}\npools: [{{name: a, nodes: 4, server: dgx-h100}}]\nfabric: {{kind: fat-tree, switch: qm9700}}\n\
             power: {{{power}}}\ncost: {{capital: 46000 USD/GPU, utilisation: 100 %}}\n"
        ))
    };
    let coast = at("coast", "pue: 1.35, tariff: 0.80 CNY/kWh, carbon: 600 g/kWh");
    let hub = at("hub", "pue: 1.20, tariff: 0.56 CNY/kWh, carbon: 500 g/kWh");
    let comparison = compared(&[coast, hub], JOB).expect("plans");
    let [coast, hub] = [0, 1].map(|i| comparison.sites[i].plan.as_ref().expect("a plan"));
    let runs = [coast, hub].map(|plan| plan.run.as_ref().expect("a run"));
    assert_eq!(runs[0].time, runs[1].time);
    let near = |is: f64, wanted: f64| assert!((is / wanted - 1.0).abs() < 1e-9, "{is}, not {wanted}");
    near(runs[1].energy / runs[0].energy, 1.20 / 1.35);
    let located = runs.map(|run| run.carbon.location.expect("a grid"));
    near(located[1] / located[0], 1.20 / 1.35 * 500.0 / 600.0);
    // What an owner pays less is the line of electricity: 0.56 for 0.80, and less of it.
    let costs = [coast, hub].map(|plan| plan.cost.as_ref().expect("a cost"));
    let owned = costs.map(|cost| cost.owned.as_ref().expect("a block"));
    let electricity = owned.map(|owned| {
        let line = owned.lines.iter().find(|line| line.component == Component::Electricity).expect("a line");
        line.gpu_hour.value.per_unit().amount()
    });
    near(electricity[1] / electricity[0], 0.7 * 1.20 / 1.35);
    let saved = costs[0].total.expect("priced").amount() - costs[1].total.expect("priced").amount();
    near(saved, (electricity[0] - electricity[1]) * runs[0].gpu_hours.get() / 3600.0);
    let text = planner::report::comparison_markdown(&comparison);
    for row in ["| energy |", "| carbon |", "| cost |"] {
        let line = text.lines().find(|line| line.starts_with(row)).unwrap_or_else(|| panic!("no {row} in {text}"));
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_ne!(cells[2], cells[3], "{line}");
    }
}
