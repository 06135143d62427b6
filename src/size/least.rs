//! The fewest nodes of a design that meet the deadlines.

use serde::Serialize;

use super::{Design, Question};
use crate::diagnostic::Diagnostic;
use crate::economics::bill::Bill;
use crate::parallel::Strategy;
use crate::plan::{Plan, Refusal, Request};
use crate::spec::{Cluster, Job};
use crate::topology::Topology;
use crate::units::{Energy, Money, MoneyInterval, Seconds, Watts};

/// Accelerators of the largest cluster that is tried.
const MOST_GPUS: u32 = 131_072;
/// MFU from which the first try is made.
const LIKELY_MFU: f64 = 0.4;

/// A design with a number of nodes, and what it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sized {
    /// The design.
    pub design: Design,
    /// Nodes.
    pub nodes: u32,
    /// Accelerators.
    pub gpus: u32,
    /// The jobs in the order in which they run.
    pub jobs: Vec<JobRun>,
    /// When the last job is done, from the order of the cluster on.
    #[serde(rename = "done_s")]
    pub done: Seconds,
    /// The latest end of a job over its deadline.
    pub of_deadline: f64,
    /// What is bought, as far as it has a price.
    #[serde(rename = "capital")]
    pub capital: Option<MoneyInterval>,
    /// Kinds of items without a price.
    pub unpriced: usize,
    /// Cost of the jobs at the price of a GPU-hour.
    pub jobs_cost: Option<Money>,
    /// Energy of the jobs at the meter.
    #[serde(rename = "energy_j")]
    pub energy: Energy,
    /// Most power of the site.
    #[serde(rename = "site_power_w")]
    pub site_power: Watts,
    /// Most power of a rack.
    #[serde(rename = "rack_power_w")]
    pub rack_power: Watts,
    /// Racks.
    pub racks: u32,
}

/// A job on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRun {
    /// The job.
    pub name: String,
    /// Its layout.
    pub strategy: Strategy,
    /// How long it takes.
    #[serde(rename = "time_s")]
    pub time: Seconds,
    /// When it is done.
    #[serde(rename = "done_s")]
    pub done: Seconds,
    /// When it has to be.
    #[serde(rename = "deadline_s")]
    pub deadline: Seconds,
}

impl Sized {
    /// What designs are ranked by: capital in US dollars; infinite without a price.
    #[must_use]
    pub fn price(&self) -> f64 {
        self.capital.map_or(f64::INFINITY, |capital| capital.value().amount())
    }

    /// Whether every deadline is met.
    #[must_use]
    pub fn in_time(&self) -> bool {
        self.of_deadline <= 1.0
    }
}

/// What sizes designs.
pub(super) struct Sizer<'a> {
    pub(super) question: &'a Question<'a>,
    /// The jobs, the earliest deadline first.
    jobs: Vec<(&'a Job, Seconds)>,
}

impl<'a> Sizer<'a> {
    pub(super) fn new(question: &'a Question<'a>) -> Self {
        // A job without a deadline may take any time.
        let deadline = |job: &Job| question.deadline.or(job.deadline).unwrap_or(Seconds::new(f64::INFINITY));
        let mut jobs: Vec<(&Job, Seconds)> = question.workload.jobs.iter().map(|job| (job, deadline(job))).collect();
        jobs.sort_by(|a, b| a.1.get().total_cmp(&b.1.get()).then(a.0.index.cmp(&b.0.index)));
        Self { question, jobs }
    }

    /// A design with `nodes` nodes, planned.
    ///
    /// # Errors
    /// Why it cannot be built, or has no plan.
    pub(super) fn on(&self, design: &Design, nodes: u32) -> Result<Sized, String> {
        let cluster = self.cluster(design, nodes)?;
        self.planned(design, &cluster)
    }

    /// A cluster of a design, planned.
    ///
    /// # Errors
    /// As [`Self::on`].
    pub(super) fn planned(&self, design: &Design, cluster: &Cluster) -> Result<Sized, String> {
        let question = self.question;
        let topology = Topology::new(cluster);
        let request = Request { top: 1, ..Request::default() };
        let mut done = question.limits.lead_time.unwrap_or(Seconds::ZERO);
        let (mut jobs, mut energy, mut costs) = (Vec::new(), Energy::ZERO, Vec::new());
        for (job, deadline) in &self.jobs {
            let how: (_, _, &dyn Fn(crate::search::Progress)) = (question.calibration, &request, &|_| {});
            let plan = Plan::asked((cluster, &topology), question.workload, job, question.catalog, how);
            let plan = plan.map_err(|refusal| said(&refusal))?;
            let Some(run) = &plan.run else { continue };
            done += run.time;
            energy += run.energy;
            costs.push(plan.cost.as_ref().and_then(|cost| cost.total));
            jobs.push(JobRun {
                name: job.name.clone(),
                strategy: plan.step.strategy,
                time: run.time,
                done,
                deadline: *deadline,
            });
        }
        let bill = Bill::new(cluster, &topology, question.catalog);
        Ok(Sized {
            design: design.clone(),
            nodes: cluster.pools.iter().map(|pool| pool.nodes).sum(),
            gpus: cluster.gpus(),
            of_deadline: jobs.iter().map(|job| job.done / job.deadline).fold(0.0, f64::max),
            jobs,
            done,
            capital: bill.capital(),
            unpriced: bill.unpriced().len(),
            // A sum of money in several currencies is none.
            jobs_cost: costs.into_iter().reduce(|sum, more| sum?.plus(more?)).flatten(),
            energy,
            site_power: bill.site_power,
            rack_power: bill.racks.iter().map(|plan| plan.racks.power).fold(Watts::ZERO, Watts::max),
            racks: bill.racks.iter().map(|plan| plan.racks.count).sum(),
        })
    }

