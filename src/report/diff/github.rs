//! What is broken, as annotations of GitHub Actions: at most ten of each level, the worst first.

use super::{headline, policies};
use crate::diagnostic::{Diagnostic, Style, notice, render};
use crate::diff::Diff;

/// What changed as workflow commands: a notice with the headline, and an annotation for each broken policy.
#[must_use]
pub fn diff_github(diff: &Diff) -> String {
    let broken: Vec<Diagnostic> = diff.verdicts.iter().filter_map(|verdict| verdict.broken.clone()).collect();
    let policies = policies(diff).map(|policies| format!("; {policies}")).unwrap_or_default();
    notice("planner diff", &format!("{}{policies}", headline(diff))) + &render(&broken, Style::Github)
}
