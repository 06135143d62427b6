//! `planner sweep`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::input::Destination;
use super::progress::Items;
use super::{Failure, Global, Outcome, input, output};
use crate::diagnostic::Source;
use crate::report;
use crate::spec::{Workload, examples};
use crate::sweep::{self, Account, Assigned, ClusterInput, NodeCounts, Shard, Sheet, Space, WorkloadInput};
use crate::units::{EnergyPrice, HourlyPrice, QuantityError};

/// Arguments of `planner sweep`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  planner sweep clusters/ --workload llama3-8b --gpu-hour 2.00USD/h,2.50USD/h\n  \
                        planner sweep h100-superpod-127 --workload llama3-70b --nodes 16..128:16 -o nodes.jsonl\n  \
                        planner sweep clusters/ --workload jobs/ --shard 3/16 -o shards/3.jsonl\n\
                        Exit codes: 0 every item has an answer; 1 none of the whole sweep has a plan; 2 bad input")]
pub struct SweepArguments {
    /// Cluster files, folders of them (all *.yaml), or names of embedded examples
    #[arg(value_name = "CLUSTER", required = true)]
    clusters: Vec<String>,
    /// Workload files, folders of them, or names of embedded examples; each of their jobs is planned
    #[arg(long, short, value_name = "FILE", required = true, num_args = 1..)]
    workload: Vec<String>,
    /// Numbers of nodes instead of the file's, as in `16,32,64`, `16..128:16` or `16..1024:x2`; for clusters of one pool
    #[arg(long, value_name = "LIST")]
    nodes: Option<NodeCounts>,
    /// Prices of a GPU-hour instead of the file's, as in `2.00USD/h,2.50USD/h`
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = gpu_hour)]
    gpu_hour: Vec<HourlyPrice>,
    /// Prices of electricity instead of the file's, as in `0.08USD/kWh,0.12USD/kWh`
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = tariff)]
    tariff: Vec<EnergyPrice>,
    /// A profile of one's own hardware, as `planner calibrate` writes it
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Plan the k-th of n slices only, or `none` for all items whatever runs this [default: as Slurm, Kubernetes or HyperQueue say]
    #[arg(long, value_name = "k/n", value_parser = which)]
    shard: Option<Which>,
    /// How many shards there are, where the engine does not say [default: `PLANNER_SHARDS`]
    #[arg(long, value_name = "N", conflicts_with = "shard")]
    shards: Option<u32>,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    destination: Destination,
}

/// Form of a sweep.
#[derive(Debug, Args)]
pub(super) struct Form {
    /// Form of the answer [default: by the suffix of the output file, JSONL where it has another; text without a file]
    #[arg(long, value_enum)]
    format: Option<SweepFormat>,
    /// How many items of each job are shown in text and Markdown, the best first; 0 for all
    #[arg(long, value_name = "ITEMS", default_value_t = 10)]
    top: usize,
}

/// Form of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SweepFormat {
    /// For people: the best items and the account
    Text,
    /// For machines and for `planner merge`: a header and a line an item
    Jsonl,
    /// For pull requests and documents
    Markdown,
    /// For spreadsheets: a row an item
    Csv,
}

/// What `--shard` says.
#[derive(Debug, Clone, Copy)]
enum Which {
    All,
    One(Shard),
}

fn which(text: &str) -> Result<Which, String> {
    if text == "none" {
        Ok(Which::All)
    } else {
        text.parse().map(Which::One).map_err(|error: sweep::ShardError| error.to_string())
    }
}

/// In this option `/h` can only be a GPU-hour.
fn gpu_hour(text: &str) -> Result<HourlyPrice, String> {
    let text = text.trim();
    text.strip_suffix("/h").map_or_else(|| text.parse(), |money| format!("{money}/GPU-h").parse()).map_err(|error| said(&error))
}

fn tariff(text: &str) -> Result<EnergyPrice, String> {
    text.trim().parse().map_err(|error| said(&error))
}

fn said(error: &QuantityError) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"))
}

