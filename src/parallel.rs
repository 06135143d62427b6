//! How a job is laid out over ranks, and what layouts are legal.
//!
//! Ranks are numbered with tensor parallelism innermost, then context, data, and pipeline parallelism outermost, as
//! Megatron-LM does, or with replicas outermost ([`RankOrder`]); expert parallelism is laid over the tensor, context and data
//! ranks. Rank i runs on accelerator i of its pool. This room knows the model; it does not know time.

mod layer_split;

pub use layer_split::{LayerDeal, LayerSplit};

use serde::Serialize;

use crate::diagnostic::Code;
use crate::model::{Architecture, Heads};
use crate::spec::{ContextKind, Placement, RankOrder, Recompute, ScheduleKind};

/// A complete layout of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Strategy {
    /// Tensor-parallel degree, t.
    pub tp: u32,
    /// Sequence parallelism: norms and residuals divided along the sequence over the tensor-parallel ranks.
    pub sp: bool,
    /// Context-parallel degree, c.
    pub cp: u32,
    /// How context-parallel ranks see each other's keys and values.
    #[serde(rename = "cp_kind")]
    pub context: ContextKind,
    /// Pipeline-parallel degree, p.
    pub pp: u32,
    /// Virtual pipeline stages per rank, v.
    pub vp: u32,
    /// Expert-parallel degree, e.
    pub ep: u32,
    /// Tensor-parallel degree inside an expert.
    pub etp: u32,
    /// Data-parallel degree, D.
    pub dp: u32,
    /// Sequences in a microbatch, b.
    pub microbatch: u32,
    /// Microbatches of one replica in a step, m.
    pub microbatches: u32,
    /// ZeRO stage, 0 to 3.
    pub zero: u8,
    /// Copies of what ZeRO divides, each over so many times fewer ranks (hybrid sharding).
    pub zero_replicas: u32,
    /// What is computed again in the backward pass.
    pub recompute: Recompute,
    /// Layers of each stage that `recompute: full` is limited to; 0 for all of them.
    pub recompute_layers: u16,
    /// Pipeline schedule.
    pub schedule: ScheduleKind,
    /// What counts as a layer when layers are dealt out, where the job leaves that open.
    pub split: LayerDeal,
    /// Which ranks are neighbours.
    pub rank_order: RankOrder,
    /// Whether data-parallel communication runs behind the computation.
    pub overlap: bool,
}

impl Strategy {
    /// Accelerators it runs on: t·c·p·D.
    #[must_use]
    pub fn gpus(&self) -> u64 {
        u64::from(self.tp) * u64::from(self.cp) * u64::from(self.pp) * u64::from(self.dp)
    }

    /// Sequences in a step: b·m·D.
    #[must_use]
    pub fn sequences(&self) -> u64 {
        u64::from(self.microbatch) * u64::from(self.microbatches) * u64::from(self.dp)
    }

    /// Replicas that share the gradient of an expert's weights: t·c·D / (e·etp).
    #[must_use]
    pub fn expert_replicas(&self) -> u32 {
        (self.tp * self.cp * self.dp / (self.ep * self.etp).max(1)).max(1)
    }

    /// Ranks that one copy of what ZeRO divides is spread over: of dense weights, and of experts.
    #[must_use]
    pub fn shards(&self) -> [f64; 2] {
        let copies = self.zero_replicas.max(1);
        [(self.cp * self.dp / copies).max(1), (self.expert_replicas() / copies).max(1)].map(f64::from)
    }

    /// Layers of each slice of the model, spread evenly, in model order; which stage runs which is the schedule's to say.
    ///
    /// What does not divide evenly goes to the middle slices first, then to the first, last of all to the last: these two
    /// hold the embedding and the output layer beside their layers.
    #[must_use]
    pub fn slice_layers(&self, layers: u32) -> Vec<u32> {
        let mut split = Vec::new();
        self.slice_layers_into(layers, &mut split);
        split
    }

