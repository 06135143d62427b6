//! What people and machines read. A report shows what `plan` and `catalog` hold; it computes nothing but layout.

mod catalog;
mod csv;
mod explanation;
mod markdown;
mod plan;
mod svg;
mod table;

pub use catalog::{accelerators, entry, links, models, servers, switches};
pub use csv::plan_csv;
pub use explanation::explanation;
pub use markdown::plan_markdown;
pub use plan::plan_text;
pub use svg::terminal_svg;
pub use table::Table;

use serde::Serialize;

/// JSON for machines: base units, stable order of keys, a newline at the end.
///
/// # Errors
/// Never for the structures of this crate, whose keys are all text.
pub fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}
