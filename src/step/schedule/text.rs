//! A user's own order, in the notation of PyTorch's pipelining schedules (`torch.distributed.pipelining`, the CSV file that a
//! schedule writes): one row a stage, one cell a turn, separated by commas.
//!
//! A cell is a slice of the model, what is done, and a microbatch: `5F2` is the forward pass of microbatch 2 in slice 5. `F` is a
//! forward pass, `B` a backward pass, `I` and `W` the gradients of its input and of its weights apart, and `(3F4;4B1)OVERLAP_F_B` a
//! forward pass that runs together with a backward pass. Empty cells are left out, and so are those that send, receive, gather or
//! reduce, because they follow from the others; so are empty rows and those that start with `#`. Which slices are in a row says
//! how the model is [placed](super::Placement).

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use super::order_error::{OVERLAP, OrderError, Place};
use super::rule::size;
use super::{Placement, Schedule, Turn, Work};

/// What PyTorch writes for communication.
const COMMUNICATION: [&str; 7] = ["UNSHARD", "RESHARD", "REDUCE_GRAD", "SEND_F", "RECV_F", "SEND_B", "RECV_B"];

/// What a cell says.
#[derive(Debug, Clone, Copy)]
struct Cell<'a> {
    place: Place,
    text: &'a str,
    slice: u32,
    work: Work,
    microbatch: u32,
    paired: bool,
}

/// Where the turns of a slice and a microbatch are.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    forward: Option<Place>,
    backward: Option<Place>,
    input_gradient: Option<Place>,
    weight_gradient: Option<Place>,
}

/// Reads an order.
///
/// # Errors
/// The first thing that keeps it from being one: a row, a cell, a turn that is not there, twice there, or too early on its own
/// stage. Whether the stages wait for each other in a circle is not looked at.
pub fn from_text(text: &str, stages: u32, chunks: u32, microbatches: u32) -> Result<Schedule, OrderError> {
    size(stages, chunks, microbatches)?;
    let rows = rows(text);
    if rows.len() != stages as usize {
        return Err(OrderError::Rows { stages, rows: rows.len() });
    }
    let cells: Vec<Vec<Cell>> = rows.iter().map(|(line, row)| row_cells(*line, row)).collect::<Result<_, _>>()?;
    for cell in cells.iter().flatten() {
        if cell.microbatch >= microbatches {
            let Cell { place, microbatch, .. } = *cell;
            return Err(OrderError::Microbatch { place, cell: cell.text.to_owned(), microbatch, microbatches });
        }
    }
    let shape = Shape { stages, chunks, microbatches };
    let placement = shape.placement(&cells)?;
    let found = find(&cells)?;
    for slice in 0..placement.slices(stages, chunks) {
        for microbatch in 0..microbatches {
            if let Some(work) = found.get(&(slice, microbatch)).copied().unwrap_or_default().missing() {
                let (stage, _) = placement.holder(stages, slice, microbatch, microbatches);
                let line = rows[stage as usize].0;
                return Err(OrderError::Missing { line, turn: name(slice, work, microbatch) });
            }
        }
    }
    let turn = |cell: &Cell| Turn {
        work: cell.work,
        chunk: placement.holder(stages, cell.slice, cell.microbatch, microbatches).1,
        microbatch: cell.microbatch,
        paired: cell.paired,
    };
    Ok(Schedule { placement, orders: cells.iter().map(|row| row.iter().map(turn).collect()).collect() })
}

/// The shape that an order has by its rows and cells: a stage a row, as many chunks as the row with the fewest has slices, and
/// as many microbatches as occur.
///
/// # Errors
/// A cell that says nothing.
pub fn shape_of(text: &str) -> Result<Shape, OrderError> {
    let cells: Vec<Vec<Cell>> = rows(text).iter().map(|(line, row)| row_cells(*line, row)).collect::<Result<_, _>>()?;
    let slices = |row: &Vec<Cell>| row.iter().map(|cell| cell.slice).collect::<BTreeSet<u32>>().len() as u32;
    let microbatches: BTreeSet<u32> = cells.iter().flatten().map(|cell| cell.microbatch).collect();
    Ok(Shape {
        stages: cells.len() as u32,
        chunks: cells.iter().map(slices).min().unwrap_or(0).max(1),
        microbatches: microbatches.len() as u32,
    })
}

