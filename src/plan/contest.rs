//! Pools and data types that a job leaves open: the layouts of each are searched, and the best of all is planned.

use serde::Serialize;

use super::overlap::Overlap;
use super::place::{default_precision, space};
use super::{Refusal, Request, names, setup_calibrated};
use crate::calibration::Calibration;
use crate::catalog::{Catalog, Peak};
use crate::economics::usd_per_gpu_hour;
use crate::parallel::Strategy;
use crate::run::{Resilience, node_power};
use crate::search::{Beside, Found, Objective, Progress, Search, Space, Wanted, search_watched};
use crate::spec::{Cluster, Computation, Job, Pool, Precision, Workload};
use crate::step::Setup;
use crate::topology::Topology;

/// Another pool or data type that the job could run on or in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contender {
    /// The pool.
    pub pool: String,
    /// Its accelerator.
    pub accelerator: String,
    /// Data type of the matmuls.
    pub precision: Precision,
    /// What runs behind computation, where that was open.
    #[serde(flatten)]
    pub overlap: Overlap,
    /// The best layout there; none when no layout fits, or none as asked.
    pub strategy: Option<Strategy>,
    /// Time per token over the plan's, minus one.
    pub slower_by: Option<f64>,
}

/// A job on one pool in one data type, its layouts searched.
pub(super) struct Entry<'a> {
    pub(super) setup: Setup<'a>,
    pub(super) space: Space,
    pub(super) wanted: Wanted,
    pub(super) found: Search,
    /// What runs behind computation, where that is open.
    pub(super) overlap: Overlap,
    /// What a score weighs here: layouts of one pool are compared in GPU-hours and nodes, pools in money and power.
    weight: f64,
}

/// All of them.
pub(super) struct Contest<'a> {
    /// The best; where no entry has a layout, the one that the job would take if it were the only one.
    winner: Entry<'a>,
    /// The others.
    others: Vec<Entry<'a>>,
}

impl<'a> Contest<'a> {
    /// Searches every pool and data type that the job leaves open.
    ///
    /// # Errors
    /// What is wrong with the job on the pool that it would take first, or what no layout can keep to.
    pub(super) fn new(
        (cluster, topology): (&'a Cluster, &'a Topology),
        (workload, job): (&Workload, &Job),
        catalog: &Catalog,
        calibration: &'a Calibration,
        (request, watch): (&Request, &dyn Fn(Progress)),
    ) -> Result<Self, Refusal> {
        let entry = |setup: Setup<'a>| {
            let most_nodes = request.most_nodes(cluster, &setup, (workload, job))?;
            let whole = |nodes: f64| nodes.floor().min(f64::from(setup.pool.nodes)) as u32 * setup.pool.gpus_per_node;
            let most_gpus = most_nodes.filter(|_| setup.second.is_none()).map(whole);
            let space = Space { any_schedule: request.any_schedule, most_gpus, ..space(&setup, job) };
            let beside = setup
                .second
                .as_ref()
                .map(|second| Beside { most_nodes, ..beside(cluster, [setup.pool, second.pool], catalog) });
            let wanted = Wanted { beside, ..request.wanted(job, Resilience::new(cluster, &setup)) };
            let found = search_watched(&setup, &space, &wanted, watch);
            let weight = weight(request.objective, cluster, &setup, catalog);
            let overlap = if request.any_overlap { Overlap::open(job, &setup.computation) } else { Overlap::default() };
            Ok::<_, Refusal>(Entry { setup, space, wanted, found, overlap, weight })
        };
        let mut winner = entry(setup_calibrated(cluster, topology, workload, job, calibration)?)?;
        // A pool without the data type, or of which the power cap allows no node, is no contender.
        let mut others: Vec<Entry<'a>> = variants(cluster, job, &winner, request)
            .iter()
            .filter_map(|other| entry(setup_calibrated(cluster, topology, workload, other, calibration).ok()?).ok())
            .collect();
        // Where not every pool has a price, GPU-hours are compared.
        let priced = winner.weight.is_finite() && others.iter().all(|other| other.weight.is_finite());
        let score = |entry: &Entry<'_>| entry.score() * if priced { entry.weight } else { 1.0 };
        if let Some(better) =
            others.iter_mut().min_by(|a, b| score(a).total_cmp(&score(b))).filter(|best| score(best) < score(&winner))
        {
            std::mem::swap(better, &mut winner);
        }
        others.sort_by(|a, b| score(a).total_cmp(&score(b)));
        Ok(Self { winner, others })
    }

    pub(super) fn winner(&self) -> &Entry<'a> {
        &self.winner
    }

    /// How those that were not chosen compare with `best`, the layout of the first.
    pub(super) fn contenders(&self, best: &Found) -> Vec<Contender> {
        let of = |entry: &Entry<'_>| {
            let found = entry.found.best.first();
            Contender {
                pool: names(entry.setup.sides().map(|own| own.pool.name.as_str())),
                accelerator: names(entry.setup.sides().map(|own| own.pool.accelerator.title.as_str())),
                precision: entry.setup.computation.precision,
                overlap: entry.overlap,
                strategy: found.map(|found| found.strategy),
                slower_by: found.map(|found| found.time_per_sequence() / best.time_per_sequence() - 1.0),
            }
        };
        self.others.iter().map(of).collect()
    }
}

