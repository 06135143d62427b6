//! Whether policies hold, and which line of which file is to blame where they do not.

use super::{Amount, Level, Policy, Rule};
use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::diff::{Cause, Figure, Pair, PairDiff, State, arrow};
use crate::estimate::{Estimate, SAME};
use crate::units::{Bytes, Currency, Money, Seconds, Share, Watts, significant};

/// What became of a policy on a job.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The policy; `plan kept` for the one that always holds.
    pub policy: String,
    /// What happens when it is broken.
    pub level: Level,
    /// The job on its cluster.
    pub pair: Pair,
    /// What is wrong, with its place; nothing where the policy holds.
    pub broken: Option<Diagnostic>,
    /// How far beyond the limit, as a share of it: what is worst comes first.
    pub excess: f64,
}

/// A broken rule.
struct Broken {
    code: Code,
    figure: Figure,
    message: String,
    excess: f64,
    /// Whether it was so before: then no change is to blame.
    before: bool,
}

/// Holds every policy against every pair, and every pair against having had a plan. Broken ones first, the worst first.
#[must_use]
pub fn judge(policies: &[Policy], pairs: &[PairDiff], catalog: &Catalog) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = pairs.iter().filter_map(kept).collect();
    for policy in policies {
        let held = pairs.iter().filter(|pair| policy.scope.takes(&pair.pair, &pair.cluster));
        verdicts.extend(held.filter_map(|pair| policy.verdict(pair, catalog)));
    }
    let rank = |verdict: &Verdict| (verdict.broken.is_none(), verdict.level);
    verdicts.sort_by(|a, b| rank(a).cmp(&rank(b)).then(b.excess.total_cmp(&a.excess)));
    verdicts
}

/// A job that had a plan must have one.
fn kept(pair: &PairDiff) -> Option<Verdict> {
    let lost = pair.state == State::Lost;
    if !lost && pair.new_estimate().is_none() {
        return None;
    }
    let broken = lost.then(|| {
        let refused = pair.refused();
        let message = format!("{} has no plan any more: {}", pair.pair, refused.map_or("", |refused| refused.message.as_str()));
        let to_blame = pair.causes.last().and_then(|cause| pair.place_of(cause));
        let mut error = Diagnostic::error(Code::PlanLost, message);
        error.labels.extend(to_blame.or_else(|| pair.cluster_place()));
        error.help = refused.and_then(|refused| refused.help.clone());
        error
    });
    let excess = if lost { f64::INFINITY } else { 0.0 };
    Some(Verdict { policy: "plan kept".to_owned(), level: Level::Fail, pair: pair.pair.clone(), broken, excess })
}

impl Policy {
    /// Nothing where the rule has nothing to say: of what is gone, or of figures that there are not.
    fn verdict(&self, pair: &PairDiff, catalog: &Catalog) -> Option<Verdict> {
        let broken = self.rule.held(pair, catalog)?.err();
        let excess = broken.as_ref().map_or(0.0, |broken| broken.excess);
        let broken = broken.map(|broken| self.shown(pair, broken));
        Some(Verdict { policy: self.name.clone(), level: self.level, pair: pair.pair.clone(), broken, excess })
    }

    /// The diagnostic: at the change that is most to blame, with the policy beside it.
    fn shown(&self, pair: &PairDiff, broken: Broken) -> Diagnostic {
        let Broken { code, figure, message, before, .. } = broken;
        let message = if before { format!("{message}, as before") } else { message };
        let mut error = Diagnostic::error(code, message);
        if self.level == Level::Warn {
            error = error.into_warning();
        }
        let to_blame = to_blame(pair, figure).filter(|_| !before);
        let place = match to_blame {
            Some(cause) => pair.place_of(cause),
            None if pair.state == State::Added => pair.cluster_place(),
            None => None,
        };
        match place {
            Some(label) => {
                error.labels.extend([label, Label { primary: false, text: "the policy".to_owned(), ..self.place.clone() }]);
            }
            None => error.labels.push(self.place.clone()),
        }
        if let Some(cause) = to_blame {
            error.notes.push(format!(
                "most of it by {}: {}",
                cause.told(pair.origin.as_ref()),
                pair.moved(figure, cause.part(figure))
            ));
        }
        error
    }
}

/// The cause that made a figure worse by most.
fn to_blame(pair: &PairDiff, figure: Figure) -> Option<&Cause> {
    let worse = |cause: &Cause| if figure == Figure::Mfu { -cause.part(figure) } else { cause.part(figure) };
    let most = pair.causes.iter().filter(|cause| worse(cause) > 0.0);
    most.max_by(|a, b| worse(a).total_cmp(&worse(b)))
}

