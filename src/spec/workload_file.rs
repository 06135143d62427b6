//! What a workload file may say.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::{AttentionKernel, ContextKind, Graphs, Precision, RankOrder, ScheduleKind, Software};
use crate::catalog::Model;
use crate::units::{Batch, Date, Seconds, Tokens};

/// Jobs to plan.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkloadFile {
    /// The jobs.
    #[schemars(length(min = 1, max = 1000))]
    pub jobs: Vec<JobFile>,
}

/// One training job.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JobFile {
    /// Name of the job.
    pub name: String,
    /// Model of the catalogue, path of a Hugging Face `config.json`, or the architecture spelled out.
    pub model: ModelRef,
    /// Training data.
    #[serde(default)]
    pub tokens: Option<Tokens>,
    /// Tokens of a training sequence.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub sequence: u32,
    /// Data between two optimizer steps: `1024 sequences` is exact, `4M tokens` is rounded to whole sequences per replica.
    pub global_batch: Batch,
    /// Data type of the matmuls.
    #[serde(default)]
    pub precision: Option<Precision>,
    /// How the attention scores are computed.
    #[serde(default)]
    pub attention: Option<AttentionKernel>,
    /// Training framework: how kernels are fused, launched and overlapped.
    #[serde(default)]
    pub software: Option<Software>,
    /// How much of a step is launched from recorded graphs (CUDA graphs) instead of kernel by kernel.
    #[serde(default)]
    pub graphs: Option<Graphs>,
    /// Whether only low-rank adapters are trained, the model's own weights frozen.
    #[serde(default)]
    pub adapters: Option<bool>,
    /// `auto`, or the degrees; those left out are searched.
    #[serde(default)]
    pub parallelism: ParallelismRef,
    /// Pool of the cluster that it runs on.
    #[serde(default)]
    pub pool: Option<String>,
    /// Day on which it starts: what its carbon is counted from where that changes over time.
    #[serde(default)]
    pub start: Option<Date>,
    /// Two pools in place of `pool`: the first stages of the pipeline run on the first of them, the rest on the second.
    #[serde(default)]
    #[schemars(length(min = 2, max = 2))]
    pub pools: Option<Vec<String>>,
    /// Time by which it has to be done, from its start.
    #[serde(default)]
    pub deadline: Option<Seconds>,
    /// Jobs that have to be done before it starts.
    #[serde(default)]
    pub after: Vec<String>,
}

/// Degrees of parallelism; those left out are searched.
#[derive(Debug, Clone, PartialEq, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Parallelism {
    /// Tensor-parallel degree.
    #[schemars(range(min = 1, max = 1024))]
    pub tp: Option<u32>,
    /// Whether the regions between tensor-parallel blocks are divided along the sequence.
    pub sp: Option<bool>,
    /// Context-parallel degree.
    #[schemars(range(min = 1, max = 1024))]
    pub cp: Option<u32>,
    /// How context-parallel ranks see each other's keys and values.
    pub cp_kind: Option<ContextKind>,
    /// Pipeline-parallel degree.
    #[schemars(range(min = 1, max = 1024))]
    pub pp: Option<u32>,
    /// Pipeline stages on the first of two `pools`.
    #[schemars(range(min = 1, max = 1023))]
    pub first_pool_stages: Option<u32>,
    /// Virtual pipeline stages per rank.
    #[schemars(range(min = 1, max = 1024))]
    pub vp: Option<u32>,
    /// Expert-parallel degree.
    #[schemars(range(min = 1, max = 4096))]
    pub ep: Option<u32>,
    /// Tensor-parallel degree inside an expert.
    #[schemars(range(min = 1, max = 1024))]
    pub etp: Option<u32>,
    /// Data-parallel degree.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub dp: Option<u32>,
    /// Sequences in a microbatch.
    #[schemars(range(min = 1, max = 65_536))]
    pub microbatch: Option<u32>,
    /// ZeRO stage: 0 nothing, 1 optimizer state, 2 and gradients, 3 and weights divided over data-parallel ranks.
    #[schemars(range(min = 0, max = 3))]
    pub zero: Option<u8>,
    /// Copies of what ZeRO divides: each is divided over so many times fewer ranks, and gradients are summed over the copies. Hybrid
    /// sharding of FSDP; Megatron-LM's `--num-distributed-optimizer-instances`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub zero_replicas: Option<u32>,
    /// What is computed again in the backward pass instead of kept.
    pub recompute: Option<Recompute>,
    /// Layers of each stage, over all its virtual stages, that `recompute: full` is limited to; all of them when left out beside
    /// `recompute`.
    #[schemars(range(min = 1, max = 1000))]
    pub recompute_layers: Option<u16>,
    /// Which ranks are neighbours, from the innermost degree to the outermost.
    pub rank_order: Option<RankOrder>,
    /// Pipeline schedule.
    pub schedule: Option<ScheduleKind>,
    /// Whether data-parallel communication runs behind the computation.
    pub overlap: Option<bool>,
    /// Whether tensor-parallel collectives run behind the matmuls that they feed or follow; as the framework does when left out.
    pub tensor_overlap: Option<bool>,
    /// Whether tokens travel to and from their experts behind another microbatch's computation.
    pub expert_overlap: Option<bool>,
    /// Path of a file with the order in which every stage runs its turns, in place of `schedule`, relative to the folder of the
    /// workload file: PyTorch's CSV of a pipeline schedule, which `planner trace -o order.csv` writes too.
    pub order: Option<String>,
    /// Layers of every slice of the model, in its order: as many numbers as `pp` times `vp`. Left out, layers are spread evenly.
    #[schemars(length(min = 1, max = 4096), inner(range(min = 0, max = 100_000)))]
    pub layers: Option<Vec<u32>>,
    /// Layers of the first stage; the stages between share the rest evenly, as in Megatron-LM's
    /// `--decoder-first-pipeline-num-layers`.
    #[schemars(range(min = 0, max = 100_000))]
    pub first_stage_layers: Option<u32>,
    /// Layers of the last stage, as in Megatron-LM's `--decoder-last-pipeline-num-layers`.
    #[schemars(range(min = 0, max = 100_000))]
    pub last_stage_layers: Option<u32>,
    /// Whether the embedding counts as a layer when layers are spread, as in Megatron-LM's
    /// `--account-for-embedding-in-pipeline-split`.
    pub account_for_embedding: Option<bool>,
    /// Whether the output layer and the loss count as a layer when layers are spread, as in Megatron-LM's
    /// `--account-for-loss-in-pipeline-split`.
    pub account_for_loss: Option<bool>,
}

