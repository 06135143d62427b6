//! What is said beside the best layout: why others are slower, which pools and data types were open, how sure it is, the front of
//! other goals, what other hardware would do.

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::survey::{FrontPoint, Survey};
use planner::plan::{Plan, Request, setup};
use planner::search::{Objective, Progress, Space, Wanted, search};
use planner::spec::{Cluster, Precision, Workload, examples};
use planner::topology::Topology;

/// A cluster and a workload: names of examples, or what a file would say.
struct Site {
    cluster: Cluster,
    topology: Topology,
    workload: Workload,
}

impl Site {
    fn new(cluster: &str, workload: &str) -> Self {
        let catalog = Catalog::embedded();
        let source = |text: &str| {
            if text.contains('\n') { Source::new("written.yaml", text) } else { examples::read(text).expect("an example").0 }
        };
        let cluster = Cluster::load(source(cluster), catalog).expect("a valid cluster");
        let topology = Topology::new(&cluster);
        let workload = Workload::load(source(workload), catalog).expect("a valid workload");
        Self { cluster, topology, workload }
    }

    fn survey(&self, request: &Request) -> Survey {
        let calibration = Calibration::defaults();
        let job = &self.workload.jobs[0];
        let how: (_, _, &dyn Fn(Progress)) = (calibration, request, &|_| {});
        Survey::new((&self.cluster, &self.topology), (&self.workload, job), Catalog::embedded(), how).expect("a survey")
    }

    fn plan(&self, request: &Request) -> Plan {
        let calibration = Calibration::defaults();
        let job = &self.workload.jobs[0];
        let how: (_, _, &dyn Fn(Progress)) = (calibration, request, &|_| {});
        Plan::asked((&self.cluster, &self.topology), &self.workload, job, Catalog::embedded(), how).expect("a plan")
    }
}

#[test]
fn what_makes_an_alternative_slower_adds_up() {
    let plan = Site::new("h100-superpod-127", "llama3-70b").plan(&Request { top: 6, ..Request::default() });
    assert_eq!(plan.alternatives.len(), 5);
    for other in &plan.alternatives {
        let sum: f64 = other.why.iter().map(|shift| shift.by).sum();
        assert!((sum - other.slower_by).abs() < 1e-9, "{}: {sum} is not {}", other.strategy.describe(), other.slower_by);
        let sizes: Vec<f64> = other.why.iter().map(|shift| shift.by.abs()).collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b), "the largest part is not first: {:?}", other.why);
    }
}

/// As many nodes of either.
const MIXED: &str = "name: mixed\npools:\n- {name: a100, nodes: 8, server: dgx-a100}\n- {name: h100, nodes: 8, server: dgx-h100}\n\
                     fabric: {kind: fat-tree, switch: qm9700}\n";

const JOB: &str =
    "jobs:\n- name: small\n  model: llama3-8b\n  sequence: 4096\n  global-batch: 256 sequences\n  tokens: 100B tokens\n";

#[test]
fn a_job_that_names_no_pool_takes_the_best_one() {
    let site = Site::new(MIXED, JOB);
    let fastest = site.plan(&Request::default());
    assert_eq!(fastest.cluster.pool, "h100");
    let [other] = fastest.contenders.as_slice() else { panic!("one other pool: {:?}", fastest.contenders) };
    assert_eq!((other.pool.as_str(), other.precision), ("a100", Precision::Bf16));
    // What a contender says is what naming its pool gives.
    let named = Site::new(MIXED, &format!("{JOB}  pool: a100\n")).plan(&Request::default());
    assert!(named.contenders.is_empty());
    assert_eq!(Some(named.step.strategy), other.strategy);
    let slower = named.step.step_time.get() / fastest.step.step_time.get() - 1.0;
    assert!((other.slower_by.expect("it fits") - slower).abs() < 1e-9);

    // In money, each pool at its own price.
    let cheapest = site.plan(&Request { objective: Objective::Cost, ..Request::default() });
    let cost = |pool: &str| {
        let site = Site::new(MIXED, &format!("{JOB}  pool: {pool}\n"));
        let plan = site.plan(&Request { objective: Objective::Cost, ..Request::default() });
        plan.cost.and_then(|cost| cost.total).expect("a price").amount()
    };
    let total = cheapest.cost.as_ref().and_then(|cost| cost.total).expect("a price").amount();
    assert_eq!(total, cost("a100").min(cost("h100")));
}

