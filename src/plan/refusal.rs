//! Why there is no plan: what is wrong with the job, or what its layouts lack.

use super::feasible;
use crate::diagnostic::{Code, Diagnostic};
use crate::search::{Search, Space};
use crate::spec::{Cluster, Job, Workload};
use crate::step::Setup;
use crate::units::Batch;

/// Layouts that are asked why they are not legal.
const MOST_EXAMPLES: usize = 20_000;

/// Why there is no plan.
#[derive(Debug)]
pub enum Refusal {
    /// The input is wrong.
    Input(Vec<Diagnostic>),
    /// The input is right, and the answer is no.
    No(Box<Diagnostic>),
}

/// Says why no layout was found: what is not legal about the nearest one, or how much memory it lacks.
pub(super) fn refuse(
    cluster: &Cluster,
    setup: &Setup<'_>,
    space: &Space,
    found: &Search,
    (workload, job): (&Workload, &Job),
) -> Refusal {
    let gpus = setup.pool.gpus();
    if let Some((strategy, memory)) = found.nearest {
        let capacity = setup.costs(&strategy).fullest().of;
        let message = format!("no layout of `{}` fits in {capacity:#} per GPU: the nearest needs {memory:#}", job.name);
        let error = workload
            .error(job, if found.account.layouts == 1 { "parallelism" } else { "model" }, Code::NoLayout, message)
            .note(format!("nearest: {}", strategy.describe()))
            .help(feasible::nearest(cluster, setup, space));
        return Refusal::No(Box::new(error));
    }
    let families = space.families(&setup.model, setup.computation.sequence, gpus, setup.pool.domain());
    let examples = || families.iter().flat_map(|family| space.examples(family, setup.model.layers));
    // One mistake is as few as there can be; of many layouts with several, the first ones are as telling as any.
    let single = examples().map(|s| setup.violations(&s)).take(MOST_EXAMPLES).find(|found| found.len() == 1);
    let nearest = single.or_else(|| examples().take(MOST_EXAMPLES).map(|s| setup.violations(&s)).min_by_key(Vec::len));
    let errors = match nearest {
        Some(nearest) => nearest
            .into_iter()
            .map(|violation| {
                let error = workload.error(job, violation.field, violation.code, violation.message).help(violation.help);
                match &setup.order {
                    Some(order) if violation.code == Code::OrderShape => order.shown(error),
                    _ => error,
                }
            })
            .collect(),
        None => vec![no_batch(job, workload, gpus)],
    };
    Refusal::Input(errors)
}

fn no_batch(job: &Job, workload: &Workload, gpus: u32) -> Diagnostic {
    let p = &job.parallelism;
    let at_once = u64::from(p.dp.unwrap_or(1)) * u64::from(p.microbatch.unwrap_or(1));
    let replica = u64::from(p.tp.unwrap_or(1)) * u64::from(p.cp.unwrap_or(1)) * u64::from(p.pp.unwrap_or(1));
    if replica > u64::from(gpus) {
        let message = format!("one replica needs {replica} GPUs, the pool has {gpus}");
        return workload.error(job, "parallelism", Code::GpuCount, message).help(format!("use tp x cp x pp of at most {gpus}"));
    }
    let (message, help) = match job.batch {
        Batch::Sequences(n) => (
            format!("{n} sequences are not a multiple of what {} replicas take at once ({at_once})", p.dp.unwrap_or(1)),
            format!("use a multiple of {at_once}, for example `{} sequences`", (u64::from(n) / at_once).max(1) * at_once),
        ),
        Batch::Tokens(tokens) => {
            let least = at_once as f64 * f64::from(job.sequence);
            (
                format!("{tokens} are not within 5 % of whole microbatches of {at_once} sequences ({least:.0} tokens)"),
                if tokens.get() < least {
                    format!("use about {least:.0} tokens or more, or fewer replicas")
                } else {
                    format!("use a multiple of {least:.0} tokens that is not far above it")
                },
            )
        }
    };
    workload.error(job, "global-batch", Code::BatchDivisibility, message).help(help)
}
