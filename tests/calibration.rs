//! What measurements do to plans: profiles of recorded runs, plans with them, fleets.

#[path = "support/recording.rs"]
mod recording;

use planner::bench::fleet::{Fault, fleet_health};
use planner::bench::{BenchError, BenchResult, Effort, Warning, bench, suite};
use planner::calibration::profile::{About, Figure, Launch, Measured, Options, Product, read};
use planner::calibration::{Calibration, Profile};
use planner::catalog::Catalog;
use planner::diagnostic::{Code, Diagnostic, Source};
use planner::plan::{Derivation, Plan, explain, setup_calibrated, slowest};
use planner::spec::{Cluster, Precision, Workload, examples};
use planner::topology::Topology;
use planner::units::{FlopPerSecond, Seconds};
use recording::Made;

fn catalog() -> &'static Catalog {
    Catalog::embedded()
}

fn source(name: &str, text: impl Into<String>) -> std::sync::Arc<Source> {
    Source::new(name, text)
}

fn profile(results: &[&BenchResult]) -> Profile {
    let text: String = results.iter().map(|result| serde_json::to_string(result).expect("JSON") + "\n").collect();
    Profile::collect(catalog(), &[source("nodes.jsonl", text)], Options::default()).expect("a profile")
}

#[test]
fn a_run_measures_what_the_device_does() {
    let made = Made::default();
    let result = recording::run(&made, Effort::Default);
    assert_eq!(result.failure, None);
    let triad = result.best("triad").unwrap();
    assert!((triad.rate.unwrap() / 4.3e12 - 1.0).abs() < 0.01);
    assert!(triad.samples.len() >= 15 && triad.clock == "device");
    let again: BenchResult = serde_json::from_str(&serde_json::to_string(&result).unwrap()).unwrap();
    assert_eq!(again, result, "JSON holds the whole result");
}

#[test]
fn the_same_bench_twice_gives_the_same_profile_within_its_spread() {
    let [first, second] = [1, 2].map(|seed| {
        let result = recording::run(&Made { seed, ..Made::default() }, Effort::Default);
        profile(&[&result]).accelerators.remove(0)
    });
    let within = |what: &str, a: f64, b: f64, spread: f64| {
        assert!(a != b, "{what}: the two runs are not the same run");
        assert!((a / b - 1.0).abs() <= spread, "{what}: {a} and {b} differ by more than {spread}");
        assert!(spread < 0.05, "{what}: a spread of {spread} says nothing");
    };
    for (what, of) in [
        ("memory", (|one| one.memory.clone()) as fn(&planner::calibration::profile::AcceleratorProfile) -> Option<Figure>),
        ("clock", |one| one.clock.clone()),
        ("matrix units", |one| one.matrix_units.clone()),
    ] {
        let (a, b) = (of(&first).unwrap(), of(&second).unwrap());
        within(what, a.value, b.value, a.spread);
    }
    let (a, b): (Launch, Launch) = (first.launch.unwrap(), second.launch.unwrap());
    within("launch", a.time.get(), b.time.get(), a.spread);
    assert!((a.time.get() / 4.5e-6 - 1.0).abs() < 0.05, "{}", a.time);
    assert!((first.memory.unwrap().value - 4.3 / 4.8).abs() < 0.01);
    assert!((first.matrix_units.unwrap().value - 610.0 / (0.64 * 989.0)).abs() < 0.02);
}

#[test]
fn a_profile_is_read_as_it_was_written() {
    let mut made = profile(&[&recording::run(&Made::default(), Effort::Default)]);
    let about = About { accelerator: catalog().accelerator("h200").unwrap(), link: None };
    made.add_products(about, vec![product(8192, 0.9)]);
    let text = made.to_yaml();
    let again = Profile::load(source("profile.yaml", text.clone()), catalog()).unwrap();
    assert_eq!(again.to_yaml(), text);
    assert_eq!(again.accelerators[0].accelerator, "h200-sxm-141gb");
}

