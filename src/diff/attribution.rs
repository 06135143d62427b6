//! Why an estimate moved: changes are put into the old inputs one after the other, and after each the estimate is made again.
//! What a figure moves by with a change is its part. Parts add up to the whole, because each starts where the one before ended.
//!
//! A change that cannot be alone, such as fewer nodes under a layout that needs them all, is taken together with the first other
//! change that makes it possible; where none does, with the next.

use std::collections::VecDeque;

use super::cause::{About, Change};
use super::figure::Figure;
use crate::estimate::{Estimate, Inputs};
use crate::units::Currency;

/// Changes that are told apart at most; of more, those about the same thing are taken together.
const MOST: usize = 12;

/// Changes that moved an estimate together.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// What they are about, in the order in which they were put in.
    pub about: Vec<About>,
    /// The changes; none where the planner itself is the cause.
    pub changes: Vec<Change>,
    /// By how much each figure moved, in base units; figures that did not, or that one end does not have, are left out.
    pub parts: Vec<(Figure, f64)>,
}

impl Cause {
    /// By how much a figure moved.
    #[must_use]
    pub fn part(&self, figure: Figure) -> f64 {
        self.parts.iter().find(|(other, _)| *other == figure).map_or(0.0, |(_, by)| *by)
    }

    /// Whether the planner is one of the causes.
    #[must_use]
    pub fn is_planner(&self) -> bool {
        self.about.contains(&About::Planner)
    }
}

/// Both ends of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Ends<'a> {
    /// What the old estimate followed from, and the estimate.
    pub old: (&'a Inputs, &'a Estimate),
    /// What the new one follows from, and the estimate.
    pub new: (&'a Inputs, &'a Estimate),
    /// Whether the old one may have been made by another planner.
    pub other_planner: bool,
}

/// A group of changes that is put in at once.
type Group = (Vec<About>, Vec<Change>);

/// The causes of what moved between two estimates, in the order in which they were put in. Their parts add up to the difference of
/// every figure. `estimate` makes the estimate of inputs, or none where there is none.
#[must_use]
pub fn causes(ends: Ends<'_>, currency: Currency, estimate: &dyn Fn(&Inputs) -> Option<Estimate>) -> Vec<Cause> {
    let mut waiting: VecDeque<Group> = groups(Change::all(ends.old.0, ends.new.0)).into();
    if ends.other_planner {
        waiting.push_front((vec![About::Planner], Vec::new()));
    }
    let mut state = State { inputs: ends.old.0.clone(), values: values(ends.old.1, currency), currency };
    let mut causes = Vec::new();
    while let Some(first) = waiting.pop_front() {
        if waiting.is_empty() {
            causes.push(state.moved(first, ends.new.0.clone(), ends.new.1));
            break;
        }
        match alone_or_with_another(&state, &first, &waiting, estimate) {
            Some((partner, inputs, reached)) => {
                let partner = partner.and_then(|at| waiting.remove(at));
                let group = partner.map_or(first.clone(), |partner| joined(first, partner));
                // What is there now is the end, whatever the order is in which items were put in.
                let end = waiting.is_empty();
                let (inputs, reached) = if end { (ends.new.0.clone(), ends.new.1) } else { (inputs, &reached) };
                causes.push(state.moved(group, inputs, reached));
            }
            None => {
                if let Some(next) = waiting.pop_front() {
                    waiting.push_front(joined(first, next));
                }
            }
        }
    }
    causes.retain(|cause: &Cause| !cause.changes.is_empty() || !cause.parts.is_empty());
    causes
}

/// What was reached by the changes so far.
struct State {
    inputs: Inputs,
    values: Vec<Option<f64>>,
    currency: Currency,
}

impl State {
    /// Goes on to `reached`, and says what moved on the way. A figure that is not known there stays where it was.
    fn moved(&mut self, (about, changes): Group, inputs: Inputs, reached: &Estimate) -> Cause {
        let mut parts = Vec::new();
        for ((figure, old), new) in Figure::ALL.into_iter().zip(&mut self.values).zip(values(reached, self.currency)) {
            if let (Some(from), Some(to)) = (*old, new)
                && from != to
            {
                parts.push((figure, to - from));
                *old = new;
            }
        }
        self.inputs = inputs;
        Cause { about, changes, parts }
    }
}

/// The first group alone, or with the first later one that makes it possible: the place of that one, the inputs, the estimate.
fn alone_or_with_another(
    state: &State,
    first: &Group,
    waiting: &VecDeque<Group>,
    estimate: &dyn Fn(&Inputs) -> Option<Estimate>,
) -> Option<(Option<usize>, Inputs, Estimate)> {
    let attempt = |partner: Option<usize>| {
        let mut inputs = state.inputs.clone();
        let others = partner.and_then(|at| waiting.get(at)).into_iter().flat_map(|(_, changes)| changes);
        first.1.iter().chain(others).for_each(|change| change.apply(&mut inputs));
        estimate(&inputs).map(|reached| (partner, inputs, reached))
    };
    attempt(None).or_else(|| (0..waiting.len()).find_map(|at| attempt(Some(at))))
}

fn joined(mut first: Group, second: Group) -> Group {
    first.0.extend(second.0);
    first.0.dedup();
    first.1.extend(second.1);
    first
}

/// Changes one by one, or by what they are about where they are many. A layout is one decision. Names move nothing and go with
/// the last.
fn groups(changes: Vec<Change>) -> Vec<Group> {
    let many = changes.iter().filter(|change| change.about != About::Label).count() > MOST;
    let mut groups: Vec<Group> = Vec::new();
    for change in changes {
        match groups.last_mut() {
            Some((about, group))
                if change.about == About::Label || (many || change.about == About::Layout) && *about == [change.about] =>
            {
                group.push(change);
            }
            _ => groups.push((vec![change.about], vec![change])),
        }
    }
    groups
}

fn values(estimate: &Estimate, currency: Currency) -> Vec<Option<f64>> {
    Figure::ALL.into_iter().map(|figure| figure.of(estimate, currency)).collect()
}

/// The first changes after which there is no estimate any more, as one cause; the last, when each alone leaves one.
pub(super) fn lost(
    old: &Inputs,
    new: &Inputs,
    other_planner: bool,
    estimate: &dyn Fn(&Inputs) -> Option<Estimate>,
) -> Vec<Cause> {
    let cause = |(about, changes): Group| Cause { about, changes, parts: Vec::new() };
    if other_planner && estimate(old).is_none() {
        return vec![cause((vec![About::Planner], Vec::new()))];
    }
    let groups = groups(Change::all(old, new));
    let without = |group: &Group| {
        let mut inputs = old.clone();
        group.1.iter().for_each(|change| change.apply(&mut inputs));
        estimate(&inputs).is_none()
    };
    let alone = groups.iter().find(|group| without(group)).cloned();
    alone.or_else(|| groups.into_iter().reduce(joined)).into_iter().map(cause).collect()
}
