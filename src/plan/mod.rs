//! The plan of a job on a cluster: the layout, its step, the run, the cost, and what they rest on.
//!
//! Here the rooms below come together; `report` and `cli` only show what is made here.

mod assumptions;
mod course;
mod explain;
mod feasible;
mod refusal;
mod request;
mod slowest;
pub mod study;

pub use assumptions::Assumption;
pub use course::Course;
pub use explain::{Derivation, How, explain};
pub use refusal::Refusal;
use refusal::refuse;
pub use request::Request;
pub use slowest::{SlowestCost, slowest};

use std::sync::Arc;

use serde::Serialize;

use crate::calibration::{Calibration, Interval, Moved};
use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::economics::CostEstimate;
use crate::parallel::{LayerSplit, Strategy};
use crate::run::RunEstimate;
use crate::search::{Account, Found, Progress, Search, Space, search_watched};
use crate::spec::{Cluster, Job, Pool, Precision, Workload};
use crate::step::graph::Timeline;
use crate::step::{Order, Setup, SetupError, StepEstimate};
use crate::topology::Topology;
use crate::units::{Bytes, Seconds};

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
        let from = setup.calibration.training().interval(&setup.pool.accelerator.name, &setup.computation, step.gpus);
        Self { ninety: from.around(step.step_time, from.ninety), half: from.around(step.step_time, from.half), from }
    }
}

/// The cluster of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct ClusterSummary {
    /// Its name.
    pub name: String,
    /// The pool that the job runs on.
    pub pool: String,
    /// Its accelerator.
    pub accelerator: String,
    /// Accelerators in the pool.
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
    /// Sequences of a step, as planned.
    pub global_batch_sequences: u64,
    /// Time by which it has to be done.
    #[serde(rename = "deadline_s")]
    pub deadline: Option<Seconds>,
}

/// A layout that is nearly as good.
#[derive(Debug, Clone, Serialize)]
pub struct Alternative {
    /// The layout.
    pub strategy: Strategy,
    /// Time per token over the plan's, minus one.
    pub slower_by: f64,
    /// GPU-hours per token over the plan's, minus one.
    pub dearer_by: f64,
    /// Memory of the fullest accelerator.
    #[serde(rename = "memory_bytes")]
    pub memory: Bytes,
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
        let setup = setup_calibrated(cluster, topology, workload, job, calibration)?;
        let most_gpus = request.most_gpus(cluster, setup.pool, workload, job)?;
        let space = Space { any_schedule: request.any_schedule, most_gpus, ..space(&setup, job) };
        let wanted = request.wanted(job);
        let found = search_watched(&setup, &space, &wanted, watch);
        let Some(best) = found.best.first() else {
            return Err(if found.account.unwanted > 0 {
                request.refuse(&found.account, workload, job)
            } else {
                refuse(cluster, &setup, &space, &found, (workload, job))
            });
        };
        let step = setup.estimate(&best.strategy, &best.costs).map_err(|deadlock| {
            Refusal::Input(vec![workload.error(job, "parallelism.schedule", Code::InvalidValue, deadlock.to_string())])
        })?;
        let run = job.tokens.map(|tokens| RunEstimate::new(cluster, setup.pool, &step, tokens, job.deadline));
        let cost = run.as_ref().map(|run| CostEstimate::new(cluster, setup.pool, catalog, run));
        let followed = step.turns <= MOST_TURNS;
        let timeline = if followed { setup.task_graph(&best.costs).ok().map(|graph| graph.simulate()) } else { None };
        Ok(Self {
            course: timeline.as_ref().map(|timeline| Course::new(timeline, &best.costs)),
            timeline: timeline.filter(|_| step.strategy.pp > 1),
            schema_version: SCHEMA_VERSION,
            planner_version: env!("CARGO_PKG_VERSION"),
            cluster: summary(cluster, topology, setup.pool),
            job: JobSummary {
                name: job.name.clone(),
                model: setup.model.name.clone(),
                parameters: setup.model.parameters(),
                active_parameters: setup.model.active_parameters(),
                sequence: job.sequence,
                precision: setup.computation.precision,
                global_batch_sequences: step.strategy.sequences(),
                deadline: job.deadline,
            },
            alternatives: found.best.iter().skip(1).map(|other| alternative(other, best)).collect(),
            search: found.account,
            gap: found.gap,
            calibrated: calibration.moved(&setup.pool.accelerator, setup.computation.precision),
            assumptions: assumptions::collect(cluster, &setup, &step, cost.as_ref()),
            not_modelled: vec!["failures and restarts", "checkpoint writes", "stragglers"],
            interval: StepInterval::new(&setup, &step),
            step,
            run,
            cost,
        })
    }

    /// Whether the plan does what the job asks for: false when a deadline is missed.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.run.as_ref().and_then(|run| run.meets_deadline).unwrap_or(true)
    }
}