fn product(side: u32, share_of_peak: f64) -> Product {
    let rate = FlopPerSecond::new(989e12 * share_of_peak);
    Product { dtype: "bf16".into(), m: side, n: side, k: side, rate, spread: 0.01, origin: "a test".into() }
}

/// The kernels of the explanation: name, time, and how it is told.
fn kernels(derivation: &Derivation, out: &mut Vec<(String, f64, String)>) {
    if derivation.from.is_empty() && derivation.formula().contains("-bound") {
        out.push((derivation.name.clone(), derivation.value, derivation.formula()));
    }
    derivation.from.iter().for_each(|part| kernels(part, out));
}

struct Site {
    cluster: Cluster,
    topology: Topology,
    workload: Workload,
}

fn h200_site() -> Site {
    let text = "name: site\npools:\n- {name: a, nodes: 4, server: dgx-h200}\nfabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n";
    let cluster = Cluster::load(source("site.yaml", text), catalog()).expect("valid");
    let workload = Workload::load(examples::read("llama3-8b").expect("embedded").0, catalog()).expect("valid");
    Site { topology: Topology::new(&cluster), cluster, workload }
}

/// The explanation's kernels with a profile, on the layout that the plan chooses.
fn explained(site: &Site, profile: &Profile) -> Vec<(String, f64, String)> {
    let calibration = Calibration::with_profile(profile.clone());
    let job = &site.workload.jobs[0];
    let plan = Plan::calibrated((&site.cluster, &site.topology), &site.workload, job, catalog(), &calibration).expect("a plan");
    let setup = setup_calibrated(&site.cluster, &site.topology, &site.workload, job, &calibration).expect("a setup");
    let mut out = Vec::new();
    explain(&plan, &site.cluster, &setup).iter().take(1).for_each(|step| kernels(step, &mut out));
    out
}

fn with_memory(share: f64) -> Profile {
    let mut profile = profile(&[&recording::run(&Made::default(), Effort::Quick)]);
    let entry = &mut profile.accelerators[0];
    entry.memory = Some(Figure { value: share, spread: 0.005, origin: "a test".into() });
    // Next to no launch, so that a kernel's time is its traffic.
    entry.launch = Some(Launch { time: Seconds::new(1e-12), spread: 0.01, origin: "a test".into() });
    profile
}

#[test]
fn half_the_bandwidth_slows_exactly_what_memory_bounds() {
    let site = h200_site();
    let (full, half) = (explained(&site, &with_memory(0.9)), explained(&site, &with_memory(0.45)));
    assert_eq!(full.len(), half.len(), "the same layout");
    let mut counts = [0, 0];
    for ((name, before, told), (other, after, told_after)) in full.iter().zip(&half) {
        assert_eq!(name, other);
        let streams = !told.contains('[') && told.contains("memory-bound");
        if streams {
            assert!((after / before - 2.0).abs() < 1e-6, "{name}: {before} to {after}, {told}");
            counts[0] += 1;
        } else if told.contains("compute-bound") && told_after.contains("compute-bound") {
            assert_eq!(before, after, "{name}, {told}");
            counts[1] += 1;
        }
    }
    assert!(counts[0] >= 4 && counts[1] >= 4, "{counts:?}: {full:?}");
}

#[test]
fn a_table_of_products_moves_the_curve_to_what_was_measured() {
    let h200 = catalog().accelerator("h200").unwrap();
    let mut profile = Profile::empty();
    profile.add_products(About { accelerator: h200, link: None }, vec![product(1024, 0.2), product(8192, 0.8)]);
    let before = Calibration::defaults().matmul(h200, Precision::Bf16).unwrap();
    let after = Calibration::with_profile(profile);
    let curve = after.matmul(h200, Precision::Bf16).unwrap();
    // A single kernel takes the time of the table, in days of them a little more.
    for (side, share) in [(1024.0f64, 0.2), (8192.0, 0.8)] {
        let measured = 2.0 * side.powi(3) / (share * 989e12);
        assert!((curve.kernel_time(side, side, side).get() / measured - 1.0).abs() < 1e-9, "{side}");
        assert!(curve.math_time(side, side, side, 1.0).get() + 4.2e-6 > measured, "days run below the clock of short runs");
    }
    assert!(curve.share != before.share);
    // FP16 runs on the same units; FP8 does not.
    assert!(
        after.matmul(h200, Precision::Fp16).unwrap().share
            != Calibration::defaults().matmul(h200, Precision::Fp16).unwrap().share
    );
    assert_eq!(
        after.matmul(h200, Precision::Fp8).unwrap().share,
        Calibration::defaults().matmul(h200, Precision::Fp8).unwrap().share
    );
    let moved = after.moved(h200, Precision::Bf16);
    assert!(moved.iter().any(|moved| moved.what.contains("bf16 matmul") && moved.why.contains("± 1")), "{moved:?}");
}

