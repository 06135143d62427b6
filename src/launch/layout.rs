//! The layout that options of Megatron-LM state: every degree is fixed, by an option or by its default.

use super::draft::{Draft, Lines};
use super::flags::{Flags, Read};
use super::pattern;
use crate::diagnostic::{Code, quoted};

/// Degrees; returns the replicas, where they are known.
pub(super) fn parallelism(flags: &Flags, draft: &mut Draft, gpus: Option<&Read<u64>>) -> Option<Read<u64>> {
    let out = &mut draft.parallelism;
    let degree = |out: &mut Lines, key: &'static str, flag: &str| -> u64 {
        match flags.number(flag) {
            Some(number) => {
                out.put(key, &number);
                number.value
            }
            None => {
                out.put_default(key, 1, &format!("no {}", (flags.called)(flag)));
                1
            }
        }
    };
    let tp = degree(out, "tp", "tensor-model-parallel-size");
    let sequence_parallel = flags.switch("sequence-parallel").filter(|_| tp > 1);
    out.put_switch("sp", sequence_parallel.as_ref(), &(flags.called)("sequence-parallel"));
    let cp = degree(out, "cp", "context-parallel-size");
    if let Some(kind) = flags.joined("cp-comm-type").filter(|_| cp > 1) {
        match kind.value.as_str() {
            "p2p" => out.put("cp-kind", &kind.with("ring")),
            "allgather" => out.put("cp-kind", &kind.with("all-gather")),
            "a2a" => out.put("cp-kind", &kind.with("all-to-all")),
            _ => draft.notes.push(format!("{} {} is planned as a ring.", kind.from, kind.value)),
        }
    }
    let pp = degree(out, "pp", "pipeline-model-parallel-size");
    pipeline(flags, out, &draft.model, pp);
    if !draft.experts.0.is_empty() {
        degree(out, "ep", "expert-model-parallel-size");
        match flags.number("expert-tensor-parallel-size") {
            Some(inside) => out.put("etp", &inside),
            None => out.put_default("etp", tp, "as many as tensor-parallel ranks"),
        }
    }
    let model = tp.saturating_mul(cp).saturating_mul(pp).max(1);
    let replicas = gpus.map(|gpus| gpus.with(gpus.value / model));
    if let Some((gpus, replicas)) = gpus.zip(replicas.as_ref()) {
        if gpus.value == 0 || gpus.value % model != 0 {
            let message = format!("{} GPUs do not divide by tp {tp} x cp {cp} x pp {pp}", gpus.value);
            let help = format!("start a multiple of {model} processes");
            flags.error(Code::LaunchValue, &gpus.place, message, &help);
        }
        out.put("dp", replicas);
    } else {
        draft.notes.push("How many GPUs there are is not in the file: `dp` is left to the search.".into());
    }
    out.put_some("microbatch", flags.number("micro-batch-size").as_ref());
    zero(flags, out);
    if let Some(order) = flags.switch("use-tp-pp-dp-mapping") {
        out.put("rank-order", &order.with("tp-cp-pp-dp"));
    }
    let overlap = "overlap-grad-reduce";
    out.put_switch("overlap", flags.switch(overlap).as_ref(), &(flags.called)(overlap));
    // Beside the gradients', it says nothing that the planner tells apart.
    let _ = flags.switch("overlap-param-gather");
    if sequence_parallel.is_some() {
        out.put_switch("tensor-overlap", flags.switch("tp-comm-overlap").as_ref(), &(flags.called)("tp-comm-overlap"));
    }
    out.put_some("expert-overlap", flags.switch("overlap-moe-expert-parallel-comm").as_ref());
    replicas
}

