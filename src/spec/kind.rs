//! What kind of file a text is.

/// A kind of file that describes a cluster or jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A cluster.
    Cluster,
    /// Jobs, each planned on a cluster.
    Workload,
    /// Jobs over months.
    Portfolio,
    /// What estimates may change by, and which are made.
    Policy,
}

/// Keys that stand only in policies.
const POLICY: [&str; 2] = ["policies", "pairs"];

/// Keys that stand only in portfolios: of the file, then of its jobs.
const PORTFOLIO: [&str; 6] = ["training", "queues", "maintenance", "reservations", "power-caps", "spares"];
const PORTFOLIO_JOBS: [&str; 7] =
    ["train", "duration", "arrival", "time-limit", "max-gpus", "max-nodes", "checkpoint-interval"];

impl FileKind {
    /// What a text is, or is nearest to: it may be broken, so its keys are looked for, not read.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let top = || text.lines().map(|line| key(line.trim_start_matches(['{', '"', '\''])));
        if top().any(|key| PORTFOLIO.contains(&key)) {
            return Self::Portfolio;
        }
        if top().any(|key| POLICY.contains(&key)) {
            return Self::Policy;
        }
        if !top().any(|key| key.starts_with("job")) {
            return Self::Cluster;
        }
        let mut keys = text.split(['\n', ',', '{']).map(|part| key(part.trim_start_matches([' ', '-', '"', '\''])));
        if keys.any(|key| PORTFOLIO_JOBS.contains(&key)) {
            return Self::Portfolio;
        }
        Self::Workload
    }
}

/// The key that a text begins with.
fn key(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_whole_or_broken() {
        for (text, kind) in [
            ("name: lab\npools:\n- {name: a, nodes: 2 nodes}\n", FileKind::Cluster),
            ("jobs:\n- {name: a, model: llama3-8b}\n", FileKind::Workload),
            ("{\"jobs\": [{\"name\": \"a\", \"model\": \"llama3-8b\"}]}", FileKind::Workload),
            ("jbos: [\n", FileKind::Cluster),
            ("jobs:\n- name: a\n  duration: 3 days\n", FileKind::Portfolio),
            ("jobs: [{name: a, nodes: 2 nodes, checkpoint-interval: 1 h", FileKind::Portfolio),
            ("queues: 3\njobs:\n- {name: a, model: b}\n", FileKind::Portfolio),
            ("policies:\n- max-increase-percent: 5\n", FileKind::Policy),
            ("", FileKind::Cluster),
        ] {
            assert_eq!(FileKind::of(text), kind, "{text}");
        }
    }
}
