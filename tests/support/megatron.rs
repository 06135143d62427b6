//! The published runs of `tests/data`, predicted.

use planner::calibration::Calibration;
use planner::catalog::{Catalog, Model};
use planner::parallel::{Strategy, violations};
use planner::spec::{AttentionKernel, Cluster, Precision, Recompute, ScheduleKind, examples};
use planner::step::Setup;
use planner::topology::Topology;

/// A run: what was published, and what the model says.
pub struct Run {
    /// What was published.
    pub row: Row,
    /// Step time by the model, in seconds.
    pub predicted: f64,
    /// Model FLOPs utilisation by the model.
    pub mfu: f64,
}

/// A row of the file.
#[derive(serde::Deserialize)]
pub struct Row {
    pub id: String,
    pub model: String,
    pub layers: u32,
    pub hidden: u32,
    pub ffn: u32,
    pub heads: u32,
    pub seq: u32,
    pub vocab: u32,
    pub gpus: u64,
    pub tp: u32,
    pub sp: bool,
    pub pp: u32,
    pub vp: u32,
    pub dp: u32,
    pub mbs: u32,
    pub gbs: u32,
    pub recompute: String,
    pub layout: String,
    pub step_time_s: f64,
}

impl Run {
    /// Relative error of the prediction.
    pub fn error(&self) -> f64 {
        self.predicted / self.row.step_time_s - 1.0
    }

    /// The publication, and the release of the software where there are several.
    pub fn group(&self) -> String {
        match self.row.layout.as_str() {
            "paper" => "Korthikanti et al., arXiv:2205.05198, table 5".into(),
            "older" => "Narayanan et al., arXiv:2104.04473, table 1 and older README".into(),
            _ => "Megatron-LM README, later release".into(),
        }
    }
}

/// All runs, in the order of the file.
pub fn predicted() -> Vec<Run> {
    let catalog = Catalog::embedded();
    let (source, _) = examples::read("a100-selene-3072").expect("embedded");
    let cluster = Cluster::load(source, catalog).expect("valid");
    let topology = Topology::new(&cluster);
    let base = catalog.model("megatron-gpt-175b").expect("the catalogue has it");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/megatron_a100.csv");
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(path).expect("there");
    reader
        .deserialize()
        .map(|row| {
            let row: Row = row.expect("well-formed");
            let model = Model {
                name: row.model.clone(),
                layers: row.layers,
                hidden: row.hidden,
                ffn: row.ffn,
                heads: row.heads,
                vocab: row.vocab,
                kv_heads: None,
                head_dim: None,
                ..base.clone()
            };
            let strategy = Strategy {
                tp: row.tp,
                sp: row.sp,
                cp: 1,
                pp: row.pp,
                vp: row.vp,
                ep: 1,
                etp: row.tp,
                dp: row.dp,
                microbatch: row.mbs,
                microbatches: row.gbs / row.mbs / row.dp,
                zero: 0,
                recompute: if row.recompute == "full" { Recompute::Full } else { Recompute::Selective },
                schedule: if row.vp > 1 { ScheduleKind::Interleaved } else { ScheduleKind::OneForwardOneBackward },
                overlap: false,
            };
            let numerics = (row.seq, Precision::Fp16, AttentionKernel::Unfused);
            let setup =
                Setup::new((&cluster, 0), &topology, Calibration::defaults(), &model, numerics).expect("an A100 has FP16");
            assert_eq!(strategy.gpus(), row.gpus, "{}", row.id);
            assert_eq!(strategy.sequences(), u64::from(row.gbs), "{}", row.id);
            assert_eq!(violations(&strategy, &setup.model, row.seq, cluster.gpus()), [], "{}", row.id);
            let estimate = setup.estimate(&strategy, &setup.costs(&strategy)).expect("no deadlock");
            Run { row, predicted: estimate.step_time.get(), mfu: estimate.mfu }
        })
        .collect()
}
