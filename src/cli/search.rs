//! `planner search`.

use clap::Args;

use super::choice::Choice;
use super::input::Inputs;
use super::told::{Form, Telling};
use super::{Failure, Global, Outcome};
use crate::plan::survey::SCHEMA_VERSION;
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
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &SearchArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let request = arguments.choice.request();
    let surveys =
        loaded.jobs.iter().map(|job| loaded.survey(&loaded.workload.jobs[*job], &request)).collect::<Result<Vec<_>, _>>()?;
    let telling = Telling {
        key: "surveys",
        schema_version: SCHEMA_VERSION,
        text: &report::survey_text,
        markdown: &report::survey_markdown,
        csv: &report::survey_csv,
    };
    arguments.form.tell(&surveys, &telling, loaded.note.as_deref())?;
    Ok(if surveys.iter().all(|survey| survey.plan.holds()) { Outcome::Done } else { Outcome::No })
}
