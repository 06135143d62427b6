//! Estimates of a tree beside those of before: what changed, by which input, and against which policy.
//!
//! The old side is a baseline file or a revision of git; the new one are the files as they are. What is compared and how changes
//! are told apart is in `docs/ci.md`. This room knows estimates; it does not know arguments or output.

mod attribution;
mod baseline;
mod cause;
mod edit;
mod estimated;
mod figure;
mod files;
mod git;
mod pair;
mod paired;
pub mod policy;
mod rename;
mod tree;

pub use attribution::{Cause, Ends, causes};
pub use baseline::{Answer, Baseline, Jobs, SCHEMA_VERSION};
pub use cause::{About, Change, Input};
pub use edit::{Edit, Step, arrow};
pub use estimated::{Estimated, Known, Places};
pub use figure::Figure;
pub use files::{Files, POLICY};
pub use git::Revision;
pub use pair::Pair;
pub use paired::{Delta, PairDiff, State};
pub use policy::{Policies, Verdict, judge};
pub use tree::{ClusterAt, Tree, WorkloadAt};

use rayon::prelude::*;

use crate::catalog::Catalog;
use crate::estimate::Origin;

/// What the old estimates are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// A baseline file, and what it was made by.
    Baseline {
        /// The file.
        file: String,
        /// What it was made by.
        planner: Origin,
    },
    /// A revision of git, estimated by this planner.
    Revision(String),
}

/// What changed in a tree.
#[derive(Debug)]
pub struct Diff {
    /// The tree.
    pub tree: String,
    /// What it is compared with.
    pub against: Against,
    /// Pairs: those without a plan any more, changed ones by how much their cost moved, new, gone, and unchanged ones.
    pub pairs: Vec<PairDiff>,
    /// Policies on pairs, broken ones first, the worst first.
    pub verdicts: Vec<Verdict>,
    /// How many policies there are.
    pub policies: usize,
}

impl Diff {
    /// Compares what is now with what was.
    #[must_use]
    pub fn new(
        (tree, against): (String, Against),
        old: Vec<Estimated>,
        new: Vec<(Estimated, Places)>,
        policies: &Policies,
        catalog: &Catalog,
    ) -> Self {
        let origin = match &against {
            Against::Baseline { planner, .. } => Some(planner.clone()),
            Against::Revision(_) => None,
        };
        let couples = rename::couples(old, new);
        let mut pairs: Vec<PairDiff> =
            couples.into_par_iter().map(|(old, new)| PairDiff::new(old, new, origin.as_ref())).collect();
        pairs.sort_by(PairDiff::by_weight);
        let verdicts = judge(&policies.rules, &pairs, catalog);
        Self { tree, against, pairs, verdicts, policies: policies.rules.len() }
    }

    /// Whether nothing that has to hold is broken.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.verdicts.iter().any(|verdict| verdict.broken.is_some() && verdict.level == policy::Level::Fail)
    }

    /// Verdicts of a level that are broken.
    pub fn broken(&self, level: policy::Level) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(move |verdict| verdict.broken.is_some() && verdict.level == level)
    }

    /// How many pairs are in a state.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        self.pairs.iter().filter(|pair| pair.state == state).count()
    }
}
