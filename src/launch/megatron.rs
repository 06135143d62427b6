//! Options of Megatron-LM's `pretrain_gpt.py` (`megatron/training/arguments.py` and the configuration classes it generates
//! options from).

use super::options::{Section, Unsupported, array, distributed};
use super::{Launch, Planned, pattern};
use crate::catalog::{Activation, Norm};
use crate::model::{Architecture, Heads};
use crate::parallel::LayerSplit;
use crate::spec::{AttentionKernel, ContextKind, Graphs, Precision, RankOrder, Recompute, ScheduleKind, Software};

pub(super) fn options(planned: &Planned<'_>) -> (Vec<Section>, Vec<Unsupported>) {
    let mut left = unsupported(planned);
    let sections = vec![model(planned, &mut left), parallel(planned, &mut left), training(planned, &mut left)];
    (sections, left)
}

/// The script.
pub(super) fn text(launch: &Launch) -> String {
    let arrays = ["MODEL_ARGS", "PARALLEL_ARGS", "TRAINING_ARGS"];
    let mut text: String = arrays.iter().zip(&launch.options).map(|(name, section)| array(name, section) + "\n").collect();
    text.push_str(&distributed(launch.nodes, launch.gpus_per_node));
    text.push('\n');
    let is = |name: &str| launch.options.iter().flat_map(|section| &section.settings).find(|setting| setting.name == name);
    // Tensor and context parallelism rely on the order of launches; FSDP refuses that order.
    let above_one = |name: &str| is(name).is_some_and(|setting| setting.value.as_u64() > Some(1));
    if is("--use-megatron-fsdp").is_none()
        && (above_one("--tensor-model-parallel-size") || above_one("--context-parallel-size"))
    {
        text.push_str("export CUDA_DEVICE_MAX_CONNECTIONS=1\n");
    }
    text.push_str("torchrun \"${DISTRIBUTED_ARGS[@]}\" pretrain_gpt.py ");
    text.push_str("\"${MODEL_ARGS[@]}\" \"${PARALLEL_ARGS[@]}\" \"${TRAINING_ARGS[@]}\" \"$@\"\n");
    text
}

/// What neither Megatron-LM nor Megatron-Bridge does.
pub(super) fn unsupported(planned: &Planned<'_>) -> Vec<Unsupported> {
    let mut left = Vec::new();
    let mut miss = |what: &str, why: String| left.push(Unsupported::new(what, why));
    let (job, s) = (planned.job, planned.strategy);
    if !matches!(s.schedule, ScheduleKind::OneForwardOneBackward | ScheduleKind::Interleaved) {
        let name = if job.order.is_some() { "order" } else { s.schedule.as_str() };
        miss("schedule", format!("`{name}`: Megatron-Core runs 1F1B and interleaved 1F1B, as these options do"));
    }
    if !matches!(job.software, Software::MegatronCore) {
        let name = job.software.as_str();
        miss(
            "software",
            format!("`{name}`: these options are those of today's Megatron-Core, which may fuse and overlap more"),
        );
    }
    if planned.computation.precision == Precision::Int8 {
        miss("precision", "`int8`: Megatron-Core trains in 8 bits as FP8 only; these options compute in BF16".into());
    }
    if planned.computation.attention == AttentionKernel::Triton {
        miss("attention", "`triton`: left to Megatron-Core, which picks a fused kernel".into());
    }
    if matches!(&job.parallelism.layers, Some(layers) if layers.len() as u32 != s.pp * s.vp) {
        miss("layers", "the list is of another schedule's slices; these options spread layers evenly".into());
    }
    let model = &job.model;
    if !planned.model.rope && planned.model.learned_positions == 0 && model.position == crate::catalog::Position::Alibi {
        miss("model.position", "`alibi`: Megatron-Core has no linear biases; these options train without positions".into());
    }
    if planned.model.activation == Activation::Relu {
        miss("model.activation", "`relu`: Megatron-Core has none; these options use GELU, which costs the same".into());
    }
    if planned.model.activation == Activation::Geglu {
        miss("model.activation", "`geglu`: these options use its approximation by a sigmoid, which costs the same".into());
    }
    if model.parallel_block {
        miss("model.parallel-block", "Megatron-Core's GPT layers run one block after the other".into());
    }
    if model.extra_norms > 0 {
        miss("model.extra-norms", "norms behind the blocks need a layer specification of their own (`--spec`)".into());
    }
    if planned.model.embedding_norm {
        miss("model.embedding-norm", "Megatron-Core's GPT has none".into());
    }
    left
}

