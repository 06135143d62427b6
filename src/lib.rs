//! `planner`: from a cluster file to a training plan, a step time and a purchase.
//!
//! The rooms of the library, each knowing only those below it, are described in `docs/architecture.md`.

pub mod bench;
pub mod calibration;
pub mod catalog;
pub mod cli;
pub mod compare;
pub mod diagnostic;
pub mod diff;
pub mod economics;
pub mod estimate;
pub mod fleet;
pub mod launch;
pub mod model;
pub mod parallel;
pub mod plan;
pub mod report;
pub mod run;
pub mod search;
pub mod size;
pub mod spec;
pub mod step;
pub mod sweep;
pub mod topology;
pub mod units;
pub mod validate;
pub mod yaml;
