//! The task graph in a compact form: turns in order, and when each one's input arrives.
//!
//! A turn takes 16 bytes and its input's arrival 8; nothing is allocated per task. Stages advance as far as they can and wake
//! the stage that waits for what they send.

use super::build::ends_of_chunks;
use super::{Deadlock, TaskGraph};
use crate::step::durations::{Durations, overlapped};
use crate::step::schedule::{Schedule, Work};
use crate::units::Seconds;

/// A schedule laid out for replaying.
#[derive(Debug, Clone)]
pub struct Replay {
    turns: Vec<Packed>,
    /// Where each stage's turns begin, and where the last one's end.
    offsets: Vec<u32>,
    arrivals: usize,
    /// Arrivals that are there from the start: inputs of the first slice.
    given: Vec<u32>,
}

/// One turn: what it takes, what it waits for, what it tells whom.
#[derive(Debug, Clone, Copy)]
struct Packed {
    /// Arrival that it waits for; `NONE` for weight gradients.
    wait: u32,
    /// Arrival that it makes; `NONE` when nobody waits.
    tell: u32,
    /// The stage that is told.
    to: u16,
    chunk: u16,
    work: Work,
    flags: u8,
}

const NONE: u32 = u32::MAX;
const PAIRED: u8 = 1;
const GATHERS: u8 = 2;
const REDUCES: u8 = 4;

/// How long a step takes, and what its stages end with.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The step, optimizer included.
    pub step: Seconds,
    /// When each stage's last turn ends.
    pub stage_ends: Vec<Seconds>,
}

impl Replay {
    /// Lays a schedule out.
    #[must_use]
    pub fn new(schedule: &Schedule, microbatches: u32) -> Self {
        let p = schedule.orders.len();
        let chunks = schedule.orders.iter().flatten().map(|turn| turn.chunk + 1).max().unwrap_or(1);
        let slices = schedule.placement.slices(p as u32, chunks);
        let slot =
            |forward: bool, place: u32, microbatch: u32| (u32::from(forward) * slices + place) * microbatches + microbatch;
        let mut turns = Vec::with_capacity(schedule.orders.iter().map(Vec::len).sum());
        let mut offsets = vec![0];
        let mut given = Vec::new();
        for (stage, order) in schedule.orders.iter().enumerate() {
            let (gathers, reduces) = ends_of_chunks(order, chunks as usize);
            for (i, turn) in order.iter().enumerate() {
                let place = schedule.placement.slice(p as u32, stage as u32, turn.chunk);
                let mb = turn.microbatch;
                let (wait, tell, to_place) = match turn.work {
                    Work::WeightGradient => (NONE, NONE, place),
                    Work::Forward if place + 1 < slices => (slot(true, place, mb), slot(true, place + 1, mb), place + 1),
                    Work::Forward => (slot(true, place, mb), slot(false, place, mb), place),
                    Work::Backward | Work::InputGradient if place > 0 => {
                        (slot(false, place, mb), slot(false, place - 1, mb), place - 1)
                    }
                    Work::Backward | Work::InputGradient => (slot(false, place, mb), NONE, place),
                };
                if turn.work == Work::Forward && place == 0 {
                    given.push(wait);
                }
                let c = turn.chunk as usize;
                let mut flags = if turn.paired { PAIRED } else { 0 };
                flags |= if gathers[c] == Some(i) { GATHERS } else { 0 };
                flags |= if reduces[c] == Some(i) { REDUCES } else { 0 };
                let to = schedule.placement.holder(p as u32, to_place, mb, microbatches).0 as u16;
                turns.push(Packed { wait, tell, to, chunk: turn.chunk as u16, work: turn.work, flags });
            }
            offsets.push(turns.len() as u32);
        }
        Self { turns, offsets, arrivals: (2 * slices * microbatches) as usize, given }
    }

    /// Turns in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Bytes that a turn takes while it is replayed.
    #[must_use]
    pub fn bytes_per_turn(&self) -> f64 {
        let bytes = self.turns.len() * size_of::<Packed>() + self.arrivals * size_of::<f64>() + self.given.len() * 4;
        bytes as f64 / self.turns.len().max(1) as f64
    }

