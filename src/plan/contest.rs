//! Pools and data types that a job leaves open: the layouts of each are searched, and the best of all is planned.

use serde::Serialize;

use super::place::{default_precision, space};
use super::{Refusal, Request, setup_calibrated};
use crate::calibration::Calibration;
use crate::catalog::{Catalog, Peak};
use crate::economics::usd_per_gpu_hour;
use crate::parallel::Strategy;
use crate::run::{Resilience, node_power};
use crate::search::{Found, Objective, Progress, Search, Space, Wanted, search_watched};
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
            let most_gpus = request.most_gpus(cluster, setup.pool, workload, job)?;
            let space = Space { any_schedule: request.any_schedule, most_gpus, ..space(&setup, job) };
            let wanted = request.wanted(job, Resilience::new(cluster, &setup));
            let found = search_watched(&setup, &space, &wanted, watch);
            let weight = weight(request.objective, cluster, &setup, catalog);
            Ok::<_, Refusal>(Entry { setup, space, wanted, found, weight })
        };
        let mut winner = entry(setup_calibrated(cluster, topology, workload, job, calibration)?)?;
        // A pool without the data type, or of which the power cap allows no node, is no contender.
        let mut others: Vec<Entry<'a>> = variants(cluster, job, &winner.setup, request.any_precision)
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
                pool: entry.setup.pool.name.clone(),
                accelerator: entry.setup.pool.accelerator.title.clone(),
                precision: entry.setup.computation.precision,
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

/// The job in every data type and on every pool that it leaves open, but for the one that is placed already.
fn variants(cluster: &Cluster, job: &Job, placed: &Setup<'_>, any_precision: bool) -> Vec<Job> {
    let pools = cluster.pools.iter().filter(|pool| job.pool.is_none() || pool.name == placed.pool.name);
    let on = |pool: &Pool| -> Vec<Job> {
        let precisions: Vec<Precision> = match job.precision {
            Some(precision) => vec![precision],
            None if any_precision => {
                Precision::ALL.into_iter().filter(|precision| trains_in(*precision, &pool.accelerator.peak)).collect()
            }
            None => vec![default_precision(&pool.accelerator.peak)],
        };
        let job = |precision| Job { pool: Some(pool.name.clone()), precision: Some(precision), ..job.clone() };
        precisions
            .into_iter()
            .filter(|p| pool.name != placed.pool.name || *p != placed.computation.precision)
            .map(job)
            .collect()
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

fn weight(objective: Objective, cluster: &Cluster, setup: &Setup<'_>, catalog: &Catalog) -> f64 {
    match objective {
        Objective::Time => 1.0,
        Objective::Energy => node_power(cluster, setup.pool).get(),
        Objective::Cost | Objective::Deadline => usd_per_gpu_hour(cluster, setup.pool, catalog).unwrap_or(f64::INFINITY),
    }
}