#[test]
fn the_table_that_the_defaults_were_fitted_to_moves_them_little() {
    // Rows of the catalogue's own source for this GPU; the fit's p90 error is 15 %.
    let text = std::fs::read_to_string("docs/bench.in/gemm.csv").expect("the table of the documents");
    let h200 = catalog().accelerator("h200").expect("known");
    let options = Options { accelerator: Some(h200), ..Options::default() };
    let after = Calibration::with_profile(collected("gemm.csv", &text, options).expect("a profile"));
    let [from, to] = [Calibration::defaults(), &after].map(|one| one.matmul(h200, Precision::Bf16).expect("bf16").share.value);
    assert!((to / from - 1.0).abs() < 0.3, "{from} to {to}");
}

#[test]
fn a_clock_below_full_slows_products_and_a_full_one_moves_nothing() {
    let h200 = catalog().accelerator("h200").unwrap();
    let share = |clock| {
        let result = recording::run(&Made { clock, ..Made::default() }, Effort::Quick);
        Calibration::with_profile(profile(&[&result])).matmul(h200, Precision::Bf16).unwrap().share.value
    };
    let before = Calibration::defaults().matmul(h200, Precision::Bf16).unwrap().share.value;
    assert_eq!(share(1.0), before);
    assert!((share(0.7) / before - 0.7 * 65.5 / 67.0 / 0.95).abs() < 0.02);
}

#[test]
fn a_lost_device_ends_the_run_and_keeps_what_was_measured() {
    let kernels = suite(&recording::adapter(), Effort::Quick);
    let fails = "multiply-add f32";
    for (error, goes_on) in [
        (BenchError::Lost("Xid 79".into()), false),
        (BenchError::Timeout { seconds: 30 }, false),
        (BenchError::OutOfMemory("no memory left".into()), true),
    ] {
        let mut device = recording::device(&Made::default(), Effort::Quick).failing(fails, error.clone());
        let result = bench(&mut device, &kernels, Effort::Quick, &mut ());
        assert!(result.best("triad").is_some(), "what was measured is kept");
        if goes_on {
            assert_eq!(result.failure, None);
            assert!(result.skipped.iter().any(|skipped| skipped.kernel == fails && skipped.reason.contains("out of memory")));
            assert!(result.best("matmul_f32").is_some());
        } else {
            let failure = result.failure.expect("said");
            assert_eq!((failure.kernel.as_str(), failure.message), (fails, error.to_string()));
            assert!(!failure.remedy.is_empty());
            assert!(result.measurements.iter().all(|measured| measured.family != "matmul_f32"));
        }
    }
}

#[test]
fn samples_far_apart_are_told_with_what_helps() {
    let result = recording::run(&Made { noise: 0.2, ..Made::default() }, Effort::Quick);
    let triad = result.best("triad").unwrap();
    assert!(triad.warnings.iter().any(|warning| matches!(warning, Warning::Unstable { .. })), "{:?}", triad.warnings);
    for warning in &triad.warnings {
        let (text, help) = warning.text();
        assert!(!text.is_empty() && !help.is_empty());
    }
}

