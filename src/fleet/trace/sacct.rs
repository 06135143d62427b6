//! What Slurm's accounting prints.

use std::sync::Arc;

use super::sheet::Sheet;
use super::{Trace, date};
use crate::diagnostic::{Code, Diagnostic, Source, quoted};
use crate::fleet::{Demand, Job, Moment};

/// Jobs of `sacct --allusers --parsable2 --format=JobID,JobName,Account,Submit,ElapsedRaw,Timelimit,AllocTRES,State`.
///
/// GPUs are read from `AllocTRES` (or `AllocGRES`, `ReqTRES`), the time from `ElapsedRaw` or `Elapsed`, what the scheduler is told of it from
/// `Timelimit`, the queue from `Account` or `Partition`, the priority from `Priority`. Steps of jobs, jobs that held no GPU and jobs that never
/// ran are left out.
///
/// # Errors
/// Columns that are missing, cells that cannot be read.
pub fn read_sacct(source: &Arc<Source>) -> Result<Trace, Vec<Diagnostic>> {
    let mut sheet = Sheet::new(source, b'|')?;
    let example = "`sacct --parsable2 --format=JobID,JobName,Account,Submit,ElapsedRaw,Timelimit,AllocTRES,State`";
    let id = sheet.needed(&["jobid", "jobidraw"], example);
    let submit = sheet.needed(&["submit", "eligible"], example);
    let elapsed = sheet.needed(&["elapsedraw", "elapsed"], example);
    let tres = sheet.needed(&["alloctres", "allocgres", "reqtres"], example);
    if !sheet.errors.is_empty() {
        return Err(sheet.errors.into_vec());
    }
    let (limit, limit_minutes) = (sheet.column(&["timelimit"]), sheet.column(&["timelimitraw"]));
    let account = sheet.column(&["account", "partition"]);
    let priority = sheet.column(&["priority"]);
    let mut trace = Trace::new(source);
    while sheet.advance() {
        let label = sheet.cell(id).unwrap_or_default().to_owned();
        let gpus = sheet.cell(tres).map_or(0, gpus_of);
        // `1234.batch` and `1234.0` are steps of job 1234.
        if label.contains('.') || gpus == 0 {
            trace.left_out += 1;
            continue;
        }
        let arrival = sheet.value(submit, "a date and time, such as `2025-03-01T12:30:00`", date::seconds);
        let time =
            sheet.value(elapsed, "a time, such as `3600` or `1-02:00:00`", |text| text.parse().ok().or(date::span(text)));
        let (Some(arrival), Some(time)) = (arrival, time) else { continue };
        if time == 0 {
            trace.left_out += 1;
            continue;
        }
        let told = sheet.maybe(limit, "a time, such as `1-02:00:00`, or `UNLIMITED`", |text| unless_open(text, date::span));
        let minutes =
            sheet.maybe(limit_minutes, "whole minutes, or `UNLIMITED`", |text| unless_open(text, |text| text.parse().ok()));
        let minutes: Option<u64> = minutes.flatten();
        let lane = account.and_then(|column| sheet.cell(column)).unwrap_or("all").to_owned();
        let job = Job {
            name: label,
            arrival: Moment::from_secs(arrival as u64),
            queue: trace.queue(&lane),
            priority: sheet.maybe(priority, "a whole number", priority_of).unwrap_or(0),
            demand: Demand::of(gpus),
            work: Moment::from_secs(time),
            // A limit below the time that it ran for was raised meanwhile.
            limit: told.flatten().or(minutes.map(|minutes| minutes * 60)).map(|told| Moment::from_secs(told.max(time))),
            ..Job::default()
        };
        trace.places.push(sheet.place(tres));
        trace.jobs.push(job);
    }
    if !sheet.errors.is_empty() {
        return Err(sheet.errors.into_vec());
    }
    if trace.jobs.is_empty() {
        let message = format!("{} has no job that held a GPU", quoted(source.name()));
        let error = Diagnostic::error(Code::TraceCell, message).at(source, source.line(1), "");
        return Err(vec![error.help("GPUs are read from `gres/gpu=8` in `AllocTRES`")]);
    }
    Ok(trace.in_order())
}

/// What `read` makes of a limit; nothing inside where Slurm says that there is none.
#[expect(clippy::option_option, reason = "no limit that can be read, or none at all")]
fn unless_open(text: &str, read: impl Fn(&str) -> Option<u64>) -> Option<Option<u64>> {
    let open = ["UNLIMITED", "Partition_Limit", "INVALID"].iter().any(|word| word.eq_ignore_ascii_case(text));
    if open { Some(None) } else { read(text).map(Some) }
}

/// Slurm's priorities reach 2^32: what is larger than ours can be is as high as ours can be.
fn priority_of(text: &str) -> Option<i32> {
    text.parse::<i64>().ok().map(|priority| priority.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
}

/// GPUs of `billing=8,cpu=64,gres/gpu:h100=8,gres/gpu=8,mem=512G,node=1`: the total where it is, else of all kinds together.
fn gpus_of(tres: &str) -> u32 {
    let counts = || tres.split(',').filter_map(|part| part.trim().split_once('='));
    let total = counts().find(|(name, _)| *name == "gres/gpu").and_then(|(_, count)| count.parse().ok());
    total.unwrap_or_else(|| {
        let kinds = counts().filter(|(name, _)| name.starts_with("gres/gpu:"));
        kinds.filter_map(|(_, count)| count.parse::<u32>().ok()).fold(0, u32::saturating_add)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_without_steps() {
        let text = "JobID|JobName|Account|Submit|Elapsed|Timelimit|AllocTRES|State\n\
                    12|train|nlp|2025-03-01T12:00:10|1-00:00:00|2-00:00:00|billing=8,gres/gpu:h100=16,gres/gpu=16,node=2|COMPLETED\n\
                    12.batch|batch|nlp|2025-03-01T12:00:10|1-00:00:00||cpu=8,gres/gpu=16|COMPLETED\n\
                    11|eval|vision|2025-03-01T12:00:00|00:10:00|UNLIMITED|gres/gpu:a100=1,gres/gpu:h100=2|FAILED\n\
                    13|cpu|nlp|2025-03-01T12:00:20|00:10:00|01:00:00|cpu=4|COMPLETED\n";
        let trace = read_sacct(&Source::new("sacct.txt", text)).unwrap();
        assert_eq!((trace.jobs.len(), trace.left_out), (2, 2));
        let [eval, train] = trace.jobs.as_slice() else { panic!("two jobs") };
        assert_eq!((eval.name.as_str(), eval.arrival, eval.demand.most, eval.limit), ("11", Moment::ZERO, 3, None));
        assert_eq!((train.arrival, train.work), (Moment::from_secs(10), Moment::from_secs(86_400)));
        assert_eq!((train.demand.most, train.limit), (16, Some(Moment::from_secs(172_800))));
        assert_eq!(trace.queues, ["nlp", "vision"]);
    }

    #[test]
    fn a_cell_that_cannot_be_read_is_pointed_at() {
        let text = "JobID|Submit|Elapsed|AllocTRES\n1|yesterday|01:00:00|gres/gpu=1\n";
        let errors = read_sacct(&Source::new("sacct.txt", text)).unwrap_err();
        let place = errors[0].place().unwrap();
        assert_eq!(place.source.line_column(place.span.start), (2, 3));
        assert!(errors[0].message.contains("`yesterday`"));
    }
}