/// Where an order that can be read has the turn of a slice and a microbatch that does one of `works`, and what is there.
#[must_use]
pub fn place_of<'a>(text: &'a str, (slice, microbatch): (u32, u32), works: &[Work]) -> Option<(Place, &'a str)> {
    let found = |cell: &Cell| cell.slice == slice && cell.microbatch == microbatch && works.contains(&cell.work);
    let mut all = rows(text).into_iter().filter_map(|(line, row)| row_cells(line, row).ok()).flatten();
    all.find(found).map(|cell| (cell.place, cell.text))
}

/// The rows that are not empty and no comments, with their lines.
fn rows(text: &str) -> Vec<(usize, &str)> {
    (1..).zip(text.lines()).filter(|(_, row)| !row.trim().is_empty() && !row.trim_start().starts_with('#')).collect()
}

/// Writes a schedule as [`from_text`] reads it.
#[must_use]
pub fn to_text(schedule: &Schedule) -> String {
    let stages = schedule.orders.len() as u32;
    let mut text = String::new();
    for (stage, order) in (0..stages).zip(&schedule.orders) {
        let cell = |turn: &Turn| name(schedule.placement.slice(stages, stage, turn.chunk), turn.work, turn.microbatch);
        let mut turns = order.iter();
        let mut comma = "";
        while let Some(turn) = turns.next() {
            let partner = if turn.paired { turns.next() } else { None };
            // Writing to a string does not fail.
            let _ = match partner {
                Some(partner) => write!(text, "{comma}({};{}){OVERLAP}", cell(turn), cell(partner)),
                None => write!(text, "{comma}{}", cell(turn)),
            };
            comma = ",";
        }
        text.push('\n');
    }
    text
}

const fn letter(work: Work) -> char {
    match work {
        Work::Forward => 'F',
        Work::Backward => 'B',
        Work::InputGradient => 'I',
        Work::WeightGradient => 'W',
    }
}

fn name(slice: u32, work: Work, microbatch: u32) -> String {
    format!("{slice}{}{microbatch}", letter(work))
}

/// The turns of a row.
fn row_cells(line: usize, row: &str) -> Result<Vec<Cell<'_>>, OrderError> {
    let mut cells = Vec::new();
    let mut column = 1;
    for whole in row.split(',') {
        let text = whole.trim();
        let blank = whole.chars().take_while(|c| c.is_whitespace()).count();
        let place = Place { line, column: column + blank };
        column += whole.chars().count() + 1;
        if text.is_empty() || is_communication(text) {
            continue;
        }
        match text.strip_prefix('(') {
            None => {
                let cell = single(place, text).ok_or_else(|| OrderError::Cell { place, cell: text.to_owned() })?;
                cells.push(cell);
            }
            Some(pair) => {
                let turns = paired(place, pair).ok_or_else(|| OrderError::Pair { place, cell: text.to_owned() })?;
                cells.extend(turns);
            }
        }
    }
    Ok(cells)
}

fn is_communication(text: &str) -> bool {
    let action = text.trim_start_matches(|c: char| c.is_ascii_digit());
    COMMUNICATION.contains(&action.trim_end_matches(|c: char| c.is_ascii_digit()))
}

fn single(place: Place, text: &str) -> Option<Cell<'_>> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (slice, rest) = text.split_at(at);
    let work = match rest.chars().next()? {
        'F' => Work::Forward,
        'B' => Work::Backward,
        'I' => Work::InputGradient,
        'W' => Work::WeightGradient,
        _ => return None,
    };
    let microbatch = &rest[1..];
    // A number that starts with a plus sign would parse.
    if !microbatch.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(Cell { place, text, slice: slice.parse().ok()?, work, microbatch: microbatch.parse().ok()?, paired: false })
}

