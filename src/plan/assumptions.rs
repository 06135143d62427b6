//! What a plan rests on that nobody measured.

use serde::Serialize;

use crate::catalog::{Provenance, Sourced};
use crate::economics::{CostEstimate, OwnedCost};
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
    cost: Option<&CostEstimate>,
) -> Vec<Assumption> {
    let mut found = Vec::new();
    let interval = setup.calibration.training().interval(&setup.pool.accelerator.name, &setup.computation, step.gpus);
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
    share("matmul share of peak", &setup.device.linear.share);
    share("memory bandwidth share", &setup.device.memory.efficiency);
    share("share of node power drawn in training", &cluster.power.load_factor);
    if cluster.power.pue.provenance == Provenance::Assumed {
        add("PUE", cluster.power.pue.value.to_string(), &cluster.power.pue.source);
    }
    add("memory reserve", format!("{RESERVE:#}"), "driver, communication buffers, workspaces");
    for field in ["memory", "memory-bandwidth", "peak", "tdp", "scale-up"] {
        let figure = setup.pool.accelerator_figure(field, ());
        if figure.provenance == Provenance::Assumed {
            add(&format!("{} {field}", setup.pool.accelerator.name), "catalogue".into(), "not seen in a source");
        }
    }
    if setup.pool.max_power.provenance == Provenance::Assumed {
        add("node power", setup.pool.max_power.value.to_string(), &setup.pool.max_power.source);
    }
    if step.strategy.ep > 1 {
        add("expert load", "balanced".into(), "every expert gets the same number of tokens");
    }
    found
}