    /// Replays the schedule; nothing when it deadlocks.
    #[must_use]
    pub fn run(&self, durations: &Durations) -> Option<Outcome> {
        Run::new(self, durations, None).run()
    }

    /// Replays the schedule with every turn's time drawn anew: multiplied by exp(σ·z − σ²/2) for a standard normal z, so that its
    /// mean stays. The same seed gives the same times.
    #[must_use]
    pub fn jittered(&self, durations: &Durations, sigma: f64, seed: u64) -> Option<Outcome> {
        Run::new(self, durations, Some((sigma, seed))).run()
    }

    /// Replays the schedule, and says who waits for whom when it deadlocks.
    ///
    /// # Errors
    /// The circle of a deadlock.
    pub fn checked(&self, schedule: &Schedule, microbatches: u32, durations: &Durations) -> Result<Outcome, Deadlock> {
        match self.run(durations) {
            Some(outcome) => Ok(outcome),
            None => Err(TaskGraph::new(schedule, microbatches, durations).err().unwrap_or(Deadlock { tasks: Vec::new() })),
        }
    }
}

/// Durations of a chunk's turns, added up once.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    forward: f64,
    backward: f64,
    input: f64,
    weight: f64,
}

struct Run<'a> {
    replay: &'a Replay,
    durations: &'a Durations,
    times: Vec<Vec<Times>>,
    arrivals: Vec<f64>,
    stages: Vec<Stage>,
    /// One stream of random numbers a stage, so that the order in which stages are woken does not matter.
    jitter: Option<(f64, Vec<fastrand::Rng>)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Stage {
    next: u32,
    time: f64,
    /// When the streams for sending backward and forward are free.
    send: [f64; 2],
    data: f64,
}

impl<'a> Run<'a> {
    fn new(replay: &'a Replay, durations: &'a Durations, jitter: Option<(f64, u64)>) -> Self {
        let times = durations
            .chunks
            .iter()
            .map(|chunks| {
                chunks
                    .iter()
                    .map(|times| Times {
                        forward: times.of(Work::Forward).get(),
                        backward: times.of(Work::Backward).get(),
                        input: times.of(Work::InputGradient).get(),
                        weight: times.of(Work::WeightGradient).get(),
                    })
                    .collect()
            })
            .collect();
        let mut arrivals = vec![f64::NAN; replay.arrivals];
        for slot in &replay.given {
            arrivals[*slot as usize] = 0.0;
        }
        let stages: Vec<Stage> = replay.offsets.windows(2).map(|range| Stage { next: range[0], ..Stage::default() }).collect();
        let jitter = jitter.map(|(sigma, seed)| {
            let mut seeds = fastrand::Rng::with_seed(seed);
            (sigma, stages.iter().map(|_| seeds.fork()).collect())
        });
        Self { replay, durations, times, arrivals, stages, jitter }
    }

    fn run(mut self) -> Option<Outcome> {
        let p = self.stages.len();
        let mut awake: Vec<u16> = (0..p as u16).rev().collect();
        let mut asleep = vec![false; p];
        while let Some(stage) = awake.pop() {
            let i = stage as usize;
            asleep[i] = false;
            while self.stages[i].next < self.replay.offsets[i + 1] {
                let Some(told) = self.step(i) else { break };
                for to in told.into_iter().flatten() {
                    let to = to as usize;
                    if to != i && asleep[to] {
                        asleep[to] = false;
                        awake.push(to as u16);
                    }
                }
            }
            asleep[i] = true;
        }
        let done = self.stages.iter().zip(&self.replay.offsets[1..]).all(|(stage, end)| stage.next == *end);
        if !done {
            return None;
        }
        let barrier = self.stages.iter().map(|stage| stage.time.max(stage.data)).fold(0.0, f64::max);
        let optimizer = self.durations.optimizer.iter().map(|time| time.get()).fold(0.0, f64::max);
        Some(Outcome {
            step: Seconds::new(barrier + optimizer),
            stage_ends: self.stages.iter().map(|stage| Seconds::new(stage.time)).collect(),
        })
    }

