//! `planner`: from a cluster file to a training plan, a step time and a purchase.
//!
//! The rooms of the library, each knowing only those below it, are described in `docs/architecture.md`.

pub mod cli;
pub mod report;
pub mod plan;
pub mod search;
pub mod economics;
pub mod run;
pub mod step;
pub mod parallel;
pub mod topology;
pub mod model;
pub mod calibration;
pub mod spec;
pub mod catalog;
pub mod yaml;
pub mod diagnostic;
pub mod units;
