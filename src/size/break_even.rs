//! At what price of its node another server is bought: every other price as it is, the nodes of each as they are.

use serde::Serialize;

use super::least::Sizer;
use super::{Candidate, Sized};
use crate::catalog::Priced;
use crate::spec::Cluster;
use crate::units::{Money, MoneyInterval};

/// How much a price is moved to see how what is ranked by moves with it.
const MOVED: f64 = 1.1;

/// A price at which two servers cost the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BreakEven {
    /// Whose price it is.
    pub server: String,
    /// What costs the same then.
    pub against: String,
    /// What a node costs now, in US dollars.
    pub node_usd: f64,
    /// What it would cost; nothing when not even a gift would do.
    pub even_usd: Option<f64>,
    /// A GPU of it over one of the other then, minus one: the premium that it is worth.
    pub premium: Option<f64>,
}

impl BreakEven {
    /// How far the price is from it, as a share of the price.
    #[must_use]
    pub fn change(&self) -> Option<f64> {
        self.even_usd.map(|even| even / self.node_usd - 1.0)
    }
}

/// Of the best server against the next one, and of every other against the best.
pub(super) fn break_evens(sizer: &Sizer<'_>, best: &Sized, candidates: &[Candidate]) -> Vec<BreakEven> {
    let others: Vec<&Sized> = candidates
        .iter()
        .filter(|candidate| candidate.exceeds.is_empty())
        .filter_map(|candidate| candidate.sized.as_ref())
        .filter(|sized| sized.design.server != best.design.server)
        .collect();
    let own = others.first().and_then(|next| between(sizer, best, next));
    own.into_iter().chain(others.iter().filter_map(|other| between(sizer, other, best))).collect()
}

/// Where `one` costs what `other` does.
fn between(sizer: &Sizer<'_>, one: &Sized, other: &Sized) -> Option<BreakEven> {
    let objective = sizer.question.objective;
    let cluster = sizer.cluster(&one.design, one.nodes).ok()?;
    let node = node_price(sizer, &cluster)?;
    let of_other = node_price(sizer, &sizer.cluster(&other.design, other.nodes).ok()?)?;
    let (is, wanted) = (one.worth(objective), other.worth(objective));
    let dearer = sizer.worth(&priced(&cluster, node * MOVED)?, one.gpu_hours());
    // What is ranked by is linear in a price.
    let even = node + (wanted - is) * node * (MOVED - 1.0) / (dearer - is);
    let even = (even.is_finite() && even > 0.0).then_some(even);
    let per_gpu = |price: f64, sized: &Sized| price * f64::from(sized.nodes) / f64::from(sized.gpus);
    Some(BreakEven {
        server: one.design.server.clone(),
        against: other.design.server.clone(),
        node_usd: node,
        even_usd: even,
        premium: even.map(|even| per_gpu(even, one) / per_gpu(of_other, other) - 1.0),
    })
}

/// What a node of a cluster costs, in US dollars.
fn node_price(sizer: &Sizer<'_>, cluster: &Cluster) -> Option<f64> {
    let unit = cluster.pools.first()?.price.as_ref()?.unit.value();
    let rate = cluster.usd_rate(unit.currency(), sizer.question.catalog)?;
    Some(unit.amount() * rate.value)
}

/// The cluster with another price of a node.
fn priced(cluster: &Cluster, dollars: f64) -> Option<Cluster> {
    let mut cluster = cluster.clone();
    let pool = cluster.pools.first_mut()?;
    pool.price =
        Some(Priced { unit: MoneyInterval::exact(Money::usd(dollars)), ..Priced::given(Money::usd(dollars), "break-even") });
    Some(cluster)
}
