//! A schedule of many jobs: the screen, the tables, the pictures.

mod bars;
mod svg;
mod tables;
mod text;
mod trace;

pub use svg::schedule_svg;
pub use tables::{schedule_csv, schedule_markdown};
pub use text::schedule_text;
pub use trace::schedule_trace;

use crate::fleet::Moment;
use crate::units::Seconds;

/// A time as people read it.
fn time(moment: Moment) -> String {
    Seconds::from(moment).to_string()
}
