//! Memory held against published peaks, and against the memory of the accelerators that runs ran on.
//!
//! What a peak is differs by source: tensors (`torch.cuda.max_memory_allocated`), what the framework's allocator reserves, or all
//! that the driver counts. Each row is compared with the same of the prediction.

use serde::Deserialize;

use super::{Case, Predictor, PublishedRun, ReadError};
use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::step::memory::Memory;
use crate::units::Bytes;

/// Tables of memory only: states, activations and peaks.
pub const TABLES: &str = include_str!("data/memory.csv");

/// Nine in ten published peaks are within this share of the predicted one (`tests/memory.rs`).
pub const WITHIN_90: f64 = 0.1;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// A published figure and its prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryCheck {
    /// The row.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// The accelerator, as the source calls it.
    pub accelerator: String,
    /// As published, in GiB; for ratios in percent.
    pub measured: f64,
    /// As predicted, in the same unit; or why there is no prediction.
    pub predicted: Result<f64, String>,
}

impl MemoryCheck {
    /// Predicted over measured, less one.
    #[must_use]
    pub fn error(&self) -> Option<f64> {
        self.predicted.as_ref().ok().map(|predicted| predicted / self.measured - 1.0)
    }
}

/// A run that ran, and that by its prediction does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    /// The row.
    pub id: String,
    /// Who published it.
    pub source: String,
    /// Predicted need over the accelerator's memory.
    pub over: f64,
    /// What of its memory the row leaves open, or a prediction does not know of it.
    pub open: Option<&'static str>,
}

impl Misfit {
    /// Whether what is missing lies within the interval of the prediction.
    #[must_use]
    pub fn is_within_interval(&self) -> bool {
        self.over <= 1.0 + WITHIN_90
    }
}

/// What a source's peak is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peak {
    /// Tensors.
    Allocated,
    /// What the framework's allocator holds.
    Reserved,
    /// What the driver counts as used.
    Used,
}

impl Peak {
    fn of(row: &PublishedRun) -> Self {
        if row.source.starts_with("MLPerf") {
            Self::Allocated
        } else if row.framework.starts_with("torchtitan") {
            Self::Reserved
        } else {
            Self::Used
        }
    }

    fn in_memory(self, memory: &Memory) -> Bytes {
        match self {
            Self::Allocated => memory.allocated(),
            Self::Reserved => memory.reserved(),
            Self::Used => memory.total(),
        }
    }
}

/// Peaks of the published runs of quality A and B that print one.
#[must_use]
pub fn peaks(predictor: &Predictor, rows: &[PublishedRun]) -> Vec<MemoryCheck> {
    rows.iter()
        .zip(&predictor.cases)
        .filter(|(row, _)| row.quality != "C")
        .filter_map(|(row, case)| {
            let measured = row.peak_mem_gib?;
            let peak = Peak::of(row);
            let predicted = fullest(predictor, case).map(|memory| peak.in_memory(&memory).get() / GIB);
            Some(MemoryCheck {
                id: row.id.clone(),
                source: row.source.clone(),
                accelerator: row.accelerator.clone(),
                measured,
                predicted,
            })
        })
        .collect()
}

/// Published runs that are predicted not to fit the accelerators that they ran on.
#[must_use]
pub fn misfits(predictor: &Predictor, rows: &[PublishedRun]) -> Vec<Misfit> {
    rows.iter()
        .zip(&predictor.cases)
        .filter(|(row, _)| row.step_time_s.is_some() || row.tokens_per_s_per_gpu.is_some() || row.tflops_per_gpu.is_some())
        .filter_map(|(row, case)| {
            let predicted = case.as_ref().ok()?;
            let estimate = predictor.estimate(predicted, Calibration::defaults()).ok()?;
            let over = estimate.fullest()?.memory.total() / estimate.memory_capacity;
            (over > 1.0).then(|| Misfit { id: row.id.clone(), source: row.source.clone(), over, open: open(row) })
        })
        .collect()
}

/// What a row does not say of what its memory depends on.
fn open(row: &PublishedRun) -> Option<&'static str> {
    if row.tp.is_none() || row.pp.is_none() {
        Some("degrees")
    } else if row.zero_stage_or_fsdp.contains("per run") {
        Some("ZeRO stage")
    } else if row.mbs.is_none() {
        Some("microbatch")
    } else if row.recompute.is_empty() {
        Some("recomputation")
    } else {
        None
    }
}

fn fullest(predictor: &Predictor, case: &Result<Case, String>) -> Result<Memory, String> {
    let case = case.as_ref().map_err(Clone::clone)?;
    let estimate = predictor.estimate(case, Calibration::defaults())?;
    estimate.fullest().map(|stage| stage.memory).ok_or_else(|| "it has no stages".into())
}

/// A row of a table of memory.
#[derive(Debug, Clone, Deserialize)]
struct Row {
    id: String,
    source: String,
    accelerator: String,
    model_name: String,
    n_gpus: Option<u32>,
    tp: Option<u32>,
    sp: Option<bool>,
    pp: Option<u32>,
    vp: Option<u32>,
    dp: Option<u32>,
    fsdp: String,
    recompute: String,
    mbs: Option<u32>,
    seq: Option<u32>,
    quantity: String,
    value: f64,
}

