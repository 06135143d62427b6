//! A Hugging Face `config.json` read as a model.
//!
//! Only model types whose fields are known are read: a guess would give wrong parameter counts. Field names follow the
//! `transformers` configuration classes.

use std::path::Path as FilePath;
use std::sync::Arc;

use serde_json::Value;

use crate::catalog::{Activation, Experts, LatentAttention, Model, Norm, Position, SlidingWindow};
use crate::diagnostic::{Code, Diagnostic, Source};

/// Model types that are understood.
const KNOWN: [&str; 18] = [
    "bloom",
    "deepseek_v2",
    "deepseek_v3",
    "gemma2",
    "gemma3_text",
    "gpt2",
    "gpt_neox",
    "gpt_oss",
    "kimi_k2",
    "llama",
    "mistral",
    "mixtral",
    "nemotron",
    "olmo2",
    "opt",
    "qwen2",
    "qwen3",
    "qwen3_moe",
];

/// Reads a `config.json`.
///
/// # Errors
/// A file that is not a JSON object, is of an unknown model type, or lacks a field.
pub(super) fn load(source: &Arc<Source>) -> Result<Model, Diagnostic> {
    let path = FilePath::new(source.name());
    let whole = || 0..source.text().len().min(1);
    let value: Value = serde_json::from_str(source.text()).map_err(|error| {
        let at = source.offset(error.line(), error.column());
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or(&text);
        Diagnostic::error(Code::ModelConfigSyntax, "the model configuration is not JSON")
            .at(source, at..at, reason)
            .help("name the `config.json` of a Hugging Face model, or spell the architecture out under `model:`")
    })?;
    let Value::Object(fields) = &value else {
        let error = Diagnostic::error(Code::ModelConfigSyntax, "the model configuration is not a JSON object");
        return Err(error.at(source, whole(), "").help("name the `config.json` of a Hugging Face model"));
    };
    let config = Config { fields, source };
    // Models lie in a folder each, as `config.json`; a file of another name stands for itself.
    let folder = path.parent().and_then(FilePath::file_name).filter(|_| path.file_name().is_some_and(|f| f == "config.json"));
    let name = folder.or(path.file_stem()).map_or("model".into(), |n| n.to_string_lossy());
    config.model(&name)
}

struct Config<'a> {
    fields: &'a serde_json::Map<String, Value>,
    source: &'a Arc<Source>,
}

