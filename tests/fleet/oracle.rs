//! Every policy against a schedule made second by second, with lists that are searched from the front.

use std::sync::Arc;

use planner::fleet::placement::{Map, Packed};
use planner::fleet::{Demand, Job, Moment, PolicyKind};
use proptest::prelude::*;

use super::anchors::simulated;

/// A cluster and its queue at one second, as plainly as can be.
struct Naive<'a> {
    jobs: &'a [Job],
    size: u32,
    free: Vec<u32>,
    running: Vec<Held>,
    waiting: Vec<usize>,
    /// Seconds of work that each job has left.
    left: Vec<u64>,
    start: Vec<Option<u64>>,
    finish: Vec<Option<u64>>,
    charged: Vec<f64>,
}

#[derive(Clone)]
struct Held {
    job: usize,
    since: u64,
    end: u64,
    slots: Vec<(usize, u32)>,
}

type Slots = Vec<(usize, u32)>;

/// Up to a node: the fullest that has room. More: whole nodes, and one for the rest.
fn place(free: &[u32], size: u32, gpus: u32) -> Option<Slots> {
    let best = |free: &[u32], gpus: u32| (0..free.len()).filter(|n| free[*n] >= gpus).min_by_key(|n| (free[*n], *n));
    if gpus <= size {
        return best(free, gpus).map(|node| vec![(node, gpus)]);
    }
    let mut free = free.to_vec();
    let mut slots = Vec::new();
    for (node, left) in free.iter_mut().enumerate() {
        if *left == size && slots.len() < (gpus / size) as usize {
            slots.push((node, size));
            *left = 0;
        }
    }
    if slots.len() < (gpus / size) as usize {
        return None;
    }
    if gpus % size > 0 {
        slots.push((best(&free, gpus % size)?, gpus % size));
    }
    Some(slots)
}

fn take(free: &mut [u32], slots: &Slots) {
    for (node, gpus) in slots {
        free[*node] -= gpus;
    }
}

fn give(free: &mut [u32], slots: &Slots) {
    for (node, gpus) in slots {
        free[*node] += gpus;
    }
}

