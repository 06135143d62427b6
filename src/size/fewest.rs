//! The fewest nodes that meet deadlines, in few tries, which ask for no plan but only whether some layout does.

use super::Design;
use super::least::Sizer;
use crate::plan::in_time;
use crate::topology::Topology;
use crate::units::Seconds;

/// A number over this of the most that may be tried is near it.
const NEARLY_ALL: u32 = 8;

/// What is known of a number of nodes before the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// A number that does not do.
    pub late: u32,
    /// A number that does.
    pub in_time: Option<u32>,
    /// The number that is tried first.
    pub first: u32,
    /// How far it may be off: the first step away from it.
    pub step: u32,
    /// The most that may be tried.
    pub most: u32,
}

impl Sizer<'_> {
    /// The fewest nodes of a design that do when work takes `by` times as long. More nodes can always leave some idle, so that the
    /// number lies between one that does not and one that does; time falls nearly as nodes rise, so that a time says where to look.
    ///
    /// # Errors
    /// Why the last number that was tried has no plan; nothing where it is only late.
    pub(super) fn fewest(&self, design: &Design, known: Known, by: f64) -> Result<u32, Option<String>> {
        let Known { mut late, most, .. } = known;
        let (mut in_time, mut refusal) = (known.in_time.unwrap_or(most + 1), None);
        let mut next = known.first;
        // A step away from what is known, ever longer.
        let mut step = known.step.max(1);
        while in_time - late > 1 {
            next = next.clamp(late + 1, in_time - 1);
            let done = self.done(design, next, by);
            match &done {
                Ok(Some(_)) => in_time = next,
                Ok(None) | Err(_) => late = next,
            }
            next = match (late, in_time <= most) {
                // Where little is left above, the most tells whether any number does.
                (_, false) if late > most / NEARLY_ALL => most,
                (_, false) => late.saturating_add(step),
                (0, true) => in_time.saturating_sub(step),
                (_, true) => late.midpoint(in_time),
            };
            match done {
                // The layout that was found is slower than the best, so that the number that its time tells is rather too large.
                Ok(Some(ratio)) => next = next.min(likely(in_time, ratio)),
                Ok(None) => {}
                Err(why) => refusal = Some(why),
            }
            step = step.saturating_mul(2);
        }
        if in_time <= most { Ok(in_time) } else { Err(refusal) }
    }

    /// The latest end of a job over its deadline, with layouts that have all in time; nothing where there are none.
    fn done(&self, design: &Design, nodes: u32, by: f64) -> Result<Option<f64>, String> {
        let question = self.question;
        let cluster = self.cluster(design, nodes)?;
        let topology = Topology::new(&cluster);
        let mut done = question.limits.lead_time.unwrap_or(Seconds::ZERO);
        let mut latest = 0.0_f64;
        for (i, (job, deadline)) in self.jobs.iter().enumerate() {
            // What follows starts when a job is done: only of the last is any layout as good as the best.
            let last = i + 1 == self.jobs.len() && job.tokens.is_some() && deadline.get().is_finite();
            let time = if last {
                let within = *deadline * (1.0 / by) - done;
                let how = (question.catalog, question.calibration);
                let time = in_time((&cluster, &topology), (question.workload, job), within, how);
                time.map_err(|refusal| super::least::said(&refusal))?
            } else {
                self.plan((&cluster, &topology), job)?.run.map(|run| run.time)
            };
            let Some(time) = time else { return Ok(None) };
            done += time;
            latest = latest.max(done / *deadline * by);
        }
        Ok((latest <= 1.0).then_some(latest))
    }
}

/// Nodes that would just do where so many take that share of the deadline.
pub(super) fn likely(nodes: u32, of_deadline: f64) -> u32 {
    (f64::from(nodes) * of_deadline - 1e-9).ceil().max(1.0) as u32
}
