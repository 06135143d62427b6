//! Files of a revision, read through the `git` program.

use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Source, quoted};

/// A folder as it was in a revision.
#[derive(Debug)]
pub struct Revision {
    folder: PathBuf,
    /// As the user names it.
    name: String,
    commit: String,
}

/// What git answered.
enum Answer {
    Yes(Vec<u8>),
    No(String),
}

impl Revision {
    /// Finds a revision in the repository that a folder stands in.
    ///
    /// # Errors
    /// When there is no git, no repository, or no such revision.
    pub fn find(folder: &Path, name: &str) -> Result<Self, Diagnostic> {
        let error = |message: String, help: &str| Diagnostic::error(Code::Revision, message).help(help);
        let shown = quoted(&folder.display().to_string());
        if let Answer::No(_) = ask(folder, &["rev-parse", "--is-inside-work-tree"])? {
            let message = format!("{shown} is in no git repository, and there is no file {}", quoted(name));
            return Err(error(message, "name a baseline that `planner baseline` wrote, or run this in a clone"));
        }
        let wanted = format!("{name}^{{commit}}");
        match ask(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])? {
            Answer::Yes(commit) => {
                let commit = String::from_utf8_lossy(&commit).trim().to_owned();
                Ok(Self { folder: folder.to_owned(), name: name.to_owned(), commit })
            }
            Answer::No(_) => {
                let message = format!("{} is neither a file nor a revision of git", quoted(name));
                let help = "write a baseline with `planner baseline`, or fetch the revision: a CI job that clones with \
                            `--depth 1` does not have it";
                Err(error(message, help))
            }
        }
    }

    /// The revision, as the user names it and as git does: `main (1a2b3c4d5e6f)`.
    #[must_use]
    pub fn told(&self) -> String {
        let short: String = self.commit.chars().take(12).collect();
        if self.commit.starts_with(&self.name) { short } else { format!("{} ({short})", self.name) }
    }

    /// Paths of all files below the folder; none when the folder was not there.
    pub(super) fn list(&self) -> Result<Vec<String>, Diagnostic> {
        match ask(&self.folder, &["ls-tree", "-r", "-z", "--name-only", &self.commit])? {
            Answer::Yes(names) => {
                let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
                Ok(names.filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect())
            }
            Answer::No(reason) => Err(self.unreadable(".", &reason)),
        }
    }

    pub(super) fn read_below(&self, path: &str) -> Result<Arc<Source>, Diagnostic> {
        let at = format!("{}:./{path}", self.commit);
        match ask(&self.folder, &["cat-file", "blob", &at])? {
            Answer::Yes(bytes) => Source::decode(format!("{}{path}", self.root()), &bytes),
            Answer::No(reason) => Err(self.unreadable(path, &reason)),
        }
    }

    /// Reads a file by the name that [`Self::read_below`] gave it, or by one relative to that.
    pub(super) fn read(&self, path: &Path) -> Result<Arc<Source>, Diagnostic> {
        let shown = path.to_string_lossy().replace('\\', "/");
        let below = shown.strip_prefix(&self.root()).unwrap_or(&shown);
        self.read_below(&resolved(Path::new(below)))
    }

    /// A file elsewhere in a repository, as it was; nothing where that revision did not have it.
    #[must_use]
    pub fn read_elsewhere(&self, path: &Path) -> Option<Arc<Source>> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let at = format!("{}:./{}", self.commit, path.file_name()?.to_str()?);
        match ask(folder, &["cat-file", "blob", &at]).ok()? {
            Answer::Yes(bytes) => Source::decode(format!("{}:{}", self.name, path.display()), &bytes).ok(),
            Answer::No(_) => None,
        }
    }

    fn root(&self) -> String {
        format!("{}:{}/", self.name, self.folder.display().to_string().trim_end_matches('/'))
    }

    fn unreadable(&self, path: &str, reason: &str) -> Diagnostic {
        let message = format!("cannot read {} of {}: {reason}", quoted(path), quoted(&self.name));
        Diagnostic::error(Code::Revision, message)
    }
}

/// The path without `..` where what it leads out of is known.
fn resolved(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir if parts.last().is_some_and(|last| last != "..") => drop(parts.pop()),
            Component::CurDir => {}
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    parts.join("/")
}

/// Runs git in a folder.
fn ask(folder: &Path, arguments: &[&str]) -> Result<Answer, Diagnostic> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        // Reasons are told in one language.
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            let help = "install git and put it on the path, or compare with a baseline file";
            Diagnostic::error(Code::Revision, format!("cannot run `git`: {error}")).help(help)
        })?;
    if output.status.success() {
        return Ok(Answer::Yes(output.stdout));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().next().unwrap_or("it says nothing").trim_start_matches("fatal: ");
    Ok(Answer::No(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_up_are_taken() {
        assert_eq!(resolved(Path::new("workloads/../models/./a.json")), "models/a.json");
        assert_eq!(resolved(Path::new("../a.json")), "../a.json");
    }

    #[test]
    fn what_is_no_revision_is_named() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let error = Revision::find(here, "no-such-branch").unwrap_err();
        assert!(error.message.starts_with("`no-such-branch` is neither") || error.message.contains("in no git repository"));
        assert!(Revision::find(here, "--help").is_err());
    }
}
