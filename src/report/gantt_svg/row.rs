//! A stage's row: its boxes or columns, its lanes, its memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::scene::{Class, Turn, busy, shares};
use super::ink::{BUBBLE, FAINT, INK, Paths, fill, gib, px};
use super::layout::{Gantt, LEFT, WIDTH};
use crate::units::{Bytes, Seconds};

/// Width of a column of shares.
const COLUMN: f64 = 2.0;
/// Size of the smallest numbers.
const SMALLEST: f64 = 5.5;

impl Gantt<'_> {
    pub(super) fn stage(&self, out: &mut String, stage: u32, y: f64) {
        let turns = &self.turns[stage as usize];
        let tasks = &self.stages[stage as usize];
        let step = self.scene.timeline.step.get();
        let middle = y + self.bar / 2.0 + 4.0;
        let _ = writeln!(out, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">stage {stage}</text>", px(LEFT - 10.0), px(middle));
        let _ = writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{BUBBLE}\"/>",
            px(LEFT),
            px(y),
            px(self.right - LEFT),
            px(self.bar)
        );
        let work: f64 = busy(tasks);
        if self.columns {
            self.shares(out, turns, y);
        } else {
            self.boxes(out, turns, y);
        }
        let mut paths = Paths::default();
        for (lane, fill, streams) in &self.lanes {
            let mut last = f64::NEG_INFINITY;
            for placed in tasks.iter().filter(|placed| streams.contains(&placed.task.kind.stream())) {
                let (from, to) = (self.x(placed.start.get()).max(last), self.x(placed.end().get()));
                if to - from > 0.05 {
                    paths.rect(fill, from, y + lane, to - from, 2.5);
                    last = to;
                }
            }
        }
        paths.write(out);
        let waits = if step > 0.0 { (1.0 - work / step).max(0.0) } else { 0.0 };
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.1} %</text>",
            px(self.right + 50.0),
            px(middle),
            100.0 * waits
        );
        if let Some(changes) = self.scene.memory.get(stage as usize).filter(|changes| !changes.is_empty()) {
            self.memory(out, (stage as usize, changes), y);
        }
    }

    /// Boxes of a stage's turns, with the numbers of their microbatches where they fit.
    fn boxes(&self, out: &mut String, turns: &[Turn], y: f64) {
        let mut paths = Paths::default();
        let mut pointed = String::new();
        let (mut numbers, mut numbered): (BTreeMap<u32, String>, BTreeSet<usize>) = Default::default();
        for block in self.blocks(turns) {
            // A hair of background between neighbours.
            let ends_turn = block.turn.is_some_and(|i| (self.x(turns[i].end()) - block.right).abs() < 0.01);
            let width = block.right - block.left;
            let width = if ends_turn && width > 3.0 { width - 0.7 } else { width };
            let halves = match (block.class, block.turn.and_then(|i| turns[i].task.beside)) {
                (Class::Pair, Some((chunk, _))) => {
                    let half = self.bar / 2.0;
                    vec![
                        (fill(Class::Forward, block.chunk, self.chunks), y, half),
                        (fill(Class::Backward, chunk, self.chunks), y + half, half),
                    ]
                }
                _ => vec![(fill(block.class, block.chunk, self.chunks), y, self.bar)],
            };
            for (fill, top, height) in &halves {
                match block.turn.filter(|_| self.pointed && width > 2.0) {
                    Some(turn) => {
                        let turn = &turns[turn];
                        let what = if block.class == turn.class || block.class == Class::Pair {
                            turn.describe()
                        } else {
                            format!("{} in {}", block.class.name(), turn.describe())
                        };
                        let _ = writeln!(
                            pointed,
                            "<path fill=\"{fill}\" d=\"M{} {}h{}v{}h{}z\"><title>{}, {}</title></path>",
                            px(block.left),
                            px(*top),
                            px(width),
                            px(*height),
                            px(-width),
                            what,
                            Seconds::new((block.right - block.left) / self.scale),
                        );
                    }
                    None => paths.rect(fill, block.left, *top, width, *height),
                }
            }
            if let Some(i) = block.turn.filter(|i| numbered.insert(*i)) {
                self.number(&mut numbers, &turns[i], y);
            }
        }
        paths.write(out);
        out.push_str(&pointed);
        for (size, texts) in numbers {
            let size = f64::from(size) / 2.0;
            let _ = writeln!(
                out,
                "<g font-size=\"{size}\" fill=\"#10202f\" text-anchor=\"middle\" pointer-events=\"none\">{texts}</g>"
            );
        }
    }

    /// Writes the microbatch of a turn into its boxes, by size in halves of a pixel, where the longest fits.
    fn number(&self, numbers: &mut BTreeMap<u32, String>, turn: &Turn, y: f64) {
        if turn.class == Class::Optimizer {
            return;
        }
        let pair = turn.task.beside.filter(|_| turn.class == Class::Pair);
        let lines = match pair {
            Some((_, beside)) => vec![(turn.task.microbatch, 0.25), (beside, 0.75)],
            None => vec![(turn.task.microbatch, 0.5)],
        };
        let (left, right) = (self.x(turn.start()), self.x(turn.end()));
        // Room for the longest number, so that boxes of a width have numbers of a size, or all have none.
        let digits = self.microbatches.saturating_sub(1).to_string().len();
        // Small numbers may nearly touch the edges, larger ones keep off each other.
        let fits = |margin: f64| (right - left - margin) / (0.57 * digits as f64);
        let room = fits(1.0).min(fits(3.5).max(6.5));
        for (microbatch, place) in lines {
            let text = microbatch.to_string();
            let most = if pair.is_some() { self.bar / 2.0 - 1.0 } else { 11.0 };
            let size = room.min(most);
            if size >= SMALLEST {
                let halves = (size * 2.0).floor();
                let (x, y) = (px(f64::midpoint(left, right)), px(y + self.bar * place + halves * 0.18));
                let _ = write!(numbers.entry(halves as u32).or_default(), "<text x=\"{x}\" y=\"{y}\">{text}</text>");
            }
        }
    }

    /// Columns that show how much of their time each kind has, stacked from below.
    fn shares(&self, out: &mut String, turns: &[Turn], y: f64) {
        let n = ((self.right - LEFT) / COLUMN).round() as usize;
        let span = self.scene.timeline.step.get() / n as f64;
        let columns = shares(turns, self.scene.timeline.step.get(), n);
        let base = y + self.bar;
        // The whole stack first, then what is left of it without its uppermost kind, and so on down.
        for (kinds, class) in Class::ALL.into_iter().enumerate().rev() {
            if columns.iter().all(|shares| shares[class as usize] == 0.0) {
                continue;
            }
            let mut path = format!("M{} {}", px(LEFT), px(base));
            for (i, shares) in columns.iter().enumerate() {
                let share = (shares[..=kinds].iter().sum::<f64>() / span).min(1.0);
                let (x, top) = (LEFT + (i + 1) as f64 * COLUMN, (10.0 * (base - self.bar * share)).round() / 10.0);
                let _ = write!(path, "V{}H{}", px(top), px(x));
            }
            let _ = writeln!(out, "<path fill=\"{}\" d=\"{path}V{}z\"/>", fill(class, 0, 1), px(base));
        }
    }

    /// The peak as number and bar beside the row, the course of memory below it.
    fn memory(&self, out: &mut String, (stage, changes): (usize, &[(Seconds, Bytes)]), y: f64) {
        let peak = changes.iter().map(|(_, bytes)| bytes.get()).fold(0.0, f64::max);
        let capacity = self.scene.capacity.get(stage).map_or(0.0, |capacity| capacity.get());
        let over = peak > capacity;
        let (from, to) = (self.right + 62.0, WIDTH - 20.0 - 60.0);
        let whole = capacity.max(peak).max(1.0);
        let (strong, weak) = if over { ("#dc2626", "#fbd5d5") } else { (FAINT, "#d9e0ea") };
        let top = y + self.bar / 2.0 - 4.0;
        for (fill, share) in [(BUBBLE, 1.0), (if over { strong } else { "#93a4bb" }, peak / whole)] {
            let mut bar = Paths::default();
            bar.rect(fill, from, top, (to - from) * share, 8.0);
            bar.write(out);
        }
        let (x, middle) = (px(WIDTH - 20.0), px(y + self.bar / 2.0 + 4.0));
        let ink = if over { strong } else { INK };
        let _ =
            writeln!(out, "<text x=\"{x}\" y=\"{middle}\" text-anchor=\"end\" fill=\"{ink}\">{}</text>", gib(Bytes::new(peak)));
        if self.curve <= 0.0 {
            return;
        }
        let bottom = y + self.lanes.last().map_or(self.bar, |(lane, ..)| lane + 2.5) + self.curve;
        let height = |bytes: f64| bottom - (self.curve - 2.0) * bytes / whole;
        // The most in every pixel, so that no peak is lost.
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (time, bytes) in changes {
            let x = self.x(time.get().min(self.scene.timeline.step.get()));
            match points.last_mut().filter(|(last, _)| x - last < 0.8) {
                Some((_, most)) => *most = most.max(bytes.get()),
                None => points.push((x, bytes.get())),
            }
        }
        let Some((x, bytes)) = points.first() else { return };
        let mut line = format!("M{} {}", px(*x), px(height(*bytes)));
        for (x, bytes) in &points[1..] {
            let _ = write!(line, "H{}V{}", px(*x), px(height(*bytes)));
        }
        let _ = write!(line, "H{}", px(self.right));
        let _ = writeln!(out, "<path fill=\"{weak}\" d=\"{line}V{b}H{}z\"/>", px(*x), b = px(bottom));
        let _ = writeln!(out, "<path fill=\"none\" stroke=\"{strong}\" stroke-width=\"0.8\" d=\"{line}\"/>");
        let full = px(height(capacity));
        let _ = writeln!(
            out,
            "<path stroke=\"#b6c0ce\" stroke-width=\"0.7\" stroke-dasharray=\"2 3\" d=\"M{} {full}H{}\"/>",
            px(LEFT),
            px(self.right)
        );
    }
}
