//! The calibration file as it is written.

use serde::Deserialize;

use crate::units::{FlopPerSecond, Seconds};

/// How a constant was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    Measured,
    Calibrated,
    Assumed,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct File {
    pub matmul_model: MatmulModel,
    pub matmul: Vec<MatmulRow>,
    pub matmul_default: Vec<MatmulDefault>,
    pub memory: Vec<MemoryRow>,
    pub memory_default: MemoryDefault,
    pub collectives: Vec<CollectiveRow>,
    pub collective_default: Vec<CollectiveRow>,
    pub scale_out: Vec<CollectiveRow>,
    pub scale_out_default: Vec<CollectiveRow>,
    pub expert_exchange: Vec<ExchangeRow>,
    pub expert_exchange_default: ExchangeRow,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct MatmulModel {
    pub tiles: Vec<String>,
    pub tile_cost: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct MatmulRow {
    pub accelerator: String,
    pub dtype: String,
    pub peak: FlopPerSecond,
    pub peak_share: f64,
    pub sustained_share: f64,
    pub clock_drop: f64,
    pub k_half: f64,
    pub softness: f64,
    pub launch: Seconds,
    pub origin: Origin,
    pub source: String,
}

impl MatmulRow {
    /// A row without shape effects, for families that state all they know.
    pub(super) fn neutral(dtype: &str) -> Self {
        Self {
            accelerator: String::new(),
            dtype: dtype.to_owned(),
            peak: FlopPerSecond::new(1.0),
            peak_share: 0.75,
            sustained_share: 0.65,
            clock_drop: 0.154,
            k_half: 150.0,
            softness: 0.5,
            launch: Seconds::new(5e-6),
            origin: Origin::Assumed,
            source: String::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct MatmulDefault {
    pub families: Vec<String>,
    pub like: Option<String>,
    pub dtype: Option<String>,
    pub peak_share: Option<f64>,
    pub sustained_share: Option<f64>,
    pub clock_drop: Option<f64>,
    pub k_half: Option<f64>,
    pub softness: Option<f64>,
    pub launch: Option<Seconds>,
    pub origin: Origin,
    pub source: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct MemoryRow {
    pub accelerator: String,
    pub efficiency: f64,
    pub origin: Origin,
    pub source: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct MemoryDefault {
    pub efficiency: f64,
    pub origin: Origin,
    pub source: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct CollectiveRow {
    #[serde(default)]
    pub link: Option<String>,
    #[serde(default)]
    pub families: Vec<String>,
    pub operation: String,
    #[serde(default)]
    pub min_ranks: Option<u32>,
    #[serde(default)]
    pub max_ranks: Option<u32>,
    #[serde(default)]
    pub nodes: Option<u32>,
    #[serde(default)]
    pub forced: bool,
    pub efficiency: f64,
    #[serde(default)]
    pub own_share: f64,
    pub latency: Seconds,
    pub base: Seconds,
    #[serde(default)]
    pub ramp: Option<Seconds>,
    pub origin: Origin,
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ExchangeRow {
    #[serde(default)]
    pub link: Option<String>,
    pub kernel: String,
    pub efficiency: f64,
    pub origin: Origin,
    pub source: String,
}
