//! A step as a few lines of text: a line a stage, a column a span of time.

use super::scene::{Class, Row, Scene, busy, by_stage, rows, shares, split, turns};
use crate::step::graph::{Placed, Stream};

/// More stages than this are elided, to this many at either end.
const MOST: (u32, u32) = (8, 4);
/// The narrowest chart that can be read.
const NARROWEST: usize = 40;
const IDLE: char = ' ';

/// The step in lines of at most `width` characters, and of no fewer than 40: a line for each of up to eight stages with the
/// share of the step that it works, a time axis, a legend. A column shows what most of its time goes to, counting
/// communication with replicas where nothing is computed.
#[must_use]
pub fn gantt_text(scene: &Scene, width: usize) -> Vec<String> {
    let stages = by_stage(scene);
    let split = split(&stages);
    let step = scene.timeline.step.get();
    let label = format!("stage {}", scene.stages.saturating_sub(1)).chars().count();
    let columns = width.max(NARROWEST) - label - 8;
    let mut used: Vec<Class> = Vec::new();
    let mut lines: Vec<String> = rows(scene.stages, MOST.0, MOST.1)
        .into_iter()
        .map(|row| match row {
            Row::Hidden { count, .. } => {
                let text = format!("{count} more stage{}", if count == 1 { "" } else { "s" });
                format!("{} │{text:^columns$}", " ".repeat(label)).trim_end().to_owned()
            }
            Row::Stage(stage) => {
                let tasks = &stages[stage as usize];
                let chart = chart(tasks, split, step, columns);
                used.extend(chart.iter().flatten());
                let bar: String = chart.iter().map(|class| class.map_or(IDLE, character)).collect();
                let work = if step > 0.0 { 100.0 * busy(tasks) / step } else { 0.0 };
                format!("{:<label$} │{bar}│{work:>3.0} %", format!("stage {stage}"))
            }
        })
        .collect();
    lines.push(axis(scene, label + 2, columns));
    lines.extend(legend(used, label + 2, columns));
    lines
}

fn character(class: Class) -> char {
    match class {
        Class::Forward => '█',
        Class::Backward | Class::InputGradient => '▓',
        Class::WeightGradient => '▒',
        Class::Communication => '░',
        Class::Recompute => '▞',
        Class::Pair => '▚',
        Class::Optimizer => '■',
    }
}

/// What most of each column's time goes to; `None` where the stage stands still.
fn chart(tasks: &[&Placed], split: bool, step: f64, columns: usize) -> Vec<Option<Class>> {
    if step <= 0.0 {
        return vec![None; columns];
    }
    let span = step / columns as f64;
    let computed = shares(&turns(tasks, split), step, columns);
    let replicas = replicas(tasks, step, columns);
    let spans = computed.into_iter().zip(replicas).map(|(mut shares, replicas)| {
        let idle = (span - shares.iter().sum::<f64>()).max(0.0);
        let exposed = replicas.min(idle);
        shares[Class::Communication as usize] += exposed;
        let most = Class::ALL.into_iter().zip(shares).reduce(|most, next| if next.1 > most.1 { next } else { most });
        most.filter(|(_, time)| *time > 0.0 && *time >= idle - exposed).map(|(class, _)| class)
    });
    spans.collect()
}

/// Seconds of each column in which a stage talks to its replicas.
fn replicas(tasks: &[&Placed], step: f64, columns: usize) -> Vec<f64> {
    let span = step / columns as f64;
    let mut times = vec![0.0; columns];
    for placed in tasks.iter().filter(|placed| placed.task.kind.stream() == Stream::DataParallel) {
        let (start, end) = (placed.start.get(), placed.end().get());
        for (i, time) in times.iter_mut().enumerate().take((end / span) as usize + 1).skip((start / span) as usize) {
            *time += (end.min((i + 1) as f64 * span) - start.max(i as f64 * span)).max(0.0);
        }
    }
    times
}