/// The architecture.
fn model(planned: &Planned<'_>, left: &mut Vec<Unsupported>) -> Section {
    let (m, job) = (planned.model, planned.job);
    let mut out = Section::new("model");
    out.set("--num-layers", m.layers);
    out.set("--hidden-size", m.hidden);
    out.set("--ffn-hidden-size", m.ffn);
    out.set("--num-attention-heads", m.heads.query());
    heads(m, &mut out);
    match m.activation {
        Activation::Swiglu => out.flag("--swiglu", true),
        Activation::Geglu => out.flag("--quick-geglu", true),
        Activation::SquaredRelu => out.flag("--squared-relu", true),
        Activation::Gelu | Activation::Relu => {}
    }
    out.set("--normalization", if m.norm == Norm::Rms { "RMSNorm" } else { "LayerNorm" });
    out.flag("--qk-layernorm", m.qk_norm);
    out.flag("--disable-bias-linear", !m.bias);
    out.flag("--add-qkv-bias", m.qkv_bias && !m.bias);
    let positions = if m.rope {
        out.set("--position-embedding-type", "rope");
        job.sequence.max(job.model.max_sequence.unwrap_or(0))
    } else if m.learned_positions > 0 {
        out.set("--position-embedding-type", "learned_absolute");
        m.learned_positions
    } else {
        out.set("--position-embedding-type", "none");
        job.sequence
    };
    if positions < job.sequence {
        let why = format!("Megatron-LM wants a table of positions as long as the sequence, {}", job.sequence);
        left.push(Unsupported::new("model.positions", why));
    }
    out.lengths(m, job.sequence, positions);
    if let Some(sliding) = m.sliding_window {
        // Megatron-LM counts the tokens before a query.
        out.set("--window-size", format!("{},0", sliding.window - 1));
        out.set_some("--window-attn-skip-freq", sliding.global_every);
    }
    if job.model.mtp_layers > 0 {
        out.set("--mtp-num-layers", job.model.mtp_layers);
    }
    if let Some(moe) = m.moe {
        out.set("--num-experts", moe.experts);
        out.set("--moe-router-topk", moe.top_k);
        out.set("--moe-ffn-hidden-size", moe.ffn);
        out.set_unless(0, "--moe-shared-expert-intermediate-size", moe.shared_ffn);
        let layers = pattern::expert_layers(&moe, m.layers);
        out.set_some("--moe-layer-freq", (layers != "1").then_some(layers));
        out.flag("--moe-grouped-gemm", true);
        out.set("--moe-token-dispatcher-type", "alltoall");
    }
    out
}

fn heads(model: &Architecture, out: &mut Section) {
    match model.heads {
        Heads::Grouped { query, key_value, dim } => {
            if key_value != query {
                out.flag("--group-query-attention", true);
                out.set("--num-query-groups", key_value);
            }
            if query * dim != model.hidden {
                out.set("--kv-channels", dim);
            }
        }
        Heads::Latent { q_rank, kv_rank, nope_dim, rope_dim, v_dim, .. } => {
            out.flag("--multi-latent-attention", true);
            out.set_unless(0, "--q-lora-rank", q_rank);
            out.set("--kv-lora-rank", kv_rank);
            out.set("--qk-head-dim", nope_dim);
            out.set("--qk-pos-emb-head-dim", rope_dim);
            out.set("--v-head-dim", v_dim);
        }
    }
}

/// The layout.
fn parallel(planned: &Planned<'_>, left: &mut Vec<Unsupported>) -> Section {
    let s = planned.strategy;
    let mut out = Section::new("parallelism");
    out.set("--tensor-model-parallel-size", s.tp);
    out.flag("--sequence-parallel", s.sp);
    out.set("--pipeline-model-parallel-size", s.pp);
    layers(planned, &mut out);
    if s.cp > 1 {
        out.set("--context-parallel-size", s.cp);
        let kind = match s.context {
            ContextKind::AllGather => "allgather",
            ContextKind::Ring => "p2p",
            ContextKind::AllToAll => "a2a",
        };
        out.set("--cp-comm-type", vec![kind]);
    }
    out.flag("--use-tp-pp-dp-mapping", s.rank_order == RankOrder::TpCpPpDp);
    if planned.model.moe.is_some() {
        out.set("--expert-model-parallel-size", s.ep);
        out.set("--expert-tensor-parallel-size", s.etp);
    }
    match s.zero {
        0 => {}
        1 => out.flag("--use-distributed-optimizer", true),
        stage => {
            out.flag("--use-megatron-fsdp", true);
            out.flag("--use-distributed-optimizer", true);
            let strategy = if stage == 2 { "optim_grads" } else { "optim_grads_params" };
            out.set("--data-parallel-sharding-strategy", strategy);
            out.set("--ckpt-format", "fsdp_dtensor");
        }
    }
    if s.zero > 0 {
        out.set_unless(1, "--num-distributed-optimizer-instances", s.zero_replicas);
    }
    out.flag("--overlap-grad-reduce", s.overlap);
    out.flag("--overlap-param-gather", s.overlap && s.zero > 0);
    let tensor = planned.computation.tensor_overlap && s.tp > 1;
    out.flag("--tp-comm-overlap", tensor && s.sp);
    if tensor && !s.sp && planned.job.parallelism.tensor_overlap == Some(true) {
        left.push(Unsupported::new("tensor-overlap", "Megatron-Core overlaps with sequence parallelism only"));
    }
    out.flag("--overlap-moe-expert-parallel-comm", planned.computation.expert_overlap && s.ep > 1);
    out
}

