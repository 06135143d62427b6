//! The plan of a job on a cluster: the layout, its step, the run, the cost, and what they rest on.
//!
//! Here the rooms below come together; `report` and `cli` only show what is made here.

mod alternative;
mod assumptions;
mod contest;
mod cost_sheet;
mod costs;
mod course;
mod explain;
mod feasible;
mod in_time;
mod laid_out;
mod overlap;
mod place;
mod price;
mod refusal;
mod request;
mod slowest;
pub mod study;
pub mod survey;

pub use alternative::{Alternative, Shift};
pub use assumptions::Assumption;
pub use contest::Contender;
use contest::{Contest, Entry};
pub use costs::{CostQuestion, Costs, PoolCost, RunCost, WorkCost};
pub use course::Course;
pub use explain::{Derivation, How, explain};
pub use in_time::in_time;
pub use laid_out::laid_out;
pub use overlap::Overlap;
use place::space;
pub use place::{setup, setup_calibrated};
pub use refusal::Refusal;
use refusal::refuse;
pub use request::Request;
pub use slowest::{SlowestCost, slowest};

use serde::Serialize;

use crate::calibration::{Calibration, Interval, Moved};
use crate::catalog::Catalog;
use crate::diagnostic::Code;
use crate::economics::CostEstimate;
use crate::run::RunEstimate;
use crate::search::{Account, Progress, Search};
use crate::spec::{Cluster, Job, Pool, Precision, Workload};
use crate::step::graph::Timeline;
use crate::step::{Setup, StepEstimate};
use crate::topology::Topology;
use crate::units::{Seconds, grouped};

/// Version of the JSON that a plan is written as.
pub const SCHEMA_VERSION: u32 = 1;

/// Turns of a step that a plan still draws.
const MOST_TURNS: usize = 20_000;

/// A plan.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Version of this structure.
    pub schema_version: u32,
    /// Version of the planner.
    pub planner_version: &'static str,
    /// The cluster.
    pub cluster: ClusterSummary,
    /// The job.
    pub job: JobSummary,
    /// One step.
    pub step: StepEstimate,
    /// How far from the predicted time of a step published runs of its class were; the run's time, energy and cost follow in proportion.
    pub interval: StepInterval,
    /// The whole run, when the job says how many tokens.
    pub run: Option<RunEstimate>,
    /// Its cost.
    pub cost: Option<CostEstimate>,
    /// The next best layouts.
    pub alternatives: Vec<Alternative>,
    /// Other pools and data types that the job leaves open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contenders: Vec<Contender>,
    /// What became of every layout tried.
    pub search: Account,
    /// How much better than the plan's another layout might be, when the time was over before it was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<f64>,
    /// What a profile of one's own hardware moved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calibrated: Vec<Moved>,
    /// What is assumed, not measured.
    pub assumptions: Vec<Assumption>,
    /// What is not in the estimate.
    pub not_modelled: Vec<&'static str>,
    /// What happens on each stage over a step, and what makes it; not where tasks are too many to look at.
    pub course: Option<Course>,
    /// When every task of a step runs, for a picture; not where stages are one or tasks too many to look at.
    #[serde(skip)]
    pub timeline: Option<Timeline>,
}

/// Around the predicted time of a step.
#[derive(Debug, Clone, Serialize)]
pub struct StepInterval {
    /// Nine in ten measured times are in between.
    #[serde(rename = "step_time_90_s")]
    pub ninety: [Seconds; 2],
    /// Half of them are.
    #[serde(rename = "step_time_50_s")]
    pub half: [Seconds; 2],
    /// Where that is from.
    #[serde(flatten)]
    pub from: Interval,
}

impl StepInterval {
    fn new(setup: &Setup<'_>, step: &StepEstimate) -> Self {
        let from = interval(setup, step.gpus);
        Self { ninety: from.around(step.step_time, from.ninety), half: from.around(step.step_time, from.half), from }
    }
}

/// The cluster of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct ClusterSummary {
    /// Its name.
    pub name: String,
    /// The pool that the job runs on, or the two, with a comma between.
    pub pool: String,
    /// Its accelerator.
    pub accelerator: String,
    /// Accelerators in the pool, or in both.
    pub gpus: u32,
    /// Racks of the whole cluster.
    pub racks: u32,
    /// Largest power of all nodes, at the site's meter.
    #[serde(rename = "site_power_max_w")]
    pub site_power: crate::units::Watts,
    /// Switches and cables.
    pub fabric: Option<crate::topology::FabricSize>,
}

