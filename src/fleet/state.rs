//! A simulation at an instant: what a policy sees and what it can do.

use std::collections::BTreeSet;

use super::outcome::{Ended, Limit, Record, Segment};
use super::placement::{Allocation, Ask, Placer};
use super::supply::Supply;
use super::waiting::Waiting;
use super::{Demand, Job, Moment, Pace};

/// A simulation at an instant.
pub struct State<'a, P> {
    /// The jobs.
    pub jobs: &'a [Job],
    /// What is free.
    pub supply: Supply<P>,
    /// The queues, each in its order; most policies have one.
    pub queues: Vec<Waiting>,
    pub(super) now: Moment,
    pub(super) pace: &'a dyn Pace,
    pub(super) runs: Vec<Run>,
    /// Ends of running jobs.
    pub(super) ends: BTreeSet<(Moment, u32)>,
    /// Ends that the scheduler believes in, where the policy asks for them.
    pub(super) expected: Option<BTreeSet<(Moment, u32)>>,
    pub(super) records: Vec<Record>,
    pub(super) segments: Vec<Segment>,
    /// Queue of each job.
    pub(super) lane: Vec<u32>,
    pub(super) has_windows: bool,
    /// Instants to come at which windows begin or end or caps change, the last one first.
    pub(super) edges: Vec<Moment>,
}

/// A job's progress, and its run where it runs.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Share of its work that is still to do.
    left: f64,
    /// Time before work begins at the next start.
    overhead: Moment,
    /// Time that the scheduler believes it runs for once started.
    estimate: Moment,
    /// Since when it waits or runs.
    since: Moment,
    /// Time of all its work where it runs.
    whole: Moment,
    end: Moment,
    expected: Moment,
    /// What it runs on; nothing while it waits.
    allocation: Option<Allocation>,
}

impl Run {
    pub(super) fn new(estimate: Moment) -> Self {
        Self {
            left: 1.0,
            overhead: Moment::ZERO,
            estimate,
            since: Moment::ZERO,
            whole: Moment::ZERO,
            end: Moment::ZERO,
            expected: Moment::ZERO,
            allocation: None,
        }
    }
}

