//! The simulation: from one instant at which something happens to the next.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;

use super::failure::Fault;
use super::outcome::{Ended, Held, Limit, Outcome, Record};
use super::placement::Placer;
use super::policy::{Policy, PolicyKind};
use super::spares::Spares;
use super::state::Run;
use super::supply::Supply;
use super::waiting::Waiting;
use super::{Given, Job, Moment, Pace, Power, State, Windows};

/// What is simulated beside GPUs and failures.
#[derive(Clone)]
pub struct Setting<'a> {
    /// The jobs.
    pub jobs: &'a [Job],
    /// Weights of the queues that jobs name.
    pub weights: &'a [f64],
    /// Who goes next.
    pub policy: PolicyKind,
    /// How fast jobs run where they are placed.
    pub pace: &'a dyn Pace,
    /// Power and its caps.
    pub power: Power,
    /// Nodes promised to maintenance and reservations.
    pub windows: Arc<Windows>,
    /// Nodes kept ready for those that fail, of each pool.
    pub spares: Spares,
    /// When the simulation ends, whoever is still running.
    pub until: Moment,
}

impl<'a> Setting<'a> {
    /// Jobs of durations that are given, on nodes that are always there and draw nothing that counts.
    #[must_use]
    pub fn new(jobs: &'a [Job], weights: &'a [f64], policy: PolicyKind) -> Self {
        Self {
            jobs,
            weights,
            policy,
            pace: &Given,
            power: Power::default(),
            windows: Arc::default(),
            spares: Spares::default(),
            until: Moment::NEVER,
        }
    }
}

/// Runs the jobs on the GPUs of `placer`, through `faults` in order of time. The same input gives the same outcome.
pub fn simulate<P: Placer>(setting: &Setting<'_>, placer: P, faults: &mut dyn Iterator<Item = Fault>) -> Outcome {
    Simulation::new(setting, placer, faults).run()
}

struct Simulation<'a, P> {
    state: State<'a, P>,
    policy: Box<dyn Policy<P>>,
    windows: Arc<Windows>,
    spares: Spares,
    /// Jobs by arrival, the last one first.
    arrivals: Vec<u32>,
    /// For each job, those that come after it.
    dependents: Vec<Vec<u32>>,
    /// For each job, what has to happen before it is ready: its arrival and the jobs before it.
    pending: Vec<u32>,
    faults: std::iter::Peekable<&'a mut dyn Iterator<Item = Fault>>,
    repairs: BinaryHeap<Reverse<(Moment, u32)>>,
    until: Moment,
    left: usize,
    /// Whether there is something new for the policy to look at.
    changed: bool,
    outcome: Outcome,
}

impl<'a, P: Placer> Simulation<'a, P> {
    fn new(setting: &Setting<'a>, mut placer: P, faults: &'a mut dyn Iterator<Item = Fault>) -> Self {
        let jobs = setting.jobs;
        let mut spares = setting.spares.clone();
        spares.hold_back(&mut placer);
        let policy = setting.policy.build::<P>(setting.weights);
        let mut edges = setting.windows.edges();
        edges.extend(setting.power.caps.iter().map(|(at, _)| *at));
        edges.sort_unstable_by_key(|at| Reverse(*at));
        edges.dedup();
        let mut state = State {
            jobs,
            supply: Supply { placer, power: setting.power.clone() },
            queues: Vec::new(),
            now: Moment::ZERO,
            pace: setting.pace,
            runs: vec![Run::new(Moment::ZERO); jobs.len()],
            ends: BTreeSet::new(),
            expected: policy.looks_ahead().then(BTreeSet::new),
            records: vec![Record::default(); jobs.len()],
            segments: Vec::with_capacity(jobs.len()),
            lane: vec![0; jobs.len()],
            has_windows: !setting.windows.all().is_empty(),
            edges,
        };
        let estimates: Vec<Moment> = (0..jobs.len() as u32).map(|job| state.believed(job)).collect();
        state.runs = estimates.iter().map(|estimate| Run::new(*estimate)).collect();
        let order = policy.order(jobs, &estimates);
        let for_passing = policy.lets_pass().then_some(estimates.as_slice());
        if policy.by_queue() {
            state.queues = setting.weights.iter().map(|_| Waiting::new(jobs, order.clone(), for_passing)).collect();
            state.lane = jobs.iter().map(|job| job.queue).collect();
        } else {
            state.queues = vec![Waiting::new(jobs, order, for_passing)];
        }
        let mut arrivals: Vec<u32> = (0..jobs.len() as u32).collect();
        arrivals.sort_by_key(|job| Reverse((jobs[*job as usize].arrival, *job)));
        let mut dependents = Vec::new();
        if jobs.iter().any(|job| !job.after.is_empty()) {
            dependents = vec![Vec::new(); jobs.len()];
            for (number, job) in (0..).zip(jobs) {
                job.after.iter().for_each(|before| dependents[*before as usize].push(number));
            }
        }
        Self {
            state,
            policy,
            windows: Arc::clone(&setting.windows),
            spares,
            arrivals,
            dependents,
            pending: jobs.iter().map(|job| 1 + job.after.len() as u32).collect(),
            faults: faults.peekable(),
            repairs: BinaryHeap::new(),
            until: setting.until,
            left: jobs.len(),
            changed: false,
            outcome: Outcome {
                records: Vec::new(),
                segments: Vec::new(),
                end: Moment::ZERO,
                longest_queue: 0,
                held: Held::default(),
                fragmentation: 0.0,
                faults: 0,
            },
        }
    }

