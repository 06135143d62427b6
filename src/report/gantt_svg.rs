//! A step as a Gantt chart in SVG: a row a stage, time to the right.
//!
//! The picture is one file without script, on a light card that stays readable on a dark page. Boxes are what runs on a stage's
//! compute stream; thin lanes below are transfers and the communication with replicas, behind which it may hide. Of many stages
//! the first and the last are shown. Boxes too narrow to see are drawn as one with a neighbour of the same kind; where whole
//! passes are, columns show the share of time that each kind has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::scene::{Class, Row, Scene, Turn, busy, by_stage, counts, idle, rows, shares, split, turns};
use super::svg::escape;
use crate::step::graph::{Placed, Stream};
use crate::units::{Bytes, Seconds, grouped};

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 84.0;
const TOP: f64 = 92.0;
/// Height of the row that stands for stages left out.
const HIDDEN: f64 = 30.0;
/// More rows than this are elided, to this many at either end.
const MOST: (u32, u32) = (25, 12);
/// Up to so many rows are drawn tall, with their memory over time.
const TALL: usize = 16;
/// Boxes of a picture up to which each says what it is when pointed at.
const POINTED: usize = 4000;
/// Mean width of a pass, in pixels, below which columns of shares are drawn.
const NARROW: f64 = 1.6;
/// Width of such a column.
const COLUMN: f64 = 2.0;
/// Stretches of the critical path up to which each is outlined.
const MANY_RUNS: usize = 500;

const INK: &str = "#1f2937";
const FAINT: &str = "#64748b";
const BUBBLE: &str = "#eceff4";
const TRANSFER: &str = "#8fa3bf";
const REPLICAS: &str = "#d9822b";
const CRITICAL: &str = "#c81e3a";

/// The step as a picture of 1,200 pixels' width. The same step gives the same bytes.
#[must_use]
pub fn gantt_svg(scene: &Scene) -> String {
    Gantt::new(scene).draw()
}

fn colour(class: Class) -> [u8; 3] {
    match class {
        Class::Forward => [0x6f, 0xa3, 0xe8],
        Class::Backward => [0x62, 0xbd, 0x8f],
        Class::InputGradient => [0x45, 0xb0, 0xa8],
        Class::WeightGradient => [0xb4, 0xcf, 0x5f],
        Class::Recompute => [0xb9, 0xa6, 0xe6],
        Class::Pair => [0x69, 0xb0, 0xbb],
        Class::Communication => [0xf2, 0x9f, 0x4b],
        Class::Optimizer => [0xdd, 0x85, 0xae],
    }
}