impl Row {
    /// Whether it is of Megatron's paper on activation recomputation (arXiv:2205.05198), which computes its figures from formulas.
    fn is_megatron(&self) -> bool {
        self.model_name.starts_with("Megatron")
    }

    /// The run that it is of.
    fn run(&self) -> PublishedRun {
        let [tp, pp, dp, mbs] = [self.tp, self.pp, self.dp, self.mbs].map(|degree| degree.unwrap_or(1));
        let fully_sharded = self.fsdp.eq_ignore_ascii_case("true");
        PublishedRun {
            id: self.id.clone(),
            source: self.source.clone(),
            accelerator: self.accelerator.clone(),
            n_gpus: self.n_gpus,
            model_name: self.model_name.clone(),
            seq: self.seq,
            // The paper counts 18 bytes a parameter: gradients in 32 bits, as Megatron has them with BF16.
            precision: "bf16".into(),
            framework: if self.is_megatron() { "Megatron-LM".into() } else { "InternEvo".into() },
            date_or_release: if self.is_megatron() { "2022-05".into() } else { "2023-09".into() },
            tp: self.tp,
            sp: self.sp,
            pp: self.pp,
            vp: self.vp,
            dp: self.dp,
            zero_stage_or_fsdp: match (self.is_megatron(), fully_sharded) {
                (true, _) => "none".into(),
                (false, true) => "FSDP".into(),
                (false, false) => "zero1".into(),
            },
            mbs: Some(mbs),
            // As many microbatches as fill the pipeline, four of InternLM's.
            gbs: Some(f64::from(mbs * dp * if self.is_megatron() { pp * 4 } else { 4 })),
            recompute: self.recompute.clone(),
            task: "pretrain".into(),
            intra_interconnect: String::new(),
            // Tensor parallelism alone fills a node.
            gpus_per_node: Some(tp.max(8)),
            ..PublishedRun::default()
        }
    }
}

/// The tables of memory, predicted.
///
/// # Errors
/// When a table does not parse.
pub fn tables(text: &str, catalog: &Catalog) -> Result<Vec<MemoryCheck>, ReadError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().map_err(|error| ReadError::from_csv(&error))?;
    // Ratios are printed without the layout; it is that of the same model's absolute figures.
    let layout = |row: &Row| {
        let known = rows.iter().find(|other| other.model_name == row.model_name && other.n_gpus.is_some());
        known.map_or_else(
            || row.clone(),
            |known| Row {
                n_gpus: known.n_gpus,
                tp: known.tp,
                pp: known.pp,
                vp: known.vp,
                dp: known.dp,
                mbs: known.mbs,
                ..row.clone()
            },
        )
    };
    let whole: Vec<Row> = rows.iter().map(|row| if row.n_gpus.is_some() { row.clone() } else { layout(row) }).collect();
    let bases: Vec<Row> = whole.iter().map(|row| Row { sp: Some(false), recompute: "none".into(), ..row.clone() }).collect();
    let runs: Vec<PublishedRun> = whole.iter().chain(&bases).map(Row::run).collect();
    let mut predictor = Predictor::new(&runs, catalog);
    for (case, run) in predictor.cases.iter_mut().zip(&runs) {
        if let (Ok(case), "Megatron-LM") = (case, run.framework.as_str()) {
            // The paper's models are trained with dropout, whose masks it counts.
            case.model.dropout = true;
        }
    }
    // First stage, a stage of layers only where there is one, and fullest stage.
    let memory = |index: usize| -> Result<[Memory; 3], String> {
        let case = predictor.cases[index].as_ref().map_err(Clone::clone)?;
        let estimate = predictor.estimate(case, Calibration::defaults())?;
        let first = estimate.stages.first().ok_or("it has no stages")?.memory;
        let inner = estimate.stages.get(1).filter(|_| estimate.stages.len() > 2).map_or(first, |stage| stage.memory);
        Ok([first, inner, estimate.fullest().map_or(first, |stage| stage.memory)])
    };
    let checks = whole.iter().enumerate().map(|(index, row)| {
        let predicted = memory(index).and_then(|[first, inner, fullest]| match row.quantity.as_str() {
            "parameters+optimizer" => Ok((first.weights + first.gradients + first.optimizer).get() / GIB),
            "activations" => Ok(first.activations.get() / GIB),
            "GPU memory used" => Ok(fullest.total().get() / GIB),
            quantity if quantity.starts_with("activation memory relative") => {
                let [_, base, _] = memory(whole.len() + index)?;
                Ok(inner.activations / base.activations * 100.0)
            }
            quantity => Err(format!("`{quantity}` is not predicted")),
        });
        MemoryCheck {
            id: row.id.clone(),
            source: row.source.clone(),
            accelerator: row.accelerator.clone(),
            measured: row.value,
            predicted,
        }
    });
    Ok(checks.collect())
}
