//! `planner schedule`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::input::{self, Destination, Format};
use super::{Failure, Global, Outcome, output};
use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Source};
use crate::fleet::trace::Trace;
use crate::fleet::{Answer, Given, Job, Pace, Placement, PolicyKind, Roster, Site, Sizes, Speeds, jobs_of};
use crate::plan::Refusal;
use crate::report;
use crate::spec::{Cluster, Portfolio, examples};
use crate::topology::Topology;

/// Arguments of `planner schedule`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  planner schedule h100-256 portfolios/one-year\n  planner schedule h100-256 portfolios/one-year --policy priority --seeds 100\n  \
                        planner schedule cluster.yaml trace.csv --policy fifo --placement pool\n  planner schedule cluster.yaml jobs.yaml --size --next 16\n\n\
                        `planner schedules`, with an s, compares pipeline schedules of one job. Exit code 1 when a job is late or never runs."
)]
pub struct ScheduleArguments {
    /// Cluster file, or the name of an embedded example
    #[arg(value_name = "CLUSTER")]
    cluster: String,
    /// Portfolio file (.yaml) or the name of an embedded example; a trace of jobs as CSV; what `sacct --parsable2` prints
    #[arg(value_name = "JOBS")]
    jobs: String,
    /// Who goes next
    #[arg(long, value_enum, default_value_t = PolicyKind::Easy)]
    policy: PolicyKind,
    /// Which GPUs a job gets
    #[arg(long, value_enum, default_value_t = Placement::Pod)]
    placement: Placement,
    /// Simulate failures of nodes so many times, and tell percentiles
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=100_000))]
    seeds: u64,
    /// Seed of the first of these simulations
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Find the fewest nodes that meet all deadlines; the cluster has to have one pool
    #[arg(long)]
    size: bool,
    /// Show what so many more nodes buy, twice as many, and four times
    #[arg(long, value_name = "NODES", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    next: Option<u32>,
    /// A profile of one's own hardware, as `planner calibrate` writes it
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Draw a Gantt chart of the jobs into this SVG file
    #[arg(long, value_name = "FILE")]
    gantt: Option<PathBuf>,
    /// Write the schedule as a Chrome trace for ui.perfetto.dev into this JSON file
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    destination: Destination,
}

/// The jobs, wherever they are from.
enum Jobs {
    Portfolio(Box<Portfolio>),
    Trace(Trace),
}

impl Jobs {
    fn read(name: &str, catalog: &Catalog) -> Result<Self, Vec<Diagnostic>> {
        let is_yaml = Path::new(name).extension().is_none_or(|suffix| suffix == "yaml" || suffix == "yml");
        if is_yaml {
            let (source, _) = examples::read(name).map_err(|error| vec![error])?;
            return Portfolio::load(source, catalog).map(|portfolio| Self::Portfolio(Box::new(portfolio)));
        }
        let source = Source::read_table(Path::new(name)).map_err(|error| vec![error])?;
        Trace::read(&source).map(Self::Trace)
    }

    fn portfolio(&self) -> Option<&Portfolio> {
        match self {
            Self::Portfolio(portfolio) => Some(portfolio),
            Self::Trace(_) => None,
        }
    }

    /// Names and weights of the queues.
    fn queues(&self) -> (Vec<String>, Vec<f64>) {
        match self {
            Self::Portfolio(portfolio) => portfolio.queues.iter().cloned().unzip(),
            Self::Trace(trace) => (trace.queues.clone(), vec![1.0; trace.queues.len()]),
        }
    }

    /// The jobs on a cluster, what trains planned for it.
    fn on(&self, cluster: &Cluster, speeds: Option<&mut Speeds<'_>>) -> Result<Vec<Job>, Refusal> {
        match (self, speeds) {
            (Self::Portfolio(portfolio), Some(speeds)) => jobs_of(portfolio, cluster, speeds),
            (Self::Portfolio(_), None) => Ok(Vec::new()),
            (Self::Trace(trace), _) => trace.jobs_on(cluster),
        }
    }

    /// Nodes that the widest job asks for, of so many GPUs each.
    fn widest(&self, gpus_per_node: u32) -> u32 {
        match self {
            Self::Portfolio(portfolio) => portfolio.widest(gpus_per_node),
            Self::Trace(trace) => trace.widest(gpus_per_node),
        }
    }
}

