//! The task graph in a compact form: turns in order, and when each one's input arrives.
//!
//! A turn takes 16 bytes and its input's arrival 8; nothing is allocated per task. Stages advance as far as they can and wake
//! the stage that waits for what they send. Which turn comes when does not depend on how long turns take, so that several layouts
//! of one schedule are replayed side by side ([`Lanes`]).

use super::build::ends_of_chunks;
use super::lanes::Lanes;
use super::{Deadlock, TaskGraph};
use crate::step::durations::{Durations, leads_back};
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
/// What it makes goes to the stage before.
const BACK: u8 = 8;

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
                flags |= if leads_back(stage, to as usize) { BACK } else { 0 };
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
        self.alone(durations, None)
    }

    /// Replays the schedule with every turn's time drawn anew: multiplied by exp(σ·z − σ²/2) for a standard normal z, so that its
    /// mean stays. The same seed gives the same times.
    #[must_use]
    pub fn jittered(&self, durations: &Durations, sigma: f64, seed: u64) -> Option<Outcome> {
        self.alone(durations, Some(Jitter::new(sigma, seed, durations.chunks.len())))
    }

    fn alone(&self, durations: &Durations, jitter: Option<Jitter>) -> Option<Outcome> {
        let lanes = Lanes::<1>::of(durations);
        let mut scratch = Scratch::default();
        let [step] = Run { replay: self, lanes: &lanes, scratch: &mut scratch, jitter }.run()?;
        Some(Outcome {
            step: Seconds::new(step),
            stage_ends: scratch.stages.iter().map(|stage| Seconds::new(stage.time[0])).collect(),
        })
    }

    /// Step times of layouts side by side, in seconds; nothing when the schedule deadlocks. `scratch` is used again.
    #[must_use]
    pub fn side_by_side<const L: usize>(&self, lanes: &Lanes<L>, scratch: &mut Scratch<L>) -> Option<[f64; L]> {
        Run { replay: self, lanes, scratch, jitter: None }.run()
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

/// Random factors of turns: one stream of random numbers a stage, so that the order in which stages are woken does not matter.
struct Jitter {
    sigma: f64,
    streams: Vec<fastrand::Rng>,
}

impl Jitter {
    fn new(sigma: f64, seed: u64, stages: usize) -> Self {
        let mut seeds = fastrand::Rng::with_seed(seed);
        Self { sigma, streams: (0..stages).map(|_| seeds.fork()).collect() }
    }

    /// What the next turn of a stage is multiplied by.
    fn factor(&mut self, stage: usize) -> f64 {
        let rng = &mut self.streams[stage];
        // Box and Muller: two uniform numbers, the first not zero, make a normal one.
        let (u, v) = (1.0 - rng.f64(), rng.f64());
        let z = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (self.sigma * z - self.sigma * self.sigma / 2.0).exp()
    }
}

/// Memory of a replay, for the next one.
#[derive(Debug, Clone)]
pub struct Scratch<const L: usize> {
    arrivals: Vec<[f64; L]>,
    stages: Vec<Stage<L>>,
    awake: Vec<u16>,
    asleep: Vec<bool>,
}

impl<const L: usize> Default for Scratch<L> {
    fn default() -> Self {
        Self { arrivals: Vec::new(), stages: Vec::new(), awake: Vec::new(), asleep: Vec::new() }
    }
}

#[derive(Debug, Clone, Copy)]
struct Stage<const L: usize> {
    next: u32,
    time: [f64; L],
    /// When the streams for sending backward and forward are free.
    send: [[f64; L]; 2],
    data: [f64; L],
}

struct Run<'a, const L: usize> {
    replay: &'a Replay,
    lanes: &'a Lanes<L>,
    scratch: &'a mut Scratch<L>,
    jitter: Option<Jitter>,
}

