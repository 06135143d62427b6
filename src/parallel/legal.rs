//! What layouts are legal: the rules of the model, the sequence, the pipeline schedule, the experts and the number of accelerators.

use super::Strategy;
use crate::diagnostic::Code;
use crate::model::{Architecture, Heads};
use crate::spec::{ContextKind, Placement, RankOrder, ScheduleKind};

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
    // A copy takes whole replicas, and experts the place of a stage's dense ranks, as in Megatron-Core.
    let whole = s.cp == 1 || s.dp % s.zero_replicas.max(1) == 0;
    found.rule(
        s.rank_order == RankOrder::TpCpDpPp || whole && (model.moe.is_none() || s.ep * s.etp == s.tp * s.cp),
        "parallelism.rank-order",
        Code::LayoutDivisibility,
        &|| format!("with ranks {} ep x etp has to be tp x cp, and copies divide dp", s.rank_order.as_str()),
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
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::parallel::tests::PLAIN;

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
