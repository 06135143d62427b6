//! The screen of `planner plan`: the answer in the first lines, then where time and memory go, then what it rests on.

use std::fmt::Write as _;

use super::cost::within_plan;
use super::schedules::course_in_words;
use super::{Scene, Table, gantt_text};
use crate::catalog::Provenance;
use crate::plan::{Alternative, Contender, Plan};
use crate::run::{Footprint, RunEstimate};
use crate::step::{PoolPart, StageEstimate, StepEstimate};
use crate::units::{Bytes, Seconds, grouped, significant};

/// Width of the longest bar, in characters.
const BAR: f64 = 12.0;
/// Characters of a line of running text.
const WIDTH: usize = 112;
/// Characters of a line of the step's picture.
const GANTT: usize = 100;
/// Stages shown before the middle ones are left out.
const MOST_STAGES: usize = 8;

/// Parts of a difference that are named, and the least that is, as a share of the time per token.
const MOST_SHIFTS: usize = 4;
const LEAST_SHIFT: f64 = 0.0005;

/// The plan as text, plain ASCII letters and block characters, without colour.
#[must_use]
pub fn plan_text(plan: &Plan) -> String {
    let mut out = headline(plan);
    out.push('\n');
    out += &answer(plan);
    out.push('\n');
    out += &side_by_side(&time(&plan.step), &memory(&plan.step));
    if plan.step.stages.len() > 1 {
        out.push('\n');
        out += &stages(&plan.step).text(2);
    }
    if let Some(timeline) = &plan.timeline {
        let scene = Scene { title: &plan.job.model, stages: plan.step.strategy.pp, timeline, memory: &[], capacity: &[] };
        out.push('\n');
        for line in gantt_text(&scene, GANTT) {
            let _ = writeln!(out, "  {line}");
        }
    }
    let cost = plan.cost.as_ref().map(within_plan).filter(|cost| !cost.is_empty());
    out.extend(cost.map(|cost| format!("\n{cost}")));
    out.push('\n');
    out += &verdict(plan);
    out
}

pub(super) fn headline(plan: &Plan) -> String {
    let job = &plan.job;
    format!(
        "{} on {} · {} · {} · sequence {} · global batch {} sequences ({})\n",
        job.model,
        plan.cluster.name,
        plan.accelerators(),
        job.precision.as_str(),
        grouped(f64::from(job.sequence), 0),
        grouped(job.global_batch_sequences as f64, 0),
        plan.step.tokens_per_step,
    )
}

fn answer(plan: &Plan) -> String {
    let step = &plan.step;
    let interval_assumed = plan.assumptions.iter().any(|assumption| assumption.what.starts_with("interval"));
    let mut rows = vec![[
        "Step time".to_owned(),
        format!("{}{}, {} to {}", step.step_time, star(interval_assumed), plan.interval.ninety[0], plan.interval.ninety[1]),
        format!("MFU {:.1} %", step.mfu * 100.0),
        step.tokens_per_s.to_string(),
    ]];
    if let Some(run) = &plan.run {
        let price = plan.cost.as_ref().and_then(|cost| Some((cost.total?, cost.gpu_hour.as_ref()?)));
        let cost = match price {
            Some((total, price)) => {
                format!("{total} at {}{}", price.value, star(price.provenance == Provenance::Assumed))
            }
            None => "no price known".to_owned(),
        };
        rows.push([run.tokens.to_string(), run.time.to_string(), run.energy.to_string(), cost]);
        rows.push(goodput(run));
        let electricity = plan.cost.as_ref().and_then(|cost| cost.electricity);
        let mut site = vec![format!("nodes {} at the meter", run.site_power)];
        site.extend(electricity.map(|money| format!("electricity {money}")));
        site.extend(carbon(&run.carbon));
        rows.push(["Power".to_owned(), site.join(" · "), String::new(), String::new()]);
    }
    rows.push(["Layout".to_owned(), step.strategy.describe(), String::new(), String::new()]);
    if let Some(overlap) = plan.job.overlap.describe() {
        rows.push(["Overlap".to_owned(), overlap, String::new(), String::new()]);
    }
    for part in &step.pools {
        rows.push([format!("Pool {}", part.pool), on_pool(part), String::new(), String::new()]);
    }
    let width =
        |i: usize| rows.iter().filter(|row| !row[i + 1].is_empty()).map(|row| row[i].chars().count()).max().unwrap_or(0);
    let (first, second, third) = (rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0), width(1), width(2));
    rows.iter().fold(String::new(), |mut out, [a, b, c, d]| {
        let line = format!("  {a}{}   {b}{}   {c}{}   {d}", pad(a, first), pad(b, second), pad(c, third));
        let _ = writeln!(out, "{}", line.trim_end());
        out
    })
}

