//! The published runs of `tests/data`, predicted: the tables of the documents.

use std::fmt::Write as _;

use planner::calibration::Calibration;
use planner::catalog::{Catalog, Model};
use planner::parallel::Strategy;
use planner::spec::{AttentionKernel, Cluster, Precision, Recompute, ScheduleKind, examples};
use planner::step::Setup;
use planner::topology::Topology;

/// A run: what was published, and what the model says.
pub struct Run {
    row: Row,
    predicted: f64,
    mfu: f64,
}

#[derive(serde::Deserialize)]
struct Row {
    id: String,
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

impl Run {
    fn error(&self) -> f64 {
        self.predicted / self.row.step_time_s - 1.0
    }

    /// The publication, and the release of the software where there are several.
    fn group(&self) -> String {
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
    let path = super::root().join("tests/data/megatron_a100.csv");
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
            let estimate = setup.estimate(&strategy, &setup.costs(&strategy)).expect("no deadlock");
            Run { row, predicted: estimate.step_time.get(), mfu: estimate.mfu }
        })
        .collect()
}

/// One line a run.
pub fn table(runs: &[Run]) -> String {
    let mut out = String::from(
        "| run | source | model | GPUs | tp | pp | vp | dp | microbatch | batch | recompute | published | predicted | error | predicted MFU |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|\n",
    );
    for run in runs {
        let r = &run.row;
        let source = match r.layout.as_str() {
            "paper" => "Korthikanti",
            "older" => "Narayanan, older",
            _ => "README, later",
        };
        let _ = writeln!(
            out,
            "| {} | {source} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.2} s | {:.2} s | {:+.1} % | {:.1} % |",
            r.id,
            r.model,
            r.gpus,
            if r.sp { format!("{} (sp)", r.tp) } else { r.tp.to_string() },
            r.pp,
            r.vp,
            r.dp,
            r.mbs,
            r.gbs,
            r.recompute,
            r.step_time_s,
            run.predicted,
            run.error() * 100.0,
            run.mfu * 100.0,
        );
    }
    out
}

/// One line a publication, and one for all.
pub fn by_source(runs: &[Run]) -> String {
    let mut groups: Vec<String> = Vec::new();
    for run in runs {
        if !groups.contains(&run.group()) {
            groups.push(run.group());
        }
    }
    let mut out = String::from("| source | runs | GPUs | mean absolute error | bias | largest |\n|---|--:|--:|--:|--:|--:|\n");
    for name in groups.iter().map(String::as_str).chain(["all"]) {
        let of: Vec<&Run> = runs.iter().filter(|run| name == "all" || run.group() == name).collect();
        let count = of.len() as f64;
        let gpus = |pick: fn(u64, u64) -> u64| of.iter().map(|run| run.row.gpus).reduce(pick).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {name} | {} | {} to {} | {:.1} % | {:+.1} % | {:.1} % |",
            of.len(),
            gpus(u64::min),
            gpus(u64::max),
            of.iter().map(|run| run.error().abs()).sum::<f64>() / count * 100.0,
            of.iter().map(|run| run.error()).sum::<f64>() / count * 100.0,
            of.iter().map(|run| run.error().abs()).fold(0.0, f64::max) * 100.0,
        );
    }
    out
}
