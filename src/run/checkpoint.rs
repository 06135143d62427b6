//! What a checkpoint weighs, how long it takes, how often it is worth one.

use serde::Serialize;

use crate::catalog::Sourced;
use crate::spec::{CheckpointStorage, Reliability};
use crate::units::{Bytes, BytesPerSecond, Nodes, Seconds};

/// How a job saves what it has learnt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checkpoint {
    /// Weights and what the optimizer keeps, of the whole model, once.
    #[serde(rename = "bytes")]
    pub bytes: Bytes,
    /// What the job's nodes write together.
    #[serde(rename = "write_bytes_per_s")]
    pub write_bandwidth: Sourced<BytesPerSecond>,
    /// What they read together.
    #[serde(rename = "read_bytes_per_s")]
    pub read_bandwidth: Sourced<BytesPerSecond>,
    /// Time until it is written.
    #[serde(rename = "write_s")]
    pub write: Seconds,
    /// Part of that for which the job stands still.
    #[serde(rename = "blocked_s")]
    pub blocked: Seconds,
    /// Time to load it.
    #[serde(rename = "load_s")]
    pub load: Seconds,
    /// Training between two of them; none where nothing fails and no interval is given.
    #[serde(rename = "interval_s")]
    pub interval: Option<Seconds>,
}

impl Checkpoint {
    /// A checkpoint of `bytes` by `nodes` nodes that are interrupted every `mtti`. A job saves between steps, and has one
    /// checkpoint in writing at a time.
    #[must_use]
    pub fn new(
        (reliability, storage): (&Reliability, &CheckpointStorage),
        bytes: Bytes,
        nodes: Nodes,
        (mtti, step): (Option<Seconds>, Seconds),
    ) -> Self {
        let (write_bandwidth, read_bandwidth) = (storage.write(nodes), storage.read(nodes));
        let write = bytes / write_bandwidth.value;
        let blocked = reliability.blocking.unwrap_or(write);
        let interval = reliability.interval.or_else(|| mtti.map(|mtti| daly(blocked, mtti)));
        let least = step.max(write - blocked);
        Self {
            bytes,
            load: bytes / read_bandwidth.value,
            write_bandwidth,
            read_bandwidth,
            write,
            blocked,
            interval: interval.map(|interval| interval.max(least)),
        }
    }

    /// Time in which it is written while the job goes on.
    #[must_use]
    pub fn behind(&self) -> Seconds {
        (self.write - self.blocked).max(Seconds::ZERO)
    }
}

/// Young's interval, the first-order optimum: `sqrt(2 C M)` (Young 1974, doi:10.1145/361147.361115).
#[must_use]
pub fn young(blocked: Seconds, mtti: Seconds) -> Seconds {
    Seconds::new((2.0 * blocked.get() * mtti.get()).sqrt())
}

/// Daly's interval, within 0.2 % of the best goodput for any `C` below `2 M` (Daly 2006, doi:10.1016/j.future.2004.11.016, equation 37).
#[must_use]
pub fn daly(blocked: Seconds, mtti: Seconds) -> Seconds {
    let half = blocked / (2.0 * mtti);
    if half >= 1.0 {
        return mtti;
    }
    young(blocked, mtti) * (1.0 + half.sqrt() / 3.0 + half / 9.0) - blocked
}
