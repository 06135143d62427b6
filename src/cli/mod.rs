//! The command line: one file a subcommand, from arguments to a library call to a report. No arithmetic here.

mod baseline;
mod bench;
mod bom;
mod calibrate;
mod catalog;
mod check;
mod choice;
mod compare;
mod cost;
mod diff;
mod estimates;
mod explain;
mod fleet_health;
mod generate;
mod import;
mod init;
mod input;
mod launch;
mod measurements;
mod merge;
mod output;
mod phases;
mod plan;
mod progress;
mod schedule;
mod schedules;
mod schema;
mod search;
mod size;
mod sweep;
mod told;
mod trace;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bench::BenchError;
use crate::diagnostic::{Diagnostic, Style};

/// GPU cluster capacity planner: from a cluster file to a training plan, a step time and a purchase.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 110, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 the answer is no (no layout fits, a deadline is missed, a limit is exceeded, a policy is broken, a GPU is flagged); 2 bad input; 3 no usable GPU";

/// Options of every command.
#[derive(Debug, Args)]
struct Global {
    /// A file of further accelerators, servers, switches, links, parts and models; entries of the same name replace the embedded ones
    #[arg(long, value_name = "FILE", global = true)]
    catalog: Option<PathBuf>,
    /// How mistakes in the input are shown
    #[arg(long, value_enum, default_value_t = Diagnostics::Full, global = true)]
    diagnostics: Diagnostics,
}

/// How mistakes in the input are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Diagnostics {
    /// With the source line and carets
    Full,
    /// One line each
    Concise,
    /// For machines
    Json,
    /// As GitHub annotations
    Github,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plan the jobs of a workload on a cluster: step time, memory, communication, energy, cost
    Plan(plan::PlanArguments),
    /// Explain every headline number as a chain of formulas with values, units and provenance
    Explain(explain::ExplainArguments),
    /// Say what a GPU-hour costs, line by line, owned and rented, and what jobs cost
    Cost(cost::CostArguments),
    /// Schedule a portfolio of jobs on a cluster over months: queues, deadlines, failures, what to buy
    Schedule(schedule::ScheduleArguments),
    /// Compare every pipeline schedule on a job: step time, bubble, memory
    Schedules(schedules::SchedulesArguments),
    /// Survey the layouts of a job: the best and why, how sure that is, the front of other goals, what better hardware is worth
    Search(search::SearchArguments),
    /// Compare clusters on the same jobs: time, energy, cost, what each phase waits for, at what price the dearer one pays
    Compare(compare::CompareArguments),
    /// Size a cluster: which server, how many, wired how, for jobs with deadlines within a budget, power and space
    Size(size::SizeArguments),
    /// Buy in phases for demand that grows: what to order when, what that costs today, when GPUs are short
    Phases(phases::PhasesArguments),
    /// Write the planned layout as options of a training framework, ready to paste
    Launch(launch::LaunchArguments),
    /// Write a workload file from a launch script or a configuration of a training framework
    Import(import::ImportArguments),
    /// Write a picture of one step: a trace for Perfetto, a Gantt chart, or the task graph
    Trace(trace::TraceArguments),
    /// List what to order for a cluster: nodes, switches, cables, optics, racks, power; what it costs, what the site must carry
    Bom(bom::BomArguments),
    /// Plan every combination of clusters, jobs, node counts and prices, or one shard of them
    Sweep(sweep::SweepArguments),
    /// Put the shards of a sweep together
    Merge(merge::MergeArguments),
    /// Write the estimates of a folder of clusters and workloads into a file that later ones are compared with
    Baseline(baseline::BaselineArguments),
    /// Say what changed in the estimates of a folder since a baseline or a revision of git, why, and whether policies hold
    Diff(diff::DiffArguments),
    /// Hold predictions against published runs, or against your own
    Validate(validate::ValidateArguments),
    /// Measure the GPU at hand: memory, arithmetic, matrices, launches, each result verified
    Bench(bench::BenchArguments),
    /// Make a profile of one's own hardware from measurements, for `--calibration`
    Calibrate(calibrate::CalibrateArguments),
    /// Rank the GPUs of a fleet: slow, unstable or wrong ones, and what the slowest costs a job
    FleetHealth(fleet_health::FleetHealthArguments),
    /// Check cluster and workload files without planning
    Check(check::CheckArguments),
    /// Write a commented cluster file (or workload file) to start from
    Init(init::InitArguments),
    /// List what the catalogue knows, or show one entry with its sources
    Catalog(catalog::CatalogArguments),
    /// Print the JSON Schema of a file, for editors
    Schema(schema::SchemaArguments),
    /// Print a completion script for a shell
    Completions(generate::CompletionsArguments),
    /// Print the manual page
    Man,
}

