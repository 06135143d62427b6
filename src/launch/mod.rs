//! A layout as options of a training framework, and launch files of frameworks read as workloads.
//!
//! `megatron`, `nemo`, `torchtitan` and `deepspeed` write a layout down, one file a framework; what a framework cannot express is
//! said, never dropped. The other way, `script` and `recipe` turn a launch file into `flags`, of which `transformer` and `layout`
//! make the workload file that `workload` writes; `words` and `shell` know as much of a shell as launch scripts need. This room
//! knows jobs, models, layouts and YAML; it knows nothing of clusters but the GPUs of a node, and nothing of time.

mod deepspeed;
mod draft;
mod flags;
mod layout;
mod megatron;
mod nemo;
mod options;
mod pattern;
mod recipe;
mod script;
mod shell;
mod sums;
mod torchtitan;
mod transformer;
mod words;
mod workload;

use std::sync::Arc;

use serde::Serialize;

pub use options::{Section, Setting, Unsupported};

use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Source};
use crate::model::Architecture;
use crate::parallel::{LayerSplit, Strategy};
use crate::spec::{Computation, Job, ScheduleKind, Software};

/// Version of the JSON that launch options are written as.
pub const SCHEMA_VERSION: u32 = 1;

/// A training framework whose options are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framework {
    /// Megatron-LM, `pretrain_gpt.py`.
    MegatronLm,
    /// Megatron-Bridge, which `NeMo` trains large models with.
    Nemo,
    /// torchtitan.
    Torchtitan,
    /// `DeepSpeed`, under Megatron-DeepSpeed.
    Deepspeed,
}

impl Framework {
    /// The one that a class of frameworks stands for; none has the options of JAX programs.
    #[must_use]
    pub fn of(software: Software) -> Option<Self> {
        match software {
            Software::MegatronCore | Software::MegatronCore2024 | Software::Megatron2021 => Some(Self::MegatronLm),
            Software::MegatronDeepspeed => Some(Self::Deepspeed),
            Software::Fsdp | Software::FsdpCompiled => Some(Self::Torchtitan),
            Software::Xla => None,
        }
    }

    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::MegatronLm => "Megatron-LM",
            Self::Nemo => "Megatron-Bridge",
            Self::Torchtitan => "torchtitan",
            Self::Deepspeed => "Megatron-DeepSpeed",
        }
    }
}

/// What is launched: a job in the layout that was planned for it.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its model, checked.
    pub model: &'a Architecture,
    /// What it computes, and how.
    pub computation: Computation,
    /// The layout.
    pub strategy: &'a Strategy,
    /// Accelerators of a node.
    pub node: u32,
}

impl Planned<'_> {
    /// Layers of every slice where options have to spell them out: the job lists them, or they do not divide evenly.
    fn spelled_layers(&self) -> Option<Vec<u32>> {
        let (s, split) = (self.strategy, self.split());
        // As 1F1B has them, which other schedules may be replaced by.
        let schedule = if s.vp > 1 { ScheduleKind::Interleaved } else { ScheduleKind::OneForwardOneBackward };
        let spelled = match &split {
            LayerSplit::Given(given) => given.len() as u32 == s.pp * s.vp,
            LayerSplit::Even => s.seam.is_some() || self.model.layers % (s.pp * s.vp).max(1) != 0,
            LayerSplit::Ends { .. } | LayerSplit::Counted { .. } => false,
        };
        spelled.then(|| split.slices(&Strategy { schedule, ..*s }, self.model.layers))
    }

    fn split(&self) -> LayerSplit {
        LayerSplit::of(&self.job.parallelism).with(self.strategy.split)
    }

    /// Optimizer steps of the whole job.
    fn steps(&self) -> Option<u64> {
        let step = self.strategy.sequences() as f64 * f64::from(self.job.sequence);
        self.job.tokens.map(|tokens| (tokens.get() / step).ceil() as u64)
    }
}

/// A layout as options.
#[derive(Debug, Clone, Serialize)]
pub struct Launch {
    /// Name of the job.
    pub job: String,
    /// Name of its model.
    pub model: String,
    /// The framework.
    pub framework: Framework,
    /// The layout in a line.
    pub layout: String,
    /// Nodes it runs on.
    pub nodes: u32,
    /// Accelerators on each.
    pub gpus_per_node: u32,
    /// The options, by what they are about.
    pub options: Vec<Section>,
    /// What of the job or the layout the options do not say.
    pub unsupported: Vec<Unsupported>,
}

impl Launch {
    /// Writes a layout as options of a framework.
    #[must_use]
    pub fn new(planned: &Planned<'_>, framework: Framework) -> Self {
        let (options, mut unsupported) = match framework {
            Framework::MegatronLm => megatron::options(planned),
            Framework::Nemo => nemo::options(planned),
            Framework::Torchtitan => torchtitan::options(planned),
            Framework::Deepspeed => deepspeed::options(planned),
        };
        let gpus = planned.strategy.gpus() as u32;
        let gpus_per_node = planned.node.clamp(1, gpus.max(1));
        if let Some(seam) = planned.strategy.seam {
            let why = format!(
                "no option places stages: start the ranks of the first {} stages, from 0, on the nodes of the first pool and the others \
                 on those of the second",
                seam.stages
            );
            unsupported.push(Unsupported::new("pools", why));
        }
        let nodes = gpus.div_ceil(gpus_per_node);
        if gpus % gpus_per_node != 0 {
            let rest = gpus % gpus_per_node;
            unsupported.push(Unsupported::new("nodes", format!("the last node runs {rest} GPUs: start fewer processes there")));
        }
        Self {
            job: planned.job.name.clone(),
            model: planned.model.name.clone(),
            framework,
            layout: planned.strategy.describe(),
            nodes,
            gpus_per_node,
            options,
            unsupported,
        }
    }

    /// The options as they are pasted: a script, a function, a configuration.
    #[must_use]
    pub fn text(&self) -> String {
        let body = match self.framework {
            Framework::MegatronLm => megatron::text(self),
            Framework::Nemo => nemo::text(self),
            Framework::Torchtitan => torchtitan::text(self),
            Framework::Deepspeed => deepspeed::text(self),
        };
        format!("{}\n{body}", self.heading())
    }

    /// What the options are of, and what they leave out, as comments of shells and of Python.
    fn heading(&self) -> String {
        let mut lines = vec![
            format!("# {}, job {}: {}", self.model, self.job, self.layout),
            format!(
                "# {} on {} {} of {} GPUs. Data, tokenizer, learning rate and checkpoints are not planned: add yours.",
                self.framework.title(),
                self.nodes,
                if self.nodes == 1 { "node" } else { "nodes" },
                self.gpus_per_node
            ),
        ];
        lines.extend(self.unsupported.iter().map(|left| format!("# Not expressed: {}: {}", left.what, left.why)));
        lines.join("\n") + "\n"
    }
}

/// The kind of a launch file that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A launch script of Megatron-LM, or YAML with `MODEL_ARGS`.
    MegatronLm,
    /// A configuration of `NeMo` or Megatron-Bridge.
    Nemo,
}

/// Reads a launch file and writes it as a workload file.
///
/// `given` are options and shell variables that the file leaves open, each with its value.
///
/// # Errors
/// What is wrong with the file, or what it lacks.
pub fn import(
    source: &Arc<Source>,
    format: Format,
    given: &[(String, String)],
    catalog: &Catalog,
) -> Result<String, Vec<Diagnostic>> {
    let flags = match format {
        Format::MegatronLm => script::read(source, given)?,
        Format::Nemo => recipe::read(source, given)?,
    };
    workload::write(&flags, catalog)
}
