//! What changed, for machines: every figure before and after in base units, every cause with its parts.

use serde_json::{Map, Value, json};

use super::place;
use crate::diff::{Against, Cause, Diff, Figure, PairDiff, Verdict};
use crate::estimate::{Origin, rounded};

/// Version of this form.
const SCHEMA_VERSION: u32 = 1;

/// What changed as JSON.
#[must_use]
pub fn diff_json(diff: &Diff) -> Value {
    let against = match &diff.against {
        Against::Baseline { file, planner } => json!({ "baseline": file, "planner": planner }),
        Against::Revision(name) => json!({ "revision": name }),
    };
    json!({
        "format": "planner-diff",
        "schema_version": SCHEMA_VERSION,
        "planner": Origin::own(),
        "tree": diff.tree,
        "against": against,
        "holds": diff.holds(),
        "pairs": diff.pairs.iter().map(pair).collect::<Vec<_>>(),
        "policies": diff.verdicts.iter().map(verdict).collect::<Vec<_>>(),
    })
}

fn pair(pair: &PairDiff) -> Value {
    let deltas = pair.deltas.iter().map(|delta| {
        let value = |value: Option<f64>| value.map(rounded);
        (
            key(delta.figure),
            json!({ "old": delta.old, "new": delta.new, "by": value(delta.by()), "share": value(delta.share()) }),
        )
    });
    json!({
        "pair": pair.pair,
        "renamed_from": pair.renamed_from,
        "state": pair.state,
        "currency": pair.currency.code(),
        "changed": deltas.collect::<Map<_, _>>(),
        "causes": pair.causes.iter().map(|cause| self::cause(pair, cause)).collect::<Vec<_>>(),
        "old_layout": pair.old_estimate().map(|estimate| &estimate.step.layout),
        "new_layout": pair.new_estimate().map(|estimate| &estimate.step.layout),
        "refusal": pair.refused(),
    })
}

fn cause(pair: &PairDiff, cause: &Cause) -> Value {
    let parts = cause.parts.iter().map(|(figure, by)| (key(*figure), json!(rounded(*by))));
    json!({
        "about": cause.about,
        "changes": cause.changes.iter().map(|change| &change.edit).collect::<Vec<_>>(),
        "told": cause.told(pair.origin.as_ref()),
        "place": pair.place_of(cause).map(|label| place(&label)),
        "parts": parts.collect::<Map<_, _>>(),
    })
}

fn verdict(verdict: &Verdict) -> Value {
    let error = verdict.broken.as_ref();
    json!({
        "policy": verdict.policy,
        "level": verdict.level,
        "pair": verdict.pair,
        "holds": error.is_none(),
        "code": error.map(|error| error.code.as_str()),
        "message": error.map(|error| &error.message),
        "place": error.and_then(|error| error.place()).map(place),
    })
}

/// The key of a figure, with its unit.
fn key(figure: Figure) -> String {
    match figure {
        Figure::Cost => "cost",
        Figure::Electricity => "electricity",
        Figure::RunTime => "run_time_s",
        Figure::StepTime => "step_time_s",
        Figure::Mfu => "mfu",
        Figure::TokensPerSecond => "tokens_per_s",
        Figure::Goodput => "goodput",
        Figure::Energy => "energy_j",
        Figure::SitePower => "site_power_w",
        Figure::Carbon => "carbon_g",
        Figure::Memory => "memory_bytes",
        Figure::Gpus => "gpus",
        Figure::Compute => "compute_s",
        Figure::Recompute => "recompute_s",
        Figure::TensorParallel => "tensor_parallel_s",
        Figure::ContextParallel => "context_parallel_s",
        Figure::ExpertParallel => "expert_parallel_s",
        Figure::DataParallel => "data_parallel_s",
        Figure::PipelineTransfers => "pipeline_parallel_s",
        Figure::PipelineBubble => "bubble_s",
        Figure::Optimizer => "optimizer_s",
    }
    .to_owned()
}