/// The job on the pool that it names, or on the one with the most FLOP/s.
///
/// # Errors
/// When the pool is unknown, the model inconsistent, or the data type not one of the accelerator's.
pub fn setup<'a>(cluster: &'a Cluster, topology: &'a Topology, workload: &Workload, job: &Job) -> Result<Setup<'a>, Refusal> {
    setup_calibrated(cluster, topology, workload, job, Calibration::defaults())
}

/// The same with other efficiencies than the defaults.
///
/// # Errors
/// As [`setup`].
pub fn setup_calibrated<'a>(
    cluster: &'a Cluster,
    topology: &'a Topology,
    workload: &Workload,
    job: &Job,
    calibration: &'a Calibration,
) -> Result<Setup<'a>, Refusal> {
    let input = |error: Diagnostic| Refusal::Input(vec![error]);
    let index = match &job.pool {
        Some(name) => cluster.pools.iter().position(|pool| pool.name == *name).ok_or_else(|| {
            let names: Vec<&str> = cluster.pools.iter().map(|pool| pool.name.as_str()).collect();
            let message = format!("cluster `{}` has no pool {}", cluster.name, quoted(name));
            input(workload.error(job, "pool", Code::UnknownPool, message).help(format!("its pools: `{}`", names.join("`, `"))))
        })?,
        None => strongest(&cluster.pools, job.precision),
    };
    let peak = &cluster.pools[index].accelerator.peak;
    let precision = job.precision.unwrap_or(match (peak.bf16, peak.fp16) {
        (Some(_), _) => Precision::Bf16,
        (None, Some(_)) => Precision::Fp16,
        (None, None) => Precision::Tf32,
    });
    let computation = job.computation(precision);
    let setup = Setup::new((cluster, index), topology, calibration, &job.model, computation).map_err(|error| match error {
        SetupError::Model(ref inner) => {
            let message = format!("model `{}`: {inner}", job.model.name);
            let field = format!("model.{}", inner.field);
            input(workload.error(job, &field, Code::ModelConfigValue, message).help(inner.help.clone()))
        }
        SetupError::Precision { .. } => {
            let field = if job.precision.is_some() { "precision" } else { "name" };
            let have = Precision::ALL.iter().filter(|precision| precision.peak(peak).is_some());
            let have: Vec<&str> = have.map(|precision| precision.as_str()).collect();
            input(
                workload
                    .error(job, field, Code::UnsupportedDataType, error.to_string())
                    .help(format!("it has: {}", have.join(", "))),
            )
        }
    })?;
    let order = match &job.order {
        Some(source) => {
            Some(Arc::new(Order::read(source).map_err(|error| input(workload.also(job, "parallelism.order", *error)))?))
        }
        None => None,
    };
    Ok(Setup { layers: LayerSplit::of(&job.parallelism), order, ..setup })
}

/// What the job fixes, by itself and by its order, and what is open.
fn space(setup: &Setup<'_>, job: &Job) -> Space {
    let mut fixed = job.parallelism.clone();
    if let Some(order) = &setup.order {
        fixed.pp = fixed.pp.or(Some(order.shape.stages));
        fixed.vp = fixed.vp.or(Some(order.virtual_stages()));
        fixed.schedule = Some(order.kind());
    }
    let microbatches = setup.order.as_ref().map(|order| order.shape.microbatches);
    Space { microbatches, ..Space::new(&setup.computation, job.batch, fixed) }
}

fn strongest(pools: &[Pool], precision: Option<Precision>) -> usize {
    let rate = |pool: &Pool| {
        let peak = &pool.accelerator.peak;
        let rate = precision.map_or(peak.bf16.or(peak.fp16), |precision| precision.peak(peak));
        rate.map_or(0.0, |rate| rate.get() * f64::from(pool.gpus()))
    };
    (0..pools.len()).fold(0, |best, i| if rate(&pools[i]) > rate(&pools[best]) { i } else { best })
}

fn summary(cluster: &Cluster, topology: &Topology, pool: &Pool) -> ClusterSummary {
    ClusterSummary {
        name: cluster.name.clone(),
        pool: pool.name.clone(),
        accelerator: pool.accelerator.title.clone(),
        gpus: pool.gpus(),
        racks: topology.racks(),
        site_power: cluster.it_power() * cluster.power.pue.value,
        fabric: topology.fabric().copied(),
    }
}

fn alternative(other: &Found, best: &Found) -> Alternative {
    let slower = other.time_per_sequence() / best.time_per_sequence();
    Alternative {
        strategy: other.strategy,
        slower_by: slower - 1.0,
        dearer_by: slower * other.strategy.gpus() as f64 / best.strategy.gpus() as f64 - 1.0,
        memory: other.costs.peak_memory(),
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
