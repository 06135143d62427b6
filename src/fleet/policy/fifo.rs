//! First in, first out.

use super::Policy;
use super::rules::{by, strict};
use crate::fleet::placement::Placer;
use crate::fleet::{Job, Moment, State};

/// In order of arrival; a job that does not fit holds up all behind it.
pub(super) struct Fifo;

impl<P: Placer> Policy<P> for Fifo {
    fn order(&self, jobs: &[Job], _: &[Moment]) -> Vec<u32> {
        by(jobs, |_| ())
    }

    fn pass(&mut self, state: &mut State<'_, P>) {
        strict(state);
    }
}
