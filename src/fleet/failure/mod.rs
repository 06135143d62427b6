//! Nodes that fail, and when they are back: a process fitted to data, and its Monte Carlo.

mod draw;
mod monte_carlo;
mod outage;
mod process;

pub use monte_carlo::{Quantiles, Spread, monte_carlo};
pub use outage::Outages;
pub use process::{Clustering, Faults, Process};

use super::Moment;

/// A failure of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub at: Moment,
    /// The node, counted over all pools.
    pub node: u32,
    /// How long it is gone for.
    pub outage: Moment,
}