    fn run(mut self) -> Outcome {
        let mut held: Option<Limit> = None;
        let (mut waited, mut pieces, mut fragmentation) = (0.0, 0.0, 0.0);
        while self.left > 0 {
            let Some(now) = self.next_instant() else { break };
            if let Some(limit) = held {
                let time = now.since(self.state.now);
                self.outcome.held.add(limit, time);
                waited += time.secs();
                pieces += time.secs() * fragmentation;
            }
            self.state.now = now;
            self.completions();
            self.changes();
            self.arrive();
            // A job that arrives and waits for others changes nothing.
            if std::mem::take(&mut self.changed) {
                self.policy.pass(&mut self.state);
            }
            let queued: usize = self.state.queues.iter().map(Waiting::len).sum();
            self.outcome.longest_queue = self.outcome.longest_queue.max(queued);
            held = self.state.queues.iter().find_map(Waiting::first).map(|first| self.state.lacks(first));
            if held.is_some() {
                fragmentation = self.state.supply.placer.fragmentation();
            }
        }
        self.outcome.fragmentation = if waited > 0.0 { pieces / waited } else { 0.0 };
        self.outcome.records = self.state.records;
        self.outcome.segments = self.state.segments;
        self.outcome
    }

    /// When something happens next, as long as that can still help a job.
    fn next_instant(&mut self) -> Option<Moment> {
        let end = self.state.ends.first().map(|(end, _)| *end);
        let arrival = self.arrivals.last().map(|job| self.state.jobs[*job as usize].arrival);
        let edge = self.state.edges.last().copied();
        let fault = self.faults.peek().map(|fault| fault.at);
        let repair = self.repairs.peek().map(|Reverse((at, _))| *at);
        [end, arrival, edge, fault, repair].into_iter().flatten().min().filter(|at| *at <= self.until)
    }

    fn completions(&mut self) {
        while let Some((end, job)) = self.state.ends.first().copied().filter(|(end, _)| *end <= self.state.now) {
            self.state.stop(job, Ended::Done);
            self.changed = true;
            self.outcome.end = end;
            self.left -= 1;
            for i in 0..self.dependents.get(job as usize).map_or(0, Vec::len) {
                let dependent = self.dependents[job as usize][i];
                self.ready(dependent);
            }
        }
    }

    fn arrive(&mut self) {
        let now = self.state.now;
        while let Some(job) = self.arrivals.pop_if(|job| self.state.jobs[*job as usize].arrival <= now) {
            self.ready(job);
        }
    }

    /// One thing fewer that a job waits for before it is ready.
    fn ready(&mut self, job: u32) {
        let pending = &mut self.pending[job as usize];
        *pending -= 1;
        if *pending == 0 {
            self.state.enqueue(job);
            self.changed = true;
        }
    }

    /// Repairs, then failures, then windows and caps.
    fn changes(&mut self) {
        let now = self.state.now;
        while let Some(Reverse((_, node))) = self.repairs.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.repairs.pop();
            self.changed = true;
            self.spares.repaired(node, &mut self.state.supply.placer);
        }
        while let Some(fault) = self.faults.next_if(|fault| fault.at <= now) {
            self.fail(&fault);
        }
        let mut edge = false;
        while self.state.edges.pop_if(|at| *at <= now).is_some() {
            edge = true;
        }
        if edge {
            self.changed = true;
            self.drain();
            self.cut_power();
        }
    }

    /// A node fails; one that is down already does not.
    fn fail(&mut self, fault: &Fault) {
        if self.repairs.iter().any(|Reverse((_, node))| *node == fault.node) {
            return;
        }
        self.outcome.faults += 1;
        self.changed = true;
        self.stop_where(Ended::Failed, |_, node| node == fault.node);
        self.spares.failed(fault.node, &mut self.state.supply.placer);
        self.repairs.push(Reverse((self.state.now + fault.outage, fault.node)));
    }

    /// Stops whoever is in the way of a window that has begun.
    fn drain(&mut self) {
        let (now, windows) = (self.state.now, Arc::clone(&self.windows));
        for window in windows.all().iter().filter(|window| window.from <= now && now < window.until) {
            self.stop_where(Ended::Drained, |job, node| window.nodes.contains(node as usize) && !window.admits(job));
        }
    }

    /// Stops preemptible jobs, the latest started first, until what runs is within the cap.
    fn cut_power(&mut self) {
        let now = self.state.now;
        let cap = self.state.supply.power.cap(now, now);
        let mut running: Vec<u32> = self.state.running().filter(|job| self.state.jobs[*job as usize].preemptible).collect();
        running.sort_by_key(|job| (self.state.since(*job), *job));
        while self.state.supply.power.drawn() > cap + 1.0 {
            let Some(job) = running.pop() else { break };
            self.state.stop(job, Ended::PowerCut);
        }
    }

    /// Stops running jobs that hold GPUs of such nodes.
    fn stop_where(&mut self, ended: Ended, hit: impl Fn(u32, u32) -> bool) {
        let placer = &self.state.supply.placer;
        let is_hit = |job: &u32| {
            let slots = self.state.allocation(*job).map_or(&[][..], |held| held.slots.as_slice());
            slots.iter().filter_map(|slot| placer.node_of(slot.at)).any(|node| hit(*job, node))
        };
        let stopped: Vec<u32> = self.state.running().filter(is_hit).collect();
        for job in stopped {
            self.state.stop(job, ended);
        }
    }
}
