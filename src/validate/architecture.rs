//! The architecture of a published run: as the row prints it, else by its model's name.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::PublishedRun;
use crate::catalog::{Activation, Experts, LatentAttention, Model, Norm, Position, SlidingWindow};

/// A row of `models.csv`.
#[derive(Debug, Clone, Deserialize)]
struct Row {
    model_name: String,
    family: String,
    layers: Option<u32>,
    hidden: Option<u32>,
    ffn_hidden: Option<u32>,
    heads: Option<u32>,
    kv_heads: Option<u32>,
    head_dim: Option<u32>,
    vocab: Option<u32>,
    ffn_gated: Option<bool>,
    tied_embeddings: Option<bool>,
    attention: String,
    moe_experts: Option<u32>,
    moe_topk: Option<u32>,
    moe_ffn_hidden: Option<u32>,
    moe_shared_ffn_hidden: Option<u32>,
    moe_layers: Option<u32>,
    dense_ffn_hidden_if_moe: Option<u32>,
    q_lora_rank: Option<u32>,
    kv_lora_rank: Option<u32>,
    qk_nope_dim: Option<u32>,
    qk_rope_dim: Option<u32>,
    v_head_dim: Option<u32>,
    mtp_layers: Option<u32>,
    mamba_layers: Option<u32>,
}

fn table() -> &'static BTreeMap<String, Row> {
    static TABLE: OnceLock<BTreeMap<String, Row>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut reader = csv::Reader::from_reader(include_bytes!("data/models.csv").as_slice());
        reader
            .deserialize::<Row>()
            .map(|row| match row {
                Ok(row) => (row.model_name.clone(), row),
                Err(error) => panic!("the embedded table of architectures does not parse: {error}"),
            })
            .collect()
    })
}

/// The architecture of a row.
///
/// # Errors
/// What is not known of it, or not modelled.
pub fn of(row: &PublishedRun) -> Result<Model, String> {
    let known = table().get(&row.model_name);
    if known.is_some_and(|known| known.mamba_layers.is_some()) {
        return Err("state-space (Mamba) layers are not modelled".into());
    }
    if known.is_some_and(|known| known.attention.starts_with("compressed")) {
        return Err("compressed sparse attention is not modelled".into());
    }
    let number = |own: Option<u32>, of: fn(&Row) -> Option<u32>| own.or_else(|| known.and_then(of));
    let need = |value: Option<u32>, what: &str| {
        value.ok_or_else(|| format!("`{}` is no known model, and the row gives no {what}", row.model_name))
    };
    let layers = need(number(row.layers, |k| k.layers), "layers")?;
    let hidden = need(number(row.hidden, |k| k.hidden), "hidden width")?;
    let heads = need(number(row.heads, |k| k.heads), "attention heads")?;
    // Tables leave out the vocabulary of GPT-2's tokenizer, padded.
    let vocab = number(row.vocab, |k| k.vocab).unwrap_or(51_200);
    let family = known.map_or("", |known| known.family.as_str()).to_lowercase();
    let gated = known.and_then(|known| known.ffn_gated).unwrap_or(false);
    let gpt = !gated && !family.contains("nemotron");
    let moe = known.and_then(|known| experts(known, layers));
    let ffn = number(row.ffn_hidden, |k| k.dense_ffn_hidden_if_moe.or(k.ffn_hidden))
        .or(moe.map(|moe| moe.ffn * moe.top_k))
        .unwrap_or(4 * hidden);
    let alibi = known.is_some_and(|known| known.attention.to_lowercase().contains("alibi"))
        || family.contains("mpt")
        || family.contains("bloom");
    Ok(Model {
        name: row.model_name.clone(),
        title: row.model_name.clone(),
        family: family.clone(),
        aliases: Vec::new(),
        layers,
        hidden,
        heads,
        kv_heads: number(row.kv_heads, |k| k.kv_heads),
        head_dim: known
            .filter(|known| known.hidden == Some(hidden) && known.heads == Some(heads))
            .and_then(|known| known.head_dim)
            .or((hidden % heads != 0).then_some(hidden.div_ceil(heads))),
        ffn,
        activation: match (gated, family.as_str()) {
            (true, _) => Activation::Swiglu,
            (false, family) if family.contains("nemotron") => Activation::SquaredRelu,
            _ => Activation::Gelu,
        },
        vocab,
        tied_embeddings: known.and_then(|known| known.tied_embeddings).unwrap_or(gpt),
        position: if alibi {
            Position::Alibi
        } else if gpt {
            Position::Learned
        } else {
            Position::Rope
        },
        positions: row.seq.filter(|_| gpt && !alibi),
        norm: if gpt { Norm::Layer } else { Norm::Rms },
        bias: gpt && !family.contains("mpt"),
        qkv_bias: false,
        qk_norm: family.contains("qwen3"),
        extra_norms: 0,
        embedding_norm: false,
        parallel_block: false,
        dropout: false,
        sliding_window: known.and_then(|known| window(&known.attention)),
        max_sequence: None,
        mla: known.and_then(latent),
        moe,
        mtp_layers: known.and_then(|known| known.mtp_layers).unwrap_or(0),
        published: None,
        sources: Vec::new(),
        assumed: Vec::new(),
        notes: None,
    })
}

/// Routed experts of a row's model, when it has them.
#[must_use]
pub fn experts_of(row: &PublishedRun) -> Option<u32> {
    table().get(&row.model_name)?.moe_experts
}

fn experts(known: &Row, layers: u32) -> Option<Experts> {
    let experts = known.moe_experts?;
    let with = known.moe_layers.unwrap_or(layers).clamp(1, layers);
    // Half of the layers or fewer alternate; otherwise the first ones are dense.
    let every = if with * 2 <= layers { layers / with } else { 1 };
    Some(Experts {
        experts,
        top_k: known.moe_topk.unwrap_or(1),
        ffn: known.moe_ffn_hidden.or(known.ffn_hidden)?,
        shared_ffn: known.moe_shared_ffn_hidden.unwrap_or(0),
        first_dense: if every == 1 { layers - with } else { 0 },
        every,
    })
}

fn latent(known: &Row) -> Option<LatentAttention> {
    Some(LatentAttention {
        q_rank: known.q_lora_rank,
        kv_rank: known.kv_lora_rank?,
        nope_dim: known.qk_nope_dim?,
        rope_dim: known.qk_rope_dim?,
        v_dim: known.v_head_dim?,
    })
}

/// `sliding window 4096`, `alternate sliding window 128`, `5 of 6 layers sliding window 1024`, `3 of 4 layers chunked 8192`.
fn window(attention: &str) -> Option<SlidingWindow> {
    let words: Vec<&str> = attention.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "window" || *word == "chunked")?;
    let window = words.get(at + 1)?.parse().ok()?;
    let global_every = match words.as_slice() {
        ["alternate", ..] => Some(2),
        [_, "of", every, ..] => every.parse().ok(),
        // Gemma has a global layer behind five local ones.
        _ if attention.contains("global") => Some(6),
        _ => None,
    };
    Some(SlidingWindow { window, global_every })
}
