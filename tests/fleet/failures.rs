//! Failures: one job against the closed form of its goodput, Llama 3's interruptions, and what may never happen whatever the seed.

use std::sync::Arc;

use planner::fleet::failure::{Process, monte_carlo};
use planner::fleet::placement::{Map, Packed};
use planner::fleet::{Checkpoint, Demand, Ended, Job, Moment, Outcome, PolicyKind, Setting, Spares, simulate};
use planner::run::Renewal;
use planner::units::Seconds;
use proptest::prelude::*;

use super::oracle::{POLICIES, jobs};

fn setting(jobs: &[Job], policy: PolicyKind) -> Setting<'_> {
    Setting::new(jobs, &[1.0, 2.0, 0.5], policy)
}

/// ETTR of `ettr_reference.csv` by the renewal form to 0.002, and by simulating the job to the error of the simulation.
#[test]
fn goodput_as_the_renewal_form_has_it() {
    let mut reader = csv::Reader::from_reader(include_str!("../data/ettr_reference.csv").as_bytes());
    let headings = reader.headers().expect("headings").clone();
    let mut rows = 0;
    for row in reader.records() {
        let row = row.expect("a row");
        let cell = |name: &str| -> f64 {
            let column = headings.iter().position(|heading| heading == name).expect("a column");
            row.get(column).expect("a cell").parse().unwrap_or(f64::NAN)
        };
        let nodes = (cell("gpus") / cell("gpus_per_node")) as u32;
        let rate = cell("node_failures_per_node_day") / 86_400.0;
        let interval = cell("young_interval_s");
        let renewal = Renewal {
            mtti: Some(Seconds::new(1.0 / (rate * f64::from(nodes)))),
            interval: Some(Seconds::new(interval)),
            blocked: Seconds::new(cell("ckpt_write_s")),
            behind: Seconds::ZERO,
            restart: Seconds::new(cell("restart_s")),
            load: Seconds::ZERO,
        };
        let wanted = cell("ettr_renewal_at_young");
        assert!((renewal.goodput() - wanted).abs() < 0.002, "{nodes} nodes: {}, not {wanted}", renewal.goodput());
        // Work of 40,000 interruptions, so that the mean is within a few thousandths. What counts is how often the job is interrupted, not
        // how many nodes share the blame: sixteen do for all.
        let often = rate * f64::from(nodes);
        let job = Job {
            work: Moment::from(Seconds::new(wanted * 40_000.0 / often)),
            demand: Demand::of(16 * 8),
            checkpoint: Checkpoint {
                interval: Some(Moment::from(Seconds::new(interval))),
                write: Moment::from(Seconds::new(cell("ckpt_write_s"))),
                restart: Moment::from(Seconds::new(cell("restart_s"))),
            },
            ..Job::default()
        };
        let process = Process::independent(vec![often / 16.0; 16], 0.0);
        let placer = Packed::new(Arc::new(Map::flat(16, 8)), Arc::default());
        let outcome = simulate(&setting(std::slice::from_ref(&job), PolicyKind::Fifo), placer, &mut process.faults(7));
        let ettr = job.work.secs() / outcome.end.secs();
        assert!((ettr - wanted).abs() < 0.008, "{nodes} nodes: simulated {ettr}, not {wanted}");
        rows += 1;
    }
    assert_eq!(rows, 54);
}

/// 419 unexpected interruptions of Llama 3 405B in 54 days on 2,048 nodes (arXiv:2407.21783, section 3.3.4): inside nine of ten
/// simulations at the rate of a typical fleet, 4.0 in 1,000 node-days, whether failures are independent or clustered.
#[test]
fn interruptions_of_llama_3() {
    let rates = vec![4.0e-3 / 86_400.0; 2048];
    let within = |process: &Process| {
        let mut counts: Vec<usize> = (0..100u64)
            .map(|seed| process.faults(seed).take_while(|fault| fault.at < Moment::from_secs(54 * 86_400)).count())
            .collect();
        counts.sort_unstable();
        (counts[5], counts[94])
    };
    let independent = within(&Process::independent(rates.clone(), 0.0));
    let clustered = within(&Process::clustered(rates, 0.0));
    for (low, high) in [independent, clustered] {
        assert!((low..=high).contains(&419), "419 is not in {low} to {high}");
    }
    assert!(clustered.1 - clustered.0 > independent.1 - independent.0);
}

