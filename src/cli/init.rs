//! `planner init`.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::{Failure, Outcome, output};

/// Arguments of `planner init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// File to write [default: cluster.yaml, or workload.yaml with --workload]; `-` is standard output
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write a workload file instead of a cluster file
    #[arg(long)]
    workload: bool,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

const CLUSTER: &str = include_str!("starter/cluster.yaml");
const WORKLOAD: &str = include_str!("starter/workload.yaml");

pub(super) fn run(arguments: &InitArguments) -> Result<Outcome, Failure> {
    let (default, text) = if arguments.workload { ("workload.yaml", WORKLOAD) } else { ("cluster.yaml", CLUSTER) };
    let path = arguments.file.as_deref().unwrap_or_else(|| Path::new(default));
    write(path, text, arguments.force)?;
    if path != Path::new("-") {
        output::print(&format!(
            "Wrote {}. Next: planner plan {}\n",
            path.display(),
            if arguments.workload { format!("cluster.yaml --workload {}", path.display()) } else { path.display().to_string() }
        ))?;
    }
    Ok(Outcome::Done)
}

fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    if !force && path != Path::new("-") && path.exists() {
        bail!("{} is there already; use --force to replace it, or name another file", path.display());
    }
    output::write(Some(path), text)
}
