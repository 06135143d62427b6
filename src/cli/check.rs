//! `planner check`.

use std::fmt::Write as _;

use clap::Args;

use super::{Failure, Global, Outcome, input, output};
use crate::diagnostic::Diagnostic;
use crate::plan::{Refusal, check_job};
use crate::spec::{Cluster, Workload, examples};
use crate::topology::Topology;

/// Arguments of `planner check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Cluster and workload files, or names of embedded examples; every job is checked on every cluster named
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
}

pub(super) fn run(arguments: &CheckArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let mut errors: Vec<Diagnostic> = Vec::new();
    let mut clusters = Vec::new();
    let mut workloads = Vec::new();
    let mut report = String::new();
    for file in &arguments.files {
        let source = match examples::read(file) {
            Ok((source, _)) => source,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        // A workload is what has `jobs`, or nearly; everything else is taken for a cluster.
        let is_workload = source.text().lines().any(|line| line.trim_start_matches(['{', '"', '\'']).starts_with("job"));
        if is_workload {
            match Workload::load(source, &catalog) {
                Ok(workload) => {
                    let _ = writeln!(report, "{file}: workload, {} job(s)", workload.jobs.len());
                    workloads.push(workload);
                }
                Err(found) => errors.extend(found),
            }
        } else {
            match Cluster::load(source, &catalog) {
                Ok(cluster) => {
                    let _ = writeln!(report, "{file}: cluster, {} GPUs in {} pool(s)", cluster.gpus(), cluster.pools.len());
                    clusters.push(cluster);
                }
                Err(found) => errors.extend(found),
            }
        }
    }
    for cluster in &clusters {
        let topology = Topology::new(cluster);
        for workload in &workloads {
            for job in &workload.jobs {
                match check_job(cluster, &topology, workload, job) {
                    Ok(()) => {
                        let _ = writeln!(report, "{} on {}: ok", job.name, cluster.name);
                    }
                    Err(Refusal::Input(found)) => errors.extend(found),
                    Err(Refusal::No(error)) => errors.push(*error),
                }
            }
        }
    }
    if errors.is_empty() {
        output::print(&report)?;
        Ok(Outcome::Done)
    } else {
        Err(errors.into())
    }
}
