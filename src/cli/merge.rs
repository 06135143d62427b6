//! `planner merge`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::input::Destination;
use super::sweep::{Form, answer, write};
use super::{Failure, Outcome, output};
use crate::sweep::merge::{MergeError, Part, merge};

/// Arguments of `planner merge`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner merge shards/*.jsonl -o sweep.jsonl\n  planner merge shards/*.jsonl --format text\n\
                        Exit codes: 0 done; 1 shards are missing, or no item has a plan; 2 files that do not belong together"
)]
pub struct MergeArguments {
    /// Files that `planner sweep` wrote, one of each shard, in any order
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    destination: Destination,
}

pub(super) fn run(arguments: &MergeArguments) -> Result<Outcome, Failure> {
    let mut parts = Vec::new();
    for path in &arguments.files {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        parts.push(Part::read(&path.display().to_string(), &text).map_err(anyhow::Error::from)?);
    }
    match merge(parts) {
        Ok(sheet) => {
            write(&sheet, &arguments.form, &arguments.destination)?;
            Ok(answer(&sheet))
        }
        Err(error @ MergeError::Missing { .. }) => {
            let help = "run what is missing, with `--shard k/n` or as tasks of the engine, and merge again with all files";
            output::warn(&format!("error: {error}\n  help: {help}\n"));
            Ok(Outcome::No)
        }
        Err(error) => Err(anyhow::Error::from(error).into()),
    }
}
