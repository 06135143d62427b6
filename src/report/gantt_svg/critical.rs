//! The critical path over the rows.

use std::fmt::Write as _;

use super::ink::{CRITICAL, px};
use super::layout::Gantt;
use crate::step::graph::Stream;

/// Stretches of the critical path up to which each is outlined.
const MANY_RUNS: usize = 500;

impl Gantt<'_> {
    /// An outline around what of the critical path runs on compute streams, and lines between.
    pub(super) fn critical(&self, out: &mut String) {
        // Stage, start and end of each stretch of the path that stays on one compute stream.
        let mut runs: Vec<(u32, f64, f64)> = Vec::new();
        let mut open = false;
        let chain = self.scene.timeline.tasks.iter().filter(|placed| placed.critical && placed.task.duration.get() > 0.0);
        for placed in chain {
            let (start, end) = (placed.start.get(), placed.end().get());
            if placed.task.kind.stream() != Stream::Compute {
                open = false;
                continue;
            }
            match runs.last_mut().filter(|run| open && run.0 == placed.task.stage) {
                Some(run) => run.2 = end,
                None => runs.push((placed.task.stage, start, end)),
            }
            open = true;
        }
        if runs.is_empty() {
            return;
        }
        // Of a path that goes to and fro very often, only the course is shown.
        let dense = runs.len() > MANY_RUNS;
        let mut outlines = String::new();
        let mut lines = String::new();
        for (i, &(stage, start, end)) in runs.iter().enumerate() {
            let (y, visible) = self.place(stage);
            let (left, right) = (self.x(start), self.x(end));
            let height = if visible { self.bar } else { 0.0 };
            if visible && !dense {
                let width = (right - left).max(0.5);
                let _ = write!(outlines, "M{} {}h{}v{}h{}z", px(left), px(y), px(width), px(height), px(-width));
            } else {
                let y = y + height / 2.0;
                let _ = write!(lines, "M{} {}H{}", px(left), px(y), px(right));
            }
            let Some(&(next, from, _)) = runs.get(i + 1) else { continue };
            let (to, shown) = self.place(next);
            let below = |y: f64, shown: bool| if shown { y + self.bar } else { y };
            let (a, b) = match next.cmp(&stage) {
                _ if dense => (y + height / 2.0, to + if shown { self.bar / 2.0 } else { 0.0 }),
                std::cmp::Ordering::Greater => (below(y, visible), to),
                std::cmp::Ordering::Less => (y, below(to, shown)),
                std::cmp::Ordering::Equal => (y + height / 2.0, y + height / 2.0),
            };
            let _ = write!(lines, "M{} {}L{} {}", px(right), px(a), px(self.x(from)), px(b));
        }
        let faint = if dense { 0.4 } else { 0.75 };
        let _ = writeln!(out, "<g fill=\"none\" stroke=\"{CRITICAL}\" stroke-linejoin=\"round\" pointer-events=\"none\">");
        let _ = writeln!(
            out,
            "<path stroke-opacity=\"{faint}\" d=\"{lines}\"/>\n<path stroke-width=\"1.3\" d=\"{outlines}\"/>\n</g>"
        );
    }
}
