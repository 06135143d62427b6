//! Predictions held against published runs.
//!
//! A published run is a row of a table: its machine, its model, its layout, and what was measured. Each of the first three is
//! read from the row in a file of its own; [`Predictor`] brings them together; [`memory`] compares what they hold.
//! This room knows `step` and what is below it; it does not know reports.

pub mod architecture;
pub mod cross;
pub mod fit;
pub mod layout;
pub mod machine;
pub mod memory;
mod predict;
pub mod recalibrate;
pub mod regret;
mod row;
pub mod score;
pub mod sweeps;

pub use predict::{Case, Predictor};
pub use row::{PublishedRun, read};

/// Accelerators that are predicted too and reported apart: no GPUs.
pub const REFERENCE: [&str; 3] = ["tpu", "gaudi", "trainium"];

/// The table that comes with the planner.
pub const PUBLISHED: &str = include_str!("data/runs.csv");

/// What is wrong with a table, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    /// Line, from 1.
    pub line: usize,
    /// Column of the table, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl ReadError {
    fn from_csv(error: &csv::Error) -> Self {
        let line = error.position().map_or(1, |position| position.line() as usize);
        Self { line, column: 1, message: error.to_string() }
    }

    fn from_cell(error: &csv::Error, record: &csv::StringRecord) -> Self {
        let line = record.position().map_or(1, |position| position.line() as usize);
        let (column, message) = match error.kind() {
            csv::ErrorKind::Deserialize { err, .. } => {
                let message = err.kind().to_string();
                // A message of our own quotes the cell that it is about.
                let quoted = message.split('`').nth(1);
                let found = record.iter().position(|cell| Some(cell.trim()) == quoted);
                (err.field().map(|field| field as usize).or(found).map_or(1, |field| field + 1), message)
            }
            _ => (1, error.to_string()),
        };
        Self { line, column, message }
    }
}
