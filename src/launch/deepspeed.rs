//! `DeepSpeed`'s JSON configuration and the options of Megatron-DeepSpeed's `pretrain_gpt.py` beside it
//! (`deepspeed/runtime/config.py`, `megatron/arguments.py` of Megatron-DeepSpeed).

use serde_json::{Map, Value, json};

use super::options::{Section, Unsupported, array, distributed};
use super::{Launch, Planned};
use crate::catalog::{Activation, Norm};
use crate::model::{Architecture, Heads};
use crate::spec::{AttentionKernel, ContextKind, Graphs, Precision, RankOrder, Recompute, ScheduleKind, Software};

pub(super) fn options(planned: &Planned<'_>) -> (Vec<Section>, Vec<Unsupported>) {
    let mut left = unsupported(planned);
    let sections = vec![model(planned, &mut left), parallel(planned), config(planned)];
    (sections, left)
}

/// What Megatron-DeepSpeed does not do.
fn unsupported(planned: &Planned<'_>) -> Vec<Unsupported> {
    let (job, s, m) = (planned.job, planned.strategy, planned.model);
    let mut left = Vec::new();
    let mut miss = |unless: bool, what: &str, why: String| {
        if !unless {
            left.push(Unsupported::new(what, why));
        }
    };
    let schedule = if job.order.is_some() { "order" } else { s.schedule.as_str() };
    let plain = s.schedule == ScheduleKind::OneForwardOneBackward;
    miss(plain, "schedule", format!("`{schedule}`: DeepSpeed's pipeline engine runs 1F1B, as these options do"));
    miss(s.vp == 1, "vp", format!("`{}`: DeepSpeed's pipeline has one stage a rank, as these options have", s.vp));
    let pipelined = s.pp > 1 && s.zero > 1;
    miss(!pipelined, "zero", format!("`{}`: DeepSpeed's pipeline takes ZeRO-1 at most, as these options do", s.zero));
    let even = planned.split() == crate::parallel::LayerSplit::Even && s.seam.is_none();
    miss(even, "layers", "DeepSpeed's pipeline deals layers by itself".into());
    let experts = m.moe.is_some() && s.etp > 1 && s.etp != s.tp;
    miss(!experts, "etp", "experts are divided as the other layers are, or not at all".into());
    let precision = planned.computation.precision;
    let known = matches!(precision, Precision::Bf16 | Precision::Fp16 | Precision::Tf32);
    miss(known, "precision", format!("`{}`: Megatron-DeepSpeed trains in 16 bits; these options in BF16", precision.as_str()));
    miss(s.recompute_layers == 0, "recompute-layers", "all layers of a stage are recomputed".into());
    miss(planned.computation.graphs == Graphs::None, "graphs", "Megatron-DeepSpeed launches kernel by kernel".into());
    miss(!job.adapters, "adapters", "these options train every weight".into());
    let ulysses = s.cp == 1 || s.context == ContextKind::AllToAll;
    miss(ulysses, "cp-kind", format!("`{}`: DeepSpeed's sequence parallelism is all-to-all", s.context.as_str()));
    miss(s.rank_order == RankOrder::default(), "rank-order", "replicas are inside of pipeline stages".into());
    let copies = s.zero_replicas <= 1 || stage(planned) == 3;
    miss(copies, "zero-replicas", format!("`{}`: MiCS divides with ZeRO-3 only", s.zero_replicas));
    let same = job.software == Software::MegatronDeepspeed;
    miss(same, "software", format!("`{}`: the step was planned with other kernels and overlap", job.software.as_str()));
    left
}

/// The architecture.
fn model(planned: &Planned<'_>, left: &mut Vec<Unsupported>) -> Section {
    let (m, job) = (planned.model, planned.job);
    let mut miss = |what: &str, why: &str| left.push(Unsupported::new(what, why));
    let mut out = Section::new("model");
    out.set("--num-layers", m.layers);
    out.set("--hidden-size", m.hidden);
    out.set("--ffn-hidden-size", m.ffn);
    out.set("--num-attention-heads", m.heads.query());
    match m.heads {
        Heads::Grouped { query, key_value, dim } => {
            out.set_unless(query, "--num-key-value-heads", key_value);
            if query * dim != m.hidden {
                out.set("--kv-channels", dim);
            }
        }
        Heads::Latent { .. } => miss("model.mla", "Megatron-DeepSpeed has no latent attention"),
    }
    match m.activation {
        Activation::Swiglu => out.flag("--swiglu", true),
        Activation::SquaredRelu => out.flag("--squared-relu", true),
        Activation::Gelu => {}
        Activation::Geglu | Activation::Relu => miss("model.activation", "Megatron-DeepSpeed has GELU, SwiGLU, squared ReLU"),
    }
    out.set("--normalization", if m.norm == Norm::Rms { "rmsnorm" } else { "layernorm" });
    out.flag("--disable-bias-linear", !m.bias);
    if m.qkv_bias && !m.bias {
        miss("model.qkv-bias", "biases are on all linear layers or on none");
    }
    if m.rope {
        out.flag("--use-rotary-position-embeddings", true);
    } else {
        out.flag("--no-position-embedding", m.learned_positions == 0);
    }
    out.lengths(m, job.sequence, m.learned_positions.max(job.sequence));
    if planned.computation.attention != AttentionKernel::Unfused {
        out.flag("--use-flash-attn-v2", true);
    }
    special(m, planned, &mut out, left);
    out
}

