//! A configuration function of torchtitan (`torchtitan/config/configs.py`), which takes the model's own configuration and sets
//! the layout. Until the spring of 2026 the same names stood in TOML files.

use std::fmt::Write;

use serde_json::Value;

use super::options::{Section, Unsupported};
use super::{Launch, Planned};
use crate::parallel::{LayerSplit, Strategy};
use crate::spec::{ContextKind, Placement, Precision, RankOrder, Recompute, ScheduleKind, Software};

pub(super) fn options(planned: &Planned<'_>) -> (Vec<Section>, Vec<Unsupported>) {
    let mut left = Vec::new();
    let sections = vec![
        parallelism(planned, &mut left),
        training(planned, &mut left),
        activation_checkpoint(planned.strategy, &mut left),
        compile(planned),
    ];
    (sections, left)
}

/// Degrees and the pipeline.
fn parallelism(planned: &Planned<'_>, left: &mut Vec<Unsupported>) -> Section {
    let s = planned.strategy;
    let mut miss = |what: &str, why: &str| left.push(Unsupported::new(what, why));
    let mut out = Section::new("parallelism");
    match s.zero {
        0 => {
            out.set("data_parallel_replicate_degree", s.dp);
            out.set("data_parallel_shard_degree", 1);
        }
        stage => {
            let copies = if s.zero_replicas <= 1 || s.dp % s.zero_replicas == 0 { s.zero_replicas.max(1) } else { 1 };
            if copies != s.zero_replicas.max(1) {
                miss("zero-replicas", "replicas do not divide by the copies; these options divide over all of them");
            }
            out.set("data_parallel_replicate_degree", copies);
            out.set("data_parallel_shard_degree", s.dp / copies);
            out.set("fsdp_reshard_after_forward", if stage == 3 { "always" } else { "never" });
            if stage == 1 {
                miss("zero", "`1`: FSDP divides gradients too, which these options do (ZeRO-2)");
            }
        }
    }
    out.set("tensor_parallel_degree", s.tp);
    if s.tp > 1 {
        out.set("enable_sequence_parallel", s.sp);
    }
    out.set("context_parallel_degree", s.cp);
    if planned.model.moe.is_some() {
        out.set("expert_parallel_degree", s.ep);
        if s.etp > 1 {
            miss("etp", "torchtitan divides no expert over tensor-parallel ranks; expert parallelism takes them");
        }
    }
    out.set("pipeline_parallel_degree", s.pp);
    if s.pp > 1 {
        pipeline(planned, &mut out, left);
    }
    if s.cp > 1 && s.context != ContextKind::AllGather {
        let kind = s.context.as_str();
        left.push(Unsupported::new(
            "cp-kind",
            format!("`{kind}`: torchtitan has no option for it; PyTorch gathers keys and values"),
        ));
    }
    if s.rank_order != RankOrder::default() {
        left.push(Unsupported::new("rank-order", "torchtitan lays pipeline stages outermost, then replicas"));
    }
    if !s.overlap {
        left.push(Unsupported::new("overlap", "`false`: FSDP always gathers and reduces behind the computation"));
    }
    out
}

/// The schedule, its microbatches and which layers its stages hold.
fn pipeline(planned: &Planned<'_>, out: &mut Section, left: &mut Vec<Unsupported>) {
    let s = planned.strategy;
    let schedule = match s.schedule {
        ScheduleKind::Gpipe => "GPipe",
        ScheduleKind::OneForwardOneBackward => "1F1B",
        ScheduleKind::Interleaved => "Interleaved1F1B",
        ScheduleKind::BreadthFirst => "LoopedBFS",
        ScheduleKind::ZbV => "ZBVZeroBubble",
        ScheduleKind::DualPipeV => "DualPipeV",
        ScheduleKind::Own(Placement::Looped) if s.vp == 1 => "PipelineScheduleSingle",
        ScheduleKind::Own(_) => "PipelineScheduleMulti",
        ScheduleKind::ZbH1 | ScheduleKind::ZbH2 | ScheduleKind::ZbAuto | ScheduleKind::DualPipe => {
            let why = format!(
                "`{}`: PyTorch has no such schedule; these options run 1F1B. `planner trace -o order.csv` writes the order for \
                 `pipeline_parallel_schedule_csv`",
                s.schedule.as_str()
            );
            left.push(Unsupported::new("schedule", why));
            "1F1B"
        }
    };
    out.set("pipeline_parallel_schedule", schedule);
    if let Some(order) = &planned.job.parallelism.order {
        out.set("pipeline_parallel_schedule_csv", order.as_str());
    }
    out.set("num_pp_microbatches", s.microbatches);
    stages(planned, out);
}

