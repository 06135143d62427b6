//! Small cases whose schedules can be followed by hand.

use std::sync::Arc;

use super::placement::{Map, Packed, Pool};
use super::*;

fn job(arrival: u64, work: u64, gpus: u32) -> Job {
    Job {
        name: format!("{arrival}"),
        arrival: Moment::from_secs(arrival),
        work: Moment::from_secs(work),
        demand: Demand::of(gpus),
        ..Job::default()
    }
}

fn setting(jobs: &[Job], policy: PolicyKind) -> Setting<'_> {
    Setting::new(jobs, &[1.0, 1.0], policy)
}

fn run<P: Placer>(setting: &Setting<'_>, placer: P) -> Outcome {
    simulate(setting, placer, &mut std::iter::empty())
}

/// Seconds at which each job first started.
fn starts(outcome: &Outcome) -> Vec<u64> {
    outcome.records.iter().map(|record| record.start.unwrap().millis() / 1000).collect()
}

fn packed(nodes: u32, gpus: u32) -> Packed {
    Packed::new(Arc::new(Map::flat(nodes, gpus)), Arc::default())
}

/// The example of the backfill papers: a wide job waits, a short narrow one goes ahead of it, a long narrow one does not.
#[test]
fn backfill_delays_nobody_it_promised() {
    let jobs = [job(0, 10, 3), job(1, 5, 4), job(2, 20, 1), job(3, 7, 1)];
    assert_eq!(starts(&run(&setting(&jobs, PolicyKind::Fifo), Pool::new(&[4]))), [0, 10, 15, 15]);
    assert_eq!(starts(&run(&setting(&jobs, PolicyKind::FirstFit), Pool::new(&[4]))), [0, 22, 2, 10]);
    assert_eq!(starts(&run(&setting(&jobs, PolicyKind::Easy), Pool::new(&[4]))), [0, 10, 15, 3]);
    assert_eq!(starts(&run(&setting(&jobs, PolicyKind::Conservative), Pool::new(&[4]))), [0, 10, 15, 3]);
}

/// EASY protects the first of the queue alone, conservative backfill the second too.
#[test]
fn conservative_backfill_protects_the_second() {
    let jobs = [job(0, 10, 2), job(1, 10, 3), job(2, 10, 4), job(3, 30, 1)];
    assert_eq!(starts(&run(&setting(&jobs, PolicyKind::Easy), Pool::new(&[4]))), [0, 10, 33, 3]);
    assert_eq!(starts(&run(&setting(&jobs, PolicyKind::Conservative), Pool::new(&[4]))), [0, 10, 20, 30]);
}

#[test]
fn a_higher_priority_stops_no_more_than_it_needs() {
    let mut jobs = [job(0, 100, 2), job(1, 100, 1), job(2, 100, 1), job(10, 10, 2)];
    for low in &mut jobs[..3] {
        low.preemptible = true;
    }
    jobs[3].priority = 5;
    let outcome = run(&setting(&jobs, PolicyKind::Priority), Pool::new(&[4]));
    assert_eq!(starts(&outcome), [0, 1, 2, 10]);
    let preemptions: Vec<u32> = outcome.records.iter().map(|record| record.preemptions).collect();
    assert_eq!(preemptions, [0, 1, 1, 0], "the latest started are stopped");
    // They ran 9 s and 8 s before, and had notice to save that.
    assert_eq!(outcome.records[1].finish, Some(Moment::from_secs(111)));
    assert_eq!(outcome.records[2].finish, Some(Moment::from_secs(112)));
}

#[test]
fn queues_share_by_their_weights() {
    let mut jobs: Vec<Job> = (0..12).map(|_| job(0, 10, 1)).collect();
    for (i, job) in jobs.iter_mut().enumerate() {
        job.queue = u32::from(i >= 6);
    }
    let setting = Setting { weights: &[1.0, 2.0], ..setting(&jobs, PolicyKind::FairShare) };
    let outcome = run(&setting, Pool::new(&[3]));
    let of = |queue: u32, at: u64| {
        let started = outcome.records.iter().map(|record| record.start.unwrap().millis() / 1000);
        jobs.iter().zip(started).filter(|(job, start)| job.queue == queue && *start == at).count()
    };
    // Two GPUs of three for the queue of weight two, until it has no jobs left.
    assert_eq!([of(0, 0), of(1, 0), of(0, 10), of(1, 10), of(0, 20), of(1, 20)], [1, 2, 1, 2, 1, 2]);
}

