//! A step as a Chrome trace, for <https://ui.perfetto.dev> or `chrome://tracing`.
//!
//! How concepts map:
//!
//! | step | trace |
//! |---|---|
//! | stage | process named `stage 3`; its `pid` is the stage plus one, because process 0 is the idle task to Perfetto |
//! | stream | thread of the process, named `compute`, `send forward`, `send backward`, `data parallel` |
//! | task | complete event (`X`), `ts` and `dur` in microseconds; its category is the kind of the task |
//! | microbatch, chunk, slack, critical path | `args` of the event |
//! | memory of a stage | counter track `memory`, in GiB |
//! | what a pass waits for | flow arrow from a transfer to the first task of the pass that receives it |
//!
//! Names begin with what a task does, `F 3`, `B 3`, `W 3`, `R 3`, because Perfetto colours by a name without its digits. The
//! receiver of a transfer is read off the timeline: the same microbatch's pass in the same direction that starts next on
//! another stage. Tasks that take no time are left out. Times are whole nanoseconds, so that neighbours still touch and never
//! overlap. Format: *Trace Event Format*, object form.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::scene::{Scene, by_stage, passes, short};
use crate::step::graph::{Placed, Stream, TaskKind};
use crate::units::Seconds;

const STREAMS: [(Stream, &str); 4] = [
    (Stream::Compute, "compute"),
    (Stream::SendForward, "send forward"),
    (Stream::SendBackward, "send backward"),
    (Stream::DataParallel, "data parallel"),
];

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// The step as JSON, an event a line. The same step gives the same bytes.
#[must_use]
pub fn chrome_trace(scene: &Scene) -> String {
    let mut stages = by_stage(scene);
    for tasks in &mut stages {
        tasks.retain(|placed| nanoseconds(placed.end()) > nanoseconds(placed.start));
        tasks.sort_by_key(|placed| (placed.task.kind.stream(), nanoseconds(placed.start)));
    }
    let mut events = Vec::new();
    for (stage, tasks) in (0..).zip(&stages) {
        names(&mut events, stage, tasks);
    }
    for placed in stages.iter().flatten() {
        events.push(task(placed));
    }
    arrows(&mut events, &stages);
    for (stage, changes) in (0..scene.stages).zip(scene.memory) {
        for (time, bytes) in changes {
            events.push(format!(
                r#"{{"ph":"C","pid":{},"name":"memory","ts":{},"args":{{"GiB":{:.6}}}}}"#,
                pid(stage),
                micros(nanoseconds(*time)),
                bytes.get() / GIB
            ));
        }
    }
    // A number, or over two pools a list.
    let all: Vec<String> = scene.capacities().iter().map(|capacity| format!("{:.6}", capacity.get() / GIB)).collect();
    let capacity = if let [one] = all.as_slice() { one.clone() } else { format!("[{}]", all.join(",")) };
    format!(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"title\":{},\"stages\":{},\"step_us\":{},\"capacity_GiB\":{}}},\n\
         \"traceEvents\":[\n{}\n]}}\n",
        quoted(scene.title),
        scene.stages,
        micros(nanoseconds(scene.timeline.step)),
        capacity,
        events.join(",\n")
    )
}

fn pid(stage: u32) -> u32 {
    stage + 1
}

/// Thread ids differ over all processes, and from the id of their own.
fn tid(stage: u32, stream: Stream) -> u32 {
    pid(stage) * 10 + STREAMS.iter().position(|(other, _)| *other == stream).unwrap_or(0) as u32 + 1
}

fn nanoseconds(time: Seconds) -> u64 {
    (time.get() * 1e9).round() as u64
}