/// What interruptions leave of a run's time, and what is done against them.
fn goodput(run: &RunEstimate) -> [String; 4] {
    let assumed = run.failures.node_rate.provenance == Provenance::Assumed;
    [
        "Goodput".to_owned(),
        format!("{:.1} %{}, {} lost", run.goodput * 100.0, star(assumed), run.lost.total()),
        run.failures.mtti.map_or_else(|| "no failures".to_owned(), |mtti| format!("interrupted every {mtti}")),
        match run.checkpoint.interval {
            Some(interval) => {
                let spares =
                    if run.spares.nodes == 1 { "1 spare node".to_owned() } else { format!("{} spare nodes", run.spares.nodes) };
                format!("{} saved every {interval}, {spares}", run.checkpoint.bytes)
            }
            None => "no checkpoints".to_owned(),
        },
    ]
}

/// Carbon of a run, where that of its electricity is known.
pub(super) fn carbon(of: &Footprint) -> Option<String> {
    let location = of.location?;
    let market = of.market.map(|market| format!(" ({market} by market)")).unwrap_or_default();
    Some(format!("{location} CO2e{market}, hardware {}", of.embodied))
}

/// What of a layout is on one of its pools.
pub(super) fn on_pool(part: &PoolPart) -> String {
    let stages = if part.stages == 1 { "1 stage".to_owned() } else { format!("{} stages", part.stages) };
    format!("{stages} of {} layers together on {} x {}", part.layers, grouped(part.gpus as f64, 0), part.accelerator)
}

fn pad(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(text.chars().count()))
}

fn star(assumed: bool) -> &'static str {
    if assumed { "*" } else { "" }
}

fn time(step: &StepEstimate) -> Vec<String> {
    let mut lines = vec!["Where a step goes".to_owned()];
    for (name, time) in step.breakdown.parts() {
        let share = time / step.step_time;
        if share < 0.0005 {
            continue;
        }
        lines.push(format!("{name:<18} {:>9}  {} {:>4.1} %", time.to_string(), bar(share), share * 100.0));
    }
    lines
}

/// A bar of eighths, as long as the share, padded to the longest.
fn bar(share: f64) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * BAR * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if eighths % 8 > 0 {
        bar.push(EIGHTHS[eighths % 8]);
    }
    let width = bar.chars().count();
    bar + &" ".repeat(BAR as usize - width.min(BAR as usize))
}

fn memory(step: &StepEstimate) -> Vec<String> {
    let Some(stage) = step.fullest() else { return Vec::new() };
    let m = &stage.memory;
    let place = if step.stages.len() > 1 { format!(", stage {}", stage.stage) } else { String::new() };
    let mut lines = vec![format!("Memory per GPU ({:#}{place})", step.memory_capacity)];
    let mut line = |name: &str, bytes: Bytes| {
        if bytes.get() > 0.0 {
            lines.push(format!("{name:<13} {:>9}", gib(bytes)));
        }
    };
    line("weights", m.weights);
    line("gradients", m.gradients);
    line("optimizer", m.optimizer);
    line("activations", m.activations);
    line("working set", m.working);
    line("fragments", m.fragments);
    line("reserve*", m.reserve);
    line("free", step.memory_capacity - m.total());
    lines
}

pub(super) fn gib(bytes: Bytes) -> String {
    let gib = bytes.get() / 1024f64.powi(3);
    if gib != 0.0 && gib.abs() < 0.1 {
        return format!("{:.1} MiB", gib * 1024.0);
    }
    format!("{gib:.1} GiB")
}

