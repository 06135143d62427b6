//! Many jobs on one cluster over months: who runs when, where, and for how long.
//!
//! A [`Job`] waits for its arrival and for the jobs it comes after, then for GPUs. A [`Policy`] says who goes next, a [`Placer`] which
//! GPUs it gets, and [`simulate()`] lets time pass: at every instant completions first, then what changes of the cluster, then
//! arrivals, then one scheduling pass. Time is in whole milliseconds, so that two things at one instant are at one instant.
//!
//! This room knows `plan` and the rooms below it; it knows nothing of arguments or output.

mod answer;
mod availability;
mod cost;
mod course;
mod dag;
pub mod failure;
mod job;
mod jobs;
mod moment;
mod outcome;
mod pace;
pub mod placement;
pub mod policy;
mod power;
mod promises;
mod simulate;
mod site;
mod size;
mod spares;
mod speeds;
mod state;
mod supply;
pub mod trace;
mod waiting;
mod windows;

pub use answer::{Answer, Failures, JobAnswer, SCHEMA_VERSION};
pub use cost::{FleetCost, PoolHour};
pub use course::Stretch;
pub use dag::Dag;
pub use job::{Checkpoint, Demand, Job};
pub use jobs::jobs_of;
pub use moment::Moment;
pub use outcome::{Ended, Held, Limit, Outcome, Record, Segment, Waits};
pub use pace::{Given, Pace};
pub use placement::{Allocation, Placement, Placer, Spread};
pub use policy::{Policy, PolicyKind};
pub use power::Power;
pub use simulate::{Setting, simulate};
pub use site::{Roster, Site, idle_share};
pub use size::{Sized, Sizes, late};
pub use spares::Spares;
pub use speeds::{Speed, Speeds};
pub use state::State;
pub use windows::{Window, Windows};

#[cfg(test)]
mod tests;