/// Sixteen nodes; the sixth has slow memory, the eleventh a low clock, the thirteenth jumps about.
fn fleet() -> Vec<BenchResult> {
    (0..16)
        .map(|node| {
            let made = Made {
                seed: node,
                bandwidth: if node == 5 { 3.4e12 } else { 4.3e12 * (1.0 + 0.001 * (node % 3) as f64) },
                clock: if node == 10 { 0.8 } else { 1.0 },
                noise: if node == 12 { 0.06 } else { 0.004 },
                ..Made::default()
            };
            BenchResult { host: format!("node{node:02}"), ..recording::run(&made, Effort::Quick) }
        })
        .collect()
}

#[test]
fn slow_and_unstable_gpus_of_a_fleet_are_found_and_no_others() {
    let health = fleet_health(&fleet());
    let flagged: Vec<&str> = health.iter().filter(|gpu| !gpu.faults.is_empty()).map(|gpu| gpu.host.as_str()).collect();
    assert_eq!(flagged.len(), 3, "{flagged:?}");
    let of = |host: &str| &health.iter().find(|gpu| gpu.host == host).unwrap().faults;
    assert!(of("node05").iter().any(|fault| matches!(fault, Fault::Slow { metric: "memory", by } if (by - 0.21).abs() < 0.02)));
    assert!(of("node10").iter().any(|fault| matches!(fault, Fault::Slow { metric: "tensor", .. })));
    assert!(!of("node10").iter().any(|fault| matches!(fault, Fault::Slow { metric: "memory", .. })));
    assert!(of("node12").iter().any(|fault| matches!(fault, Fault::Unstable { .. })));
    assert_eq!(health[0].host, "node05", "the worst first");
}

#[test]
fn a_wrong_result_comes_before_slow_ones() {
    let mut all = fleet();
    all[2].measurements[3].check.passed = false;
    all[2].measurements[3].rate = None;
    let health = fleet_health(&all);
    assert_eq!(health[0].host, "node02");
    assert!(matches!(health[0].faults[0], Fault::Wrong { .. }));
}

#[test]
fn the_slowest_gpu_costs_a_synchronous_job_time() {
    let site = h200_site();
    let all = fleet();
    let everyone: Vec<&BenchResult> = all.iter().collect();
    let accelerator = catalog().accelerator("h200").unwrap();
    let job = (&site.workload, &site.workload.jobs[0]);
    let place = (&site.cluster, &site.topology);
    let cost = slowest(place, job, catalog(), accelerator, (&everyone, &[&all[0], &all[10], &all[5]])).unwrap().unwrap();
    assert_eq!(cost.gpu, 1, "a low clock costs a training step more than slow memory");
    assert!(cost.longer_by() > 0.02 && cost.longer_by() < 0.25, "{cost:?}");
    assert!(cost.gpus_lost() > 0.0 && cost.gpus_lost() < cost.gpus as f64);
}

const LOG: &str = "\
# nccl-tests version 2.17.6 nccl-headers=22807 nccl-library=22807
# Collective test starting: all_reduce_perf
# nThread 1 nGpus 8 minBytes 1048576 maxBytes 8589934592 step: 2(factor) warmup iters: 1 iters: 20 agg iters: 1 validation: 1 graph: 0
#  Rank  0 Group  0 Pid    100 on     node00 device  0 [0000:1b:00] NVIDIA H200
#  Rank  1 Group  0 Pid    100 on     node00 device  1 [0000:2b:00] NVIDIA H200
#
#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong
#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)
     1048576        262144     float     sum      -1    24.00   43.69   43.69      0    24.0   43.7   43.7      0
    16777216       4194304     float     sum      -1    66.00  254.20  254.20      0    66.0  254.2  254.2      0
  1073741824     268435456     float     sum      -1  2880.00  372.83  372.83      0  2880.0  372.8  372.8      0
# Out of bounds values : 0 OK
";

fn collected(name: &str, text: &str, options: Options<'_>) -> Result<Profile, Vec<Diagnostic>> {
    Profile::collect(catalog(), &[source(name, text)], options)
}