impl Rule {
    /// Whether the rule holds, or what is wrong; nothing where it does not apply.
    fn held(&self, pair: &PairDiff, catalog: &Catalog) -> Option<Result<(), Broken>> {
        let new = pair.new_estimate()?;
        let name = &pair.pair;
        // A limit holds whatever was before.
        let limit = |figure, by: &dyn Fn(&Estimate) -> Option<f64>, message: String| {
            let excess = by(new)?;
            let before = pair.old_estimate().and_then(by).is_some_and(|by| by > SAME);
            Some(if excess > SAME { Err(Broken { code: Code::BeyondLimit, figure, message, excess, before }) } else { Ok(()) })
        };
        let grown = |broken: bool, code: Code, figure: Figure, excess: f64, message: &dyn Fn() -> String| {
            if broken { Err(Broken { code, figure, message: message(), excess, before: false }) } else { Ok(()) }
        };
        match self {
            Self::Percent(figure, share) => {
                let (old, new) = pair.both(*figure)?;
                let by = if old == new { 0.0 } else { new / old - 1.0 };
                let message = || {
                    format!(
                        "{} of {name} rises by {} % ({}), {} % are allowed",
                        figure.name(),
                        significant(by * 100.0, 2),
                        arrow(&pair.shown(*figure, old), &pair.shown(*figure, new)),
                        super::round_percent(*share)
                    )
                };
                Some(grown(by > share + SAME, Code::Increase, *figure, by - share, &message))
            }
            Self::Amount(amount) => {
                let (old, new) = both_in(pair, amount, catalog)?;
                let (by, figure) = (new - old, amount.figure);
                let message = || {
                    let currency = amount.money.map_or(pair.currency, Money::currency);
                    let shown = |value| figure.shown(value, currency, 3);
                    format!("{} of {name} rises by {} to {}, {} are allowed", figure.name(), shown(by), shown(new), amount.text)
                };
                let excess = by / amount.value.max(f64::MIN_POSITIVE) - 1.0;
                Some(grown(by > amount.value * (1.0 + SAME), Code::Increase, figure, excess, &message))
            }
            Self::Budget(budget) => {
                let cost = cost_in(new, budget.currency(), catalog)?;
                let old = pair.old_estimate().and_then(|old| cost_in(old, budget.currency(), catalog));
                let over = |cost: f64| cost > budget.amount() * (1.0 + SAME);
                let crossed = over(cost) && !old.is_some_and(over);
                let shown = Money::new(cost, budget.currency());
                let message = || format!("{name} costs {shown} and crosses the budget of {budget}");
                let excess = cost / budget.amount() - 1.0;
                Some(grown(crossed, Code::BudgetCrossed, Figure::Cost, excess, &message))
            }
            Self::LeastMfu(least) => {
                let message = format!("MFU of {name} is {}, {least} is the least allowed", Share::new(new.step.mfu));
                limit(Figure::Mfu, &|one| Some(1.0 - one.step.mfu / least.get()), message)
            }
            Self::MostPower(most) => {
                let is = Watts::new(new.run.as_ref()?.site_power_w);
                let message = format!("{name} draws {is} at the meter, {most} is the most allowed");
                limit(Figure::SitePower, &|one| Some(one.run.as_ref()?.site_power_w / most.get() - 1.0), message)
            }
            Self::LeastFree(least) => {
                let free = |one: &Estimate| 1.0 - one.step.memory.total_bytes / one.step.memory_capacity_bytes;
                let of = Bytes::new(new.step.memory_capacity_bytes);
                let is = Share::new(free(new));
                let message = format!("{name} leaves {is} of the {of:#} of a GPU free, {least} is the least allowed");
                limit(Figure::Memory, &|one| Some(1.0 - free(one) / least.get()), message)
            }
            Self::MostTime(most) => {
                let is = Seconds::new(new.run.as_ref()?.time_s);
                let message = format!("{name} takes {is}, {most} is the most allowed");
                limit(Figure::RunTime, &|one| Some(one.run.as_ref()?.time_s / most.get() - 1.0), message)
            }
            Self::Deadline => {
                let run = new.run.as_ref()?;
                let (is, deadline) = (Seconds::new(run.time_s), Seconds::new(run.deadline_s?));
                let message = format!("{name} takes {is} and misses its deadline of {deadline}");
                let late = |one: &Estimate| {
                    let run = one.run.as_ref()?;
                    Some(run.time_s / run.deadline_s? - 1.0)
                };
                limit(Figure::RunTime, &late, message)
            }
        }
    }
}

/// Both ends of a figure, money in the currency of the policy.
fn both_in(pair: &PairDiff, amount: &Amount, catalog: &Catalog) -> Option<(f64, f64)> {
    let Some(money) = amount.money else { return pair.both(amount.figure) };
    let cost = |estimate: Option<&Estimate>| cost_in(estimate?, money.currency(), catalog);
    cost(pair.old_estimate()).zip(cost(pair.new_estimate()))
}

/// The cost in a currency: its own, or by way of US dollars.
fn cost_in(estimate: &Estimate, currency: Currency, catalog: &Catalog) -> Option<f64> {
    let dollars = || Some(estimate.cost.as_ref()?.total_usd? / catalog.usd_rate(currency)?.value);
    Figure::Cost.of(estimate, currency).or_else(dollars)
}