impl Config<'_> {
    fn error(&self, code: Code, field: &str, message: String) -> Diagnostic {
        let span = self.source.text().find(&format!("\"{field}\"")).map_or(0..1, |at| at..at + field.len() + 2);
        Diagnostic::error(code, message).at(self.source, span, "")
    }

    /// The number under the first of `names` that is there.
    fn optional(&self, names: &[&str]) -> Result<Option<u32>, Diagnostic> {
        let Some((name, value)) = names.iter().find_map(|n| self.fields.get(*n).filter(|v| !v.is_null()).map(|v| (*n, v)))
        else {
            return Ok(None);
        };
        match value.as_u64().and_then(|v| u32::try_from(v).ok()) {
            Some(number) => Ok(Some(number)),
            None => {
                let error =
                    self.error(Code::ModelConfigValue, name, format!("`{name}` is not a whole number up to 4,294,967,295"));
                Err(error.help("write it in digits, without quotes"))
            }
        }
    }

    /// As [`Self::optional`], for a field that the model cannot do without and that is not zero.
    fn needed(&self, names: &[&str]) -> Result<u32, Diagnostic> {
        let name = names.first().copied().unwrap_or_default();
        match self.optional(names)? {
            Some(0) => {
                let error = self.error(Code::ModelConfigValue, name, format!("`{name}` is zero"));
                Err(error.help("write at least 1"))
            }
            Some(number) => Ok(number),
            None => {
                let message = format!("the model configuration lacks `{}`", names.join("` or `"));
                let error = self.error(Code::ModelConfigMissing, "model_type", message);
                Err(error.help("take the whole `config.json`; a type's fields have no defaults here that could be relied on"))
            }
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.fields.get(name).and_then(Value::as_bool)
    }

    fn model(&self, name: &str) -> Result<Model, Diagnostic> {
        let kind = self.fields.get("model_type").and_then(Value::as_str).unwrap_or_default();
        if !KNOWN.contains(&kind) {
            let message = if kind.is_empty() {
                "the model configuration has no `model_type`".to_owned()
            } else {
                format!("model type `{kind}` is not known")
            };
            return Err(self
                .error(Code::UnknownModelType, "model_type", message)
                .help(format!("known types: {}; or spell the architecture out under `model:`", KNOWN.join(", "))));
        }
        let old = matches!(kind, "gpt2" | "bloom" | "opt" | "gpt_neox");
        let hidden = self.needed(&["hidden_size", "n_embd"])?;
        let heads = self.needed(&["num_attention_heads", "n_head"])?;
        let layers = self.needed(&["num_hidden_layers", "n_layer"])?;
        let ffn = match kind {
            "gpt2" => self.optional(&["n_inner"])?.unwrap_or(hidden.saturating_mul(4)),
            "bloom" => hidden.saturating_mul(4),
            "opt" => self.needed(&["ffn_dim"])?,
            _ => self.needed(&["intermediate_size"])?,
        };
        let moe = self.experts(kind)?;
        let latent = kind.starts_with("deepseek") || kind == "kimi_k2";
        let window = self.optional(&["sliding_window"])?.filter(|_| self.flag("use_sliding_window") != Some(false));
        let every = match kind {
            "gemma2" | "gpt_oss" => Some(2),
            "gemma3_text" => self.optional(&["sliding_window_pattern"])?.or(Some(6)),
            _ => None,
        };
        Ok(Model {
            name: name.to_owned(),
            title: name.to_owned(),
            family: kind.to_owned(),
            aliases: Vec::new(),
            layers,
            hidden,
            heads,
            kv_heads: self.optional(&["num_key_value_heads"])?.filter(|kv| *kv > 0),
            head_dim: if latent { None } else { self.optional(&["head_dim"])?.filter(|d| *d > 0) },
            ffn,
            activation: self.activation(kind),
            vocab: self.needed(&["vocab_size"])?,
            tied_embeddings: self
                .flag("tie_word_embeddings")
                .unwrap_or(matches!(kind, "gpt2" | "bloom" | "opt" | "gemma2" | "gemma3_text")),
            position: match kind {
                "gpt2" | "opt" => Position::Learned,
                "bloom" => Position::Alibi,
                _ => Position::Rope,
            },
            positions: self.optional(&["max_position_embeddings", "n_positions"])?,
            norm: if old || kind == "nemotron" { Norm::Layer } else { Norm::Rms },
            bias: old,
            qkv_bias: kind == "qwen2" || self.flag("attention_bias") == Some(true),
            qk_norm: matches!(kind, "qwen3" | "qwen3_moe" | "gemma3_text" | "olmo2"),
            extra_norms: if matches!(kind, "gemma2" | "gemma3_text") { 2 } else { 0 },
            embedding_norm: kind == "bloom",
            parallel_block: false,
            dropout: false,
            sliding_window: window.filter(|w| *w > 0).map(|window| SlidingWindow { window, global_every: every }),
            max_sequence: self.optional(&["max_position_embeddings", "n_positions", "seq_length"])?,
            mla: if latent {
                Some(LatentAttention {
                    q_rank: self.optional(&["q_lora_rank"])?.filter(|q| *q > 0),
                    kv_rank: self.needed(&["kv_lora_rank"])?,
                    nope_dim: self.needed(&["qk_nope_head_dim"])?,
                    rope_dim: self.needed(&["qk_rope_head_dim"])?,
                    v_dim: self.needed(&["v_head_dim"])?,
                })
            } else {
                None
            },
            moe,
            mtp_layers: self.optional(&["num_nextn_predict_layers"])?.unwrap_or(0),
            published: None,
            sources: vec!["config.json".to_owned()],
            assumed: Vec::new(),
            notes: None,
        })
    }

    fn experts(&self, kind: &str) -> Result<Option<Experts>, Diagnostic> {
        let experts = match kind {
            "mixtral" | "gpt_oss" => self.needed(&["num_local_experts"])?,
            "qwen3_moe" => self.needed(&["num_experts"])?,
            "deepseek_v2" | "deepseek_v3" | "kimi_k2" => self.needed(&["n_routed_experts"])?,
            _ => return Ok(None),
        };
        let ffn = match kind {
            "mixtral" | "gpt_oss" => self.needed(&["intermediate_size"])?,
            _ => self.needed(&["moe_intermediate_size"])?,
        };
        Ok(Some(Experts {
            experts,
            top_k: self.needed(&["num_experts_per_tok", "experts_per_token"])?,
            ffn,
            shared_ffn: self.optional(&["n_shared_experts"])?.unwrap_or(0).saturating_mul(ffn),
            first_dense: self.optional(&["first_k_dense_replace"])?.unwrap_or(0),
            every: self.optional(&["moe_layer_freq", "decoder_sparse_step"])?.unwrap_or(1).max(1),
        }))
    }

    fn activation(&self, kind: &str) -> Activation {
        let name =
            ["hidden_act", "hidden_activation", "activation_function"].iter().find_map(|f| self.fields.get(*f)?.as_str());
        match (kind, name) {
            ("gpt2" | "bloom" | "gpt_neox", _) => Activation::Gelu,
            ("opt", _) => Activation::Relu,
            ("nemotron", _) => Activation::SquaredRelu,
            ("gemma2" | "gemma3_text", _) => Activation::Geglu,
            (_, Some(act)) if act.starts_with("gelu") => Activation::Geglu,
            _ => Activation::Swiglu,
        }
    }
}
