//! Zero bubble by heuristic, within a memory limit (the idea of Qi et al., arXiv:2401.10241: the best of several
//! schedules that simple choices lead to).
//!
//! Tried are the family of ZB-H1 and ZB-H2 at several slopes of the warm-up, as far as they fit, and [orders found by running the
//! step](super::greedy). The shortest step wins, among these the shortest span of a stage, among these the first: the result is
//! the same every time, and never slower than 1F1B, ZB-H1 or ZB-H2 where they fit.
//!
//! The bubble has no closed form; with equal times it is at most that of ZB-H1 at a limit of p, and of ZB-H2 at 2p − 1. Every
//! stage keeps at most as many microbatches as the limit.

use super::greedy::{self, Policy};
use super::timing::{Span, replay};
use super::zero_bubble::Shift;
use super::{Placement, Schedule, Times, Turn};

/// Forward passes that a stage runs ahead for every stage behind it: 1 is ZB-H1, 2 is ZB-H2.
const SLOPES: [f64; 7] = [2.0, 1.0, 1.5, 1.25, 1.75, 2.5, 3.0];

/// The choices by which orders are found by running the step; those that wait for what is more urgent win more often.
const POLICIES: [Policy; 8] = [
    Policy { ahead: 2.0, eager: false },
    Policy { ahead: 1.5, eager: false },
    Policy { ahead: 1.25, eager: false },
    Policy { ahead: 1.0, eager: false },
    Policy { ahead: 0.75, eager: false },
    Policy { ahead: f64::INFINITY, eager: false },
    Policy { ahead: 1.5, eager: true },
    Policy { ahead: f64::INFINITY, eager: true },
];

pub(super) fn schedule(stages: u32, microbatches: u32, limit: u32, times: &Times) -> Schedule {
    let straight = |shift: &dyn Fn(u32) -> Shift| {
        let orders: Vec<_> = (0..stages).map(|stage| shift(stage).order(microbatches)).collect();
        replay(&orders, microbatches, times).map(|span| (orders, span))
    };
    let split = |stage| Shift { warm_up: stages - 1 - stage, lag: 0 };
    let slopes = SLOPES.into_iter().filter(|slope| reach(*slope, stages - 1) < limit);
    let shifts = slopes.filter_map(|slope| straight(&|stage| shift(slope, stages, stage)));
    let plain = (stages <= limit).then(|| straight(&split)).flatten();
    let found = POLICIES.into_iter().map(|policy| greedy::run(stages, microbatches, limit, times, policy));

    let work = f64::from(microbatches) * times.work();
    let floor = Span { step: work + f64::from(stages - 1) * (times.forward + times.transfer), stage: work };
    let orders = best(shifts.chain(plain).chain(found), &floor);
    Schedule { placement: Placement::Looped, orders }
}

/// Forward passes that a stage is ahead of another one, so many stages behind it.
fn reach(slope: f64, stages: u32) -> u32 {
    (slope * f64::from(stages)) as u32
}

fn shift(slope: f64, stages: u32, stage: u32) -> Shift {
    let warm_up = reach(slope, stages - 1 - stage);
    Shift { warm_up, lag: reach(slope, stages - 1) - warm_up }
}

/// The first that none beats; the search ends where nothing can be faster, because the last stage starts no earlier and then
/// works without a pause.
fn best(candidates: impl Iterator<Item = (Vec<Vec<Turn>>, Span)>, floor: &Span) -> Vec<Vec<Turn>> {
    let mut best: Option<(Vec<Vec<Turn>>, Span)> = None;
    for (orders, span) in candidates {
        if best.as_ref().is_none_or(|(_, other)| span.beats(other)) {
            best = Some((orders, span));
            if !floor.beats(&span) {
                break;
            }
        }
    }
    best.map(|(orders, _)| orders).unwrap_or_default()
}
