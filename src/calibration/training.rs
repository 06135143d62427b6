//! What training frameworks deliver beyond what kernel tables say: few constants, fitted to published runs.
//!
//! The constants are in `training.yaml`, each with its meaning, its range and the number of runs behind it. A name is looked up
//! with its class first and falls back to the class that the file names as like it, so that an accelerator or framework without
//! runs of its own takes what its nearest relative was measured to do.

use serde::{Deserialize, Serialize};

use super::LayoutSpread;
use crate::catalog::Accelerator;
use crate::spec::{AttentionKernel, Computation, Graphs, Precision, Software};
use crate::units::Seconds;

/// How far from the truth a prediction is believed to be: measured times lie within a factor of e^`half` of it half of the time,
/// within e^`ninety` nine times in ten.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Interval {
    /// Half-width of the 50 % interval, in the logarithm of time.
    pub half: f64,
    /// Half-width of the 90 % interval.
    pub ninety: f64,
    /// Groups of published runs behind it.
    pub groups: u32,
    /// What these runs have in common.
    pub class: String,
    /// Why it is wider than what those runs say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thin: Option<String>,
}

impl Interval {
    /// Least and most of a time around `value`, `half` to either side in its logarithm.
    #[must_use]
    pub fn around(&self, value: Seconds, half: f64) -> [Seconds; 2] {
        [value * (-half).exp(), value * half.exp()]
    }
}

/// Half-widths without a single run: a factor of 1.2 and of 1.65.
const UNKNOWN: (f64, f64, u32) = (0.2, 0.5, 0);

/// Accelerators of the largest runs that predictions were held against.
const LARGEST: u64 = 10_000;

/// The fitted constants.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Training {
    /// Families of accelerators that share constants.
    pub generations: Vec<Generation>,
    /// The constants.
    pub constants: Vec<Constant>,
    /// How far off predictions with them are on sources that they were not fitted to, by class.
    pub spreads: Vec<Spread>,
    /// How far the errors of layouts of one job are apart.
    pub between_layouts: LayoutSpread,
}

/// How far predicted step times of a class are from measured ones: half and nine in ten of them lie within a factor of e^`half`
/// and e^`ninety`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spread {
    /// The framework; `any` for all.
    pub software: String,
    /// The generation of accelerators; `any` for all.
    pub generation: String,
    /// Groups of runs behind it.
    pub groups: u32,
    /// Half-width of the 50 % interval, in the logarithm of time.
    pub half: f64,
    /// Half-width of the 90 % interval.
    pub ninety: f64,
}

/// A generation of accelerators.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Generation {
    /// Its name in the constants.
    pub name: String,
    /// How the names of its accelerators start.
    pub families: Vec<String>,
    /// The generation whose constants stand in for those that it has none of.
    #[serde(default)]
    pub like: Option<String>,
}

/// One constant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Constant {
    /// What it is of, and the class: `matmul.hopper.8-bit`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// What it is believed to be before any run is looked at: where the fit begins and what it is drawn to.
    pub prior: f64,
    /// The least that is physically sensible.
    pub least: f64,
    /// The most that is.
    pub most: f64,
    /// Runs that it was fitted to; none when it is assumed.
    #[serde(default)]
    pub rows: u32,
}

/// The constants of one job on one accelerator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// Rate of the linear layers' matmuls, over what the kernel tables say of days of work.
    pub linear: f64,
    /// The same of 16-bit matmuls.
    pub half: f64,
    /// Share of the dense peak that attention kernels reach, forward and backward.
    pub attention: [f64; 2],
    /// Traffic of element-wise kernels, over that of ideally fused ones.
    pub stream: f64,
    /// Time in which the host issues one (modelled) kernel.
    pub issue: Seconds,
    /// Share of tensor-parallel collectives that stays exposed.
    pub tensor_exposed: f64,
    /// Share of context-parallel exchanges that stays exposed.
    pub context_exposed: f64,
    /// Share of expert exchanges that stays exposed.
    pub expert_exposed: f64,
    /// Time of the routed experts' grouped matmuls, over single ones of the same size.
    pub grouped: f64,
    /// Traffic of routing, permutation and the experts' activation, over that of ideally fused kernels.
    pub dispatch: f64,
    /// Time of each pass of a layer beside its kernels: checkpointing, synchronisation.
    pub layer: Seconds,
    /// Time in which the host waits for the number of tokens of every expert, in each pass of a layer with experts.
    pub route: Seconds,
    /// Rate of a matmul whose rows are not aligned to 16 bytes, over an aligned one.
    pub unaligned: f64,
    /// Time that the host takes for a turn of the pipeline beside issuing its kernels.
    pub turn: Seconds,
    /// Share of a hidden collective by which it slows the computation that hides it.
    pub contention: f64,
    /// Time of a step beside its tasks: data, logging, clocks.
    pub step: Seconds,
}

