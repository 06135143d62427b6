//! Measuring the GPU at hand with compute shaders: what it reads, writes, adds and multiplies in a second, each result checked
//! before its rate is told.
//!
//! The kernels are in `shaders/`, their parameters and formulas in `kernels`. A [`Device`] runs them: a GPU through wgpu, or a
//! recording for tests. This room knows GPUs and statistics; it does not know the catalogue, clusters or plans, so what a figure
//! means beside a data sheet is said further up.

mod adapter;
mod data;
mod device;
mod error;
pub mod fleet;
pub mod gpu;
mod kernel;
pub mod kernels;
mod recorded;
mod result;
mod runner;
mod sample;
mod statistics;
mod suite;
pub mod verify;

pub use adapter::{Adapter, CooperativeShape, Kind};
pub use data::Pattern;
pub use device::{Device, Timing};
pub use error::BenchError;
pub use kernel::{Buffer, Check, Fill, Kernel, Needs, Quantity, Work};
pub use recorded::Recorded;
pub use result::{BenchResult, Failure, Measurement, SCHEMA_VERSION, Skipped, Verdict};
pub use runner::{Watcher, bench};
pub use sample::{Protocol, Warning};
pub use statistics::Summary;
pub use suite::{Effort, suite};
