//! A cluster beside the reference: how much less GPU time, by which part of the hardware, and at what price that pays.

use serde::Serialize;

use super::Planned;
use super::phase::{Limit, Phase, phases};
use crate::catalog::Catalog;
use crate::economics::mean_usd_per_gpu_hour;
use crate::parallel::Strategy;
use crate::spec::Cluster;
use crate::step::{Costs, Setup};
use crate::units::Bytes;

/// A cluster beside the reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// Time per token over the reference's, less one.
    pub slower_by: f64,
    /// GPU time of a token.
    pub gpu_time: Difference,
    /// The same with the reference's layout on this cluster: what its parts give by themselves. Nothing where that layout is not
    /// legal or does not fit here.
    pub same_layout: Option<Difference>,
    /// This cluster's layout on the reference: what more memory gives.
    pub own_layout: OwnLayout,
    /// At what price this cluster pays.
    pub break_even: BreakEven,
}

/// GPU time of a token beside the reference's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Over the reference's, less one.
    pub by: f64,
    /// That by what phases wait for, as shares of the reference's whole GPU time, the largest first; they add up to `by`. A phase that
    /// waits for different things on the two counts where it waits here.
    pub by_limit: Vec<Part>,
}

/// A part of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// What phases wait for.
    pub limit: Limit,
    /// The difference.
    pub by: f64,
}

/// A layout, taken to the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "on_reference")]
pub enum OwnLayout {
    /// It is the reference's too.
    Same,
    /// It fits there.
    Fits,
    /// It needs more memory than the reference has.
    TooLarge {
        /// What it needs.
        needs_bytes: Bytes,
        /// What there is.
        capacity_bytes: Bytes,
    },
    /// It cannot be there: more accelerators, or a larger domain.
    NotThere,
}

/// At what price a cluster pays.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BreakEven {
    /// The price of a GPU-hour, over the reference's, below which a token costs less here.
    pub price_ratio: f64,
    /// What the ratio is, where both prices are known.
    pub is: Option<f64>,
    /// Cost of a token over the reference's, less one, at these prices.
    pub dearer_by: Option<f64>,
}

impl Against {
    pub(super) fn new(
        own: &Planned<'_>,
        reference: &Planned<'_>,
        (cluster, reference_cluster): (&Cluster, &Cluster),
        catalog: &Catalog,
    ) -> Self {
        let time = |planned: &Planned<'_>| 1.0 / planned.plan.step.tokens_per_s.get();
        let reference_phases = phases(&reference.plan.step, &reference.setup);
        let gpu_time = Difference::new(&phases(&own.plan.step, &own.setup), &reference_phases);
        let ratio = 1.0 + gpu_time.by;
        let price = |cluster: &Cluster, planned: &Planned<'_>| {
            mean_usd_per_gpu_hour(cluster, &planned.setup.accelerators(&planned.plan.step.strategy), catalog)
        };
        let is = price(cluster, own).zip(price(reference_cluster, reference)).map(|(own, reference)| own / reference);
        let same = same_layout(own, &reference.plan.step.strategy);
        Self {
            slower_by: time(own) / time(reference) - 1.0,
            gpu_time,
            same_layout: same.map(|phases| Difference::new(&phases, &reference_phases)),
            own_layout: own_layout(own, reference),
            break_even: BreakEven { price_ratio: 1.0 / ratio, is, dearer_by: is.map(|is| is * ratio - 1.0) },
        }
    }
}

impl Difference {
    fn new(own: &[Phase], reference: &[Phase]) -> Self {
        let whole: f64 = reference.iter().map(|phase| phase.gpu_time).sum();
        let mut by_limit: Vec<Part> = Vec::new();
        for (own, reference) in own.iter().zip(reference) {
            let by = (own.gpu_time - reference.gpu_time) / whole;
            // What takes no time here waited for something there.
            let limit = if own.gpu_time > 0.0 { own.limit } else { reference.limit };
            match by_limit.iter_mut().find(|part| part.limit == limit) {
                Some(part) => part.by += by,
                None => by_limit.push(Part { limit, by }),
            }
        }
        by_limit.retain(|part| part.by != 0.0);
        by_limit.sort_by(|a, b| b.by.abs().total_cmp(&a.by.abs()).then(a.limit.cmp(&b.limit)));
        Self { by: own.iter().map(|phase| phase.gpu_time).sum::<f64>() / whole - 1.0, by_limit }
    }

    /// The part of one limit.
    #[must_use]
    pub fn of(&self, limit: Limit) -> f64 {
        self.by_limit.iter().find(|part| part.limit == limit).map_or(0.0, |part| part.by)
    }
}

/// The phases of a layout here, where it is legal and fits.
fn same_layout(own: &Planned<'_>, strategy: &Strategy) -> Option<Vec<Phase>> {
    let costs = legal_costs(&own.setup, strategy).filter(|costs| costs.fullest().fits())?;
    let step = own.setup.estimate(strategy, &costs).ok()?;
    Some(phases(&step, &own.setup))
}

fn own_layout(own: &Planned<'_>, reference: &Planned<'_>) -> OwnLayout {
    let strategy = own.plan.step.strategy;
    if strategy == reference.plan.step.strategy {
        return OwnLayout::Same;
    }
    match legal_costs(&reference.setup, &strategy).map(|costs| costs.fullest()) {
        None => OwnLayout::NotThere,
        Some(peak) if !peak.fits() => OwnLayout::TooLarge { needs_bytes: peak.memory, capacity_bytes: peak.of },
        Some(_) => OwnLayout::Fits,
    }
}

/// What a layout costs, where it is legal.
fn legal_costs(setup: &Setup<'_>, strategy: &Strategy) -> Option<Costs> {
    setup.violations(strategy).is_empty().then(|| setup.costs(strategy))
}
