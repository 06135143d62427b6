//! A job on one pool of the cluster: the pool that it names or the strongest, its data type, its model, its order.

use std::sync::Arc;

use super::Refusal;
use crate::calibration::Calibration;
use crate::catalog::Peak;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::parallel::LayerSplit;
use crate::search::Space;
use crate::spec::{Cluster, Job, Pool, Precision, Workload};
use crate::step::{Order, Setup, SetupError};
use crate::topology::Topology;

/// The job on the pool that it names, or on the one with the most FLOP/s.
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
    let input = |error: Diagnostic| Refusal::Input(vec![error]);
    let index = match &job.pool {
        Some(name) => cluster.pools.iter().position(|pool| pool.name == *name).ok_or_else(|| {
            let names: Vec<&str> = cluster.pools.iter().map(|pool| pool.name.as_str()).collect();
            let message = format!("cluster `{}` has no pool {}", cluster.name, quoted(name));
            input(workload.error(job, "pool", Code::UnknownPool, message).help(format!("its pools: `{}`", names.join("`, `"))))
        })?,
        None => strongest(&cluster.pools, job.precision),
    };
    let peak = &cluster.pools[index].accelerator.peak;
    let precision = job.precision.unwrap_or(default_precision(peak));
    let computation = job.computation(precision);
    let setup = Setup::new((cluster, index), topology, calibration, &job.model, computation).map_err(|error| match error {
        SetupError::Model(ref inner) => {
            let message = format!("model `{}`: {inner}", job.model.name);
            let field = format!("model.{}", inner.field);
            input(workload.error(job, &field, Code::ModelConfigValue, message).help(inner.help.clone()))
        }
        SetupError::Precision { .. } => {
            let field = if job.precision.is_some() { "precision" } else { "name" };
            let have = Precision::ALL.iter().filter(|precision| precision.peak(peak).is_some());
            let have: Vec<&str> = have.map(|precision| precision.as_str()).collect();
            input(
                workload
                    .error(job, field, Code::UnsupportedDataType, error.to_string())
                    .help(format!("it has: {}", have.join(", "))),
            )
        }
    })?;
    let order = match &job.order {
        Some(source) => {
            Some(Arc::new(Order::read(source).map_err(|error| input(workload.also(job, "parallelism.order", *error)))?))
        }
        None => None,
    };
    Ok(Setup { layers: LayerSplit::of(&job.parallelism), order, ..setup })
}

/// The data type of a job that names none.
pub(super) fn default_precision(peak: &Peak) -> Precision {
    match (peak.bf16, peak.fp16) {
        (Some(_), _) => Precision::Bf16,
        (None, Some(_)) => Precision::Fp16,
        (None, None) => Precision::Tf32,
    }
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
    Space { microbatches, ..Space::new(&setup.computation, job.batch, fixed) }
}

fn strongest(pools: &[Pool], precision: Option<Precision>) -> usize {
    let rate = |pool: &Pool| {
        let peak = &pool.accelerator.peak;
        let rate = precision.map_or(peak.bf16.or(peak.fp16), |precision| precision.peak(peak));
        rate.map_or(0.0, |rate| rate.get() * f64::from(pool.gpus()))
    };
    (0..pools.len()).fold(0, |best, i| if rate(&pools[i]) > rate(&pools[best]) { i } else { best })
}