/// Which layers the stages hold: a number for all of them, or lists of modules where they differ.
fn stages(planned: &Planned<'_>, out: &mut Section) {
    let (s, layers) = (planned.strategy, planned.model.layers);
    let slices = planned.split().slices(s, layers);
    let count = slices.len().max(1) as u32;
    let beside = match planned.split() {
        LayerSplit::Even if layers % count == 0 && s.seam.is_none() => Some([0, 0]),
        LayerSplit::Counted { embedding, loss } => Some([u32::from(embedding), u32::from(loss)]),
        _ => None,
    };
    if let Some([first, last]) = beside {
        out.set("pipeline_parallel_first_stage_less_layers", first);
        out.set("pipeline_parallel_last_stage_less_layers", last);
        out.set("pipeline_parallel_layers_per_stage", (layers + first + last) / count);
        return;
    }
    let mut next = 0;
    let mut parts: Vec<Vec<String>> = Vec::new();
    for layers in &slices {
        parts.push((next..next + layers).map(|layer| format!("layers.{layer}")).collect());
        next += layers;
    }
    if let Some(first) = parts.first_mut() {
        first.insert(0, "tok_embeddings".into());
    }
    if let Some(last) = parts.last_mut() {
        last.extend(["norm".into(), "lm_head".into()]);
    }
    out.set("module_fqns_per_model_part", parts.into_iter().map(Value::from).collect::<Vec<_>>());
}

/// Batches and data types.
fn training(planned: &Planned<'_>, left: &mut Vec<Unsupported>) -> Section {
    let (s, sequence) = (planned.strategy, planned.job.sequence);
    let mut out = Section::new("training");
    out.set("max_context_length", sequence);
    let microbatch = u64::from(s.microbatch) * u64::from(sequence);
    out.set("num_tokens_per_microbatch_per_dp_rank", microbatch);
    out.set("num_tokens_per_train_step", s.sequences() * u64::from(sequence));
    out.set_some("steps", planned.steps());
    let precision = planned.computation.precision;
    match precision {
        Precision::Tf32 => out.set("mixed_precision_param", "float32"),
        Precision::Bf16 => out.set("mixed_precision_param", "bfloat16"),
        Precision::Fp8 | Precision::Mxfp8 | Precision::Nvfp4 => {
            out.set("mixed_precision_param", "bfloat16");
            let converter = match precision {
                Precision::Fp8 => "Float8LinearConverter",
                Precision::Mxfp8 => "MXFP8LinearConverter",
                _ => "NVFP4LinearConverter",
            };
            let why = format!("`{}`: give the model's registry the converter `{converter}`", precision.as_str());
            left.push(Unsupported::new("precision", why));
        }
        Precision::Fp16 | Precision::Int8 => {
            out.set("mixed_precision_param", "bfloat16");
            let why = format!("`{}`: torchtitan trains in BF16, which these options do", precision.as_str());
            left.push(Unsupported::new("precision", why));
        }
    }
    if planned.job.adapters {
        left.push(Unsupported::new("adapters", "these options train every weight"));
    }
    if !matches!(planned.job.software, Software::Fsdp | Software::FsdpCompiled) {
        let name = planned.job.software.as_str();
        left.push(Unsupported::new("software", format!("`{name}`: the step was planned with other kernels and overlap")));
    }
    let graphs = planned.computation.graphs != crate::spec::Graphs::None && s.pp == 1;
    out.set("disable_cuda_graphs", !graphs);
    out
}

/// What is computed again.
fn activation_checkpoint(s: &Strategy, left: &mut Vec<Unsupported>) -> Section {
    let mut out = Section::new("activation_checkpoint");
    match s.recompute {
        Recompute::None => out.set("mode", "none"),
        Recompute::Selective => out.set("mode", "selective"),
        Recompute::Full => out.set("mode", "full"),
    }
    if s.recompute_layers > 0 {
        left.push(Unsupported::new("recompute-layers", "torchtitan recomputes all layers or none; these options do all"));
    }
    out
}

fn compile(planned: &Planned<'_>) -> Section {
    let mut out = Section::new("compile");
    let compiled = planned.job.software == Software::FsdpCompiled;
    out.set("enable", compiled);
    if compiled && planned.computation.tensor_overlap && planned.strategy.tp > 1 {
        out.set("enable_async_tensor_parallel", true);
    }
    out
}

/// The function.
pub(super) fn text(launch: &Launch) -> String {
    let mut text = String::from(
        "# Called with the model's own configuration by the function that --config names.\n\
         from torchtitan.distributed.activation_checkpoint import FullAC, SelectiveAC\n\n\n\
         def planned(config):\n",
    );
    for section in &launch.options {
        for setting in &section.settings {
            let line = match (section.name, setting.name.as_str(), setting.value.as_str()) {
                ("activation_checkpoint", "mode", Some(mode)) => match mode {
                    "full" => "config.activation_checkpoint = FullAC.Config()".to_owned(),
                    "selective" => "config.activation_checkpoint = SelectiveAC.Config()".to_owned(),
                    _ => "config.activation_checkpoint = None".to_owned(),
                },
                (name, setting_name, _) => format!("config.{name}.{setting_name} = {}", python(&setting.value)),
            };
            // A string takes what it is given.
            let _ = writeln!(text, "    {line}");
        }
    }
    let _ = writeln!(
        text,
        "    return config\n\n\n# torchrun --nnodes {} --nproc-per-node {} -m torchtitan.train --module MODULE --config FUNCTION",
        launch.nodes, launch.gpus_per_node
    );
    text
}

/// A value in Python; lists of lists take a line an item.
fn python(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Array(items) if items.iter().any(Value::is_array) => {
            let lines: Vec<String> = items.iter().map(|item| format!("        {},", python(item))).collect();
            format!("[\n{}\n    ]", lines.join("\n"))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        value => value.to_string(),
    }
}
