//! The `planner` binary: parse arguments, call the library, exit.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    planner::cli::run(&planner::cli::Arguments::parse())
}
