//! What a schedule comes to: when every job is done, what was in the way, what it draws and costs.

use serde::Serialize;

use super::cost::FleetCost;
use super::course::Stretch;
use super::failure::{Quantiles, Spread as Risk};
use super::outcome::{Held, Waits};
use super::placement::Placement;
use super::{Dag, Job, Moment, Outcome, PolicyKind, Roster, Site, Sized, course, late};
use crate::catalog::{Catalog, Sourced};
use crate::run::carbon::mean_intensity;
use crate::spec::Cluster;
use crate::units::{Carbon, Energy, GpuHours, Money, Seconds};

/// Version of the JSON that a schedule is written as.
pub const SCHEMA_VERSION: u32 = 1;

/// What is not in a schedule.
const NOT_MODELLED: [&str; 4] = [
    "jobs that slow each other down on the fabric",
    "jobs that grow or shrink while they run",
    "faults of the fabric that stop no node",
    "power that follows what a job does",
];

/// A schedule and what it comes to.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Version of this structure.
    pub schema_version: u32,
    /// Version of the planner.
    pub planner_version: &'static str,
    /// Name of the cluster.
    pub cluster: String,
    /// Nodes of all pools.
    pub nodes: u32,
    /// GPUs of all pools.
    pub gpus: u32,
    /// Who goes next.
    pub policy: PolicyKind,
    /// How places are chosen.
    pub placement: Placement,
    /// The jobs, in order.
    pub jobs: Vec<JobAnswer>,
    /// Waits of all jobs.
    pub waits: Waits,
    /// Waits by queue.
    pub queues: Vec<(String, Waits)>,
    /// When the last job is done.
    #[serde(rename = "end_s")]
    pub end: Moment,
    /// Share of the GPUs that jobs hold until then.
    pub utilisation: f64,
    /// Share of the free GPUs that the largest job could not have had, in the mean over the time in which jobs wait.
    pub fragmentation: f64,
    /// The longest that the queue is.
    pub longest_queue: usize,
    /// What the first of the queue waits for.
    #[serde(rename = "first_waits_for")]
    pub held: Held,
    /// GPUs times the time that jobs hold them.
    #[serde(rename = "gpu_seconds")]
    pub gpu_hours: GpuHours,
    /// Energy at the site's meter until the last job is done, of idle nodes too.
    #[serde(rename = "energy_j")]
    pub energy: Energy,
    /// What that costs at the cluster's tariff.
    pub electricity: Option<Money>,
    /// What all GPUs cost for that time, busy or not, electricity included.
    pub cost: Option<FleetCost>,
    /// CO2 equivalent of the energy.
    #[serde(rename = "carbon_g")]
    pub carbon: Option<Carbon>,
    /// Share of a node's largest power that it draws when idle.
    pub idle_power: Sourced<f64>,
    /// GPUs in use and power, by stretches of equal length.
    pub course: Vec<Stretch>,
    /// The same jobs under failures.
    pub failures: Option<Failures>,
    /// The smallest cluster that meets all deadlines, where it was asked for.
    pub smallest: Option<Sized>,
    /// Clusters of more nodes, where they were asked for; the first is this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub larger: Vec<Sized>,
    /// What is not in it.
    pub not_modelled: Vec<&'static str>,
}

/// What becomes of a job.
#[derive(Debug, Clone, Serialize)]
pub struct JobAnswer {
    /// Its name.
    pub name: String,
    /// Its queue.
    pub queue: String,
    /// GPUs of its longest stretch.
    pub gpus: u32,
    /// When it is submitted.
    #[serde(rename = "arrival_s")]
    pub arrival: Moment,
    /// When it first runs.
    #[serde(rename = "start_s")]
    pub start: Option<Moment>,
    /// When it is done.
    #[serde(rename = "finish_s")]
    pub finish: Option<Moment>,
    /// Time in the queue.
    #[serde(rename = "wait_s")]
    pub wait: Moment,
    /// When it has to be done.
    #[serde(rename = "deadline_s")]
    pub deadline: Option<Moment>,
    /// By how much it is late.
    #[serde(rename = "late_s")]
    pub late: Option<Moment>,
    /// When it could be done at the earliest, on a cluster without end.
    #[serde(rename = "earliest_s")]
    pub earliest: Moment,
    /// Times that it made room.
    pub preemptions: u32,
}

/// The same jobs under many courses of failures.
#[derive(Debug, Clone, Serialize)]
pub struct Failures {
    /// Simulations.
    pub seeds: u64,
    /// Failures of nodes until the last job is done.
    pub faults: Option<Quantiles>,
    /// When the last job is done.
    #[serde(rename = "end_s")]
    pub end: Option<Quantiles>,
    /// Deadlines missed.
    pub missed: Option<Quantiles>,
    /// Share of the simulations in which all deadlines are met.
    pub all_in_time: f64,
    /// What becomes of each job, in order.
    pub jobs: Vec<Risk>,
}

