//! Sweeps: shards merge to the unsharded run byte for byte, on any number of threads, and refusals are answers.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use planner::calibration::{Calibration, Profile};
use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::Plan;
use planner::report;
use planner::spec::{Cluster, Workload, examples};
use planner::sweep::merge::{MergeError, Part, merge};
use planner::sweep::{Account, ClusterInput, Header, Shard, Sheet, Space, SpaceError, WorkloadInput, front, run};
use planner::topology::Topology;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::RngSeed;

/// Fixed layouts, so that an item takes little time; `large` does not fit on one node, and `odd` on no number of nodes.
const JOBS: &str = "
jobs:
  - {name: small, model: llama3-8b, tokens: 10B tokens, sequence: 8192, global-batch: 512 sequences, deadline: 1 days,
     parallelism: {tp: 2, pp: 1, zero: 1, microbatch: 1, recompute: none}}
  - {name: large, model: llama3-70b, tokens: 10B tokens, sequence: 8192, global-batch: 512 sequences,
     parallelism: {tp: 8, pp: 2, vp: 1, zero: 1, microbatch: 1, recompute: none}}
  - {name: odd, model: llama3-8b, sequence: 8192, global-batch: 512 sequences, parallelism: {tp: 6}}
";

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text)
}

fn cluster(source: Arc<Source>) -> ClusterInput {
    ClusterInput { cluster: Cluster::load(source.clone(), Catalog::embedded()).expect("valid"), source }
}

fn workload(name: &str, text: &str) -> WorkloadInput {
    let source = source(name, text);
    let workload = Workload::load(source.clone(), Catalog::embedded()).expect("valid");
    WorkloadInput { name: name.to_owned(), source, workload }
}

fn example(name: &str) -> ClusterInput {
    cluster(examples::read(name).expect("embedded").0)
}

/// Two clusters, three jobs, some nodes and prices.
fn space(nodes: &[u32], prices: &[&str]) -> Space {
    Space {
        catalog: Cow::Borrowed(Catalog::embedded()),
        catalog_file: None,
        calibration: None,
        clusters: vec![example("h100-superpod-127"), example("h200-superpod-127")],
        workloads: vec![workload("jobs", JOBS)],
        nodes: nodes.to_vec(),
        gpu_hours: prices.iter().map(|price| price.parse().expect("a price")).collect(),
        tariffs: Vec::new(),
    }
}

fn whole(space: &Space) -> Sheet {
    run(space, Shard::WHOLE, &|_| {})
}

fn jsonl(sheet: &Sheet) -> String {
    sheet.to_jsonl().expect("JSON")
}

/// The files of n shards.
fn shards(space: &Space, of: u32) -> Vec<String> {
    (1..=of).map(|k| jsonl(&run(space, Shard::new(k.into(), of, "").expect("a shard"), &|_| {}))).collect()
}

fn read(text: &str) -> Result<Part, MergeError> {
    Part::read("a.jsonl", text)
}

fn merged(texts: &[String]) -> Result<Sheet, MergeError> {
    merge(texts.iter().map(|text| read(text)).collect::<Result<_, _>>()?)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shards_merge_to_the_whole_byte_for_byte(
        of in 1_u32..=20,
        nodes in subsequence(vec![1, 2, 4], 0..=3),
        prices in subsequence(vec!["2.00 USD/GPU-h", "14 CNY/GPU-h"], 0..=2),
        turn in 0_usize..20,
    ) {
        let space = space(&nodes, &prices);
        prop_assert_eq!(space.check(), Ok(()));
        let wanted = jsonl(&whole(&space));
        let mut texts = shards(&space, of);
        texts.rotate_left(turn % of as usize);
        prop_assert_eq!(jsonl(&merged(&texts).expect("all are there")), wanted);
    }
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let space = space(&[1, 2, 4], &["2.00 USD/GPU-h", "2.50 USD/GPU-h"]);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| jsonl(&whole(&space)))
    };
    let one = on(1);
    assert_eq!(one.lines().count(), 1 + 2 * 3 * 3 * 2);
    for threads in [2, 3, 8] {
        assert!(on(threads) == one, "{threads} threads differ from one");
    }
}

#[test]
fn every_item_has_an_answer() {
    let space = space(&[1, 4], &[]);
    let told = AtomicUsize::new(0);
    let sheet = run(&space, Shard::WHOLE, &|items| {
        told.fetch_add(items, Ordering::Relaxed);
    });
    assert_eq!((sheet.records.len(), told.into_inner()), (12, 12));
    assert!(sheet.records.iter().enumerate().all(|(i, record)| record.index == i));
    let account = Account::of(&sheet.records);
    assert_eq!((account.planned, account.refusals()), (6, 6));
    let reasons: Vec<(&str, usize, usize)> =
        account.refused.iter().map(|reason| (reason.code.as_str(), reason.items, reason.first)).collect();
    assert_eq!(reasons, [("P0302", 2, 1), ("P0304", 4, 2)], "{:?}", account.refused);
    assert!(account.refused[0].message.contains("16 GPUs"), "{:?}", account.refused);
    assert!(sheet.records[2].refusal().unwrap().help.as_ref().unwrap().contains("use a divisor of 32"));
}

