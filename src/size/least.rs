//! The fewest nodes of a design that meet the deadlines.

use serde::Serialize;

use super::fewest::Known;
use super::owning::{Objective, Owning};
use super::{Design, Question};
use crate::diagnostic::Diagnostic;
use crate::economics::bill::Bill;
use crate::parallel::Strategy;
use crate::plan::{Plan, Refusal, Request, laid_out};
use crate::spec::{Cluster, Job};
use crate::topology::Topology;
use crate::units::{Energy, Money, MoneyInterval, Seconds, Watts};

/// Accelerators of the largest cluster that is tried.
const MOST_GPUS: u32 = 131_072;
/// MFU from which the first try is made.
const LIKELY_MFU: f64 = 0.4;
/// Of that try, the part that it may be off.
const LIKELY_OFF: u32 = 16;

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
    /// What is bought, as far as it has a price; nothing where nodes have none.
    #[serde(rename = "capital")]
    pub capital: Option<MoneyInterval>,
    /// Kinds of items without a price.
    pub unpriced: usize,
    /// Cost of the jobs at the price of a GPU-hour.
    pub jobs_cost: Option<Money>,
    /// What owning it costs; none where a price for that is missing.
    pub owning: Option<Owning>,
    /// Energy of the jobs' nodes at the meter.
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
    /// Capital in US dollars; infinite without a price.
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

/// Why no number of nodes of a design does.
pub(super) struct TooFew {
    /// The most nodes that have a plan and are late; zero where none has one.
    pub(super) late: u32,
    /// What is said of it.
    pub(super) message: String,
}