impl Answer {
    /// What `outcome` comes to.
    #[must_use]
    pub fn new(
        (cluster, catalog): (&Cluster, &Catalog),
        site: &Site,
        roster: &Roster<'_>,
        queues: &[String],
        outcome: &Outcome,
    ) -> Self {
        let jobs = roster.jobs;
        let end = outcome.end;
        let energy = course::energy(site, outcome);
        let of_queue = |queue: usize| Waits::of(jobs, &outcome.records, |job| job.queue as usize == queue);
        Self {
            schema_version: SCHEMA_VERSION,
            planner_version: env!("CARGO_PKG_VERSION"),
            cluster: cluster.name.clone(),
            nodes: site.map.nodes,
            gpus: site.all_gpus(),
            policy: roster.policy,
            placement: site.placement,
            jobs: answers(roster, queues, outcome),
            waits: outcome.waits(jobs),
            queues: queues.iter().cloned().enumerate().map(|(i, name)| (name, of_queue(i))).collect(),
            end,
            utilisation: outcome.utilisation(site.all_gpus()),
            fragmentation: outcome.fragmentation,
            longest_queue: outcome.longest_queue,
            held: outcome.held,
            gpu_hours: GpuHours::new(outcome.gpu_seconds()),
            energy,
            electricity: cluster.power.tariff.map(|tariff| energy * tariff),
            cost: FleetCost::new((cluster, catalog), site, outcome),
            carbon: mean_intensity(&cluster.power.carbon, None, Seconds::from(end)).map(|intensity| intensity * energy),
            idle_power: super::idle_share(),
            course: course::stretches(site, outcome),
            failures: None,
            smallest: None,
            larger: Vec::new(),
            not_modelled: NOT_MODELLED.to_vec(),
        }
    }

    /// Adds what failures make of it.
    #[must_use]
    pub fn with_failures(mut self, jobs: &[Job], outcomes: &[Outcome]) -> Self {
        let missed = |outcome: &Outcome| {
            let is_late = |(job, record): &(&Job, &super::Record)| late(job, record.finish).is_some();
            jobs.iter().zip(&outcome.records).filter(is_late).count() as f64
        };
        let numbers = |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(of).collect::<Vec<f64>>();
        let all_met = outcomes.iter().filter(|outcome| missed(outcome) == 0.0).count();
        self.failures = Some(Failures {
            seeds: outcomes.len() as u64,
            faults: Quantiles::of(numbers(&|outcome| f64::from(outcome.faults))),
            end: Quantiles::of(numbers(&|outcome| outcome.end.secs())),
            missed: Quantiles::of(numbers(&missed)),
            all_in_time: all_met as f64 / outcomes.len().max(1) as f64,
            jobs: jobs.iter().enumerate().map(|(i, job)| Risk::of(outcomes, i, job.deadline)).collect(),
        });
        self
    }

    /// Whether every job is done, and by its deadline; under failures, in half of the simulations.
    #[must_use]
    pub fn holds(&self) -> bool {
        let planned = self.jobs.iter().all(|job| job.finish.is_some() && job.late.is_none());
        planned && self.failures.as_ref().is_none_or(|failures| failures.missed.is_none_or(|missed| missed.p50 == 0.0))
    }
}

fn answers(roster: &Roster<'_>, queues: &[String], outcome: &Outcome) -> Vec<JobAnswer> {
    let jobs = roster.jobs;
    let earliest = Dag::new(jobs).map(|dag| dag.earliest(jobs)).unwrap_or_default();
    let mut gpus = vec![(Moment::ZERO, 0); jobs.len()];
    for segment in &outcome.segments {
        let longest = &mut gpus[segment.job as usize];
        *longest = (*longest).max((segment.length(), segment.allocation.gpus));
    }
    let answer = |i: usize, job: &Job| {
        let record = &outcome.records[i];
        JobAnswer {
            name: job.name.clone(),
            queue: queues.get(job.queue as usize).cloned().unwrap_or_default(),
            gpus: gpus[i].1,
            arrival: job.arrival,
            start: record.start,
            finish: record.finish,
            wait: record.waited,
            deadline: job.deadline,
            late: late(job, record.finish),
            earliest: earliest.get(i).copied().unwrap_or_default(),
            preemptions: record.preemptions,
        }
    };
    jobs.iter().enumerate().map(|(i, job)| answer(i, job)).collect()
}