/// The figures of an item are those of `planner plan`, to nine digits.
#[test]
fn an_item_is_the_plan_of_its_files() {
    let mut space = space(&[], &[]);
    space.clusters = vec![example("dgx-h100")];
    let sheet = whole(&space);
    let item = sheet.records[0].plan().expect("a plan");
    let (cluster, workload) = (&space.clusters[0].cluster, &space.workloads[0].workload);
    let plan = Plan::new(cluster, &Topology::new(cluster), workload, &workload.jobs[0], Catalog::embedded()).expect("a plan");
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-8;
    let (run, cost) = (plan.run.as_ref().unwrap(), plan.cost.as_ref().unwrap());
    assert!(near(item.step_time_s, plan.step.step_time.get()) && near(item.mfu, plan.step.mfu));
    assert!(near(item.run_time_s.unwrap(), run.time.get()) && near(item.energy_j.unwrap(), run.energy.get()));
    assert!(near(item.cost.as_ref().unwrap().amount, cost.total.unwrap().amount()));
    assert!(near(item.cost_per_million_tokens.as_ref().unwrap().amount, cost.per_million_tokens.unwrap().amount()));
    assert_eq!(item.layout, plan.step.strategy.describe());
    assert_eq!((item.gpu_hour_assumed, item.meets_deadline), (true, run.meets_deadline));
}

#[test]
fn prices_move_costs_alone() {
    let mut space = space(&[4], &["2 USD/GPU-h", "3 USD/GPU-h"]);
    space.tariffs = ["0.05 USD/kWh", "0.10 USD/kWh"].map(|price| price.parse().unwrap()).to_vec();
    let sheet = whole(&space);
    let plan = |index: usize| sheet.records[index].plan().unwrap();
    assert_eq!(plan(0).step_time_s, plan(3).step_time_s);
    let ratio = |figure: &dyn Fn(usize) -> f64, a, b| figure(a) / figure(b);
    let cost = |index: usize| plan(index).cost_usd.unwrap();
    let electricity = |index: usize| plan(index).electricity.as_ref().unwrap().amount;
    assert!((ratio(&cost, 2, 0) - 1.5).abs() < 1e-8 && cost(0) == cost(1));
    assert!((ratio(&electricity, 1, 0) - 2.0).abs() < 1e-8 && electricity(0) == electricity(2));
}

/// No item on the front is beaten, every other one is.
#[test]
fn the_front_holds_what_is_not_beaten() {
    let sheet = whole(&space(&[1, 2, 3, 4, 6, 8], &["2.00 USD/GPU-h", "2.50 USD/GPU-h"]));
    let on = front(&sheet.records);
    let figures = |i: usize| {
        let record = &sheet.records[i];
        let plan = record.plan()?;
        let group = (record.job.clone(), record.gpu_hour.as_ref()?.amount.to_bits());
        Some((group, plan.run_time_s?, plan.cost_usd?))
    };
    let mut seen = [0, 0];
    for (i, &on) in on.iter().enumerate() {
        let Some((group, time, cost)) = figures(i) else {
            assert!(!on, "item {i} has no cost");
            continue;
        };
        let beaten = (0..sheet.records.len()).filter_map(figures).any(|(other, faster, cheaper)| {
            other == group && faster <= time && cheaper <= cost && (faster < time || cheaper < cost)
        });
        assert_eq!(on, !beaten, "item {i}");
        seen[usize::from(beaten)] += 1;
    }
    assert!(seen[0] > 4 && seen[1] > 4, "{seen:?} on the front and off it");
}

/// A cluster of that size is held against the limits of its file.
#[test]
fn sizes_are_checked_as_if_they_stood_in_the_file() {
    let sheet = whole(&space(&[127, 400], &[]));
    let said = |index: usize| sheet.records[index].refusal().map(|refusal| (refusal.code.clone(), refusal.message.clone()));
    assert_eq!(said(0), None);
    let (code, message) = said(3).expect("too many for the site");
    assert_eq!(code, "P0309");
    assert!(message.contains("more than 2.00 MW"), "{message}");
    assert_eq!(sheet.records[3].nodes, 400);
}

type Change<'a> = &'a dyn Fn(&mut Space);

