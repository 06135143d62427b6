//! What better hardware would be worth: a tenth more and a tenth less of each of its parts, the layouts searched anew.

use serde::Serialize;

use crate::calibration::Calibration;
use crate::parallel::Strategy;
use crate::plan::contest::Entry;
use crate::plan::{Plan, names, setup_calibrated};
use crate::search::{Found, Wanted, search};
use crate::spec::{Cluster, Job, Pool, Workload};
use crate::topology::Topology;
use crate::units::Money;

/// The change that is tried.
const TENTH: f64 = 0.1;

/// A part of the hardware, moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lever {
    /// The part.
    pub what: &'static str,
    /// What there is of it.
    pub now: String,
    /// With a tenth more of it.
    pub more: Option<Effect>,
    /// With a tenth less; nothing when no layout fits then.
    pub less: Option<Effect>,
    /// What a tenth more saves over the run, for each accelerator of the job: what it may cost at most.
    pub worth: Option<Money>,
}

/// What a move does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Effect {
    /// The goal (time, GPU-hours or energy per token) over what it is now, less one.
    pub by: f64,
    /// GPU-hours per token over what they are now, less one.
    pub dearer_by: f64,
    /// The best layout then, where it is another.
    pub other: Option<Strategy>,
}

/// A part: its name, what there is of it in a pool, and how it is scaled there.
type Part = (&'static str, fn(&Pool) -> Option<String>, fn(&mut Pool, f64));

const NETWORK: &str = "network bandwidth";

const PARTS: [Part; 5] = [
    ("matmul rate", matmul, |pool, by| {
        let peak = &mut pool.accelerator.peak;
        for rate in
            [&mut peak.fp32, &mut peak.tf32, &mut peak.bf16, &mut peak.fp16, &mut peak.fp8, &mut peak.int8, &mut peak.fp4]
        {
            *rate = rate.map(|rate| rate * by);
        }
    }),
    (
        "memory",
        |pool| Some(format!("{:#}", pool.accelerator.memory)),
        |pool, by| pool.accelerator.memory = pool.accelerator.memory * by,
    ),
    (
        "memory bandwidth",
        |pool| Some(pool.accelerator.memory_bandwidth.to_string()),
        |pool, by| pool.accelerator.memory_bandwidth = pool.accelerator.memory_bandwidth * by,
    ),
    ("scale-up bandwidth", scale_up, |pool, by| {
        let scale_up = &mut pool.accelerator.scale_up;
        scale_up.bandwidth = scale_up.bandwidth * by;
        scale_up.pair_bandwidth = scale_up.pair_bandwidth.map(|bandwidth| bandwidth * by);
    }),
    (NETWORK, network, |pool, by| {
        if let Some(nics) = &mut pool.nics {
            nics.value.rate = nics.value.rate * by;
        }
    }),
];

fn matmul(pool: &Pool) -> Option<String> {
    let peak = &pool.accelerator.peak;
    peak.bf16.or(peak.fp16).or(peak.tf32).map(|rate| rate.to_string())
}

fn scale_up(pool: &Pool) -> Option<String> {
    (pool.gpus_per_node > 1).then(|| pool.accelerator.scale_up.bandwidth.to_string())
}

fn network(pool: &Pool) -> Option<String> {
    let nics = pool.nics.as_ref().filter(|_| pool.nodes > 1)?;
    Some(format!("{} x {}", nics.value.count, nics.value.rate))
}

/// Every part, moved both ways.
pub(super) fn levers(
    cluster: &Cluster,
    (workload, job): (&Workload, &Job),
    calibration: &Calibration,
    (winner, plan): (&Entry<'_>, &Plan),
) -> Vec<Lever> {
    let Some(best) = winner.found.best.first() else { return Vec::new() };
    let moved = |(what, _, scale): &Part, by: f64| {
        let mut other = cluster.clone();
        for own in winner.setup.sides() {
            scale(&mut other.pools[own.pool_index], by);
        }
        // Switches follow the ports of the nodes, or these would not fit them.
        if let Some(fabric) = other.fabric.as_mut().filter(|_| *what == NETWORK) {
            fabric.port_rate = fabric.port_rate * by;
        }
        let topology = Topology::new(&other);
        let setup = setup_calibrated(&other, &topology, workload, job, calibration).ok()?;
        let found = search(&setup, &winner.space, &Wanted { top: 1, ..winner.wanted.clone() }).best.into_iter().next()?;
        let other = (found.strategy != best.strategy).then_some(found.strategy);
        let hours = |found: &Found| found.time_per_sequence() * found.strategy.gpus() as f64;
        let dearer_by = hours(&found) / hours(best) - 1.0;
        Some(Effect { by: winner.score_of(&found) / winner.score_of(best) - 1.0, dearer_by, other })
    };
    let total = plan.cost.as_ref().and_then(|cost| cost.total);
    let lever = |part: &Part| {
        let (what, now, _) = part;
        let now = names(winner.setup.sides().map(|own| now(own.pool)).collect::<Option<Vec<_>>>()?.iter().map(String::as_str));
        let more = moved(part, 1.0 + TENTH);
        let worth = total.zip(more).map(|(total, more)| total * ((-more.dearer_by).max(0.0) / best.strategy.gpus() as f64));
        Some(Lever { what, now, more, less: moved(part, 1.0 - TENTH), worth })
    };
    PARTS.iter().filter_map(lever).collect()
}
