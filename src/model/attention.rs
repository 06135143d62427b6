//! The attention block: norm, projections, scores, output projection, dropout and residual.
//!
//! Bytes kept follow Korthikanti et al. (arXiv:2205.05198, section 4.1): with a 16-bit type an attention block keeps
//! 11·s·b·h + 5·a·s²·b bytes and a norm 2·s·b·h, divided by tensor parallelism where the tensor is.

use super::operator::Saved;
use super::{Architecture, Heads, Kernel, Operator, Part, Shard};
use crate::spec::AttentionKernel;
use crate::units::Bytes;

pub(super) fn operators(model: &Architecture, window: Option<u32>, shard: &Shard) -> Vec<Operator> {
    let h = f64::from(model.hidden);
    let tokens = shard.tokens();
    let divided = shard.sequence_tokens();
    let t = f64::from(shard.tensor);
    let element = shard.precision.activation_bytes();
    let precision = shard.precision;

    let mut out = vec![norm("attention norm", Part::Attention, divided * h, element)];
    // Column-parallel projections read the norm's output, which is kept once, divided along the sequence.
    let input = shard.kept_projection(divided * h, false);
    match model.heads {
        Heads::Grouped { query, key_value, dim } => {
            let width = query_key_value_width(query, key_value, dim, t);
            out.push(Operator::linear("qkv projection", Part::Attention, [tokens, width, h], 1.0, precision, input));
        }
        Heads::Latent { query, q_rank, kv_rank, nope_dim, rope_dim, v_dim } => {
            let [a, q, c, n, r, v] = [query, q_rank, kv_rank, nope_dim, rope_dim, v_dim].map(f64::from);
            let down = q + c + r;
            out.push(Operator::linear("latent down projection", Part::Attention, [divided, down, h], 1.0, precision, input));
            out.push(norm("latent norm", Part::Attention, divided * (q + c), element));
            let up = shard.kept_input((q + c) * divided);
            if q_rank == 0 {
                out.push(Operator::linear(
                    "query projection",
                    Part::Attention,
                    [tokens, a * (n + r) / t, h],
                    1.0,
                    precision,
                    0.0,
                ));
            } else {
                out.push(Operator::linear(
                    "query up projection",
                    Part::Attention,
                    [tokens, a * (n + r) / t, q],
                    1.0,
                    precision,
                    up,
                ));
            }
            out.push(Operator::linear(
                "key-value up projection",
                Part::Attention,
                [tokens, a * (n + v) / t, c],
                1.0,
                precision,
                0.0,
            ));
        }
    }
    if model.rope {
        let rotated = tokens * rotary_width(model.heads) / t * element;
        out.push(Operator::stream("rotary embedding", Part::Attention, 2.0 * rotated, 2.0 * rotated, 0.0));
    }
    if model.qk_norm {
        let width = f64::from(model.heads.query() + model.heads.key_value()) * f64::from(model.heads.query_dim()) / t;
        out.push(norm("query-key norm", Part::Attention, tokens * width, element));
    }
    out.extend(core(model, window, shard));
    let context = f64::from(model.heads.query()) * f64::from(model.heads.value_dim()) / t;
    // Its input is the core's output: kept here in both kernels, because selective recomputation keeps it too.
    let kept = shard.kept_projection(tokens * context, shard.attention != AttentionKernel::Unfused);
    out.push(Operator::linear("output projection", Part::Attention, [tokens, h, context], 1.0, precision, kept));
    out.push(residual("attention residual", Part::Attention, divided * h, element, model.dropout));
    out
}

