//! Configurations of `NeMo` (`trainer`, `model`) and of Megatron-Bridge (`model`, `train`, `ddp`, `dist`) as options, under the
//! names that Megatron-LM has for the same.

use std::sync::Arc;

use super::flags::{Flag, Flags};
use super::shell::Evaluated;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::yaml::{self, Node, Step};

/// Keys and the options of Megatron-LM that say the same; other keys of `model` have the option's name.
const SAME: [(&str, &str); 46] = [
    ("trainer.num_nodes", "nnodes"),
    ("trainer.devices", "nproc-per-node"),
    ("trainer.max_steps", "train-iters"),
    ("train.train_iters", "train-iters"),
    ("train.micro_batch_size", "micro-batch-size"),
    ("train.global_batch_size", "global-batch-size"),
    ("dataset.seq_length", "seq-length"),
    ("dataset.sequence_length", "seq-length"),
    ("model.encoder_seq_length", "seq-length"),
    ("model.data.seq_length", "seq-length"),
    ("model.seq_length", "seq-length"),
    ("model.num_layers", "num-layers"),
    ("model.hidden_size", "hidden-size"),
    ("model.num_attention_heads", "num-attention-heads"),
    ("model.micro_batch_size", "micro-batch-size"),
    ("model.global_batch_size", "global-batch-size"),
    ("model.vocab_size", "vocab-size"),
    ("model.override_vocab_size", "vocab-size"),
    ("tokenizer.vocab_size", "vocab-size"),
    ("model.num_moe_experts", "num-experts"),
    ("model.virtual_pipeline_model_parallel_size", "num-virtual-stages-per-pipeline-rank"),
    ("model.num_layers_in_first_pipeline_stage", "decoder-first-pipeline-num-layers"),
    ("model.num_layers_in_last_pipeline_stage", "decoder-last-pipeline-num-layers"),
    ("model.activations_checkpoint_granularity", "recompute-granularity"),
    ("model.activations_checkpoint_method", "recompute-method"),
    ("model.activations_checkpoint_num_layers", "recompute-num-layers"),
    ("model.ub_tp_comm_overlap", "tp-comm-overlap"),
    ("comm_overlap.tp_comm_overlap", "tp-comm-overlap"),
    ("comm_overlap.overlap_moe_expert_parallel_comm", "overlap-moe-expert-parallel-comm"),
    ("ddp.use_distributed_optimizer", "use-distributed-optimizer"),
    ("optimizer.use_distributed_optimizer", "use-distributed-optimizer"),
    ("ddp.overlap_grad_reduce", "overlap-grad-reduce"),
    ("model.optim.overlap_grad_sync", "overlap-grad-reduce"),
    ("ddp.overlap_param_gather", "overlap-param-gather"),
    ("model.optim.overlap_param_sync", "overlap-param-gather"),
    ("ddp.use_megatron_fsdp", "use-megatron-fsdp"),
    ("ddp.data_parallel_sharding_strategy", "data-parallel-sharding-strategy"),
    ("ddp.num_distributed_optimizer_instances", "num-distributed-optimizer-instances"),
    ("dist.use_tp_pp_dp_mapping", "use-tp-pp-dp-mapping"),
    ("model.fp8", "fp8-format"),
    ("dist.use_megatron_fsdp", "use-megatron-fsdp"),
    ("mixed_precision.bf16", "bf16"),
    ("mixed_precision.fp16", "fp16"),
    ("mixed_precision.fp8", "fp8-format"),
    ("mixed_precision.fp8_recipe", "fp8-recipe"),
    ("mixed_precision.fp4", "fp4-format"),
];

/// Options that these configurations say in other words.
const OTHERWISE: [(&str, &str); 6] = [
    ("untie-embeddings-and-output-weights", "model.share_embeddings_and_output_weights"),
    ("disable-bias-linear", "model.bias"),
    ("swiglu", "model.activation"),
    ("bf16", "trainer.precision"),
    ("use-distributed-optimizer", "ddp.use_distributed_optimizer"),
    ("vocab-size", "model.vocab_size"),
];

/// References that lead to references, at most.
const LONGEST_CHAIN: usize = 16;

