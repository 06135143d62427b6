//! What a cluster is bought for the least of, and what owning one costs.

use serde::Serialize;

use super::least::Sizer;
use super::{Design, Sized};
use crate::economics::OwnedCost;
use crate::economics::bill::Bill;
use crate::spec::Cluster;
use crate::units::{GpuHours, Money, Range, Seconds};

/// What is made as small as it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Capital: what is bought.
    #[default]
    Capital,
    /// Cost of owning the cluster over the life of its hardware, used or not.
    Ownership,
    /// Cost of the jobs: their GPU-hours at what a used one costs the owner.
    Runs,
}

impl Objective {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capital => "capital",
            Self::Ownership => "cost of owning",
            Self::Runs => "cost of the runs",
        }
    }
}

/// What owning a cluster costs, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Owning {
    /// Life of its hardware.
    #[serde(rename = "life_s")]
    pub life: Seconds,
    /// Every hour over that life, used or not.
    pub over_life: Range<Money>,
    /// The jobs at what a used hour costs.
    pub runs: Range<Money>,
}

impl Owning {
    /// Of a cluster on which jobs hold so many GPU-hours; nothing where a price is missing.
    pub(super) fn new(cluster: &Cluster, sizer: &Sizer<'_>, held: GpuHours) -> Option<Self> {
        let owned = OwnedCost::new(cluster, cluster.pools.first()?, sizer.question.catalog, None).ok()?;
        let life = owned.life.or_else(|| cluster.cost.life.as_ref().map(|life| life.value))?.value;
        let all = life.on_gpus(u64::from(cluster.gpus()));
        Some(Self {
            life,
            over_life: owned.owned_gpu_hour.map(|hour| all * hour),
            runs: owned.utilised_gpu_hour.map(|hour| held * hour),
        })
    }
}

impl Sized {
    /// What designs are ranked by, in US dollars; infinite where a price is missing.
    #[must_use]
    pub fn worth(&self, objective: Objective) -> f64 {
        let owning =
            |of: &dyn Fn(&Owning) -> Range<Money>| self.owning.as_ref().map_or(f64::INFINITY, |o| of(o).value.amount());
        match objective {
            Objective::Capital => self.price(),
            Objective::Ownership => owning(&|owning| owning.over_life),
            Objective::Runs => owning(&|owning| owning.runs),
        }
    }

    /// GPU-hours of the jobs: each holds the whole cluster.
    #[must_use]
    pub fn gpu_hours(&self) -> GpuHours {
        self.jobs.iter().map(|job| job.time).sum::<Seconds>().on_gpus(u64::from(self.gpus))
    }
}

impl Sizer<'_> {
    /// What a design is worth at least with as many nodes: of the runs nothing is known before they are planned.
    pub(super) fn at_least(&self, design: &Design, nodes: u32) -> f64 {
        let Ok(cluster) = self.cluster(design, nodes) else { return f64::INFINITY };
        match self.question.objective {
            Objective::Runs => 0.0,
            _ => self.worth(&cluster, GpuHours::ZERO),
        }
    }

    /// What a cluster is worth on which jobs hold so many GPU-hours.
    pub(super) fn worth(&self, cluster: &Cluster, held: GpuHours) -> f64 {
        let owning = || Owning::new(cluster, self, held);
        match self.question.objective {
            Objective::Capital => capital(&Bill::of(cluster, self.question.catalog)),
            Objective::Ownership => owning().map_or(f64::INFINITY, |owning| owning.over_life.value.amount()),
            Objective::Runs => owning().map_or(f64::INFINITY, |owning| owning.runs.value.amount()),
        }
    }
}

fn capital(bill: &Bill) -> f64 {
    bill.capital_with_nodes().map_or(f64::INFINITY, |capital| capital.value().amount())
}