    /// The same, into memory that is used again.
    pub fn slice_layers_into(&self, layers: u32, split: &mut Vec<u32>) {
        let chunks = self.schedule.slices(self.pp, self.vp);
        split.clear();
        split.resize(chunks as usize, layers / chunks);
        let order = (1..chunks.saturating_sub(1)).chain([0, chunks - 1]);
        for chunk in order.take((layers % chunks) as usize) {
            split[chunk as usize] += 1;
        }
    }

    /// The layout in a line: `tp 8 · pp 4 · dp 8 · micro-batch 1`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut parts = vec![format!("tp {}", self.tp)];
        if self.sp {
            parts[0].push_str(" (sp)");
        }
        let mut degree = |name: &str, degree: u32| {
            if degree > 1 {
                parts.push(format!("{name} {degree}"));
            }
        };
        degree("cp", self.cp);
        degree("pp", self.pp);
        degree("vp", self.vp);
        degree("ep", self.ep);
        if self.ep > 1 && self.etp != self.tp {
            parts.push(format!("etp {}", self.etp));
        }
        parts.push(format!("dp {}", self.dp));
        parts.push(format!("microbatch {} x {}", self.microbatch, self.microbatches));
        if self.zero > 0 {
            let copies = if self.zero_replicas > 1 { format!(" x {} copies", self.zero_replicas) } else { String::new() };
            parts.push(format!("zero {}{copies}", self.zero));
        }
        match self.recompute {
            Recompute::None => {}
            Recompute::Selective => parts.push("selective recompute".into()),
            Recompute::Full if self.recompute_layers > 0 => {
                parts.push(format!(
                    "full recompute of {} layer{} a stage",
                    self.recompute_layers,
                    if self.recompute_layers > 1 { "s" } else { "" }
                ));
            }
            Recompute::Full => parts.push("full recompute".into()),
        }
        if !matches!(self.schedule, ScheduleKind::OneForwardOneBackward | ScheduleKind::Interleaved) {
            parts.push(self.schedule.as_str().into());
        }
        if self.cp > 1 && self.context != ContextKind::default() {
            parts.push(format!("{} of keys", self.context.as_str()));
        }
        if self.split != LayerDeal::Even {
            parts.push(format!("{} counted as a layer", self.split.as_str()));
        }
        if self.rank_order != RankOrder::default() {
            parts.push(format!("ranks {}", self.rank_order.as_str()));
        }
        if !self.overlap {
            parts.push("no overlap".into());
        }
        parts.join(" · ")
    }
}

impl Default for Strategy {
    /// One accelerator, one sequence.
    fn default() -> Self {
        Self {
            tp: 1,
            sp: false,
            cp: 1,
            context: ContextKind::default(),
            pp: 1,
            vp: 1,
            ep: 1,
            etp: 1,
            dp: 1,
            microbatch: 1,
            microbatches: 1,
            zero: 0,
            zero_replicas: 1,
            recompute: Recompute::None,
            recompute_layers: 0,
            schedule: ScheduleKind::OneForwardOneBackward,
            split: LayerDeal::Even,
            rank_order: RankOrder::default(),
            overlap: true,
        }
    }
}

/// Why a layout is not legal: the field at fault, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field of `parallelism`, or of the job.
    pub field: &'static str,
    /// The kind of mistake.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// Microbatches times stages that a step is simulated with: 1,024 microbatches on 64 ranks of four stages each. Published runs
/// have a few tens of thousands.
const MOST_PASSES: u64 = 1 << 18;

