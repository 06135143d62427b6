//! `planner schema`.

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, output};
use crate::calibration::Profile;
use crate::catalog::Catalog;
use crate::diff::Baseline;
use crate::diff::policy::PolicyFile;
use crate::estimate::Export;
use crate::report;
use crate::spec::{ClusterFile, PortfolioFile, WorkloadFile};

/// Arguments of `planner schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Which file
    #[arg(value_enum)]
    file: File,
}

/// A kind of file that is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum File {
    /// Cluster files
    Cluster,
    /// Workload files
    Workload,
    /// Portfolio files
    Portfolio,
    /// Catalogue files
    Catalog,
    /// Profiles of one's own hardware
    Profile,
    /// Estimates that `planner plan --export` writes
    Estimate,
    /// Estimates that `planner baseline` writes
    Baseline,
    /// Policy files
    Policy,
}

pub(super) fn run(arguments: &SchemaArguments) -> Result<Outcome, Failure> {
    let schema = match arguments.file {
        File::Cluster => schemars::schema_for!(ClusterFile),
        File::Workload => schemars::schema_for!(WorkloadFile),
        File::Portfolio => schemars::schema_for!(PortfolioFile),
        File::Catalog => schemars::schema_for!(Catalog),
        File::Profile => schemars::schema_for!(Profile),
        File::Estimate => schemars::schema_for!(Export),
        File::Baseline => schemars::schema_for!(Baseline),
        File::Policy => schemars::schema_for!(PolicyFile),
    };
    output::print(&report::json(&schema).map_err(anyhow::Error::from)?)?;
    Ok(Outcome::Done)
}
