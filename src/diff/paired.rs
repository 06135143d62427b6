//! A pair before and after: in which state it is, what moved, and why.

use std::cmp::Ordering;

use super::attribution::{Cause, Ends, causes};
use super::cause::About;
use super::estimated::{Estimated, Places};
use super::figure::Figure;
use super::pair::Pair;
use crate::diagnostic::Label;
use crate::estimate::{Estimate, Inputs, Origin, Refused, same};
use crate::units::Currency;

/// What became of a pair. Worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It had a plan and has none any more.
    Lost,
    /// Figures moved.
    Changed,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It had no plan and has one now.
    Gained,
    /// It has no plan, and had none.
    NoPlan,
    /// No figure moved.
    Unchanged,
}

/// A figure that moved, in base units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delta {
    /// The figure.
    pub figure: Figure,
    /// What it was; nothing where it was not there.
    pub old: Option<f64>,
    /// What it is; nothing where it is not there.
    pub new: Option<f64>,
}

impl Delta {
    /// By how much it moved, where it was there and is.
    #[must_use]
    pub fn by(&self) -> Option<f64> {
        self.new.zip(self.old).map(|(new, old)| new - old)
    }

    /// The same as a share of what it was.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        self.by().zip(self.old).filter(|(_, old)| *old != 0.0).map(|(by, old)| by / old)
    }
}

/// A pair before and after.
#[derive(Debug, Clone)]
pub struct PairDiff {
    /// Which; of one that is gone, which it was.
    pub pair: Pair,
    /// What it was called before, where it was renamed.
    pub renamed_from: Option<Pair>,
    /// Name of the cluster, as its file says it.
    pub cluster: String,
    /// What became of it.
    pub state: State,
    /// Before.
    pub old: Option<Result<Estimate, Refused>>,
    /// Now.
    pub new: Option<Result<Estimate, Refused>>,
    /// Currency that money is compared in: its own where it did not change, else US dollars.
    pub currency: Currency,
    /// Figures that moved.
    pub deltas: Vec<Delta>,
    /// Why, in the order in which changes were put in; parts add up to the deltas.
    pub causes: Vec<Cause>,
    /// What made the old estimate, where it may be another planner.
    pub origin: Option<Origin>,
    places: Option<(Places, Inputs)>,
}

impl PairDiff {
    pub(super) fn new(old: Option<Estimated>, new: Option<(Estimated, Places)>, origin: Option<&Origin>) -> Self {
        let before = old.as_ref().map(|old| &old.outcome);
        let after = new.as_ref().map(|(new, _)| &new.outcome);
        let currency = currency(before, after);
        let deltas = deltas(before, after, currency);
        let state = state(before, after, &deltas);
        let causes = match (&old, &new) {
            (Some(old), Some((new, _))) => why(old, new, state, currency, origin),
            _ => Vec::new(),
        };
        let (shown, name) = match (&new, &old) {
            (Some((new, _)), _) => (new.pair.clone(), new.cluster.clone()),
            (None, Some(old)) => (old.pair.clone(), old.cluster.clone()),
            (None, None) => (Pair { cluster: String::new(), workload: String::new(), job: String::new() }, String::new()),
        };
        let renamed_from = old.as_ref().filter(|_| new.is_some()).map(|old| old.pair.clone()).filter(|pair| *pair != shown);
        Self {
            pair: shown,
            renamed_from,
            cluster: name,
            state,
            old: old.map(|old| old.outcome),
            currency,
            deltas,
            causes,
            origin: origin.cloned(),
            new: new.as_ref().map(|(new, _)| new.outcome.clone()),
            places: new.map(|(new, places)| (places, new.inputs)),
        }
    }

    /// The old estimate, where there was one.
    #[must_use]
    pub fn old_estimate(&self) -> Option<&Estimate> {
        self.old.as_ref()?.as_ref().ok()
    }

    /// The new estimate, where there is one.
    #[must_use]
    pub fn new_estimate(&self) -> Option<&Estimate> {
        self.new.as_ref()?.as_ref().ok()
    }