pub(super) fn run(arguments: &ScheduleArguments, global: &Global) -> Result<Outcome, Failure> {
    if arguments.placement == Placement::Pool && arguments.seeds > 0 {
        return Err(anyhow::anyhow!(
            "with `--placement pool` GPUs are only counted, and no node can fail; use `--placement node`"
        )
        .into());
    }
    let catalog = input::catalog(global)?;
    let calibration = input::calibration(arguments.calibration.as_deref(), &catalog)?;
    let calibration = calibration.as_ref().map_or_else(|| Calibration::defaults(), |(calibration, _)| calibration);
    let (source, _) = examples::read(&arguments.cluster)?;
    let mut errors = Vec::new();
    let cluster = Cluster::load(source.clone(), &catalog).map_err(|found| errors.extend(found)).ok();
    let jobs = Jobs::read(&arguments.jobs, &catalog).map_err(|found| errors.extend(found)).ok();
    let (Some(cluster), Some(source_jobs)) = (cluster, jobs) else { return Err(errors.into()) };
    if arguments.placement == Placement::Pool && source_jobs.portfolio().is_some_and(has_windows) {
        return Err(anyhow::anyhow!(
            "with `--placement pool` GPUs are only counted, and no node can be kept; use `--placement node`"
        )
        .into());
    }
    let cluster = if arguments.size { with_room(&source, &catalog, &source_jobs, cluster)? } else { cluster };
    let topology = Topology::new(&cluster);
    let portfolio = source_jobs.portfolio();
    let mut speeds =
        portfolio.map(|portfolio| Speeds::new((&cluster, &topology), &portfolio.training, (&catalog, calibration)));
    let jobs = source_jobs.on(&cluster, speeds.as_mut())?;
    let site = Site::new((&cluster, &topology), portfolio, arguments.placement)?;
    let pace: &dyn Pace = speeds.as_ref().map_or(&Given, |speeds| speeds);
    let (names, weights) = source_jobs.queues();
    let roster = Roster { jobs: &jobs, weights: &weights, policy: arguments.policy, pace };
    let outcome = site.schedule(&roster);
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.seeds);
    let mut answer = Answer::new((&cluster, &catalog), &site, &roster, &names, &outcome);
    if arguments.seeds > 0 {
        answer = answer.with_failures(&jobs, &site.courses(&roster, seeds.clone()));
    }
    if arguments.size || arguments.next.is_some() {
        let sizes = Sizes::new((&source, &catalog), (portfolio, arguments.placement), roster, seeds)?;
        answer.smallest = arguments.size.then(|| sizes.smallest()).flatten();
        answer.larger = arguments.next.map_or_else(Vec::new, |more| sizes.next(cluster.pools[0].nodes, more));
    }
    if let Some(path) = &arguments.gantt {
        output::write(Some(path), &report::schedule_svg(&answer, &jobs, &outcome))?;
    }
    if let Some(path) = &arguments.trace {
        output::write(Some(path), &report::schedule_trace(&answer, &jobs, &outcome))?;
    }
    let text = match arguments.format {
        Format::Text => report::schedule_text(&answer, &outcome),
        Format::Markdown => report::schedule_markdown(&answer),
        Format::Csv => report::schedule_csv(&answer),
        Format::Json => report::json(&answer).map_err(anyhow::Error::from)?,
    };
    output::write(arguments.destination.output.as_deref(), &text)?;
    Ok(if answer.holds() { Outcome::Done } else { Outcome::No })
}

fn has_windows(portfolio: &Portfolio) -> bool {
    let file = portfolio.file();
    !file.maintenance.is_empty() || !file.reservations.is_empty() || portfolio.spares > 0
}

/// The cluster, or one with as many nodes as the widest job asks for where it has fewer: sizes are found from there on.
fn with_room(source: &Arc<Source>, catalog: &Catalog, jobs: &Jobs, cluster: Cluster) -> Result<Cluster, Failure> {
    let [pool] = cluster.pools.as_slice() else { return Ok(cluster) };
    let widest = jobs.widest(pool.gpus_per_node);
    if widest <= pool.nodes {
        return Ok(cluster);
    }
    Ok(Cluster::load_sized(Arc::clone(source), catalog, widest)?)
}
