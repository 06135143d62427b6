//! The search finds what trying everything finds, its bounds are bounds, and its answer does not depend on the number of threads.

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::parallel::Strategy;
use planner::plan::{Plan, Refusal, Request};
use planner::search::{Objective, Space, Wanted, search};
use planner::spec::{Cluster, Computation, Parallelism, Precision, Software, Workload, examples};
use planner::step::Setup;
use planner::topology::Topology;
use planner::units::{Batch, Bytes};
use planner::validate::regret::regrets;
use planner::validate::{PUBLISHED, Predictor, read};
use rayon::prelude::*;

#[path = "support/random_job.rs"]
mod random_job;
use random_job::{pick, sum};

/// A cluster of a few nodes, its accelerators with as much memory as asked.
fn cluster(nodes: u32, memory: f64, oversubscription: f64) -> Cluster {
    let fabric = format!("{{kind: fat-tree, switch: qm9700, oversubscription: {oversubscription}}}");
    let text = format!("name: x\npools:\n- {{name: a, nodes: {nodes}, server: dgx-a100}}\nfabric: {fabric}\n");
    let mut cluster = Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).expect("valid");
    cluster.pools[0].accelerator.memory = Bytes::new(memory * 1024.0 * 1024.0 * 1024.0);
    cluster
}

fn model(name: &str, layers: u32) -> planner::catalog::Model {
    let mut model = Catalog::embedded().model(name).expect("in the catalogue").clone();
    model.layers = layers;
    model
}

/// One layout of what trying everything finds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tried {
    score: f64,
    memory: f64,
    strategy: Strategy,
}

/// Every layout of the space that is legal and fits, each costed by itself, stage by stage.
fn everything(setup: &Setup<'_>, space: &Space, wanted: &Wanted) -> (u64, u64, u64, Vec<Tried>) {
    let sequence = setup.computation.sequence;
    let families = space.families(&setup.model, sequence, setup.pool.gpus(), setup.pool.domain());
    let (mut all, mut illegal, mut too_large) = (0, 0, 0);
    let mut fitting = Vec::new();
    for strategy in families.iter().flat_map(|family| space.layouts(family, setup.model.layers)) {
        all += 1;
        if !setup.violations(&strategy).is_empty() {
            illegal += 1;
            continue;
        }
        let costs = setup.costs(&strategy);
        let memory = costs.peak_memory();
        if memory > setup.pool.accelerator.memory {
            too_large += 1;
            continue;
        }
        let step = setup.step_time(&costs).expect("a legal schedule runs");
        assert!(costs.lower_bound <= step * (1.0 + 1e-12), "{} is bounded above its time", strategy.describe());
        let score = wanted.score(&strategy, step, sequence, setup.pool.gpus_per_node);
        fitting.push(Tried { score, memory: memory.get(), strategy });
    }
    (all, illegal, too_large, fitting)
}

/// The best of each combination of degrees, best first.
fn best(mut tried: Vec<Tried>, top: usize) -> Vec<Tried> {
    let overlap = |tried: &Tried| !tried.strategy.overlap;
    tried.sort_by(|a, b| {
        (a.score.total_cmp(&b.score))
            .then(a.memory.total_cmp(&b.memory))
            .then(overlap(a).cmp(&overlap(b)))
            .then(a.strategy.cmp(&b.strategy))
    });
    let mut kept: Vec<Tried> = Vec::new();
    let degrees = |s: &Strategy| [s.tp, s.cp, s.pp, s.ep, s.dp];
    for each in tried {
        if kept.iter().all(|other| degrees(&other.strategy) != degrees(&each.strategy)) {
            kept.push(each);
        }
    }
    kept.truncate(top);
    kept
}

/// 200 random small jobs, of dense models and of experts, on one node and on several, with a little memory and with enough.
#[test]
fn the_search_finds_what_trying_everything_finds() {
    let found: Vec<(bool, u64)> = (0..200u64).into_par_iter().map(case).collect();
    let feasible = found.iter().filter(|(feasible, _)| *feasible).count();
    let tried: u64 = found.iter().map(|(_, tried)| tried).sum();
    assert!((60..200).contains(&feasible), "{feasible} of 200 cases have a layout: others are as telling");
    assert!(tried > 100_000, "only {tried} layouts were tried");
}