/// Everything about `strategy` that the model, the sequence or the number of accelerators does not allow.
#[must_use]
pub fn violations(strategy: &Strategy, model: &Architecture, sequence: u32, gpus: u32) -> Vec<Violation> {
    let s = strategy;
    let mut found = Violations::default();
    let mut rule = |holds, field, code, message: &dyn Fn() -> String, help: &dyn Fn() -> String| {
        found.rule(holds, field, code, message, help);
    };
    let heads = model.heads.query();
    let key_value = model.heads.key_value();
    rule(
        s.gpus() <= u64::from(gpus),
        "parallelism",
        Code::GpuCount,
        &|| format!("tp {} x cp {} x pp {} x dp {} needs {} GPUs, the pool has {gpus}", s.tp, s.cp, s.pp, s.dp, s.gpus()),
        &|| format!("use degrees whose product is at most {gpus}"),
    );
    // The other rules of tp would only say again that it does not fit.
    let tp_fits = heads % s.tp == 0;
    rule(
        tp_fits,
        "parallelism.tp",
        Code::HeadDivisibility,
        &|| format!("{heads} attention heads do not divide by tp {}", s.tp),
        &|| format!("use a divisor of {heads}: {}", divisors(heads, 64)),
    );
    rule(
        !tp_fits || key_value % s.tp == 0 || s.tp % key_value == 0,
        "parallelism.tp",
        Code::HeadDivisibility,
        &|| format!("{key_value} key-value heads neither divide tp {} nor are divided by it", s.tp),
        &|| format!("use a divisor or a multiple of {key_value}"),
    );
    rule(
        !tp_fits || model.ffn % s.tp == 0 && (!s.sp || model.hidden % s.tp == 0),
        "parallelism.tp",
        Code::LayoutDivisibility,
        &|| format!("widths {} and {} do not divide by tp {}", model.hidden, model.ffn, s.tp),
        &|| "use a smaller power of two".into(),
    );
    let slices = u64::from(s.schedule.slices(1, 1)) * u64::from(s.pp) * u64::from(s.vp);
    rule(
        // The first and the last slice may hold the embedding and the output layer alone, as in Llama 3 405B.
        slices <= u64::from(model.layers) + if slices > 2 { 2 } else { 0 },
        "parallelism.pp",
        Code::LayerDivisibility,
        &|| format!("{slices} slices of the model are more than {} layers fill", model.layers),
        &|| format!("use at most {} stages, virtual ones counted", model.layers),
    );
    schedule(s, &mut found);
    let mut rule = |holds, field, code, message: &dyn Fn() -> String, help: &dyn Fn() -> String| {
        found.rule(holds, field, code, message, help);
    };
    rule(
        !s.sp || s.tp > 1,
        "parallelism.sp",
        Code::LayoutDivisibility,
        &|| "sequence parallelism needs tp of 2 or more".into(),
        &|| "leave `sp` out".into(),
    );
    let parts = if s.cp > 1 { 2 * s.cp } else { 1 };
    rule(
        sequence % parts == 0 && (sequence / s.cp) % if s.sp && tp_fits { s.tp } else { 1 } == 0,
        "parallelism.cp",
        Code::SequenceLength,
        &|| format!("a sequence of {sequence} tokens does not divide over cp {} and tp {}", s.cp, s.tp),
        &|| format!("use a sequence that is a multiple of {}", u64::from(parts) * u64::from(s.tp)),
    );
    context(s, model, &mut found);
    experts(s, model, &mut found);
    copies(s, model, &mut found);
    found.0
}

/// What is wrong so far.
#[derive(Default)]
struct Violations(Vec<Violation>);

impl Violations {
    /// Notes a rule that does not hold; its texts are made only then.
    fn rule(&mut self, holds: bool, field: &'static str, code: Code, message: &dyn Fn() -> String, help: &dyn Fn() -> String) {
        if !holds {
            self.0.push(Violation { field, code, message: message(), help: help() });
        }
    }
}