impl Parallelism {
    /// Two keys that exclude each other, if they are both there.
    pub(super) fn conflict(&self) -> Option<(&'static str, &'static str)> {
        let ends = [
            ("first-stage-layers", self.first_stage_layers.is_some()),
            ("last-stage-layers", self.last_stage_layers.is_some()),
        ];
        let counted = [
            ("account-for-embedding", self.account_for_embedding == Some(true)),
            ("account-for-loss", self.account_for_loss == Some(true)),
        ];
        let there = |keys: &[(&'static str, bool)]| keys.iter().find(|(_, there)| *there).map(|(key, _)| *key);
        if self.schedule.is_some() && self.order.is_some() {
            return Some(("schedule", "order"));
        }
        let list = self.layers.as_ref().map(|_| "layers");
        list.zip(there(&ends)).or(list.zip(there(&counted))).or(there(&ends).zip(there(&counted)))
    }
}

/// What is computed again in the backward pass instead of kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Recompute {
    /// Nothing.
    None,
    /// The attention core.
    Selective,
    /// Every layer, from its input.
    Full,
}

/// A model by name, by path, or spelled out.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelRef {
    /// A name of the catalogue, or the path of a `config.json`.
    Named(String),
    /// The architecture itself.
    Spelled(Box<Model>),
}

/// `auto`, or degrees.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ParallelismRef {
    /// Everything is searched.
    #[default]
    Auto,
    /// These are fixed, the rest is searched.
    Fixed(Box<Parallelism>),
}

/// Reads either a text or a mapping, without losing places as an untagged enum would.
struct TextOrMap<T>(std::marker::PhantomData<T>);

trait FromTextOrMap: Sized {
    const EXPECTING: &'static str;
    fn from_text(text: &str) -> Result<Self, String>;
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

impl<'de, T: FromTextOrMap> Visitor<'de> for TextOrMap<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_map(map)
    }
}

impl FromTextOrMap for ModelRef {
    const EXPECTING: &'static str = "the name of a model, a path, or an architecture";
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self::Named(text.to_owned()))
    }
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Model::deserialize(de::value::MapAccessDeserializer::new(map)).map(|model| Self::Spelled(Box::new(model)))
    }
}

impl FromTextOrMap for ParallelismRef {
    const EXPECTING: &'static str = "`auto` or degrees of parallelism";
    fn from_text(text: &str) -> Result<Self, String> {
        if text == "auto" { Ok(Self::Auto) } else { Err(format!("`{text}` is not `auto`")) }
    }
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Parallelism::deserialize(de::value::MapAccessDeserializer::new(map)).map(|fixed| Self::Fixed(Box::new(fixed)))
    }
}

impl<'de> Deserialize<'de> for ModelRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOrMap(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for ParallelismRef {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOrMap(std::marker::PhantomData))
    }
}

impl JsonSchema for ModelRef {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ModelRef".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let spelled = generator.subschema_for::<Model>();
        json_schema!({ "oneOf": [{ "type": "string", "examples": ["llama3-70b"] }, spelled] })
    }
}

impl JsonSchema for ParallelismRef {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ParallelismRef".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fixed = generator.subschema_for::<Parallelism>();
        json_schema!({ "oneOf": [{ "type": "string", "enum": ["auto"] }, fixed] })
    }
}
