//! The architecture that options of Megatron-LM state, defaults included.

use super::draft::Draft;
use super::flags::{Flags, Read};
use super::pattern;
use crate::diagnostic::{Code, quoted};

/// Reads the architecture into a draft. Whether the vocabulary is there is for whoever knows the catalogue.
pub(super) fn read(flags: &Flags, draft: &mut Draft) {
    let layers = flags.needed("num-layers");
    let hidden = flags.needed("hidden-size");
    let heads = flags.needed("num-attention-heads");
    draft.model.put_some("layers", layers.as_ref());
    draft.model.put_some("hidden", hidden.as_ref());
    draft.model.put_some("heads", heads.as_ref());
    let latent = flags.switch("multi-latent-attention");
    match latent {
        Some(_) => latent_attention(flags, draft),
        None => {
            match (flags.switch("group-query-attention"), flags.number("num-query-groups")) {
                (Some(_), Some(groups)) => draft.model.put("kv-heads", &groups),
                (Some(grouped), None) => draft.model.put("kv-heads", &grouped.with(1)),
                (None, _) => {}
            }
            draft.model.put_some("head-dim", flags.number("kv-channels").as_ref());
        }
    }
    let activation = activation(flags);
    match flags.number("ffn-hidden-size") {
        Some(ffn) => draft.model.put("ffn", &ffn),
        None => {
            let hidden = hidden.as_ref().map_or(1, |hidden| hidden.value);
            let gated = activation.value == "swiglu";
            // Megatron-LM keeps the parameters of four times the width, in multiples of 64.
            let ffn = if gated { hidden.saturating_mul(8) / 3 / 64 * 64 } else { hidden.saturating_mul(4) };
            draft.model.put_default("ffn", ffn.max(1), &format!("no {}", (flags.called)("ffn-hidden-size")));
        }
    }
    draft.model.put("activation", &activation);
    draft.model.put_some(
        "vocab",
        flags.number(if flags.has("padded-vocab-size") { "padded-vocab-size" } else { "vocab-size" }).as_ref(),
    );
    let untied = "untie-embeddings-and-output-weights";
    match flags.switch(untied) {
        Some(untied) => draft.model.put("tied-embeddings", &untied.with(false)),
        None => draft.model.put_default("tied-embeddings", true, &format!("no {}", (flags.called)(untied))),
    }
    positions(flags, draft, latent.is_some());
    norms(flags, draft);
    dropout(flags, draft);
    experts(flags, draft, layers.as_ref());
    if let Some(window) = flags.joined("window-size") {
        let left = window.value.trim_matches(['(', ')', '[', ']']).split(',').next().unwrap_or_default().trim().parse::<u32>();
        match left {
            // Megatron-LM counts the tokens before a query.
            Ok(left) => draft.window.put("window", &window.with(u64::from(left) + 1)),
            Err(_) => flags.error(
                Code::LaunchValue,
                &window.place,
                format!("{} is no window: {}", quoted(&window.from), quoted(&window.value)),
                "write the tokens before and behind a query, as in `4095,0`",
            ),
        }
        draft.window.put_some("global-every", flags.number("window-attn-skip-freq").as_ref());
    }
    draft.model.put_some("mtp-layers", flags.number("mtp-num-layers").as_ref());
}

fn activation(flags: &Flags) -> Read<String> {
    for (flag, name) in [("swiglu", "swiglu"), ("quick-geglu", "geglu"), ("squared-relu", "squared-relu")] {
        if let Some(read) = flags.switch(flag) {
            return read.with(name.to_owned());
        }
    }
    match flags.text("activation") {
        Some(named) if named.value == "relu" || named.value == "gelu" => named,
        Some(named) => {
            let message = format!("{} is no activation that is known: {}", quoted(&named.from), quoted(&named.value));
            flags.error(Code::LaunchValue, &named.place, message, "known: swiglu, geglu, gelu, relu, squared-relu");
            named
        }
        None => Read { value: "gelu".into(), from: format!("no {}", (flags.called)("swiglu")), place: 0..0 },
    }
}

fn latent_attention(flags: &Flags, draft: &mut Draft) {
    draft.latent.put_some("q-rank", flags.number("q-lora-rank").as_ref());
    let defaults = [
        ("kv-rank", "kv-lora-rank", 32),
        ("nope-dim", "qk-head-dim", 128),
        ("rope-dim", "qk-pos-emb-head-dim", 64),
        ("v-dim", "v-head-dim", 128),
    ];
    for (key, flag, default) in defaults {
        match flags.number(flag) {
            Some(number) => draft.latent.put(key, &number),
            None => draft.latent.put_default(key, default, &format!("no {}", (flags.called)(flag))),
        }
    }
}