impl Training {
    /// The value of `name`, in the class of `generation` or the nearest like it; `otherwise` when there is none.
    fn by_generation(&self, of: &str, accelerator: &str, class: &str, otherwise: f64) -> f64 {
        let mut generation =
            self.generations.iter().find(|g| g.families.iter().any(|family| accelerator.starts_with(family.as_str())));
        // A chain of likenesses is no longer than the list.
        for _ in 0..self.generations.len() {
            let Some(known) = generation else { break };
            let name = format!("{of}.{}{class}", known.name);
            if let Some(value) = self.value(&name) {
                return value;
            }
            generation = known.like.as_ref().and_then(|like| self.generations.iter().find(|g| g.name == *like));
        }
        self.value(&format!("{of}.any{class}")).unwrap_or(otherwise)
    }

    fn by_software(&self, of: &str, software: Software, otherwise: f64) -> f64 {
        self.value(&format!("{of}.{}", software.as_str())).or_else(|| self.value(&format!("{of}.any"))).unwrap_or(otherwise)
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.constants.iter().find(|constant| constant.name == name).map(|constant| constant.value)
    }

    /// Time of an expert exchange within a scale-up domain of several trays, over that of the kernels for eight accelerators: a rack has
    /// kernels of its own, which leave copies to its links.
    fn exchange(&self, accelerator: &Accelerator) -> f64 {
        if accelerator.scale_up.domain > 16 { self.value("exchange.rack").unwrap_or(1.0) } else { 1.0 }
    }

    /// The generation of an accelerator, by its name.
    #[must_use]
    pub fn generation(&self, accelerator: &str) -> Option<&str> {
        let found = self.generations.iter().find(|g| g.families.iter().any(|family| accelerator.starts_with(family.as_str())));
        found.map(|generation| generation.name.as_str())
    }

    /// How far off predictions of a class are: of the framework on this generation, where enough runs were published, else of the
    /// framework, else of all. Where evidence is thin, twice as wide.
    #[must_use]
    pub fn interval(&self, accelerator: &str, computation: &Computation, gpus: u64) -> Interval {
        let software = computation.software.as_str();
        let generation = self.generation(accelerator).unwrap_or("any");
        let find = |software: &str, generation: &str| {
            self.spreads.iter().find(|spread| spread.software == software && spread.generation == generation)
        };
        let prefix = format!("matmul.{generation}.");
        let known = self.constants.iter().any(|constant| constant.rows > 0 && constant.name.starts_with(&prefix));
        let thin = if !known {
            Some("no run on this generation of accelerators was compared".to_owned())
        } else if gpus > LARGEST {
            Some(format!("no run on more than {LARGEST} accelerators was compared"))
        } else {
            None
        };
        let wider = if thin.is_some() { 2.0 } else { 1.0 };
        let found = find(software, generation).or_else(|| find(software, "any")).or_else(|| find("any", "any"));
        let (half, ninety, groups) = found.map_or(UNKNOWN, |spread| (spread.half, spread.ninety, spread.groups));
        let class = match found.map(|spread| (spread.software.as_str(), spread.generation.as_str())) {
            None | Some(("any", _)) => "all published runs".to_owned(),
            Some((software, "any")) => format!("runs of {software}"),
            Some((software, generation)) => format!("runs of {software} on {generation}"),
        };
        Interval { half: half * wider, ninety: ninety * wider, groups, class, thin }
    }