#[test]
fn whatever_changes_an_answer_changes_the_hash() {
    let hash = |change: &dyn Fn(&mut Space)| {
        let mut space = space(&[2], &["2 USD/GPU-h"]);
        change(&mut space);
        space.fingerprint()
    };
    let same = hash(&|_| {});
    let moved = |space: &mut Space| {
        let text = space.clusters[0].source.text().to_owned();
        space.clusters[0] = cluster(source("elsewhere/a.yaml", &text));
    };
    assert_eq!(hash(&moved), same, "where a file is does not matter");
    let changes: [(&str, Change<'_>); 10] = [
        ("a cluster", &|space| space.clusters[0] = example("mi300x-64")),
        ("the order", &|space| space.clusters.reverse()),
        ("a workload", &|space| space.workloads[0] = workload("jobs", &JOBS.replace("10B", "11B"))),
        ("a name", &|space| space.workloads[0].name = "others".to_owned()),
        ("nodes", &|space| space.nodes.push(4)),
        ("a price", &|space| space.gpu_hours[0] = "2.001 USD/GPU-h".parse().unwrap()),
        ("a tariff", &|space| space.tariffs.push("0.1 USD/kWh".parse().unwrap())),
        ("the catalogue", &|space| space.catalog_file = Some(source("own.yaml", "servers: []\n"))),
        ("the model", &|space| space.workloads[0].workload.jobs[0].model.layers += 1),
        ("the calibration", &|space| {
            let source = source("profile.yaml", "profile: 1\n");
            let profile = Profile::load(source.clone(), Catalog::embedded()).expect("valid");
            space.calibration = Some((Calibration::with_profile(profile), source));
        }),
    ];
    let mut all = vec![(same, "nothing")];
    for (what, change) in changes {
        let found = hash(change);
        let twin = all.iter().find(|(other, _)| *other == found);
        assert!(twin.is_none(), "{what} gives the hash of {twin:?}");
        all.push((found, what));
    }
}

#[test]
fn what_cannot_be_told_apart_or_compared_is_refused() {
    let refused = |change: &dyn Fn(&mut Space)| {
        let mut space = space(&[], &[]);
        change(&mut space);
        space.check().map_err(|error| error.to_string())
    };
    let says = |change: &dyn Fn(&mut Space), said: &str| {
        let error = refused(change).unwrap_err();
        assert!(error.contains(said), "{error}");
    };
    says(&|space| space.clusters.push(example("h100-superpod-127")), "two clusters are called `h100-superpod-127`");
    says(&|space| space.workloads.push(workload("jobs", JOBS)), "two workloads are called `jobs`");
    says(
        &|space| {
            space.clusters = vec![example("mixed-a100-h100")];
            space.nodes = vec![1];
        },
        "`mixed-a100-h100` has 2; write a cluster file for each",
    );
    says(&|space| space.gpu_hours = vec!["2 USD/GPU-h".parse().unwrap(); 2], "`--gpu-hour` has 2.00 USD/GPU-h twice");
    says(&|space| space.tariffs = vec!["0.1 USD/kWh".parse().unwrap(); 2], "`--tariff` has 0.100 USD/kWh twice");
    says(&|space| space.gpu_hours = vec!["2 NZD/GPU-h".parse().unwrap()], "no exchange rate from NZD to USD");
    let many = |space: &mut Space| {
        space.nodes = (1..=10_000).collect();
        space.gpu_hours = (1..=1000).map(|cents| format!("0.{cents:04} USD/GPU-h").parse().unwrap()).collect();
    };
    assert_eq!(refused(&many), Err(SpaceError::Size(60_000_000).to_string()));
}

/// Three shards of a sweep of six items, and what each way to spoil them is told.
#[test]
fn what_is_not_the_whole_sweep_is_not_merged() {
    let small = space(&[4], &[]);
    let texts = shards(&small, 3);
    let says = |texts: &[String], said: &str| {
        let error = merged(texts).unwrap_err().to_string();
        assert!(error.contains(said), "`{error}` does not say `{said}`");
    };
    let with = |place: usize, text: String| {
        let mut texts = texts.clone();
        texts[place] = text;
        texts
    };
    let changed = |place: usize, from: &str, to: &str| {
        assert!(texts[place].contains(from), "{}", texts[place]);
        with(place, texts[place].replacen(from, to, 1))
    };
    let lines = |place: usize, count: usize| texts[place].split_inclusive('\n').take(count).collect::<String>();
    assert!(merged(&texts).is_ok());

    says(&texts[1..2], "shards 1, 3 of 3 are missing");
    says(&texts[..2], "shard 3 of 3 is missing");
    says(&[], "nothing to merge");

    says(&with(1, lines(1, 2)), "a.jsonl:3: the file is cut off, items 3 to 3 are not in it; run shard 2/3 again");
    let cut = texts[1].len() - 40;
    says(&with(1, texts[1][..cut].to_owned()), "a.jsonl:3: the file is cut off");
    says(&with(1, texts[1].trim_end().to_owned()), "a.jsonl:3: the file is cut off");
    says(&with(1, lines(1, 1)), "items 2 to 3 are not in it");
    says(&with(1, String::new()), "no header (the file is empty)");
    says(&with(1, texts[1][..30].to_owned()), "is not what `planner sweep` writes");
    says(&with(1, texts[1].replacen("planner-sweep", "another", 1)), "its format is `another`");
    says(&with(1, "{\"format\": 1}\n".to_owned()), "is no header");

    says(&changed(1, "\"index\":3", "\"index\":2"), "a.jsonl:3: here is item 2, where item 3 belongs");
    says(&changed(1, "\"index\":3,", ""), "a.jsonl:3: this is no item: missing field `index`");
    says(&changed(1, "\"index\":3,", "\"index\":3, "), "item 3 was changed after it was written");
    says(&changed(1, ",\"items\":6", ",\"items\": 6"), "no header (it was changed after it was written)");
    says(&with(1, format!("{}{}", texts[1], lines(2, 2))), "a.jsonl:4: here is a line too many");
    says(&changed(1, "\"shard\":2", "\"shard\":4"), "shard 4 of 3 does not exist");

    says(&changed(1, "\"schema_version\":1", "\"schema_version\":2"), "lines of version 2, this planner reads version 1");
    let version = format!("\"planner_version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    says(&changed(1, &version, "\"planner_version\":\"9.9.9\""), "by 9.9.9; run all shards with one planner");
    says(&with(1, shards(&space(&[8], &[]), 3)[1].clone()), "the content of a file, or an option, is not the same");
    says(&with(1, shards(&small, 4)[1].clone()), "cut in 3 shards and in 4");
}

