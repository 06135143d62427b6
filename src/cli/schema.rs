//! `planner schema`.

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, output};
use crate::calibration::Profile;
use crate::catalog::Catalog;
use crate::report;
use crate::spec::{ClusterFile, PortfolioFile, WorkloadFile};

/// Arguments of `planner schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Which file
    #[arg(value_enum)]
    file: File,
}

/// A kind of file that users write.
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
}

pub(super) fn run(arguments: &SchemaArguments) -> Result<Outcome, Failure> {
    let schema = match arguments.file {
        File::Cluster => schemars::schema_for!(ClusterFile),
        File::Workload => schemars::schema_for!(WorkloadFile),
        File::Portfolio => schemars::schema_for!(PortfolioFile),
        File::Catalog => schemars::schema_for!(Catalog),
        File::Profile => schemars::schema_for!(Profile),
    };
    output::print(&report::json(&schema).map_err(anyhow::Error::from)?)?;
    Ok(Outcome::Done)
}