#[test]
fn jobs_wait_for_those_before_them() {
    let mut jobs = [job(0, 10, 1), job(0, 5, 1), job(0, 5, 1)];
    jobs[1].after = vec![0];
    jobs[2].after = vec![0, 1];
    let outcome = run(&setting(&jobs, PolicyKind::Easy), Pool::new(&[4]));
    assert_eq!(starts(&outcome), [0, 10, 15]);
    assert_eq!(outcome.records[2].waited, Moment::ZERO);
}

#[test]
fn elastic_jobs_take_what_there_is() {
    let mut jobs = [job(0, 10, 3), job(0, 10, 4), job(20, 10, 4)];
    for elastic in &mut jobs[1..] {
        elastic.demand.least = 1;
    }
    let outcome = run(&setting(&jobs, PolicyKind::Fifo), Pool::new(&[4]));
    let gpus: Vec<u32> = [1, 2].map(|job| outcome.segments.iter().find(|s| s.job == job).unwrap().allocation.gpus).to_vec();
    assert_eq!(gpus, [1, 2], "one GPU is left, then three, of which two are half of the most");
    assert_eq!(outcome.records[1].finish, Some(Moment::from_secs(40)));
    assert_eq!(outcome.records[2].finish, Some(Moment::from_secs(40)));
}

#[test]
fn maintenance_is_kept_free_and_reservations_kept_for_their_jobs() {
    let jobs = [job(0, 10, 8), job(0, 30, 8), job(1, 5, 8)];
    let mut nodes = fixedbitset::FixedBitSet::with_capacity(2);
    nodes.insert(1);
    let window = |jobs: &[u32]| Window {
        name: "w".into(),
        from: Moment::from_secs(20),
        until: Moment::from_secs(40),
        nodes: nodes.clone(),
        jobs: jobs.iter().map(|job| *job as usize).collect(),
    };
    let run = |window: Window| {
        let windows = Arc::new(Windows::new(vec![window]));
        let placer = Packed::new(Arc::new(Map::flat(2, 8)), Arc::clone(&windows));
        starts(&run(&Setting { windows, ..setting(&jobs, PolicyKind::Fifo) }, placer))
    };
    // The long job does not get the node that goes out at 20 s.
    assert_eq!(run(window(&[])), [0, 10, 10]);
    assert_eq!(run(window(&[1])), [0, 0, 10]);
}

#[test]
fn a_cap_of_power_holds_jobs_back() {
    let mut jobs = [job(0, 10, 4), job(0, 30, 4), job(0, 5, 4)];
    jobs[1].preemptible = true;
    let caps = vec![(Moment::ZERO, 900.0), (Moment::from_secs(20), 500.0), (Moment::from_secs(50), 2000.0)];
    let power = Power { busy: vec![100.0], idle: 100.0, caps, in_use: vec![0] };
    let outcome = run(&Setting { power, ..setting(&jobs, PolicyKind::FirstFit) }, Pool::new(&[12]));
    // At 900 W two may run, but the long one runs into the time when only one may.
    assert_eq!(starts(&outcome), [0, 10, 0]);
    assert!(outcome.held.power > Moment::ZERO);
}

#[test]
fn large_jobs_stay_below_one_leaf_where_they_fit() {
    // Two pods of two leaves of two nodes.
    let atoms = (0..8).map(|n| placement::Atom { gpus: 8, pool: 0, node: n, leaf: n / 2, pod: n / 4 }).collect();
    let map = |placement| Arc::new(Map { atoms, nodes: 8, pools: 1, placement });
    let mut placer = Packed::new(map(Placement::Pod), Arc::default());
    let demand = Demand::of(0);
    let mut take = |gpus: u32| {
        let ask = placement::Ask { job: 0, demand: &demand, gpus, from: Moment::ZERO, until: Moment::ZERO };
        let taken = placer.take(&ask).unwrap();
        let nodes: Vec<u32> = taken.slots.as_slice().iter().map(|slot| slot.at).collect();
        (nodes, placer.spread(&taken))
    };
    assert_eq!(take(8), (vec![0], Spread::Leaf));
    assert_eq!(take(16), (vec![2, 3], Spread::Leaf), "the leaf with one node left is too small");
    assert_eq!(take(4), (vec![1], Spread::Leaf));
    assert_eq!(take(24), (vec![4, 5, 6], Spread::Pod));
    assert_eq!(take(12), (vec![7, 1], Spread::Pods));
}

#[test]
fn fragments_are_what_no_job_can_have() {
    let mut placer = packed(2, 8);
    let demand = Demand::of(0);
    for _ in 0..2 {
        let ask = placement::Ask { job: 0, demand: &demand, gpus: 5, from: Moment::ZERO, until: Moment::ZERO };
        placer.take(&ask).unwrap();
    }
    // Six are free, three of them in each node.
    assert_eq!(placer.fragmentation(), 0.5);
    assert_eq!(placer.free(&demand), 6);
}
