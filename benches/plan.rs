//! What a plan costs: reading files, building the graph of a cluster, the task graph of a step, the whole plan.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::Plan;
use planner::search::{Account, Space, Wanted, search};
use planner::spec::{Cluster, Computation, Parallelism, Precision, ScheduleKind, Software, Workload, examples};
use planner::step::Setup;
use planner::step::durations::{ChunkTimes, Durations};
use planner::step::graph::{Replay, TaskGraph};
use planner::step::layer::Spent;
use planner::step::schedule::{Pipeline, Times};
use planner::topology::Topology;
use planner::units::{Batch, Seconds};

fn source(name: &str) -> std::sync::Arc<Source> {
    examples::read(name).expect("embedded").0
}

fn load(cluster: &str, workload: &str) -> (Cluster, Workload) {
    let catalog = Catalog::embedded();
    (Cluster::load(source(cluster), catalog).expect("valid"), Workload::load(source(workload), catalog).expect("valid"))
}

/// From the two files to a plan, the catalogue being read already: what `planner plan` does after it starts.
fn plan(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    for (cluster, workload) in
        [("h100-superpod-127", "llama3-70b"), ("h100-16384", "llama3.1-405b"), ("mi300x-64", "mixtral-8x7b")]
    {
        group.bench_function(BenchmarkId::from_parameter(format!("{workload} on {cluster}")), |bench| {
            bench.iter(|| {
                let (cluster, workload) = load(cluster, workload);
                let topology = Topology::new(&cluster);
                black_box(Plan::new(&cluster, &topology, &workload, &workload.jobs[0], Catalog::embedded()).is_ok())
            });
        });
    }
    group.finish();
}

/// The graph of a cluster, by accelerators.
fn topology(c: &mut Criterion) {
    let mut group = c.benchmark_group("topology");
    for nodes in [128u64, 2048, 12_500] {
        let text = format!(
            "name: x\npools:\n- {{name: a, nodes: {nodes}, server: dgx-h100}}\nfabric: {{kind: fat-tree, switch: sn5600, link: ethernet-400g}}\n"
        );
        let cluster = Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).expect("valid");
        group.throughput(Throughput::Elements(nodes * 8));
        group.bench_function(BenchmarkId::from_parameter(nodes * 8), |bench| bench.iter(|| black_box(Topology::new(&cluster))));
    }
    group.finish();
}

/// A pipeline with transfers, collectives beside it, and uneven passes.
fn pipeline(kind: ScheduleKind, stages: u32, chunks: u32, microbatches: u32) -> (Pipeline, Durations) {
    let times = Times { forward: 1.0, input_gradient: 1.0, weight_gradient: 1.0, transfer: 0.01 };
    let spent = |time: f64| Spent { compute: Seconds::new(time), tensor: Seconds::new(0.1 * time), ..Spent::default() };
    let chunk = ChunkTimes {
        forward: spent(1.0),
        recompute: Spent::default(),
        input_gradient: spent(1.1),
        weight_gradient: spent(0.9),
    };
    let each = |time: f64| vec![vec![Seconds::new(time); chunks as usize]; stages as usize];
    let durations = Durations {
        chunks: vec![vec![chunk; chunks as usize]; stages as usize],
        send: vec![[Seconds::new(0.01); 2]; stages as usize],
        gather: each(0.1),
        reduce: each(0.2),
        optimizer: vec![Seconds::new(0.1); stages as usize],
        pieces: 4,
    };
    (Pipeline { kind, stages, chunks, microbatches, memory_limit: stages, times }, durations)
}

/// A step in compact form: its schedule made, laid out and replayed, by turns of the compute streams.
fn replay(c: &mut Criterion) {
    let mut group = c.benchmark_group("replay");
    let shapes = [
        (ScheduleKind::OneForwardOneBackward, 8u32, 1u32, 64u32),
        (ScheduleKind::OneForwardOneBackward, 64, 1, 512),
        (ScheduleKind::Interleaved, 64, 4, 512),
        (ScheduleKind::ZbH1, 64, 1, 512),
        (ScheduleKind::DualPipeV, 64, 2, 512),
    ];
    for (kind, stages, chunks, microbatches) in shapes {
        let (pipeline, durations) = pipeline(kind, stages, chunks, microbatches);
        let turns = pipeline.schedule().expect("legal").turns();
        group.throughput(Throughput::Elements(turns as u64));
        group.bench_function(
            BenchmarkId::from_parameter(format!("{kind}, p {stages}, v {chunks}, m {microbatches}")),
            |bench| {
                bench.iter(|| {
                    let schedule = pipeline.schedule().expect("legal");
                    black_box(Replay::new(&schedule, microbatches).run(&durations).expect("no deadlock").step)
                });
            },
        );
    }
    group.finish();
}