impl<P: Placer> State<'_, P> {
    /// The instant.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// The first of the first queue.
    #[must_use]
    pub fn head(&self) -> Option<u32> {
        self.queues[0].first()
    }

    /// How long the scheduler believes that a waiting job runs once it is started.
    #[must_use]
    pub fn estimate(&self, job: u32) -> Moment {
        self.runs[job as usize].estimate
    }

    /// A job that asks for so many GPUs from an instant on.
    #[must_use]
    pub fn ask(&self, job: u32, gpus: u32, from: Moment) -> Ask<'_> {
        Ask { job, demand: &self.jobs[job as usize].demand, gpus, from, until: from + self.estimate(job) }
    }

    /// Whether a demand might be met now. Where nodes are promised ahead it depends on the job, and on who it is.
    #[must_use]
    pub fn might_fit(&self, demand: &Demand) -> bool {
        if self.has_windows || !self.supply.power.caps.is_empty() {
            return self.supply.free(demand) >= demand.least;
        }
        self.supply.fits(&Ask { job: u32::MAX, demand, gpus: demand.least, from: self.now, until: self.now })
    }

    /// Takes GPUs for a waiting job, as many as it makes use of and there are.
    pub fn take(&mut self, job: u32) -> Option<Allocation> {
        let demand = &self.jobs[job as usize].demand;
        let (from, until) = (self.now, self.now + self.estimate(job));
        demand.counts().find_map(|gpus| self.supply.take(&Ask { job, demand, gpus, from, until }))
    }

    /// Starts a job if it can.
    pub fn start(&mut self, job: u32) -> bool {
        let taken = self.take(job);
        let can = taken.is_some();
        if let Some(allocation) = taken {
            self.begin(job, allocation);
        }
        can
    }

    /// Starts a job on GPUs that were taken for it.
    pub fn begin(&mut self, job: u32, allocation: Allocation) {
        let i = job as usize;
        let spec = &self.jobs[i];
        self.queues[self.lane[i] as usize].remove(job);
        let whole = self.time_on(spec, &allocation);
        let run = &mut self.runs[i];
        let work = if run.left < 1.0 { whole.scaled(run.left) } else { whole };
        let time = run.overhead + spec.checkpoint.with_writes(work);
        let record = &mut self.records[i];
        record.waited += self.now.since(run.since);
        record.start.get_or_insert(self.now);
        (run.since, run.whole, run.end) = (self.now, whole, self.now + time);
        // A job whose limit is given ends by it for all that the scheduler knows.
        run.expected = if spec.limit.is_some() { self.now + run.estimate } else { run.end };
        run.allocation = Some(allocation);
        self.ends.insert((run.end, job));
        if let Some(expected) = &mut self.expected {
            expected.insert((run.expected, job));
        }
    }

    /// Time of all of a job's work on these GPUs.
    fn time_on(&self, job: &Job, allocation: &Allocation) -> Moment {
        let placer = &self.supply.placer;
        let slots = allocation.slots.as_slice();
        let pool = |slot: &super::placement::Slot| placer.pool_of(slot.at);
        match job.class {
            None if allocation.gpus == job.demand.most => job.work,
            None => job.work.scaled(f64::from(job.demand.most) / f64::from(allocation.gpus)),
            Some(class) => {
                let spread = placer.spread(allocation);
                let mut pools: Vec<u16> = slots.iter().map(pool).collect();
                pools.dedup();
                job.work.scaled(self.pace.slowdown(class, &pools, allocation.gpus, spread))
            }
        }
    }

    /// Stops a running job. What it keeps of its work depends on why.
    pub fn stop(&mut self, job: u32, ended: Ended) {
        let i = job as usize;
        let spec = &self.jobs[i];
        let run = &mut self.runs[i];
        let Some(allocation) = run.allocation.take() else { return };
        self.ends.remove(&(run.end, job));
        if let Some(expected) = &mut self.expected {
            expected.remove(&(run.expected, job));
        }
        self.supply.give(&allocation);
        let record = &mut self.records[i];
        if ended == Ended::Done {
            record.finish = Some(self.now);
        } else {
            let worked = self.now.since(run.since).since(run.overhead);
            let done = spec.checkpoint.done(worked);
            let failed = ended == Ended::Failed;
            // With notice there is time for a checkpoint; a failure gives none.
            let kept = if failed { spec.checkpoint.saved(worked) } else { done };
            run.left = (run.left - kept.secs() / run.whole.secs().max(1e-3)).clamp(0.0, 1.0);
            run.overhead = spec.checkpoint.restart + if failed { Moment::ZERO } else { spec.checkpoint.write };
            record.lost += done.since(kept).millis() * u64::from(allocation.gpus);
            record.failures += u32::from(failed);
            record.preemptions += u32::from(!failed);
        }
        self.segments.push(Segment { job, start: run.since, end: self.now, allocation, ended });
        run.since = self.now;
        if ended != Ended::Done {
            let estimate = self.believed(job);
            self.runs[i].estimate = estimate;
            let queue = &mut self.queues[self.lane[i] as usize];
            queue.set_estimate(job, estimate);
            queue.insert(job);
        }
    }

    /// How long the scheduler believes that a job runs from its next start: its limit, or its time where it would rather run.
    pub(super) fn believed(&self, job: u32) -> Moment {
        let (spec, run) = (&self.jobs[job as usize], &self.runs[job as usize]);
        let Demand { least, most, .. } = spec.demand;
        let whole = match spec.class {
            _ if least == most => spec.work,
            None => spec.work.scaled(f64::from(most) / f64::from(least.max(1))),
            Some(class) => {
                spec.work.scaled(self.pace.slowdown(class, &spec.demand.pools[..1], least, super::placement::Spread::Leaf))
            }
        };
        let work = if run.left < 1.0 { whole.scaled(run.left) } else { whole };
        spec.limit.unwrap_or_else(|| spec.checkpoint.with_writes(work)) + run.overhead
    }

    /// Puts a job that has arrived and waits for no other into its queue.
    pub(super) fn enqueue(&mut self, job: u32) {
        let i = job as usize;
        self.runs[i].since = self.now;
        self.records[i].ready = Some(self.now);
        self.queues[self.lane[i] as usize].insert(job);
    }

    /// Running jobs in the order in which the scheduler believes they end, those that should have ended first.
    pub fn expected_ends(&self) -> impl Iterator<Item = (Moment, u32)> + '_ {
        self.expected.iter().flatten().copied()
    }

    /// Instants to come at which windows begin or end or caps of power change, in order.
    pub fn edges(&self) -> impl Iterator<Item = Moment> + '_ {
        self.edges.iter().rev().copied()
    }

    /// Running jobs, in the order of their ends.
    pub fn running(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.ends.iter().map(|(_, job)| *job)
    }

    /// Since when a running job runs, or a waiting one waits.
    #[must_use]
    pub fn since(&self, job: u32) -> Moment {
        self.runs[job as usize].since
    }

    /// What a running job holds.
    #[must_use]
    pub fn allocation(&self, job: u32) -> Option<&Allocation> {
        self.runs[job as usize].allocation.as_ref()
    }

    /// What a waiting job lacks.
    #[must_use]
    pub fn lacks(&self, job: u32) -> Limit {
        let demand = &self.jobs[job as usize].demand;
        let ask = self.ask(job, demand.least, self.now);
        if self.supply.free(demand) < demand.least {
            return Limit::Gpus;
        }
        let unpromised = Ask { until: self.now, job: u32::MAX, ..ask };
        if self.supply.placer.fits(&ask) {
            return if self.supply.fits(&ask) { Limit::Promised } else { Limit::Power };
        }
        if self.has_windows && self.supply.placer.fits(&unpromised) { Limit::Promised } else { Limit::Topology }
    }
}
