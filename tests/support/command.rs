//! `planner` as it is run, in the folder of the project.

use std::path::Path;
use std::process::{Command, Output};

/// What the program does with these arguments.
pub fn planner(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Command::new(env!("CARGO_BIN_EXE_planner")).args(arguments).current_dir(root).output().expect("the program starts")
}

/// What it says.
pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("output is UTF-8")
}