/// The job of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct JobSummary {
    /// Its name.
    pub name: String,
    /// The model.
    pub model: String,
    /// Its parameters.
    pub parameters: f64,
    /// Parameters that a token meets.
    pub active_parameters: f64,
    /// Tokens of a sequence.
    pub sequence: u32,
    /// Data type of the matmuls.
    pub precision: Precision,
    /// What runs behind computation, where that was open.
    #[serde(flatten)]
    pub overlap: Overlap,
    /// Sequences of a step, as planned.
    pub global_batch_sequences: u64,
    /// Time by which it has to be done.
    #[serde(rename = "deadline_s")]
    pub deadline: Option<Seconds>,
}

impl Plan {
    /// Plans a job on a cluster.
    ///
    /// # Errors
    /// [`Refusal::Input`] for a job that cannot be, [`Refusal::No`] when no layout of it fits.
    pub fn new(
        cluster: &Cluster,
        topology: &Topology,
        workload: &Workload,
        job: &Job,
        catalog: &Catalog,
    ) -> Result<Self, Refusal> {
        Self::calibrated((cluster, topology), workload, job, catalog, Calibration::defaults())
    }

    /// Plans a job on a cluster with other efficiencies than the defaults.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn calibrated(
        (cluster, topology): (&Cluster, &Topology),
        workload: &Workload,
        job: &Job,
        catalog: &Catalog,
        calibration: &Calibration,
    ) -> Result<Self, Refusal> {
        Self::asked((cluster, topology), workload, job, catalog, (calibration, &Request::default(), &|_| {}))
    }

    /// Plans a job on a cluster, choosing its layout as asked, and tells `watch` how far the search is.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn asked(
        (cluster, topology): (&Cluster, &Topology),
        workload: &Workload,
        job: &Job,
        catalog: &Catalog,
        (calibration, request, watch): (&Calibration, &Request, &dyn Fn(Progress)),
    ) -> Result<Self, Refusal> {
        let contest = Contest::new((cluster, topology), (workload, job), catalog, calibration, (request, watch))?;
        Self::of((cluster, topology), (workload, job), catalog, calibration, (request, &contest))
    }

    /// The plan of a contest's winner.
    fn of(
        (cluster, topology): (&Cluster, &Topology),
        (workload, job): (&Workload, &Job),
        catalog: &Catalog,
        calibration: &Calibration,
        (request, contest): (&Request, &Contest<'_>),
    ) -> Result<Self, Refusal> {
        let Entry { setup, space, found, overlap, .. } = contest.winner();
        let Some(best) = found.best.first() else {
            return Err(if found.account.unwanted > 0 {
                request.refuse(&found.account, workload, job)
            } else {
                refuse(cluster, setup, space, found, (workload, job))
            });
        };
        let step = setup.estimate(&best.strategy, &best.costs).map_err(|deadlock| {
            Refusal::Input(vec![workload.error(job, "parallelism.schedule", Code::InvalidValue, deadlock.to_string())])
        })?;
        let run = job.tokens.map(|tokens| RunEstimate::new(cluster, setup, &step, (tokens, job)));
        let pools = setup.accelerators(&step.strategy);
        let cost = run.as_ref().map(|run| CostEstimate::new(cluster, &pools, catalog, run));
        let followed = step.turns <= MOST_TURNS;
        let timeline = if followed { setup.task_graph(&best.costs).ok().map(|graph| graph.simulate()) } else { None };
        Ok(Self {
            course: timeline.as_ref().map(|timeline| Course::new(timeline, &best.costs)),
            timeline: timeline.filter(|_| step.strategy.pp > 1),
            schema_version: SCHEMA_VERSION,
            planner_version: env!("CARGO_PKG_VERSION"),
            cluster: summary(cluster, topology, setup),
            job: JobSummary {
                name: job.name.clone(),
                model: setup.model.name.clone(),
                parameters: setup.model.parameters(),
                active_parameters: setup.model.active_parameters(),
                sequence: job.sequence,
                precision: setup.computation.precision,
                overlap: *overlap,
                global_batch_sequences: step.strategy.sequences(),
                deadline: job.deadline,
            },
            alternatives: found.best.iter().skip(1).map(|other| Alternative::new(setup, other, (best, &step))).collect(),
            contenders: contest.contenders(best),
            search: found.account,
            gap: found.gap,
            calibrated: setup
                .sides()
                .flat_map(|own| calibration.moved(&own.pool.accelerator, own.computation.precision))
                .collect(),
            assumptions: assumptions::collect(cluster, setup, &step, (run.as_ref(), cost.as_ref())),
            not_modelled: vec!["stragglers", "waiting for nodes under repair"],
            interval: StepInterval::new(setup, &step),
            step,
            run,
            cost,
        })
    }

    /// The job as it was planned: on its pool or pools, in its data type, with its overlap.
    #[must_use]
    pub fn placed(&self, job: &Job) -> Job {
        let pool = job.pools.is_none().then(|| self.cluster.pool.clone());
        Job { pool, precision: Some(self.job.precision), ..self.job.overlap.fixed(job) }
    }

    /// The pools that the job runs on, with its accelerators on each.
    #[must_use]
    pub fn pools<'a>(&self, cluster: &'a Cluster) -> Vec<(&'a Pool, u64)> {
        let alone = (self.cluster.pool.as_str(), self.step.gpus);
        let named: Vec<(&str, u64)> = match self.step.pools.as_slice() {
            [] => vec![alone],
            parts => parts.iter().map(|part| (part.pool.as_str(), part.gpus)).collect(),
        };
        let of = |(name, gpus): (&str, u64)| Some((cluster.pools.iter().find(|pool| pool.name == name)?, gpus));
        named.into_iter().filter_map(of).collect()
    }

    /// Its accelerators: `1,016 x NVIDIA H100`.
    #[must_use]
    pub fn accelerators(&self) -> String {
        let of = |gpus: u64, what: &str| format!("{} x {what}", grouped(gpus as f64, 0));
        match self.step.pools.as_slice() {
            [] => of(self.step.gpus, &self.cluster.accelerator),
            parts => parts.iter().map(|part| of(part.gpus, &part.accelerator)).collect::<Vec<_>>().join(" and "),
        }
    }

    /// Whether the plan does what the job asks for: false when a deadline is missed.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.run.as_ref().and_then(|run| run.meets_deadline).unwrap_or(true)
    }
}

