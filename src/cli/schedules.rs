//! `planner schedules`.

use clap::Args;

use super::input::{Destination, Format, Inputs};
use super::{Failure, Global, Outcome, output};
use crate::plan::study;
use crate::report;

/// Arguments of `planner schedules`.
#[derive(Debug, Args)]
pub struct SchedulesArguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Form of the comparison
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

pub(super) fn run(arguments: &SchedulesArguments, global: &Global) -> Result<Outcome, Failure> {
    let loaded = arguments.inputs.load(global)?;
    let mut texts = Vec::new();
    let mut all = Vec::new();
    for job in loaded.jobs.iter().map(|job| &loaded.workload.jobs[*job]) {
        let plan = loaded.plan(job)?;
        let setup = loaded.setup(&plan.placed(job))?;
        let rows = study::schedules(&setup, &plan.step.strategy);
        let table = report::schedules_table(&rows);
        texts.push(match arguments.format {
            Format::Text => format!(
                "{} on {}, every schedule on {}\n\n{}",
                plan.job.model,
                plan.cluster.name,
                plan.step.strategy.describe(),
                table.text(2)
            ),
            Format::Markdown => table.markdown(),
            Format::Csv => table.csv(),
            Format::Json => String::new(),
        });
        all.push(rows);
    }
    if let Some(note) = &loaded.note {
        output::warn(note);
    }
    let text = match arguments.format {
        Format::Json => report::json(&all).map_err(anyhow::Error::from)?,
        _ => texts.join("\n"),
    };
    output::write(arguments.destination.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}
