//! `planner schedule`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::input::{self, Destination, Format};
use super::{Failure, Global, Outcome, output};
use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::fleet::trace::Trace;
use crate::fleet::{Answer, Dag, Given, Job, Pace, Placement, PolicyKind, Roster, Site, Sized, Speeds, jobs_of, smallest};
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

    fn prepare(&self, cluster: &Cluster, speeds: Option<&mut Speeds<'_>>) -> Result<Vec<Job>, Failure> {
        match (self, speeds) {
            (Self::Portfolio(portfolio), Some(speeds)) => Ok(jobs_of(portfolio, cluster, speeds)?),
            (Self::Trace(trace), _) => {
                let widest = trace.jobs.iter().max_by_key(|job| job.demand.least);
                if let Some(job) = widest.filter(|job| job.demand.least > cluster.gpus()) {
                    let message =
                        format!("job `{}` holds {} GPUs, the cluster has {}", job.name, job.demand.least, cluster.gpus());
                    return Err(Failure::No(Box::new(Diagnostic::error(Code::GpuCount, message).help("use a larger cluster"))));
                }
                if let Err(job) = Dag::new(&trace.jobs) {
                    let message =
                        format!("job `{}` waits for itself, by way of those it comes after", trace.jobs[job as usize].name);
                    return Err(Diagnostic::error(Code::DependencyCycle, message).help("take one of its `after` out").into());
                }
                Ok(trace.jobs.clone())
            }
            (Self::Portfolio(_), None) => Ok(Vec::new()),
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
    let topology = Topology::new(&cluster);
    let mut speeds = source_jobs
        .portfolio()
        .map(|portfolio| Speeds::new((&cluster, &topology), &portfolio.training, (&catalog, calibration)));
    let jobs = source_jobs.prepare(&cluster, speeds.as_mut())?;
    let pace: &dyn Pace = speeds.as_ref().map_or(&Given, |speeds| speeds);
    let (names, weights) = source_jobs.queues();
    let roster = Roster { jobs: &jobs, weights: &weights, policy: arguments.policy, pace };
    let site = Site::new((&cluster, &topology), source_jobs.portfolio(), arguments.placement)?;
    let outcome = site.schedule(&roster);
    let mut answer = Answer::new((&cluster, &catalog), &site, &roster, &names, &outcome);
    if arguments.seeds > 0 {
        let courses = site.courses(&roster, arguments.seed..arguments.seed.saturating_add(arguments.seeds));
        answer = answer.with_failures(&jobs, &courses);
    }
    let on = |nodes: u32| sized(arguments, (&source, &catalog), &source_jobs, &roster, nodes);
    if arguments.size || arguments.next.is_some() {
        // Says what is wrong with several pools before anything is tried.
        Cluster::load_sized(source.clone(), &catalog, cluster.pools[0].nodes)?;
    }
    if arguments.size {
        let per_node = cluster.pools[0].gpus_per_node;
        let widest = jobs.iter().map(|job| job.demand.least).max().unwrap_or(1);
        answer.smallest = smallest(widest.div_ceil(per_node), on);
    }
    if let Some(more) = arguments.next {
        let nodes = cluster.pools[0].nodes;
        answer.larger = [0, 1, 2, 4].iter().filter_map(|times| on(nodes + times * more)).collect();
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

/// The same jobs on a cluster of another size; nothing when it cannot be built.
fn sized(
    arguments: &ScheduleArguments,
    (source, catalog): (&std::sync::Arc<Source>, &Catalog),
    jobs: &Jobs,
    roster: &Roster<'_>,
    nodes: u32,
) -> Option<Sized> {
    let cluster = Cluster::load_sized(source.clone(), catalog, nodes).ok()?;
    let topology = Topology::new(&cluster);
    let site = Site::new((&cluster, &topology), jobs.portfolio(), arguments.placement).ok()?;
    let outcome = site.schedule(roster);
    Some(Sized::of(roster.jobs, &outcome, nodes, site.all_gpus()))
}