fn paired(place: Place, text: &str) -> Option<[Cell<'_>; 2]> {
    let (inside, after) = text.split_once(')')?;
    let (first, second) = inside.split_once(';')?;
    let (first, second) = (single(place, first.trim())?, single(place, second.trim())?);
    let fit = first.work == Work::Forward && second.work == Work::Backward && after.trim() == OVERLAP;
    fit.then_some([Cell { paired: true, ..first }, second])
}

/// How large an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Stages.
    pub stages: u32,
    /// Chunks of a stage.
    pub chunks: u32,
    /// Microbatches.
    pub microbatches: u32,
}

impl Shape {
    fn fits(self, placement: Placement, stage: u32, cell: &Cell) -> bool {
        cell.slice < placement.slices(self.stages, self.chunks)
            && placement.holder(self.stages, cell.slice, cell.microbatch, self.microbatches).0 == stage
    }

    /// The placement that the rows are of; the one that fits most of them says which turn is wrong.
    fn placement(self, cells: &[Vec<Cell>]) -> Result<Placement, OrderError> {
        let rows = || (0..self.stages).zip(cells);
        let fitting = |placement: Placement| {
            rows().map(|(stage, row)| row.iter().filter(|cell| self.fits(placement, stage, cell)).count()).sum::<usize>()
        };
        let two = [Placement::Vee, Placement::Bidirectional].into_iter().filter(|_| self.chunks == 2);
        let placement = two.fold((Placement::Looped, fitting(Placement::Looped)), |best, placement| {
            let fitting = fitting(placement);
            if fitting > best.1 { (placement, fitting) } else { best }
        });
        let placement = placement.0;
        for (stage, row) in rows() {
            if let Some(cell) = row.iter().find(|cell| !self.fits(placement, stage, cell)) {
                let slices: Vec<_> =
                    (0..self.chunks).map(|chunk| placement.slice(self.stages, stage, chunk).to_string()).collect();
                let (place, cell) = (cell.place, cell.text.to_owned());
                return Err(OrderError::Slice { place, cell, stage, slices: slices.join(" and ") });
            }
        }
        Ok(placement)
    }
}

/// Where everything is, each once and behind what it needs from its own stage.
fn find(cells: &[Vec<Cell>]) -> Result<HashMap<(u32, u32), Found>, OrderError> {
    let mut all: HashMap<(u32, u32), Found> = HashMap::new();
    for cell in cells.iter().flatten() {
        let found = all.entry((cell.slice, cell.microbatch)).or_default();
        let first = match cell.work {
            Work::Forward => found.forward,
            Work::Backward => found.backward.or(found.input_gradient).or(found.weight_gradient),
            Work::InputGradient => found.input_gradient.or(found.backward),
            Work::WeightGradient => found.weight_gradient.or(found.backward),
        };
        if let Some(first) = first {
            return Err(OrderError::Twice { place: cell.place, cell: cell.text.to_owned(), first });
        }
        let (needs, there) = match cell.work {
            Work::Forward => (None, true),
            Work::Backward | Work::InputGradient => (Some(Work::Forward), found.forward.is_some()),
            Work::WeightGradient => (Some(Work::InputGradient), found.input_gradient.is_some()),
        };
        if let Some(needs) = needs.filter(|_| !there) {
            let needs = name(cell.slice, needs, cell.microbatch);
            return Err(OrderError::Early { place: cell.place, cell: cell.text.to_owned(), needs });
        }
        let slot = match cell.work {
            Work::Forward => &mut found.forward,
            Work::Backward => &mut found.backward,
            Work::InputGradient => &mut found.input_gradient,
            Work::WeightGradient => &mut found.weight_gradient,
        };
        *slot = Some(cell.place);
    }
    Ok(all)
}

impl Found {
    /// What is not there of a forward pass and a backward pass, whole or in two parts.
    fn missing(&self) -> Option<Work> {
        match self {
            Self { forward: None, .. } => Some(Work::Forward),
            Self { backward: None, input_gradient: None, .. } => Some(Work::Backward),
            Self { backward: None, weight_gradient: None, .. } => Some(Work::WeightGradient),
            _ => None,
        }
    }
}