/// Virtual stages, and how the layers are dealt.
fn pipeline(flags: &Flags, out: &mut Lines, model: &Lines, pp: u64) {
    if let Some(layout) = flags.text("pipeline-model-parallel-layout") {
        match pattern::read_pipeline(&layout.value) {
            Some(slices) if slices.len() as u64 % pp.max(1) != 0 => {
                let message = format!("{} stages do not divide by pp {pp}: {}", slices.len(), quoted(&layout.value));
                flags.error(Code::LaunchValue, &layout.place, message, "write as many stages as pp x virtual stages");
            }
            Some(slices) => {
                let list: Vec<String> = slices.iter().map(u32::to_string).collect();
                out.put("vp", &layout.with((slices.len() as u64 / pp.max(1)).max(1)));
                out.put("layers", &layout.with(format!("[{}]", list.join(", "))));
            }
            None => {
                let message = format!("{} cannot be read: {}", quoted(&layout.from), quoted(&layout.value));
                flags.error(Code::LaunchValue, &layout.place, message, "write stages as in `Et*3|(tt|)*6L`");
            }
        }
        return;
    }
    let chunk = flags.number("num-layers-per-virtual-pipeline-stage");
    match (flags.number("num-virtual-stages-per-pipeline-rank"), chunk) {
        (Some(stages), _) => out.put("vp", &stages),
        (None, Some(chunk)) => {
            let layers = model.0.iter().find(|line| line.key == "layers").and_then(|line| line.value.parse::<u64>().ok());
            let each = chunk.value.saturating_mul(pp);
            match layers {
                Some(layers) if each > 0 && layers % each == 0 => out.put("vp", &chunk.with(layers / each)),
                Some(layers) => {
                    let message = format!("{layers} layers do not divide by pp {pp} x {} layers a virtual stage", chunk.value);
                    flags.error(Code::LaunchValue, &chunk.place, message, "use a divisor of the layers of a stage");
                }
                // That is missing is said already.
                None => {}
            }
        }
        (None, None) => out.put_default("vp", 1, "no virtual stages"),
    }
    out.put_some("first-stage-layers", flags.number("decoder-first-pipeline-num-layers").as_ref());
    out.put_some("last-stage-layers", flags.number("decoder-last-pipeline-num-layers").as_ref());
    out.put_some("account-for-embedding", flags.switch("account-for-embedding-in-pipeline-split").as_ref());
    out.put_some("account-for-loss", flags.switch("account-for-loss-in-pipeline-split").as_ref());
}

/// What is divided over the replicas: by the distributed optimizer, by Megatron-FSDP, or by PyTorch's FSDP.
fn zero(flags: &Flags, out: &mut Lines) {
    let distributed = flags.switch("use-distributed-optimizer");
    let sharded = flags.switch("use-megatron-fsdp").or_else(|| flags.switch("use-custom-fsdp"));
    let torch = flags.switch("use-torch-fsdp2");
    // The format of checkpoints follows from the first.
    let _ = flags.get("ckpt-format");
    let strategy = flags.text("data-parallel-sharding-strategy");
    let stage = match (sharded, torch, distributed) {
        (Some(sharded), ..) => {
            let strategy = strategy.unwrap_or_else(|| sharded.with("optim_grads_params".to_owned()));
            let stage =
                ["no_shard", "optim", "optim_grads", "optim_grads_params"].iter().position(|name| *name == strategy.value);
            if stage.is_none() {
                let message = format!("{} is not known: {}", quoted(&strategy.from), quoted(&strategy.value));
                let help = "known: no_shard, optim, optim_grads, optim_grads_params";
                flags.error(Code::LaunchValue, &strategy.place, message, help);
            }
            Some(strategy.with(stage.unwrap_or(0)))
        }
        (None, Some(torch), _) => {
            let kept = flags.switch("torch-fsdp2-no-reshard-after-forward");
            Some(torch.with(if kept.is_some() { 2 } else { 3 }))
        }
        (None, None, distributed) => distributed.map(|distributed| distributed.with(1)),
    };
    match &stage {
        Some(stage) => out.put("zero", stage),
        None => out.put_default("zero", 0, &format!("no {}", (flags.called)("use-distributed-optimizer"))),
    }
    if stage.is_some() {
        out.put_some("zero-replicas", flags.number("num-distributed-optimizer-instances").as_ref());
    }
}

/// What is computed again.
pub(super) fn recompute(flags: &Flags, out: &mut Lines, notes: &mut Vec<String>) {
    let short = flags.switch("recompute-activations").map(|read| read.with("selective".to_owned()));
    let Some(kind) = flags.text("recompute-granularity").or(short) else {
        out.put_default("recompute", "none", &format!("no {}", (flags.called)("recompute-granularity")));
        return;
    };
    if let Some(modules) = flags.joined("recompute-modules").filter(|modules| modules.value != "core_attn") {
        notes.push(format!("{} {} is planned as core_attn, the attention core.", modules.from, modules.value));
    }
    match kind.value.as_str() {
        "full" | "selective" => out.put("recompute", &kind),
        _ => {
            let message = format!("{} is not known: {}", quoted(&kind.from), quoted(&kind.value));
            flags.error(Code::LaunchValue, &kind.place, message, "known: full, selective");
        }
    }
    let block = flags.text("recompute-method").is_some_and(|method| method.value == "block");
    let stages = out.0.iter().find(|line| line.key == "vp").and_then(|line| line.value.parse::<u64>().ok()).unwrap_or(1);
    if let Some(layers) = flags.number("recompute-num-layers").filter(|_| block) {
        // The number of a block is of every virtual stage; the planner's is of the whole stage.
        out.put("recompute-layers", &layers.with(layers.value.saturating_mul(stages)));
    }
}