fn side_by_side(left: &[String], right: &[String]) -> String {
    let width = left.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    (0..left.len().max(right.len())).fold(String::new(), |mut out, i| {
        let (a, b) = (left.get(i).map_or("", String::as_str), right.get(i).map_or("", String::as_str));
        let _ = writeln!(out, "{}", format!("  {a}{}   {b}", pad(a, width)).trim_end());
        out
    })
}

/// Time and memory stage by stage; of many stages the first, the last and those between where something changes.
pub(super) fn stages(step: &StepEstimate) -> Table {
    let mut table =
        Table::new(&["stage", "layers", "busy", "weights", "gradients", "optimizer", "activations", "total", "free"], 1);
    for group in groups(&step.stages) {
        let (first, last) = (group[0], group[group.len() - 1]);
        let name = if first.stage == last.stage { first.stage.to_string() } else { format!("{}-{}", first.stage, last.stage) };
        let span = |of: &dyn Fn(&StageEstimate) -> f64, show: &dyn Fn(f64) -> String| {
            let (a, b) = (show(of(first)), show(of(last)));
            if a == b { a } else { format!("{a} to {b}") }
        };
        table.row([
            name,
            span(&|s| f64::from(s.layers), &|x| format!("{x:.0}")),
            span(&|s| s.busy.get(), &|x| Seconds::new(x).to_string()),
            span(&|s| s.memory.weights.get(), &|x| gib(Bytes::new(x))),
            span(&|s| s.memory.gradients.get(), &|x| gib(Bytes::new(x))),
            span(&|s| s.memory.optimizer.get(), &|x| gib(Bytes::new(x))),
            span(&|s| (s.memory.activations + s.memory.working).get(), &|x| gib(Bytes::new(x))),
            span(&|s| s.memory.total().get(), &|x| gib(Bytes::new(x))),
            span(&|s| s.capacity.get() - s.memory.total().get(), &|x| gib(Bytes::new(x))),
        ]);
    }
    table
}

/// All stages one by one when they are few; else the first, runs of equal layers, the last.
fn groups(stages: &[StageEstimate]) -> Vec<Vec<&StageEstimate>> {
    if stages.len() <= MOST_STAGES {
        return stages.iter().map(|stage| vec![stage]).collect();
    }
    let mut out: Vec<Vec<&StageEstimate>> = Vec::new();
    let last = stages.len() - 1;
    for (i, stage) in stages.iter().enumerate() {
        match out.last_mut() {
            Some(group) if i > 1 && i < last && alike(group[0], stage) => group.push(stage),
            _ => out.push(vec![stage]),
        }
    }
    out
}

/// A sentence in lines of the screen's width, those behind the first indented.
pub(super) fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::from(" ");
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = String::from("   ");
        }
        line.push(' ');
        line += word;
    }
    let _ = writeln!(out, "{line}");
    out
}

/// Whether two stages hold as many layers of the same sorts.
fn alike(a: &StageEstimate, b: &StageEstimate) -> bool {
    a.layers == b.layers && a.memory.weights == b.memory.weights && a.capacity == b.capacity
}