#[test]
fn a_log_of_nccl_tests_becomes_alpha_and_beta_and_a_plan_uses_them() {
    let profile = collected("all_reduce.log", LOG, Options::default()).unwrap();
    let [link] = profile.links.as_slice() else { panic!("{:?}", profile.links) };
    assert_eq!((link.link.as_str(), link.operation.as_str(), link.ranks, link.domains), ("nvlink4", "all-reduce", 2, 1));
    assert!((link.alpha.get() - 21e-6).abs() < 1.5e-6 && (link.beta.get() / 375e9 - 1.0).abs() < 0.02, "{link:?}");
    let json = r#"{"version":4,"args":["./build/all_reduce_perf","-J","x.json"],
        "config":{"devices":[{"rank":0,"host":"a"},{"rank":1,"host":"a"}]},
        "results":[{"size":1048576,"out_of_place":{"time":24.0}},{"size":16777216,"out_of_place":{"time":66.0}},
                   {"size":1073741824,"out_of_place":{"time":2880.0}}]}"#;
    let options = Options { accelerator: catalog().accelerator("h200"), ..Options::default() };
    let same = collected("all_reduce.json", json, options).unwrap();
    assert_eq!((same.links[0].alpha, same.links[0].beta), (link.alpha, link.beta));

    let curve = Calibration::with_profile(profile.clone()).collective("nvlink4", planner::calibration::Operation::AllReduce, 8);
    assert_eq!(curve.base, link.alpha);
    assert!(curve.efficiency.value == link.efficiency && curve.own_share == 0.0);
    assert!(Calibration::with_profile(profile).in_switch("nvlink4", 8).is_none(), "the log tells what the switch did");
}

#[test]
fn a_csv_of_products_is_read_in_any_order_of_columns() {
    let text = "dtype,M,N,K,TFLOPS\nbfloat16,8192,8192,8192,788\nbf16,8192,8192,8192,792\nfloat8,4096,4096,4096,1200.5\n";
    let Measured::Products(rows) = read(&source("gemm.csv", text)).unwrap() else { panic!("not a table") };
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].dtype.as_str(), rows[0].rate.get()), ("bf16", 790e12));
}

