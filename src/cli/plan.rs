//! `planner plan`.

use clap::Args;

use super::choice::Choice;
use super::input::{Destination, Format, Inputs};
use super::{Failure, Global, Outcome, output};
use crate::plan::{Plan, SCHEMA_VERSION};
use crate::report;

/// Arguments of `planner plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner plan\n  planner plan clusters/h100-superpod-127.yaml --workload clusters/workloads/llama3-70b.yaml\n  \
                        planner plan h100-16384 -w llama3.1-405b --format json"
)]
pub struct PlanArguments {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    choice: Choice,
    /// Form of the plan
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// What `--format json` prints.
#[derive(serde::Serialize)]
struct Plans<'a> {
    schema_version: u32,
    plans: &'a [Plan],
}

pub(super) fn run(arguments: &PlanArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let request = arguments.choice.request();
    let plans =
        loaded.jobs.iter().map(|job| loaded.plan_as(&loaded.workload.jobs[*job], &request)).collect::<Result<Vec<_>, _>>()?;
    let text = match arguments.format {
        Format::Text => plans.iter().map(report::plan_text).collect::<Vec<_>>().join("\n"),
        Format::Markdown => plans.iter().map(report::plan_markdown).collect::<Vec<_>>().join("\n"),
        Format::Csv => output::one_heading(plans.iter().map(report::plan_csv)),
        Format::Json => report::json(&Plans { schema_version: SCHEMA_VERSION, plans: &plans }).map_err(anyhow::Error::from)?,
    };
    if let Some(note) = &loaded.note {
        output::warn(note);
    }
    output::write(arguments.destination.output.as_deref(), &text)?;
    Ok(if plans.iter().all(Plan::holds) { Outcome::Done } else { Outcome::No })
}