/// The rules of the pipeline schedule.
fn schedule(s: &Strategy, found: &mut Violations) {
    let kind = s.schedule.as_str();
    let mut rule = |holds, field, code, message: &dyn Fn() -> String, help: &dyn Fn() -> String| {
        found.rule(holds, field, code, message, help);
    };
    rule(
        s.vp == 1 || s.pp > 1 && (s.schedule.is_looped() || s.schedule == ScheduleKind::Own(Placement::Looped)),
        "parallelism.vp",
        Code::LayoutDivisibility,
        &|| format!("vp {} needs pp of 2 or more and an interleaved or breadth-first schedule", s.vp),
        &|| "leave `vp` out".into(),
    );
    rule(
        !s.schedule.is_looped() || s.vp > 1,
        "parallelism.schedule",
        Code::LayoutDivisibility,
        &|| format!("the {kind} schedule needs `vp` of 2 or more"),
        &|| "set `vp: 2`, or use `schedule: 1f1b`".into(),
    );
    rule(
        s.schedule != ScheduleKind::Interleaved || s.microbatches % s.pp == 0,
        "parallelism.vp",
        Code::BatchDivisibility,
        &|| format!("the interleaved schedule needs microbatches in multiples of pp {}, there are {}", s.pp, s.microbatches),
        &|| "change the global batch, `dp` or `microbatch`, or leave `vp` out".into(),
    );
    let overlapped = matches!(s.schedule, ScheduleKind::DualPipe | ScheduleKind::DualPipeV);
    rule(
        !overlapped || u64::from(s.microbatches) >= 2 * u64::from(s.pp),
        "parallelism.schedule",
        Code::BatchDivisibility,
        &|| {
            format!(
                "the {kind} schedule needs two microbatches a stage, {} for pp {}, there are {}",
                2 * s.pp,
                s.pp,
                s.microbatches
            )
        },
        &|| "use more microbatches or fewer stages".into(),
    );
    rule(
        s.schedule != ScheduleKind::DualPipe || s.pp % 2 == 0 && s.microbatches % 2 == 0,
        "parallelism.schedule",
        Code::LayoutDivisibility,
        &|| format!("the dualpipe schedule needs even pp and microbatches, not {} and {}", s.pp, s.microbatches),
        &|| "use `schedule: dualpipev`, or even numbers".into(),
    );
    let passes = u64::from(s.microbatches) * u64::from(s.pp) * u64::from(s.vp);
    rule(
        passes <= MOST_PASSES,
        "global-batch",
        Code::OutOfRange,
        &|| format!("{} microbatches x pp {} x vp {} are more than a step is simulated with", s.microbatches, s.pp, s.vp),
        &|| "use a smaller global batch, or a larger `dp` or `microbatch`".into(),
    );
}

/// The rules of exchanging heads for sequences.
fn context(s: &Strategy, model: &Architecture, found: &mut Violations) {
    let ranks = s.tp * s.cp;
    let key_value = match model.heads {
        Heads::Grouped { key_value, .. } => key_value,
        // Keys and values of every head are made from their compressed form before they travel.
        Heads::Latent { query, .. } => query,
    };
    found.rule(
        s.cp == 1 || s.context != ContextKind::AllToAll || model.heads.query() % ranks == 0 && key_value % ranks == 0,
        "parallelism.cp-kind",
        Code::HeadDivisibility,
        &|| {
            let query = model.heads.query();
            format!("{query} query and {key_value} key-value heads do not divide over tp {} x cp {}", s.tp, s.cp)
        },
        &|| "use `cp-kind: ring`, or smaller degrees".into(),
    );
}

/// The rules of copies of what ZeRO divides, and of where replicas are.
fn copies(s: &Strategy, model: &Architecture, found: &mut Violations) {
    let replicas = s.cp * s.dp;
    let divides =
        replicas % s.zero_replicas.max(1) == 0 && (model.moe.is_none() || s.expert_replicas() % s.zero_replicas.max(1) == 0);
    found.rule(
        s.zero_replicas == 1 || s.zero > 0 && divides && s.zero_replicas > 0,
        "parallelism.zero-replicas",
        Code::LayoutDivisibility,
        &|| {
            format!(
                "{} copies of what zero {} divides do not go into {replicas} ranks with the same weights",
                s.zero_replicas, s.zero
            )
        },
        &|| "use a divisor of cp x dp, with `zero: 1` or more".into(),
    );
    found.rule(
        s.rank_order == RankOrder::TpCpDpPp || s.cp == 1 && (model.moe.is_none() || s.ep * s.etp == s.tp),
        "parallelism.rank-order",
        Code::LayoutDivisibility,
        &|| format!("with ranks {} cp has to be 1 and ep x etp equal to tp", s.rank_order.as_str()),
        &|| format!("use `rank-order: {}`", RankOrder::default().as_str()),
    );
}

