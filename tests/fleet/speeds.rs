//! How long training takes where it is placed: the planner's own estimate of that place.

use std::sync::Arc;

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::fleet::{Answer, Job, Moment, Outcome, Placement, PolicyKind, Roster, Site, Speeds, jobs_of};
use planner::plan::Plan;
use planner::spec::{Cluster, Portfolio, examples};
use planner::topology::Topology;

const DENSE: &str = "training:
  - {name: dense, model: llama3-8b, sequence: 8192, global-batch: 4M tokens,
     parallelism: {tp: 1, pp: 1, microbatch: 1, zero: 1, recompute: selective}}
";

pub fn example(name: &str) -> Arc<Source> {
    examples::read(name).expect("an example").0
}

/// A portfolio on a cluster, first come first served with backfill.
fn scheduled(cluster: Arc<Source>, portfolio: &str) -> (Vec<Job>, Outcome, Answer) {
    scheduled_by(PolicyKind::Easy, cluster, portfolio)
}

/// A portfolio on a cluster.
pub fn scheduled_by(policy: PolicyKind, cluster: Arc<Source>, portfolio: &str) -> (Vec<Job>, Outcome, Answer) {
    let catalog = Catalog::embedded();
    let cluster = Cluster::load(cluster, catalog).expect("a cluster");
    let portfolio = Portfolio::load(Source::new("jobs.yaml", portfolio), catalog).expect("a portfolio");
    let topology = Topology::new(&cluster);
    let mut speeds = Speeds::new((&cluster, &topology), &portfolio.training, (catalog, Calibration::defaults()));
    let jobs = jobs_of(&portfolio, &cluster, &mut speeds).expect("jobs");
    let (queues, weights): (Vec<String>, Vec<f64>) = portfolio.queues.iter().cloned().unzip();
    let roster = Roster { jobs: &jobs, weights: &weights, policy, pace: &speeds };
    let site = Site::new((&cluster, &topology), Some(&portfolio), Placement::Pod).expect("a site");
    let outcome = site.schedule(&roster);
    let answer = Answer::new((&cluster, catalog), &site, &roster, &queues, &outcome);
    (jobs, outcome, answer)
}

/// How long each job ran for, in seconds.
fn times(outcome: &Outcome) -> Vec<f64> {
    let mut times = vec![0.0; outcome.records.len()];
    for segment in &outcome.segments {
        times[segment.job as usize] += segment.length().secs();
    }
    times
}

fn close(a: f64, b: f64) -> bool {
    (a / b - 1.0).abs() < 1e-6
}

/// What `planner plan` says of a cluster of just the nodes that the job gets.
#[test]
fn a_job_takes_as_long_as_its_plan() {
    let jobs = format!("{DENSE}jobs:\n  - {{name: run, train: dense, tokens: 1T tokens, nodes: 16 nodes}}\n");
    let (jobs, outcome, _) = scheduled(example("h100-256"), &jobs);
    let catalog = Catalog::embedded();
    let cluster = Cluster::load_sized(example("h100-256"), catalog, 16).expect("a cluster");
    let text = DENSE.replace("training:", "jobs:").replace("4M tokens,", "4M tokens, tokens: 1T tokens,");
    let workload = planner::spec::Workload::load(Source::new("jobs.yaml", text), catalog).expect("a workload");
    let plan = Plan::new(&cluster, &Topology::new(&cluster), &workload, &workload.jobs[0], catalog).expect("a plan");
    let wanted = 1e12 * plan.step.step_time.get() / plan.step.tokens_per_step.get();
    assert!(close(jobs[0].work.secs(), wanted), "{} s, not {wanted}", jobs[0].work.secs());
    let with_writes = jobs[0].checkpoint.with_writes(jobs[0].work);
    assert!(with_writes > jobs[0].work && outcome.end == with_writes, "checkpoints of the plan stop it");
}

/// The first pool that is free, each at its own pace; over two kinds of GPU at the pace of the slower, on all of them.
#[test]
fn pools_differ_and_the_slowest_sets_the_pace() {
    let on = |name: &str, rest: &str| {
        format!("  - {{name: {name}, train: dense, tokens: 100B tokens, checkpoint-write: 0 s, {rest}}}\n")
    };
    let portfolio = [
        format!("{DENSE}jobs:\n"),
        on("a100", "nodes: 16 nodes, pool: a100"),
        on("h100", "nodes: 16 nodes, pool: h100"),
        on("any", "nodes: 16 nodes"),
        on("all-a100", "nodes: 32 nodes, pool: a100, arrival: 40 days"),
        on("both", "nodes: 48 nodes, across-pools: true, arrival: 60 days"),
    ];
    let (_, outcome, _) = scheduled(example("mixed-a100-h100"), &portfolio.concat());
    let [a100, h100, any, all_a100, both] = times(&outcome)[..] else { panic!("five jobs") };
    assert!(a100 > 2.0 * h100, "{a100} s and {h100} s");
    // The H100 are taken: it starts at once on the A100.
    assert!(close(any, a100), "{any} s and {a100} s");
    assert!(close(both, all_a100 * 32.0 / 48.0), "{both} s and {all_a100} s");
}

/// Replicas in two pods that share few links send their gradients more slowly than in one.
#[test]
fn a_job_over_two_pods_is_slower() {
    let text = example("h100-256").text().replace("core-oversubscription: 2.0", "core-oversubscription: 16.0");
    let portfolio = "training:
  - {name: large, model: llama3-70b, sequence: 8192, global-batch: 2M tokens,
     parallelism: {tp: 8, pp: 16, dp: 4, microbatch: 1, zero: 1, rank-order: tp-cp-pp-dp}}
jobs:
  - {name: one, duration: 40 days, nodes: 80 nodes}
  - {name: two, duration: 40 days, nodes: 80 nodes}
  - {name: over-two, train: large, tokens: 1T tokens, nodes: 64 nodes, checkpoint-write: 0 s}
  - {name: in-one, train: large, tokens: 1T tokens, nodes: 64 nodes, checkpoint-write: 0 s, arrival: 60 days}
";
    let (_, outcome, _) = scheduled(Source::new("cluster.yaml", text), portfolio);
    let [_, _, over_two, in_one] = times(&outcome)[..] else { panic!("four jobs") };
    assert_eq!(outcome.records[2].start, Some(Moment::ZERO), "48 nodes are free in each pod");
    assert!(over_two > 1.01 * in_one, "{over_two} s over two pods, {in_one} s in one");
}

/// On fewer GPUs than it makes use of, an elastic job is planned for those that it gets.
#[test]
fn elastic_training_is_planned_for_what_it_gets() {
    let portfolio = format!(
        "{DENSE}jobs:\n  - {{name: hog, duration: 90 days, nodes: 192 nodes}}\n  \
         - {{name: elastic, train: dense, tokens: 1T tokens, nodes: 16 nodes, max-nodes: 128 nodes, checkpoint-write: 0 s}}\n  \
         - {{name: fixed, train: dense, tokens: 1T tokens, nodes: 64 nodes, arrival: 95 days, checkpoint-write: 0 s}}\n"
    );
    let (_, outcome, answer) = scheduled(example("h100-256"), &portfolio);
    assert_eq!(answer.jobs[1].gpus, 64 * 8);
    let times = times(&outcome);
    assert!(close(times[1], times[2]), "{} s and {} s", times[1], times[2]);
}
