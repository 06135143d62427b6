//! Shortest job first.

use super::Policy;
use super::rules::{by, skip, strict};
use crate::fleet::placement::Placer;
use crate::fleet::{Job, Moment, State};

/// The shortest job first, by what the scheduler believes of its time. Running jobs are not stopped for shorter ones.
pub(super) struct Shortest {
    /// Whether jobs that do not fit are passed by.
    pub(super) skip: bool,
}

impl<P: Placer> Policy<P> for Shortest {
    fn order(&self, jobs: &[Job], estimates: &[Moment]) -> Vec<u32> {
        by(jobs, |job| estimates[job as usize])
    }

    fn lets_pass(&self) -> bool {
        self.skip
    }

    fn pass(&mut self, state: &mut State<'_, P>) {
        if self.skip {
            skip(state);
        } else {
            strict(state);
        }
    }
}
