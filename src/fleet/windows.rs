//! Nodes that are promised ahead of time: to maintenance, or to the jobs of a reservation.

use fixedbitset::FixedBitSet;

use super::Moment;

/// Nodes that are promised from one instant to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What it is called.
    pub name: String,
    /// Its first instant.
    pub from: Moment,
    /// The first instant after it.
    pub until: Moment,
    /// Its nodes, counted over all pools.
    pub nodes: FixedBitSet,
    /// The jobs that it is for; of maintenance, none.
    pub jobs: FixedBitSet,
}

impl Window {
    /// Whether a job may use the window's nodes during it.
    #[must_use]
    pub fn admits(&self, job: u32) -> bool {
        self.jobs.contains(job as usize)
    }
}

/// All windows of a simulation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Windows {
    windows: Vec<Window>,
}

impl Windows {
    /// These windows.
    #[must_use]
    pub fn new(windows: Vec<Window>) -> Self {
        Self { windows }
    }

    /// The windows.
    #[must_use]
    pub fn all(&self) -> &[Window] {
        &self.windows
    }

    /// Windows that `job` must not be in the way of between two instants.
    pub fn against(&self, job: u32, from: Moment, until: Moment) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(move |window| {
            // A job of no length is still there for an instant.
            window.from < until.max(from + Moment::from_millis(1)) && window.until > from && !window.admits(job)
        })
    }

    /// Instants at which a window begins or ends, in order.
    #[must_use]
    pub fn edges(&self) -> Vec<Moment> {
        let mut edges: Vec<Moment> = self.windows.iter().flat_map(|window| [window.from, window.until]).collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}
