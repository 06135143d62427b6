//! A tree of files: which of them are clusters, which are workloads, and what they say.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use super::files::Files;
use crate::diagnostic::{Diagnostic, Source, nearest};
use crate::estimate::Context;
use crate::spec::{Cluster, PortfolioFile, Workload};
use crate::topology::Topology;
use crate::yaml::{self, Node};

/// Clusters and workloads below a folder, by name.
#[derive(Debug)]
pub struct Tree {
    /// Clusters.
    pub clusters: Vec<ClusterAt>,
    /// Workloads.
    pub workloads: Vec<WorkloadAt>,
    /// Files that are neither, and were not read further.
    pub passed_over: Vec<String>,
}

/// A cluster of a tree.
#[derive(Debug)]
pub struct ClusterAt {
    /// Path of its file below the folder, without its suffix.
    pub name: String,
    /// The file.
    pub source: Arc<Source>,
    /// What is written in it.
    pub tree: Node,
    /// What it means.
    pub cluster: Cluster,
    /// Its graph.
    pub topology: Topology,
}

/// A workload of a tree.
#[derive(Debug)]
pub struct WorkloadAt {
    /// Path of its file below the folder, without its suffix.
    pub name: String,
    /// What it means.
    pub workload: Workload,
}

/// What a file is, by its top-level keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cluster,
    Workload,
    Other,
}

impl Tree {
    /// Reads a tree.
    ///
    /// # Errors
    /// Everything that is wrong with its clusters and workloads.
    pub fn read(files: &Files, context: &Context) -> Result<Self, Vec<Diagnostic>> {
        let mut found = Self { clusters: Vec::new(), workloads: Vec::new(), passed_over: Vec::new() };
        let mut errors = Vec::new();
        for path in files.list().map_err(|error| vec![error])? {
            if let Err(wrong) = found.take(files, &path, context) {
                errors.extend(wrong);
            }
        }
        if errors.is_empty() { Ok(found) } else { Err(errors) }
    }

    fn take(&mut self, files: &Files, path: &str, context: &Context) -> Result<(), Vec<Diagnostic>> {
        let source = files.read_below(path).map_err(|error| vec![error])?;
        let tree = yaml::scan(&source)?;
        let name = path.trim_end_matches(".yaml").to_owned();
        match kind(&tree) {
            Kind::Cluster => {
                let cluster = Cluster::load(Arc::clone(&source), &context.catalog)?;
                self.clusters.push(ClusterAt { name, source, tree, topology: Topology::new(&cluster), cluster });
            }
            Kind::Workload => {
                let read = |path: &Path| files.read(path);
                let workload = Workload::load_with(source, &context.catalog, &read)?;
                self.workloads.push(WorkloadAt { name, workload });
            }
            Kind::Other => self.passed_over.push(path.to_owned()),
        }
        Ok(())
    }
}

/// A cluster has pools, a workload has jobs and nothing that only a portfolio has. A key that is nearly one of them counts as
/// misspelt, so that the mistake is shown.
fn kind(tree: &Node) -> Kind {
    let keys: Vec<&str> = tree.entries().iter().map(|entry| entry.key.as_str()).collect();
    if keys.contains(&"pools") {
        return Kind::Cluster;
    }
    if keys.iter().any(|key| PORTFOLIO.iter().any(|own| own == key)) {
        return Kind::Other;
    }
    if keys.contains(&"jobs") {
        return Kind::Workload;
    }
    match keys.iter().find_map(|key| nearest(key, ["pools", "jobs", "policies", "pairs"])) {
        Some("pools") => Kind::Cluster,
        Some("jobs") => Kind::Workload,
        _ => Kind::Other,
    }
}

/// Keys of portfolio files that workloads do not have.
static PORTFOLIO: LazyLock<Vec<String>> = LazyLock::new(|| {
    let schema = schemars::schema_for!(PortfolioFile);
    let keys = schema.get("properties").and_then(serde_json::Value::as_object);
    keys.into_iter().flat_map(|keys| keys.keys().cloned()).filter(|key| key != "jobs").collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_keys() {
        let of = |text: &str| kind(&yaml::scan(&Source::new("f", text)).unwrap());
        assert_eq!(of("name: x\npools: []\n"), Kind::Cluster);
        assert_eq!(of("jobs: []\n"), Kind::Workload);
        assert_eq!(of("jobs: []\nqueues: []\n"), Kind::Other);
        assert_eq!(of("name: x\npool: []\n"), Kind::Cluster);
        assert_eq!(of("job:\n  - x\n"), Kind::Workload);
        assert_eq!(of("on: push\npermissions: read\n"), Kind::Other);
    }
}