/// One random job: whether there is a layout, and how many were tried.
fn case(number: u64) -> (bool, u64) {
    let mut rng = fastrand::Rng::with_seed(20_261_125 + number);
    let moe = rng.bool();
    let (name, layers) = if moe { ("mixtral-8x7b", rng.u32(2..=4)) } else { ("llama3-8b", rng.u32(2..=7)) };
    let nodes = pick(&mut rng, [1u32, 2, 3]);
    let memory = pick(&mut rng, [10.0, 16.0, 24.0, 40.0, 80.0]);
    let over = pick(&mut rng, [1.0, 4.0]);
    let cluster = cluster(nodes, memory, over);
    let topology = Topology::new(&cluster);
    let software = pick(&mut rng, [Software::MegatronCore, Software::FsdpCompiled, Software::MegatronDeepspeed]);
    let sequence = if rng.u8(0..4) == 0 { 16_384 } else { 2048 };
    let computation = Computation::new(sequence, Precision::Bf16, software);
    let setup = Setup::new((&cluster, 0), &topology, Calibration::defaults(), &model(name, layers), computation)
        .expect("it fits together");
    // A few keys are fixed, so that trying everything ends; which ones differs from case to case.
    let gpus = nodes * 8;
    let tp = pick(&mut rng, [1u32, 2, 4]);
    let fixed = Parallelism {
        tp: Some(tp),
        etp: Some(if rng.bool() { 1 } else { tp }),
        cp: if sequence > 2048 { None } else { Some(1) },
        ep: if moe { None } else { Some(1) },
        pp: rng.bool().then(|| rng.u32(1..=layers.min(gpus / tp))),
        dp: (rng.u8(0..3) == 0).then(|| rng.u32(1..=(gpus / tp).max(1))),
        microbatch: (rng.u8(0..3) > 0).then(|| rng.u32(1..=2)),
        overlap: rng.bool().then(|| rng.bool()),
        ..Parallelism::default()
    };
    let space =
        Space { any_schedule: rng.u8(0..3) == 0, ..Space::new(&computation, Batch::Sequences(8 * rng.u32(1..=3)), fixed) };
    let objective = pick(&mut rng, [Objective::Time, Objective::Time, Objective::Cost, Objective::Energy]);
    let wanted = Wanted { objective, top: rng.usize(1..=4), ..Wanted::default() };
    let (all, illegal, too_large, fitting) = everything(&setup, &space, &wanted);
    let found = search(&setup, &space, &wanted);
    let what = format!("case {number}: {name} of {layers} layers on {nodes} x dgx-a100 of {memory} GiB, {}", software.as_str());
    assert_eq!(found.account.layouts, all, "{what}");
    assert_eq!(sum(&found.account), all, "{what}: {:?}", found.account);
    assert!(found.account.illegal <= illegal && found.account.out_of_memory <= too_large, "{what}: {:?}", found.account);
    assert_eq!(found.gap, None, "{what}");
    let expected = best(fitting, wanted.top);
    let got: Vec<(f64, Strategy)> =
        found.best.iter().map(|each| (wanted.score(&each.strategy, each.step_time, sequence, 8), each.strategy)).collect();
    let wished: Vec<(f64, Strategy)> = expected.iter().map(|each| (each.score, each.strategy)).collect();
    assert_eq!(got, wished, "{what}");
    if expected.is_empty() {
        assert_eq!((found.account.illegal, found.account.out_of_memory), (illegal, too_large), "{what}");
    }
    (!expected.is_empty(), all)
}

/// Layouts that vendors tuned by hand for `MLPerf` and in `NeMo`'s tables: the search's choice is no worse, and no better than its
/// interval allows. Sweeps that vary layouts on purpose are in docs/accuracy.md.
#[test]
fn layouts_tuned_by_hand_are_within_the_interval_of_the_searchs() {
    let rows = read(PUBLISHED).expect("it is embedded");
    let tuned = |source: &str| {
        source.starts_with("MLPerf") || source.starts_with("NVIDIA NeMo") || source.starts_with("NVIDIA/NeMo docs")
    };
    let rows: Vec<_> = rows.into_iter().filter(|row| tuned(&row.source)).collect();
    let predictor = Predictor::new(&rows, Catalog::embedded());
    let regrets = regrets(&predictor, &rows, Calibration::defaults());
    assert!(regrets.len() >= 60, "{} layouts", regrets.len());
    let within = regrets.iter().filter(|regret| regret.within).count();
    assert!(within * 100 >= regrets.len() * 97, "{within} of {} are within", regrets.len());
    let mut all: Vec<f64> = regrets.iter().map(|regret| regret.regret).collect();
    all.sort_by(f64::total_cmp);
    assert!(all[all.len() / 2] < 0.05, "half of them lose {} or more", all[all.len() / 2]);
}