/// Names of one pool, or of two.
fn names<'a>(of: impl Iterator<Item = &'a str>) -> String {
    of.collect::<Vec<_>>().join(", ")
}

/// The interval of the job's class; over two pools the wider one.
fn interval(setup: &Setup<'_>, gpus: u64) -> Interval {
    let training = setup.calibration.training();
    let of = |own: &Setup<'_>| training.interval(&own.pool.accelerator.name, &own.computation, gpus);
    setup.sides().skip(1).map(of).fold(of(setup), |a, b| if b.ninety > a.ninety { b } else { a })
}

fn summary(cluster: &Cluster, topology: &Topology, setup: &Setup<'_>) -> ClusterSummary {
    ClusterSummary {
        name: cluster.name.clone(),
        pool: names(setup.sides().map(|own| own.pool.name.as_str())),
        accelerator: names(setup.sides().map(|own| own.pool.accelerator.title.as_str())),
        gpus: setup.sides().map(|own| own.pool.gpus()).sum(),
        racks: topology.racks(),
        site_power: cluster.it_power() * cluster.power.pue.value,
        fabric: topology.fabric().copied(),
    }
}

/// Whether a job can be laid out on a cluster at all, memory aside: what `check` asks.
///
/// # Errors
/// As [`Plan::new`], but for memory.
pub fn check_job(cluster: &Cluster, topology: &Topology, workload: &Workload, job: &Job) -> Result<(), Refusal> {
    let setup = setup(cluster, topology, workload, job)?;
    let gpus = setup.pool.gpus();
    let space = space(&setup, job);
    let families = space.families(&setup.model, setup.computation.sequence, gpus, setup.pool.domain());
    let mut examples = families.iter().flat_map(|family| space.examples(family, setup.model.layers));
    let legal = examples.any(|strategy| setup.violations(&strategy).is_empty());
    if legal { Ok(()) } else { Err(refuse(cluster, &setup, &space, &Search::default(), (workload, job))) }
}
