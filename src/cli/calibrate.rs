//! `planner calibrate`.

use std::path::PathBuf;

use clap::Args;

use super::input::Destination;
use super::{Failure, Global, Outcome, input, measurements, output};
use crate::calibration::profile::Options;
use crate::calibration::{Calibration, Profile};
use crate::catalog::Catalog;
use crate::diagnostic::nearest;
use crate::validate::recalibrate::{file, recalibrate};
use crate::validate::{PUBLISHED, Predictor, read};

/// Arguments of `planner calibrate`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  planner calibrate result.json -o profile.yaml\n  \
                        planner calibrate nodes.jsonl all_reduce.log --link infiniband-ndr -o profile.yaml\n  \
                        planner calibrate gemm.csv --accelerator h200 -o profile.yaml\n  planner plan --calibration profile.yaml\n  \
                        planner calibrate --from-runs -o training.yaml")]
pub struct CalibrateArguments {
    /// Results of `planner bench` (JSON or JSONL), logs or JSON of nccl-tests, tables of products (CSV of M,N,K,dtype,TFLOP/s)
    #[arg(value_name = "RESULT", required_unless_present = "from_runs")]
    files: Vec<PathBuf>,
    /// Fit the constants of training frameworks to the published runs anew, each source held out in turn; takes minutes
    #[arg(long, conflicts_with = "files")]
    from_runs: bool,
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
    if arguments.from_runs {
        return from_runs(arguments, &catalog);
    }
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

/// The constants of training frameworks, fitted anew.
fn from_runs(arguments: &CalibrateArguments, catalog: &Catalog) -> Result<Outcome, Failure> {
    let rows = read(PUBLISHED).map_err(anyhow::Error::from)?;
    let predictor = Predictor::new(&rows, catalog);
    let found = recalibrate(&predictor, &rows, Calibration::defaults().training());
    output::warn(&format!(
        "{} constants fitted to {} runs in {} groups; on sources held out, half of the groups are within {:.1} %, the mean error is {:.1} %\n",
        found.training.constants.len(),
        found.fit.rows,
        found.fit.groups,
        found.held_out_median() * 100.0,
        found.held_out_mean() * 100.0,
    ));
    output::write(arguments.destination.output.as_deref(), &file(&found))?;
    Ok(Outcome::Done)
}
