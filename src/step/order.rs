//! A job's own pipeline order: its file read, and held against itself and against a layout. What is wrong with it is shown in
//! the file.

use std::ops::Range;
use std::sync::Arc;

use super::durations::{ChunkTimes, Durations, Part};
use super::graph::{Deadlock, Task, TaskGraph, TaskKind};
use super::layer::Spent;
use super::schedule::{OrderError, Place, Placement, Schedule, Shape, Work, from_text, place_of, shape_of};
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::parallel::{Strategy, Violation};
use crate::spec::ScheduleKind;
use crate::units::Seconds;

/// Turns of a circle that are pointed at.
const MOST_SHOWN: usize = 4;

/// Turns of a circle that are named.
const MOST_NAMED: usize = 8;

/// A pipeline order that runs to its end.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its file.
    pub source: Arc<Source>,
    /// What every stage runs.
    pub schedule: Arc<Schedule>,
    /// How large it is.
    pub shape: Shape,
}

impl Order {
    /// Reads the file of an order.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place: a cell, a turn that is not there or twice there, turns that wait
    /// for each other in a circle.
    pub fn read(source: &Arc<Source>) -> Result<Self, Box<Diagnostic>> {
        let refused = |error: OrderError| Box::new(refused(source, &error));
        let shape = shape_of(source.text()).map_err(refused)?;
        if shape.stages == 0 {
            let error = Diagnostic::error(Code::BadOrder, "the order has no rows").at(source, source.line(1), "");
            return Err(Box::new(error.help("write a row for each stage with its turns, such as `0F0,0B0`")));
        }
        let schedule = from_text(source.text(), shape.stages, shape.chunks, shape.microbatches).map_err(refused)?;
        if schedule.placement == Placement::Bidirectional && shape.microbatches % 2 != 0 {
            let message =
                format!("an order of two directions has half of its microbatches in each, not {}", shape.microbatches);
            let error = Diagnostic::error(Code::BadOrder, message).at(source, source.line(1), "");
            return Err(Box::new(error.help("write turns for an even number of microbatches")));
        }
        // Any times do to find a circle.
        TaskGraph::new(&schedule, shape.microbatches, &unit_times(shape))
            .map_err(|deadlock| Box::new(circle(source, &schedule, &deadlock)))?;
        Ok(Self { source: Arc::clone(source), schedule: Arc::new(schedule), shape })
    }

    /// The schedule that a layout with this order has.
    #[must_use]
    pub fn kind(&self) -> ScheduleKind {
        ScheduleKind::Own(self.schedule.placement)
    }

    /// Virtual stages of a layout with this order; the two chunks of orders there and back are not counted as such.
    #[must_use]
    pub fn virtual_stages(&self) -> u32 {
        if self.schedule.placement == Placement::Looped { self.shape.chunks } else { 1 }
    }

    /// Why a layout is not the one that the order is for.
    #[must_use]
    pub fn violations(&self, strategy: &Strategy) -> Vec<Violation> {
        let Shape { stages, microbatches, .. } = self.shape;
        let refuse = |message, help| Violation { field: "parallelism.order", code: Code::OrderShape, message, help };
        let mut found = Vec::new();
        if strategy.pp != stages {
            let message = format!("the order has a row for each of {stages} stages, the layout has pp {}", strategy.pp);
            found.push(refuse(message, format!("use `pp: {stages}`, or an order of {} rows", strategy.pp)));
        }
        let chunks = self.virtual_stages();
        if strategy.vp != chunks {
            let message =
                format!("the order has {} slices of the model a row, the layout has vp {}", self.shape.chunks, strategy.vp);
            found.push(refuse(message, format!("use `vp: {chunks}`, or an order with other slices")));
        }
        if strategy.microbatches != microbatches {
            let has = strategy.microbatches;
            let message = format!("the order is of {microbatches} microbatches, the layout has {has} of them in a step");
            let sequences = u64::from(microbatches) * u64::from(strategy.microbatch) * u64::from(strategy.dp);
            let batch = format!("use `global-batch: {sequences} sequences` for dp {}", strategy.dp);
            found.push(refuse(message, format!("{batch}, or an order of {has} microbatches")));
        }
        found
    }

    /// Points a diagnostic at what the order is for: the last microbatch of its first row.
    #[must_use]
    pub fn shown(&self, error: Diagnostic) -> Diagnostic {
        let Shape { stages, microbatches, .. } = self.shape;
        let text = format!("an order of {stages} rows and {microbatches} microbatches");
        let Some((place, cell)) = place_of(self.source.text(), (0, microbatches.saturating_sub(1)), &[Work::Forward]) else {
            return error.also(&self.source, self.source.line(1), text);
        };
        error.also(&self.source, span(&self.source, place, cell), text)
    }
}