/// Wherever a file is cut, it is not taken for a whole one.
#[test]
fn a_file_cut_anywhere_is_noticed() {
    let text = &shards(&space(&[4], &[]), 2)[1];
    assert!(read(text).is_ok());
    for (at, _) in text.char_indices() {
        let error = read(&text[..at]).unwrap_err();
        assert!(!error.to_string().is_empty() && !matches!(error, MergeError::Missing { .. }), "{at}: {error}");
    }
}

#[test]
fn a_shard_may_come_twice_if_it_says_the_same() {
    let texts = shards(&space(&[4], &[]), 2);
    let twice = [texts.clone(), texts.clone()].concat();
    assert_eq!(merged(&twice), merged(&texts));
    let other = texts[1].replacen("\"mfu\":0.", "\"mfu\":0.1", 1);
    assert_ne!(other, texts[1]);
    let error = merged(&[texts[0].clone(), texts[1].clone(), other]).unwrap_err();
    assert!(matches!(error, MergeError::Differs { item: 3, .. }), "{error}");
    assert!(error.to_string().contains("delete the one that is not to count"), "{error}");
}

/// Runs of missing numbers are short to say, however many there are.
#[test]
fn many_missing_shards_are_a_range() {
    let texts = shards(&space(&[4], &[]), 16);
    let error = merged(&[texts[0].clone(), texts[3].clone(), texts[5].clone()]).unwrap_err();
    assert_eq!(error.to_string(), "shards 2, 3, 5, 7-16 of 16 are missing");
}

#[test]
fn every_form_has_every_item_or_says_how_many_are_left() {
    let space = space(&[1, 2, 4, 8], &["2 USD/GPU-h"]);
    let sheet = whole(&space);
    let csv = report::sweep_csv(&sheet);
    assert_eq!(csv.lines().count(), 1 + 24);
    assert!(csv.lines().all(|line| !line.is_empty()));
    let text = report::sweep_text(&sheet, 3);
    let planned = Account::of(&sheet.records).planned;
    assert!(planned >= 8 && text.starts_with(&format!("24 items: {planned} planned")), "{text}");
    assert!(text.contains("jobs, job small, at 2.00 USD/GPU-h\n") && text.contains("and 5 more; --top 0 shows all"), "{text}");
    assert!(!report::sweep_text(&sheet, 0).contains("more; --top"));
    let markdown = report::sweep_markdown(&sheet, 3);
    assert!(markdown.contains("### jobs, job large, at 2.00 USD/GPU-h\n\n| cluster |"), "{markdown}");
    let half = run(&space, "1/2".parse().expect("a shard"), &|_| {});
    assert!(report::sweep_text(&half, 3).contains("the items of shard 1 of 2 alone"));
    assert_eq!(Header::new(&space, Shard::WHOLE), sheet.header);
}
