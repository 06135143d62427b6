//! Where the files of a tree are read: in a folder, or in a revision of git.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::git::Revision;
use crate::diagnostic::{Code, Diagnostic, Source, quoted};

/// The policy file of a tree, which is neither cluster nor workload.
pub const POLICY: &str = "planner.policy.yaml";

/// Folders inside each other that are looked into at most.
const DEEPEST: usize = 16;

/// Where files are read.
#[derive(Debug)]
pub enum Files {
    /// In this folder.
    Folder(PathBuf),
    /// In the same folder, as it was in a revision.
    Revision(Revision),
}

impl Files {
    /// Paths of all `*.yaml` below the folder, with `/` between their parts, in alphabetical order. Hidden folders are left out.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list(&self) -> Result<Vec<String>, Diagnostic> {
        let mut all = match self {
            Self::Folder(folder) => {
                let mut found = Vec::new();
                walk(folder, "", DEEPEST, &mut found)?;
                found
            }
            Self::Revision(revision) => revision.list()?,
        };
        all.retain(|path| {
            let mut parts = path.rsplit('/');
            let file = parts.next().unwrap_or_default();
            let hidden = parts.any(|folder| folder.starts_with('.')) || file.starts_with('.');
            let is_yaml = Path::new(file).extension().is_some_and(|suffix| suffix == "yaml");
            is_yaml && file != POLICY && !hidden
        });
        all.sort_unstable();
        Ok(all)
    }

    /// Reads a file by its path below the folder.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read_below(&self, path: &str) -> Result<Arc<Source>, Diagnostic> {
        match self {
            // `./fleet.yaml` is `fleet.yaml` to whoever looks for the line, GitHub among them.
            Self::Folder(folder) => {
                let plain: PathBuf = folder.components().filter(|part| *part != Component::CurDir).collect();
                Source::read(&plain.join(path))
            }
            Self::Revision(revision) => revision.read_below(path),
        }
    }

    /// Reads a file by the name that its reader knows it under, the folder's name before it.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(&self, path: &Path) -> Result<Arc<Source>, Diagnostic> {
        match self {
            Self::Folder(_) => Source::read(path),
            Self::Revision(revision) => revision.read(path),
        }
    }
}

fn walk(folder: &Path, below: &str, depth: usize, found: &mut Vec<String>) -> Result<(), Diagnostic> {
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read the folder {}: {error}", quoted(&folder.display().to_string()));
        Diagnostic::error(Code::Unreadable, message).help("name the folder of your cluster and workload files")
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // What has no name in UTF-8 is no file of ours.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = entry.path();
        if path.is_dir() && depth > 0 && !name.starts_with('.') {
            walk(&path, &format!("{below}{name}/"), depth - 1, found)?;
        } else if path.is_file() {
            found.push(format!("{below}{name}"));
        }
    }
    Ok(())
}