/// How the layers are dealt to the stages.
fn layers(planned: &Planned<'_>, out: &mut Section) {
    let s = planned.strategy;
    if let Some(slices) = planned.spelled_layers().filter(|slices| slices.len() > 1) {
        out.set("--pipeline-model-parallel-layout", pattern::pipeline(&slices, planned.job.model.mtp_layers));
        return;
    }
    match planned.split() {
        LayerSplit::Ends { first, last } => {
            out.set_some("--decoder-first-pipeline-num-layers", first);
            out.set_some("--decoder-last-pipeline-num-layers", last);
        }
        LayerSplit::Counted { embedding, loss } => {
            out.flag("--account-for-embedding-in-pipeline-split", embedding);
            out.flag("--account-for-loss-in-pipeline-split", loss);
        }
        LayerSplit::Even | LayerSplit::Given(_) => {}
    }
    out.set_unless(1, "--num-virtual-stages-per-pipeline-rank", s.vp);
}

/// Batches, precision, recomputation.
fn training(planned: &Planned<'_>, left: &mut Vec<Unsupported>) -> Section {
    let s = planned.strategy;
    let mut out = Section::new("training");
    out.set("--micro-batch-size", s.microbatch);
    out.set("--global-batch-size", s.sequences());
    out.set_some("--train-iters", planned.steps());
    match planned.computation.precision {
        Precision::Tf32 => {}
        Precision::Fp16 => out.flag("--fp16", true),
        Precision::Bf16 | Precision::Int8 => out.flag("--bf16", true),
        Precision::Fp8 => {
            out.flag("--bf16", true);
            out.set("--fp8-format", "hybrid");
            out.set("--fp8-recipe", "tensorwise");
        }
        Precision::Mxfp8 => {
            out.flag("--bf16", true);
            out.set("--fp8-format", "e4m3");
            out.set("--fp8-recipe", "mxfp8");
        }
        Precision::Nvfp4 => {
            out.flag("--bf16", true);
            out.set("--fp4-format", "e2m1");
            out.set("--fp4-recipe", "nvfp4");
        }
    }
    match planned.computation.attention {
        AttentionKernel::Unfused => out.set("--attention-backend", "unfused"),
        AttentionKernel::Sinks => out.set("--softmax-type", "learnable"),
        AttentionKernel::Flash | AttentionKernel::Triton => {}
    }
    match s.recompute {
        Recompute::None => {}
        Recompute::Selective => {
            out.set("--recompute-granularity", "selective");
            out.set("--recompute-modules", vec!["core_attn"]);
        }
        Recompute::Full => {
            out.set("--recompute-granularity", "full");
            // The number of a block is of every virtual stage; the planner's is of the whole stage.
            let limited = u32::from(s.recompute_layers);
            out.set("--recompute-method", if limited > 0 { "block" } else { "uniform" });
            out.set("--recompute-num-layers", if limited > 0 { limited.div_ceil(s.vp) } else { 1 });
            if limited % s.vp != 0 {
                let why = format!("{limited} layers do not divide over {} virtual stages; a layer more is recomputed", s.vp);
                left.push(Unsupported::new("recompute-layers", why));
            }
        }
    }
    match planned.computation.graphs {
        Graphs::None => {}
        Graphs::Partial => {
            out.set("--cuda-graph-impl", "transformer_engine");
            out.set("--cuda-graph-modules", vec!["attn"]);
        }
        Graphs::Full => {
            out.set("--cuda-graph-impl", "full_iteration");
            out.flag("--no-check-for-nan-in-loss-and-grad", true);
        }
    }
    if planned.job.adapters {
        left.push(Unsupported::new("adapters", "`pretrain_gpt.py` trains every weight; Megatron-Bridge has adapters"));
    }
    out
}