impl<const L: usize> Run<'_, L> {
    fn prepare(&mut self) {
        let replay = self.replay;
        let stages = replay.offsets.len() - 1;
        let Scratch { arrivals, stages: all, awake, asleep } = &mut *self.scratch;
        arrivals.clear();
        arrivals.resize(replay.arrivals, [f64::NAN; L]);
        for slot in &replay.given {
            arrivals[*slot as usize] = [0.0; L];
        }
        all.clear();
        all.extend(replay.offsets[..stages].iter().map(|next| Stage {
            next: *next,
            time: [0.0; L],
            send: [[0.0; L]; 2],
            data: [0.0; L],
        }));
        awake.clear();
        awake.extend((0..stages as u16).rev());
        asleep.clear();
        asleep.resize(stages, false);
    }

    fn run(mut self) -> Option<[f64; L]> {
        self.prepare();
        while let Some(stage) = self.scratch.awake.pop() {
            let i = stage as usize;
            self.scratch.asleep[i] = false;
            while self.scratch.stages[i].next < self.replay.offsets[i + 1] {
                let Some(told) = self.step(i) else { break };
                for to in told.into_iter().flatten() {
                    let to = to as usize;
                    if to != i && self.scratch.asleep[to] {
                        self.scratch.asleep[to] = false;
                        self.scratch.awake.push(to as u16);
                    }
                }
            }
            self.scratch.asleep[i] = true;
        }
        let done = self.scratch.stages.iter().zip(&self.replay.offsets[1..]).all(|(stage, end)| stage.next == *end);
        if !done {
            return None;
        }
        let mut barrier = [0.0; L];
        for stage in &self.scratch.stages {
            barrier = each(barrier, each(stage.time, stage.data, f64::max), f64::max);
        }
        Some(each(barrier, self.lanes.optimizer, |barrier, optimizer| barrier + optimizer))
    }

    /// Runs a stage's next turn, or pair of turns; nothing when its input is not there. Gives the stages that were told.
    #[inline]
    fn step(&mut self, i: usize) -> Option<[Option<u16>; 2]> {
        let at = self.scratch.stages[i].next as usize;
        let turn = self.replay.turns[at];
        let ready = self.ready(&turn)?;
        if turn.flags & PAIRED != 0 && at + 1 < self.replay.offsets[i + 1] as usize {
            let other = self.replay.turns[at + 1];
            let start = each(each(self.scratch.stages[i].time, ready, f64::max), self.ready(&other)?, f64::max);
            let (forward, backward) = if turn.work == Work::Forward { (&turn, &other) } else { (&other, &turn) };
            let both = self.lanes.overlapped(i, forward.chunk as usize, backward.chunk as usize);
            let end = each(start, self.jittered(i, both), |start, both| start + both);
            self.scratch.stages[i].time = end;
            for turn in [&turn, &other] {
                if turn.flags & REDUCES != 0 {
                    let reduce = self.lanes.reduce[self.lanes.at(i, turn.chunk as usize)];
                    let data = &mut self.scratch.stages[i].data;
                    for lane in 0..L {
                        if reduce[lane] > 0.0 {
                            data[lane] = data[lane].max(end[lane]) + reduce[lane];
                        }
                    }
                }
            }
            self.scratch.stages[i].next += 2;
            return Some([self.tell(i, &turn, &end), self.tell(i, &other, &end)]);
        }
        let duration = self.lanes.turns[self.lanes.at(i, turn.chunk as usize)][turn.work as usize];
        let duration = self.jittered(i, duration);
        let start = each(self.scratch.stages[i].time, ready, f64::max);
        let end = if turn.flags & (GATHERS | REDUCES) == 0 {
            each(start, duration, |start, duration| start + duration)
        } else {
            self.in_pieces(i, &turn, &start, &duration)
        };
        self.scratch.stages[i].time = end;
        self.scratch.stages[i].next += 1;
        Some([self.tell(i, &turn, &end), None])
    }

    fn jittered(&mut self, i: usize, duration: [f64; L]) -> [f64; L] {
        match &mut self.jitter {
            None => duration,
            Some(jitter) => duration.map(|duration| duration * jitter.factor(i)),
        }
    }

    fn ready(&self, turn: &Packed) -> Option<[f64; L]> {
        if turn.wait == NONE {
            return Some([0.0; L]);
        }
        let arrival = self.scratch.arrivals[turn.wait as usize];
        (!arrival[0].is_nan()).then_some(arrival)
    }

    /// Cuts a turn into pieces beside which parameters are gathered or gradients reduced.
    fn in_pieces(&mut self, i: usize, turn: &Packed, start: &[f64; L], duration: &[f64; L]) -> [f64; L] {
        let at = self.lanes.at(i, turn.chunk as usize);
        let mut ends = [0.0; L];
        for lane in 0..L {
            let gather = if turn.flags & GATHERS == 0 { 0.0 } else { self.lanes.gather[at][lane] };
            let reduce = if turn.flags & REDUCES == 0 { 0.0 } else { self.lanes.reduce[at][lane] };
            if gather <= 0.0 && reduce <= 0.0 {
                ends[lane] = start[lane] + duration[lane];
                continue;
            }
            let pieces = self.lanes.pieces[lane].max(1);
            let share = 1.0 / f64::from(pieces);
            let data = &mut self.scratch.stages[i].data[lane];
            let mut time = start[lane];
            for _ in 0..pieces {
                if gather > 0.0 {
                    *data += gather * share;
                    time = time.max(*data);
                }
                time += duration[lane] * share;
                if reduce > 0.0 {
                    *data = data.max(time) + reduce * share;
                }
            }
            ends[lane] = time;
        }
        ends
    }

    /// Sends a turn's result on; gives the stage that can go on with it.
    #[inline]
    fn tell(&mut self, i: usize, turn: &Packed, end: &[f64; L]) -> Option<u16> {
        if turn.tell == NONE {
            return None;
        }
        let arrival = if turn.to as usize == i {
            *end
        } else {
            // A transfer that takes no time leaves its stream as it was: ends of one stage only rise.
            let stream = &mut self.scratch.stages[i].send[usize::from(turn.work == Work::Forward)];
            let send = &self.lanes.send[i][usize::from(turn.flags & BACK != 0)];
            *stream = each(each(*stream, *end, f64::max), *send, |free, send| free + send);
            *stream
        };
        self.scratch.arrivals[turn.tell as usize] = arrival;
        Some(turn.to)
    }
}

/// The lanes of two numbers taken together.
#[inline]
fn each<const L: usize>(a: [f64; L], b: [f64; L], of: impl Fn(f64, f64) -> f64) -> [f64; L] {
    std::array::from_fn(|lane| of(a[lane], b[lane]))
}
