//! One training step: a layout on a cluster becomes operators, their times and transfers a task graph, its longest path the
//! step time.
//!
//! This room knows `parallel`, `model`, `topology`, `calibration` and `spec`; it does not know runs, money or reports.

pub mod collective;
mod communicators;
mod costs;
pub mod durations;
mod estimate;
pub mod graph;
pub mod kernel;
pub mod layer;
mod layer_kernels;
pub mod memory;
mod operators;
mod order;
mod outline;
mod owners;
mod pieces;
pub mod schedule;
mod setup;
mod sides;
mod slice;
pub mod states;
pub mod timeline;
pub mod working;

pub use communicators::Communicators;
pub use costs::Costs;
pub use estimate::{Breakdown, PoolPart, StageEstimate, StepError, StepEstimate};
pub use memory::Peak;
pub use operators::OperatorTime;
pub use order::Order;
pub use outline::Outline;
pub use pieces::{LayerSorts, Pieces, ShardKernels};
pub use setup::{Setup, SetupError};
pub use sides::{PoolGroups, Sides};
