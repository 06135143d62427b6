//! `planner fleet-health`.

use std::path::PathBuf;

use clap::Args;

use super::input::{Destination, Format, Inputs};
use super::measurements::results;
use super::{Failure, Global, Outcome, input, output};
use crate::bench::BenchResult;
use crate::bench::fleet::{Health, fleet_health};
use crate::calibration::recognise::recognise;
use crate::plan::{SlowestCost, slowest};
use crate::report;

/// Arguments of `planner fleet-health`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  srun --ntasks-per-node=1 planner bench --all --quick --format jsonl > nodes.jsonl\n  \
                        planner fleet-health nodes.jsonl\n  planner fleet-health *.jsonl --cluster h100-superpod-127 --workload llama3-70b\n\n\
                        Exit code 1 when a GPU is flagged.")]
pub struct FleetHealthArguments {
    /// Results of `planner bench` from every node
    #[arg(value_name = "RESULT", required = true)]
    files: Vec<PathBuf>,
    /// Show what the slowest GPU costs the jobs of a workload on this cluster
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
    /// The workload
    #[arg(long, short, value_name = "FILE", requires = "cluster")]
    workload: Option<String>,
    /// This job of the workload only
    #[arg(long, value_name = "NAME", requires = "cluster")]
    job: Option<String>,
    /// The accelerator of the catalogue, where the driver's name does not tell
    #[arg(long, value_name = "NAME")]
    accelerator: Option<String>,
    /// Rows shown
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    top: usize,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    destination: Destination,
}

/// What `--format json` prints.
#[derive(serde::Serialize)]
struct Report<'a> {
    schema_version: u32,
    gpus: &'a [Health],
    costs: &'a [SlowestCost],
}

/// How many of the worst GPUs are planned with: the one that costs a job most may not be the one furthest behind.
const SUSPECTS: usize = 5;

pub(super) fn run(arguments: &FleetHealthArguments, global: &Global) -> Result<Outcome, Failure> {
    let results = results(&arguments.files)?;
    let fleet = fleet_health(&results);
    // A job runs on one kind of GPU: that of the worst.
    let alike = |health: &&Health| Some(&health.gpu) == fleet.first().map(|worst| &worst.gpu);
    let suspects: Vec<&Health> = fleet.iter().filter(alike).take(SUSPECTS).collect();
    let costs = if arguments.cluster.is_some() { costs(arguments, global, &results, &suspects)? } else { Vec::new() };
    let text = match arguments.format {
        Format::Text => report::fleet_text(&fleet, arguments.top, &costs, &suspects),
        Format::Markdown => report::fleet_table(&fleet, arguments.top).markdown(),
        Format::Csv => report::fleet_table(&fleet, fleet.len()).csv(),
        Format::Json => {
            report::json(&Report { schema_version: 1, gpus: &fleet, costs: &costs }).map_err(anyhow::Error::from)?
        }
    };
    output::write(arguments.destination.output.as_deref(), &text)?;
    Ok(if fleet.iter().all(|health| health.faults.is_empty()) { Outcome::Done } else { Outcome::No })
}

fn costs(
    arguments: &FleetHealthArguments,
    global: &Global,
    results: &[BenchResult],
    suspects: &[&Health],
) -> Result<Vec<SlowestCost>, Failure> {
    let inputs = Inputs {
        cluster: arguments.cluster.clone(),
        workload: arguments.workload.clone(),
        job: arguments.job.clone(),
        calibration: None,
    };
    let loaded = inputs.load(global)?;
    let named = arguments.accelerator.as_deref().map(|name| input::accelerator(&loaded.catalog, name)).transpose()?;
    let first = suspects.first().map_or("", |health| health.gpu.as_str());
    let Some(accelerator) = named.or_else(|| recognise(&loaded.catalog, first)) else {
        return Err(anyhow::anyhow!("`{first}` is no accelerator of the catalogue; name one with --accelerator").into());
    };
    let fleet: Vec<&BenchResult> = results.iter().filter(|result| result.adapter.name == first).collect();
    let slow: Vec<&BenchResult> = suspects.iter().map(|health| &results[health.result]).collect();
    let mut costs = Vec::new();
    for job in loaded.jobs.iter().map(|job| &loaded.workload.jobs[*job]) {
        let job = (&loaded.workload, job);
        costs.extend(slowest((&loaded.cluster, &loaded.topology), job, &loaded.catalog, accelerator, (&fleet, &slow))?);
    }
    Ok(costs)
}