#[test]
fn data_types_are_open_only_where_asked() {
    let site = Site::new(
        "name: x\npools:\n- {name: b200, nodes: 2, server: dgx-b200}\nfabric: {kind: fat-tree, switch: qm9700}\n",
        JOB,
    );
    let plan = site.plan(&Request::default());
    assert_eq!((plan.job.precision, plan.contenders.len()), (Precision::Bf16, 0));
    let open = site.plan(&Request { any_precision: true, ..Request::default() });
    assert!(open.step.step_time < plan.step.step_time, "fewer bits are no faster");
    let types: Vec<Precision> =
        open.contenders.iter().map(|contender| contender.precision).chain([open.job.precision]).collect();
    assert!(types.contains(&Precision::Fp8) && types.contains(&Precision::Bf16) && types.contains(&Precision::Nvfp4));
    assert!(!types.contains(&Precision::Int8), "nobody trains in integers");
    let slower: Vec<f64> = open.contenders.iter().filter_map(|contender| contender.slower_by).collect();
    assert!(slower.is_sorted() && slower[0] >= 0.0, "the better ones are not first: {slower:?}");
    // What the job says stands.
    let fixed = Site::new("h200-superpod-127", &format!("{JOB}  precision: bf16\n"));
    assert!(fixed.plan(&Request { any_precision: true, ..Request::default() }).contenders.is_empty());
}

const FOUR_NODES: &str =
    "name: four\npools:\n- {name: a, nodes: 4, server: dgx-h100}\nfabric: {kind: fat-tree, switch: qm9700}\n";

#[test]
fn the_front_is_the_fastest_within_limits_and_none_of_it_is_beaten() {
    let site = Site::new(FOUR_NODES, JOB);
    let survey = site.survey(&Request::default());
    let job = &site.workload.jobs[0];
    let setup = setup(&site.cluster, &site.topology, &site.workload, job).expect("a setup");
    assert!(survey.front.len() >= 4, "{:?}", survey.front);
    assert_eq!(survey.front[0].strategy, survey.plan.step.strategy, "the front begins with the fastest");
    let goals = |p: &FrontPoint| [p.slower_by, p.dearer_by, p.memory.get()];
    for (i, point) in survey.front.iter().enumerate() {
        // Nothing that uses no more accelerators and leaves no less of the memory free is noticeably faster.
        let free = (point.free_memory * 4.0).floor() / 4.0;
        let space =
            Space { most_gpus: Some(point.gpus as u32), ..Space::new(&setup.computation, job.batch, job.parallelism.clone()) };
        let best = search(&setup, &space, &Wanted { headroom: free, top: 1, ..Wanted::default() }).best.remove(0);
        let lead = point.step_time.get() / point.strategy.sequences() as f64 / best.time_per_sequence();
        assert!(lead <= 1.01 + 1e-9, "{} is beaten by {}", point.strategy.describe(), best.strategy.describe());
        let beaten = |other: &FrontPoint| goals(other).iter().zip(goals(point)).all(|(a, b)| *a <= b);
        assert!(survey.front.iter().enumerate().all(|(j, other)| i == j || !beaten(other)), "{}", point.strategy.describe());
    }
    assert!(survey.front.iter().any(|point| point.gpus <= 16), "fewer accelerators save GPU-hours here");
    assert!(survey.front.iter().any(|point| point.free_memory >= 0.5), "memory can be had for time");
    assert!(survey.front.iter().all(|point| point.cost.is_some() && point.energy.is_some()));
}

#[test]
fn chances_are_of_all_layouts_together() {
    let survey = Site::new(FOUR_NODES, JOB).survey(&Request::default());
    let trust = &survey.trust;
    let sum: f64 = trust.layouts.iter().map(|likely| likely.best).sum();
    assert!((sum - 1.0).abs() < 1e-3, "the chances add up to {sum}");
    assert!(trust.layouts.len() >= 5 && trust.layouts.is_sorted_by(|a, b| a.best >= b.best), "{:?}", trust.layouts);
    assert!(trust.within.is_sorted_by(|a, b| a.chance <= b.chance) && trust.within[0].chance >= trust.layouts[0].best);
    assert_eq!(trust.chance(&survey.plan.step.strategy), Some(trust.layouts[0].best));
    assert!(trust.without_overlap.is_some_and(|slower| slower >= 0.0));
}

