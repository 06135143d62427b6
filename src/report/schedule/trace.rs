//! A schedule as a Chrome trace, for <https://ui.perfetto.dev>.
//!
//! | schedule | trace |
//! |---|---|
//! | queue | process |
//! | job | thread of its queue's process, in the order of the jobs |
//! | stretch that a job runs for | complete event (`X`); an hour of the schedule is a millisecond of the trace |
//! | GPUs in use, power | counter tracks of process 1 |

use super::super::trace::{micros, quoted};
use crate::fleet::{Answer, Job, Moment, Outcome, Segment};

/// Of time in the schedule to time in the trace: years are beyond what viewers are made for.
fn stamp(at: Moment) -> String {
    micros(nanos(at))
}

/// Milliseconds of the schedule over 3,600 are microseconds of the trace.
fn nanos(at: Moment) -> u64 {
    at.millis() * 1000 / 3600
}

/// From one stamp to the other: rounded apart, stretches that follow one another would overlap.
fn length(segment: &Segment) -> String {
    micros(nanos(segment.end) - nanos(segment.start))
}

/// The schedule as JSON, an event a line. The same schedule gives the same bytes.
#[must_use]
pub fn schedule_trace(answer: &Answer, jobs: &[Job], outcome: &Outcome) -> String {
    let pid = |job: &Job| job.queue + 2;
    let mut events = vec![r#"{"ph":"M","pid":1,"name":"process_name","args":{"name":"cluster"}}"#.to_owned()];
    for (queue, (name, _)) in answer.queues.iter().enumerate() {
        let name = quoted(&format!("queue {name}"));
        events.push(format!(r#"{{"ph":"M","pid":{},"name":"process_name","args":{{"name":{name}}}}}"#, queue + 2));
    }
    for (tid, job) in (1..).zip(jobs) {
        let name = quoted(&job.name);
        events.push(format!(r#"{{"ph":"M","pid":{},"tid":{tid},"name":"thread_name","args":{{"name":{name}}}}}"#, pid(job)));
    }
    for segment in &outcome.segments {
        let job = &jobs[segment.job as usize];
        events.push(format!(
            r#"{{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":{},"cat":"job","args":{{"gpus":{},"ended":{}}}}}"#,
            pid(job),
            segment.job + 1,
            stamp(segment.start),
            length(segment),
            quoted(&job.name),
            segment.allocation.gpus,
            quoted(ended(segment.ended)),
        ));
    }
    for stretch in &answer.course {
        let (ts, gpus, power) = (stamp(stretch.from), stretch.gpus, stretch.power.get() / 1000.0);
        events.push(format!(r#"{{"ph":"C","pid":1,"name":"GPUs in use","ts":{ts},"args":{{"GPUs":{gpus:.1}}}}}"#));
        events.push(format!(r#"{{"ph":"C","pid":1,"name":"power","ts":{ts},"args":{{"kW":{power:.1}}}}}"#));
    }
    format!(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"title\":{},\"scale\":\"1 ms is 1 h\",\"jobs\":{},\"end_us\":{}}},\n\"traceEvents\":[\n{}\n]}}\n",
        quoted(&super::text::title(answer)),
        jobs.len(),
        stamp(answer.end),
        events.join(",\n")
    )
}

fn ended(ended: crate::fleet::Ended) -> &'static str {
    match ended {
        crate::fleet::Ended::Done => "done",
        crate::fleet::Ended::Failed => "failed",
        crate::fleet::Ended::Preempted => "preempted",
        crate::fleet::Ended::Drained => "drained",
        crate::fleet::Ended::PowerCut => "power cut",
    }
}
