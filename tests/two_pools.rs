//! Pipelines over two pools: the search against trying everything, bounds against times, and what each pool pays for.

use planner::calibration::Calibration;
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::parallel::{Seam, Strategy};
use planner::plan::{How, Plan, Refusal, Request, explain, setup};
use planner::run::NodePower;
use planner::run::power::WAITING;
use planner::search::{Beside, Objective, SecondPool, Space, Wanted, search};
use planner::spec::{Cluster, Computation, Parallelism, Precision, Recompute, ScheduleKind, Software, Workload};
use planner::step::Setup;
use planner::topology::Topology;
use planner::units::{Batch, Bytes, Watts};
use rayon::prelude::*;

#[path = "support/random_job.rs"]
mod random_job;
use random_job::{pick, sum};

/// Two pools on one fabric.
fn cluster(pools: [(&str, u32); 2]) -> Cluster {
    let pool = |(name, (server, nodes)): (&str, (&str, u32))| format!("- {{name: {name}, nodes: {nodes}, server: {server}}}\n");
    let pools: String = ["a", "b"].into_iter().zip(pools).map(pool).collect();
    let text = format!("name: x\npools:\n{pools}fabric: {{kind: fat-tree, switch: qm9700}}\npower: {{tariff: 0.1 USD/kWh}}\n");
    Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).expect("valid")
}

fn with_memory(mut cluster: Cluster, gib: [f64; 2]) -> Cluster {
    for (pool, gib) in cluster.pools.iter_mut().zip(gib) {
        pool.accelerator.memory = Bytes::new(gib * 1024.0 * 1024.0 * 1024.0);
    }
    cluster
}

fn workload(model: &str, rest: &str) -> Workload {
    let text = format!("jobs:\n- {{name: j, model: {model}, sequence: 2048, {rest}}}\n");
    Workload::load(Source::new("w.yaml", text), Catalog::embedded()).expect("valid")
}

fn planned(cluster: &Cluster, workload: &Workload, request: &Request) -> Result<Plan, Refusal> {
    let topology = Topology::new(cluster);
    let how: (_, _, &dyn Fn(_)) = (Calibration::defaults(), request, &|_| {});
    Plan::asked((cluster, &topology), workload, &workload.jobs[0], Catalog::embedded(), how)
}

fn plan(cluster: &Cluster, workload: &Workload) -> Plan {
    planned(cluster, workload, &Request::default()).unwrap_or_else(|refusal| panic!("{refusal:?}"))
}

fn job<'a>(cluster: &'a Cluster, topology: &'a Topology, (name, layers): (&str, u32), computation: Computation) -> Setup<'a> {
    let mut model = Catalog::embedded().model(name).expect("in the catalogue").clone();
    model.layers = layers;
    let on =
        |pool| Setup::new((cluster, pool), topology, Calibration::defaults(), &model, computation).expect("it fits together");
    Setup { second: Some(Box::new(on(1))), ..on(0) }
}

/// 60 random small jobs over two pools of other accelerators, other numbers of nodes, other memory.
#[test]
fn the_search_finds_what_trying_everything_finds() {
    let found: Vec<(bool, u64)> = (0..60u64).into_par_iter().map(case).collect();
    let feasible = found.iter().filter(|(feasible, _)| *feasible).count();
    let tried: u64 = found.iter().map(|(_, tried)| tried).sum();
    assert!((20..60).contains(&feasible), "{feasible} of 60 cases have a layout: others are as telling");
    assert!(tried > 20_000, "only {tried} layouts were tried");
}