impl Entry<'_> {
    /// How good the best layout is: less is better.
    fn score(&self) -> f64 {
        self.found.best.first().map_or(f64::INFINITY, |best| self.score_of(best))
    }

    /// How good a layout is.
    pub(super) fn score_of(&self, found: &Found) -> f64 {
        let Computation { sequence, .. } = self.setup.computation;
        self.wanted.score(&found.strategy, found.step_time, sequence, self.setup.pool.gpus_per_node)
    }
}

/// The job in every data type, with every overlap and on every pool that it leaves open, but for the one that is placed already.
fn variants(cluster: &Cluster, job: &Job, first: &Entry<'_>, request: &Request) -> Vec<Job> {
    let placed = &first.setup;
    let fixed = job.pool.is_some() || job.pools.is_some();
    let pools = cluster.pools.iter().filter(|pool| !fixed || pool.name == placed.pool.name);
    let on = |pool: &Pool| -> Vec<Job> {
        let behind = placed.second.as_ref().map(|second| second.pool);
        let peaks: Vec<&Peak> = std::iter::once(pool).chain(behind).map(|pool| &pool.accelerator.peak).collect();
        let precisions: Vec<Precision> = match job.precision {
            Some(precision) => vec![precision],
            None if request.any_precision => {
                let all = |precision: &Precision| peaks.iter().all(|peak| trains_in(*precision, peak));
                Precision::ALL.into_iter().filter(all).collect()
            }
            None => vec![default_precision(&peaks)],
        };
        let alone = job.pools.is_none().then(|| pool.name.clone());
        let with = |precision: Precision| {
            let job = Job { pool: alone.clone(), precision: Some(precision), ..job.clone() };
            first.overlap.variants().into_iter().map(move |overlap| overlap.fixed(&job))
        };
        let other = |job: &Job| {
            let computation = job.precision.map(|precision| job.computation(precision));
            pool.name != placed.pool.name || computation != Some(placed.computation)
        };
        precisions.into_iter().flat_map(with).filter(other).collect()
    };
    pools.flat_map(on).collect()
}

/// Whether models are trained in a type on an accelerator: block-scaled types came with the units for four bits, and no framework
/// trains in integers.
fn trains_in(precision: Precision, peak: &Peak) -> bool {
    match precision {
        Precision::Int8 => false,
        Precision::Mxfp8 => peak.fp4.is_some(),
        _ => precision.peak(peak).is_some(),
    }
}

/// What the second pool weighs. Where not both have a price, GPU-hours are compared.
fn beside(cluster: &Cluster, [first, second]: [&Pool; 2], catalog: &Catalog) -> Beside {
    let price = |pool| usd_per_gpu_hour(cluster, pool, catalog);
    Beside {
        gpus_per_node: second.gpus_per_node,
        price: price(second).zip(price(first)).map_or(1.0, |(second, first)| second / first),
        power: node_power(cluster, second) / node_power(cluster, first),
        most_nodes: None,
    }
}

fn weight(objective: Objective, cluster: &Cluster, setup: &Setup<'_>, catalog: &Catalog) -> f64 {
    match objective {
        Objective::Time => 1.0,
        Objective::Energy => node_power(cluster, setup.pool).get(),
        Objective::Cost | Objective::Deadline => usd_per_gpu_hour(cluster, setup.pool, catalog).unwrap_or(f64::INFINITY),
    }
}
