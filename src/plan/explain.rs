//! Every headline number as a chain of formulas with values, units and provenance.
//!
//! A [`Derivation`] is a value, how it follows from others, and those others. [`Derivation::recomputed`] evaluates it from its
//! parts, so that a test can hold every line of an explanation against its own formula.

mod carbon;
mod run;

use serde::Serialize;

use super::Plan;
use crate::catalog::{Provenance, Sourced};
use crate::spec::Cluster;
use crate::step::Setup;
use crate::step::schedule::Placement;
use crate::units::{
    Bytes, BytesPerSecond, Carbon, Energy, Flop, FlopPerSecond, Seconds, Tokens, TokensPerSecond, Watts, grouped, significant,
};

/// How a value follows from others.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum How {
    /// The sum of its parts.
    Sum,
    /// The product of its parts.
    Product,
    /// The first part over the product of the others.
    Quotient,
    /// The first part less the others.
    Difference,
    /// The largest of its parts.
    Largest,
    /// The smallest of its parts.
    Smallest,
    /// e to the power of the first part over the second.
    Exponential,
    /// The same less one.
    Growth,
    /// A figure: where it comes from.
    Figure {
        /// How far to trust it.
        provenance: Provenance,
        /// Who says so.
        source: String,
    },
    /// What a model gives: its equation and where that is from.
    Model {
        /// The equation or method.
        equation: String,
    },
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Derivation {
    /// What it is.
    pub name: String,
    /// Its value, in `unit`.
    pub value: f64,
    /// The unit; empty for a pure number.
    pub unit: &'static str,
    /// How it follows from its parts.
    #[serde(flatten)]
    pub how: How,
    /// Its parts.
    pub from: Vec<Derivation>,
}

impl Derivation {
    pub(super) fn new(name: impl Into<String>, value: f64, unit: &'static str, how: How, from: Vec<Self>) -> Self {
        Self { name: name.into(), value, unit, how, from }
    }

    pub(super) fn figure<T>(name: &str, value: f64, unit: &'static str, of: &Sourced<T>) -> Self {
        Self::new(name, value, unit, How::Figure { provenance: of.provenance, source: of.source.clone() }, Vec::new())
    }

    fn given(name: &str, value: f64, unit: &'static str, source: &str) -> Self {
        Self::new(name, value, unit, How::Figure { provenance: Provenance::Given, source: source.into() }, Vec::new())
    }

    pub(super) fn model(name: &str, value: f64, unit: &'static str, equation: &str) -> Self {
        Self::new(name, value, unit, How::Model { equation: equation.into() }, Vec::new())
    }

    /// The value that its formula gives from its parts; its own for figures and models.
    #[must_use]
    pub fn recomputed(&self) -> f64 {
        let mut parts = self.from.iter().map(|part| part.value);
        match self.how {
            How::Sum => parts.sum(),
            How::Product => parts.product(),
            How::Quotient => parts.next().unwrap_or(f64::NAN) / parts.product::<f64>(),
            How::Difference => parts.next().unwrap_or(f64::NAN) - parts.sum::<f64>(),
            How::Largest => parts.fold(f64::NAN, f64::max),
            How::Smallest => parts.fold(f64::NAN, f64::min),
            How::Exponential => (parts.next().unwrap_or(f64::NAN) / parts.product::<f64>()).exp(),
            How::Growth => (parts.next().unwrap_or(f64::NAN) / parts.product::<f64>()).exp_m1(),
            How::Figure { .. } | How::Model { .. } => self.value,
        }
    }

    /// The value with its unit.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.unit {
            "s" => Seconds::new(self.value).to_string(),
            "B" => format!("{:#}", Bytes::new(self.value)),
            "FLOP" => Flop::new(self.value).to_string(),
            "FLOP/s" => FlopPerSecond::new(self.value).to_string(),
            "J" => Energy::new(self.value).to_string(),
            "B/s" => BytesPerSecond::new(self.value).to_string(),
            "W" => Watts::new(self.value).to_string(),
            "g" => Carbon::new(self.value).to_string(),
            "tokens" => Tokens::new(self.value).to_string(),
            "tokens/s" => TokensPerSecond::new(self.value).to_string(),
            "" if self.value.fract() == 0.0 && self.value.abs() < 1e15 => grouped(self.value, 0),
            "" => significant(self.value, 4),
            unit => format!("{} {unit}", significant(self.value, 4)),
        }
    }

    /// The formula in words: `= a / (b x c)`, or where the figure comes from.
    #[must_use]
    pub fn formula(&self) -> String {
        let names = |with: &str| self.from.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(with);
        match &self.how {
            How::Sum => format!("= {}", names(" + ")),
            How::Product => format!("= {}", names(" x ")),
            How::Quotient => match self.from.split_first() {
                Some((first, [second])) => format!("= {} / {}", first.name, second.name),
                Some((first, rest)) => {
                    format!(
                        "= {} / ({})",
                        first.name,
                        rest.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" x ")
                    )
                }
                None => String::new(),
            },
            How::Difference => format!("= {}", names(" - ")),
            How::Largest => format!("= the largest of {}", names(", ")),
            How::Smallest => format!("= the smallest of {}", names(", ")),
            How::Exponential => format!("= e^({})", names(" / ")),
            How::Growth => format!("= e^({}) - 1", names(" / ")),
            How::Figure { provenance, source } => format!("{provenance}: {source}"),
            How::Model { equation } => equation.clone(),
        }
    }
}

