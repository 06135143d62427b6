//! First fit.

use super::Policy;
use super::rules::{by, skip};
use crate::fleet::placement::Placer;
use crate::fleet::{Job, Moment, State};

/// In order of arrival, passing by jobs that do not fit. Nothing is kept for them: a large job may wait for ever.
pub(super) struct FirstFit;

impl<P: Placer> Policy<P> for FirstFit {
    fn order(&self, jobs: &[Job], _: &[Moment]) -> Vec<u32> {
        by(jobs, |_| ())
    }

    fn lets_pass(&self) -> bool {
        true
    }

    fn pass(&mut self, state: &mut State<'_, P>) {
        skip(state);
    }
}
