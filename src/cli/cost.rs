//! `planner cost`.

use std::path::PathBuf;

use clap::Args;

use super::input::{Format, Inputs};
use super::told::Form;
use super::{Failure, Global, Outcome, output};
use crate::diagnostic::{Code, Diagnostic};
use crate::economics::MissingPrice;
use crate::plan::{CostQuestion, Costs, Plan};
use crate::report;
use crate::spec::examples;
use crate::units::{Flop, Money, Share};
use crate::yaml::{self, path};

/// Arguments of `planner cost`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner cost h100-superpod-127\n  planner cost cluster.yaml --workload llama3-70b --format markdown\n  \
                        planner cost h100-superpod-127 --budget '50 B USD' --work '6e26 FLOP'\n  \
                        planner cost cluster.yaml --xlsx cost.xlsx"
)]
pub struct CostArguments {
    /// Cluster file, or the name of an embedded example [default: h100-superpod-127]
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,
    /// Workload file, or the name of an embedded example, whose jobs are planned and costed too
    #[arg(long, short, value_name = "FILE")]
    workload: Option<String>,
    /// A profile of one's own hardware, as `planner calibrate` writes it
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Plan this job of the workload only
    #[arg(long, value_name = "NAME", requires = "workload")]
    job: Option<String>,
    /// Say how many GPUs this buys, as in `50 B USD`, and whether the money or the site's power is the limit
    #[arg(long, value_name = "MONEY")]
    budget: Option<Money>,
    /// Say what this much work costs, as in `6e26 FLOP`
    #[arg(long, value_name = "FLOP")]
    work: Option<Flop>,
    /// Part of the dense 16-bit peak that `--work` reaches
    #[arg(long, value_name = "PERCENT", default_value = "40 %", requires = "work")]
    mfu: Share,
    /// Write a workbook as well: what is assumed, and formulas that follow when it is changed
    #[arg(long, value_name = "FILE.xlsx", value_parser = output::workbook)]
    xlsx: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &CostArguments, global: &Global) -> Result<Outcome, Failure> {
    let inputs = Inputs {
        cluster: arguments.cluster.clone(),
        workload: arguments.workload.clone(),
        calibration: arguments.calibration.clone(),
        job: arguments.job.clone(),
    };
    let mut loaded = inputs.load(global)?;
    // It is asked for here, whether or not the file has a block of its own.
    loaded.cluster.cost.stated = true;
    let plans: Vec<Plan> = match &arguments.workload {
        Some(_) => loaded.jobs.iter().map(|job| loaded.plan(&loaded.workload.jobs[*job])).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let asked =
        CostQuestion { budget: arguments.budget, work: arguments.work.zip(Some(arguments.mfu.get()).filter(|mfu| *mfu > 0.0)) };
    let name = arguments.cluster.as_deref().unwrap_or(examples::DEFAULT_CLUSTER);
    let costs = Costs::new(&loaded.cluster, &loaded.catalog, &plans, &asked).map_err(|missing| placed(&missing, name))?;
    let text = match arguments.form.format {
        Format::Text => report::costs_text(&costs),
        Format::Markdown => report::costs_markdown(&costs),
        Format::Csv => report::costs_csv(&costs),
        Format::Json => report::json(&costs).map_err(anyhow::Error::from)?,
    };
    output::write(arguments.form.destination.output.as_deref(), &text)?;
    if let Some(path) = &arguments.xlsx {
        output::save(path, &report::costs_xlsx(&costs).map_err(anyhow::Error::from)?)?;
    }
    Ok(Outcome::Done)
}

/// A missing price as a mistake of the cluster file: at its `cost`, or at its pools where it has none.
pub(super) fn placed(missing: &MissingPrice, cluster: &str) -> Diagnostic {
    let error = Diagnostic::error(Code::UnknownPrice, missing.to_string()).help(missing.put.clone());
    let Some((source, tree)) = examples::read(cluster).ok().and_then(|(s, _)| Some((s.clone(), yaml::scan(&s).ok()?))) else {
        return error;
    };
    let at = if tree.entry("cost").is_some() { path!["cost"] } else { path!["pools"] };
    error.at(&source, tree.nearest_span(&at), "")
}