/// What sizes designs.
pub(super) struct Sizer<'a> {
    pub(super) question: &'a Question<'a>,
    /// The jobs, the earliest deadline first.
    pub(super) jobs: Vec<(&'a Job, Seconds)>,
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
        let topology = Topology::new(cluster);
        let mut done = self.question.limits.lead_time.unwrap_or(Seconds::ZERO);
        let (mut jobs, mut energy, mut costs) = (Vec::new(), Energy::ZERO, Vec::new());
        for (job, deadline) in &self.jobs {
            let plan = self.plan((cluster, &topology), job)?;
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
        let held = jobs.iter().map(|job| job.time).sum::<Seconds>().on_gpus(u64::from(cluster.gpus()));
        Ok(Sized {
            owning: Owning::new(cluster, self, held),
            of_deadline: jobs.iter().map(|job| job.done / job.deadline).fold(0.0, f64::max),
            jobs,
            done,
            // A sum of money in several currencies is none.
            jobs_cost: costs.into_iter().reduce(|sum, more| sum?.plus(more?)).flatten(),
            energy,
            ..self.bought(design, cluster, &topology)
        })
    }

    /// A cluster of a design before any job is planned on it: what it costs, draws and takes of the floor.
    pub(super) fn bought(&self, design: &Design, cluster: &Cluster, topology: &Topology) -> Sized {
        let bill = Bill::new(cluster, topology, self.question.catalog);
        Sized {
            design: design.clone(),
            nodes: cluster.pools.iter().map(|pool| pool.nodes).sum(),
            gpus: cluster.gpus(),
            jobs: Vec::new(),
            done: Seconds::ZERO,
            of_deadline: 0.0,
            capital: bill.capital_with_nodes(),
            unpriced: bill.unpriced().len(),
            jobs_cost: None,
            owning: None,
            energy: Energy::ZERO,
            site_power: bill.site_power,
            rack_power: bill.racks.iter().map(|plan| plan.racks.power).fold(Watts::ZERO, Watts::max),
            racks: bill.racks.iter().map(|plan| plan.racks.count).sum(),
        }
    }

    /// The plan of a job on a cluster.
    ///
    /// # Errors
    /// Why it has none.
    pub(super) fn plan(&self, (cluster, topology): (&Cluster, &Topology), job: &Job) -> Result<Plan, String> {
        let (question, request) = (self.question, Request { top: 1, ..Request::default() });
        let how: (_, _, &dyn Fn(crate::search::Progress)) = (question.calibration, &request, &|_| {});
        Plan::asked((cluster, topology), question.workload, job, question.catalog, how).map_err(|refusal| said(&refusal))
    }

    /// The latest end of a job over its deadline with the layouts of an answer on a cluster that differs from it in other ways.
    pub(super) fn replayed(&self, sized: &Sized, cluster: &Cluster) -> Option<f64> {
        let (question, topology) = (self.question, Topology::new(cluster));
        let mut done = question.limits.lead_time.unwrap_or(Seconds::ZERO);
        let mut latest = 0.0_f64;
        let runs = sized.jobs.iter().filter_map(|run| Some((self.jobs.iter().find(|(job, _)| job.name == run.name)?, run)));
        for ((job, deadline), run) in runs {
            let jobs = (question.workload, *job);
            let time = laid_out((cluster, &topology), jobs, &run.strategy, question.calibration).ok().flatten()?.time;
            done += time;
            latest = latest.max(done / *deadline);
        }
        Some(latest)
    }

    /// The same when nodes fail `by` times as often.
    pub(super) fn with_failures(&self, sized: &Sized, by: f64) -> Option<f64> {
        let mut cluster = self.cluster(&sized.design, sized.nodes).ok()?;
        let gpus = cluster.pools.first()?.gpus_per_node;
        cluster.reliability = cluster.reliability.failing(gpus, by);
        self.replayed(sized, &cluster)
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

    pub(super) fn cluster(&self, design: &Design, nodes: u32) -> Result<Cluster, String> {
        self.question
            .site
            .cluster(design, nodes, (self.question.catalog, &self.question.limits))
            .map_err(|errors| first(&errors))
    }

    /// What a design costs with `nodes` nodes, in US dollars; nothing where it cannot be built or has no price.
    pub(super) fn capital(&self, design: &Design, nodes: u32) -> Option<f64> {
        let cluster = self.cluster(design, nodes).ok()?;
        Bill::of(&cluster, self.question.catalog).capital_with_nodes().map(|capital| capital.value().amount())
    }

    /// The fewest nodes with which a design meets the deadlines, planned; `like` is how many a server of the same accelerators takes.
    ///
    /// # Errors
    /// Why no number of nodes does.
    pub(super) fn least(&self, design: &Design, like: Option<u32>) -> Result<Sized, TooFew> {
        let refused = |message| TooFew { late: 0, message };
        let most = self.most_nodes(design).map_err(refused)?;
        let first = like.map_or_else(|| self.guess(design), Ok).map_err(refused)?.clamp(1, most);
        let step = if like.is_some() { 1 } else { first / LIKELY_OFF };
        self.settled(design, Known { late: 0, in_time: None, first, step, most }).map_err(|why| {
            let why = why.or_else(|| self.on(design, most).err());
            let message = format!("{most} nodes, the most that were tried, are not enough for the deadlines");
            why.map_or(TooFew { late: most, message }, refused)
        })
    }

    /// The same of a design that takes no fewer than so many nodes, where with the fewest that do it is worth less than `worth`.
    pub(super) fn least_below(&self, design: &Design, fewest: u32, worth: f64) -> Option<Sized> {
        let most = self.most_below(design, (fewest, self.most_nodes(design).ok()?), worth);
        // What is bought rises with nodes: if the most that are worth less do not do, none does.
        let first = if self.question.objective == Objective::Runs { fewest } else { most };
        let known = Known { late: fewest - 1, in_time: None, first, step: 1, most };
        self.settled(design, known).ok().filter(|sized| sized.worth(self.question.objective) < worth)
    }

    /// The fewest nodes by what is known of them, planned.
    ///
    /// # Errors
    /// Why no number of nodes has a plan; nothing where all are late.
    fn settled(&self, design: &Design, known: Known) -> Result<Sized, Option<String>> {
        let found = self.fewest(design, known, 1.0)?;
        // The fastest layout is planned. It is done in time as well as the one that was found first, but where it takes more nodes,
        // which fail more often: then it is given one more.
        let mut sized = self.on(design, found)?;
        while !sized.in_time() && sized.nodes < known.most {
            sized = self.on(design, sized.nodes + 1)?;
        }
        if sized.in_time() { Ok(sized) } else { Err(None) }
    }

    /// The most nodes, from `fewest` on, with which a design is worth less than `worth`.
    fn most_below(&self, design: &Design, (fewest, most): (u32, u32), worth: f64) -> u32 {
        let below = |nodes: u32| self.at_least(design, nodes) < worth;
        let (mut less, mut more) = (fewest, fewest);
        while more < most && below(more) {
            (less, more) = (more, more.saturating_mul(2).min(most));
        }
        if below(more) {
            return more;
        }
        while more - less > 1 {
            let middle = less.midpoint(more);
            if below(middle) { less = middle } else { more = middle }
        }
        less
    }

    /// The most nodes that are tried: those that the network carries.
    pub(super) fn most_nodes(&self, design: &Design) -> Result<u32, String> {
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

pub(super) fn said(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Input(errors) => first(errors),
        Refusal::No(error) => error.message.clone(),
    }
}