/// A plan, chosen as asked.
fn asked(request: &Request) -> Result<Plan, Refusal> {
    let catalog = Catalog::embedded();
    let read = |name: &str| examples::read(name).expect("embedded").0;
    let cluster = Cluster::load(read("dgx-h100"), catalog).expect("valid");
    let workload = Workload::load(read("llama3-8b"), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    let how: (_, _, &dyn Fn(_)) = (Calibration::defaults(), request, &|_| {});
    Plan::asked((&cluster, &topology), &workload, &workload.jobs[0], catalog, how)
}

/// What is asked of a layout is kept to, or refused with what to ask instead.
#[test]
fn a_layout_is_chosen_as_asked() {
    let plain = asked(&Request::default()).expect("a plan");
    let roomy = asked(&Request { headroom: 0.4, ..Request::default() }).expect("a plan");
    let fullest = |plan: &Plan| plan.step.fullest().expect("a stage").memory.total();
    assert!(fullest(&roomy) <= roomy.step.memory_capacity * 0.6 && fullest(&plain) > plain.step.memory_capacity * 0.6);
    assert!(roomy.search.unwanted > 0 && roomy.step.tokens_per_s <= plain.step.tokens_per_s);
    let steady = asked(&Request { most_bubble: Some(0.0), ..Request::default() }).expect("a plan");
    assert_eq!(steady.step.breakdown.bubble.get(), 0.0);
    let cheap = asked(&Request { objective: Objective::Cost, ..Request::default() }).expect("a plan");
    let gpu_time = |plan: &Plan| plan.step.gpus as f64 / plan.step.tokens_per_s.get();
    assert!(gpu_time(&cheap) <= gpu_time(&plain));
    let named = asked(&Request { top: 6, ..Request::default() }).expect("a plan");
    assert!(named.alternatives.len() == 5 && named.alternatives.is_sorted_by(|a, b| a.slower_by <= b.slower_by));
    let exhaustive = asked(&Request { exhaustive: true, ..Request::default() }).expect("a plan");
    assert_eq!((exhaustive.step, exhaustive.search.bounded), (plain.step, 0));
    for (request, said) in [
        (Request { headroom: 0.97, ..Request::default() }, "--headroom"),
        (Request { power_cap: Some(planner::units::Watts::new(100.0)), ..Request::default() }, "--power-cap"),
    ] {
        let Err(Refusal::No(error)) = asked(&request) else { panic!("{request:?} has an answer") };
        assert!(error.help.as_ref().is_some_and(|help| help.contains(said)), "{error:?}");
    }
}

/// Time that is over leaves the best so far, and says how much better another might be.
#[test]
fn a_time_limit_leaves_a_gap() {
    let catalog = Catalog::embedded();
    let read = |name: &str| examples::read(name).expect("embedded").0;
    let cluster = Cluster::load(read("h100-superpod-127"), catalog).expect("valid");
    let workload = Workload::load(read("llama3-70b"), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    let plan = |time_limit| {
        let request = Request { time_limit, any_schedule: true, ..Request::default() };
        let how: (_, _, &dyn Fn(_)) = (Calibration::defaults(), &request, &|_| {});
        Plan::asked((&cluster, &topology), &workload, &workload.jobs[0], catalog, how).expect("a plan")
    };
    let (proved, cut) = (plan(None), plan(Some(std::time::Duration::ZERO)));
    assert_eq!((proved.gap, proved.search.unexplored), (None, 0));
    let gap = cut.gap.expect("not all was looked at");
    assert!(cut.search.unexplored > 0 && (0.0..1.0).contains(&gap), "{gap}");
    let best = cut.step.step_time.get() / cut.step.tokens_per_step.get() * (1.0 - gap);
    assert!(best <= proved.step.step_time.get() / proved.step.tokens_per_step.get(), "the gap does not reach the best");
}