fn positions(flags: &Flags, draft: &mut Draft, latent: bool) {
    let rotary = flags.switch("use-rotary-position-embeddings").map(|read| read.with("rope".to_owned()));
    let kind = rotary.or_else(|| flags.text("position-embedding-type"));
    let table = flags.number("max-position-embeddings");
    let kind = kind.unwrap_or_else(|| Read {
        value: "learned_absolute".into(),
        from: format!("no {}", (flags.called)("position-embedding-type")),
        place: 0..0,
    });
    match kind.value.as_str() {
        "rope" | "yarn" | "mrope" => draft.model.put("position", &kind.with("rope")),
        "none" => draft.model.put("position", &kind.with("none")),
        "alibi" => draft.model.put("position", &kind.with("alibi")),
        "learned_absolute" => {
            draft.model.put("position", &kind.with("learned"));
            match &table {
                Some(table) => draft.model.put("positions", table),
                None if !latent && !flags.has("max-position-embeddings") => flags.missing("max-position-embeddings"),
                None => {}
            }
        }
        _ => {
            let message = format!("{} is not known: {}", quoted(&kind.from), quoted(&kind.value));
            flags.error(Code::LaunchValue, &kind.place, message, "known: learned_absolute, rope, yarn, none");
        }
    }
}

fn norms(flags: &Flags, draft: &mut Draft) {
    match flags.text("normalization") {
        Some(norm) => {
            let name = if norm.value.to_lowercase().starts_with("rms") { "rms" } else { "layer" };
            draft.model.put("norm", &norm.with(name));
        }
        None => draft.model.put_default("norm", "layer", &format!("no {}", (flags.called)("normalization"))),
    }
    draft.model.put_some("qk-norm", flags.switch("qk-layernorm").as_ref());
    let no_bias = "disable-bias-linear";
    match flags.switch(no_bias) {
        Some(none) => {
            draft.model.put("bias", &none.with(false));
            draft.model.put_some("qkv-bias", flags.switch("add-qkv-bias").as_ref());
        }
        None => draft.model.put_default("bias", true, &format!("no {}", (flags.called)(no_bias))),
    }
}

/// Masks are kept where anything is dropped; Megatron-LM drops a tenth unless told otherwise.
fn dropout(flags: &Flags, draft: &mut Draft) {
    let shares: Vec<Option<Read<String>>> = ["hidden-dropout", "attention-dropout"].map(|name| flags.text(name)).into();
    let any = shares.iter().any(|share| share.as_ref().is_none_or(|share| share.value.parse::<f64>() != Ok(0.0)));
    match shares.into_iter().flatten().next() {
        Some(share) => draft.model.put("dropout", &share.with(any)),
        None => draft.model.put_default("dropout", true, &format!("no {}", (flags.called)("hidden-dropout"))),
    }
}

fn experts(flags: &Flags, draft: &mut Draft, layers: Option<&Read<u64>>) {
    let Some(experts) = flags.number("num-experts").filter(|experts| experts.value > 0) else { return };
    draft.experts.put("experts", &experts);
    match flags.number("moe-router-topk") {
        Some(top_k) => draft.experts.put("top-k", &top_k),
        None => draft.experts.put_default("top-k", 2, &format!("no {}", (flags.called)("moe-router-topk"))),
    }
    match flags.number("moe-ffn-hidden-size") {
        Some(ffn) => draft.experts.put("ffn", &ffn),
        None => {
            let dense = draft.model.0.iter().find(|line| line.key == "ffn").cloned();
            draft.experts.0.extend(dense);
        }
    }
    draft.experts.put_some("shared-ffn", flags.number("moe-shared-expert-intermediate-size").as_ref());
    let Some((frequency, layers)) = flags.joined("moe-layer-freq").zip(layers) else { return };
    let layers = u32::try_from(layers.value).unwrap_or(u32::MAX).min(10_000);
    match pattern::read_expert_layers(&frequency.value, layers) {
        Some((first, every, exact)) => {
            draft.experts.put("first-dense", &frequency.with(first));
            draft.experts.put("every", &frequency.with(every));
            if !exact {
                draft.notes.push(format!("{} puts as many experts on other layers; a step takes as long.", frequency.from));
            }
        }
        None => {
            let message = format!("{} says no layers with experts: {}", quoted(&frequency.from), quoted(&frequency.value));
            let help = format!("write a number, or a list of {layers} layers as in `([0]*1+[1]*{})`", layers.saturating_sub(1));
            flags.error(Code::LaunchValue, &frequency.place, message, &help);
        }
    }
}