pub(super) fn run(arguments: &SweepArguments, global: &Global) -> Result<Outcome, Failure> {
    let shard = shard(arguments).map_err(anyhow::Error::from)?;
    let space = space(arguments, global)?;
    space.check().map_err(anyhow::Error::from)?;
    let (shard, from) = shard;
    if let Some(from) = from {
        let items = shard.slice(space.len());
        let which = match items.len() {
            0 => "no items".to_owned(),
            _ => format!("items {} to {}", items.start, items.end - 1),
        };
        output::warn(&format!("Shard {} of {}, as {from} says: {which} of {}.\n", shard.number(), shard.of(), space.len()));
    }
    let progress = Items::new(shard.slice(space.len()).len());
    let sheet = sweep::run(&space, shard, &|items| progress.done(items));
    drop(progress);
    write(&sheet, &arguments.form, &arguments.destination)?;
    // What a shard holds is a part of the answer, and an engine that saw it fail would run it again.
    Ok(if shard.is_whole() { answer(&sheet) } else { Outcome::Done })
}

/// The answer is no when nothing has a plan.
pub(super) fn answer(sheet: &Sheet) -> Outcome {
    if Account::of(&sheet.records).planned > 0 { Outcome::Done } else { Outcome::No }
}

/// Writes a sweep in the form that is asked for; beside a file, says in a line what is in it.
pub(super) fn write(sheet: &Sheet, form: &Form, destination: &Destination) -> anyhow::Result<()> {
    let file = destination.output.as_deref().filter(|path| *path != Path::new("-"));
    let suffix = file.and_then(Path::extension).and_then(|suffix| suffix.to_str());
    let format = form.format.unwrap_or(match (file, suffix) {
        (None, _) | (_, Some("txt")) => SweepFormat::Text,
        (_, Some("md")) => SweepFormat::Markdown,
        (_, Some("csv")) => SweepFormat::Csv,
        _ => SweepFormat::Jsonl,
    });
    let text = match format {
        SweepFormat::Text => report::sweep_text(sheet, form.top),
        SweepFormat::Markdown => report::sweep_markdown(sheet, form.top),
        SweepFormat::Csv => report::sweep_csv(sheet),
        SweepFormat::Jsonl => sheet.to_jsonl()?,
    };
    output::write(destination.output.as_deref(), &text)?;
    if file.is_some() {
        output::warn(&report::sweep_account(sheet));
    }
    Ok(())
}

/// The shard, and who says so.
fn shard(arguments: &SweepArguments) -> Result<(Shard, Option<&'static str>), sweep::ShardError> {
    match arguments.shard {
        Some(Which::All) => Ok((Shard::WHOLE, None)),
        Some(Which::One(shard)) => Ok((shard, Some("--shard"))),
        None => {
            let found = Assigned::read(|name| std::env::var(name).ok(), arguments.shards)?;
            Ok(found.map_or((Shard::WHOLE, None), |found| (found.shard, Some(found.from))))
        }
    }
}

fn space(arguments: &SweepArguments, global: &Global) -> Result<Space, Failure> {
    let catalog = input::catalog(global)?;
    let mut errors = Vec::new();
    let clusters = input::clusters(&arguments.clusters, &catalog, &mut errors)?;
    let clusters = clusters.into_iter().map(|(source, cluster)| ClusterInput { source, cluster }).collect();
    let mut workloads = Vec::new();
    for name in input::expanded(&arguments.workload)? {
        let read = examples::read(&name).map_err(|error| vec![error]);
        match read.and_then(|(source, _)| Ok((Workload::load(source.clone(), &catalog)?, source))) {
            Ok((workload, source)) => workloads.push(WorkloadInput { name: stem(source.name()), source, workload }),
            Err(found) => errors.extend(found),
        }
    }
    let calibration = input::calibration(arguments.calibration.as_deref(), &catalog);
    let calibration = calibration.map_err(|found| errors.extend(found)).ok();
    let Some(calibration) = calibration.filter(|_| errors.is_empty()) else { return Err(errors.into()) };
    Ok(Space {
        catalog_file: global.catalog.as_deref().map(Source::read).transpose()?,
        catalog,
        calibration,
        clusters,
        workloads,
        nodes: arguments.nodes.as_ref().map(|nodes| nodes.as_slice().to_vec()).unwrap_or_default(),
        gpu_hours: arguments.gpu_hour.clone(),
        tariffs: arguments.tariff.clone(),
    })
}

/// A workload is called what its file is.
fn stem(name: &str) -> String {
    Path::new(name).file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned())
}
