//! What a plan rests on that nobody measured.

use serde::Serialize;

use crate::catalog::{Provenance, Sourced};
use crate::economics::{CostEstimate, OwnedCost};
use crate::run::RunEstimate;
use crate::run::power::WAITING;
use crate::spec::Cluster;
use crate::step::memory::RESERVE;
use crate::step::{Setup, StepEstimate};

/// One figure that is assumed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assumption {
    /// What it is.
    pub what: String,
    /// Its value.
    pub value: String,
    /// Why it is so.
    pub why: String,
}

pub(super) fn collect(
    cluster: &Cluster,
    setup: &Setup<'_>,
    step: &StepEstimate,
    (run, cost): (Option<&RunEstimate>, Option<&CostEstimate>),
) -> Vec<Assumption> {
    let mut found = Vec::new();
    let interval = super::interval(setup, step.gpus);
    if let Some(why) = interval.thin {
        let value = format!("a factor of {:.2}", interval.ninety.exp());
        found.push(Assumption { what: "interval of the step time".to_owned(), value, why });
    }
    let mut add = |what: &str, value: String, why: &str| {
        found.push(Assumption { what: what.to_owned(), value, why: why.to_owned() });
    };
    if let Some(price) = cost.and_then(|cost| cost.gpu_hour.as_ref()).filter(|price| price.provenance == Provenance::Assumed) {
        add("GPU-hour price", price.value.to_string(), &price.source);
    }
    for figure in cost.and_then(|cost| cost.owned.as_ref()).into_iter().flat_map(OwnedCost::assumed) {
        add(figure.what, figure.value.clone(), &figure.source);
    }
    let mut share = |what: &str, figure: &Sourced<f64>| {
        if figure.provenance == Provenance::Assumed {
            add(what, format!("{:.0} %", figure.value * 100.0), &figure.source);
        }
    };
    for own in setup.sides() {
        share("matmul share of peak", &own.device.linear.share);
        share("memory bandwidth share", &own.device.memory.efficiency);
    }
    if run.is_some_and(|run| run.pools.iter().any(|pool| pool.node_power.parts.is_some())) {
        share(
            "power of GPUs that wait",
            &Sourced::new(WAITING, Provenance::Assumed, "of that added by computing: they poll and copy"),
        );
    }
    if run.is_none_or(|run| run.pools.iter().any(|pool| pool.node_power.parts.is_none())) {
        share("share of node power drawn in training", &cluster.power.load_factor);
    }
    if cluster.power.pue.provenance == Provenance::Assumed {
        add("PUE", cluster.power.pue.value.to_string(), &cluster.power.pue.source);
    }
    add("memory reserve", format!("{RESERVE:#}"), "driver, communication buffers, workspaces");
    for pool in setup.sides().map(|own| own.pool) {
        for field in ["memory", "memory-bandwidth", "peak", "tdp", "scale-up"] {
            let figure = pool.accelerator_figure(field, ());
            if figure.provenance == Provenance::Assumed {
                add(&format!("{} {field}", pool.accelerator.name), "catalogue".into(), "not seen in a source");
            }
        }
        if pool.max_power.provenance == Provenance::Assumed {
            add("node power", pool.max_power.value.to_string(), &pool.max_power.source);
        }
    }
    if step.strategy.ep > 1 {
        add("expert load", "balanced".into(), "every expert gets the same number of tokens");
    }
    if let Some(run) = run {
        found.extend(interruptions(cluster, run));
        if run.carbon.location.is_some() {
            let (embodied, life) = (&setup.pool.embodied_carbon, &setup.pool.service_life);
            found.extend(shown("carbon of a GPU's making", embodied, embodied.value.to_string()));
            found.extend(shown("service life", life, life.value.to_string()));
        }
    }
    found
}

/// What is assumed of failures, checkpoints and repairs.
fn interruptions(cluster: &Cluster, run: &RunEstimate) -> Vec<Assumption> {
    let (reliability, checkpoint) = (&cluster.reliability, &run.checkpoint);
    [
        shown("failures", &run.failures.node_rate, run.failures.node_rate.value.to_string()),
        shown("restart", &reliability.restart, reliability.restart.value.to_string()),
        shown("checkpoint bandwidth", &checkpoint.write_bandwidth, checkpoint.write_bandwidth.value.to_string()),
        shown("repair", &run.spares.repair, run.spares.repair.value.to_string()),
        shown("correlation of outages", &run.spares.correlation, run.spares.correlation.value.to_string()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A figure, where it is assumed.
fn shown<T>(what: &str, figure: &Sourced<T>, value: String) -> Option<Assumption> {
    (figure.provenance == Provenance::Assumed).then(|| Assumption { what: what.to_owned(), value, why: figure.source.clone() })
}
