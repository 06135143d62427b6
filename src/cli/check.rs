//! `planner check`.

use std::fmt::Write as _;

use clap::Args;

use super::{Failure, Global, Outcome, input, output};
use crate::calibration::Calibration;
use crate::diagnostic::Diagnostic;
use crate::diff::Policies;
use crate::fleet::{Speeds, jobs_of};
use crate::plan::{Refusal, check_job};
use crate::spec::{Cluster, FileKind, Portfolio, Workload, examples};
use crate::topology::Topology;

/// Arguments of `planner check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Cluster, workload, portfolio and policy files, or names of embedded examples; every job is checked on every cluster named
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
}

pub(super) fn run(arguments: &CheckArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let mut errors: Vec<Diagnostic> = Vec::new();
    let mut clusters = Vec::new();
    let mut workloads = Vec::new();
    let mut portfolios = Vec::new();
    let mut report = String::new();
    for file in &arguments.files {
        let source = match examples::read(file) {
            Ok((source, _)) => source,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        match FileKind::of(source.text()) {
            FileKind::Policy => match Policies::load(source) {
                Ok(policies) => {
                    let _ = writeln!(report, "{file}: policies, {} rule(s)", policies.rules.len());
                }
                Err(found) => errors.extend(found),
            },
            FileKind::Workload => match Workload::load(source, &catalog) {
                Ok(workload) => {
                    let _ = writeln!(report, "{file}: workload, {} job(s)", workload.jobs.len());
                    workloads.push(workload);
                }
                Err(found) => errors.extend(found),
            },
            FileKind::Portfolio => match Portfolio::load(source, &catalog) {
                Ok(portfolio) => {
                    let (jobs, queues) = (portfolio.jobs.len(), portfolio.queues.len());
                    let _ = writeln!(report, "{file}: portfolio, {jobs} job(s) in {queues} queue(s)");
                    portfolios.push((file, portfolio));
                }
                Err(found) => errors.extend(found),
            },
            FileKind::Cluster => match Cluster::load(source, &catalog) {
                Ok(cluster) => {
                    let _ = writeln!(report, "{file}: cluster, {} GPUs in {} pool(s)", cluster.gpus(), cluster.pools.len());
                    clusters.push(cluster);
                }
                Err(found) => errors.extend(found),
            },
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
                    Err(refusal) => errors.extend(said(refusal)),
                }
            }
        }
        for (file, portfolio) in &portfolios {
            let mut speeds = Speeds::new((cluster, &topology), &portfolio.training, (&catalog, Calibration::defaults()));
            match jobs_of(portfolio, cluster, &mut speeds) {
                Ok(_) => {
                    let _ = writeln!(report, "{file} on {}: ok", cluster.name);
                }
                Err(refusal) => errors.extend(said(refusal)),
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

fn said(refusal: Refusal) -> Vec<Diagnostic> {
    match refusal {
        Refusal::Input(found) => found,
        Refusal::No(error) => vec![*error],
    }
}
