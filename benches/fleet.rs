//! Jobs scheduled per second, on traces made by a seeded generator in the shape of the whole Philly trace: 82,247 jobs in 109 days on
//! 512 GPUs, nine in ten of them of one GPU, half of the GPU time in jobs of eight, 73 % of the GPUs in use.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use planner::fleet::placement::{Map, Packed, Pool};
use planner::fleet::{Demand, Job, Moment, Outcome, Placer, PolicyKind, Setting, simulate};

const NODES: u32 = 64;
const GPUS: u32 = 8;
const JOBS: usize = 82_247;
const SECONDS: f64 = 109.0 * 86_400.0;
/// Share of the jobs, and of the GPU time, by GPUs of a job; Philly as extracted for the Sia artifact.
const SIZES: [(u32, f64, f64); 6] =
    [(1, 0.930, 0.18), (2, 0.020, 0.03), (4, 0.022, 0.17), (8, 0.022, 0.48), (16, 0.005, 0.11), (32, 0.001, 0.03)];

/// A trace of so many jobs, on a cluster as busy whatever their number.
fn trace(jobs: usize, seed: u64) -> Vec<Job> {
    let mut random = fastrand::Rng::with_seed(seed);
    let length = SECONDS * jobs as f64 / JOBS as f64;
    let used = 0.73 * f64::from(NODES * GPUS) * length;
    let mut all: Vec<Job> = (0..jobs)
        .map(|i| {
            let mut draw = random.f64();
            let (gpus, of_jobs, of_time) = SIZES
                .into_iter()
                .find(|(_, share, _)| {
                    draw -= share;
                    draw < 0.0
                })
                .unwrap_or(SIZES[0]);
            // A lognormal time of sigma 1.5, cut at ten times its mean: a sum of uniform numbers is as good as normal.
            let normal: f64 = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
            let mean = used * of_time / (of_jobs * jobs as f64 * f64::from(gpus));
            let time = (mean * (1.5 * normal - 1.125).exp()).clamp(1.0, 10.0 * mean);
            // Jobs come in bursts: four in five of them in a fifth of the time.
            let day = (random.f64() * length / 86_400.0).floor() * 86_400.0;
            let within = if random.f64() < 0.8 { 0.2 } else { 1.0 } * random.f64() * 86_400.0;
            Job {
                name: i.to_string(),
                arrival: Moment::from_secs((day + within) as u64),
                work: Moment::from_secs(time as u64),
                demand: Demand::of(gpus),
                ..Job::default()
            }
        })
        .collect();
    all.sort_by_key(|job| job.arrival);
    all
}

fn schedule<P: Placer>(jobs: &[Job], policy: PolicyKind, placer: P) -> Outcome {
    let setting = Setting::new(jobs, &[1.0], policy);
    simulate(&setting, placer, &mut std::iter::empty())
}

fn policies(c: &mut Criterion) {
    let jobs = trace(JOBS, 1);
    let mut group = c.benchmark_group("schedule");
    group.throughput(Throughput::Elements(jobs.len() as u64)).sample_size(10);
    for policy in [
        PolicyKind::Fifo,
        PolicyKind::FirstFit,
        PolicyKind::Sjf,
        PolicyKind::SjfSkip,
        PolicyKind::Easy,
        PolicyKind::FairShare,
        PolicyKind::Priority,
        PolicyKind::Edf,
    ] {
        group.bench_function(BenchmarkId::new("pool", policy.as_str()), |bench| {
            bench.iter(|| black_box(schedule(&jobs, policy, Pool::new(&[NODES * GPUS]))));
        });
    }
    let map = Arc::new(Map::flat(NODES, GPUS));
    for policy in [PolicyKind::Fifo, PolicyKind::Easy] {
        group.bench_function(BenchmarkId::new("node", policy.as_str()), |bench| {
            bench.iter(|| black_box(schedule(&jobs, policy, Packed::new(Arc::clone(&map), Arc::default()))));
        });
    }
    // Every job's promise made anew at every instant: the queue, not the trace, makes the cost.
    let short = trace(5000, 1);
    group.throughput(Throughput::Elements(short.len() as u64));
    group.bench_function(BenchmarkId::new("pool", "conservative of 5,000"), |bench| {
        bench.iter(|| black_box(schedule(&short, PolicyKind::Conservative, Pool::new(&[NODES * GPUS]))));
    });
    group.finish();
}

fn million(c: &mut Criterion) {
    let jobs = trace(1_000_000, 1);
    let mut group = c.benchmark_group("schedule a million");
    group.throughput(Throughput::Elements(jobs.len() as u64)).sample_size(10);
    group.bench_function("fifo", |bench| {
        bench.iter(|| black_box(schedule(&jobs, PolicyKind::Fifo, Pool::new(&[NODES * GPUS]))));
    });
    group.finish();
}

criterion_group!(benches, policies, million);
criterion_main!(benches);
