//! planner
pub mod units;