/// One random job: whether there is a layout, and how many were tried.
fn case(number: u64) -> (bool, u64) {
    let mut rng = fastrand::Rng::with_seed(20_261_126 + number);
    let moe = rng.bool();
    let sort = if moe { ("mixtral-8x7b", rng.u32(2..=4)) } else { ("llama3-8b", rng.u32(2..=9)) };
    let servers = pick(&mut rng, [["dgx-a100", "dgx-h100"], ["dgx-h100", "dgx-a100"], ["dgx-h100", "dgx-b200"]]);
    let nodes = [rng.u32(1..=2), rng.u32(1..=2)];
    let memory = pick(&mut rng, [[6.0, 8.0], [10.0, 10.0], [24.0, 40.0], [80.0, 12.0]]);
    let cluster = with_memory(cluster([(servers[0], nodes[0]), (servers[1], nodes[1])]), memory);
    let topology = Topology::new(&cluster);
    let software = pick(&mut rng, [Software::MegatronCore, Software::FsdpCompiled, Software::MegatronDeepspeed]);
    let computation = Computation::new(2048, Precision::Bf16, software);
    let setup = job(&cluster, &topology, sort, computation);
    let tp = pick(&mut rng, [1u32, 2, 4]);
    let fixed = Parallelism {
        tp: Some(tp),
        etp: Some(if rng.bool() { 1 } else { tp }),
        cp: Some(1),
        ep: if moe { None } else { Some(1) },
        pp: rng.bool().then(|| rng.u32(2..=4)),
        first_pool_stages: (rng.u8(0..3) == 0).then_some(1),
        microbatch: (rng.u8(0..3) > 0).then(|| rng.u32(1..=2)),
        overlap: rng.bool().then(|| rng.bool()),
        ..Parallelism::default()
    };
    let space = Space {
        any_schedule: rng.u8(0..3) == 0,
        second: SecondPool::of(&setup),
        ..Space::new(&computation, Batch::Sequences(8 * rng.u32(1..=3)), fixed)
    };
    let objective = pick(&mut rng, [Objective::Time, Objective::Cost, Objective::Energy]);
    let beside = Some(Beside { gpus_per_node: 8, price: 1.7, power: 1.4, most_nodes: None });
    let wanted = Wanted { objective, beside, top: 1, ..Wanted::default() };

    let families = space.families(&setup.model, 2048, setup.pool.gpus(), setup.pool.domain());
    let (mut all, mut illegal, mut too_large) = (0, 0, 0);
    let mut best: Option<(f64, f64, bool, Strategy)> = None;
    for strategy in families.iter().flat_map(|family| space.layouts(family, setup.model.layers)) {
        all += 1;
        assert!(strategy.seam.is_some(), "{}", strategy.describe());
        if !setup.violations(&strategy).is_empty() {
            illegal += 1;
            continue;
        }
        let costs = setup.costs(&strategy);
        assert_eq!(costs.layers.iter().sum::<u32>(), setup.model.layers, "{}", strategy.describe());
        let over = |(memory, capacity): (&planner::step::memory::Memory, &Bytes)| memory.total() > *capacity;
        if costs.memory.iter().zip(&costs.capacity).any(over) {
            too_large += 1;
            continue;
        }
        let step = setup.step_time(&costs).expect("a legal schedule runs");
        assert!(costs.lower_bound <= step * (1.0 + 1e-12), "{} is bounded above its time", strategy.describe());
        let tried = (wanted.score(&strategy, step, 2048, 8), costs.peak_memory().get(), !strategy.overlap, strategy);
        let before = |a: &(f64, f64, bool, Strategy), b: &(f64, f64, bool, Strategy)| {
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)).then(a.3.cmp(&b.3)).is_lt()
        };
        if best.as_ref().is_none_or(|best| before(&tried, best)) {
            best = Some(tried);
        }
    }
    let found = search(&setup, &space, &wanted);
    let what = format!("case {number}: {sort:?} on {nodes:?} of {servers:?} with {memory:?} GiB, {}", software.as_str());
    assert_eq!((found.account.layouts, sum(&found.account)), (all, all), "{what}: {:?}", found.account);
    assert!(found.account.illegal <= illegal && found.account.out_of_memory <= too_large, "{what}: {:?}", found.account);
    let got = found.best.first().map(|found| (wanted.score(&found.strategy, found.step_time, 2048, 8), found.strategy));
    assert_eq!(got, best.map(|(score, _, _, strategy)| (score, strategy)), "{what}");
    (best.is_some(), all)
}

/// Two pools of one kind behind one switch are one pool: every stage takes as long, and only what crosses the seam may differ.
#[test]
fn two_pools_of_a_kind_cost_what_one_costs() {
    let two = cluster([("dgx-h100", 1), ("dgx-h100", 1)]);
    let text = "name: x\npools:\n- {name: a, nodes: 2, server: dgx-h100}\nfabric: {kind: fat-tree, switch: qm9700}\n";
    let one = Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).expect("valid");
    let (topology, alone) = (Topology::new(&two), Topology::new(&one));
    let computation = Computation::new(2048, Precision::Bf16, Software::MegatronCore);
    let over = job(&two, &topology, ("llama3-8b", 32), computation);
    let model = Catalog::embedded().model("llama3-8b").expect("in the catalogue");
    let within = Setup::new((&one, 0), &alone, Calibration::defaults(), model, computation).expect("it fits together");
    for (pp, vp, schedule) in
        [(2, 1, ScheduleKind::OneForwardOneBackward), (2, 4, ScheduleKind::Interleaved), (4, 1, ScheduleKind::ZbV)]
    {
        let (tp, dp) = (2, 8 / pp);
        let plain = Strategy { tp, sp: true, etp: 1, pp, vp, schedule, dp, microbatches: 16, zero: 1, ..Strategy::default() };
        let seamed = Strategy { seam: Some(Seam { stages: pp / 2, layers: 16 }), ..plain };
        assert!(over.violations(&seamed).is_empty(), "{}", seamed.describe());
        let (a, b) = (within.costs(&plain), over.costs(&seamed));
        assert_eq!((&a.durations.chunks, &a.durations.reduce), (&b.durations.chunks, &b.durations.reduce), "{schedule}");
        assert_eq!((&a.memory, &a.durations.optimizer), (&b.memory, &b.durations.optimizer), "{schedule}");
        // Stages of a node each: all that is sent crosses nodes, over the same ports.
        if pp == 2 {
            assert_eq!(a.durations, b.durations);
            assert_eq!(within.step_time(&a), over.step_time(&b));
        }
    }
}

