//! Jobs, clusters of other sizes and failures as tables.

use super::super::Table;
use super::time;
use crate::fleet::{Answer, JobAnswer, Moment, Sized};
use crate::units::{Seconds, significant};

/// One row a job. With failures beside it, when it is done in half of the simulations and in nine of ten.
pub(super) fn jobs(answer: &Answer) -> Table {
    let mut headings = vec!["job", "queue", "GPUs", "submitted", "starts", "done", "waits"];
    let failures = answer.failures.as_ref();
    if failures.is_some() {
        headings.extend(["with failures", "9 of 10", "in time"]);
    }
    headings.extend(["deadline", "verdict"]);
    let mut table = Table::new(&headings, 2).with_remarks();
    for (i, job) in answer.jobs.iter().enumerate() {
        let maybe = |moment: Option<Moment>| moment.map_or_else(|| "-".to_owned(), time);
        let mut row = vec![
            job.name.clone(),
            job.queue.clone(),
            job.gpus.to_string(),
            time(job.arrival),
            maybe(job.start),
            maybe(job.finish),
            time(job.wait),
        ];
        if let Some(risk) = failures.and_then(|failures| failures.jobs.get(i)) {
            let at = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), |s| Seconds::new(s).to_string());
            row.push(at(risk.finish.map(|finish| finish.p50)));
            row.push(at(risk.finish.map(|finish| finish.p90)));
            row.push(format!("{:.0} %", risk.in_time * 100.0));
        }
        row.push(maybe(job.deadline));
        row.push(verdict(job));
        table.row(row);
    }
    table
}

/// What is to say of a job.
fn verdict(job: &JobAnswer) -> String {
    let mut said = Vec::new();
    match (job.finish, job.late, job.deadline) {
        (None, ..) => said.push("NEVER RUNS".to_owned()),
        (Some(_), Some(late), Some(deadline)) if job.earliest > deadline => {
            said.push(format!("LATE by {}, by {} on any cluster", time(late), time(job.earliest.since(deadline))));
        }
        (Some(_), Some(late), _) => said.push(format!("LATE by {}", time(late))),
        (Some(finish), None, Some(deadline)) => said.push(format!("{} to spare", time(deadline.since(finish)))),
        _ => {}
    }
    if job.preemptions > 0 {
        said.push(format!("stopped {} times", job.preemptions).replace("1 times", "once"));
    }
    said.join(", ")
}

/// One row a number of nodes.
pub(super) fn sizes(sizes: &[Sized]) -> Table {
    let mut headings = vec!["nodes", "deadlines missed", "mean wait", "all done", "utilisation", "all GPUs until then"];
    if sizes.iter().any(|size| size.all_in_time.is_some()) {
        headings.push("all met with failures");
    }
    let mut table = Table::new(&headings, 0);
    for size in sizes {
        let mut row = vec![
            size.nodes.to_string(),
            size.missed.to_string(),
            Seconds::new(size.wait).to_string(),
            time(size.end),
            format!("{:.1} %", size.utilisation * 100.0),
            size.cost.map_or_else(|| "-".to_owned(), |cost| cost.to_string()),
        ];
        row.extend(size.all_in_time.map(|share| format!("{:.0} %", share * 100.0)));
        table.row(row);
    }
    table
}

/// The schedule as Markdown.
#[must_use]
pub fn schedule_markdown(answer: &Answer) -> String {
    let mut table = Table::new(&["", "value"], 1);
    for (name, value) in super::text::facts(answer) {
        table.row([name.to_owned(), value]);
    }
    let mut out = format!("### {}\n\n{}\n{}", super::text::title(answer), table.markdown(), jobs(answer).markdown());
    if !answer.larger.is_empty() {
        out.push_str("\nMore nodes:\n\n");
        out += &sizes(&answer.larger).markdown();
    }
    out
}

/// The schedule as CSV: a row a job, in base units.
#[must_use]
pub fn schedule_csv(answer: &Answer) -> String {
    let mut headings =
        vec!["job", "queue", "gpus", "arrival_s", "start_s", "finish_s", "wait_s", "deadline_s", "late_s", "preemptions"];
    if answer.failures.is_some() {
        headings.extend(["finish_p5_s", "finish_p50_s", "finish_p90_s", "finish_p95_s", "in_time", "failures"]);
    }
    let mut table = Table::new(&headings, 2);
    let seconds = |moment: Option<Moment>| moment.map(|moment| moment.secs().to_string()).unwrap_or_default();
    for (i, job) in answer.jobs.iter().enumerate() {
        let mut row = vec![job.name.clone(), job.queue.clone(), job.gpus.to_string()];
        row.extend([Some(job.arrival), job.start, job.finish, Some(job.wait), job.deadline, job.late].map(seconds));
        row.push(job.preemptions.to_string());
        if let Some(risk) = answer.failures.as_ref().and_then(|failures| failures.jobs.get(i)) {
            let finish = risk.finish.map(|f| [f.p5, f.p50, f.p90, f.p95].map(|s| format!("{s:.0}")));
            row.extend(finish.unwrap_or_default());
            row.extend([risk.in_time, risk.failures].map(|number| significant(number, 4)));
        }
        table.row(row);
    }
    table.csv()
}