/// How a command ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Done: exit code 0.
    Done,
    /// The answer is no: exit code 1.
    No,
    /// A GPU was lost on the way, what was measured before is written: exit code 3.
    NoGpu,
}

/// Why a command failed.
#[derive(Debug)]
enum Failure {
    /// The input is wrong: exit code 2.
    Input(Vec<Diagnostic>),
    /// The input is right and the answer is no: exit code 1.
    No(Box<Diagnostic>),
    /// There is no usable GPU: exit code 3.
    NoGpu(BenchError),
    /// Something else, such as a full disk: exit code 2.
    Other(anyhow::Error),
}

impl From<Diagnostic> for Failure {
    fn from(error: Diagnostic) -> Self {
        Self::Input(vec![error])
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(errors: Vec<Diagnostic>) -> Self {
        Self::Input(errors)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<crate::plan::Refusal> for Failure {
    fn from(refusal: crate::plan::Refusal) -> Self {
        match refusal {
            crate::plan::Refusal::Input(errors) => Self::Input(errors),
            crate::plan::Refusal::No(error) => Self::No(error),
        }
    }
}

/// Runs a command and says how it ended.
#[must_use]
pub fn run(arguments: &Arguments) -> ExitCode {
    let global = &arguments.global;
    let result = match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments, global),
        Command::Explain(arguments) => explain::run(arguments, global),
        Command::Cost(arguments) => cost::run(arguments, global),
        Command::Phases(arguments) => phases::run(arguments, global),
        Command::Schedule(arguments) => schedule::run(arguments, global),
        Command::Schedules(arguments) => schedules::run(arguments, global),
        Command::Compare(arguments) => compare::run(arguments, global),
        Command::Size(arguments) => size::run(arguments, global),
        Command::Search(arguments) => search::run(arguments, global),
        Command::Launch(arguments) => launch::run(arguments, global),
        Command::Import(arguments) => import::run(arguments, global),
        Command::Trace(arguments) => trace::run(arguments, global),
        Command::Bom(arguments) => bom::run(arguments, global),
        Command::Sweep(arguments) => sweep::run(arguments, global),
        Command::Merge(arguments) => merge::run(arguments),
        Command::Baseline(arguments) => baseline::run(arguments, global),
        Command::Diff(arguments) => diff::run(arguments, global),
        Command::Validate(arguments) => validate::run(arguments, global),
        Command::Bench(arguments) => bench::run(arguments, global),
        Command::Calibrate(arguments) => calibrate::run(arguments, global),
        Command::FleetHealth(arguments) => fleet_health::run(arguments, global),
        Command::Check(arguments) => check::run(arguments, global),
        Command::Init(arguments) => init::run(arguments),
        Command::Catalog(arguments) => catalog::run(arguments, global),
        Command::Schema(arguments) => schema::run(arguments),
        Command::Completions(arguments) => generate::completions(arguments),
        Command::Man => generate::man(),
    };
    let (diagnostics, code) = match result {
        Ok(Outcome::Done) => return ExitCode::SUCCESS,
        Ok(Outcome::No) => return ExitCode::from(1),
        Ok(Outcome::NoGpu) => return ExitCode::from(3),
        Err(Failure::NoGpu(error)) => {
            output::warn(&format!("error: {error}\n  help: {}\n", error.remedy()));
            return ExitCode::from(3);
        }
        Err(Failure::Other(error)) if output::is_closed_pipe(&error) => return ExitCode::SUCCESS,
        Err(Failure::Other(error)) => {
            output::warn(&format!("error: {error:#}\n"));
            return ExitCode::from(2);
        }
        Err(Failure::Input(errors)) => (errors, 2),
        Err(Failure::No(error)) => (vec![*error], 1),
    };
    show(diagnostics, global.diagnostics);
    ExitCode::from(code)
}

/// Prints diagnostics to standard error, coloured where that is a terminal.
fn show(mut diagnostics: Vec<Diagnostic>, style: Diagnostics) {
    crate::diagnostic::sort(&mut diagnostics);
    let style = match style {
        Diagnostics::Full => Style::Full { color: true },
        Diagnostics::Concise => Style::Concise,
        Diagnostics::Json => Style::Json,
        Diagnostics::Github => Style::Github,
    };
    output::warn(&crate::diagnostic::render(&diagnostics, style));
}

/// The arguments, for completions and the manual page.
fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
