//! `planner explain`.

use clap::{Args, ValueEnum};

use super::input::{Destination, Inputs};
use super::{Failure, Global, Outcome, output};
use crate::plan::explain;
use crate::report;

/// Arguments of `planner explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Explain only figures whose name contains this, for example `MFU`
    #[arg(long, value_name = "NAME")]
    figure: Option<String>,
    /// Go this many levels down at most; the kernels of a layer are on the sixth
    #[arg(long, value_name = "LEVELS", default_value_t = 16)]
    depth: usize,
    /// Form of the explanation
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// Form of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines
    Json,
}

pub(super) fn run(arguments: &ExplainArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let wanted = arguments.figure.as_ref().map(|name| name.to_lowercase());
    let mut texts = Vec::new();
    let mut all = Vec::new();
    for job in loaded.jobs.iter().map(|job| &loaded.workload.jobs[*job]) {
        let plan = loaded.plan(job)?;
        let setup = loaded.setup(&plan.placed(job))?;
        let mut derivations = explain(&plan, &loaded.cluster, &setup);
        let names: Vec<String> = derivations.iter().map(|derivation| derivation.name.clone()).collect();
        derivations.retain(|derivation| wanted.as_ref().is_none_or(|wanted| derivation.name.to_lowercase().contains(wanted)));
        if derivations.is_empty() {
            return Err(anyhow::anyhow!(
                "no figure is called `{}`; there are: {}",
                wanted.unwrap_or_default(),
                names.join(", ")
            )
            .into());
        }
        texts.push(report::explanation(&derivations, &plan.assumptions, arguments.depth) + &report::moved(&plan.calibrated));
        all.push(derivations);
    }
    if let Some(note) = &loaded.note {
        output::warn(note);
    }
    let text = match arguments.format {
        Format::Text => texts.join("\n"),
        Format::Json => report::json(&all).map_err(anyhow::Error::from)?,
    };
    output::write(arguments.destination.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}
