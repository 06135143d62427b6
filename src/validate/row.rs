//! A published run as it stands in a table.

use serde::{Deserialize, Deserializer};

use super::ReadError;

/// One row: a configuration and what was measured with it. An empty cell is nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PublishedRun {
    /// Names the row.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// Where in the source.
    pub where_in_source: String,
    /// The accelerator, as the source calls it.
    pub accelerator: String,
    /// Accelerators of the run.
    #[serde(deserialize_with = "cell")]
    pub n_gpus: Option<u32>,
    /// Accelerators of a node.
    #[serde(deserialize_with = "cell")]
    pub gpus_per_node: Option<u32>,
    /// The links within a node.
    pub intra_interconnect: String,
    /// The network between nodes.
    pub inter_interconnect: String,
    /// The model.
    pub model_name: String,
    /// Layers, where the source prints them.
    #[serde(deserialize_with = "cell")]
    pub layers: Option<u32>,
    /// Width of the residual stream.
    #[serde(deserialize_with = "cell")]
    pub hidden: Option<u32>,
    /// Width of the feed-forward block.
    #[serde(deserialize_with = "cell")]
    pub ffn_hidden: Option<u32>,
    /// Attention heads.
    #[serde(deserialize_with = "cell")]
    pub heads: Option<u32>,
    /// Heads of keys and values.
    #[serde(deserialize_with = "cell")]
    pub kv_heads: Option<u32>,
    /// Tokens of a sequence.
    #[serde(deserialize_with = "cell")]
    pub seq: Option<u32>,
    /// Vocabulary.
    #[serde(deserialize_with = "cell")]
    pub vocab: Option<u32>,
    /// Data type of the matmuls.
    pub precision: String,
    /// Training framework and release.
    pub framework: String,
    /// Release or date.
    pub date_or_release: String,
    /// Tensor-parallel degree.
    #[serde(deserialize_with = "cell")]
    pub tp: Option<u32>,
    /// Sequence parallelism.
    #[serde(deserialize_with = "cell")]
    pub sp: Option<bool>,
    /// Context-parallel degree.
    #[serde(deserialize_with = "cell")]
    pub cp: Option<u32>,
    /// Pipeline-parallel degree.
    #[serde(deserialize_with = "cell")]
    pub pp: Option<u32>,
    /// Virtual pipeline stages.
    #[serde(deserialize_with = "cell")]
    pub vp: Option<u32>,
    /// Data-parallel degree.
    #[serde(deserialize_with = "cell")]
    pub dp: Option<u32>,
    /// Expert-parallel degree.
    #[serde(deserialize_with = "cell")]
    pub ep: Option<u32>,
    /// Tensor-parallel degree inside an expert.
    #[serde(deserialize_with = "cell")]
    pub etp: Option<u32>,
    /// How the states are divided over replicas.
    pub zero_stage_or_fsdp: String,
    /// Sequences of a microbatch.
    #[serde(deserialize_with = "cell")]
    pub mbs: Option<u32>,
    /// Sequences of a step.
    #[serde(deserialize_with = "cell")]
    pub gbs: Option<f64>,
    /// What is computed again.
    pub recompute: String,
    /// What runs beside the computation, as the source says.
    pub overlap_notes: String,
    /// Time of a step, in seconds.
    #[serde(deserialize_with = "cell")]
    pub step_time_s: Option<f64>,
    /// Tokens per second of one accelerator.
    #[serde(deserialize_with = "cell")]
    pub tokens_per_s_per_gpu: Option<f64>,
    /// TFLOP/s of one accelerator, as the source counts them.
    #[serde(deserialize_with = "cell")]
    pub tflops_per_gpu: Option<f64>,
    /// Whether recomputation counts in them.
    pub tflops_kind: String,
    /// What the source's figures count.
    pub metric_basis: String,
    /// Model FLOPs utilisation, as printed.
    #[serde(deserialize_with = "cell")]
    pub mfu: Option<f64>,
    /// Most memory of one accelerator, in GiB.
    #[serde(deserialize_with = "cell")]
    pub peak_mem_gib: Option<f64>,
    /// Pretraining, fine-tuning, or low-rank adaptation.
    pub task: String,
    /// What the source itself prints.
    pub printed_metrics: String,
    /// A, B or C: how complete and unambiguous the row is.
    pub quality: String,
    /// What else is known.
    pub notes: String,
    /// Rows of one model, accelerator, class of precision and task.
    pub split_group: String,
    /// `calibration`, `validation` or `aux`.
    pub split: String,
    /// Its line in the table.
    #[serde(skip)]
    pub line: u64,
}

/// A cell that may be empty.
fn cell<'de, D: Deserializer<'de>, T: std::str::FromStr>(from: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(from)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("`{text}` is not a number of this column")))
}

/// The rows of a table.
///
/// # Errors
/// What is wrong with its header or with a cell, with line and column.
pub fn read(text: &str) -> Result<Vec<PublishedRun>, ReadError> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| ReadError::from_csv(&error))?.clone();
    for needed in ["id", "accelerator", "n_gpus", "model_name", "seq"] {
        if !headers.iter().any(|header| header == needed) {
            return Err(ReadError { line: 1, column: 1, message: format!("the table has no column `{needed}`") });
        }
    }
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| ReadError::from_csv(&error))? {
        let mut row: PublishedRun =
            record.deserialize(Some(&headers)).map_err(|error| ReadError::from_cell(&error, &record))?;
        row.line = record.position().map_or(0, csv::Position::line);
        rows.push(row);
    }
    Ok(rows)
}