    /// Half-width of the interval in which half of measured step times are, in the logarithm of time: the widest of all jobs.
    pub(super) fn half_interval(&self, sized: &Sized) -> Option<f64> {
        let cluster = self.cluster(&sized.design, sized.nodes).ok()?;
        let accelerator = &cluster.pools.first()?.accelerator.name;
        let training = self.question.calibration.training();
        let half = |(job, _): &(&Job, Seconds)| {
            let precision = job.precision.unwrap_or(crate::spec::Precision::Bf16);
            training.interval(accelerator, &job.computation(precision), u64::from(sized.gpus)).half
        };
        self.jobs.iter().map(half).reduce(f64::max)
    }

    /// The latest end of a job over its deadline when nodes fail `by` times as often.
    pub(super) fn with_failures(&self, sized: &Sized, by: f64) -> Option<f64> {
        let mut cluster = self.cluster(&sized.design, sized.nodes).ok()?;
        let gpus = cluster.pools.first()?.gpus_per_node;
        cluster.reliability = cluster.reliability.failing(gpus, by);
        self.planned(&sized.design, &cluster).ok().map(|sized| sized.of_deadline)
    }

    pub(super) fn cluster(&self, design: &Design, nodes: u32) -> Result<Cluster, String> {
        self.question
            .site
            .cluster(design, nodes, (self.question.catalog, &self.question.limits))
            .map_err(|errors| first(&errors))
    }

    /// What a design costs with `nodes` nodes, in US dollars; nothing where it cannot be built or has no price.
    pub(super) fn capital(&self, design: &Design, nodes: u32) -> Option<f64> {
        let cluster = self.cluster(design, nodes).ok()?;
        Bill::of(&cluster, self.question.catalog).capital().map(|capital| capital.value().amount())
    }

    /// The fewest nodes with which a design meets the deadlines: more nodes can always leave some idle, so that it is found between one
    /// that does not and one that does. `fewest` is what another design of the server takes that loses less to its network, and is
    /// tried first.
    ///
    /// # Errors
    /// Why no number of nodes does.
    pub(super) fn least(&self, design: &Design, fewest: Option<u32>) -> Result<Sized, String> {
        let most = self.most_nodes(design)?;
        let mut late = fewest.map_or(0, |fewest| fewest - 1);
        let mut try_next = fewest.map_or_else(|| self.guess(design), Ok)?.clamp(1, most);
        let mut found: Option<Sized> = None;
        let mut refusal = None;
        loop {
            let next = self.on(design, try_next);
            let ratio = next.as_ref().map_or(2.0, |sized| sized.of_deadline);
            match next {
                Ok(sized) if sized.in_time() => found = Some(sized),
                other => {
                    refusal = other.err().or(refusal);
                    late = try_next;
                }
            }
            let in_time = found.as_ref().map_or(most + 1, |found| found.nodes);
            if in_time - late <= 1 {
                break;
            }
            // Time falls nearly as nodes rise; halved where that leads nowhere.
            let likely = (f64::from(try_next) * ratio).ceil();
            let likely = if likely.is_finite() { likely.min(f64::from(most)) as u32 } else { most };
            let inside = likely > late && likely < in_time && likely != try_next;
            try_next = if inside { likely } else { late + (in_time - late) / 2 };
        }
        found.ok_or_else(|| {
            refusal.unwrap_or_else(|| format!("{most} nodes, the most that were tried, are not enough for the deadlines"))
        })
    }

    /// The most nodes that are tried: those that the network carries.
    fn most_nodes(&self, design: &Design) -> Result<u32, String> {
        let one = self.cluster(design, 1)?;
        let mut most = (MOST_GPUS / one.gpus().max(1)).max(1);
        while most > 1 && self.cluster(design, most).is_err() {
            most /= 2;
        }
        Ok(most)
    }

    /// Nodes that would do at a usual MFU, counting six FLOPs for every parameter and token.
    fn guess(&self, design: &Design) -> Result<u32, String> {
        let one = self.cluster(design, 1)?;
        let pool = &one.pools[0];
        let mut nodes: f64 = 1.0;
        let mut before = 0.0;
        for (job, deadline) in &self.jobs {
            let Some(tokens) = job.tokens else { continue };
            let peak = &pool.accelerator.peak;
            let rate = job.precision.and_then(|precision| precision.peak(peak)).or(peak.bf16).or(peak.fp16);
            let active = crate::model::Architecture::new(&job.model).map_or(1e9, |model| model.active_parameters());
            let Some(rate) = rate else { continue };
            before += 6.0 * active * tokens.get() / (rate.get() * LIKELY_MFU * f64::from(pool.gpus_per_node));
            let time = *deadline - self.question.limits.lead_time.unwrap_or(Seconds::ZERO);
            nodes = nodes.max(before / time.get().max(1.0));
        }
        Ok(if nodes.is_finite() { nodes.ceil().min(f64::from(MOST_GPUS)) as u32 } else { 1 })
    }
}

fn first(errors: &[Diagnostic]) -> String {
    errors.first().map(|error| error.message.clone()).unwrap_or_default()
}

fn said(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Input(errors) => first(errors),
        Refusal::No(error) => error.message.clone(),
    }
}
