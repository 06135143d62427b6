//! Whether a run is done in time at all: no plan, only the first layout that is found to do.

use super::contest::Contest;
use super::{Refusal, Request};
use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::spec::{Cluster, Job, Workload};
use crate::topology::Topology;
use crate::units::Seconds;

/// The time that a run takes by the calendar with some layout that has it done `within` that time, the best or not; nothing where no
/// layout does, or where the job says not how many tokens.
///
/// # Errors
/// As [`super::Plan::new`].
pub fn in_time(
    (cluster, topology): (&Cluster, &Topology),
    (workload, job): (&Workload, &Job),
    within: Seconds,
    (catalog, calibration): (&Catalog, &Calibration),
) -> Result<Option<Seconds>, Refusal> {
    let job = Job { deadline: Some(within), ..job.clone() };
    let request = Request { top: 1, any_in_time: true, ..Request::default() };
    let contest = Contest::new((cluster, topology), (workload, &job), catalog, calibration, (&request, &|_| {}))?;
    let entry = contest.winner();
    let time = entry.found.best.first().zip(entry.wanted.deadline.as_ref()).map(|(found, deadline)| {
        let (sequence, gpus) = (entry.setup.computation.sequence, entry.setup.pool.gpus_per_node);
        entry.wanted.run_time(deadline, &found.strategy, found.step_time, (sequence, gpus))
    });
    Ok(time.filter(|time| *time <= within))
}
