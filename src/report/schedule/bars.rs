//! A schedule in characters: a line a job, time to the right.

use crate::fleet::{Answer, Ended, Moment, Outcome};

/// Characters that a level is drawn with.
const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A line for each job: `·` waits, `█` runs, `x` stopped by a failure, `<` stopped for others, `|` its deadline.
pub(super) fn gantt(answer: &Answer, outcome: &Outcome, columns: usize) -> Vec<(String, String)> {
    let end = answer.end.millis().max(1);
    let column = |at: Moment| ((at.millis() as f64 / end as f64 * columns as f64) as usize).min(columns - 1);
    let mut lines: Vec<Vec<char>> = vec![vec![' '; columns]; answer.jobs.len()];
    for ((line, job), record) in lines.iter_mut().zip(&answer.jobs).zip(&outcome.records) {
        let Some(ready) = record.ready else { continue };
        line[column(ready)..=column(job.finish.unwrap_or(answer.end))].fill('·');
    }
    for segment in &outcome.segments {
        let line = &mut lines[segment.job as usize];
        let until = column(segment.end);
        // A stretch of any length is seen.
        line[column(segment.start)..=until].fill('█');
        match segment.ended {
            Ended::Done => {}
            Ended::Failed => line[until] = 'x',
            Ended::Preempted | Ended::Drained | Ended::PowerCut => line[until] = '<',
        }
    }
    for (line, job) in lines.iter_mut().zip(&answer.jobs) {
        if let Some(deadline) = job.deadline.filter(|deadline| *deadline <= answer.end) {
            line[column(deadline)] = '|';
        }
    }
    let text = |line: Vec<char>| line.into_iter().collect::<String>().trim_end().to_owned();
    answer.jobs.iter().map(|job| job.name.clone()).zip(lines.into_iter().map(text)).collect()
}

/// A line of levels, each the share of `most` in the mean of its part of the course.
pub(super) fn levels(values: &[f64], most: f64, columns: usize) -> String {
    (0..columns.min(values.len()))
        .map(|column| {
            let (from, until) = (column * values.len() / columns, ((column + 1) * values.len() / columns).max(column + 1));
            let part = &values[from.min(values.len() - 1)..until.min(values.len())];
            let mean = part.iter().sum::<f64>() / part.len().max(1) as f64;
            LEVELS[(mean / most.max(1e-9) * 8.0).round().clamp(0.0, 8.0) as usize]
        })
        .collect()
}
