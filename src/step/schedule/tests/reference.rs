//! A plain event-driven simulation of a schedule, written independently of everything else: at every point in time it starts
//! what can start, then goes to the next point in time at which something ends or arrives.

use std::collections::{BTreeSet, HashMap};

use super::super::{Placement, Schedule, Times, Turn, Work};

/// How long everything takes.
pub(crate) struct Passes<'a> {
    /// One turn, by stage, chunk and work.
    pub(crate) turn: Box<dyn Fn(u32, u32, Work) -> f64 + 'a>,
    /// A pair, by stage, chunk of the forward pass and chunk of the backward pass.
    pub(crate) pair: Box<dyn Fn(u32, u32, u32) -> f64 + 'a>,
    /// To another stage, by stage that sends.
    pub(crate) transfer: Box<dyn Fn(u32) -> f64 + 'a>,
    /// Whether what a stage sends one way waits for what it sent that way before.
    pub(crate) in_turn: bool,
}

impl<'a> Passes<'a> {
    /// All stages and chunks alike.
    pub(crate) fn uniform(times: &'a Times, pair: f64) -> Self {
        let turn = |_, _, work| match work {
            Work::Forward => times.forward,
            Work::InputGradient => times.input_gradient,
            Work::WeightGradient => times.weight_gradient,
            Work::Backward => times.input_gradient + times.weight_gradient,
        };
        let transfer = |_| times.transfer;
        Self { turn: Box::new(turn), pair: Box::new(move |_, _, _| pair), transfer: Box::new(transfer), in_turn: false }
    }
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// From the first start to the last end.
    pub(crate) step: f64,
    /// When every stage begins, ends, and how long it is busy.
    pub(crate) stages: Vec<(f64, f64, f64)>,
}

impl Outcome {
    /// The span of the stage for which it is longest.
    pub(crate) fn longest(&self) -> f64 {
        self.stages.iter().map(|(began, ended, _)| ended - began).fold(0.0, f64::max)
    }

    /// How long the stage with the longest span is busy, the least busy one of several.
    pub(crate) fn busy(&self) -> f64 {
        let longest = self.longest() * (1.0 - 1e-12);
        self.stages.iter().filter(|(began, ended, _)| ended - began >= longest).map(|stage| stage.2).fold(f64::MAX, f64::min)
    }
}

/// Runs the schedule, or says which turns the stages stand still at.
pub(crate) fn simulate(schedule: &Schedule, chunks: u32, passes: &Passes) -> Result<Outcome, Vec<(u32, Turn)>> {
    let stages = schedule.orders.len();
    let slices = schedule.placement.slices(stages as u32, chunks);
    let mut next = vec![0; stages];
    let mut times: Vec<Option<(f64, f64, f64)>> = vec![None; stages];
    let mut sent = vec![[0.0f64; 2]; stages];
    // When a forward pass or an input gradient of a slice and a microbatch is there: on its own stage, and on others.
    let mut made: HashMap<(bool, u32, u32), (u32, f64, f64)> = HashMap::new();
    // Points in time to come; the bits of numbers that are not negative sort as they do.
    let mut points = BTreeSet::from([0.0f64.to_bits()]);
    while let Some(bits) = points.pop_first() {
        let now = f64::from_bits(bits);
        let mut moved = true;
        while moved {
            moved = false;
            for stage in 0..stages {
                let order = &schedule.orders[stage];
                let Some(turn) = order.get(next[stage]) else { continue };
                let turns = &order[next[stage]..next[stage] + if turn.paired { 2 } else { 1 }];
                let slice = |turn: &Turn| schedule.placement.slice(stages as u32, stage as u32, turn.chunk);
                let there = |forward: bool, slice: u32, turn: &Turn| {
                    made.get(&(forward, slice, turn.microbatch))
                        .is_some_and(|(by, end, arrival)| if *by == stage as u32 { *end <= now } else { *arrival <= now })
                };
                let ready = |turn: &Turn| match turn.work {
                    Work::Forward => slice(turn) == 0 || there(true, slice(turn) - 1, turn),
                    Work::Backward | Work::InputGradient => {
                        let own = there(true, slice(turn), turn);
                        own && (slice(turn) + 1 == slices || there(false, slice(turn) + 1, turn))
                    }
                    Work::WeightGradient => there(false, slice(turn), turn),
                };
                let (began, ended, busy) = times[stage].unwrap_or((now, 0.0, 0.0));
                if ended > now || !turns.iter().all(ready) {
                    continue;
                }
                let takes = match turns {
                    [forward, backward] => (passes.pair)(stage as u32, forward.chunk, backward.chunk),
                    _ => (passes.turn)(stage as u32, turn.chunk, turn.work),
                };
                let end = now + takes;
                for turn in turns.iter().filter(|turn| turn.work != Work::WeightGradient) {
                    let forward = turn.work == Work::Forward;
                    let way = &mut sent[stage][usize::from(forward)];
                    let leaves = if passes.in_turn { way.max(end) } else { end };
                    let last = if forward { slices - 1 } else { 0 };
                    let mut arrival = end;
                    if slice(turn) != last {
                        let to = if forward { slice(turn) + 1 } else { slice(turn) - 1 };
                        let p = stages as u32;
                        let stays = (0..chunks).any(|chunk| schedule.placement.slice(p, stage as u32, chunk) == to)
                            && schedule.placement != Placement::Bidirectional;
                        if !stays {
                            arrival = leaves + (passes.transfer)(stage as u32);
                            *way = arrival;
                        }
                    }
                    made.insert((forward, slice(turn), turn.microbatch), (stage as u32, end, arrival));
                    points.insert(arrival.to_bits());
                }
                points.insert(end.to_bits());
                times[stage] = Some((began, end, busy + takes));
                next[stage] += turns.len();
                moved = true;
            }
        }
    }
    let stuck: Vec<_> =
        (0..stages).filter_map(|stage| Some((stage as u32, *schedule.orders[stage].get(next[stage])?))).collect();
    if !stuck.is_empty() {
        return Err(stuck);
    }
    let stages: Vec<_> = times.into_iter().map(Option::unwrap_or_default).collect();
    Ok(Outcome { step: stages.iter().map(|(_, ended, _)| *ended).fold(0.0, f64::max), stages })
}