    /// The constants of a job on an accelerator.
    #[must_use]
    pub fn factors(&self, accelerator: &Accelerator, computation: &Computation) -> Factors {
        let name = accelerator.name.as_str();
        let software = computation.software;
        let matmul = |precision: Precision| {
            let [exact, like] = types(precision);
            self.by_generation(
                "matmul",
                name,
                &format!(".{exact}"),
                self.by_generation("matmul", name, &format!(".{like}"), 1.0),
            )
        };
        let kernel = match (computation.attention, software) {
            (AttentionKernel::Triton, _) => ".triton",
            (AttentionKernel::Sinks, _) => ".sinks",
            (_, Software::MegatronCore | Software::MegatronCore2024 | Software::Xla) => ".cudnn",
            _ => ".flash",
        };
        let attention = |pass: &str, otherwise| {
            let of = format!("attention-{pass}");
            self.by_generation(&of, name, kernel, self.by_generation(&of, name, "", otherwise))
        };
        // A recorded step leaves the host nothing to do between its kernels. What XLA compiles is always one, and has constants of its own.
        let recorded = computation.graphs == Graphs::Full && software != Software::Xla;
        let exposed = |overlapped: bool, of: &str| if overlapped { self.by_software(of, software, 1.0) } else { 1.0 };
        Factors {
            linear: matmul(computation.precision),
            half: matmul(computation.precision.attention()),
            attention: [attention("forward", 0.6), attention("backward", 0.5)],
            stream: self.by_software("stream", software, 1.0),
            issue: Seconds::new(match computation.graphs {
                Graphs::None => self.by_software("issue", software, 0.0) * 1e-6,
                Graphs::Partial | Graphs::Full => 0.0,
            }),
            tensor_exposed: if computation.tensor_overlap && software.is_megatron_core() {
                self.by_generation("tensor-exposed", name, "", 1.0)
            } else {
                exposed(computation.tensor_overlap, "tensor-exposed")
            },
            context_exposed: self.by_software("context-exposed", software, 1.0),
            expert_exposed: exposed(computation.expert_overlap, "expert-exposed") * self.exchange(accelerator),
            grouped: self.by_software("grouped", software, 1.0),
            // Where graphs hold the whole step nothing waits for the number of tokens of an expert, and the exchange's kernels permute.
            dispatch: self
                .value("dispatch.graphed")
                .filter(|_| recorded && software.is_megatron_core())
                .unwrap_or_else(|| self.by_software("dispatch", software, 1.0)),
            layer: Seconds::new(if recorded { 0.0 } else { self.by_software("layer", software, 0.0) * 1e-6 }),
            route: Seconds::new(match computation.graphs {
                // A Grace host issues kernels faster, over a link of its own.
                Graphs::None if name.starts_with("gb") || name.starts_with("gh") => {
                    self.value("route.grace").unwrap_or(0.0) * 1e-6
                }
                Graphs::None => self.by_software("route", software, 0.0) * 1e-6,
                Graphs::Partial => self.value("route.partial-graphs").unwrap_or(0.0) * 1e-6,
                Graphs::Full => 0.0,
            }),
            unaligned: self.value("unaligned").unwrap_or(1.0),
            turn: Seconds::new(if recorded { 0.0 } else { self.by_software("turn", software, 0.0) * 1e-3 }),
            contention: self.by_software("contention", software, 0.0),
            step: Seconds::new(self.by_software("step", software, 0.0) * 1e-3),
        }
    }
}

/// The name of a type in the constants, and the one that stands in for it.
fn types(precision: Precision) -> [&'static str; 2] {
    match precision {
        Precision::Tf32 => ["tf32", "tf32"],
        Precision::Bf16 | Precision::Fp16 => ["16-bit", "16-bit"],
        Precision::Fp8 => ["fp8", "fp8"],
        Precision::Mxfp8 => ["mxfp8", "fp8"],
        Precision::Int8 => ["int8", "fp8"],
        Precision::Nvfp4 => ["nvfp4", "nvfp4"],
    }
}
