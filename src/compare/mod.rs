//! The same job on several clusters: what each makes of it, phase by phase, and at what price the dearer one pays. The first cluster
//! is the reference.
//!
//! Clusters differ in size, so that phases are compared in GPU time: accelerators times seconds for a million tokens. This room
//! knows plans; it does not know arguments or output.

mod against;
mod phase;

pub use against::{Against, BreakEven, Difference, OwnLayout, Part};
pub use phase::{Limit, Phase};

use rayon::prelude::*;
use serde::Serialize;

use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::diagnostic;
use crate::plan::{Plan, Refusal, Request, setup_calibrated};
use crate::spec::{Cluster, Job, Workload};
use crate::step::Setup;
use crate::topology::Topology;

/// Version of the JSON that a comparison is written as.
pub const SCHEMA_VERSION: u32 = 1;

/// A job on several clusters.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The job.
    pub job: String,
    /// Its model.
    pub model: String,
    /// The clusters, the reference first.
    pub sites: Vec<Site>,
}

/// A job on one of them.
#[derive(Debug, Clone, Serialize)]
pub struct Site {
    /// The cluster.
    pub cluster: String,
    /// The plan; none where there is none.
    pub plan: Option<Plan>,
    /// Why there is none.
    pub refusal: Option<String>,
    /// Where the GPU time of a million tokens goes.
    pub phases: Vec<Phase>,
    /// Beside the reference; nothing of the reference itself, and where either has no plan.
    pub against: Option<Against>,
}

impl Site {
    /// GPU time of a million tokens, in seconds.
    #[must_use]
    pub fn gpu_time(&self) -> f64 {
        self.phases.iter().map(|phase| phase.gpu_time).sum()
    }
}

/// A cluster with its graph.
#[derive(Debug)]
pub struct Place {
    /// The cluster.
    pub cluster: Cluster,
    /// Its graph.
    pub topology: Topology,
}

impl Place {
    /// A cluster as a place to plan on.
    #[must_use]
    pub fn new(cluster: Cluster) -> Self {
        Self { topology: Topology::new(&cluster), cluster }
    }
}

/// What jobs are planned with.
#[derive(Debug, Clone, Copy)]
pub struct With<'a> {
    /// The catalogue.
    pub catalog: &'a Catalog,
    /// Efficiency constants.
    pub calibration: &'a Calibration,
    /// How layouts are chosen.
    pub request: &'a Request,
}

/// A plan, with what it was made of.
struct Planned<'a> {
    plan: Plan,
    setup: Setup<'a>,
}

impl Comparison {
    /// A job on every one of `places`, the first of which is the reference.
    ///
    /// # Errors
    /// Why there is no plan on the reference, or what is wrong with the job.
    pub fn new(places: &[Place], (workload, job): (&Workload, &Job), with: With<'_>) -> Result<Self, Refusal> {
        let mut planned: Vec<Result<Planned<'_>, Refusal>> =
            places.par_iter().map(|place| plan(place, (workload, job), with)).collect();
        if planned.first().is_some_and(Result::is_err) {
            // What was found out about the others does not help without a reference.
            planned.swap_remove(0)?;
        }
        let reference = planned.first().and_then(|first| first.as_ref().ok());
        let site = |(i, (place, planned)): (usize, (&Place, &Result<Planned<'_>, Refusal>))| Site {
            cluster: place.cluster.name.clone(),
            plan: planned.as_ref().ok().map(|planned| planned.plan.clone()),
            refusal: planned.as_ref().err().map(reason),
            phases: planned.as_ref().map(|planned| phase::phases(&planned.plan.step, &planned.setup)).unwrap_or_default(),
            against: planned
                .as_ref()
                .ok()
                .zip(reference)
                .filter(|_| i > 0)
                .map(|(own, reference)| Against::new(own, reference, (&place.cluster, &places[0].cluster), with.catalog)),
        };
        Ok(Self {
            job: job.name.clone(),
            model: job.model.name.clone(),
            sites: places.iter().zip(&planned).enumerate().map(site).collect(),
        })
    }

    /// Whether every cluster has a plan that does what the job asks for.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.sites.iter().all(|site| site.plan.as_ref().is_some_and(Plan::holds))
    }
}

fn plan<'a>(place: &'a Place, (workload, job): (&Workload, &Job), with: With<'a>) -> Result<Planned<'a>, Refusal> {
    let how: (_, _, &dyn Fn(crate::search::Progress)) = (with.calibration, with.request, &|_| {});
    let plan = Plan::asked((&place.cluster, &place.topology), workload, job, with.catalog, how)?;
    let setup = setup_calibrated(&place.cluster, &place.topology, workload, &plan.placed(job), with.calibration)?;
    Ok(Planned { plan, setup })
}

/// Why there is no plan, in a line.
fn reason(refusal: &Refusal) -> String {
    let first = match refusal {
        Refusal::Input(errors) => errors.first(),
        Refusal::No(error) => Some(&**error),
    };
    first.map(|error: &diagnostic::Diagnostic| error.message.clone()).unwrap_or_default()
}
