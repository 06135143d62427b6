//! What keeps a text from being an order, and where.

use std::fmt;

use super::rule::ScheduleError;

/// What follows two turns that overlap.
pub(super) const OVERLAP: &str = "OVERLAP_F_B";

/// A cell of the text, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Character at which the cell starts.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// An order that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OrderError {
    /// No order of this shape.
    #[error(transparent)]
    Shape(#[from] ScheduleError),
    /// Not one row a stage.
    #[error("an order has one row a stage, so {stages}, but here the rows number {rows}")]
    Rows {
        /// Stages.
        stages: u32,
        /// Rows that are not empty.
        rows: usize,
    },
    /// A cell that says nothing.
    #[error("{place}: `{cell}` is not a turn; write slice, one of F, B, I and W, and microbatch, as in `0F3`")]
    Cell {
        /// Where.
        place: Place,
        /// What is there.
        cell: String,
    },
    /// Two turns that cannot overlap.
    #[error("{place}: `{cell}` does not pair a forward with a backward pass; write `(0F3;0B1){OVERLAP}`")]
    Pair {
        /// Where.
        place: Place,
        /// What is there.
        cell: String,
    },
    /// A microbatch that there is not.
    #[error("{place}: `{cell}` is of microbatch {microbatch}, but there are {microbatches}, counted from 0")]
    Microbatch {
        /// Where.
        place: Place,
        /// What is there.
        cell: String,
        /// The microbatch.
        microbatch: u32,
        /// How many there are.
        microbatches: u32,
    },
    /// A slice that is somewhere else, or nowhere.
    #[error("{place}: `{cell}` is not on stage {stage}, where the other turns place slices {slices}")]
    Slice {
        /// Where.
        place: Place,
        /// What is there.
        cell: String,
        /// The stage of the row, counted from 0.
        stage: u32,
        /// The slices that the stage holds.
        slices: String,
    },
    /// A turn that is there twice, or whole and in parts.
    #[error("{place}: `{cell}` is there already, at {first}")]
    Twice {
        /// Where.
        place: Place,
        /// What is there.
        cell: String,
        /// Where it is first.
        first: Place,
    },
    /// A turn that comes before what it needs from its own stage.
    #[error("{place}: `{cell}` has no `{needs}` before it")]
    Early {
        /// Where.
        place: Place,
        /// What is there.
        cell: String,
        /// What it needs.
        needs: String,
    },
    /// A turn that is not there.
    #[error("line {line} lacks `{turn}`")]
    Missing {
        /// The line of the stage that should run it.
        line: usize,
        /// What is not there.
        turn: String,
    },
}

impl OrderError {
    /// Where it is, by line and column; a missing turn has a line alone.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Shape(_) | Self::Rows { .. } => None,
            Self::Cell { place, .. }
            | Self::Pair { place, .. }
            | Self::Microbatch { place, .. }
            | Self::Slice { place, .. }
            | Self::Twice { place, .. }
            | Self::Early { place, .. } => Some(*place),
            Self::Missing { line, .. } => Some(Place { line: *line, column: 1 }),
        }
    }
}
