//! `planner plan`.

use clap::Args;

use super::choice::Choice;
use super::input::Inputs;
use super::told::{Form, Telling};
use super::{Failure, Global, Outcome};
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
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &PlanArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let request = arguments.choice.request();
    let plans =
        loaded.jobs.iter().map(|job| loaded.plan_as(&loaded.workload.jobs[*job], &request)).collect::<Result<Vec<_>, _>>()?;
    let telling = Telling {
        key: "plans",
        schema_version: SCHEMA_VERSION,
        text: &report::plan_text,
        markdown: &report::plan_markdown,
        csv: &report::plan_csv,
    };
    arguments.form.tell(&plans, &telling, loaded.note.as_deref())?;
    Ok(if plans.iter().all(Plan::holds) { Outcome::Done } else { Outcome::No })
}