/// The codes and texts of what is wrong.
fn refused(name: &str, text: &str) -> String {
    let errors = collected(name, text, Options::default()).expect_err(name);
    let lines =
        errors.iter().map(|error| format!("{} {} / {}", error.code, error.message, error.help.clone().unwrap_or_default()));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn malformed_measurements_are_told_in_their_place() {
    let result = recording::run(&Made::default(), Effort::Quick);
    let json = serde_json::to_string(&result).unwrap();
    let fast = recording::run(&Made { bandwidth: 9e12, ..Made::default() }, Effort::Quick);
    let mut software = result.clone();
    software.adapter.kind = planner::bench::Kind::Software;
    let mut stranger = result.clone();
    stranger.adapter.name = "Voodoo 2".into();
    let mut wrong = result.clone();
    wrong.measurements[0].check.passed = false;
    wrong.measurements[0].rate = None;
    let text = |result: &BenchResult| serde_json::to_string(result).unwrap();
    for (name, content, code, words) in [
        ("cut.json", json[..json.len() / 2].to_owned(), Code::Measurement, "ends in the middle"),
        ("comma.json", "{\"schema_version\": 1,}".to_owned(), Code::Measurement, "not valid JSON"),
        ("version.json", json.replace("\"schema_version\":1", "\"schema_version\":99"), Code::Measurement, "version 99"),
        ("other.json", "{\"a\": 1}".to_owned(), Code::Measurement, "no `schema_version`"),
        ("field.json", json.replace("\"samples\"", "\"simples\""), Code::Measurement, "missing field `samples`"),
        ("rate.json", json.replacen("\"rate\":", "\"rate\":-1,\"x\":", 1), Code::Measurement, "impossible rate"),
        ("text.txt", "hello\n".to_owned(), Code::Measurement, "no measurements that are understood"),
        ("empty.txt", String::new(), Code::Measurement, "no measurements that are understood"),
        ("gemm.csv", "m,n,k,rate\n1,2,3,4\n".to_owned(), Code::Measurement, "no column `dtype`"),
        (
            "rows.csv",
            "m,n,k,dtype,tflops\n0,2,3,bf16,4\n1,2,3,q4,4\n1,2,3,bf16,x\n".to_owned(),
            Code::Measurement,
            "no rate in TFLOP/s",
        ),
        ("plain.csv", "m,n,k,dtype,tflops\n8,8,8,bf16,4\n".to_owned(), Code::MeasurementUnusable, "which accelerator"),
        ("ranks.log", LOG.replace("Rank", "rank"), Code::Measurement, "does not name its ranks"),
        ("time.log", LOG.replace("  66.00", "  fast"), Code::Measurement, "no time in microseconds"),
        ("short.log", LOG.lines().take(9).collect::<Vec<_>>().join("\n"), Code::Measurement, "fewer than two sizes"),
        ("which.log", LOG.replace("all_reduce_perf", "my_test"), Code::Measurement, "which collective"),
        ("fast.json", text(&fast), Code::MeasurementUnusable, "faster than the data sheet"),
        ("software.json", text(&software), Code::MeasurementUnusable, "software driver"),
        ("stranger.json", text(&stranger), Code::MeasurementUnusable, "no accelerator of the catalogue"),
        ("wrong.json", text(&wrong), Code::MeasurementUnusable, "was wrong"),
    ] {
        let said = refused(name, &content);
        assert!(said.contains(words) && said.contains(code.as_str()), "{name}: {said}");
        assert!(said.lines().all(|line| !line.ends_with(" / ")), "{name} says no way out: {said}");
    }
    assert_eq!(refused("rows.csv", "m,n,k,dtype,tflops\n0,2,3,bf16,4\n1,2,3,q4,4\n1,2,3,bf16,x\n").lines().count(), 3);
}

#[test]
fn measurements_that_were_cut_or_garbled_never_panic() {
    let json = serde_json::to_string(&recording::run(&Made::default(), Effort::Quick)).unwrap();
    let table = "M,N,K,dtype,TFLOP/s\n1024,1024,1024,bf16,306.2\n8192,8192,8192,fp8,1200\n";
    let profile = profile(&[&recording::run(&Made::default(), Effort::Quick)]).to_yaml();
    let mut random = fastrand::Rng::with_seed(7);
    for text in [&json[..4000], LOG, table, &profile] {
        for _ in 0..300 {
            let mut bytes = text.as_bytes().to_vec();
            bytes.truncate(random.usize(..=bytes.len()));
            for _ in 0..random.usize(..4) {
                if !bytes.is_empty() {
                    let at = random.usize(..bytes.len());
                    bytes[at] = random.choice(*b"0129-.,#\"{}[]\n eEx").unwrap();
                }
            }
            let garbled = source("garbled", String::from_utf8_lossy(&bytes));
            if let Err(errors) = read(&garbled) {
                assert!(errors.iter().all(|error| error.help.is_some()));
            }
            let options = Options { accelerator: catalog().accelerator("h200"), ..Options::default() };
            let _ = Profile::collect(catalog(), &[std::sync::Arc::clone(&garbled)], options);
            let _ = Profile::load(garbled, catalog());
        }
    }
}

#[test]
fn a_profile_with_mistakes_is_told_in_its_place() {
    let text = "profile: 1\naccelerators:\n  - {accelerator: h2000, memory: {value: 0.9, spread: 0.01, origin: x}}\n\
                links:\n  - {link: nvlink4, operation: all-reduse, ranks: 8, domains: 1, alpha: 1 us, beta: 1 GB/s, efficiency: 0.5, spread: 0, origin: x}\n";
    let errors = Profile::load(source("profile.yaml", text), catalog()).unwrap_err();
    let codes: Vec<Code> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [Code::UnknownAccelerator, Code::UnknownValue]);
    assert!(Profile::load(source("p.yaml", "profile: 2\n"), catalog()).is_err());
}