fn verdict(plan: &Plan) -> String {
    let step = &plan.step;
    let mut out = String::new();
    let bottleneck = step.breakdown.parts().into_iter().reduce(|a, b| if b.1 > a.1 { b } else { a });
    if let Some((name, time)) = bottleneck {
        let exposed = step.breakdown.exposed_communication() / step.step_time;
        let _ = writeln!(
            out,
            "  Bottleneck: {name}, {:.0} % of the step; exposed communication {:.1} %, bubble {:.1} %.",
            time / step.step_time * 100.0,
            exposed * 100.0,
            step.breakdown.bubble / step.step_time * 100.0
        );
    }
    if let Some(course) = plan.course.as_ref().filter(|_| step.stages.len() > 1) {
        out += &wrapped(&course_in_words(course, step.step_time));
    }
    for (i, other) in plan.alternatives.iter().enumerate() {
        let lead = if i == 0 { "Next best:" } else { "          " };
        let _ =
            writeln!(out, "  {lead} {} ({}, {} per GPU)", other.strategy.describe(), beside(plan, other), gib(other.memory));
        let why = because(other);
        if !why.is_empty() {
            let _ = writeln!(out, "               {why}");
        }
    }
    for contender in &plan.contenders {
        let _ = writeln!(out, "  {}", elsewhere(contender));
    }
    let idle = u64::from(plan.cluster.gpus) - step.gpus.min(u64::from(plan.cluster.gpus));
    if idle > 0 {
        let _ = writeln!(
            out,
            "  {} of the {} {} GPUs stay idle: no better layout uses them.",
            grouped(idle as f64, 0),
            if step.pools.is_empty() { "pool's" } else { "pools'" },
            grouped(f64::from(plan.cluster.gpus), 0)
        );
    }
    if let Some((run, deadline)) = plan.run.as_ref().zip(plan.job.deadline) {
        let gap = run.time.get() - deadline.get();
        let _ = if gap > 0.0 {
            writeln!(out, "  Deadline of {deadline}: missed by {}.", Seconds::new(gap))
        } else {
            writeln!(out, "  Deadline of {deadline}: met with {} to spare.", Seconds::new(-gap))
        };
    }
    let a = &plan.search;
    let _ = writeln!(
        out,
        "  Tried {} layouts: {} not legal, {} out of memory, {} bounded, {} costed in full.",
        grouped(a.layouts as f64, 0),
        grouped(a.illegal as f64, 0),
        grouped(a.out_of_memory as f64, 0),
        grouped(a.bounded as f64, 0),
        grouped(a.costed as f64, 0)
    );
    if a.unwanted > 0 {
        let _ = writeln!(out, "  {} fit, but not as asked.", grouped(a.unwanted as f64, 0));
    }
    if let Some(gap) = plan.gap {
        let left = grouped(a.unexplored as f64, 0);
        let most = gap * 100.0;
        let _ = writeln!(out, "  Time was over: of {left} layouts left, one might be better by up to {most:.1} %.");
    }
    if !plan.calibrated.is_empty() {
        let moved: Vec<String> =
            plan.calibrated.iter().map(|moved| format!("{} {} -> {}", moved.what, moved.from, moved.to)).collect();
        out += &wrapped(&format!("Measured on one's own hardware: {}.", moved.join(", ")));
    }
    let assumed: Vec<&str> = plan.assumptions.iter().map(|a| a.what.as_str()).collect();
    out += &wrapped(&format!("* assumed, not measured: {}. `planner explain` says why.", assumed.join(", ")));
    out += &wrapped(&format!("Not modelled: {}.", plan.not_modelled.join(", ")));
    out
}

/// A change in percent, with its sign.
pub(super) fn percent(by: f64) -> String {
    let sign = if by < 0.0 { "-" } else { "+" };
    format!("{sign}{} %", significant((by * 100.0).abs(), 2))
}

/// What makes the difference of another layout, the largest parts first; empty where they are all small.
pub(super) fn because(other: &Alternative) -> String {
    let parts = other.why.iter().filter(|shift| shift.by.abs() >= LEAST_SHIFT).take(MOST_SHIFTS);
    parts.map(|shift| format!("{} {}", shift.part, percent(shift.by))).collect::<Vec<_>>().join(", ")
}

/// What another pool or data type would do.
pub(super) fn elsewhere(contender: &Contender) -> String {
    let overlap = contender.overlap.describe().map(|overlap| format!(", {overlap}")).unwrap_or_default();
    let place = format!("In {} on pool `{}`{overlap}", contender.precision.as_str(), contender.pool);
    match contender.strategy.zip(contender.slower_by) {
        Some((strategy, by)) => format!("{place}: {} time per token, {}", percent(by), strategy.describe()),
        None => format!("{place}: no layout fits as asked"),
    }
}

/// How another layout compares: in time, and in GPU-hours where it uses another number of accelerators.
pub(super) fn beside(plan: &Plan, other: &Alternative) -> String {
    let change = |by: f64, of: &str| {
        // Less than a hundredth of a percent is rounding of the batch.
        if by.abs() < 1e-4 {
            return format!("the same {of}");
        }
        format!("{} {of}", percent(by))
    };
    let time = change(other.slower_by, "time");
    let all = if other.strategy.gpus() == plan.step.gpus {
        time
    } else {
        format!("{time}, {}", change(other.dearer_by, "GPU-hours"))
    };
    format!("{all} per token")
}
