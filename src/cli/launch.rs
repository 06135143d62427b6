//! `planner launch`.

use clap::{Args, ValueEnum};

use super::input::{Destination, Inputs};
use super::{Failure, Global, Outcome, output};
use crate::launch::{Framework, Launch, Planned, SCHEMA_VERSION};
use crate::report;

/// Arguments of `planner launch`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner launch dgx-h100 --workload llama3-8b\n  planner launch h100-16384 -w llama3.1-405b --for nemo\n  \
                        planner launch dgx-h100 -w llama3-8b --for deepspeed --format json"
)]
pub struct LaunchArguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Framework whose options are written [default: the one of the job's `software`]
    #[arg(long = "for", value_enum, value_name = "FRAMEWORK")]
    framework: Option<Target>,
    /// Form of the options
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// A framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Megatron-LM: a script around `pretrain_gpt.py`
    MegatronLm,
    /// `NeMo`: overrides for a recipe of Megatron-Bridge
    Nemo,
    /// torchtitan: a function that sets a configuration
    Torchtitan,
    /// `DeepSpeed`: a script of Megatron-DeepSpeed and its JSON
    Deepspeed,
}

/// Form of the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// To paste
    Text,
    /// For machines
    Json,
}

/// What `--format json` prints.
#[derive(serde::Serialize)]
struct Launches {
    schema_version: u32,
    launches: Vec<Launch>,
}

pub(super) fn run(arguments: &LaunchArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let mut launches = Vec::new();
    for job in loaded.jobs.iter().map(|job| &loaded.workload.jobs[*job]) {
        let framework = match arguments.framework {
            Some(Target::MegatronLm) => Framework::MegatronLm,
            Some(Target::Nemo) => Framework::Nemo,
            Some(Target::Torchtitan) => Framework::Torchtitan,
            Some(Target::Deepspeed) => Framework::Deepspeed,
            None => Framework::of(job.software).ok_or_else(|| {
                let name = job.software.as_str();
                anyhow::anyhow!(
                    "job `{}` runs on `{name}`, whose options are not written; name a framework with --for",
                    job.name
                )
            })?,
        };
        let plan = loaded.plan(job)?;
        let setup = loaded.setup(&plan.placed(job))?;
        let planned = Planned {
            job,
            model: &setup.model,
            computation: setup.computation,
            strategy: &plan.step.strategy,
            node: setup.pool.gpus_per_node,
        };
        launches.push(Launch::new(&planned, framework));
    }
    let text = match arguments.format {
        Format::Text => launches.iter().map(Launch::text).collect::<Vec<_>>().join("\n"),
        Format::Json => report::json(&Launches { schema_version: SCHEMA_VERSION, launches }).map_err(anyhow::Error::from)?,
    };
    if let Some(note) = &loaded.note {
        output::warn(note);
    }
    output::write(arguments.destination.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}