/// Nanoseconds as microseconds, exactly.
pub(super) fn micros(nanoseconds: u64) -> String {
    let text = format!("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Names of a stage and of the streams that it uses.
fn names(events: &mut Vec<String>, stage: u32, tasks: &[&Placed]) {
    let pid = pid(stage);
    events.push(format!(r#"{{"ph":"M","pid":{pid},"name":"process_name","args":{{"name":"stage {stage}"}}}}"#));
    events.push(format!(r#"{{"ph":"M","pid":{pid},"name":"process_sort_index","args":{{"sort_index":{stage}}}}}"#));
    for (i, (stream, name)) in STREAMS.iter().enumerate() {
        if tasks.iter().any(|placed| placed.task.kind.stream() == *stream) {
            let tid = tid(stage, *stream);
            events.push(format!(r#"{{"ph":"M","pid":{pid},"tid":{tid},"name":"thread_name","args":{{"name":"{name}"}}}}"#));
            events.push(format!(
                r#"{{"ph":"M","pid":{pid},"tid":{tid},"name":"thread_sort_index","args":{{"sort_index":{i}}}}}"#
            ));
        }
    }
}

fn task(placed: &Placed) -> String {
    let task = &placed.task;
    let (start, end) = (nanoseconds(placed.start), nanoseconds(placed.end()));
    let mut event = format!(
        r#"{{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":{},"cat":{},"args":{{"microbatch":{},"chunk":{}"#,
        pid(task.stage),
        tid(task.stage, task.kind.stream()),
        micros(start),
        micros(end - start),
        quoted(&short(task)),
        quoted(task.kind.as_str()),
        task.microbatch,
        task.chunk,
    );
    if let Some((chunk, microbatch)) = task.beside {
        let _ = write!(event, r#","beside_microbatch":{microbatch},"beside_chunk":{chunk}"#);
    }
    let _ = write!(event, r#","slack_us":{},"critical":{}}}}}"#, micros(nanoseconds(placed.slack)), placed.critical);
    event
}

/// Arrows from transfers to the passes that wait for them.
fn arrows(events: &mut Vec<String>, stages: &[Vec<&Placed>]) {
    // Start of every task of a pass, by direction and microbatch.
    let mut starts: BTreeMap<(bool, u32), Vec<(u64, u32)>> = BTreeMap::new();
    for placed in stages.iter().flatten() {
        for pass in passes(&placed.task) {
            starts.entry(pass).or_default().push((nanoseconds(placed.start), placed.task.stage));
        }
    }
    for starts in starts.values_mut() {
        starts.sort_unstable();
    }
    let mut id = 0;
    for placed in stages.iter().flatten() {
        let task = &placed.task;
        let (forward, name) = match task.kind {
            TaskKind::SendForward => (true, "activations"),
            TaskKind::SendBackward => (false, "gradients"),
            _ => continue,
        };
        let Some(starts) = starts.get(&(forward, task.microbatch)) else { continue };
        let end = nanoseconds(placed.end());
        let from = starts.partition_point(|(start, _)| *start < end);
        let Some((start, stage)) = starts[from..].iter().find(|(_, stage)| *stage != task.stage) else { continue };
        id += 1;
        let event = |phase: &str, stage: u32, stream: Stream, at: u64| {
            let (pid, tid) = (pid(stage), tid(stage, stream));
            let ts = micros(at);
            format!(r#"{{"ph":{phase},"id":{id},"pid":{pid},"tid":{tid},"ts":{ts},"name":"{name}","cat":"transfer"}}"#)
        };
        // An arrow leaves from the event that encloses its time: a nanosecond before the end is inside.
        events.push(event(r#""s""#, task.stage, task.kind.stream(), end - 1));
        events.push(event(r#""f","bp":"e""#, *stage, Stream::Compute, *start));
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::fake;
    use super::*;

    fn events(json: &Value, phase: &str) -> Vec<Value> {
        json["traceEvents"].as_array().unwrap().iter().filter(|event| event["ph"] == phase).cloned().collect()
    }

    #[test]
    fn durations_add_up_and_boxes_do_not_overlap() {
        for (p, v, m) in [(1, 1, 2), (4, 1, 8), (4, 2, 8)] {
            let step = fake::interleaved(p, v, m);
            let json: Value = serde_json::from_str(&chrome_trace(&step.scene())).unwrap();
            let boxes = events(&json, "X");
            let all: f64 = boxes.iter().map(|event| event["dur"].as_f64().unwrap()).sum();
            let expected: f64 = step.timeline.tasks.iter().map(|placed| placed.task.duration.get() * 1e6).sum();
            assert!((all - expected).abs() < 1e-3 * boxes.len() as f64, "{all} {expected}");
            let mut last = BTreeMap::new();
            for event in boxes {
                let start = event["ts"].as_f64().unwrap();
                let thread = event["tid"].as_u64().unwrap();
                let before = last.insert(thread, start + event["dur"].as_f64().unwrap()).unwrap_or(0.0);
                assert!(start >= before - 1e-6, "{event} starts before {before}");
            }
        }
    }

    #[test]
    fn arrows_go_forward_in_time_to_the_next_stage() {
        let step = fake::interleaved(4, 2, 8);
        let json: Value = serde_json::from_str(&chrome_trace(&step.scene())).unwrap();
        let (from, to) = (events(&json, "s"), events(&json, "f"));
        let sends = events(&json, "X").iter().filter(|event| event["name"].as_str().unwrap().starts_with("send")).count();
        assert_eq!(from.len(), sends);
        // Every slice but the last sends forward, every one but the first backward.
        assert_eq!(sends, 2 * (4 * 2 - 1) * 8);
        for (s, f) in from.iter().zip(&to) {
            assert_eq!(s["id"], f["id"]);
            assert!(s["ts"].as_f64() < f["ts"].as_f64());
            let (a, b) = (s["pid"].as_u64().unwrap() - 1, f["pid"].as_u64().unwrap() - 1);
            let forward = s["name"] == "activations";
            assert_eq!(if forward { (a + 1) % 4 } else { (a + 3) % 4 }, b);
        }
    }

    #[test]
    fn text_is_escaped_and_a_pair_names_both() {
        let step = fake::put_off();
        let text = chrome_trace(&step.scene());
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["otherData"]["title"], "\"a\" < b & c");
        assert!(text.contains(r#""name":"F 1 + B 0""#));
        assert_eq!(text, chrome_trace(&fake::put_off().scene()));
    }

    #[test]
    fn a_counter_follows_the_memory() {
        let step = fake::interleaved(2, 1, 4);
        let json: Value = serde_json::from_str(&chrome_trace(&step.scene())).unwrap();
        let counters = events(&json, "C");
        assert_eq!(counters.len(), step.memory.iter().map(Vec::len).sum::<usize>());
        assert_eq!(counters[0]["args"]["GiB"], 20.0);
    }
}
