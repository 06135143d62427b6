//! Overrides of Megatron-Bridge's `ConfigContainer`, which `NeMo` trains large models with. It runs Megatron-Core, so the
//! options are Megatron-LM's under other names (`docs/megatron-lm-to-megatron-bridge.md` of its repository).

use serde_json::Value;

use super::options::{Section, Setting, Unsupported, distributed};
use super::{Launch, Planned, megatron, pattern};
use crate::spec::Precision;

/// Options of Megatron-LM that Megatron-Bridge has under another name than `model.` and the same words.
const RENAMED: [(&str, &str); 16] = [
    ("--seq-length", "dataset.seq_length"),
    ("--num-experts", "model.num_moe_experts"),
    ("--vocab-size", "tokenizer.vocab_size"),
    ("--num-virtual-stages-per-pipeline-rank", "model.virtual_pipeline_model_parallel_size"),
    ("--decoder-first-pipeline-num-layers", "model.num_layers_in_first_pipeline_stage"),
    ("--decoder-last-pipeline-num-layers", "model.num_layers_in_last_pipeline_stage"),
    ("--micro-batch-size", "train.micro_batch_size"),
    ("--global-batch-size", "train.global_batch_size"),
    ("--train-iters", "train.train_iters"),
    ("--use-distributed-optimizer", "ddp.use_distributed_optimizer"),
    ("--overlap-grad-reduce", "ddp.overlap_grad_reduce"),
    ("--overlap-param-gather", "ddp.overlap_param_gather"),
    ("--data-parallel-sharding-strategy", "ddp.data_parallel_sharding_strategy"),
    ("--ckpt-format", "checkpoint.ckpt_format"),
    ("--norm-epsilon", "model.layernorm_epsilon"),
    ("--num-distributed-optimizer-instances", "ddp.num_distributed_optimizer_instances"),
];

pub(super) fn options(planned: &Planned<'_>) -> (Vec<Section>, Vec<Unsupported>) {
    let (sections, mut left) = megatron::options(planned);
    let mut sections: Vec<Section> = sections
        .into_iter()
        .map(|section| Section { settings: section.settings.iter().flat_map(renamed).collect(), ..section })
        .collect();
    if let Some(training) = sections.last_mut() {
        match mixed_precision(planned.computation.precision) {
            Some(name) => training.set("mixed_precision", name),
            None => {
                let why = "`tf32`: no recipe of Megatron-Bridge; leave `mixed_precision` out";
                left.push(Unsupported::new("precision", why));
            }
        }
    }
    if planned.job.adapters {
        left.retain(|left| left.what != "adapters");
        left.push(Unsupported::new("adapters", "choose a recipe of adapters and `--mode lora`"));
    }
    (sections, left)
}

/// The recipe of a data type (`training/mixed_precision.py`).
fn mixed_precision(precision: Precision) -> Option<&'static str> {
    match precision {
        Precision::Tf32 => None,
        Precision::Bf16 | Precision::Int8 => Some("bf16_mixed"),
        Precision::Fp16 => Some("fp16_mixed"),
        Precision::Fp8 => Some("bf16_with_fp8_current_scaling_mixed"),
        Precision::Mxfp8 => Some("bf16_with_mxfp8_mixed"),
        Precision::Nvfp4 => Some("bf16_with_nvfp4_mixed"),
    }
}

/// An option of Megatron-LM as overrides; none where `mixed_precision` or the provider says the same.
fn renamed(setting: &Setting) -> Vec<Setting> {
    let one = |name: &str, value: Value| vec![Setting { name: name.to_owned(), value }];
    let two =
        |first: &str, activation: &str| [one(first, true.into()), one("model.activation_func", activation.into())].concat();
    let name = setting.name.as_str();
    match name {
        "--bf16" | "--fp16" | "--fp8-format" | "--fp8-recipe" | "--fp4-format" | "--fp4-recipe" | "--group-query-attention" => {
            return Vec::new();
        }
        "--swiglu" => return two("model.gated_linear_unit", "silu"),
        "--quick-geglu" => return two("model.gated_linear_unit", "quick_gelu"),
        "--squared-relu" => return one("model.activation_func", "squared_relu".into()),
        "--disable-bias-linear" => return one("model.add_bias_linear", false.into()),
        "--untie-embeddings-and-output-weights" => return one("model.share_embeddings_and_output_weights", false.into()),
        "--no-check-for-nan-in-loss-and-grad" => return one("rerun_state_machine.check_for_nan_in_loss", false.into()),
        "--use-megatron-fsdp" => {
            return [one("dist.use_megatron_fsdp", true.into()), one("ddp.use_megatron_fsdp", true.into())].concat();
        }
        "--use-tp-pp-dp-mapping" => return one("dist.use_tp_pp_dp_mapping", true.into()),
        "--window-size" => return one(name_of(name).as_str(), format!("[{}]", plain(&setting.value)).into()),
        "--moe-layer-freq" => {
            let layers = pattern::list(&plain(&setting.value)).unwrap_or_default();
            return one(name_of(name).as_str(), layers.into_iter().map(u8::from).collect::<Vec<_>>().into());
        }
        "--recompute-modules" | "--cuda-graph-modules" | "--cp-comm-type" => {
            return one(name_of(name).as_str(), setting.value.clone());
        }
        _ => {}
    }
    let other = RENAMED.iter().find(|(from, _)| *from == name);
    one(&other.map_or_else(|| name_of(name), |(_, to)| (*to).to_owned()), setting.value.clone())
}

fn name_of(flag: &str) -> String {
    format!("model.{}", flag.trim_start_matches('-').replace('-', "_"))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The script.
pub(super) fn text(launch: &Launch) -> String {
    let overrides: Vec<String> = launch
        .options
        .iter()
        .flat_map(|section| &section.settings)
        .map(|setting| format!("    {}", setting.assigned()))
        .collect();
    format!(
        "OVERRIDES=(\n{}\n)\n\n{}\nRECIPE=${{RECIPE:?name the recipe of {}}}\n\
         torchrun \"${{DISTRIBUTED_ARGS[@]}}\" scripts/training/run_recipe.py --recipe \"$RECIPE\" --mode pretrain \"${{OVERRIDES[@]}}\" \"$@\"\n",
        overrides.join("\n"),
        distributed(launch.nodes, launch.gpus_per_node),
        launch.model
    )
}
