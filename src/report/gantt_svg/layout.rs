//! Where everything is: rows, lanes, the scale of time, and which boxes a stage's turns become.

use super::super::scene::{Class, Row, Scene, Turn, by_stage, counts, rows, split, turns};
use super::ink::{REPLICAS, TRANSFER};
use crate::step::graph::{Placed, Stream};
use crate::units::grouped;

pub(in crate::report) const WIDTH: f64 = 1200.0;
pub(super) const LEFT: f64 = 84.0;
pub(super) const TOP: f64 = 92.0;
/// Height of the row that stands for stages left out.
pub(super) const HIDDEN: f64 = 30.0;
/// More rows than this are elided, to this many at either end.
pub(super) const MOST: (u32, u32) = (25, 12);
/// Up to so many rows are drawn tall, with their memory over time.
pub(super) const TALL: usize = 16;
/// Boxes of a picture up to which each says what it is when pointed at.
pub(super) const POINTED: usize = 4000;
/// Mean width of a pass, in pixels, below which columns of shares are drawn.
pub(super) const NARROW: f64 = 1.6;

/// Part of a row in one colour.
pub(super) struct Block {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) class: Class,
    pub(super) chunk: u32,
    /// Index of the turn that it is all or part of; `None` when it stands for several.
    pub(super) turn: Option<usize>,
}

pub(super) struct Gantt<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) stages: Vec<Vec<&'a Placed>>,
    pub(super) turns: Vec<Vec<Turn>>,
    pub(super) rows: Vec<(Row, f64)>,
    pub(super) microbatches: u32,
    pub(super) chunks: u32,
    /// Pixels per second.
    pub(super) scale: f64,
    /// Right end of the time axis.
    pub(super) right: f64,
    pub(super) bar: f64,
    pub(super) lanes: Vec<(f64, &'static str, Vec<Stream>)>,
    /// Height of the memory curve below a row.
    pub(super) curve: f64,
    pub(super) bottom: f64,
    pub(super) pointed: bool,
    /// Columns of shares are drawn instead of boxes.
    pub(super) columns: bool,
}

impl<'a> Gantt<'a> {
    pub(super) fn new(scene: &'a Scene<'a>) -> Self {
        let stages = by_stage(scene);
        let split = split(&stages);
        let turns: Vec<Vec<Turn>> = stages.iter().map(|tasks| turns(tasks, split)).collect();
        let memory = scene.memory.iter().any(|changes| !changes.is_empty());
        let right = WIDTH - if memory { 190.0 } else { 76.0 };
        let step = scene.timeline.step.get();
        let scale = if step > 0.0 { (right - LEFT) / step } else { 0.0 };
        let rows = rows(scene.stages, MOST.0, MOST.1);
        let tall = rows.len() <= TALL;
        let (bar, curve, gap) = if tall { (24.0, if memory { 16.0 } else { 0.0 }, 9.0) } else { (18.0, 0.0, 6.0) };
        let mut lanes = Vec::new();
        let mut lane = bar + 1.5;
        for (fill, streams) in
            [(TRANSFER, vec![Stream::SendForward, Stream::SendBackward]), (REPLICAS, vec![Stream::DataParallel])]
        {
            if stages.iter().flatten().any(|placed| streams.contains(&placed.task.kind.stream())) {
                lanes.push((lane, fill, streams));
                lane += 3.5;
            }
        }
        let height = lane + curve + gap;
        let mut y = TOP;
        let rows: Vec<(Row, f64)> = rows
            .into_iter()
            .map(|row| {
                let top = y;
                y += if matches!(row, Row::Stage(_)) { height } else { HIDDEN };
                (row, top)
            })
            .collect();
        let visible = || rows.iter().filter_map(|(row, _)| if let Row::Stage(s) = row { turns.get(*s as usize) } else { None });
        let (microbatches, chunks) = counts(scene);
        let boxes: usize = visible().map(Vec::len).sum();
        let pointed = boxes <= POINTED;
        let bottom = y - gap + 4.0;
        // All rows alike: one stage with less to do than the others does not become columns alone.
        let work: f64 = visible().flatten().flat_map(|turn| &turn.stretches).map(|piece| piece.end - piece.start).sum();
        let columns = boxes > 0 && work * scale / (boxes as f64) < NARROW;
        Self { scene, stages, turns, rows, microbatches, chunks, scale, right, bar, lanes, curve, bottom, pointed, columns }
    }

    pub(super) fn x(&self, time: f64) -> f64 {
        LEFT + time * self.scale
    }

    /// Top of a stage's row; inside the row of hidden ones for those, which are not visible.
    pub(super) fn place(&self, stage: u32) -> (f64, bool) {
        for (row, y) in &self.rows {
            match *row {
                Row::Stage(other) if other == stage => return (*y, true),
                Row::Hidden { first, count } if stage >= first && stage < first + count => {
                    return (y - 4.0 + (HIDDEN - 8.0) * f64::from(stage - first) / f64::from(count), false);
                }
                _ => {}
            }
        }
        (TOP, false)
    }

    /// Turns as blocks: what is too narrow becomes part of a neighbour of its kind.
    pub(super) fn blocks(&self, turns: &[Turn]) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for (i, turn) in turns.iter().enumerate() {
            for (n, stretch) in turn.stretches.iter().enumerate() {
                let (left, right) = (self.x(stretch.start), self.x(stretch.end));
                let chunk = turn.task.chunk;
                if let Some(last) = blocks.last_mut() {
                    let touches = left - last.right < 0.05;
                    let alike = last.class == stretch.class && last.chunk == chunk;
                    // Slivers inside a turn go to the piece before; slivers of a kind go together.
                    if touches && n > 0 && last.turn == Some(i) && right - left < 0.35 {
                        last.right = right;
                        continue;
                    }
                    if touches && alike && (right - left).min(last.right - last.left) < 1.0 {
                        last.right = right;
                        last.turn = None;
                        continue;
                    }
                }
                blocks.push(Block { left, right, class: stretch.class, chunk, turn: Some(i) });
            }
        }
        blocks
    }
}

/// Round times from zero to `step`, with names.
pub(in crate::report) fn ticks(step: f64) -> Vec<(f64, String)> {
    if !step.is_finite() || step <= 0.0 {
        return vec![(0.0, "0".to_owned())];
    }
    let (unit, name) = match step {
        s if s < 1e-3 => (1e-6, "µs"),
        s if s < 1.0 => (1e-3, "ms"),
        s if s < 600.0 => (1.0, "s"),
        s if s < 36_000.0 => (60.0, "min"),
        s if s < 864_000.0 => (3600.0, "h"),
        _ => (86_400.0, "days"),
    };
    let rough = step / unit / 9.0;
    let power = 10f64.powf(rough.log10().floor());
    let tick = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|tick| *tick >= rough * 0.999).unwrap_or(rough);
    let decimals = (-tick.log10().floor()).clamp(0.0, 9.0) as usize;
    let last = (step * 1.000_001 / unit / tick).floor() as u32;
    (0..=last)
        .map(|i| f64::from(i) * tick)
        .map(|value| (value * unit, if value == 0.0 { "0".to_owned() } else { format!("{} {name}", grouped(value, decimals)) }))
        .collect()
}