/// Later chunks are lighter.
fn fill(class: Class, chunk: u32, chunks: u32) -> String {
    let passes = matches!(class, Class::Forward | Class::Backward | Class::InputGradient | Class::WeightGradient);
    let light = if passes && chunks > 1 { 0.5 * f64::from(chunk) / f64::from(chunks - 1) } else { 0.0 };
    let [r, g, b] = colour(class).map(|c| (f64::from(c) + (255.0 - f64::from(c)) * light).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A number of pixels, as short as two decimals go.
fn px(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Part of a row in one colour.
struct Block {
    left: f64,
    right: f64,
    class: Class,
    chunk: u32,
    /// Index of the turn that it is all or part of; `None` when it stands for several.
    turn: Option<usize>,
}

/// Shapes by colour: one path each.
#[derive(Default)]
struct Paths(BTreeMap<String, String>);

impl Paths {
    fn rect(&mut self, fill: &str, left: f64, top: f64, width: f64, height: f64) {
        let path = self.0.entry(fill.to_owned()).or_default();
        let _ = write!(path, "M{} {}h{}v{}h{}z", px(left), px(top), px(width), px(height), px(-width));
    }

    fn write(&self, out: &mut String) {
        for (fill, path) in &self.0 {
            let _ = writeln!(out, "<path fill=\"{fill}\" d=\"{path}\"/>");
        }
    }
}

struct Gantt<'a> {
    scene: &'a Scene<'a>,
    stages: Vec<Vec<&'a Placed>>,
    turns: Vec<Vec<Turn>>,
    rows: Vec<(Row, f64)>,
    microbatches: u32,
    chunks: u32,
    /// Pixels per second.
    scale: f64,
    /// Right end of the time axis.
    right: f64,
    bar: f64,
    lanes: Vec<(f64, &'static str, Vec<Stream>)>,
    /// Height of the memory curve below a row.
    curve: f64,
    bottom: f64,
    pointed: bool,
    /// Columns of shares instead of boxes were drawn.
    columns: bool,
}

impl<'a> Gantt<'a> {
    fn new(scene: &'a Scene<'a>) -> Self {
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
        let visible = rows.iter().filter_map(|(row, _)| if let Row::Stage(s) = row { turns.get(*s as usize) } else { None });
        let (microbatches, chunks) = counts(scene);
        let pointed = visible.map(Vec::len).sum::<usize>() <= POINTED;
        let bottom = y - gap + 4.0;
        let columns = false;
        Self { scene, stages, turns, rows, microbatches, chunks, scale, right, bar, lanes, curve, bottom, pointed, columns }
    }

    fn x(&self, time: f64) -> f64 {
        LEFT + time * self.scale
    }

    fn draw(mut self) -> String {
        let mut body = String::new();
        self.heading(&mut body);
        self.axis(&mut body);
        for (row, y) in self.rows.clone() {
            match row {
                Row::Stage(stage) => self.stage(&mut body, stage, y),
                Row::Hidden { .. } => {}
            }
        }
        self.critical(&mut body);
        for (row, y) in &self.rows {
            if let Row::Hidden { count, .. } = row {
                self.hidden(&mut body, *count, *y);
            }
        }
        let bottom = self.legend(&mut body, self.bottom + 44.0);
        let (width, height) = (px(WIDTH), px(bottom + 18.0));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" \
             font-family=\"Inter, system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\" \
             font-size=\"12\" fill=\"{INK}\">\n\
             <title>{}</title>\n\
             <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#fcfdfe\" stroke=\"#d5dbe5\"/>\n\
             {body}</svg>\n",
            escape(self.scene.title),
            px(WIDTH - 1.0),
            px(bottom + 17.0),
        )
    }

    fn heading(&self, out: &mut String) {
        let many = |n: u32, name: &str| format!("{} {name}{}", grouped(f64::from(n), 0), if n == 1 { "" } else { "s" });
        let mut facts = vec![format!("step {}", self.scene.timeline.step), many(self.scene.stages, "stage")];
        facts.extend((self.chunks > 1).then(|| format!("{} each", many(self.chunks, "chunk"))));
        facts.push(many(self.microbatches, "microbatch").replace("batchs", "batches"));
        facts.push(format!("{:.1} % idle", 100.0 * idle(self.scene, &self.stages)));
        let _ =
            writeln!(out, "<text x=\"24\" y=\"34\" font-size=\"17\" font-weight=\"600\">{}</text>", escape(self.scene.title));
        let _ = writeln!(out, "<text x=\"24\" y=\"55\" fill=\"{FAINT}\">{}</text>", escape(&facts.join(" · ")));
        let y = px(TOP - 10.0);
        let _ = write!(out, "<g font-size=\"11\" fill=\"{FAINT}\" text-anchor=\"end\">");
        let _ = write!(out, "<text x=\"{}\" y=\"{y}\">idle</text>", px(self.right + 50.0));
        if self.right < WIDTH - 100.0 {
            let capacity = escape(&format!("peak of {}", gib(self.scene.capacity)));
            let _ = write!(out, "<text x=\"{}\" y=\"{y}\">{capacity}</text>", px(WIDTH - 20.0));
        }
        out.push_str("</g>\n");
    }

    /// Grid lines behind the rows, times below them.
    fn axis(&self, out: &mut String) {
        let ticks = ticks(self.scene.timeline.step.get());
        let (top, bottom) = (px(TOP - 4.0), px(self.bottom));
        let _ = write!(out, "<path stroke=\"#dfe4ec\" d=\"");
        for (time, _) in &ticks {
            let _ = write!(out, "M{} {top}V{bottom}", px(self.x(*time)));
        }
        let _ = write!(out, "\"/>\n<g font-size=\"11\" fill=\"{FAINT}\" text-anchor=\"middle\">");
        for (time, label) in &ticks {
            let _ = write!(out, "<text x=\"{}\" y=\"{}\">{label}</text>", px(self.x(*time)), px(self.bottom + 15.0));
        }
        out.push_str("</g>\n");
    }

    fn stage(&mut self, out: &mut String, stage: u32, y: f64) {
        let turns = std::mem::take(&mut self.turns[stage as usize]);
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
        if !turns.is_empty() && work * self.scale / (turns.len() as f64) < NARROW {
            self.columns = true;
            self.shares(out, &turns, y);
        } else {
            self.boxes(out, &turns, y);
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
            self.memory(out, changes, y);
        }
        self.turns[stage as usize] = turns;
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

    /// Writes the microbatch of a turn into its boxes, by size in halves of a pixel; all of a size where they nearly fit.
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
        let fits = |digits: usize| (right - left - 1.0) / (0.57 * digits as f64);
        let longest = self.microbatches.saturating_sub(1).to_string().len();
        for (microbatch, place) in lines {
            let text = microbatch.to_string();
            let most = if pair.is_some() { self.bar / 2.0 - 1.0 } else { 11.0 };
            let size = fits(text.len()).min(fits(longest).max(5.7) * 1.2).min(most);
            if size >= 5.7 {
                let halves = (size * 2.0).floor();
                let (x, y) = (px(f64::midpoint(left, right)), px(y + self.bar * place + halves * 0.18));
                let _ = write!(numbers.entry(halves as u32).or_default(), "<text x=\"{x}\" y=\"{y}\">{text}</text>");
            }
        }
    }

    /// Turns as blocks: what is too narrow becomes part of a neighbour of its kind.
    fn blocks(&self, turns: &[Turn]) -> Vec<Block> {
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
    fn memory(&self, out: &mut String, changes: &[(Seconds, Bytes)], y: f64) {
        let peak = changes.iter().map(|(_, bytes)| bytes.get()).fold(0.0, f64::max);
        let capacity = self.scene.capacity.get();
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

    fn hidden(&self, out: &mut String, count: u32, y: f64) {
        let middle = y + HIDDEN / 2.0 - 3.0;
        let x = f64::midpoint(LEFT, self.right);
        let _ = writeln!(
            out,
            "<path stroke=\"#b6c0ce\" stroke-dasharray=\"1 5\" stroke-width=\"2\" stroke-linecap=\"round\" \
             d=\"M{} {m}H{}M{} {m}H{}\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{FAINT}\" \
             stroke=\"#fcfdfe\" stroke-width=\"5\" paint-order=\"stroke\">{count} more stage{}</text>",
            px(LEFT),
            px(x - 64.0),
            px(x + 64.0),
            px(self.right),
            px(x),
            px(middle + 4.0),
            if count == 1 { "" } else { "s" },
            m = px(middle),
        );
    }

    /// Top of a stage's row; inside the row of hidden ones for those, which are not visible.
    fn place(&self, stage: u32) -> (f64, bool) {
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

    /// An outline around what of the critical path runs on compute streams, and lines between.
    fn critical(&self, out: &mut String) {
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

    /// What occurs, and what it looks like. Returns where it ends.
    fn legend(&self, out: &mut String, top: f64) -> f64 {
        let used: BTreeSet<Class> = self.turns.iter().flatten().flat_map(|turn| &turn.stretches).map(|s| s.class).collect();
        let (mut x, mut y) = (LEFT, top);
        let mut entry = |name: &str, swatch: &dyn Fn(f64, f64) -> String, out: &mut String| {
            let width = 20.0 + 6.7 * name.chars().count() as f64 + 18.0;
            if x > LEFT && x + width > WIDTH - 20.0 {
                (x, y) = (LEFT, y + 20.0);
            }
            let _ = writeln!(out, "{}<text x=\"{}\" y=\"{}\">{name}</text>", swatch(x, y), px(x + 20.0), px(y));
            x += width;
        };
        let rect = |x: f64, top: f64, height: f64, fill: &str| {
            format!("<rect x=\"{}\" y=\"{}\" width=\"14\" height=\"{}\" fill=\"{fill}\"/>", px(x), px(top), px(height))
        };
        for class in used {
            let later = fill(class, 1, 2);
            let name = class.name().to_owned();
            match class {
                Class::Pair => {
                    let halves = |x: f64, y: f64| {
                        rect(x, y - 10.0, 6.0, &fill(Class::Forward, 0, 1))
                            + &rect(x, y - 4.0, 6.0, &fill(Class::Backward, 0, 1))
                    };
                    entry(&name, &halves, out);
                }
                _ if self.chunks > 1 && !self.columns && later != fill(class, 0, 1) => {
                    let shades = |x: f64, y: f64| {
                        rect(x, y - 10.0, 12.0, &fill(class, 0, 1))
                            + &format!("<path fill=\"{later}\" d=\"M{} {}h-9l9 -12z\"/>", px(x + 14.0), px(y + 2.0))
                    };
                    entry(&format!("{name} (later chunks lighter)"), &shades, out);
                }
                _ => entry(&name, &|x, y| rect(x, y - 10.0, 12.0, &fill(class, 0, 1)), out),
            }
        }
        entry("idle", &|x, y| rect(x, y - 10.0, 12.0, BUBBLE), out);
        for (_, colour, streams) in &self.lanes {
            let name = if streams.contains(&Stream::DataParallel) {
                "communication with replicas"
            } else {
                "transfers between stages"
            };
            entry(name, &|x, y| rect(x, y - 6.0, 3.0, colour), out);
        }
        if self.scene.timeline.tasks.iter().any(|placed| placed.critical) {
            let outline = |x: f64, y: f64| {
                let (x, y) = (px(x), px(y - 9.5));
                format!("<path fill=\"none\" stroke=\"{CRITICAL}\" stroke-width=\"1.3\" d=\"M{x} {y}h13v11h-13z\"/>")
            };
            entry("critical path", &outline, out);
        }
        if self.curve > 0.0 {
            entry("memory, dashed where full", &|x, y| rect(x, y - 5.0, 7.0, "#d9e0ea") + &rect(x, y - 5.6, 1.0, FAINT), out);
        }
        if self.columns {
            entry("columns: share of time", &|_, _| String::new(), out);
        }
        y
    }
}

/// Binary units to three digits, no decimals from 100 on.
fn gib(bytes: Bytes) -> String {
    format!("{bytes:#}")
}

/// Round times from zero to `step`, with names.
fn ticks(step: f64) -> Vec<(f64, String)> {
    if !step.is_finite() || step <= 0.0 {
        return vec![(0.0, "0".to_owned())];
    }
    let (unit, name) = match step {
        s if s < 1e-3 => (1e-6, "µs"),
        s if s < 1.0 => (1e-3, "ms"),
        s if s < 600.0 => (1.0, "s"),
        s if s < 36_000.0 => (60.0, "min"),
        _ => (3600.0, "h"),
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

#[cfg(test)]
mod tests {
    use super::super::scene::fake;
    use super::*;

    /// Every tag closed, in order; attributes in double quotes; no bare ampersand.
    fn check_xml(svg: &str) {
        let mut open: Vec<&str> = Vec::new();
        for (i, _) in svg.match_indices('<') {
            let tag = &svg[i + 1..i + svg[i..].find('>').unwrap()];
            assert!(!tag.contains('<') && tag.matches('"').count() % 2 == 0, "{tag}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap());
            }
        }
        assert!(open.is_empty(), "{open:?}");
        for (i, _) in svg.match_indices('&') {
            assert!(["&amp;", "&lt;", "&gt;", "&quot;"].iter().any(|entity| svg[i..].starts_with(entity)));
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "not a number");
        assert!(!svg.contains("<script"));
    }

    #[test]
    fn is_well_formed_and_the_same_every_time() {
        for (p, v, m) in [(1, 1, 1), (4, 1, 8), (8, 2, 16), (26, 1, 30)] {
            let step = fake::interleaved(p, v, m);
            let svg = gantt_svg(&step.scene());
            check_xml(&svg);
            assert_eq!(svg, gantt_svg(&fake::interleaved(p, v, m).scene()));
        }
    }

    #[test]
    fn other_classes_have_their_colours_and_the_title_its_escapes() {
        let step = fake::put_off();
        let svg = gantt_svg(&step.scene());
        check_xml(&svg);
        assert!(svg.contains("&quot;a&quot; &lt; b &amp; c"));
        for class in ["forward and backward overlapped", "input gradient", "weight gradient", "optimizer"] {
            assert!(svg.contains(&format!(">{class}</text>")), "{class}");
        }
    }

    #[test]
    fn many_stages_are_left_out_and_many_microbatches_stay_small() {
        let step = fake::interleaved(64, 1, 16);
        let svg = gantt_svg(&step.scene());
        check_xml(&svg);
        assert!(svg.contains(">40 more stages</text>"));
        assert!(svg.contains(">stage 52</text>") && !svg.contains(">stage 30</text>"));
        let many = fake::interleaved(2, 1, 512);
        let svg = gantt_svg(&many.scene());
        assert!(svg.contains("columns: share of time"));
        assert!(svg.len() < 1_000_000, "{}", svg.len());
    }

    #[test]
    fn an_empty_step_draws_nothing_and_does_not_fail() {
        let timeline = crate::step::graph::Timeline { step: Seconds::ZERO, tasks: Vec::new() };
        let scene = Scene { title: "none", stages: 2, timeline: &timeline, memory: &[], capacity: Bytes::ZERO };
        check_xml(&gantt_svg(&scene));
    }

    #[test]
    fn ticks_are_round() {
        let labels: Vec<String> = ticks(0.43).into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms", "300 ms", "350 ms", "400 ms"]);
        assert_eq!(ticks(13.8).last().unwrap().1, "12 s");
        assert_eq!(ticks(1.05).last().unwrap().1, "1.0 s");
    }
}
