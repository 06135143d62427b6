//! `planner trace`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::bail;
use clap::Args;

use super::input::Inputs;
use super::{Failure, Global, Outcome, output};
use crate::plan::study;
use crate::report::{self, Scene};
use crate::step::graph::TaskGraph;
use crate::step::{schedule, timeline};

/// Arguments of `planner trace`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner trace -o step.json     open it at ui.perfetto.dev\n  planner trace h100-superpod-127 -w llama3-70b -o step.svg\n  \
                        planner trace h100-superpod-127 --topology -o cluster.dot"
)]
pub struct TraceArguments {
    #[command(flatten)]
    inputs: Inputs,
    /// File to write, its kind by its suffix: .json for Perfetto, .svg, .dot, or .csv for the order of every stage's turns
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Let the kernels of a stage take so many times as long, for example `stage=3:1.2`
    #[arg(long, value_name = "STAGE")]
    slow: Option<Slow>,
    /// Let the time of every turn vary by this share, drawn 1,000 times, and print percentiles of the step
    #[arg(long, value_name = "SHARE", value_parser = share)]
    jitter: Option<f64>,
    /// Seed of the random numbers of `--jitter`
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the graph of the cluster instead of the step's (.dot only)
    #[arg(long)]
    topology: bool,
}

/// Steps drawn for `--jitter`.
const SAMPLES: u32 = 1000;

/// A share of 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("`{text}` is not a share; write it as in `0.05`")),
    }
}

/// A stage and how many times as long it takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slow {
    pub stage: u32,
    pub factor: f64,
}

impl FromStr for Slow {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a stage and a factor; write it as in `stage=3:1.2`");
        let (stage, factor) = text.strip_prefix("stage=").and_then(|rest| rest.split_once(':')).ok_or_else(wrong)?;
        let (stage, factor) = (stage.parse().map_err(|_| wrong())?, factor.parse::<f64>().map_err(|_| wrong())?);
        if !factor.is_finite() || !(0.01..=100.0).contains(&factor) {
            return Err(format!("a factor of {factor} is not between 0.01 and 100"));
        }
        Ok(Self { stage, factor })
    }
}

pub(super) fn run(arguments: &TraceArguments, global: &Global) -> Result<Outcome, Failure> {
    let kind = kind(&arguments.output, arguments.topology)?;
    let loaded = arguments.inputs.load(global)?;
    if let Some(note) = &loaded.note {
        output::warn(note);
    }
    if arguments.topology {
        output::write(Some(&arguments.output), &report::topology_dot(&loaded.topology))?;
        return Ok(Outcome::Done);
    }
    let [job] = loaded.jobs.as_slice() else {
        return Err(anyhow::anyhow!("the workload has {} jobs; choose one with --job NAME", loaded.jobs.len()).into());
    };
    let job = &loaded.workload.jobs[*job];
    let plan = loaded.plan(job)?;
    let setup = loaded.setup(&plan.placed(job))?;
    let mut costs = setup.costs(&plan.step.strategy);
    if let Some(slow) = arguments.slow {
        if slow.stage >= plan.step.strategy.pp {
            return Err(anyhow::anyhow!(
                "there is no stage {}: the layout has {} of them, from 0",
                slow.stage,
                plan.step.strategy.pp
            )
            .into());
        }
        costs.durations = costs.durations.with_slow_stage(slow.stage as usize, slow.factor);
    }
    let graph: TaskGraph = setup.task_graph(&costs).map_err(anyhow::Error::from)?;
    let timeline = graph.simulate();
    let text = if kind == Kind::Dot {
        report::tasks_dot(graph.graph())
    } else if kind == Kind::Csv {
        schedule::to_text(&*costs.schedule().map_err(anyhow::Error::from)?)
    } else {
        let memory = timeline::memory_by_stage(&timeline, &costs);
        let title = format!("{} on {}: {}", plan.job.model, plan.cluster.name, plan.step.strategy.describe());
        let scene = Scene {
            title: &title,
            stages: plan.step.strategy.pp,
            timeline: &timeline,
            memory: &memory,
            capacity: &costs.capacity,
        };
        if kind == Kind::Json { report::chrome_trace(&scene) } else { report::gantt_svg(&scene) }
    };
    output::write(Some(&arguments.output), &text)?;
    output::print(&report::stages_table(&timeline::stages(&timeline, &costs)).text(0))?;
    output::print(&report::critical_path(&timeline::critical_path(&timeline)))?;
    if let Some(sigma) = arguments.jitter {
        let jitter = study::jitter(&costs, sigma, arguments.seed, SAMPLES).map_err(anyhow::Error::from)?;
        output::print(&report::jitter(&jitter))?;
    }
    if let Some(slow) = arguments.slow {
        let time = setup.step_time(&costs).map_err(anyhow::Error::from)?;
        output::print(&report::slow_stage(slow.stage, slow.factor, time, plan.step.step_time))?;
    }
    Ok(Outcome::Done)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Svg,
    Dot,
    Csv,
}

/// The kind of file that a name asks for, before anything is computed.
fn kind(path: &Path, topology: bool) -> anyhow::Result<Kind> {
    let kind = match path.extension().and_then(|suffix| suffix.to_str()) {
        Some("json") => Kind::Json,
        Some("svg") => Kind::Svg,
        Some("dot") => Kind::Dot,
        Some("csv") => Kind::Csv,
        _ => bail!("{} is none of .json, .svg, .dot and .csv; the suffix says what to write", path.display()),
    };
    if topology && kind != Kind::Dot {
        bail!("--topology writes DOT: name a file that ends in .dot");
    }
    Ok(kind)
}