#[test]
fn better_hardware_is_never_slower_and_worth_what_it_saves() {
    let site = Site::new(FOUR_NODES, JOB);
    let survey = site.survey(&Request::default());
    let names: Vec<&str> = survey.levers.iter().map(|lever| lever.what).collect();
    assert_eq!(names, ["matmul rate", "memory", "memory bandwidth", "scale-up bandwidth", "network bandwidth"]);
    let total = survey.plan.cost.as_ref().and_then(|cost| cost.total).expect("a price");
    for lever in &survey.levers {
        let more = lever.more.expect("what fits, fits with more");
        assert!(more.by <= 1e-12, "more {} is slower by {}", lever.what, more.by);
        assert!(lever.less.is_none_or(|less| less.by >= -1e-12), "less {} is faster", lever.what);
        let worth = lever.worth.expect("a price").amount() * survey.plan.step.gpus as f64;
        assert!((worth - total.amount() * -more.dearer_by).abs() <= 1e-9 * total.amount(), "{}", lever.what);
    }
    // A job that computes nine tenths of its time gains most from faster matmuls.
    let by = |what: &str| survey.levers.iter().find(|lever| lever.what == what).and_then(|lever| lever.more).expect("known").by;
    assert!(by("matmul rate") < -0.05 && by("matmul rate") < by("network bandwidth"));

    // The same as a file with that much more says.
    let faster = FOUR_NODES.replace("server: dgx-h100", "server: dgx-h100, overrides: {memory-bandwidth: 3.685 TB/s}");
    let plan = Site::new(&faster, JOB).plan(&Request::default());
    let gain = plan.step.step_time.get() / survey.plan.step.step_time.get() - 1.0;
    assert!((gain - by("memory bandwidth")).abs() < 1e-9, "{gain}");
}

#[test]
fn a_survey_does_not_depend_on_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| planner::report::json(&Site::new(FOUR_NODES, JOB).survey(&Request::default())).expect("keys are text"))
    };
    assert_eq!(on(1), on(3));
}

/// Overlap of tensor-parallel and expert communication is tried both ways where the job leaves it open and the framework has both.
#[test]
fn overlap_is_open_only_where_asked() {
    let experts = "jobs:\n- name: j\n  model: mixtral-8x7b\n  sequence: 4096\n  global-batch: 64 sequences\n  parallelism: {tp: 2, ep: 8, pp: 1, cp: 1}\n";
    let open = Request { any_overlap: true, ..Request::default() };
    let site = Site::new(FOUR_NODES, experts);
    let plain = site.plan(&Request::default());
    assert_eq!((plain.contenders.len(), plain.job.overlap.describe()), (0, None));
    let best = site.plan(&open);
    let all: Vec<_> = best.contenders.iter().map(|other| other.overlap).chain([best.job.overlap]).collect();
    for (tensor, expert) in [(false, false), (false, true), (true, false), (true, true)] {
        let way = |each: &&planner::plan::Overlap| (each.tensor_overlap, each.expert_overlap) == (Some(tensor), Some(expert));
        assert_eq!(all.iter().filter(way).count(), 1, "{all:?}");
    }
    assert!(best.job.overlap.expert_overlap == Some(true) && best.step.step_time < plain.step.step_time);
    assert!(best.contenders.iter().all(|other| other.slower_by.is_some_and(|by| by >= 0.0)));
    // The same job again is the same plan.
    let placed = best.placed(&site.workload.jobs[0]);
    assert_eq!(placed.parallelism.expert_overlap, Some(true));
    // A dense model has no experts, FSDP overlaps neither, and what the job says stands.
    let dense = Site::new(FOUR_NODES, &experts.replace("mixtral-8x7b", "llama3-8b").replace(", ep: 8", "")).plan(&open);
    assert!(dense.contenders.len() == 1 && dense.contenders[0].overlap.expert_overlap.is_none());
    let fsdp = Site::new(FOUR_NODES, &experts.replace("  model", "  software: fsdp\n  model")).plan(&open);
    assert_eq!((fsdp.contenders.len(), fsdp.job.overlap.describe()), (0, None));
    let said =
        Site::new(FOUR_NODES, &experts.replace("tp: 2", "tp: 2, tensor-overlap: false, expert-overlap: false")).plan(&open);
    assert!(said.contenders.is_empty());
}
