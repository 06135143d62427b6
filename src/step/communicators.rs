//! Communicators that layouts of a search share, each looked up once: a walk over all ranks of a cluster takes far longer than finding
//! what the walk found before.

use std::collections::BTreeMap;
use std::sync::RwLock;

use super::collective::Communicator;
use crate::topology::Pattern;

/// Which ranks talk, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Talk {
    /// The pool.
    pub pool: usize,
    /// The groups.
    pub pattern: Pattern,
    /// Between two neighbours alone: inside a scale-up domain, or across. All members otherwise.
    pub pair: Option<bool>,
}

/// Communicators of one job by who talks.
#[derive(Debug, Default)]
pub struct Communicators(RwLock<BTreeMap<Talk, Communicator>>);

impl Communicators {
    /// The one of a talk, looked up where nobody did before.
    pub(super) fn get(&self, talk: Talk, look_up: impl FnOnce() -> Communicator) -> Communicator {
        // A thread that panicked while it wrote left a map that is whole.
        let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&talk).copied();
        known.unwrap_or_else(|| {
            let found = look_up();
            self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(talk, found);
            found
        })
    }
}