/// At the seam the slower ports set the pace, in both directions; within a pool its own.
#[test]
fn the_slower_ports_set_the_pace_at_the_seam() {
    let cluster = cluster([("dgx-h100", 2), ("dgx-a100", 2)]);
    let topology = Topology::new(&cluster);
    let setup = job(&cluster, &topology, ("llama3-8b", 32), Computation::new(2048, Precision::Bf16, Software::FsdpCompiled));
    let seam = Some(Seam { stages: 2, layers: 20 });
    let strategy = Strategy { tp: 8, sp: true, etp: 8, pp: 4, microbatches: 16, zero: 0, seam, ..Strategy::default() };
    assert!(setup.violations(&strategy).is_empty());
    let between = topology.between((0, 8), (1, 0), 8).network.expect("one fabric").bandwidth.get();
    let ports = [0, 1].map(|pool: usize| cluster.pools[pool].network_per_gpu().expect("ports").get());
    assert!(ports[1] < ports[0] && (between - ports[1]).abs() < 1.0, "{between} of {ports:?}");
    let send = setup.costs(&strategy).durations.send;
    let [fast, seam, slow] = [send[0][0], send[1][0], send[2][0]];
    assert!(fast < seam && seam == slow, "{send:?}");
    assert_eq!((send[1][1], send[2][1], send[3][1]), (fast, seam, slow));
}

/// Everything of a stage is its own pool's.
#[test]
fn memory_and_kernels_are_each_pools_own() {
    let cluster = with_memory(cluster([("dgx-a100", 1), ("dgx-h100", 1)]), [40.0, 80.0]);
    let job = "pools: [a, b], global-batch: 64 sequences, tokens: 1B tokens";
    let plan = plan(&cluster, &workload("llama3-8b", job));
    let step = &plan.step;
    let [a, b] = step.pools.as_slice() else { panic!("two pools: {:?}", step.pools) };
    // A faster pool gets more layers for each accelerator.
    assert!(f64::from(b.layers) / b.gpus as f64 > 1.2 * f64::from(a.layers) / a.gpus as f64, "{a:?} {b:?}");
    assert_eq!(a.layers + b.layers, 32);
    assert_eq!(a.gpus + b.gpus, step.gpus);
    for stage in &step.stages {
        let own = if stage.stage < a.stages { a } else { b };
        assert_eq!(stage.capacity, own.memory_capacity);
        assert!(stage.memory.total() <= own.memory_capacity);
    }
    // MFU is against the sum of the peaks.
    let peaks = a.peak.get() * a.gpus as f64 + b.peak.get() * b.gpus as f64;
    let mfu = step.model_flops.get() / (peaks * step.step_time.get());
    assert!((step.mfu / mfu - 1.0).abs() < 1e-12);
    // Nodes draw what they draw, accelerators cost what they cost.
    let run = plan.run.as_ref().expect("tokens are given");
    assert_eq!(run.pools.iter().map(|part| (part.pool.as_str(), part.nodes)).collect::<Vec<_>>(), [("a", 1), ("b", 1)]);
    for (part, pool) in run.pools.iter().zip(&cluster.pools) {
        let [least, most] = [WAITING, 1.0].map(|activity| NodePower::new(&cluster, pool, activity).total.value);
        assert!((least..=most).contains(&part.node_power.total.value), "{part:?}");
    }
    let drawn = run.pools.iter().map(|part| part.node_power.total.value.get()).sum::<f64>() * cluster.power.pue.value;
    assert!((run.site_power.get() / drawn - 1.0).abs() < 1e-12 && run.nodes == 2);
    // A node of one pool stands in for none of the other.
    assert_eq!(run.spares.nodes, 2);
    let hours = |gpus: u64| run.time.get() / 3600.0 * gpus as f64;
    let price = |pool: usize| {
        planner::economics::usd_per_gpu_hour(&cluster, &cluster.pools[pool], Catalog::embedded()).expect("a price")
    };
    let total = plan.cost.as_ref().and_then(|cost| cost.total).expect("a price").amount();
    let parts = hours(a.gpus) * price(0) + hours(b.gpus) * price(1);
    assert!((total / parts - 1.0).abs() < 1e-9 && price(0) != price(1), "{total} {parts}");
}

