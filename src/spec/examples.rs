//! The example files that the binary carries, under the names that they have in `clusters/`.

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};

macro_rules! examples {
    ($($name:literal),+ $(,)?) => {
        /// Path under `clusters/` and text of every example.
        pub const EXAMPLES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../clusters/", $name)))),+];
    };
}

examples! {
    "a100-selene-3072.yaml",
    "desktop-2x-rtx-4090.yaml",
    "dgx-h100.yaml",
    "gb200-nvl72-8.yaml",
    "h100-16384.yaml",
    "h100-256.yaml",
    "h100-superpod-127.yaml",
    "h200-superpod-127.yaml",
    "h800-2048.yaml",
    "mi300x-64.yaml",
    "mixed-a100-h100.yaml",
    "portfolios/one-year.yaml",
    "workloads/deepseek-v3.yaml",
    "workloads/gpt3-175b.yaml",
    "workloads/llama2-7b.yaml",
    "workloads/llama3-70b-two-pools.yaml",
    "workloads/llama3-70b.yaml",
    "workloads/llama3-8b.yaml",
    "workloads/llama3.1-405b.yaml",
    "workloads/megatron-1t.yaml",
    "workloads/mixtral-8x7b.yaml",
    "workloads/tinyllama.yaml",
}

/// The cluster that is planned when none is named.
pub const DEFAULT_CLUSTER: &str = "h100-superpod-127.yaml";
/// The workload that is planned when none is named.
pub const DEFAULT_WORKLOAD: &str = "workloads/llama3-70b.yaml";

/// Reads `name` as a file, or as an embedded example: `h100-superpod-127`, with or without `clusters/` and `.yaml`.
///
/// The flag says whether the text came from the binary.
///
/// # Errors
/// What is wrong with the file; for a name that is neither, the examples that there are.
pub fn read(name: &str) -> Result<(Arc<Source>, bool), Diagnostic> {
    let path = Path::new(name);
    if let Some((name, text)) = find(name).filter(|_| !path.exists()) {
        return Ok((Source::new(format!("clusters/{name}"), text), true));
    }
    Source::read(path).map(|source| (source, false)).map_err(|error| {
        let names: Vec<&str> = EXAMPLES.iter().map(|(name, _)| name.trim_end_matches(".yaml")).collect();
        if path.exists() { error } else { error.note(format!("embedded examples: {}", names.join(", "))) }
    })
}

fn find(name: &str) -> Option<(&'static str, &'static str)> {
    let wanted = name.trim_start_matches("./").trim_start_matches("clusters/").trim_end_matches(".yaml");
    let stem = |name: &'static str| name.trim_end_matches(".yaml");
    EXAMPLES
        .iter()
        .copied()
        .find(|(name, _)| stem(name) == wanted)
        .or_else(|| EXAMPLES.iter().copied().find(|(name, _)| stem(name).rsplit('/').next() == Some(wanted)))
}
