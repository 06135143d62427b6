//! A sweep: every combination of clusters, jobs, node counts and prices, planned in a fixed order, in shards that run anywhere and
//! merge to what a single run writes.
//!
//! A [`Space`] knows its items and a hash of all that they follow from; a [`Shard`] is a slice of them; [`run()`] plans one;
//! [`merge`] puts shards together again. Shards need nothing of each other, so whatever engine a site has can spread them. This
//! room knows plans; it does not know arguments, files of output or tables.

mod account;
mod engine;
mod fingerprint;
mod front;
pub mod merge;
mod nodes;
mod record;
mod run;
mod shard;
mod space;

pub use account::{Account, Refusals};
pub use engine::Assigned;
pub use front::{Scenario, front};
pub use nodes::NodeCounts;
pub use record::{Header, Outcome, Planned, Record, SCHEMA_VERSION, Sheet};
pub use run::run;
pub use shard::{Shard, ShardError};
pub use space::{ClusterInput, Item, Space, SpaceError, WorkloadInput};

pub use crate::estimate::{Price, Refused};
