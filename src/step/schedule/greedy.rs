//! Orders found by running the step: whenever a stage is free it takes the most urgent turn that is ready, within a memory limit.
//!
//! Input gradients come first, because the stage before waits for them; then forward passes, while there is room; and weight
//! gradients, which no one waits for, fill what is left. Events are taken in the order of time, so the work is linear in the
//! number of turns, up to the logarithm of the number of stages.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::timing::{Ends, Span, duration, next_stage};
use super::{Times, Turn, Work};

/// The choices of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// Forward passes that a stage may be ahead of its input gradients, for every stage from its own to the last one.
    pub(super) ahead: f64,
    /// Whether a weight gradient may start although something more urgent will be ready before it ends.
    pub(super) eager: bool,
}

/// The order of every stage that a policy leads to, and how long it takes.
pub(super) fn run(stages: u32, microbatches: u32, limit: u32, times: &Times, policy: Policy) -> (Vec<Vec<Turn>>, Span) {
    let device = |stage| Device {
        ahead: (policy.ahead * f64::from(stages - stage)).ceil().max(1.0) as u32,
        turns: Vec::with_capacity(3 * microbatches as usize),
        ..Device::default()
    };
    let mut run = Run {
        stages,
        microbatches,
        limit,
        times: *times,
        eager: policy.eager,
        ends: Ends::new(stages, microbatches, times),
        devices: (0..stages).map(device).collect(),
        queue: (0..stages).map(|stage| Reverse((Time(0.0), stage))).collect(),
        alike: 1e-9 * times.work(),
    };
    while let Some(Reverse((Time(now), stage))) = run.queue.pop() {
        // A stage that was woken earlier than it had asked for leaves its old entry behind.
        if run.devices[stage as usize].wake == now {
            match run.choose(stage, now) {
                Choice::Run(work) => run.start(stage, now, work),
                Choice::Wait(until) => run.wake(stage, until),
            }
        }
    }
    let span = Span::of(run.devices.iter().map(|device| (device.began.unwrap_or(0.0), device.free)));
    (run.devices.into_iter().map(|device| device.turns).collect(), span)
}

/// A point in time, which can be sorted.
#[derive(Debug, Clone, Copy)]
struct Time(f64);

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Time {}

/// One stage. Microbatches go through in their order, so that a number says how far each kind of turn is.
#[derive(Debug, Default)]
struct Device {
    forward: u32,
    input_gradient: u32,
    weight_gradient: u32,
    /// Most forward passes ahead of input gradients.
    ahead: u32,
    turns: Vec<Turn>,
    began: Option<f64>,
    free: f64,
    wake: f64,
}

/// What a stage does next.
enum Choice {
    Run(Work),
    Wait(f64),
}

struct Run {
    stages: u32,
    microbatches: u32,
    limit: u32,
    times: Times,
    eager: bool,
    ends: Ends,
    devices: Vec<Device>,
    queue: BinaryHeap<Reverse<(Time, u32)>>,
    /// Times closer than this are the same.
    alike: f64,
}

impl Run {
    fn choose(&self, stage: u32, now: f64) -> Choice {
        let device = &self.devices[stage as usize];
        let soon = now + self.alike;
        let ready = |work, microbatch, is_there: bool| {
            if is_there { self.ends.ready(work, stage, microbatch) } else { f64::INFINITY }
        };
        let backward = ready(Work::InputGradient, device.input_gradient, device.input_gradient < device.forward);
        if backward <= soon {
            return Choice::Run(Work::InputGradient);
        }
        let forward = ready(Work::Forward, device.forward, device.forward < self.microbatches);
        let room = device.forward - device.weight_gradient < self.limit;
        let allowed = room && device.forward - device.input_gradient < device.ahead;
        if allowed && forward <= soon {
            return Choice::Run(Work::Forward);
        }
        let next = if allowed { backward.min(forward) } else { backward };
        let crowded = !room && forward <= soon;
        let fits = self.eager || crowded || now + self.times.weight_gradient <= next + self.alike;
        if device.weight_gradient < device.input_gradient && fits {
            return Choice::Run(Work::WeightGradient);
        }
        Choice::Wait(next)
    }

    fn start(&mut self, stage: u32, now: f64, work: Work) {
        let end = now + duration(work, &self.times);
        let device = &mut self.devices[stage as usize];
        let count = match work {
            Work::Forward => &mut device.forward,
            Work::Backward | Work::InputGradient => &mut device.input_gradient,
            Work::WeightGradient => &mut device.weight_gradient,
        };
        let microbatch = *count;
        *count += 1;
        device.turns.push(Turn::new(work, 0, microbatch));
        device.began.get_or_insert(now);
        device.free = end;
        self.ends.set(work, stage, microbatch, end);
        self.wake(stage, end);
        if let Some(next) = next_stage(work, stage, self.stages) {
            let device = &self.devices[next as usize];
            let arrival = device.free.max(end + self.times.transfer);
            if arrival < device.wake {
                self.wake(next, arrival);
            }
        }
    }

    /// Has a stage choose at a time; one that waits for nothing that has started is woken by what it needs.
    fn wake(&mut self, stage: u32, time: f64) {
        self.devices[stage as usize].wake = time;
        if time.is_finite() {
            self.queue.push(Reverse((Time(time), stage)));
        }
    }
}