/// The same step as a petgraph graph with every task, slack and critical path.
fn task_graph(c: &mut Criterion) {
    let mut group = c.benchmark_group("task graph");
    for (stages, microbatches) in [(8u32, 64u32), (64, 512)] {
        let (pipeline, durations) = pipeline(ScheduleKind::OneForwardOneBackward, stages, 1, microbatches);
        let schedule = pipeline.schedule().expect("legal");
        let tasks = TaskGraph::new(&schedule, microbatches, &durations).expect("no deadlock").graph().node_count();
        group.throughput(Throughput::Elements(tasks as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("p {stages}, m {microbatches}")), |bench| {
            bench.iter(|| black_box(TaskGraph::new(&schedule, microbatches, &durations).expect("no deadlock").simulate().step));
        });
    }
    group.finish();
}

/// Nodes of DGX A100.
fn dgx_a100(nodes: u32) -> (Cluster, Topology) {
    let text = format!("name: x\npools:\n- {{name: a, nodes: {nodes}, server: dgx-a100}}\n");
    let fabric = if nodes > 1 { "fabric: {kind: fat-tree, switch: sn5600, link: ethernet-400g}\n" } else { "" };
    let cluster = Cluster::load(Source::new("x.yaml", text + fabric), Catalog::embedded()).expect("valid");
    let topology = Topology::new(&cluster);
    (cluster, topology)
}

/// Every layout of a model of GPT-3 13B's size that fits, costed in full: what Calculon's exhaustive search is measured on.
fn everything((cluster, topology): &(Cluster, Topology), fixed: &Parallelism) -> Account {
    let computation = Computation::new(2048, Precision::Bf16, Software::MegatronCore);
    let model = Catalog::embedded().model("opt-13b").expect("in the catalogue");
    let setup = Setup::new((cluster, 0), topology, Calibration::defaults(), model, computation).expect("it fits together");
    let space = Space::new(&computation, Batch::Sequences(64), fixed.clone());
    search(&setup, &space, &Wanted { exhaustive: true, top: 1, ..Wanted::default() }).account
}

/// On one thread: spaces of growing size on 64 A100, by layouts costed; and one space on clusters of growing size.
fn exhaustive(c: &mut Criterion) {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let mut group = c.benchmark_group("search");
    let cluster = dgx_a100(8);
    let mut fixed = Parallelism { tp: Some(2), cp: Some(1), pp: Some(2), sp: Some(true), ..Parallelism::default() };
    let mut measure = |fixed: &Parallelism| {
        let account = one.install(|| everything(&cluster, fixed));
        group.throughput(Throughput::Elements(account.costed));
        let name = format!("{} of {} layouts costed", account.costed, account.layouts);
        group.bench_function(BenchmarkId::new("13B on 64 A100", name), |bench| {
            bench.iter(|| one.install(|| black_box(everything(&cluster, fixed))));
        });
    };
    measure(&fixed);
    fixed.pp = None;
    measure(&fixed);
    fixed.sp = None;
    measure(&fixed);
    fixed.tp = None;
    measure(&fixed);
    fixed.cp = None;
    measure(&fixed);
    let fixed = Parallelism { tp: Some(8), cp: Some(1), pp: Some(1), dp: Some(1), ..Parallelism::default() };
    for nodes in [1u32, 8, 128, 2048, 16_384] {
        let cluster = dgx_a100(nodes);
        group.throughput(Throughput::Elements(one.install(|| everything(&cluster, &fixed)).layouts));
        group.bench_function(BenchmarkId::new("one space on GPUs", nodes * 8), |bench| {
            bench.iter(|| one.install(|| black_box(everything(&cluster, &fixed))));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).without_plots();
    targets = plan, topology, replay, task_graph, exhaustive
}
criterion_main!(benches);
