//! The run of a job with a layout that is known.

use super::{Refusal, setup_calibrated};
use crate::calibration::Calibration;
use crate::diagnostic::Code;
use crate::parallel::Strategy;
use crate::run::RunEstimate;
use crate::spec::{Cluster, Job, Workload};
use crate::topology::Topology;

/// The run of a job with a layout on the pool that it takes first, nothing searched; nothing where the job says not how many tokens.
///
/// # Errors
/// As [`super::Plan::new`].
pub fn laid_out(
    (cluster, topology): (&Cluster, &Topology),
    (workload, job): (&Workload, &Job),
    strategy: &Strategy,
    calibration: &Calibration,
) -> Result<Option<RunEstimate>, Refusal> {
    let Some(tokens) = job.tokens else { return Ok(None) };
    let setup = setup_calibrated(cluster, topology, workload, job, calibration)?;
    let step = setup.estimate(strategy, &setup.costs(strategy)).map_err(|deadlock| {
        Refusal::Input(vec![workload.error(job, "parallelism.schedule", Code::InvalidValue, deadlock.to_string())])
    })?;
    Ok(Some(RunEstimate::new(cluster, &setup, &step, (tokens, job))))
}
