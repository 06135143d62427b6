//! `planner bench`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::measurements::results;
use super::progress::Bar;
use super::{Failure, Global, Outcome, input, output};
use crate::bench::gpu::{Checks, Gpu, Gpus, choose};
use crate::bench::{BenchError, BenchResult, Effort, bench, suite};
use crate::calibration::recognise::recognise;
use crate::catalog::Accelerator;
use crate::report;

/// Arguments of `planner bench`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner bench --list\n  planner bench --quick\n  planner bench --gpu h200 -o result.json -o roofline.svg\n  \
                        planner bench --all --format jsonl >> nodes.jsonl\n  planner bench --show result.json -o roofline.svg"
)]
pub struct BenchArguments {
    /// List the GPUs that drivers offer, and end
    #[arg(long)]
    list: bool,
    /// Show results that were measured before instead of measuring
    #[arg(long, value_name = "RESULT", conflicts_with_all = ["list", "gpu", "all", "quick", "thorough", "kernel"])]
    show: Option<PathBuf>,
    /// The GPU: its index in the list, a part of its name, or its PCI address
    #[arg(long, value_name = "GPU", conflicts_with = "all")]
    gpu: Option<String>,
    /// Measure every GPU that is hardware, one after the other
    #[arg(long)]
    all: bool,
    /// Under five seconds: memory, peak rates, one product
    #[arg(long, conflicts_with = "thorough")]
    quick: bool,
    /// More sizes, more samples
    #[arg(long)]
    thorough: bool,
    /// Only kernels whose name contains this
    #[arg(long, value_name = "NAME")]
    kernel: Option<String>,
    /// The accelerator of the catalogue to compare with, where the driver's name does not tell
    #[arg(long, value_name = "NAME")]
    accelerator: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file as well, in the form of its ending: .json, .jsonl, .md, .csv, .svg (a roofline); may be given again
    #[arg(long = "export", short = 'o', value_name = "FILE")]
    exports: Vec<PathBuf>,
}

/// Form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines: every sample, base units
    Json,
    /// The same in a line a GPU
    Jsonl,
    /// The table for documents
    Markdown,
    /// The table for spreadsheets
    Csv,
}

/// Form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Export {
    Table(Format),
    Roofline,
}

pub(super) fn run(arguments: &BenchArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    // What cannot be written is said before minutes of measuring.
    let exports = arguments.exports.iter().map(|path| export(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let named = arguments.accelerator.as_deref().map(|name| input::accelerator(&catalog, name)).transpose()?;
    let results = match &arguments.show {
        Some(path) => results(std::slice::from_ref(path))?,
        None => {
            let gpus = Gpus::find();
            if arguments.list {
                return list(&gpus);
            }
            let chosen = chosen(&gpus, arguments)?;
            chosen.into_iter().map(|index| measure(&gpus, index, arguments)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let sheet = |result: &BenchResult| named.or_else(|| recognise(&catalog, &result.adapter.name));
    output::print(&written(&results, arguments.format, &sheet)?)?;
    for (path, export) in arguments.exports.iter().zip(exports) {
        let text = match export {
            Export::Table(format) => written(&results, format, &sheet)?,
            Export::Roofline => results
                .iter()
                .find_map(|result| report::roofline_svg(result, sheet(result)))
                .context("no roofline: neither a bandwidth nor a peak rate was measured")?,
        };
        output::write(Some(path), &text)?;
    }
    if let Some(failure) = results.iter().find_map(|result| result.failure.as_ref()) {
        output::warn(&format!("error: {} at `{}`\n  help: {}\n", failure.message, failure.kernel, failure.remedy));
        return Ok(Outcome::NoGpu);
    }
    let wrong = results.iter().flat_map(|result| &result.measurements).any(|measured| !measured.check.passed);
    Ok(if wrong { Outcome::No } else { Outcome::Done })
}

fn list(gpus: &Gpus) -> Result<Outcome, Failure> {
    if gpus.adapters().is_empty() {
        return Err(Failure::NoGpu(BenchError::NoAdapter));
    }
    output::print(&report::adapters(gpus.adapters()).text(0))?;
    Ok(Outcome::Done)
}

/// The indices of the GPUs to measure.
fn chosen(gpus: &Gpus, arguments: &BenchArguments) -> Result<Vec<usize>, Failure> {
    if !arguments.all {
        return Ok(vec![choose(gpus.adapters(), arguments.gpu.as_deref()).map_err(Failure::NoGpu)?]);
    }
    let hardware: Vec<usize> =
        gpus.adapters().iter().filter(|adapter| !adapter.is_software()).map(|adapter| adapter.index).collect();
    // On a machine with software drivers alone the first of them stands for the GPU, labelled as what it is.
    if hardware.is_empty() { Ok(vec![choose(gpus.adapters(), None).map_err(Failure::NoGpu)?]) } else { Ok(hardware) }
}

fn measure(gpus: &Gpus, index: usize, arguments: &BenchArguments) -> Result<BenchResult, Failure> {
    let effort = match (arguments.quick, arguments.thorough) {
        (true, _) => Effort::Quick,
        (_, true) => Effort::Thorough,
        _ => Effort::Default,
    };
    let adapter = &gpus.adapters()[index];
    let mut kernels = suite(adapter, effort);
    if let Some(name) = &arguments.kernel {
        kernels.retain(|kernel| kernel.name.contains(name.as_str()));
        if kernels.is_empty() {
            let all: Vec<String> = suite(adapter, effort).into_iter().map(|kernel| kernel.name).collect();
            return Err(anyhow::anyhow!("no kernel's name contains `{name}`; there are: {}", all.join(", ")).into());
        }
    }
    let mut gpu = Gpu::open(gpus, index, Checks::Off).map_err(Failure::NoGpu)?;
    let mut bar = Bar::new(&adapter.name, kernels.len());
    Ok(bench(&mut gpu, &kernels, effort, &mut bar))
}

fn written<'a>(
    results: &[BenchResult],
    format: Format,
    sheet: &dyn Fn(&BenchResult) -> Option<&'a Accelerator>,
) -> anyhow::Result<String> {
    let tables =
        |write: &dyn Fn(&BenchResult) -> String, between: &str| results.iter().map(write).collect::<Vec<_>>().join(between);
    Ok(match format {
        Format::Text => tables(&|result| report::bench_text(result, sheet(result)), "\n"),
        Format::Markdown => tables(&|result| report::bench_table(result, sheet(result)).markdown(), "\n"),
        Format::Csv => tables(&|result| report::bench_table(result, sheet(result)).csv(), ""),
        Format::Json => match results {
            [one] => report::json(one)?,
            all => report::json(&all)?,
        },
        Format::Jsonl => {
            let lines = results.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
            lines.into_iter().map(|line| line + "\n").collect()
        }
    })
}

fn export(path: &Path) -> anyhow::Result<Export> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Ok(Export::Table(Format::Json)),
        Some("jsonl") => Ok(Export::Table(Format::Jsonl)),
        Some("md") => Ok(Export::Table(Format::Markdown)),
        Some("csv") => Ok(Export::Table(Format::Csv)),
        Some("txt") => Ok(Export::Table(Format::Text)),
        Some("svg") => Ok(Export::Roofline),
        _ => anyhow::bail!("{}: the ending tells the form: .json, .jsonl, .md, .csv, .txt or .svg", path.display()),
    }
}