    /// Why there is no new one.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        self.new.as_ref()?.as_ref().err()
    }

    /// A figure before and after, where both have it.
    #[must_use]
    pub fn both(&self, figure: Figure) -> Option<(f64, f64)> {
        let of = |estimate: Option<&Estimate>| figure.of(estimate?, self.currency);
        of(self.old_estimate()).zip(of(self.new_estimate()))
    }

    /// What moved of a figure.
    #[must_use]
    pub fn delta(&self, figure: Figure) -> Option<&Delta> {
        self.deltas.iter().find(|delta| delta.figure == figure)
    }

    /// A value of a figure with its unit.
    #[must_use]
    pub fn shown(&self, figure: Figure, value: f64) -> String {
        figure.shown(value, self.currency, 3)
    }

    /// A move of a figure with its unit and its sign.
    #[must_use]
    pub fn moved(&self, figure: Figure, by: f64) -> String {
        let sign = if by < 0.0 { '-' } else { '+' };
        let shown = self.shown(figure, by.abs());
        let share = matches!(figure, Figure::Mfu | Figure::Goodput);
        if share { format!("{sign}{}points", shown.trim_end_matches('%')) } else { format!("{sign}{shown}") }
    }

    /// Where a cause stands: the first of its changes that stands in a file.
    #[must_use]
    pub fn place_of(&self, cause: &Cause) -> Option<Label> {
        let (places, inputs) = self.places.as_ref()?;
        let mut changes = cause.changes.iter().filter(|change| change.about != About::Label);
        changes.find_map(|change| places.of_change(change, inputs))
    }

    /// The cluster's name in its file.
    #[must_use]
    pub fn cluster_place(&self) -> Option<Label> {
        self.places.as_ref().map(|(places, _)| places.of_cluster())
    }

    /// Causes that moved something, those of the first figure that moved by most before others.
    #[must_use]
    pub fn movers(&self) -> Vec<&Cause> {
        let first = self.deltas.iter().find(|delta| delta.by().is_some()).map(|delta| delta.figure);
        let told = |cause: &&Cause| self.state == State::Lost || self.deltas.iter().any(|delta| self.tells(cause, delta));
        let mut movers: Vec<&Cause> = self.causes.iter().filter(told).collect();
        let weight = |cause: &Cause| first.map_or(0.0, |figure| cause.part(figure).abs());
        movers.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        movers
    }

    /// Whether a cause moved a figure by more than the precision that is kept.
    #[must_use]
    pub fn tells(&self, cause: &Cause, delta: &Delta) -> bool {
        let (part, old) = (cause.part(delta.figure), delta.old.unwrap_or_default());
        part != 0.0 && !same(old, old + part)
    }

    /// The order in which pairs are shown: the worst state first, then by how much the cost moved, or else the run or step time.
    pub(super) fn by_weight(&self, other: &Self) -> Ordering {
        let weight = |pair: &Self| {
            let first = pair.deltas.iter().find_map(Delta::share);
            // The last digits of a figure do not put one pair before another.
            first.map_or(0.0, |share| (share.abs() * 1e4).round())
        };
        self.state.cmp(&other.state).then(weight(other).total_cmp(&weight(self))).then_with(|| self.pair.cmp(&other.pair))
    }
}

impl Cause {
    /// `pools[h100].nodes 96 → 127`, several with `and` between them.
    #[must_use]
    pub fn told(&self, origin: Option<&Origin>) -> String {
        let planner = self.is_planner().then(|| planner(origin));
        let changes = self.changes.iter().filter(|change| change.about != About::Label || self.about == [About::Label]);
        planner.into_iter().chain(changes.map(super::cause::Change::told)).collect::<Vec<_>>().join(" and ")
    }
}

/// What differs between the planner that made the old estimate and this one.
fn planner(origin: Option<&Origin>) -> String {
    let own = Origin::own();
    let Some(old) = origin.filter(|old| **old != own) else { return "the planner, of the same version".to_owned() };
    let mut parts = Vec::new();
    if old.version != own.version {
        parts.push(format!("planner {} → {}", old.version, own.version));
    }
    if old.catalog != own.catalog {
        parts.push("the catalogue of the planner".to_owned());
    }
    if old.calibration != own.calibration {
        parts.push("the calibration of the planner".to_owned());
    }
    parts.join(", ")
}

type Outcome = Result<Estimate, Refused>;

fn state(old: Option<&Outcome>, new: Option<&Outcome>, deltas: &[Delta]) -> State {
    match (old, new) {
        (_, None) => State::Removed,
        (None, Some(_)) => State::Added,
        (Some(Ok(_)), Some(Err(_))) => State::Lost,
        (Some(Err(_)), Some(Ok(_))) => State::Gained,
        (Some(Err(_)), Some(Err(_))) => State::NoPlan,
        (Some(Ok(_)), Some(Ok(_))) if deltas.is_empty() => State::Unchanged,
        (Some(Ok(_)), Some(Ok(_))) => State::Changed,
    }
}

fn currency(old: Option<&Outcome>, new: Option<&Outcome>) -> Currency {
    let of = |outcome: Option<&Outcome>| outcome?.as_ref().ok()?.cost.as_ref()?.total.as_ref()?.currency.parse().ok();
    match (of(old), of(new)) {
        (Some(a), Some(b)) if a != b => Currency::USD,
        (a, b) => b.or(a).unwrap_or(Currency::USD),
    }
}

fn deltas(old: Option<&Outcome>, new: Option<&Outcome>, currency: Currency) -> Vec<Delta> {
    let (Some(Ok(old)), Some(Ok(new))) = (old, new) else { return Vec::new() };
    let all =
        Figure::ALL.into_iter().map(|figure| Delta { figure, old: figure.of(old, currency), new: figure.of(new, currency) });
    all.filter(|delta| match (delta.old, delta.new) {
        (Some(old), Some(new)) => !same(old, new),
        (old, new) => old.is_some() != new.is_some(),
    })
    .collect()
}

/// The causes of what moved; of a plan that is lost, the changes up to the one after which there is none.
fn why(old: &Estimated, new: &Estimated, state: State, currency: Currency, origin: Option<&Origin>) -> Vec<Cause> {
    let estimate = |inputs: &Inputs| inputs.estimate(&new.pair.workload).ok();
    match (state, &old.outcome, &new.outcome) {
        (State::Changed, Ok(before), Ok(after)) => {
            let ends = Ends { old: (&old.inputs, before), new: (&new.inputs, after), other_planner: origin.is_some() };
            causes(ends, currency, &estimate)
        }
        (State::Lost, _, _) => super::attribution::lost(&old.inputs, &new.inputs, origin.is_some(), &estimate),
        _ => Vec::new(),
    }
}
