//! Predicted against published step times. Nothing here is fitted: efficiencies come from kernel and collective measurements.

use planner::calibration::Calibration;
use planner::catalog::{Catalog, Model};
use planner::parallel::{Strategy, violations};
use planner::spec::{AttentionKernel, Cluster, Precision, Recompute, ScheduleKind, examples};
use planner::step::Setup;
use planner::topology::Topology;

#[derive(Debug, serde::Deserialize)]
struct Row {
    id: String,
    source: String,
    model: String,
    layers: u32,
    hidden: u32,
    ffn: u32,
    heads: u32,
    seq: u32,
    vocab: u32,
    gpus: u64,
    tp: u32,
    sp: bool,
    pp: u32,
    vp: u32,
    dp: u32,
    mbs: u32,
    gbs: u32,
    recompute: String,
    layout: String,
    step_time_s: f64,
}

impl Row {
    fn model(&self) -> Model {
        let base = Catalog::embedded().model("megatron-gpt-175b").expect("the catalogue has it");
        Model {
            name: self.model.clone(),
            layers: self.layers,
            hidden: self.hidden,
            ffn: self.ffn,
            heads: self.heads,
            vocab: self.vocab,
            kv_heads: None,
            head_dim: None,
            ..base.clone()
        }
    }

    fn strategy(&self) -> Strategy {
        let recompute = if self.recompute == "full" { Recompute::Full } else { Recompute::Selective };
        Strategy {
            tp: self.tp,
            sp: self.sp,
            cp: 1,
            pp: self.pp,
            vp: self.vp,
            ep: 1,
            etp: self.tp,
            dp: self.dp,
            microbatch: self.mbs,
            microbatches: self.gbs / self.mbs / self.dp,
            zero: 0,
            recompute,
            schedule: if self.vp > 1 { ScheduleKind::Interleaved } else { ScheduleKind::OneForwardOneBackward },
            overlap: false,
        }
    }
}

#[test]
fn megatron_runs_on_a100_come_out_within_twelve_percent() {
    let (source, _) = examples::read("a100-selene-3072").expect("embedded");
    let cluster = Cluster::load(source, Catalog::embedded()).expect("valid");
    let topology = Topology::new(&cluster);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path("tests/data/megatron_a100.csv").expect("there");
    let rows: Vec<Row> = reader.deserialize().collect::<Result<_, _>>().expect("well-formed");
    assert_eq!(rows.len(), 28);

    println!(
        "{:<8} {:<18} {:<18} {:>5} {:>12} {:>9} {:>9} {:>7}",
        "id", "source", "model", "GPUs", "release", "published", "predicted", "error"
    );
    let mut errors = Vec::new();
    for row in &rows {
        let strategy = row.strategy();
        assert_eq!(strategy.gpus(), row.gpus, "{}", row.id);
        assert_eq!(strategy.sequences(), u64::from(row.gbs), "{}", row.id);
        let setup = Setup::new(
            (&cluster, 0),
            &topology,
            Calibration::defaults(),
            &row.model(),
            (row.seq, Precision::Fp16, AttentionKernel::Unfused),
        )
        .expect("an A100 computes in FP16");
        assert_eq!(violations(&strategy, &setup.model, row.seq, 3072), [], "{}", row.id);
        let costs = setup.costs(&strategy);
        let estimate = setup.estimate(&strategy, &costs).expect("no deadlock");
        let error = estimate.step_time.get() / row.step_time_s - 1.0;
        errors.push(error);
        println!(
            "{:<8} {:<18} {:<18} {:>5} {:>12} {:>8.2}s {:>8.2}s {:>+6.1}%  MFU {:.1} % {}",
            row.id,
            row.source,
            row.model,
            row.gpus,
            row.layout,
            row.step_time_s,
            estimate.step_time.get(),
            error * 100.0,
            estimate.mfu * 100.0,
            estimate
                .breakdown
                .parts()
                .iter()
                .filter(|p| p.1.get() > 0.0)
                .map(|(n, t)| format!("{n} {:.1}", t.get() / estimate.step_time.get() * 100.0))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let mean = errors.iter().map(|e| e.abs()).sum::<f64>() / errors.len() as f64;
    let bias = errors.iter().sum::<f64>() / errors.len() as f64;
    println!(
        "mean absolute error {:.1} %, bias {:+.1} %, {} rows, no constant fitted to them",
        mean * 100.0,
        bias * 100.0,
        errors.len()
    );
    assert!(mean <= 0.12, "mean absolute error {:.1} %", mean * 100.0);
}