    /// Runs a stage's next turn, or pair of turns; nothing when its input is not there. Gives the stages that were told.
    fn step(&mut self, i: usize) -> Option<[Option<u16>; 2]> {
        let at = self.stages[i].next as usize;
        let turn = self.replay.turns[at];
        let ready = self.ready(&turn)?;
        if turn.flags & PAIRED != 0 && at + 1 < self.replay.offsets[i + 1] as usize {
            let other = self.replay.turns[at + 1];
            let start = self.stages[i].time.max(ready).max(self.ready(&other)?);
            let chunk = |turn: &Packed| &self.durations.chunks[i][turn.chunk as usize];
            let (forward, backward) = if turn.work == Work::Forward { (&turn, &other) } else { (&other, &turn) };
            let end = start + overlapped(chunk(forward), chunk(backward)).get() * self.factor(i);
            self.stages[i].time = end;
            for turn in [&turn, &other] {
                let reduce = self.durations.reduce[i][turn.chunk as usize].get();
                if turn.flags & REDUCES != 0 && reduce > 0.0 {
                    self.stages[i].data = self.stages[i].data.max(end) + reduce;
                }
            }
            self.stages[i].next += 2;
            return Some([self.tell(i, &turn, end), self.tell(i, &other, end)]);
        }
        let c = turn.chunk as usize;
        let times = self.times[i][c];
        let duration = match turn.work {
            Work::Forward => times.forward,
            Work::Backward => times.backward,
            Work::InputGradient => times.input,
            Work::WeightGradient => times.weight,
        };
        let duration = duration * self.factor(i);
        let start = self.stages[i].time.max(ready);
        let end =
            if turn.flags & (GATHERS | REDUCES) == 0 { start + duration } else { self.in_pieces(i, &turn, start, duration) };
        self.stages[i].time = end;
        self.stages[i].next += 1;
        Some([self.tell(i, &turn, end), None])
    }

    /// What this turn's time is multiplied by.
    fn factor(&mut self, i: usize) -> f64 {
        let Some((sigma, streams)) = &mut self.jitter else { return 1.0 };
        let rng = &mut streams[i];
        // Box and Muller: two uniform numbers, the first not zero, make a normal one.
        let (u, v) = (1.0 - rng.f64(), rng.f64());
        let z = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (*sigma * z - *sigma * *sigma / 2.0).exp()
    }

    fn ready(&self, turn: &Packed) -> Option<f64> {
        if turn.wait == NONE {
            return Some(0.0);
        }
        let arrival = self.arrivals[turn.wait as usize];
        (!arrival.is_nan()).then_some(arrival)
    }

    /// Cuts a turn into pieces beside which parameters are gathered or gradients reduced.
    fn in_pieces(&mut self, i: usize, turn: &Packed, start: f64, duration: f64) -> f64 {
        let gather = if turn.flags & GATHERS == 0 { 0.0 } else { self.durations.gather[i][turn.chunk as usize].get() };
        let reduce = if turn.flags & REDUCES == 0 { 0.0 } else { self.durations.reduce[i][turn.chunk as usize].get() };
        if gather <= 0.0 && reduce <= 0.0 {
            return start + duration;
        }
        let pieces = self.durations.pieces.max(1);
        let share = 1.0 / f64::from(pieces);
        let mut time = start;
        for _ in 0..pieces {
            if gather > 0.0 {
                self.stages[i].data += gather * share;
                time = time.max(self.stages[i].data);
            }
            time += duration * share;
            if reduce > 0.0 {
                self.stages[i].data = self.stages[i].data.max(time) + reduce * share;
            }
        }
        time
    }

    /// Sends a turn's result on; gives the stage that can go on with it.
    fn tell(&mut self, i: usize, turn: &Packed, end: f64) -> Option<u16> {
        if turn.tell == NONE {
            return None;
        }
        let duration = self.durations.send[i].get();
        let arrival = if turn.to as usize == i || duration <= 0.0 {
            end
        } else {
            let stream = &mut self.stages[i].send[usize::from(turn.work == Work::Forward)];
            *stream = stream.max(end) + duration;
            *stream
        };
        self.arrivals[turn.tell as usize] = arrival;
        Some(turn.to)
    }
}
