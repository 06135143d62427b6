//! What else there is to know about the layouts of a job, once the best is found: how sure it is the best, what it relies on, what
//! other goals would choose, and what better hardware would be worth.

mod front;
mod levers;
mod trust;

pub use front::FrontPoint;
pub use levers::{Effect, Lever};
pub use trust::{Likely, Trust, Within};

use serde::Serialize;

use super::contest::Contest;
use super::{Plan, Refusal, Request};
use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::search::Progress;
use crate::spec::{Cluster, Job, Workload};
use crate::topology::Topology;

/// Version of the JSON that a survey is written as.
pub const SCHEMA_VERSION: u32 = 1;

/// Layouts that are weighed against each other at least.
const RIVALS: usize = 24;

/// The layouts of a job, surveyed.
#[derive(Debug, Clone, Serialize)]
pub struct Survey {
    /// Version of this structure.
    pub schema_version: u32,
    /// The plan with the best layout, and the next best ones with what makes them slower.
    pub plan: Plan,
    /// How sure it is that the best is the best.
    pub trust: Trust,
    /// Layouts that no other beats in time, memory, GPU-hours and energy at once.
    pub front: Vec<FrontPoint>,
    /// What a tenth more or less of each part of the hardware would do.
    pub levers: Vec<Lever>,
}

impl Survey {
    /// Surveys the layouts of a job.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn new(
        (cluster, topology): (&Cluster, &Topology),
        (workload, job): (&Workload, &Job),
        catalog: &Catalog,
        (calibration, request, watch): (&Calibration, &Request, &dyn Fn(Progress)),
    ) -> Result<Self, Refusal> {
        let wide = Request { top: request.top.max(RIVALS), ..*request };
        let contest = Contest::new((cluster, topology), (workload, job), catalog, calibration, (&wide, watch))?;
        let mut plan = Plan::of((cluster, topology), (workload, job), catalog, calibration, (&wide, &contest))?;
        plan.alternatives.truncate(request.top.saturating_sub(1));
        let winner = contest.winner();
        let levers = levers::levers(cluster, (workload, &plan.placed(job)), calibration, (winner, &plan));
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            trust: trust::trust(winner, calibration),
            front: front::front((cluster, winner), catalog, job),
            levers,
            plan,
        })
    }
}
