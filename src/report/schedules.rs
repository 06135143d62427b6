//! The schedules of a job side by side, and what one step's timeline tells of its stages.

use std::fmt::Write as _;

use super::Table;
use crate::plan::Course;
use crate::plan::study::{Jitter, ScheduleRow};
use crate::step::timeline::StageTimeline;
use crate::units::Seconds;

/// Kinds of task of a critical path that are named.
const MOST_PARTS: usize = 4;

/// Step time, bubble and memory of each schedule, the fastest first; why not, for those that cannot.
#[must_use]
pub fn schedules_table(rows: &[ScheduleRow]) -> Table {
    let mut table =
        Table::new(&["schedule", "step time", "bubble", "share", "memory", "fits", "slower by", "why not"], 1).with_remarks();
    let best =
        rows.iter().filter_map(|row| row.outcome.as_ref().ok()).filter(|o| o.fits).map(|o| o.step_time).reduce(Seconds::min);
    for row in rows {
        let cells = match &row.outcome {
            Ok(outcome) => {
                let slower = best.map_or(0.0, |best| outcome.step_time / best - 1.0);
                [
                    outcome.step_time.to_string(),
                    outcome.bubble.to_string(),
                    format!("{:.1} %", outcome.bubble / outcome.step_time * 100.0),
                    format!("{:#}", outcome.memory),
                    if outcome.fits { "yes" } else { "no" }.to_owned(),
                    format!("{:+.1} %", slower * 100.0),
                    String::new(),
                ]
            }
            Err(reason) => {
                let none = || "-".to_owned();
                [none(), none(), none(), none(), none(), none(), reason.clone()]
            }
        };
        let name = if row.strategy.vp > 1 {
            format!("{} vp {}", row.schedule.as_str(), row.strategy.vp)
        } else {
            row.schedule.as_str().into()
        };
        table.row(std::iter::once(name).chain(cells));
    }
    table
}

/// What a slow stage costs, in a sentence.
#[must_use]
pub fn slow_stage(stage: u32, factor: f64, slow: Seconds, usual: Seconds) -> String {
    format!(
        "With stage {stage} computing {factor} times as long a step takes {slow}, {:+.1} %.\n",
        (slow / usual - 1.0) * 100.0
    )
}

/// Busy and idle time, exposed communication, memory and its time, slack: stage by stage.
#[must_use]
pub fn stages_table(stages: &[StageTimeline]) -> Table {
    let kinds: Vec<&str> = stages.first().map_or_else(Vec::new, |stage| stage.exposed.iter().map(|(kind, _)| *kind).collect());
    let shown: Vec<usize> = (0..kinds.len()).filter(|i| stages.iter().any(|stage| stage.exposed[*i].1.get() > 0.0)).collect();
    let mut headings = vec!["stage", "busy", "idle"];
    headings.extend(shown.iter().map(|i| kinds[*i]));
    headings.extend(["peak memory", "at", "critical", "least slack"]);
    let mut table = Table::new(&headings, 1);
    for stage in stages {
        let mut cells = vec![stage.stage.to_string(), stage.busy.to_string(), stage.idle.to_string()];
        cells.extend(shown.iter().map(|i| stage.exposed[*i].1.to_string()));
        cells.extend([
            format!("{:#}", stage.peak_memory),
            stage.peak_at.to_string(),
            stage.critical.to_string(),
            stage.least_slack.to_string(),
        ]);
        table.row(cells);
    }
    table
}

/// What makes the step, in a line.
#[must_use]
pub fn critical_path(parts: &[(&'static str, Seconds)]) -> String {
    let parts: Vec<String> = parts.iter().map(|(name, time)| format!("{name} {time}")).collect();
    format!("Critical path: {}.\n", parts.join(", "))
}

/// What the critical path is made of and where it lies, and when memory peaks.
pub(super) fn course_in_words(course: &Course, step: Seconds) -> String {
    let share = |time: Seconds| format!("{:.0} %", time / step * 100.0);
    let parts: Vec<String> =
        course.critical_path.iter().take(MOST_PARTS).map(|(name, time)| format!("{name} {}", share(*time))).collect();
    let mut words = format!("Critical path: {}", parts.join(", "));
    let longest = course.stages.iter().reduce(|a, b| if b.critical > a.critical { b } else { a });
    let fullest = course.stages.iter().reduce(|a, b| if b.peak_memory > a.peak_memory { b } else { a });
    if let Some(stage) = longest {
        // Writing to a string does not fail.
        let _ = write!(words, "; {} of it on stage {}", share(stage.critical), stage.stage);
    }
    if let Some(stage) = fullest {
        let _ = write!(words, ". Stage {} is fullest, {} into the step", stage.stage, stage.peak_at);
    }
    words + "."
}

/// What varying times do to a step, in a line.
#[must_use]
pub fn jitter(jitter: &Jitter) -> String {
    let [p5, p50, p95, p99] = jitter.percentiles;
    format!(
        "With turns that vary by {:.1} % ({} steps, seed {}): mean {}, 5th percentile {p5}, median {p50}, 95th {p95}, 99th {p99}.\n",
        jitter.sigma * 100.0,
        jitter.samples,
        jitter.seed,
        jitter.mean
    )
}