impl Naive<'_> {
    fn start(&mut self, job: usize, now: u64) -> bool {
        let Some(slots) = place(&self.free, self.size, self.jobs[job].demand.most) else { return false };
        self.run(job, now, slots);
        true
    }

    fn run(&mut self, job: usize, now: u64, slots: Slots) {
        take(&mut self.free, &slots);
        self.waiting.retain(|other| *other != job);
        self.start[job].get_or_insert(now);
        self.running.push(Held { job, since: now, end: now + self.left[job], slots });
    }

    fn strict(&mut self, now: u64) -> Option<usize> {
        while let Some(job) = self.waiting.first().copied() {
            if !self.start(job, now) {
                return Some(job);
            }
        }
        None
    }

    /// When the job that does not fit now will, and what is free then beside it.
    fn shadow(&self, head: usize) -> (u64, Vec<u32>) {
        let mut ends: Vec<u64> = self.running.iter().map(|held| held.end).collect();
        ends.sort_unstable();
        for end in ends {
            let mut free = self.free.clone();
            self.running.iter().filter(|held| held.end <= end).for_each(|held| give(&mut free, &held.slots));
            if let Some(slots) = place(&free, self.size, self.jobs[head].demand.most) {
                take(&mut free, &slots);
                return (end, free);
            }
        }
        panic!("no job is larger than the cluster");
    }

    /// Starts a job unless that is in the way of what is promised.
    fn fill(&mut self, job: usize, now: u64, at: u64, then: &mut [u32]) -> bool {
        let Some(slots) = place(&self.free, self.size, self.jobs[job].demand.most) else { return false };
        if now + self.left[job] > at {
            if slots.iter().any(|(node, gpus)| then[*node] < *gpus) {
                return false;
            }
            take(then, &slots);
        }
        self.run(job, now, slots);
        true
    }

    fn easy(&mut self, now: u64) {
        let Some(head) = self.strict(now) else { return };
        let (at, mut then) = self.shadow(head);
        for job in self.waiting.clone().into_iter().skip(1) {
            self.fill(job, now, at, &mut then);
        }
    }

    /// Free GPUs of every second to come; the earliest stretch that is wide and long enough.
    fn conservative(&mut self, now: u64) {
        let horizon: usize = 2 + self.left.iter().sum::<u64>() as usize;
        let total: u32 = self.free.iter().sum();
        let mut free = vec![total; horizon];
        for held in &self.running {
            free.iter_mut().skip((held.end - now) as usize).for_each(|f| *f += held.slots.iter().map(|(_, g)| g).sum::<u32>());
        }
        for job in self.waiting.clone() {
            let (gpus, time) = (self.jobs[job].demand.most, self.left[job] as usize);
            let at = (0..horizon).find(|at| free[*at..*at + time].iter().all(|f| *f >= gpus)).expect("an end");
            free[at..at + time].iter_mut().for_each(|f| *f -= gpus);
            if at == 0 {
                assert!(self.start(job, now));
            }
        }
    }

    fn fair_share(&mut self, now: u64, weights: &[f64]) {
        let growth = (now as f64 / (7.0 * 86_400.0)).exp2();
        let least = |naive: &Self, except: &[usize]| -> Option<usize> {
            let open = (0..weights.len()).filter(|queue| {
                naive.waiting.iter().any(|job| naive.jobs[*job].queue as usize == *queue && !except.contains(job))
            });
            open.min_by(|a, b| (naive.charged[*a] / weights[*a]).total_cmp(&(naive.charged[*b] / weights[*b])))
        };
        let first = |naive: &Self, queue: usize, except: &[usize]| {
            naive
                .waiting
                .iter()
                .copied()
                .find(|job| naive.jobs[*job].queue as usize == queue && !except.contains(job))
                .expect("one")
        };
        let charge = |naive: &mut Self, job: usize| {
            naive.charged[naive.jobs[job].queue as usize] +=
                f64::from(naive.jobs[job].demand.most) * naive.left[job] as f64 * growth;
        };
        let head = loop {
            let Some(queue) = least(self, &[]) else { return };
            let job = first(self, queue, &[]);
            if !self.start(job, now) {
                break job;
            }
            charge(self, job);
        };
        let (at, mut then) = self.shadow(head);
        let mut passed = vec![head];
        while let Some(queue) = least(self, &passed) {
            let job = first(self, queue, &passed);
            passed.push(job);
            if self.fill(job, now, at, &mut then) {
                charge(self, job);
            }
        }
    }

    fn priority(&mut self, now: u64) {
        loop {
            let Some(head) = self.strict(now) else { return };
            let level = self.jobs[head].priority;
            let mut lower: Vec<Held> = self.running.clone();
            lower.retain(|held| self.jobs[held.job].preemptible && self.jobs[held.job].priority < level);
            lower.sort_by_key(|held| (self.jobs[held.job].priority, std::cmp::Reverse((held.since, held.job))));
            let fits_without = |victims: &[Held]| {
                let mut free = self.free.clone();
                for held in victims {
                    give(&mut free, &held.slots);
                }
                place(&free, self.size, self.jobs[head].demand.most).is_some()
            };
            let Some(count) = (1..=lower.len()).find(|count| fits_without(&lower[..*count])) else {
                for job in self.waiting.clone().into_iter().skip(1) {
                    if self.jobs[job].preemptible && self.jobs[job].priority < level {
                        self.start(job, now);
                    }
                }
                return;
            };
            let mut victims = lower[..count].to_vec();
            for i in (0..count - 1).rev() {
                let mut fewer = victims.clone();
                fewer.remove(i);
                if fits_without(&fewer) {
                    victims = fewer;
                }
            }
            for held in victims {
                give(&mut self.free, &held.slots);
                self.left[held.job] = held.end - now;
                self.running.retain(|other| other.job != held.job);
                self.waiting.push(held.job);
            }
            self.sort(PolicyKind::Priority);
        }
    }

    fn sort(&mut self, policy: PolicyKind) {
        let jobs = self.jobs;
        self.waiting.sort_by_key(|job| {
            let spec = &jobs[*job];
            let first = match policy {
                PolicyKind::Sjf | PolicyKind::SjfSkip => spec.work.millis().cast_signed(),
                PolicyKind::Edf => spec.deadline.map_or(i64::MAX, |deadline| deadline.millis().cast_signed()),
                PolicyKind::Priority => -i64::from(spec.priority),
                _ => 0,
            };
            (first, spec.arrival, *job)
        });
    }

    fn pass(&mut self, policy: PolicyKind, now: u64, weights: &[f64]) {
        self.sort(policy);
        match policy {
            PolicyKind::Fifo | PolicyKind::Sjf => {
                self.strict(now);
            }
            PolicyKind::FirstFit | PolicyKind::SjfSkip => {
                for job in self.waiting.clone() {
                    self.start(job, now);
                }
            }
            PolicyKind::Easy | PolicyKind::Edf => self.easy(now),
            PolicyKind::Conservative => self.conservative(now),
            PolicyKind::FairShare => self.fair_share(now, weights),
            PolicyKind::Priority => self.priority(now),
        }
    }
}

