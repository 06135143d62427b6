//! Earliest deadline first.

use super::Policy;
use super::rules::{backfill, by};
use crate::fleet::placement::Placer;
use crate::fleet::{Job, Moment, State};

/// The earliest deadline first, jobs without one last; gaps are filled as long as the first is not delayed.
pub(super) struct Deadline;

impl<P: Placer> Policy<P> for Deadline {
    fn order(&self, jobs: &[Job], _: &[Moment]) -> Vec<u32> {
        by(jobs, |job| jobs[job as usize].deadline.unwrap_or(Moment::NEVER))
    }

    fn lets_pass(&self) -> bool {
        true
    }

    fn looks_ahead(&self) -> bool {
        true
    }

    fn pass(&mut self, state: &mut State<'_, P>) {
        backfill(state);
    }
}
