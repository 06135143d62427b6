//! EASY backfill.

use super::Policy;
use super::rules::{backfill, by};
use crate::fleet::placement::Placer;
use crate::fleet::{Job, Moment, State};

/// In order of arrival. The first that does not fit is promised the earliest start that running jobs allow; others go ahead of it where
/// they end by then, or use what is left over then.
pub(super) struct Easy;

impl<P: Placer> Policy<P> for Easy {
    fn order(&self, jobs: &[Job], _: &[Moment]) -> Vec<u32> {
        by(jobs, |_| ())
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