/// First start and end of every job.
fn naive(jobs: &[Job], policy: PolicyKind, nodes: usize, size: u32, weights: &[f64]) -> Vec<(u64, u64)> {
    let seconds = |moment: Moment| moment.millis() / 1000;
    let mut state = Naive {
        jobs,
        size,
        free: vec![size; nodes],
        running: Vec::new(),
        waiting: Vec::new(),
        left: jobs.iter().map(|job| seconds(job.work)).collect(),
        start: vec![None; jobs.len()],
        finish: vec![None; jobs.len()],
        charged: vec![0.0; weights.len()],
    };
    let mut seen = vec![false; jobs.len()];
    for now in 0.. {
        let (ended, running): (Vec<Held>, Vec<Held>) = state.running.drain(..).partition(|held| held.end == now);
        state.running = running;
        let mut happened = !ended.is_empty();
        for held in ended {
            give(&mut state.free, &held.slots);
            state.finish[held.job] = Some(now);
        }
        for (i, job) in jobs.iter().enumerate() {
            let ready = seconds(job.arrival) <= now && job.after.iter().all(|before| state.finish[*before as usize].is_some());
            if ready && !std::mem::replace(&mut seen[i], true) {
                state.waiting.push(i);
                happened = true;
            }
        }
        // Shares change with what is started: a second look at the same cluster may see another queue first.
        if happened {
            state.pass(policy, now, weights);
        }
        if state.finish.iter().all(Option::is_some) {
            break;
        }
    }
    state.start.into_iter().zip(state.finish).map(|(start, end)| (start.expect("started"), end.expect("done"))).collect()
}

prop_compose! {
    /// A job that runs at least a second: the next pass of one that runs for none is at the same second.
    fn job(most: u32)(
        arrival in 0u64..40,
        work in 1u64..25,
        gpus in 1..=most,
        priority in 0i32..3,
        preemptible: bool,
        deadline in proptest::option::of(1u64..60),
        queue in 0u32..3,
        before in proptest::collection::vec(any::<prop::sample::Index>(), 0..2),
        chained in 0u32..4,
    ) -> (Job, Vec<prop::sample::Index>) {
        let job = Job {
            arrival: Moment::from_secs(arrival),
            work: Moment::from_secs(work),
            demand: Demand::of(gpus),
            priority,
            preemptible,
            deadline: deadline.map(Moment::from_secs),
            queue,
            ..Job::default()
        };
        (job, if chained == 0 { before } else { Vec::new() })
    }
}

/// Jobs of which some come after earlier ones.
pub fn jobs(most: u32) -> impl Strategy<Value = Vec<Job>> {
    proptest::collection::vec(job(most), 1..25).prop_map(|all| {
        let (mut jobs, befores): (Vec<Job>, Vec<_>) = all.into_iter().unzip();
        for (i, before) in befores.into_iter().enumerate().skip(1) {
            let mut after: Vec<u32> = before.iter().map(|index| index.index(i) as u32).collect();
            after.dedup();
            jobs[i].after = after;
        }
        jobs
    })
}

const WEIGHTS: [f64; 3] = [1.0, 2.0, 0.5];

pub const POLICIES: [PolicyKind; 9] = [
    PolicyKind::Fifo,
    PolicyKind::FirstFit,
    PolicyKind::Sjf,
    PolicyKind::SjfSkip,
    PolicyKind::Easy,
    PolicyKind::Conservative,
    PolicyKind::FairShare,
    PolicyKind::Priority,
    PolicyKind::Edf,
];

fn compare<P: planner::fleet::Placer>(jobs: &[Job], policy: PolicyKind, (nodes, size): (usize, u32), placer: P) {
    let outcome = simulated(jobs, &WEIGHTS, policy, placer);
    let seconds = |moment: Option<Moment>| moment.expect("every job is done").millis() / 1000;
    let times: Vec<(u64, u64)> = outcome.records.iter().map(|record| (seconds(record.start), seconds(record.finish))).collect();
    assert_eq!(times, naive(jobs, policy, nodes, size, &WEIGHTS), "{policy:?} on {nodes} x {size}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn counted_gpus(jobs in jobs(8)) {
        for policy in POLICIES {
            compare(&jobs, policy, (1, 8), planner::fleet::placement::Pool::new(&[8]));
        }
    }

    #[test]
    fn packed_nodes(jobs in jobs(12)) {
        // Promises of conservative backfill are of counted GPUs; `invariants` holds it on nodes.
        for policy in POLICIES.into_iter().filter(|policy| *policy != PolicyKind::Conservative) {
            compare(&jobs, policy, (3, 4), Packed::new(Arc::new(Map::flat(3, 4)), Arc::default()));
        }
    }
}