/// Scores, softmax and the weighted sum of values.
fn core(model: &Architecture, window: Option<u32>, shard: &Shard) -> Vec<Operator> {
    let element = shard.precision.activation_bytes();
    let precision = shard.precision.attention();
    let [t, c] = [shard.tensor, shard.context].map(f64::from);
    let b = f64::from(shard.microbatch);
    let s = f64::from(shard.sequence);
    let a = f64::from(model.heads.query()) / t;
    let g = (f64::from(model.heads.key_value()) / t).max(1.0);
    let [d, v] = [model.heads.query_dim(), model.heads.value_dim()].map(f64::from);
    let tokens = shard.tokens();
    let [query, key, value] = [tokens * a * d, tokens * g * d, tokens * g * v];
    let projected = (query + key + value) * element;
    match shard.attention {
        AttentionKernel::Flash | AttentionKernel::Triton | AttentionKernel::Sinks => {
            // Two products forward; five backward, the scores being computed again (arXiv:2307.08691, section 3.1).
            let pairs = b * attended_pairs(s, window) / c * a;
            let output = tokens * a * v * element;
            let statistics = 4.0 * tokens * a;
            vec![Operator {
                name: "flash attention",
                part: Part::AttentionCore,
                forward: vec![Kernel::Attention {
                    flops: 2.0 * pairs * (d + v),
                    bytes: projected + output + statistics,
                    precision,
                }],
                input_gradient: vec![Kernel::Attention {
                    flops: 2.0 * pairs * (3.0 * d + 2.0 * v),
                    bytes: 2.0 * projected + 3.0 * output + statistics,
                    precision,
                }],
                weight_gradient: Vec::new(),
                saved: Saved { bytes: Bytes::new(projected + statistics) },
                launches: 1.0,
            }]
        }
        AttentionKernel::Unfused => {
            // The whole score matrix is computed, masked or not, and written.
            let scores = b * a * s * (s / c);
            let dropout = if model.dropout { 1.0 } else { 0.0 };
            let product = |name, sides, saved: f64| {
                let [product, of_first, of_second] = Kernel::product(sides, b * a, precision);
                Operator {
                    name,
                    part: Part::AttentionCore,
                    forward: vec![product],
                    input_gradient: vec![of_first, of_second],
                    weight_gradient: Vec::new(),
                    saved: Saved { bytes: Bytes::new(saved) },
                    launches: 1.0,
                }
            };
            let mut out =
                vec![product("attention scores", [s / c, s, d], (query + key) * element), softmax(model, shard, scores)];
            if model.dropout {
                out.push(Operator::stream(
                    "attention dropout",
                    Part::AttentionCore,
                    scores * (2.0 * element + 1.0),
                    scores * (2.0 * element + 1.0),
                    scores,
                ));
            }
            out.push(product("attention values", [s / c, v, s], dropout * scores * element + value * element));
            out
        }
    }
}

/// Rows of scores that a block of Megatron's fused softmax takes at once, one to each of its four warps.
const ROWS_AT_ONCE: u32 = 4;
/// Kernels of the softmax that is not fused: cast up, scale, mask, softmax, cast down.
const SOFTMAX_LAUNCHES: f64 = 5.0;

/// Scale, mask and softmax of `scores` elements. Megatron has one kernel for that where heads times sequences on a rank are a
/// multiple of four, and runs `PyTorch`'s one by one in 32 bits where they are not (`megatron/model/fused_softmax.py`,
/// `is_kernel_available` and `forward_torch_softmax`).
fn softmax(model: &Architecture, shard: &Shard, scores: f64) -> Operator {
    let (element, wide) = (shard.precision.activation_bytes(), 4.0);
    let heads = (model.heads.query() / shard.tensor).max(1);
    if (heads * shard.microbatch) % ROWS_AT_ONCE == 0 {
        let kept = scores * element;
        return Operator::stream("softmax", Part::AttentionCore, 2.0 * kept, 3.0 * kept, kept);
    }
    let cast = element + wide;
    let [forward, backward] = [2.0, 3.0].map(|softmax| scores * (2.0 * cast + (2.0 + 2.0 + softmax) * wide));
    // The result in 32 bits is what its gradient is made from; without dropout the cast one is kept for the product behind it.
    let kept = scores * (wide + if model.dropout { 0.0 } else { element });
    Operator::stream("unfused softmax", Part::AttentionCore, forward, backward, kept).launching(SOFTMAX_LAUNCHES)
}

/// Query-key pairs of a causal sequence of `s` tokens: half the square, or a band of it.
pub(super) fn attended_pairs(s: f64, window: Option<u32>) -> f64 {
    let w = window.map_or(s, |w| f64::from(w).min(s));
    w * (s - w / 2.0)
}

/// Elements of queries, keys and values per token on one of `t` ranks; a key-value head is never divided.
fn query_key_value_width(query: u32, key_value: u32, dim: u32, t: f64) -> f64 {
    (f64::from(query) / t + 2.0 * (f64::from(key_value) / t).max(1.0)) * f64::from(dim)
}

fn rotary_width(heads: Heads) -> f64 {
    match heads {
        Heads::Grouped { query, key_value, dim } => f64::from(query + key_value) * f64::from(dim),
        Heads::Latent { query, rope_dim, .. } => f64::from(query + 1) * f64::from(rope_dim),
    }
}

/// A norm over `elements`: reads and writes once, keeps its input.
pub(super) fn norm(name: &'static str, part: Part, elements: f64, element: f64) -> Operator {
    Operator::stream(name, part, 2.0 * elements * element, 3.0 * elements * element, elements * element)
}

/// Bias, dropout and residual addition in one pass; keeps the dropout mask, a byte an element.
pub(super) fn residual(name: &'static str, part: Part, elements: f64, element: f64, dropout: bool) -> Operator {
    let mask = if dropout { elements } else { 0.0 };
    Operator::stream(
        name,
        part,
        3.0 * elements * element + mask,
        if dropout { 2.0 * elements * element + mask } else { 0.0 },
        mask,
    )
}