/// Every pass in a second, nothing else.
fn unit_times(shape: Shape) -> Durations {
    let second = Spent { compute: Seconds::new(1.0), ..Spent::default() };
    let times = ChunkTimes { forward: second, input_gradient: second, weight_gradient: second, ..ChunkTimes::default() };
    let (p, v) = (shape.stages as usize, shape.chunks as usize);
    let none = vec![vec![Seconds::ZERO; v]; p];
    Durations {
        chunks: vec![vec![times; v]; p],
        send: vec![[Seconds::ZERO; 2]; p],
        gather: none.clone(),
        reduce: none,
        optimizer: vec![Seconds::ZERO; p],
        pieces: 1,
    }
}

fn span(source: &Source, place: Place, cell: &str) -> Range<usize> {
    let start = source.offset(place.line, place.column);
    start..start + cell.len()
}

/// The cell that starts at a place.
fn cell_at(source: &Source, place: Place) -> &str {
    let rest = source.text().get(source.offset(place.line, place.column)..).unwrap_or_default();
    rest.split([',', '\r', '\n']).next().unwrap_or_default()
}

/// What is wrong with a text that is no order.
fn refused(source: &Arc<Source>, error: &OrderError) -> Diagnostic {
    let message = error.to_string();
    let Some(place) = error.place() else {
        return Diagnostic::error(Code::BadOrder, message)
            .at(source, source.line(1), "")
            .help("use fewer stages, virtual stages or microbatches");
    };
    let message = message.strip_prefix(&format!("{place}: ")).unwrap_or(&message).to_owned();
    let (message, help) = match message.split_once("; write ") {
        Some((message, help)) => (message.to_owned(), format!("write {help}")),
        None => (message, help(error)),
    };
    let at = match error {
        OrderError::Missing { line, .. } => source.line(*line),
        OrderError::Cell { cell, .. }
        | OrderError::Pair { cell, .. }
        | OrderError::Microbatch { cell, .. }
        | OrderError::Slice { cell, .. }
        | OrderError::Twice { cell, .. }
        | OrderError::Early { cell, .. } => span(source, place, cell),
        OrderError::Shape(_) | OrderError::Rows { .. } => 0..0,
    };
    let diagnostic = Diagnostic::error(Code::BadOrder, message).at(source, at, "").help(help);
    match error {
        OrderError::Twice { first, .. } => diagnostic.also(source, span(source, *first, cell_at(source, *first)), "the first"),
        _ => diagnostic,
    }
}

fn help(error: &OrderError) -> String {
    match error {
        OrderError::Microbatch { microbatches, .. } => {
            format!("microbatches are those that the order names, 0 to {}, without gaps", microbatches.saturating_sub(1))
        }
        OrderError::Slice { .. } => "a slice of the model stays on one stage: move the turn to the row that has it".into(),
        OrderError::Twice { .. } => "take one of them out; `B` is `I` and `W` in one".into(),
        OrderError::Early { needs, .. } => format!("write `{needs}` before it in the same row"),
        OrderError::Missing { turn, .. } => format!("add `{turn}` to this row"),
        _ => String::new(),
    }
}

/// The cells of a circle, each waiting for the next.
fn circle(source: &Arc<Source>, schedule: &Schedule, deadlock: &Deadlock) -> Diagnostic {
    let stages = schedule.orders.len() as u32;
    let mut cells: Vec<(Place, &str)> = deadlock
        .tasks
        .iter()
        .take(4 * MOST_NAMED)
        .filter_map(|task| {
            let slice = schedule.placement.slice(stages, task.stage, task.chunk);
            place_of(source.text(), (slice, task.microbatch), works(task))
        })
        .collect();
    // The parts of a turn are tasks of their own.
    cells.dedup();
    while cells.len() > 1 && cells.first() == cells.last() {
        cells.pop();
    }
    let names: Vec<String> = cells.iter().map(|(_, cell)| format!("`{cell}`")).collect();
    let mut named: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
    named.push(if names.len() > MOST_NAMED { "others" } else { "the first" });
    let message = format!("turns wait for each other in a circle: {}", named.join(", which waits for "));
    let mut error = Diagnostic::error(Code::OrderDeadlock, message)
        .help("let every stage run a turn only behind what the stage before has sent in its own order");
    for (i, (place, cell)) in cells.iter().take(MOST_SHOWN).enumerate() {
        let next = &names[(i + 1) % names.len()];
        let (at, text) = (span(source, *place, cell), format!("waits for {next}"));
        error = if i == 0 { error.at(source, at, text) } else { error.also(source, at, text) };
    }
    error
}