/// The headline numbers of a plan, each with its chain.
#[must_use]
pub fn explain(plan: &Plan, cluster: &Cluster, setup: &Setup<'_>) -> Vec<Derivation> {
    let step = step_time(plan, setup);
    let mut out = vec![step.clone(), throughput(plan, &step), mfu(plan, setup, &step), memory(plan, setup)];
    if let Some(run) = &plan.run {
        out.extend(run::explain(plan, run, cluster, setup, step));
    }
    out
}

fn gpus(plan: &Plan) -> Derivation {
    let s = &plan.step.strategy;
    let degree = |name: &str, value: u32| Derivation::model(name, f64::from(value), "", "layout");
    let degrees = vec![degree("tp", s.tp), degree("cp", s.cp), degree("pp", s.pp), degree("dp", s.dp)];
    Derivation::new("GPUs", plan.step.gpus as f64, "", How::Product, degrees)
}

/// The parts of the busiest stage add up to the step; its kernels are told layer by layer.
fn step_time(plan: &Plan, setup: &Setup<'_>) -> Derivation {
    let b = &plan.step.breakdown;
    let s = &plan.step.strategy;
    let equation = |name: &str| match name {
        "recompute" => "layers run forward once more before their backward pass (arXiv:2205.05198)",
        "tensor-parallel" => "collectives around attention and feed-forward block; docs/model.md, collectives",
        "context-parallel" => "keys and values of the whole sequence gathered, their gradients scattered",
        "expert-parallel" => "dispatch and combine, each token once per domain; docs/model.md, collectives",
        "data-parallel" => "how much shorter the longest path is without gradients and weights on the way",
        "pipeline transfers" => "how much shorter the longest path is with transfers that take no time",
        "pipeline bubble" => "what is left of the longest path beside this stage's own work",
        "optimizer" => "34 bytes per parameter updated, over the memory bandwidth reached",
        _ => "",
    };
    let parts = b
        .parts()
        .into_iter()
        .filter(|(name, time)| *name == "compute" || time.get() > 0.0)
        .map(|(name, time)| {
            if name != "compute" {
                return Derivation::model(name, time.get(), "s", equation(name));
            }
            // Where each direction has its own copy of the model, a copy meets half of the microbatches.
            let copies = if s.schedule.placement() == Placement::Bidirectional { 2.0 } else { 1.0 };
            let microbatches = f64::from(s.microbatches) / copies;
            let kernels = kernels(plan, setup, time.get() / microbatches);
            let count = Derivation::model("microbatches", microbatches, "", "global batch over dp and microbatch size");
            Derivation::new("compute", time.get(), "s", How::Product, vec![count, kernels])
        })
        .collect();
    Derivation::new("step time", plan.step.step_time.get(), "s", How::Sum, parts)
}

/// Time of the busiest stage's kernels for one microbatch, operator by operator.
fn kernels(plan: &Plan, setup: &Setup<'_>, total: f64) -> Derivation {
    let (s, busiest) = (&plan.step.strategy, plan.step.busiest_stage);
    let sorts = setup.at(s, busiest).operator_times(s, busiest);
    let parts: Vec<Derivation> = sorts
        .into_iter()
        .map(|(name, count, operators)| {
            let lines: Vec<Derivation> = operators
                .into_iter()
                .map(|operator| {
                    Derivation::model(operator.name, (operator.forward + operator.backward).get(), "s", &operator.equation)
                })
                .collect();
            let one = lines.iter().map(|line| line.value).sum::<f64>();
            let one = Derivation::new(format!("one {name}"), one, "s", How::Sum, lines);
            let count = Derivation::model("count", f64::from(count), "", "on the busiest stage");
            Derivation::new(format!("{name}s"), one.value * count.value, "s", How::Product, vec![count, one])
        })
        .collect();
    Derivation::new("kernels of a microbatch", total, "s", How::Sum, parts)
}

