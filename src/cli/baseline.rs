//! `planner baseline`.

use std::path::Path;

use clap::Args;

use super::estimates::{Folder, Ready};
use super::input::Destination;
use super::{Failure, Global, Outcome, output};
use crate::diagnostic::Source;
use crate::diff::{Against, Baseline, Diff, Estimated};
use crate::estimate::json;
use crate::report;

/// Arguments of `planner baseline`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  planner baseline clusters -o clusters/baseline.json\n  \
                        planner baseline clusters -o clusters/baseline.json --check\n\
                        Exit codes: 0 written, or up to date; 1 `--check` finds it out of date; 2 bad input")]
pub struct BaselineArguments {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    destination: Destination,
    /// Write nothing; say whether the file is what would be written, and what differs
    #[arg(long, requires = "output")]
    check: bool,
}

pub(super) fn run(arguments: &BaselineArguments, global: &Global) -> Result<Outcome, Failure> {
    let file = arguments.destination.output.as_deref().filter(|path| *path != Path::new("-"));
    let there = match file {
        Some(path) if arguments.check => Some((path, Baseline::read(&Source::read_table(path)?)?)),
        _ => None,
    };
    let ready = arguments.folder.estimate(global)?;
    if let Some((path, baseline)) = there {
        return check(arguments, path, &baseline, ready);
    }
    let estimated: Vec<Estimated> = ready.estimated.into_iter().map(|(estimated, _)| estimated).collect();
    let text = json(&Baseline::new(&estimated)).map_err(anyhow::Error::from)?;
    output::write(arguments.destination.output.as_deref(), &text)?;
    if let Some(path) = file {
        let without = estimated.iter().filter(|one| one.outcome.is_err()).count();
        let estimates = estimated.len() - without;
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let refused = if without > 0 { format!(", {} without a plan", plural(without, "job")) } else { String::new() };
        output::warn(&format!("Wrote {}: {}{refused}.\n", path.display(), plural(estimates, "estimate")));
    }
    Ok(Outcome::Done)
}

/// Figures and inputs have to be the same; what they were made by need not.
fn check(arguments: &BaselineArguments, path: &Path, baseline: &Baseline, ready: Ready) -> Result<Outcome, Failure> {
    let now: Vec<Estimated> = ready.estimated.iter().map(|(estimated, _)| estimated.clone()).collect();
    let told = baseline.says_the_same(&Baseline::new(&now));
    if told {
        output::print(&format!("{} is up to date: {} jobs on clusters.\n", path.display(), now.len()))?;
        return Ok(Outcome::Done);
    }
    let tree = arguments.folder.path.display().to_string();
    let against = Against::Baseline { file: path.display().to_string(), planner: baseline.planner.clone() };
    let diff =
        Diff::new((tree.clone(), against), baseline.estimated(), ready.estimated, &ready.policies, &ready.context.catalog);
    output::print(&report::diff_text(&diff))?;
    output::warn(&format!(
        "error: {} is out of date\n  help: look at what changed, then write it again: planner baseline {tree} -o {}\n",
        path.display(),
        path.display()
    ));
    Ok(Outcome::No)
}
