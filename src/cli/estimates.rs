//! A folder of clusters and workloads, estimated: what `baseline` and `diff` have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::progress::Items;
use super::{Failure, Global, output};
use crate::diagnostic::{Code, Diagnostic, Severity, Source, Style, quoted, render};
use crate::diff::{Estimated, Files, Known, POLICY, Pair, Places, Policies, Tree};
use crate::estimate::Context;

/// A folder of clusters and workloads.
#[derive(Debug, Args)]
pub(super) struct Folder {
    /// Folder of cluster and workload files, with the folders in it
    #[arg(value_name = "DIR")]
    pub path: PathBuf,
    /// Which jobs are estimated on which clusters, and what may become of them [default: planner.policy.yaml in DIR, else here]
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A profile of one's own hardware, as `planner calibrate` writes it
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
}

/// A folder with its estimates.
pub(super) struct Ready {
    pub context: Context,
    pub policies: Policies,
    pub estimated: Vec<(Estimated, Places)>,
}

impl Folder {
    /// Reads the folder as it is, and estimates what its policy file asks for.
    pub(super) fn estimate(&self, global: &Global) -> Result<Ready, Failure> {
        self.check()?;
        let read = |path: Option<&Path>| path.map(Source::read).transpose();
        let context = Context::read(read(global.catalog.as_deref())?, read(self.calibration.as_deref())?)?;
        // The policy file is read before the tree is refused: all mistakes at once.
        let policies = self
            .policy_file()
            .map_err(|error| vec![error])
            .and_then(|file| file.map_or(Ok(Policies::default()), Policies::load));
        let files = Files::Folder(self.path.clone());
        let tree = Tree::read(&files, &context);
        let (policies, tree) = match (policies, tree) {
            (Ok(policies), Ok(tree)) => (policies, tree),
            (policies, tree) => {
                let errors = policies.err().into_iter().chain(tree.err()).flatten();
                return Err(errors.collect::<Vec<_>>().into());
            }
        };
        self.refuse_nothing(&tree)?;
        matched(&tree, &policies, &context)?;
        let estimated = estimated((&tree, &files), &context, &policies, &|_, _| None)?;
        Ok(Ready { context, policies, estimated })
    }

    /// Whether it is there.
    pub(super) fn check(&self) -> Result<(), Diagnostic> {
        if self.path.is_dir() {
            return Ok(());
        }
        let message = format!("no folder {}", quoted(&self.path.display().to_string()));
        Err(Diagnostic::error(Code::Unreadable, message).help("name the folder of your cluster and workload files"))
    }

    fn policy_file(&self) -> Result<Option<Arc<Source>>, Diagnostic> {
        let own = || [self.path.join(POLICY), PathBuf::from(POLICY)].into_iter().find(|path| path.is_file());
        self.policy.clone().or_else(own).map(|path| Source::read(&path)).transpose()
    }

    /// A folder without clusters or workloads is a mistake, not an empty answer.
    fn refuse_nothing(&self, tree: &Tree) -> Result<(), Diagnostic> {
        let missing = match (tree.clusters.is_empty(), tree.workloads.is_empty()) {
            (false, false) => return Ok(()),
            (true, true) => "neither clusters nor workloads",
            (true, false) => "no clusters",
            (false, true) => "no workloads",
        };
        let message = format!("the folder {} has {missing}", quoted(&self.path.display().to_string()));
        let passed = match tree.passed_over.len() {
            0 => "no file was passed over".to_owned(),
            _ => format!("passed over: {}", tree.passed_over.join(", ")),
        };
        let help = "a cluster file has `pools`, a workload file has `jobs`; `planner init` writes one of each";
        Err(Diagnostic::error(Code::NothingMatches, message).help(help).note(passed))
    }
}

/// Estimates the pairs of a tree; those that are known are not estimated again.
pub(super) fn estimated(
    (tree, files): (&Tree, &Files),
    context: &Context,
    policies: &Policies,
    known: Known<'_>,
) -> Result<Vec<(Estimated, Places)>, Vec<Diagnostic>> {
    let progress = Items::new(tree.pairs(&policies.selection));
    tree.estimate(files, context, &policies.selection, (known, &|items| progress.done(items)))
}

/// Pairs that are not there are errors; policies for nothing are told.
fn matched(tree: &Tree, policies: &Policies, context: &Context) -> Result<(), Vec<Diagnostic>> {
    let all: Vec<(Pair, &str)> = tree.every_pair().collect();
    let chosen: Vec<(Pair, &str)> =
        all.iter().filter(|(pair, cluster)| policies.selection.takes(pair, cluster)).cloned().collect();
    let (errors, warnings): (Vec<_>, Vec<_>) =
        policies.unmatched(&all, &chosen, &context.catalog).into_iter().partition(|found| found.severity == Severity::Error);
    if errors.is_empty() {
        output::warn(&render(&warnings, Style::Concise));
        return Ok(());
    }
    Err(errors)
}
