//! `planner search`.

use clap::Args;

use super::choice::Choice;
use super::input::{Destination, Format, Inputs};
use super::{Failure, Global, Outcome, output};
use crate::plan::survey::{SCHEMA_VERSION, Survey};
use crate::report;

/// Arguments of `planner search`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner search\n  planner search h100-16384 -w llama3.1-405b --top 10\n  planner search clusters/h100-superpod-127.yaml \
                        -w clusters/workloads/llama3-70b.yaml --objective cost --format markdown"
)]
pub struct SearchArguments {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    choice: Choice,
    /// Form of the survey
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// What `--format json` prints.
#[derive(serde::Serialize)]
struct Surveys<'a> {
    schema_version: u32,
    surveys: &'a [Survey],
}

pub(super) fn run(arguments: &SearchArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let request = arguments.choice.request();
    let surveys =
        loaded.jobs.iter().map(|job| loaded.survey(&loaded.workload.jobs[*job], &request)).collect::<Result<Vec<_>, _>>()?;
    let text = match arguments.format {
        Format::Text => surveys.iter().map(report::survey_text).collect::<Vec<_>>().join("\n"),
        Format::Markdown => surveys.iter().map(report::survey_markdown).collect::<Vec<_>>().join("\n"),
        Format::Csv => output::one_heading(surveys.iter().map(report::survey_csv)),
        Format::Json => {
            report::json(&Surveys { schema_version: SCHEMA_VERSION, surveys: &surveys }).map_err(anyhow::Error::from)?
        }
    };
    if let Some(note) = &loaded.note {
        output::warn(note);
    }
    output::write(arguments.destination.output.as_deref(), &text)?;
    Ok(if surveys.iter().all(|survey| survey.plan.holds()) { Outcome::Done } else { Outcome::No })
}
