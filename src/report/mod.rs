//! What people and machines read. A report shows what `plan` and `catalog` hold; it computes nothing but layout.

mod bench;
mod bom;
mod catalog;
mod compare;
mod cost;
mod csv;
mod diff;
mod dot;
mod explanation;
mod fleet;
mod gantt_svg;
mod gantt_text;
mod markdown;
mod phases;
mod plan;
mod roofline;
mod scene;
mod schedule;
mod schedules;
mod size;
mod survey;
mod svg;
mod sweep;
mod table;
mod trace;
mod validation;
mod xlsx;

pub use bench::{adapters, bench_table, bench_text};
pub use bom::{bill_csv, bill_markdown, bill_text};
pub use catalog::{accelerators, economics, entry, generated, links, models, prices, servers, switches};
pub use compare::{comparison_csv, comparison_markdown, comparison_text};
pub use cost::{costs_csv, costs_markdown, costs_text};
pub use csv::plan_csv;
pub use diff::{diff_github, diff_json, diff_junit, diff_markdown, diff_sarif, diff_summary, diff_text};
pub use dot::{tasks_dot, topology_dot};
pub use explanation::{explanation, moved};
pub use fleet::{fleet_table, fleet_text};
pub use gantt_svg::gantt_svg;
pub use gantt_text::gantt_text;
pub use markdown::plan_markdown;
pub use phases::{PhasesTold, phases_csv, phases_markdown, phases_text};
pub use plan::plan_text;
pub use roofline::roofline_svg;
pub use scene::Scene;
pub use schedule::{schedule_csv, schedule_markdown, schedule_svg, schedule_text, schedule_trace};
pub use schedules::{critical_path, jitter, schedules_table, slow_stage, stages_table};
pub use size::{size_csv, size_markdown, size_text};
pub use survey::{survey_csv, survey_markdown, survey_text};
pub use svg::terminal_svg;
pub use sweep::{sweep_account, sweep_csv, sweep_markdown, sweep_text};
pub use table::Table;
pub use trace::chrome_trace;
pub use validation::regret_tables;
pub use validation::{
    By, ValidationReport, headline, validation_markdown, validation_page, validation_parts, validation_report,
    validation_scatter, validation_text,
};
pub use xlsx::{bills_xlsx, costs_xlsx};

use serde::Serialize;

/// JSON for machines: base units, stable order of keys, a newline at the end.
///
/// # Errors
/// Never for the structures of this crate, whose keys are all text.
pub fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}
