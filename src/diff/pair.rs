//! A job on a cluster, named by where the two stand in a tree.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A job on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Path of the cluster file below the tree, without its suffix.
    pub cluster: String,
    /// Path of the workload file below the tree, without its suffix.
    pub workload: String,
    /// Name of the job.
    pub job: String,
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} on {}", self.job, self.workload, self.cluster)
    }
}