/// Experts, and what the layers have beyond the usual.
fn special(m: &Architecture, planned: &Planned<'_>, out: &mut Section, left: &mut Vec<Unsupported>) {
    let mut miss = |what: &str, why: &str| left.push(Unsupported::new(what, why));
    let model = &planned.job.model;
    if let Some(moe) = m.moe {
        out.set("--num-experts", moe.experts);
        out.set("--topk", moe.top_k);
        out.set("--expert-interval", moe.every);
        if moe.ffn != m.ffn || moe.shared_ffn > 0 || moe.first_dense > 0 {
            miss("model.moe", "experts are as wide as the dense layers, from the first layer on, without shared ones");
        }
    }
    let beyond = [
        ("model.qk-norm", m.qk_norm),
        ("model.sliding-window", m.sliding_window.is_some()),
        ("model.mtp-layers", model.mtp_layers > 0),
        ("model.parallel-block", model.parallel_block),
        ("model.extra-norms", model.extra_norms > 0),
        ("model.embedding-norm", m.embedding_norm),
    ];
    beyond.iter().filter(|(_, there)| *there).for_each(|(what, _)| miss(what, "Megatron-DeepSpeed has none"));
}

/// The layout, as far as Megatron-DeepSpeed has it.
fn parallel(planned: &Planned<'_>) -> Section {
    let s = planned.strategy;
    let mut out = Section::new("parallelism");
    out.set("--tensor-model-parallel-size", s.tp);
    out.flag("--sequence-parallel", s.sp);
    out.set("--pipeline-model-parallel-size", s.pp);
    out.flag("--no-pipeline-parallel", s.pp == 1);
    out.set_unless(1, "--ds-sequence-parallel-size", s.cp);
    if planned.model.moe.is_some() {
        out.set("--moe-expert-parallel-size", s.ep);
        out.flag("--enable-expert-tensor-parallelism", s.etp > 1);
    }
    out.set("--micro-batch-size", s.microbatch);
    out.set("--global-batch-size", s.sequences());
    out.set_some("--train-iters", planned.steps());
    out.flag("--fp16", planned.computation.precision == Precision::Fp16);
    out.flag("--bf16", !matches!(planned.computation.precision, Precision::Fp16 | Precision::Tf32));
    match s.recompute {
        Recompute::None => {}
        Recompute::Selective => out.set("--recompute-granularity", "selective"),
        Recompute::Full => {
            out.flag("--deepspeed-activation-checkpointing", true);
            out.set("--recompute-granularity", "full");
            out.set("--recompute-method", "uniform");
        }
    }
    out.flag("--deepspeed", true);
    out.set("--zero-stage", stage(planned));
    out.set("--deepspeed_config", "ds_config.json");
    out
}

/// The ZeRO stage that the pipeline engine takes.
fn stage(planned: &Planned<'_>) -> u8 {
    if planned.strategy.pp > 1 { planned.strategy.zero.min(1) } else { planned.strategy.zero }
}

/// `ds_config.json`.
fn config(planned: &Planned<'_>) -> Section {
    let s = planned.strategy;
    let mut out = Section::new("ds_config.json");
    out.set("train_batch_size", s.sequences());
    out.set("train_micro_batch_size_per_gpu", s.microbatch);
    out.set("gradient_accumulation_steps", s.microbatches);
    let mut zero = json!({ "stage": stage(planned), "overlap_comm": s.overlap });
    if stage(planned) == 3 && s.zero_replicas > 1 {
        zero["mics_shard_size"] = json!(s.cp * s.dp / s.zero_replicas);
    }
    out.set("zero_optimization", zero);
    match planned.computation.precision {
        Precision::Fp16 => out.set("fp16", json!({ "enabled": true })),
        Precision::Tf32 => {}
        _ => out.set("bf16", json!({ "enabled": true })),
    }
    out
}

/// The script, which writes its configuration.
pub(super) fn text(launch: &Launch) -> String {
    let mut text = String::new();
    for (name, section) in ["MODEL_ARGS", "PARALLEL_ARGS"].iter().zip(&launch.options) {
        text.push_str(&array(name, section));
        text.push('\n');
    }
    let config: Map<String, Value> = launch
        .options
        .last()
        .map(|section| section.settings.iter().map(|setting| (setting.name.clone(), setting.value.clone())).collect())
        .unwrap_or_default();
    let config = serde_json::to_string_pretty(&config).unwrap_or_default();
    text + "cat > ds_config.json <<'EOF'\n"
        + &config
        + "\nEOF\n\n"
        + &distributed(launch.nodes, launch.gpus_per_node)
        + "\ntorchrun \"${DISTRIBUTED_ARGS[@]}\" pretrain_gpt.py \"${MODEL_ARGS[@]}\" \"${PARALLEL_ARGS[@]}\" \"$@\"\n"
}
