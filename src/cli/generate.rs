//! `planner completions` and `planner man`.

use clap::Args;
use clap_complete::Shell;

use super::{Failure, Outcome, command, output};

/// Arguments of `planner completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions(arguments: &CompletionsArguments) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "planner", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}

pub(super) fn man() -> Result<Outcome, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command()).render(&mut page).map_err(anyhow::Error::from)?;
    output::print(&String::from_utf8_lossy(&page))?;
    Ok(Outcome::Done)
}
