//! What a cluster costs by the hour, and what jobs cost on it.

use serde::Serialize;

use super::{Plan, SCHEMA_VERSION, cost_sheet};
use crate::catalog::Catalog;
use crate::economics::bill::Bill;
use crate::economics::budget::{Purchase, buy};
use crate::economics::sheet::Sheet;
use crate::economics::{CostEstimate, Exchange, MissingPrice, OwnedCost, Priced, RentOrBuy, work};
use crate::spec::{Cluster, Pool};
use crate::units::{Flop, FlopPerSecond, GpuHours, Money, Range};

/// What a cluster costs by the hour, and what jobs cost on it.
#[derive(Debug, Clone, Serialize)]
pub struct Costs {
    /// Version of this structure.
    pub schema_version: u32,
    /// Name of the cluster.
    pub cluster: String,
    /// Its pools.
    pub pools: Vec<PoolCost>,
    /// Jobs on it.
    pub runs: Vec<RunCost>,
    /// What is bought, for spreadsheets.
    #[serde(skip)]
    pub bill: Bill,
}

/// What a pool costs by the hour.
#[derive(Debug, Clone, Serialize)]
pub struct PoolCost {
    /// Name of the pool.
    pub pool: String,
    /// Its accelerator.
    pub accelerator: String,
    /// Accelerators in it.
    pub gpus: u32,
    /// What a GPU-hour costs its owner.
    pub owned: OwnedCost,
    /// Renting against owning, where a price of renting is known.
    pub rent_or_buy: Option<RentOrBuy>,
    /// What a budget buys of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase: Option<Purchase>,
    /// What an amount of work costs on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkCost>,
    /// All of it for spreadsheets, runs on the pool included.
    #[serde(skip)]
    pub sheet: Sheet,
}

/// What a job costs.
#[derive(Debug, Clone, Serialize)]
pub struct RunCost {
    /// Name of the job.
    pub job: String,
    /// The model.
    pub model: String,
    /// GPUs held, times the time.
    #[serde(rename = "gpu_seconds")]
    pub gpu_hours: GpuHours,
    /// What that costs.
    pub cost: CostEstimate,
}

/// What an amount of work costs, whatever the job.
#[derive(Debug, Clone, Serialize)]
pub struct WorkCost {
    /// The work.
    #[serde(rename = "work_flop")]
    pub work: Flop,
    /// Dense peak of a GPU.
    #[serde(rename = "peak_flop_per_s")]
    pub peak: FlopPerSecond,
    /// Part of the peak that is used.
    pub mfu: f64,
    /// GPUs held, times the time.
    #[serde(rename = "gpu_seconds")]
    pub gpu_hours: GpuHours,
    /// At the cost of a good hour.
    pub total: Range<Money>,
}

/// What else is asked of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CostQuestion {
    /// Money to buy for.
    pub budget: Option<Money>,
    /// Work to do, and the part of the peak that it reaches.
    pub work: Option<(Flop, f64)>,
}

impl Costs {
    /// The costs of a cluster and of planned jobs on it.
    ///
    /// # Errors
    /// Which price is not known, and where to put it.
    pub fn new(cluster: &Cluster, catalog: &Catalog, plans: &[Plan], asked: &CostQuestion) -> Priced<Self> {
        let exchange = Exchange { cluster, catalog };
        let pool = |pool: &Pool| {
            let owned = OwnedCost::new(cluster, pool, catalog, None)?;
            let mut cost = PoolCost {
                pool: pool.name.clone(),
                accelerator: pool.accelerator.title.clone(),
                gpus: pool.gpus(),
                rent_or_buy: RentOrBuy::new(exchange, pool, &owned).ok(),
                purchase: asked.budget.map(|budget| purchase(exchange, &owned, budget)).transpose()?,
                work: asked.work.and_then(|(work, mfu)| work_cost(pool, &owned, work, mfu)),
                owned,
                sheet: Sheet::default(),
            };
            cost.sheet = cost_sheet::sheet(&cost, pool, exchange, asked, plans);
            Ok(cost)
        };
        let runs = plans.iter().filter_map(|plan| {
            let (run, cost) = plan.run.as_ref().zip(plan.cost.clone())?;
            Some(RunCost { job: plan.job.name.clone(), model: plan.job.model.clone(), gpu_hours: run.gpu_hours, cost })
        });
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            cluster: cluster.name.clone(),
            pools: cluster.pools.iter().map(pool).collect::<Priced<_>>()?,
            runs: runs.collect(),
            bill: Bill::of(cluster, catalog),
        })
    }
}

fn purchase(exchange: Exchange<'_>, owned: &OwnedCost, budget: Money) -> Priced<Purchase> {
    let missing =
        || MissingPrice::new("a GPU that is bought", "a cluster that is rented or leased buys none; change `cost.method`");
    let each = owned.capital_per_gpu.ok_or_else(missing)?;
    Ok(buy(exchange.usd(budget)?, each.value, owned.largest_power, exchange.cluster.power.site_limit))
}

fn work_cost(pool: &Pool, owned: &OwnedCost, work: Flop, mfu: f64) -> Option<WorkCost> {
    let peak = pool.accelerator.peak.bf16.or(pool.accelerator.peak.fp16)?;
    let gpu_hours = work::gpu_hours(work, peak, mfu);
    Some(WorkCost { work, peak, mfu, gpu_hours, total: owned.good_gpu_hour.map(|price| gpu_hours * price) })
}
