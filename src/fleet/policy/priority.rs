//! Priority with preemption.

use std::cmp::Reverse;

use super::Policy;
use super::rules::by;
use crate::fleet::outcome::Ended;
use crate::fleet::placement::Placer;
use crate::fleet::{Job, Moment, State};

/// Higher priority first. Where the first does not fit, preemptible jobs of lower priority are stopped for it: lowest priority first, of
/// those the latest started, and no more than needed. While it waits for jobs that may not be stopped, only such go ahead of it as may.
pub(super) struct Priority;

impl<P: Placer> Policy<P> for Priority {
    fn order(&self, jobs: &[Job], _: &[Moment]) -> Vec<u32> {
        by(jobs, |job| Reverse(jobs[job as usize].priority))
    }

    fn lets_pass(&self) -> bool {
        true
    }

    fn pass(&mut self, state: &mut State<'_, P>) {
        let blocked = loop {
            let Some(head) = state.head() else { return };
            if state.start(head) {
                continue;
            }
            let Some(victims) = victims(state, head) else { break head };
            for job in victims {
                state.stop(job, Ended::Preempted);
            }
            if !state.start(head) {
                break head;
            }
        };
        let mut after = Some(blocked);
        while let Some(job) = state.queues[0].next(after, |demand| state.might_fit(demand).then_some(Moment::NEVER)) {
            let (job_spec, first) = (&state.jobs[job as usize], &state.jobs[blocked as usize]);
            if job_spec.preemptible && job_spec.priority < first.priority {
                state.start(job);
            }
            after = Some(job);
        }
    }
}

/// Running jobs to stop so that `head` fits; none if that does not help.
fn victims<P: Placer>(state: &State<'_, P>, head: u32) -> Option<Vec<u32>> {
    let spec = &state.jobs[head as usize];
    let mut candidates: Vec<u32> = state
        .running()
        .filter(|job| state.jobs[*job as usize].preemptible && state.jobs[*job as usize].priority < spec.priority)
        .collect();
    candidates.sort_by_key(|job| (state.jobs[*job as usize].priority, Reverse(state.since(*job)), Reverse(*job)));
    let ask = state.ask(head, spec.demand.least, state.now());
    let mut then = state.supply.clone();
    let mut stopped = Vec::new();
    for job in candidates {
        then.give(state.allocation(job)?);
        stopped.push(job);
        if then.fits(&ask) {
            // Those that are not in the way keep running, the most important one first.
            for i in (0..stopped.len().saturating_sub(1)).rev() {
                let held = state.allocation(stopped[i])?;
                let own = state.ask(stopped[i], held.gpus, state.now());
                if then.hold(held, &own) {
                    if then.fits(&ask) {
                        stopped.remove(i);
                    } else {
                        then.give(held);
                    }
                }
            }
            return Some(stopped);
        }
    }
    None
}
