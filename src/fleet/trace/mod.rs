//! Jobs that ran elsewhere, read from the logs of schedulers: CSV with a heading, or what Slurm's `sacct` prints.

mod csv;
mod date;
mod sacct;
mod sheet;

pub use csv::read_csv;
pub use sacct::read_sacct;

use std::sync::Arc;

use super::Job;
use crate::diagnostic::{Diagnostic, Source};

/// Jobs of a log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// The jobs, in order of submission; the first is submitted at the start.
    pub jobs: Vec<Job>,
    /// Names of the queues that they were submitted to.
    pub queues: Vec<String>,
    /// Rows that are no job that held a GPU.
    pub left_out: usize,
}

impl Trace {
    /// Reads a log, whichever it is.
    ///
    /// # Errors
    /// What is wrong with its columns and cells.
    pub fn read(source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        let heading = source.text().lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        if heading.contains('|') { read_sacct(source) } else { read_csv(source) }
    }

    /// The place of a queue, added when it is new.
    fn queue(&mut self, name: &str) -> u32 {
        let place = self.queues.iter().position(|queue| queue == name).unwrap_or_else(|| {
            self.queues.push(name.to_owned());
            self.queues.len() - 1
        });
        place as u32
    }
}
