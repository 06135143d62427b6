//! `planner calibrate`.

use std::path::PathBuf;

use clap::Args;

use super::input::Destination;
use super::{Failure, Global, Outcome, input, measurements, output};
use crate::calibration::Profile;
use crate::calibration::profile::Options;
use crate::diagnostic::nearest;

/// Arguments of `planner calibrate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  planner calibrate result.json -o profile.yaml\n  \
                        planner calibrate nodes.jsonl all_reduce.log --link infiniband-ndr -o profile.yaml\n  \
                        planner calibrate gemm.csv --accelerator h200 -o profile.yaml\n  planner plan --calibration profile.yaml")]
pub struct CalibrateArguments {
    /// Results of `planner bench` (JSON or JSONL), logs or JSON of nccl-tests, tables of products (CSV of M,N,K,dtype,TFLOP/s)
    #[arg(value_name = "RESULT", required = true)]
    files: Vec<PathBuf>,
    /// The accelerator that the files are about, where they do not tell
    #[arg(long, value_name = "NAME")]
    accelerator: Option<String>,
    /// The link between nodes that collectives ran over
    #[arg(long, value_name = "NAME")]
    link: Option<String>,
    /// Take results of software drivers, whose rates say nothing about hardware
    #[arg(long)]
    allow_software: bool,
    #[command(flatten)]
    destination: Destination,
}

pub(super) fn run(arguments: &CalibrateArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let accelerator = arguments.accelerator.as_deref().map(|name| input::accelerator(&catalog, name)).transpose()?;
    let link = match arguments.link.as_deref() {
        None => None,
        Some(name) => Some(catalog.link(name).ok_or_else(|| {
            let near = nearest(name, catalog.links.iter().map(|link| link.name.as_str()));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            anyhow::anyhow!("no link is called `{name}`{near}")
        })?),
    };
    let files = measurements::files(&arguments.files)?;
    let options = Options { accelerator, link, allow_software: arguments.allow_software };
    let profile = Profile::collect(&catalog, &files, options)?;
    output::write(arguments.destination.output.as_deref(), &profile.to_yaml())?;
    Ok(Outcome::Done)
}