/// Holds what no schedule may break, with nodes down as the faults say.
fn check(jobs: &[Job], outcome: &Outcome, (nodes, gpus): (usize, u32), process: &Process, seed: u64) {
    let mut events: Vec<(Moment, i64, usize)> = Vec::new();
    let mut down: Vec<Vec<(Moment, Moment)>> = vec![Vec::new(); nodes];
    for fault in process.faults(seed).take_while(|fault| fault.at <= outcome.end) {
        let own = &mut down[fault.node as usize];
        if own.last().is_none_or(|(_, until)| *until <= fault.at) {
            own.push((fault.at, fault.at + fault.outage));
        }
    }
    let mut last: Vec<Option<Moment>> = vec![None; jobs.len()];
    let mut by_start: Vec<_> = outcome.segments.iter().collect();
    by_start.sort_by_key(|segment| (segment.start, segment.end));
    for segment in by_start {
        let job = segment.job as usize;
        assert!(segment.start >= jobs[job].arrival);
        assert!(last[job].is_none_or(|end| end <= segment.start), "a job runs once at a time");
        last[job] = Some(segment.end);
        for before in &jobs[job].after {
            assert!(
                outcome.records[*before as usize].finish.is_some_and(|end| end <= segment.start),
                "after the jobs before it"
            );
        }
        // A node may fail at the instant at which a job starts on it.
        let held = segment.allocation.slots.as_slice().iter().filter(|_| segment.start < segment.end);
        for slot in held {
            events.push((segment.start, i64::from(slot.gpus), slot.at as usize));
            events.push((segment.end, -i64::from(slot.gpus), slot.at as usize));
            for (from, until) in &down[slot.at as usize] {
                assert!(segment.end <= *from || segment.start >= *until, "on a node that is down");
            }
        }
        assert!(segment.ended != Ended::Failed || outcome.records[job].failures > 0);
    }
    events.sort_unstable();
    let mut used = vec![0; nodes];
    for (_, change, node) in events {
        used[node] += change;
        assert!((0..=i64::from(gpus)).contains(&used[node]), "more GPUs than there are");
    }
    assert!(outcome.records.iter().all(|record| record.finish.is_some()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_may_never_happen(jobs in jobs(12), seed in 0u64..1_000_000, often in 0.0f64..0.01) {
        let process = Process::clustered(vec![often; 4], 5.0);
        let placer = Packed::new(Arc::new(Map::flat(4, 4)), Arc::default());
        for policy in POLICIES {
            let outcome = simulate(&setting(&jobs, policy), placer.clone(), &mut process.faults(seed));
            check(&jobs, &outcome, (4, 4), &process, seed);
        }
    }
}

/// The same for a seed on any number of threads.
#[test]
fn courses_do_not_depend_on_threads() {
    let jobs: Vec<Job> = (0..40u32)
        .map(|i| Job {
            arrival: Moment::from_secs(u64::from(i) * 500),
            work: Moment::from_secs(5000),
            demand: Demand::of(1 + i % 12),
            queue: i % 3,
            ..Job::default()
        })
        .collect();
    let process = Process::clustered(vec![1e-5; 8], 2000.0);
    let placer = Packed::new(Arc::new(Map::flat(8, 4)), Arc::default());
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| monte_carlo(&setting(&jobs, PolicyKind::FairShare), &placer, &process, 0..20))
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
    assert!(one.iter().any(|outcome| outcome.faults > 0));
}

/// A spare stands in while a node is away.
#[test]
fn spares_take_the_place_of_failed_nodes() {
    let job = Job {
        work: Moment::from_secs(1000),
        demand: Demand::of(16),
        checkpoint: Checkpoint { interval: Some(Moment::from_secs(100)), ..Checkpoint::default() },
        ..Job::default()
    };
    let fault = planner::fleet::failure::Fault { at: Moment::from_secs(550), node: 0, outage: Moment::from_secs(5000) };
    let end = |nodes: u32, spares: u32| {
        let placer = Packed::new(Arc::new(Map::flat(nodes, 8)), Arc::default());
        let setting =
            Setting { spares: Spares::new(&[nodes], &[spares]), ..setting(std::slice::from_ref(&job), PolicyKind::Fifo) };
        simulate(&setting, placer, &mut [fault].into_iter()).end
    };
    // 50 s are lost; without a spare the job waits for the repair.
    assert_eq!(end(2, 0), Moment::from_secs(5550 + 500));
    assert_eq!(end(3, 1), Moment::from_secs(1050));
}
