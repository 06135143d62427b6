//! The price of a GPU-hour as a chain of formulas: what it costs its owner, line by line, or who says it.

use super::Plan;
use super::explain::{Derivation, How};
use crate::economics::{CostEstimate, OwnedCost};
use crate::units::{Currency, Money};

/// The unit of an amount: dollars are named, other currencies are told by their source.
pub(super) fn dollars(money: Money) -> &'static str {
    if money.currency() == Currency::USD { "USD" } else { "" }
}

/// The price that the plan's GPU-hours are paid at; beside it what the owner's hours cost, as far as that is not said by then.
pub(super) fn prices(plan: &Plan) -> (Option<Derivation>, Vec<Derivation>) {
    let Some(cost) = &plan.cost else { return (None, Vec::new()) };
    let used = cost.owned.as_ref().map(used);
    let good = cost.owned.as_ref().zip(used.as_ref()).and_then(|(owned, used)| good(owned, used));
    if at_owners_cost(cost) {
        return (used, good.into_iter().collect());
    }
    let figure = cost.gpu_hour.as_ref().map(|price| {
        let amount = price.value.per_unit();
        Derivation::figure("price per GPU-hour", amount.amount(), dollars(amount), price)
    });
    (figure, used.into_iter().chain(good).collect())
}

/// Only then the total of a pool lies between ends.
fn at_owners_cost(cost: &CostEstimate) -> bool {
    cost.owned.is_some() && cost.total_range.is_some()
}

/// Lines add up to an owned hour; used hours carry those that are not.
fn used(owned: &OwnedCost) -> Derivation {
    let amount = |price: crate::units::HourlyPrice| price.per_unit().amount();
    let line =
        |line: &crate::economics::CostLine| Derivation::model(line.name(), amount(line.gpu_hour.value), "USD", &line.formula);
    let all = Derivation::new(
        "owned GPU-hour",
        amount(owned.owned_gpu_hour.value),
        "USD",
        How::Sum,
        owned.lines.iter().map(line).collect(),
    );
    let used = owned.figures.iter().find(|figure| figure.what == "utilisation").map(|figure| {
        let how = How::Figure { provenance: figure.provenance, source: figure.source.clone() };
        Derivation::new("used hours of those paid", owned.utilisation.value.get(), "", how, Vec::new())
    });
    let parts = std::iter::once(all).chain(used).collect();
    Derivation::new("used GPU-hour", amount(owned.utilised_gpu_hour.value), "USD", How::Quotient, parts)
}

/// What a good hour costs, where it is known which hours are good.
fn good(owned: &OwnedCost, used: &Derivation) -> Option<Derivation> {
    let part = Derivation::model("goodput", owned.goodput?, "", "part of the time that trains and is not lost again");
    let hour = owned.good_gpu_hour.value.per_unit().amount();
    Some(Derivation::new("good GPU-hour", hour, "USD", How::Quotient, vec![used.clone(), part]))
}
