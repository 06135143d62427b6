//! Traces as CSV.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Trace;
use super::sheet::{Cell, Sheet};
use crate::diagnostic::{Code, Diagnostic, Source, nearest, quoted};
use crate::fleet::{Dag, Demand, Job, Moment};
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
    let mut trace = Trace::new(source);
    // Where each job is named, and whom it comes after.
    let (mut names, mut befores): (Vec<Cell>, Vec<Cell>) = (Vec::new(), Vec::new());
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
        if let Some(after) = after {
            names.push(Cell { text: label.clone(), ..sheet.kept(name.unwrap_or(gpus)) });
            befores.push(sheet.kept(after));
        }
        trace.places.push(sheet.place(gpus));
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
        let message = format!("{} has no job that held a GPU", quoted(source.name()));
        let error = Diagnostic::error(Code::TraceCell, message).at(source, source.line(1), "");
        return Err(vec![error.help("each row under the heading is a job")]);
    }
    resolve(source, &mut sheet, &mut trace, (&names, &befores));
    if !sheet.errors.is_empty() {
        return Err(sheet.errors.into_vec());
    }
    Ok(trace.in_order())
}

/// Names of jobs that come before, as places. Where jobs name each other, no two have one name and none waits for itself.
fn resolve(source: &Arc<Source>, sheet: &mut Sheet<'_>, trace: &mut Trace, (names, befores): (&[Cell], &[Cell])) {
    let mut places: BTreeMap<&str, u32> = BTreeMap::new();
    let at = |code, message: String, cell: &Cell| Diagnostic::error(code, message).at(source, cell.span.clone(), "");
    for (place, name) in (0..).zip(names) {
        if let Some(first) = places.insert(&name.text, place) {
            let error = at(Code::DuplicateName, format!("two jobs are called {}", quoted(&name.text)), name);
            let error = error.also(source, names[first as usize].span.clone(), "the first");
            sheet.errors.add(|| error.help("give each job its own name where jobs come after others"));
        }
    }
    for (job, before) in trace.jobs.iter_mut().zip(befores) {
        for name in before.text.split(';').map(str::trim).filter(|name| !name.is_empty()) {
            match places.get(name) {
                Some(place) => job.after.push(*place),
                None => sheet.errors.add(|| {
                    let error = at(Code::UnknownJob, format!("no job is called {}", quoted(name)), before);
                    match nearest(name, places.keys().copied()) {
                        Some(near) => error.help(format!("did you mean {}?", quoted(near))),
                        None => error.help("name jobs as the column of names does, several with `;` between"),
                    }
                }),
            }
        }
    }
    if befores.is_empty() {
        return;
    }
    if let Err(job) = Dag::new(&trace.jobs) {
        let message = format!("job {} waits for itself, by way of those it comes after", quoted(&names[job as usize].text));
        let error = at(Code::DependencyCycle, message, &befores[job as usize]);
        sheet.errors.add(|| error.help("take one of the names out"));
    }
}
