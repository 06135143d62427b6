//! Traces as CSV.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Trace;
use super::sheet::Sheet;
use crate::diagnostic::{Code, Diagnostic, Source, quoted};
use crate::fleet::{Demand, Job, Moment};
use crate::units::Seconds;

/// Longest time in a trace, in seconds: a thousand years.
const LONGEST: f64 = 3.2e10;

/// How a time is asked for.
const TIME: &str = "a time, such as `3600` seconds or `1 h`";

/// Seconds as a number, or a time with its unit.
fn time(text: &str) -> Option<Moment> {
    let seconds = text.parse::<f64>().ok().or_else(|| text.parse::<Seconds>().ok().map(Seconds::get))?;
    (seconds.is_finite() && (0.0..=LONGEST).contains(&seconds)).then(|| Moment::from(Seconds::new(seconds)))
}

/// Jobs of a table with the columns `submit`, `duration` and `gpus`, by these or the names of published traces.
///
/// Further columns are read where they are there: `name`, `queue`, `priority`, `deadline` (from the start of the trace), `limit` (what the
/// scheduler is told of the duration), `preemptible` and `after` (names, with semicolons between). Jobs are put in order of submission,
/// rows of one instant in the order of the table, and time begins with the first. Jobs of no GPU are left out.
///
/// # Errors
/// Columns that are missing, cells that cannot be read, jobs that are not there.
pub fn read_csv(source: &Arc<Source>) -> Result<Trace, Vec<Diagnostic>> {
    let mut sheet = Sheet::new(source, b',')?;
    let example = "`submit,duration,gpus`";
    let submit = sheet.needed(&["submit", "submit_s", "submit_time", "arrival", "timestamp"], example);
    let duration = sheet.needed(&["duration", "duration_s", "run_time", "runtime"], example);
    let gpus = sheet.needed(&["gpus", "num_gpus", "num_gpu", "n_gpus"], example);
    if !sheet.errors.is_empty() {
        return Err(sheet.errors.into_vec());
    }
    let name = sheet.column(&["name", "job", "job_id", "id"]);
    let queue = sheet.column(&["queue", "vc", "user", "group"]);
    let (priority, preemptible) = (sheet.column(&["priority"]), sheet.column(&["preemptible"]));
    let (deadline, limit) = (sheet.column(&["deadline", "deadline_s"]), sheet.column(&["limit", "limit_s", "time_limit"]));
    let after = sheet.column(&["after", "dependency"]);
    let mut trace = Trace::default();
    let mut befores: Vec<Vec<String>> = Vec::new();
    while sheet.advance() {
        let arrival = sheet.value(submit, TIME, time);
        let work = sheet.value(duration, TIME, time);
        let count = sheet.value(gpus, "a number of GPUs", |text| text.parse::<u32>().ok());
        let (Some(arrival), Some(work), Some(count)) = (arrival, work, count) else { continue };
        if count == 0 {
            trace.left_out += 1;
            continue;
        }
        let row = trace.jobs.len() + trace.left_out;
        let label = name.and_then(|column| sheet.cell(column)).map_or_else(|| row.to_string(), str::to_owned);
        let lane = queue.and_then(|column| sheet.cell(column)).unwrap_or("all").to_owned();
        befores.push(after.and_then(|column| sheet.cell(column)).map_or_else(Vec::new, |text| {
            text.split(';').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        }));
        let job = Job {
            name: label,
            arrival,
            queue: trace.queue(&lane),
            priority: sheet.maybe(priority, "a whole number", |text| text.parse().ok()).unwrap_or(0),
            deadline: sheet.maybe(deadline, TIME, time),
            demand: Demand::of(count),
            work,
            limit: sheet.maybe(limit, TIME, time),
            preemptible: sheet.maybe(preemptible, "`true` or `false`", |text| text.parse().ok()).unwrap_or(false),
            ..Job::default()
        };
        trace.jobs.push(job);
    }
    if sheet.errors.is_empty() && trace.jobs.is_empty() {
        let error = Diagnostic::error(Code::TraceCell, format!("{} has no jobs that hold a GPU", quoted(source.name())));
        return Err(vec![error.help("each row under the heading is a job")]);
    }
    if after.is_some() {
        resolve(source, &mut sheet, &mut trace, &befores);
    }
    if !sheet.errors.is_empty() {
        return Err(sheet.errors.into_vec());
    }
    Ok(in_order(trace))
}

/// Names of jobs that come before, as places.
fn resolve(source: &Source, sheet: &mut Sheet<'_>, trace: &mut Trace, befores: &[Vec<String>]) {
    let places: BTreeMap<String, u32> =
        (0..).zip(&trace.jobs).map(|(place, job): (u32, _)| (job.name.clone(), place)).collect();
    for (job, names) in trace.jobs.iter_mut().zip(befores) {
        for name in names {
            match places.get(name) {
                Some(place) => job.after.push(*place),
                None => sheet.errors.add(|| {
                    let message =
                        format!("{} comes after {}, which is not in {}", quoted(&job.name), quoted(name), source.name());
                    Diagnostic::error(Code::UnknownJob, message).help("name jobs as the column of names does")
                }),
            }
        }
    }
}

/// Jobs by their arrival, the first at the start of time.
pub(super) fn in_order(trace: Trace) -> Trace {
    let Trace { jobs, queues, left_out } = trace;
    let start = jobs.iter().map(|job| job.arrival).min().unwrap_or_default();
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|place| jobs[*place].arrival);
    let mut place = vec![0; jobs.len()];
    for (new, old) in order.iter().enumerate() {
        place[*old] = new as u32;
    }
    let mut numbered: Vec<(u32, Job)> = place.iter().copied().zip(jobs).collect();
    numbered.sort_by_key(|(new, _)| *new);
    let jobs = numbered.into_iter().map(|(_, mut job)| {
        job.arrival = job.arrival.since(start);
        job.deadline = job.deadline.map(|deadline| deadline.since(start));
        job.after.iter_mut().for_each(|before| *before = place[*before as usize]);
        job
    });
    Trace { jobs: jobs.collect(), queues, left_out }
}
