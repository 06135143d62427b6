//! `planner import`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::input::{self, Destination};
use super::{Failure, Global, Outcome, output};
use crate::diagnostic::Source;
use crate::launch;

/// Arguments of `planner import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner import megatron-lm pretrain.sh -o workload.yaml\n  planner import megatron-lm pretrain.sh --set NNODES=16\n  \
                        planner import nemo config.yaml --set tokenizer.vocab_size=128256"
)]
pub struct ImportArguments {
    /// What the file is of
    #[arg(value_enum)]
    from: Origin,
    /// Launch script or configuration
    file: PathBuf,
    /// A shell variable (`TP=8`) or an option (`vocab-size=128256`) that the file leaves open
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    given: Vec<(String, String)>,
    #[command(flatten)]
    destination: Destination,
}

/// What a launch file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Origin {
    /// Megatron-LM: a script, a launch line, or YAML with `MODEL_ARGS`
    MegatronLm,
    /// `NeMo` or Megatron-Bridge: a configuration in YAML
    Nemo,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".into()),
    }
}

pub(super) fn run(arguments: &ImportArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let source = Source::read(&arguments.file)?;
    let format = match arguments.from {
        Origin::MegatronLm => launch::Format::MegatronLm,
        Origin::Nemo => launch::Format::Nemo,
    };
    let text = launch::import(&source, format, &arguments.given, &catalog)?;
    let path = arguments.destination.output.as_deref();
    output::write(path, &text)?;
    if let Some(path) = path.filter(|path| *path != Path::new("-")) {
        let path = path.display();
        output::print(&format!("Wrote {path}. Next: planner plan CLUSTER --workload {path}\n"))?;
    }
    Ok(Outcome::Done)
}
