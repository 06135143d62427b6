//! What a plan costs: reading files, building the graph of a cluster, the task graph of a step, the whole plan.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::Plan;
use planner::spec::{Cluster, ScheduleKind, Workload, examples};
use planner::step::graph::{Durations, TaskGraph};
use planner::step::schedule::Pipeline;
use planner::topology::Topology;
use planner::units::Seconds;

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

/// Building and simulating a task graph, by tasks.
fn task_graph(c: &mut Criterion) {
    let mut group = c.benchmark_group("task graph");
    for (stages, microbatches) in [(8u32, 64u32), (64, 512)] {
        let pipeline = Pipeline { kind: ScheduleKind::OneForwardOneBackward, stages, chunks: 1, microbatches };
        let each = |time: f64| vec![vec![Seconds::new(time)]; stages as usize];
        let durations = Durations {
            forward: each(1.0),
            backward: each(2.0),
            send: vec![Seconds::new(0.01); stages as usize],
            gather: each(0.1),
            reduce: each(0.2),
            optimizer: vec![Seconds::new(0.1); stages as usize],
            pieces: 4,
        };
        let tasks = TaskGraph::new(&pipeline, &durations).expect("no deadlock").len();
        group.throughput(Throughput::Elements(tasks as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("p {stages}, m {microbatches}")), |bench| {
            bench.iter(|| black_box(TaskGraph::new(&pipeline, &durations).expect("no deadlock").simulate().step));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).without_plots();
    targets = plan, topology, task_graph
}
criterion_main!(benches);
