//! `planner plan`.

use std::path::PathBuf;

use clap::Args;

use super::choice::Choice;
use super::input::{Inputs, Loaded};
use super::told::{Form, Telling};
use super::{Failure, Global, Outcome, output};
use crate::diagnostic::Source;
use crate::estimate::{self, Context, Export, Inputs as Followed};
use crate::plan::{Plan, SCHEMA_VERSION};
use crate::report;
use crate::yaml;

/// Arguments of `planner plan`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner plan\n  planner plan clusters/h100-superpod-127.yaml --workload clusters/workloads/llama3-70b.yaml\n  \
                        planner plan h100-16384 -w llama3.1-405b --format json\n  planner plan --export estimate.json"
)]
pub struct PlanArguments {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    form: Form,
    /// Write the estimates to this file as well, for machines: `planner schema estimate` says how they read
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

pub(super) fn run(arguments: &PlanArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let request = arguments.choice.request();
    let plans =
        loaded.jobs.iter().map(|job| loaded.plan_as(&loaded.workload.jobs[*job], &request)).collect::<Result<Vec<_>, _>>()?;
    if let Some(path) = &arguments.export {
        output::write(Some(path), &exported(arguments, global, &loaded, &plans)?)?;
    }
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

/// The estimates of plans as a file.
fn exported(arguments: &PlanArguments, global: &Global, loaded: &Loaded, plans: &[Plan]) -> Result<String, Failure> {
    let own = |path: &Option<PathBuf>| path.as_deref().map(Source::read).transpose();
    let context = Context::read(own(&global.catalog)?, own(&arguments.inputs.calibration)?)?;
    let cluster = yaml::scan(&loaded.cluster_file)?.to_json();
    let estimates = loaded.jobs.iter().zip(plans).map(|(job, plan)| {
        let job = (&loaded.workload, &loaded.workload.jobs[*job]);
        let hashes = Followed::of(&cluster, job, &context, &Source::read)?.hashes();
        Ok(context.kept(plan, &loaded.cluster, hashes))
    });
    let export = Export::new(estimates.collect::<Result<_, Failure>>()?);
    Ok(estimate::json(&export).map_err(anyhow::Error::from)?)
}
