//! A job on a pool of the cluster, or on two: those that it names or the strongest, its data type, its model, its order.

use std::sync::Arc;

use super::Refusal;
use crate::calibration::Calibration;
use crate::catalog::Peak;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::parallel::LayerSplit;
use crate::search::{SecondPool, Space};
use crate::spec::{Cluster, Job, Pool, Precision, Workload};
use crate::step::{Order, Setup, SetupError};
use crate::topology::Topology;

/// The job on the pool or the two that it names, or on the one with the most FLOP/s.
///
/// # Errors
/// When the pool is unknown, the model inconsistent, or the data type not one of the accelerator's.
pub fn setup<'a>(cluster: &'a Cluster, topology: &'a Topology, workload: &Workload, job: &Job) -> Result<Setup<'a>, Refusal> {
    setup_calibrated(cluster, topology, workload, job, Calibration::defaults())
}

/// The same with other efficiencies than the defaults.
///
/// # Errors
/// As [`setup`].
pub fn setup_calibrated<'a>(
    cluster: &'a Cluster,
    topology: &'a Topology,
    workload: &Workload,
    job: &Job,
    calibration: &'a Calibration,
) -> Result<Setup<'a>, Refusal> {
    let (first, second) = places(cluster, workload, job)?;
    let peaks: Vec<&Peak> = std::iter::once(first).chain(second).map(|pool| &cluster.pools[pool].accelerator.peak).collect();
    let computation = job.computation(job.precision.unwrap_or(default_precision(&peaks)));
    let order = match &job.order {
        Some(source) => Some(Arc::new(Order::read(source).map_err(|e| input(workload.also(job, "parallelism.order", *e)))?)),
        None => None,
    };
    // Either side deals layers out and orders turns as the whole pipeline does.
    let on = |pool: usize| {
        let setup = Setup::new((cluster, pool), topology, calibration, &job.model, computation)
            .map_err(|error| refused(&error, &cluster.pools[pool], (workload, job)))?;
        Ok::<_, Refusal>(Setup { layers: LayerSplit::of(&job.parallelism), order: order.clone(), ..setup })
    };
    Ok(Setup { second: second.map(on).transpose()?.map(Box::new), ..on(first)? })
}

fn input(error: Diagnostic) -> Refusal {
    Refusal::Input(vec![error])
}

/// The pool that a job runs on, and the one that its pipeline passes to.
fn places(cluster: &Cluster, workload: &Workload, job: &Job) -> Result<(usize, Option<usize>), Refusal> {
    let named = |name: &str, field: &str| {
        cluster.pools.iter().position(|pool| pool.name == name).ok_or_else(|| {
            let names: Vec<&str> = cluster.pools.iter().map(|pool| pool.name.as_str()).collect();
            let message = format!("cluster `{}` has no pool {}", cluster.name, quoted(name));
            input(workload.error(job, field, Code::UnknownPool, message).help(format!("its pools: `{}`", names.join("`, `"))))
        })
    };
    Ok(match (&job.pools, &job.pool) {
        (Some([first, second]), _) => (named(first, "pools.0")?, Some(named(second, "pools.1")?)),
        (None, Some(name)) => (named(name, "pool")?, None),
        (None, None) => (strongest(&cluster.pools, job.precision), None),
    })
}

/// Why a job cannot be costed on a pool.
fn refused(error: &SetupError, pool: &Pool, (workload, job): (&Workload, &Job)) -> Refusal {
    match error {
        SetupError::Model(inner) => {
            let message = format!("model `{}`: {inner}", job.model.name);
            let field = format!("model.{}", inner.field);
            input(workload.error(job, &field, Code::ModelConfigValue, message).help(inner.help.clone()))
        }
        SetupError::Precision { .. } => {
            let field = if job.precision.is_some() { "precision" } else { "name" };
            let peak = &pool.accelerator.peak;
            let have = Precision::ALL.iter().filter(|precision| precision.peak(peak).is_some());
            let have: Vec<&str> = have.map(|precision| precision.as_str()).collect();
            let error = workload.error(job, field, Code::UnsupportedDataType, error.to_string());
            input(error.help(format!("it has: {}", have.join(", "))))
        }
    }
}

/// The data type of a job that names none: what all of its pools have.
pub(super) fn default_precision(peaks: &[&Peak]) -> Precision {
    let all = |precision: &Precision| peaks.iter().all(|peak| precision.peak(peak).is_some());
    [Precision::Bf16, Precision::Fp16].into_iter().find(all).unwrap_or(Precision::Tf32)
}

/// What the job fixes, by itself and by its order, and what is open.
pub(super) fn space(setup: &Setup<'_>, job: &Job) -> Space {
    let mut fixed = job.parallelism.clone();
    if let Some(order) = &setup.order {
        fixed.pp = fixed.pp.or(Some(order.shape.stages));
        fixed.vp = fixed.vp.or(Some(order.virtual_stages()));
        fixed.schedule = Some(order.kind());
    }
    let microbatches = setup.order.as_ref().map(|order| order.shape.microbatches);
    Space { microbatches, second: SecondPool::of(setup), ..Space::new(&setup.computation, job.batch, fixed) }
}

fn strongest(pools: &[Pool], precision: Option<Precision>) -> usize {
    let rate = |pool: &Pool| {
        let peak = &pool.accelerator.peak;
        let rate = precision.map_or(peak.bf16.or(peak.fp16), |precision| precision.peak(peak));
        rate.map_or(0.0, |rate| rate.get() * f64::from(pool.gpus()))
    };
    (0..pools.len()).fold(0, |best, i| if rate(&pools[i]) > rate(&pools[best]) { i } else { best })
}