/// The turns that a task may be of.
fn works(task: &Task) -> &'static [Work] {
    match task.kind {
        TaskKind::Compute(Part::Forward) | TaskKind::Overlapped => &[Work::Forward],
        TaskKind::Compute(Part::WeightGradient) => &[Work::WeightGradient, Work::Backward],
        _ => &[Work::InputGradient, Work::Backward],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Order, Box<Diagnostic>> {
        Order::read(&Source::new("order.csv", text))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whatever the file holds: an order, or one place in it and what to write instead.
        #[test]
        fn any_text_is_an_order_or_says_where_it_is_none(
            cells in prop::collection::vec("[0-3]{1,2}[FBIW][0-2]|\\([01]F[01];[01]B[01]\\)OVERLAP_F_B|[ -~é\n]{0,4}|[0-9]{9,11}F[0-9]{9,11}", 0..24),
            ends in prop::collection::vec(prop::sample::select(vec![",", "\n", "\r\n", ",\n", " , "]), 24),
        ) {
            let text: String = cells.iter().zip(&ends).flat_map(|(cell, end)| [cell.as_str(), end]).collect();
            match read(&text) {
                Ok(order) => prop_assert_eq!(order.schedule.orders.len(), order.shape.stages as usize),
                Err(error) => prop_assert!(error.place().is_some() && error.help.is_some(), "{}", error.message),
            }
        }

        /// Orders with two turns of a row exchanged run, or name a place.
        #[test]
        fn an_exchange_of_turns_runs_or_is_refused(stage in 0usize..4, a in 0usize..12, b in 0usize..12) {
            let mut rows: Vec<Vec<String>> = (0..4)
                .map(|stage: u32| {
                    let ahead = 4 - stage;
                    let forward = (0..6).map(|m| (2 * m.max(ahead) - ahead.min(m), format!("{stage}F{m}")));
                    let backward = (0..6).map(|m| (2 * (m + ahead) + 1, format!("{stage}B{m}")));
                    let mut row: Vec<(u32, String)> = forward.chain(backward).collect();
                    row.sort();
                    row.into_iter().map(|(_, cell)| cell).collect()
                })
                .collect();
            rows[stage].swap(a, b);
            let text: String = rows.iter().map(|row| row.join(",") + "\n").collect();
            if let Err(error) = read(&text) {
                prop_assert!(matches!(error.code, Code::BadOrder | Code::OrderDeadlock));
                prop_assert!(error.place().is_some_and(|label| !label.span.is_empty()), "{}", error.message);
            }
        }
    }

    #[test]
    fn a_circle_names_the_cells() {
        let error = read("0F0,0B0,0F1,0B1\n1F1,1B1,1F0,1B0\n").unwrap_err();
        assert_eq!(error.code, Code::OrderDeadlock);
        for cell in ["`0B0`", "`0F1`", "`1F1`", "`1B0`"] {
            assert!(error.message.contains(cell), "{}", error.message);
        }
    }

    #[test]
    fn shapes_follow_from_the_rows() {
        let order = read("0F0,0B0\n1F0,1B0\n").unwrap();
        assert_eq!((order.shape, order.virtual_stages()), (Shape { stages: 2, chunks: 1, microbatches: 1 }, 1));
        let vee = read("0F0,3F0,3B0,0B0\n1F0,2F0,2B0,1B0\n").unwrap();
        assert_eq!((vee.kind(), vee.virtual_stages()), (ScheduleKind::Own(Placement::Vee), 1));
        let looped = read("0F0,2F0,2B0,0B0\n1F0,3F0,3B0,1B0\n").unwrap();
        assert_eq!((looped.kind(), looped.virtual_stages()), (ScheduleKind::Own(Placement::Looped), 2));
        // One microbatch from either end of two copies.
        let both = read("0F0,1F1,1B1,0B0\n1F0,0F1,1B0,0B1\n");
        assert!(both.is_ok_and(|order| order.kind() == ScheduleKind::Own(Placement::Bidirectional)));
        let odd = read("0F0,1F1,1B1,0B0,0F2,0B2\n1F0,0F1,1B0,0B1,1F2,1B2\n").unwrap_err();
        assert!(odd.message.contains("not") || odd.message.contains("directions"), "{}", odd.message);
    }
}
