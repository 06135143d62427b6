//! The fewest nodes that meet deadlines, in few tries, most of which ask for no plan but only whether some layout does.

use super::Design;
use super::least::Sizer;
use crate::plan::in_time;
use crate::topology::Topology;
use crate::units::Seconds;

/// What is known of a number of nodes before the search.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    /// The number.
    pub nodes: u32,
    /// The latest end of a job on them over its deadline; none where there is no plan.
    pub of_deadline: Option<f64>,
    /// A number that is known not to do.
    pub late: u32,
    /// The most that may be tried.
    pub most: u32,
}

impl Sizer<'_> {
    /// The fewest nodes of a design that do when work takes `by` times as long. More nodes can always leave some idle, so that the
    /// number lies between one that does not and one that does; time falls nearly as nodes rise, so that a time says where to look.
    ///
    /// # Errors
    /// Why the last number that was tried has no plan; nothing where it is only late.
    pub(super) fn fewest(&self, design: &Design, first: First, by: f64) -> Result<u32, Option<String>> {
        let likely = |nodes: u32, ratio: f64| (f64::from(nodes) * ratio - 1e-9).ceil().clamp(1.0, f64::from(first.most)) as u32;
        let (mut late, mut in_time, mut refusal) = (first.late, first.most + 1, None);
        let ratio = first.of_deadline.map(|ratio| ratio * by);
        if ratio.is_some_and(|ratio| ratio <= 1.0) {
            in_time = first.nodes;
        } else {
            late = first.nodes;
        }
        let mut told = ratio.map(|ratio| likely(first.nodes, ratio));
        // Steps away from what is known, ever longer.
        let (mut down, mut up) = (1, first.nodes / 64 + 1);
        while in_time - late > 1 {
            let next = match (late, in_time <= first.most) {
                (_, false) => {
                    up *= 2;
                    told.filter(|told| *told > late).unwrap_or_else(|| late.saturating_add(up / 2))
                }
                (0, true) => {
                    down *= 2;
                    told.unwrap_or(in_time).min(in_time.saturating_sub(down / 2))
                }
                // The layout that was found is slower than the best, so that the number that its time tells is rather too large.
                (_, true) => told.unwrap_or(in_time).min(late.midpoint(in_time)),
            };
            let next = next.clamp(late + 1, in_time - 1);
            told = None;
            match self.done(design, next, by) {
                Ok(Some(ratio)) => (in_time, told) = (next, Some(likely(next, ratio))),
                Ok(None) => late = next,
                Err(why) => (late, refusal) = (next, Some(why)),
            }
        }
        if in_time <= first.most { Ok(in_time) } else { Err(refusal) }
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