/// The rules of expert parallelism.
fn experts(s: &Strategy, model: &Architecture, found: &mut Violations) {
    let mut rule = |holds, field, code, message: &dyn Fn() -> String, help: &dyn Fn() -> String| {
        found.rule(holds, field, code, message, help);
    };
    match model.moe {
        None => rule(
            s.ep == 1,
            "parallelism.ep",
            Code::ExpertDivisibility,
            &|| format!("ep {} needs a model with experts, {} is dense", s.ep, model.name),
            &|| "leave `ep` out".into(),
        ),
        Some(moe) => {
            rule(
                moe.experts % s.ep == 0,
                "parallelism.ep",
                Code::ExpertDivisibility,
                &|| format!("{} experts do not divide by ep {}", moe.experts, s.ep),
                &|| format!("use a divisor of {}: {}", moe.experts, divisors(moe.experts, 512)),
            );
            let ranks = u64::from(s.tp) * u64::from(s.cp) * u64::from(s.dp);
            rule(
                ranks % (u64::from(s.ep) * u64::from(s.etp)) == 0,
                "parallelism.ep",
                Code::ExpertDivisibility,
                &|| format!("ep {} x etp {} does not divide the {ranks} ranks of tp x cp x dp", s.ep, s.etp),
                &|| format!("use a divisor of {ranks}"),
            );
            rule(
                (s.etp == 1 || s.etp == s.tp) && moe.ffn % s.etp == 0,
                "parallelism.etp",
                Code::ExpertDivisibility,
                &|| format!("etp {} is neither 1 nor tp {}, or does not divide the experts' width {}", s.etp, s.tp, moe.ffn),
                &|| format!("use `etp: 1` or `etp: {}`", s.tp),
            );
        }
    }
}

/// The divisors of `n` up to `most`, for a message.
fn divisors(n: u32, most: u32) -> String {
    let all: Vec<String> = (1..=n.min(most)).filter(|d| n % d == 0).map(|d| d.to_string()).collect();
    all.join(", ")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::Catalog;

    pub(crate) const PLAIN: Strategy = Strategy {
        tp: 8,
        sp: true,
        cp: 1,
        context: ContextKind::Ring,
        pp: 4,
        vp: 1,
        ep: 1,
        etp: 8,
        dp: 4,
        microbatch: 1,
        microbatches: 16,
        zero: 1,
        zero_replicas: 1,
        recompute: Recompute::None,
        recompute_layers: 0,
        schedule: ScheduleKind::OneForwardOneBackward,
        split: LayerDeal::Even,
        rank_order: RankOrder::TpCpDpPp,
        overlap: true,
    };

    #[test]
    fn uneven_layers_spare_the_ends() {
        let split = Strategy { pp: 16, ..PLAIN }.slice_layers(61);
        assert_eq!(split.iter().sum::<u32>(), 61);
        assert_eq!((split[0], split[1], split[13], split[14], split[15]), (3, 4, 4, 3, 3));
        assert_eq!(PLAIN.slice_layers(80), [20; 4]);
        let llama = Strategy { pp: 16, vp: 8, ..PLAIN }.slice_layers(126);
        assert_eq!((llama[0], llama[1], llama[126], llama[127]), (0, 1, 1, 0));
    }

    #[test]
    fn each_rule_names_its_field() {
        let model = Architecture::new(Catalog::embedded().model("llama3-70b").unwrap()).unwrap();
        let check = |s: Strategy| violations(&s, &model, 8192, 128).into_iter().map(|v| v.field).collect::<Vec<_>>();
        assert!(check(PLAIN).is_empty());
        assert_eq!(check(Strategy { tp: 3, ..PLAIN }), ["parallelism.tp"]);
        assert_eq!(check(Strategy { dp: 5, ..PLAIN }), ["parallelism"]);
        assert_eq!(check(Strategy { vp: 2, ..PLAIN }), ["parallelism.vp"]);
        assert_eq!(check(Strategy { pp: 83, dp: 0, ..PLAIN }), ["parallelism.pp"]);
        assert_eq!(check(Strategy { ep: 2, ..PLAIN }), ["parallelism.ep"]);
    }
}