/// Reads a configuration.
pub(super) fn read(source: &Arc<Source>, given: &[(String, String)]) -> Result<Flags, Vec<Diagnostic>> {
    let tree = yaml::scan(source)?;
    let mut flags = Flags::new(source, called);
    let mut leaves = Vec::new();
    collect(&tree, &mut Vec::new(), &mut leaves);
    let keyed = leaves.iter().any(|leaf| leaf.path.first().is_some_and(|key| key == "model"));
    if !keyed {
        let error = Diagnostic::error(Code::LaunchSyntax, "the file has no `model` with options")
            .at(source, tree.head(), "")
            .help("name the configuration of a training run, with `model:` and `trainer:` or `train:`");
        return Err(vec![error]);
    }
    for leaf in &leaves {
        let key = leaf.path.join(".");
        let value = leaf.value(&tree, given);
        if value.text.is_empty() || value.text == "null" {
            continue;
        }
        let named = SAME.iter().find(|(same, _)| *same == key).map(|(_, flag)| (*flag).to_owned());
        let own = || match leaf.path.as_slice() {
            [model, name] if model == "model" => name.replace('_', "-"),
            _ => key.clone(),
        };
        let name = named.unwrap_or_else(own);
        for (name, values) in meaning(&key, &name, value) {
            flags.insert(&name, Flag { shown: key.clone(), values, place: leaf.key_place.clone() });
        }
    }
    let anchor = tree.entry("model").map_or(0..1, |entry| entry.key_span.clone());
    flags.anchor = anchor.clone();
    let referred = |key: &str| source.text().contains(&format!("${{{key}}}"));
    for (key, value) in given.iter().filter(|(key, _)| !referred(key)) {
        let name = SAME.iter().find(|(same, _)| same == key).map_or(key.trim_start_matches("model."), |(_, flag)| *flag);
        let value = Evaluated { text: value.clone(), place: anchor.clone(), unknown: false };
        let flag = Flag { shown: format!("--set {key}"), values: vec![value], place: anchor.clone() };
        flags.insert(&name.replace('_', "-"), flag);
    }
    Ok(flags)
}

/// What these configurations call an option.
fn called(name: &str) -> String {
    let other = OTHERWISE.iter().find(|(flag, _)| *flag == name);
    if let Some((_, key)) = other {
        return (*key).to_owned();
    }
    let same = SAME.iter().rev().find(|(_, flag)| *flag == name);
    same.map_or_else(|| format!("model.{}", name.replace('-', "_")), |(key, _)| (*key).to_owned())
}

/// A value and the keys that lead to it.
struct Leaf<'a> {
    path: Vec<String>,
    key_place: std::ops::Range<usize>,
    node: &'a Node,
}

fn collect<'a>(node: &'a Node, path: &mut Vec<String>, leaves: &mut Vec<Leaf<'a>>) {
    for entry in node.entries() {
        path.push(entry.key.clone());
        if entry.value.entries().is_empty() {
            leaves.push(Leaf { path: path.clone(), key_place: entry.key_span.clone(), node: &entry.value });
        } else {
            collect(&entry.value, path, leaves);
        }
        path.pop();
    }
}

impl Leaf<'_> {
    /// Its value as text, references followed.
    fn value(&self, tree: &Node, given: &[(String, String)]) -> Evaluated {
        let list = |node: &Node| -> String {
            let items: Vec<&str> = node.items().iter().filter_map(|item| item.scalar().map(|(text, _)| text)).collect();
            format!("[{}]", items.join(","))
        };
        let (mut node, mut path) = (self.node, self.path.clone());
        for _ in 0..LONGEST_CHAIN {
            let Some((text, _)) = node.scalar() else {
                return Evaluated { text: list(node), place: self.node.span.clone(), unknown: false };
            };
            let Some(reference) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
                let text = if node.is_null() { "null" } else { text };
                return Evaluated { text: text.to_owned(), place: self.node.span.clone(), unknown: text.contains("${") };
            };
            if let Some((_, value)) = given.iter().find(|(key, _)| key == reference) {
                return Evaluated { text: value.clone(), place: self.node.span.clone(), unknown: false };
            }
            let Some((next, to)) = follow(tree, &path, reference) else { break };
            (node, path) = (next, to);
        }
        let text = self.node.scalar().map_or("", |(text, _)| text).to_owned();
        Evaluated { text, place: self.node.span.clone(), unknown: true }
    }
}

