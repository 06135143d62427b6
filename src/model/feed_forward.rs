//! The feed-forward block, dense or of experts; the embedding; the output projection with its loss.

use super::attention::{norm, residual};
use super::{Architecture, LayerKind, Operator, Part, Shard};
use crate::spec::Precision;

pub(super) fn operators(model: &Architecture, kind: LayerKind, shard: &Shard) -> Vec<Operator> {
    let element = shard.precision.activation_bytes();
    let divided = shard.sequence_tokens() * f64::from(model.hidden);
    let mut out = Vec::new();
    if model.norms_per_layer >= 2 {
        out.push(norm("feed-forward norm", Part::FeedForward, divided, element));
    }
    for _ in 2..model.norms_per_layer {
        out.push(norm("further norm", Part::FeedForward, divided, element));
    }
    match (kind, model.moe) {
        (LayerKind::Moe, Some(moe)) => {
            out.extend(experts(model, moe, shard));
            if moe.shared_ffn > 0 {
                out.extend(dense(model, f64::from(moe.shared_ffn), shard, "shared expert"));
            }
        }
        _ => out.extend(dense(model, f64::from(model.ffn), shard, "feed-forward")),
    }
    out.push(residual("feed-forward residual", Part::FeedForward, divided, element, model.dropout));
    out
}

/// Up (and gate), activation, down, divided by tensor parallelism. Keeps 2·s·b·h + 8·s·b·h + 8·s·b·h bytes at f = 4h with GELU.
fn dense(model: &Architecture, ffn: f64, shard: &Shard, name: &'static str) -> Vec<Operator> {
    let h = f64::from(model.hidden);
    let f = ffn / f64::from(shard.tensor);
    let tokens = shard.tokens();
    let input = shard.kept_input(shard.sequence_tokens() * h);
    block(name, Part::FeedForward, model, [tokens, f, h], 1.0, shard, input)
}

/// Kernels of a router: cast, product, scores, top-k, scatter, histogram, cumulative sums, and the terms of the balancing loss.
const ROUTER_LAUNCHES: f64 = 12.0;
/// Kernels of a permutation: sort or scan, indices, row map, copy, and the exchange's own.
const PERMUTE_LAUNCHES: f64 = 4.0;

/// Router, permutation to and from the experts, and the experts themselves on `tokens · top-k / groups` rows each.
fn experts(model: &Architecture, moe: crate::catalog::Experts, shard: &Shard) -> Vec<Operator> {
    let h = f64::from(model.hidden);
    let element = shard.precision.activation_bytes();
    let divided = shard.sequence_tokens();
    let local = f64::from(moe.experts) / f64::from(shard.expert);
    // Balanced routing: each expert gets its share of what all ranks of the expert group send.
    let routed = expert_tokens(shard) * f64::from(moe.top_k);
    let rows = routed / local;
    let f = f64::from(moe.ffn) / f64::from(shard.expert_tensor);
    let moved = divided * f64::from(moe.top_k) * h * element;
    let mut out = vec![
        Operator::linear(
            "router",
            Part::Experts,
            [divided, f64::from(moe.experts), h],
            1.0,
            Precision::Tf32,
            divided * h * element,
        )
        .launching(ROUTER_LAUNCHES),
        Operator::stream("permute to experts", Part::Permutation, 2.0 * moved, 2.0 * moved, 0.0).launching(PERMUTE_LAUNCHES),
    ];
    out.extend(block("experts", Part::Experts, model, [rows, f, h], local, shard, shard.kept_input(routed * h)));
    out.push(
        Operator::stream(
            "combine from experts",
            Part::Permutation,
            2.0 * moved,
            2.0 * moved,
            if shard.keeping.weighs_inside { 0.0 } else { moved },
        )
        .launching(PERMUTE_LAUNCHES),
    );
    out
}

/// Tokens that one rank's experts serve, before top-k: what its group sends, evenly spread.
pub(super) fn expert_tokens(shard: &Shard) -> f64 {
    // With tensor-parallel experts every rank of the tensor group sees the group's tokens; with whole experts only its own.
    if shard.expert_tensor > 1 || shard.tensor == 1 { shard.tokens() } else { shard.tokens() / f64::from(shard.tensor) }
}

fn block(
    name: &'static str,
    part: Part,
    model: &Architecture,
    [rows, f, h]: [f64; 3],
    batch: f64,
    shard: &Shard,
    input: f64,
) -> Vec<Operator> {
    let element = shard.precision.activation_bytes();
    let width = f * f64::from(model.ffn_matrices() - 1);
    let all = rows * batch * element;
    let names = match name {
        "experts" => ["expert up projection", "expert activation", "expert down projection"],
        "shared expert" => ["shared expert up projection", "shared expert activation", "shared expert down projection"],
        _ => ["up projection", "activation", "down projection"],
    };
    vec![
        Operator::linear(names[0], part, [rows, width, h], batch, shard.precision, input),
        Operator::stream(
            names[1],
            part,
            all * (width + f),
            all * (2.0 * width + f),
            shard.kept_activation(rows * batch * width),
        ),
        Operator::linear(names[2], part, [rows, h, f], batch, shard.precision, shard.kept_input(rows * batch * f)),
    ]
}

pub(super) fn embedding(model: &Architecture, shard: &Shard) -> Vec<Operator> {
    let element = shard.precision.activation_bytes();
    let elements = shard.sequence_tokens() * f64::from(model.hidden);
    let mask = if model.dropout { elements } else { 0.0 };
    // Backward scatters the gradient into the table in 32 bits.
    let mut out = vec![Operator::stream(
        "embedding",
        Part::Embedding,
        2.0 * elements * element + mask,
        elements * (element + 2.0 * 4.0) + mask,
        mask,
    )];
    if model.embedding_norm {
        out.push(norm("embedding norm", Part::Embedding, elements, element));
    }
    out
}

pub(super) fn head(model: &Architecture, shard: &Shard) -> Vec<Operator> {
    let [h, vocab, t] = [model.hidden, model.vocab, shard.tensor].map(f64::from);
    let tokens = shard.tokens();
    let element = shard.precision.activation_bytes();
    let divided = shard.sequence_tokens() * h;
    let logits = tokens * vocab / t;
    let precision = shard.precision.attention();
    vec![
        norm("final norm", Part::Head, divided, element),
        Operator::linear("output layer", Part::Head, [tokens, vocab / t, h], 1.0, precision, divided * element),
        // The loss works on logits in 32 bits: cast, maximum, exponential and sum forward; softmax minus target backward.
        Operator::stream(
            "cross-entropy",
            Part::Head,
            logits * (element + 4.0 * 3.0),
            logits * (4.0 * 2.0 + element),
            4.0 * logits,
        ),
    ]
}
