//! Reads YAML that people write: text in, typed values with places out.
//!
//! A file is read twice. [`scan()`] makes a tree with byte spans and refuses what a configuration does not need
//! (aliases, tags, duplicate keys, bottomless nesting); [`check()`] holds the tree against the JSON Schema of the
//! wanted type and reports *every* mistake with its place. What passes is then deserialised by serde, which has
//! nothing left to complain about but the checks a type makes for itself.
//!
//! This room knows [`crate::diagnostic`] and [`crate::units`]; it does not know what clusters or jobs are.

mod check;
mod json;
mod load;
mod number;
mod path;
mod range;
mod refusal;
mod scan;
mod schema;
mod spot;
mod syntax;
mod tree;
mod written;

pub use check::check;
pub use load::{Document, load, parse_embedded};
pub use path::{Path, Step, path};
pub use scan::{MAX_DEPTH, MAX_NODES, scan};
pub use tree::{Entry, Kind, Node};

#[cfg(test)]
mod tests;
