//! `planner validate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, Global, Outcome, input, output};
use crate::calibration::Calibration;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::report::{self, By};
use crate::validate::regret::{Regret, regrets};
use crate::validate::score::score;
use crate::validate::{PUBLISHED, Predictor, read};

/// Arguments of `planner validate`.
#[derive(Debug, Args)]
pub struct ValidateArguments {
    /// A table of runs, with the columns of docs/accuracy.md; the published runs that come with the planner when left out
    #[arg(long, value_name = "FILE.csv")]
    data: Option<PathBuf>,
    /// What rows are gathered by
    #[arg(long, value_enum, default_value_t = By::Source)]
    by: By,
    /// How many of the rows furthest off are listed
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    worst: usize,
    /// Hold the published layouts against those that the search chooses, instead of times: takes seconds
    #[arg(long)]
    regret: bool,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Fail when the median error of the rows that count is larger, in percent
    #[arg(long, value_name = "PERCENT")]
    max_median: Option<f64>,
    /// Fail when the mean error is larger, in percent
    #[arg(long, value_name = "PERCENT")]
    max_mean: Option<f64>,
    /// Fail when one group in ten is further off, in percent
    #[arg(long, value_name = "PERCENT")]
    max_p90: Option<f64>,
    /// Fail when the bias is larger to either side, in percent
    #[arg(long, value_name = "PERCENT")]
    max_bias: Option<f64>,
    /// Write the answer here instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines
    Json,
    /// For documents
    Markdown,
    /// A page with a picture and every row
    Html,
    /// The picture alone
    Svg,
}

pub(super) fn run(arguments: &ValidateArguments, global: &Global) -> Result<Outcome, Failure> {
    let catalog = input::catalog(global)?;
    let source = match &arguments.data {
        Some(path) => Source::read(path)?,
        None => Source::new("published runs", PUBLISHED),
    };
    let rows = read(source.text()).map_err(|error| {
        let at = source.line(error.line);
        Diagnostic::error(Code::TableCell, error.to_string())
            .at(&source, at, format!("column {}", error.column))
            .help("docs/accuracy.md lists the columns and their units; an empty cell says that a figure is not known")
    })?;
    let predictor = Predictor::new(&rows, &catalog);
    if arguments.regret {
        return regret(arguments, &regrets(&predictor, &rows, Calibration::defaults()));
    }
    let scored = score(&predictor, &rows, Calibration::defaults());
    let text = match arguments.format {
        Format::Text => report::validation_text(&scored, arguments.by, arguments.worst),
        Format::Markdown => report::validation_markdown(&scored, arguments.by, arguments.worst),
        Format::Json => report::json(&report::validation_report(&scored)).map_err(anyhow::Error::from)?,
        Format::Html => report::validation_page(&scored),
        Format::Svg => report::validation_scatter(&scored),
    };
    output::write(arguments.output.as_deref(), &text)?;
    let summary = report::headline(&scored);
    let limits = [
        ("median error", arguments.max_median, summary.median_abs_pct_error),
        ("mean error", arguments.max_mean, summary.mean_abs_pct_error),
        ("error that nine in ten groups stay below", arguments.max_p90, summary.p90_abs_pct_error),
        ("bias", arguments.max_bias, summary.bias_pct.abs()),
    ];
    let mut outcome = Outcome::Done;
    for (name, limit, value) in limits {
        // A table without a single scored row keeps no promise.
        if let Some(limit) = limit.filter(|limit| value > *limit || summary.rows_scored == 0) {
            output::warn(&format!("the {name} is {value:.2} %, more than {limit} %\n"));
            outcome = Outcome::No;
        }
    }
    Ok(outcome)
}

/// Writes what published layouts lose to the search's.
fn regret(arguments: &ValidateArguments, regrets: &[Regret]) -> Result<Outcome, Failure> {
    let tables = report::regret_tables(regrets, arguments.worst);
    let text = match arguments.format {
        Format::Text => tables.map(|table| table.text(2)).join("\n"),
        Format::Markdown => tables.map(|table| table.markdown()).join("\n"),
        Format::Json => report::json(&regrets).map_err(anyhow::Error::from)?,
        Format::Html | Format::Svg => {
            return Err(anyhow::anyhow!("regrets have no picture: use `--format text`, `markdown` or `json`").into());
        }
    };
    output::write(arguments.output.as_deref(), &text)?;
    Ok(Outcome::Done)
}