fn throughput(plan: &Plan, step: &Derivation) -> Derivation {
    let s = &plan.step.strategy;
    let tokens = Derivation::new(
        "tokens per step",
        plan.step.tokens_per_step.get(),
        "tokens",
        How::Product,
        vec![
            Derivation::model("sequences", s.sequences() as f64, "", "dp x microbatch x microbatches"),
            Derivation::given("tokens per sequence", f64::from(plan.job.sequence), "tokens", "workload file"),
        ],
    );
    Derivation::new("tokens per second", plan.step.tokens_per_s.get(), "tokens/s", How::Quotient, vec![tokens, step.clone()])
}

fn mfu(plan: &Plan, setup: &Setup<'_>, step: &Derivation) -> Derivation {
    let flops = Derivation::model(
        "model FLOP per step",
        plan.step.model_flops.get(),
        "FLOP",
        "three times forward: 2 x matmul weights x tokens, causal attention at half the square, output layer; recomputation not counted",
    );
    let peak = |own: &Setup<'_>| {
        let field = own.pool.accelerator_figure("peak", ());
        Derivation::figure("dense peak of a GPU", own.device.linear.peak.get(), "FLOP/s", &field)
    };
    let mut from = vec![flops];
    if plan.step.strategy.seam.is_none() {
        from.extend([peak(setup), gpus(plan)]);
    } else {
        let of = |own: &Setup<'_>, gpus: f64| {
            Derivation::new(on(own), gpus * own.device.linear.peak.get(), "FLOP/s", How::Product, vec![count(gpus), peak(own)])
        };
        from.push(over_pools("dense peak of all GPUs", "FLOP/s", plan, setup, of));
    }
    from.push(step.clone());
    Derivation::new("MFU", plan.step.mfu, "", How::Quotient, from)
}

fn on(own: &Setup<'_>) -> String {
    format!("pool {}", own.pool.name)
}

fn count(gpus: f64) -> Derivation {
    Derivation::model("GPUs", gpus, "", "tp x cp x dp x stages on this pool")
}

/// A sum over the pools of a pipeline, of what `of` says of each and its GPUs.
fn over_pools(
    name: &str,
    unit: &'static str,
    plan: &Plan,
    setup: &Setup<'_>,
    of: impl Fn(&Setup<'_>, f64) -> Derivation,
) -> Derivation {
    let parts: Vec<Derivation> = setup.parts(&plan.step.strategy).map(|(own, part)| of(own, part.gpus() as f64)).collect();
    Derivation::new(name, parts.iter().map(|part| part.value).sum(), unit, How::Sum, parts)
}

fn memory(plan: &Plan, setup: &Setup<'_>) -> Derivation {
    let Some(stage) = plan.step.fullest() else { return Derivation::model("memory per GPU", 0.0, "B", "no stages") };
    let m = &stage.memory;
    let free = plan.step.memory_capacity.get() - m.total().get();
    let parts = vec![
        Derivation::model(
            "weights",
            m.weights.get(),
            "B",
            "2 bytes a parameter (4 with FSDP); ZeRO-3 divides them over replicas",
        ),
        Derivation::model("gradients", m.gradients.get(), "B", "4 bytes a parameter (2 with FP16); ZeRO-2 divides them"),
        Derivation::model(
            "optimizer",
            m.optimizer.get(),
            "B",
            "12 bytes a parameter: master weight and two moments (16 with 16-bit gradients, of which it makes copies); ZeRO-1 divides them",
        ),
        Derivation::model(
            "activations",
            m.activations.get(),
            "B",
            "tensors kept, operator by operator, times microbatches in flight (arXiv:2205.05198)",
        ),
        Derivation::model(
            "working set",
            m.working.get(),
            "B",
            "one layer at a time: activations computed again, gradients in passing, gathered weights; or the logits",
        ),
        Derivation::model("fragments", m.fragments.get(), "B", "holes in what the framework's allocator reserves"),
        Derivation::new(
            "reserve",
            m.reserve.get(),
            "B",
            How::Figure { provenance: Provenance::Assumed, source: "driver, communication buffers, workspaces".into() },
            Vec::new(),
        ),
    ];
    let used = Derivation::new("used", m.total().get(), "B", How::Sum, parts);
    let own = setup.at(&plan.step.strategy, stage.stage);
    let capacity =
        Derivation::figure("capacity", plan.step.memory_capacity.get(), "B", &own.pool.accelerator_figure("memory", ()));
    Derivation::new(format!("memory free on stage {}", stage.stage), free, "B", How::Difference, vec![capacity, used])
}
