//! `planner compare`.

use std::path::PathBuf;

use clap::Args;

use super::choice::Choice;
use super::input;
use super::told::{Form, Telling};
use super::{Failure, Global, Outcome};
use crate::calibration::Calibration;
use crate::compare::{Comparison, Place, SCHEMA_VERSION, With};
use crate::report;
use crate::spec::{Workload, examples};

/// Arguments of `planner compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner compare h100-superpod-127 h200-superpod-127\n  planner compare clusters/h100-superpod-127.yaml clusters/mi300x-64.yaml \
                        -w llama3-70b --format markdown"
)]
pub struct CompareArguments {
    /// Cluster files, names of embedded examples, or folders of files; the first cluster is the reference
    #[arg(value_name = "CLUSTER", required = true, num_args = 2..)]
    clusters: Vec<String>,
    /// Workload file, or the name of an embedded example
    #[arg(long, short, value_name = "FILE", default_value = examples::DEFAULT_WORKLOAD)]
    workload: String,
    /// A profile of one's own hardware, as `planner calibrate` writes it
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Compare this job of the workload only
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &CompareArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    // All files are read before any is refused: all mistakes at once.
    let mut errors = Vec::new();
    let clusters = input::clusters(&arguments.clusters, &catalog, &mut errors)?;
    let workload = examples::read(&arguments.workload)
        .map_err(|error| vec![error])
        .and_then(|(source, _)| Workload::load(source, &catalog))
        .map_err(|found| errors.extend(found))
        .ok();
    let calibration = input::calibration(arguments.calibration.as_deref(), &catalog);
    let calibration = calibration.map_err(|found| errors.extend(found)).ok().flatten();
    let Some(workload) = workload.filter(|_| errors.is_empty()) else { return Err(errors.into()) };
    let places: Vec<Place> = clusters.into_iter().map(|(_, cluster)| Place::new(cluster)).collect();
    let with = With {
        catalog: &catalog,
        calibration: calibration.as_ref().map_or_else(|| Calibration::defaults(), |(calibration, _)| calibration),
        request: &arguments.choice.request(),
    };
    let comparisons = input::jobs(&workload, arguments.job.as_deref())?
        .into_iter()
        .map(|job| Comparison::new(&places, (&workload, &workload.jobs[job]), with))
        .collect::<Result<Vec<_>, _>>()?;
    let telling = Telling {
        key: "comparisons",
        schema_version: SCHEMA_VERSION,
        text: &report::comparison_text,
        markdown: &report::comparison_markdown,
        csv: &report::comparison_csv,
    };
    arguments.form.tell(&comparisons, &telling, None)?;
    Ok(if comparisons.iter().all(Comparison::holds) { Outcome::Done } else { Outcome::No })
}