/// Zero, the middle and the end of the step.
fn axis(scene: &Scene, indent: usize, columns: usize) -> String {
    let (middle, end) = ((scene.timeline.step * 0.5).to_string(), scene.timeline.step.to_string());
    let left = (columns / 2).saturating_sub(middle.chars().count() / 2 + 1);
    let line = format!("{}0{}{middle}", " ".repeat(indent), " ".repeat(left));
    let right = (indent + columns).saturating_sub(line.chars().count() + end.chars().count());
    format!("{line}{}{end}", " ".repeat(right.max(1)))
}

/// The characters that occur, as many as fit.
fn legend(mut used: Vec<Class>, indent: usize, columns: usize) -> Option<String> {
    used.sort_unstable();
    used.dedup();
    let entries: Vec<String> = used
        .into_iter()
        .map(|class| {
            let name = match class {
                Class::Communication => "communication",
                Class::Pair => "both overlapped",
                _ => class.name(),
            };
            format!("{} {name}", character(class))
        })
        .collect();
    let most = indent + columns + 6;
    let length = |entries: &[String]| entries.iter().map(|entry| entry.chars().count() + 2).sum::<usize>().saturating_sub(2);
    let fits = (0..=entries.len()).rev().find(|n| length(&entries[..*n]) <= most)?;
    let indent = indent.min(most - length(&entries[..fits]));
    (fits > 0).then(|| " ".repeat(indent) + &entries[..fits].join("  "))
}

#[cfg(test)]
mod tests {
    use super::super::scene::fake;
    use super::*;

    #[test]
    fn a_small_step_drawn_out() {
        let step = fake::interleaved(3, 1, 3);
        let lines = gantt_text(&step.scene(), 72);
        let expected = [
            "stage 0 │█████████              ▓▓▓▓▓▓   ▞▓▓▓▓▓    ▞▓▓▓▓▓░░░░░■■■■│ 56 %",
            "stage 1 │   ██████       ▞▓▓▓▓▓███▞▓▓▓▓▓▓   ▞▓▓▓▓▓▓░░░░░      ■■■■│ 56 %",
            "stage 2 │       ██▞▓▓▓▓▓▓██░▞▓▓▓▓▓ ██░▓▓▓▓▓▓░░░░░             ■■■■│ 56 %",
            "         0                        134 ms                    269 ms",
            "        █ forward  ▓ backward  ▞ recompute  ░ communication  ■ optimizer",
        ];
        assert_eq!(lines, expected, "{}", lines.join("\n"));
    }

    #[test]
    fn lines_fit_and_middle_stages_are_left_out() {
        for width in [40, 80, 97, 132] {
            for (p, v, m) in [(4, 1, 8), (8, 2, 16), (64, 1, 8)] {
                let step = fake::interleaved(p, v, m);
                let lines = gantt_text(&step.scene(), width);
                assert!(lines.iter().all(|line| line.chars().count() <= width), "{}", lines.join("\n"));
                assert_eq!(lines.len() as u32, if p > 8 { 9 } else { p } + 2);
                assert_eq!(lines, gantt_text(&fake::interleaved(p, v, m).scene(), width));
            }
        }
    }

    #[test]
    fn an_empty_step_is_idle() {
        let timeline = crate::step::graph::Timeline { step: crate::units::Seconds::ZERO, tasks: Vec::new() };
        let scene = Scene { title: "none", stages: 1, timeline: &timeline, memory: &[], capacity: &[] };
        assert_eq!(gantt_text(&scene, 0).len(), 2);
    }

    #[test]
    fn other_classes_have_their_characters() {
        let step = fake::put_off();
        let lines = gantt_text(&step.scene(), 75);
        let bar: String =
            [('█', 10), ('▚', 10), ('▓', 10), ('▒', 20), ('■', 10)].map(|(c, n)| c.to_string().repeat(n)).concat();
        assert_eq!(lines[0], format!("stage 0 │{bar}│100 %"));
    }
}
