//! What the slowest GPU costs a synchronous job: all wait for it at every step.

use serde::Serialize;

use super::{Plan, Refusal, setup_calibrated};
use crate::bench::BenchResult;
use crate::calibration::profile::About;
use crate::calibration::{Calibration, Profile};
use crate::catalog::{Accelerator, Catalog};
use crate::spec::{Cluster, Job, Workload};
use crate::topology::Topology;
use crate::units::Seconds;

/// A job on the median GPU of a fleet and on one of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SlowestCost {
    /// The job.
    pub job: String,
    /// Time of a step when all GPUs are as the median.
    #[serde(rename = "median_s")]
    pub median: Seconds,
    /// Time of a step when all wait for the slowest.
    #[serde(rename = "slowest_s")]
    pub slowest: Seconds,
    /// Which of the GPUs given that is.
    pub gpu: usize,
    /// GPUs of the job.
    pub gpus: u64,
}

impl SlowestCost {
    /// How much longer a step takes, as a share.
    #[must_use]
    pub fn longer_by(&self) -> f64 {
        self.slowest.get() / self.median.get() - 1.0
    }

    /// GPUs whose work is lost to waiting.
    #[must_use]
    pub fn gpus_lost(&self) -> f64 {
        self.gpus as f64 * (1.0 - self.median.get() / self.slowest.get())
    }
}

/// The step of a job on the layout that is best for the fleet's median, and again with the efficiencies of each of `suspects`.
///
/// # Errors
/// As [`Plan::new`].
pub fn slowest(
    (cluster, topology): (&Cluster, &Topology),
    (workload, job): (&Workload, &Job),
    catalog: &Catalog,
    accelerator: &Accelerator,
    (fleet, suspects): (&[&BenchResult], &[&BenchResult]),
) -> Result<Option<SlowestCost>, Refusal> {
    let calibrated = |results: &[&BenchResult]| {
        let mut profile = Profile::empty();
        profile.add_bench(About { accelerator, link: None }, results);
        Calibration::with_profile(profile)
    };
    let plan = Plan::calibrated((cluster, topology), workload, job, catalog, &calibrated(fleet))?;
    let mut worst: Option<(usize, Seconds)> = None;
    for (gpu, suspect) in suspects.iter().enumerate() {
        let calibration = calibrated(&[suspect]);
        let setup = setup_calibrated(cluster, topology, workload, &plan.placed(job), &calibration)?;
        let Ok(time) = setup.step_time(&setup.costs(&plan.step.strategy)) else { continue };
        if worst.is_none_or(|(_, slowest)| time > slowest) {
            worst = Some((gpu, time));
        }
    }
    Ok(worst.map(|(gpu, slowest)| SlowestCost {
        job: job.name.clone(),
        median: plan.step.step_time,
        slowest,
        gpu,
        gpus: plan.step.gpus,
    }))
}