/// What does not fit on the smaller accelerators stays off them, and only off them.
#[test]
fn a_smaller_memory_binds_only_its_own_stages() {
    let wide = cluster([("dgx-h100", 1), ("dgx-h100", 1)]);
    let job = workload(
        "llama3-8b",
        "pools: [a, b], global-batch: 16 sequences, parallelism: {tp: 1, pp: 2, dp: 4, microbatch: 1, zero: 0}",
    );
    let roomy = plan(&wide, &job);
    let of = |plan: &Plan| {
        plan.step.stages.iter().map(|stage| stage.memory.total().get() / f64::powi(1024.0, 3)).collect::<Vec<_>>()
    };
    let open = of(&roomy);
    // The second pool gets too little for an even share.
    let narrow = with_memory(wide, [80.0, open[1] * 0.8]);
    let tight = plan(&narrow, &job);
    let held = of(&tight);
    assert!(held[0] > narrow.pools[1].accelerator.memory.get() / f64::powi(1024.0, 3), "{held:?}");
    assert!(tight.step.pools[1].layers < roomy.step.pools[1].layers || tight.step.strategy.recompute != Recompute::None);
    assert_eq!(tight.step.memory_capacity, tight.step.fullest().expect("stages").capacity);
    let none = planned(&with_memory(narrow, [80.0, 6.0]), &job, &Request::default());
    let Err(Refusal::No(error)) = none else { panic!("6 GiB are too few") };
    assert!(error.message.contains("6.00 GiB"), "{}", error.message);
}

/// Limits and levers hold for both pools together.
#[test]
fn a_power_cap_counts_both_pools() {
    let cluster = cluster([("dgx-h100", 2), ("dgx-a100", 4)]);
    let job = workload("llama3-8b", "pools: [a, b], global-batch: 64 sequences, tokens: 1B tokens");
    let all = plan(&cluster, &job);
    let cap = all.run.as_ref().expect("tokens").site_power * 0.6;
    let capped = planned(&cluster, &job, &Request { power_cap: Some(cap), ..Request::default() }).expect("a plan");
    assert!(capped.run.as_ref().expect("tokens").site_power <= cap && capped.step.tokens_per_s < all.step.tokens_per_s);
    let least = planned(&cluster, &job, &Request { power_cap: Some(Watts::new(100.0)), ..Request::default() });
    assert!(matches!(least, Err(Refusal::No(_))));
    let cheap = planned(&cluster, &job, &Request { objective: Objective::Cost, ..Request::default() }).expect("a plan");
    let money = |plan: &Plan| plan.cost.as_ref().and_then(|cost| cost.total).expect("prices").amount();
    assert!(money(&cheap) <= money(&all));
}

/// The job decides as much as it wants, and an explanation adds up.
#[test]
fn a_job_fixes_stages_and_layers() {
    let cluster = cluster([("dgx-h100", 1), ("dgx-a100", 2)]);
    let topology = Topology::new(&cluster);
    let rest = "pools: [a, b], global-batch: 64 sequences, tokens: 1B tokens";
    let job = workload("llama3-8b", &format!("{rest}, parallelism: {{pp: 3, first-pool-stages: 1, layers: [18, 7, 7]}}"));
    let plan = plan(&cluster, &job);
    let layers: Vec<u32> = plan.step.stages.iter().map(|stage| stage.layers).collect();
    assert_eq!(layers, [18, 7, 7]);
    assert_eq!(plan.step.strategy.seam, Some(Seam { stages: 1, layers: 0 }));
    assert_eq!(plan.step.pools.iter().map(|part| (part.stages, part.layers)).collect::<Vec<_>>(), [(1, 18), (2, 14)]);
    let setup = setup(&cluster, &topology, &job, &plan.placed(&job.jobs[0])).expect("a setup");
    let mut left = explain(&plan, &cluster, &setup);
    assert!(left.iter().any(|line| line.name == "cost"));
    while let Some(line) = left.pop() {
        let off = (line.recomputed() / line.value - 1.0).abs();
        assert!(line.value == 0.0 || off < 1e-9, "{}: {} is {}", line.name, line.value, line.recomputed());
        assert!(!line.from.is_empty() || matches!(line.how, How::Figure { .. } | How::Model { .. }));
        left.extend(line.from);
    }
}

/// The same bytes on one thread and on several.
#[test]
fn threads_do_not_change_a_byte() {
    let cluster = cluster([("dgx-h100", 2), ("dgx-a100", 4)]);
    let job = workload("llama3-8b", "pools: [a, b], global-batch: 64 sequences");
    let written = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| planner::report::json(&plan(&cluster, &job)).expect("it can be written"))
    };
    assert_eq!(written(1), written(3));
}
