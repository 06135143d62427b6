//! What came of a simulation: who ran when and where, and how long everybody waited.

use serde::Serialize;

use super::{Allocation, Job, Moment};

/// A simulation's result.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What became of each job, in the order of the jobs.
    pub records: Vec<Record>,
    /// Every stretch that a job ran for, in the order in which they ended.
    pub segments: Vec<Segment>,
    /// When the last job was done.
    pub end: Moment,
    /// The longest that the queue was, in jobs.
    pub longest_queue: usize,
    /// How long the first of the queue waited, by what it lacked.
    pub held: Held,
    /// Share of the free GPUs that the largest job could not have had, in the mean over the time in which jobs wait.
    pub fragmentation: f64,
    /// Failures of nodes, whether they stopped a job or not.
    pub faults: u32,
}

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// When it was there and everything before it was done.
    pub ready: Option<Moment>,
    /// When it first ran.
    pub start: Option<Moment>,
    /// When it was done.
    pub finish: Option<Moment>,
    /// Time spent in the queue, after interruptions too.
    pub waited: Moment,
    /// Times that a failure stopped it.
    pub failures: u32,
    /// Times that it made room for others or for maintenance.
    pub preemptions: u32,
    /// Work that was done and not saved, times the GPUs, in milliseconds.
    pub lost: u64,
}

/// A stretch of time that a job ran for on the same GPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The job.
    pub job: u32,
    /// When it began.
    pub start: Moment,
    /// When it ended.
    pub end: Moment,
    /// Its GPUs.
    pub allocation: Allocation,
    /// Why it ended.
    pub ended: Ended,
}

impl Segment {
    /// How long it was.
    #[must_use]
    pub fn length(&self) -> Moment {
        self.end.since(self.start)
    }
}

/// Why a job stopped running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// It was done.
    Done,
    /// A node failed.
    Failed,
    /// It made room for a job that goes before it.
    Preempted,
    /// Its nodes were promised to maintenance or a reservation.
    Drained,
    /// The site's power was cut back.
    PowerCut,
}

/// What the first of the queue lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// GPUs: too few are free.
    Gpus,
    /// Enough are free, in places that do not go together.
    Topology,
    /// Places are there, power is not.
    Power,
    /// GPUs that are free are promised to a window or to a job ahead.
    Promised,
}

/// How long the first of the queue waited, by what it lacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Held {
    /// For GPUs.
    #[serde(rename = "gpus_s")]
    pub gpus: Moment,
    /// For GPUs that go together.
    #[serde(rename = "topology_s")]
    pub topology: Moment,
    /// For power.
    #[serde(rename = "power_s")]
    pub power: Moment,
    /// For GPUs that were promised to others.
    #[serde(rename = "promised_s")]
    pub promised: Moment,
}

impl Held {
    /// Adds time that was waited for lack of `limit`.
    pub fn add(&mut self, limit: Limit, time: Moment) {
        *match limit {
            Limit::Gpus => &mut self.gpus,
            Limit::Topology => &mut self.topology,
            Limit::Power => &mut self.power,
            Limit::Promised => &mut self.promised,
        } += time;
    }
}

/// How long jobs waited, and how long they took from arrival to end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Waits {
    /// Jobs that are done.
    pub jobs: usize,
    /// Mean time from arrival to end (job completion time, JCT).
    #[serde(rename = "mean_completion_s")]
    pub completion: f64,
    /// Mean time in the queue.
    #[serde(rename = "mean_wait_s")]
    pub mean: f64,
    /// Half of the jobs waited no longer.
    #[serde(rename = "p50_wait_s")]
    pub p50: f64,
    /// 95 of 100 did not.
    #[serde(rename = "p95_wait_s")]
    pub p95: f64,
    /// 99 of 100 did not.
    #[serde(rename = "p99_wait_s")]
    pub p99: f64,
    /// None did.
    #[serde(rename = "max_wait_s")]
    pub most: f64,
}

impl Waits {
    /// Of those jobs that are done and wanted.
    #[must_use]
    pub fn of(jobs: &[Job], records: &[Record], wanted: impl Fn(&Job) -> bool) -> Self {
        let done = || jobs.iter().zip(records).filter(|(job, record)| record.finish.is_some() && wanted(job));
        let mut waits: Vec<u64> = done().map(|(_, record)| record.waited.millis()).collect();
        waits.sort_unstable();
        let completion: u128 =
            done().filter_map(|(job, record)| record.finish.map(|end| u128::from(end.since(job.arrival).millis()))).sum();
        let count = waits.len().max(1) as f64;
        // The first wait that is longer than those of this share of the jobs.
        let at = |share: f64| {
            let place = ((share * waits.len() as f64) as usize).min(waits.len().saturating_sub(1));
            waits.get(place).map_or(0.0, |wait| *wait as f64 / 1000.0)
        };
        Self {
            jobs: waits.len(),
            completion: completion as f64 / count / 1000.0,
            mean: waits.iter().map(|wait| u128::from(*wait)).sum::<u128>() as f64 / count / 1000.0,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            most: at(1.0),
        }
    }
}

impl Outcome {
    /// Waits of all jobs.
    #[must_use]
    pub fn waits(&self, jobs: &[Job]) -> Waits {
        Waits::of(jobs, &self.records, |_| true)
    }

    /// GPU-seconds that jobs held.
    #[must_use]
    pub fn gpu_seconds(&self) -> f64 {
        let held = |segment: &Segment| u128::from(segment.length().millis()) * u128::from(segment.allocation.gpus);
        self.segments.iter().map(held).sum::<u128>() as f64 / 1000.0
    }

    /// Share of the cluster's GPUs that jobs held, from the start to the end of the last job.
    #[must_use]
    pub fn utilisation(&self, gpus: u32) -> f64 {
        let most = self.end.secs() * f64::from(gpus);
        if most > 0.0 { self.gpu_seconds() / most } else { 0.0 }
    }
}
