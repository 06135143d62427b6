//! What a plan rests on that nobody measured.

use serde::Serialize;

use crate::catalog::{Provenance, Sourced};
use crate::economics::CostEstimate;
use crate::spec::Cluster;
use crate::step::kernel::Device;
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
    let like_the_runs = setup.pool.accelerator.name.starts_with("a100") && setup.precision != crate::spec::Precision::Fp8;
    if !like_the_runs {
        found.push(Assumption {
            what: "interval of the step time".to_owned(),
            value: format!("± {:.0} %", super::STEP_TIME_ERROR * 100.0),
            why: "from runs on A100 in FP16; no run on this accelerator and type has been compared".to_owned(),
        });
    }
    let mut add = |what: &str, value: String, why: &str| {
        found.push(Assumption { what: what.to_owned(), value, why: why.to_owned() });
    };
    if let Some(price) = cost.and_then(|cost| cost.gpu_hour.as_ref()).filter(|price| price.provenance == Provenance::Assumed) {
        add("GPU-hour price", price.value.to_string(), &price.source);
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
    if setup.attention == crate::spec::AttentionKernel::Flash {
        let figure = Device::attention_share();
        add(
            "fused attention share of peak",
            format!("{:.0} % forward, {:.0} % backward", figure.value[0] * 100.0, figure.value[1] * 100.0),
            &figure.source,
        );
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