/// The node that `${a.b}` or, from beside it, `${.b}` refers to.
fn follow<'a>(tree: &'a Node, from: &[String], reference: &str) -> Option<(&'a Node, Vec<String>)> {
    let dots = reference.len() - reference.trim_start_matches('.').len();
    let mut path: Vec<String> = if dots == 0 { Vec::new() } else { from.get(..from.len().checked_sub(dots)?)?.to_vec() };
    path.extend(reference.trim_start_matches('.').split('.').map(str::to_owned));
    let steps = path.iter().fold(yaml::Path::root(), |path, key| path.then(Step::from(key.as_str())));
    Some((tree.at(&steps)?, path))
}

/// What a key means in options of Megatron-LM: most mean themselves, some have other words for their values.
fn meaning(key: &str, name: &str, value: Evaluated) -> Vec<(String, Vec<Evaluated>)> {
    let word = |text: &str| Evaluated { text: text.to_owned(), ..value.clone() };
    let switch = |name: &str| vec![(name.to_owned(), Vec::new())];
    let text = value.text.to_lowercase();
    let off = matches!(text.as_str(), "false" | "no" | "off");
    if value.unknown {
        return vec![(name.to_owned(), vec![value])];
    }
    match key {
        "model.normalization" => {
            let norm = if text.starts_with("rms") { "RMSNorm" } else { "LayerNorm" };
            vec![(name.to_owned(), vec![word(norm)])]
        }
        "model.activation" | "model.activation_func" => {
            let last = text.rsplit(['.', '-']).next().unwrap_or_default().to_owned();
            match last.as_str() {
                "swiglu" | "silu" => switch("swiglu"),
                "geglu" | "quick_gelu" => switch("quick-geglu"),
                "relu" if text.contains("squared") => switch("squared-relu"),
                "squared_relu" => switch("squared-relu"),
                _ => vec![("activation".to_owned(), vec![word(&last)])],
            }
        }
        "model.bias" | "model.add_bias_linear" if off => switch("disable-bias-linear"),
        "model.qkv_bias" if !off => switch("add-qkv-bias"),
        "model.share_embeddings_and_output_weights" if off => switch("untie-embeddings-and-output-weights"),
        // On is Megatron-LM's default.
        "model.bias" | "model.add_bias_linear" | "model.share_embeddings_and_output_weights" => Vec::new(),
        "model.num_query_groups" => {
            vec![("group-query-attention".to_owned(), Vec::new()), (name.to_owned(), vec![value])]
        }
        "model.optim.name" if text.contains("distributed") => switch("use-distributed-optimizer"),
        "model.fp8" if off => Vec::new(),
        "model.fp8" if text == "true" => vec![(name.to_owned(), vec![word("hybrid")])],
        "trainer.precision" | "mixed_precision" => precision(&text, word),
        "model.window_size" => vec![(name.to_owned(), vec![word(text.trim_matches(['[', ']', '(', ')']))])],
        _ if text == "true" => switch(name),
        _ if off => Vec::new(),
        _ => vec![(name.to_owned(), vec![value])],
    }
}

/// `bf16-mixed`, `16`, `bf16_with_mxfp8_mixed`.
fn precision(text: &str, word: impl Fn(&str) -> Evaluated) -> Vec<(String, Vec<Evaluated>)> {
    let base = if text.starts_with("16") || text.starts_with("fp16") { "fp16" } else { "bf16" };
    let mut all = Vec::new();
    if !text.starts_with("32") {
        all.push((base.to_owned(), Vec::new()));
    }
    if text.contains("nvfp4") {
        all.push(("fp4-format".to_owned(), vec![word("e2m1")]));
    } else if text.contains("fp8") {
        all.push(("fp8-format".to_owned(), vec![word("hybrid")]));
        if text.contains("mxfp8") {
            all.push(("fp8-recipe".to_owned(), vec![word("mxfp8")]));
        }
    }
    all
}
