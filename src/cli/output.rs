//! Writing results: data to standard output or to a file that is replaced in one move, messages to standard error.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Prints data.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to standard output")
}

/// Prints a message; where standard error is no terminal, without colour.
pub(super) fn warn(text: &str) {
    // With standard error closed there is nowhere left to say so.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Writes data to `path`, or prints it when that is absent or `-`.
pub(super) fn write(path: Option<&Path>, text: &str) -> anyhow::Result<()> {
    let Some(path) = path.filter(|path| *path != Path::new("-")) else { return print(text) };
    save(path, text.as_bytes())
}

/// The path of a workbook, which nobody reads on a terminal.
pub(super) fn workbook(text: &str) -> Result<PathBuf, String> {
    if text == "-" { Err("a workbook is a file: write its name, such as `cost.xlsx`".to_owned()) } else { Ok(text.into()) }
}

/// Writes a file in one move. The old one is there until the new one is whole.
pub(super) fn save(path: &Path, data: &[u8]) -> anyhow::Result<()> {
    let mut name = path.file_name().context("the output path names no file")?.to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = std::fs::write(&temporary, data).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The half-written file is ours to take away; the error that matters is the first.
        let _ = std::fs::remove_file(&temporary);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Whether a reader such as `head` closed the pipe: no error.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|io| io.kind() == ErrorKind::BrokenPipe)
}
