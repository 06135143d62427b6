//! What a workload file means: every model looked up, every name unique, no job waiting for itself.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use super::resolve_cluster::unknown_name_help;
use super::workload_file::{JobFile, ModelRef, Parallelism, ParallelismRef, WorkloadFile};
use super::{AttentionKernel, Computation, Graphs, Precision, Software, huggingface, names};
use crate::catalog::{Catalog, Model};
use crate::diagnostic::{self, Code, Diagnostic, Source, nearest, quoted};
use crate::units::{Batch, Date, Seconds, Tokens};
use crate::yaml::{self, Document, Path};

/// A workload, ready to be planned.
#[derive(Debug)]
pub struct Workload {
    /// Its jobs, in the order of the file.
    pub jobs: Vec<Job>,
    file: Document<WorkloadFile>,
}

/// One training job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its place in the file.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The model it trains.
    pub model: Model,
    /// Tokens to train on.
    pub tokens: Option<Tokens>,
    /// Tokens of a sequence.
    pub sequence: u32,
    /// Data between two optimizer steps.
    pub batch: Batch,
    /// Data type of the matmuls, when stated.
    pub precision: Option<Precision>,
    /// How attention is computed.
    pub attention: AttentionKernel,
    /// The training framework.
    pub software: Software,
    /// How much is launched from recorded graphs, when stated.
    pub graphs: Option<Graphs>,
    /// Whether only low-rank adapters are trained.
    pub adapters: bool,
    /// Degrees that are fixed.
    pub parallelism: Parallelism,
    /// The file of its own pipeline order.
    pub order: Option<Arc<Source>>,
    /// Name of the pool it runs on, when stated.
    pub pool: Option<String>,
    /// Day on which it starts, when stated.
    pub start: Option<Date>,
    /// Time by which it has to be done.
    pub deadline: Option<Seconds>,
    /// Jobs that have to be done before.
    pub after: Vec<usize>,
}

impl Job {
    /// What it computes in `precision`: as its framework does, but for what the job says otherwise.
    #[must_use]
    pub fn computation(&self, precision: Precision) -> Computation {
        let base = Computation::new(self.sequence, precision, self.software);
        Computation {
            attention: self.attention,
            graphs: self.graphs.unwrap_or(base.graphs),
            tensor_overlap: self.parallelism.tensor_overlap.unwrap_or(base.tensor_overlap),
            expert_overlap: self.parallelism.expert_overlap.unwrap_or(base.expert_overlap),
            adapters: self.adapters,
            ..base
        }
    }
}

impl Workload {
    /// Reads a workload file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(source: Arc<Source>, catalog: &Catalog) -> Result<Self, Vec<Diagnostic>> {
        let folder = FilePath::new(source.name()).parent().map(PathBuf::from).unwrap_or_default();
        let file = yaml::load::<WorkloadFile>(source)?;
        let places = places(&file.value.jobs);
        let mut errors = Vec::new();
        let mut jobs = Vec::new();
        for (index, job) in file.value.jobs.iter().enumerate() {
            let model = resolve_model(job, index, &file, catalog, &folder, &mut errors);
            errors.extend(names::check(&file, &at(index, "name"), &job.name));
            let after = resolve_after(job, index, &file, &places, &mut errors);
            if let Some(first) = places.get(job.name.as_str()).copied().filter(|first| *first < index) {
                let error =
                    file.error(Code::DuplicateName, &at(index, "name"), format!("two jobs are called {}", quoted(&job.name)));
                errors.push(
                    error.also(&file.source, file.span(&at(first, "name")), "the first").help("give each job its own name"),
                );
            }
            errors.extend(conflict(job, index, &file));
            let order = resolve_order(job, index, &file, &folder).unwrap_or_else(|error| {
                errors.push(error);
                None
            });
            jobs.extend(model.map(|model| Job {
                index,
                name: job.name.clone(),
                model,
                tokens: job.tokens,
                sequence: job.sequence,
                batch: job.global_batch,
                precision: job.precision,
                attention: job.attention.unwrap_or(job.software.unwrap_or_default().attention()),
                software: job.software.unwrap_or_default(),
                graphs: job.graphs,
                adapters: job.adapters.unwrap_or(false),
                parallelism: match &job.parallelism {
                    ParallelismRef::Auto => Parallelism::default(),
                    ParallelismRef::Fixed(fixed) => (**fixed).clone(),
                },
                order,
                pool: job.pool.clone(),
                start: job.start,
                deadline: job.deadline,
                after,
            }));
        }
        errors.extend(cycles(&file, &places));
        if errors.is_empty() { Ok(Self { jobs, file }) } else { Err(diagnostic::Batch::from_iter(errors).into_vec()) }
    }

    /// Says beside an error elsewhere which field of a job led there.
    #[must_use]
    pub fn also(&self, job: &Job, field: &str, error: Diagnostic) -> Diagnostic {
        error.also(&self.file.source, self.file.span(&field_of(job, field)), "named here")
    }

    /// An error at a field of a job.
    #[must_use]
    pub fn error(&self, job: &Job, field: &str, code: Code, message: impl Into<String>) -> Diagnostic {
        self.file.error(code, &field_of(job, field), message)
    }
}

/// The place of a field of a job, `parallelism.tp` for one.
fn field_of(job: &Job, field: &str) -> Path {
    field.split('.').fold(Path::root().key("jobs").index(job.index), |path, key| path.key(key))
}

/// Places that are shown of a circle beside its first.
const MOST_PLACES: usize = 8;

fn at(index: usize, field: &str) -> Path {
    Path::root().key("jobs").index(index).key(field)
}

fn resolve_model(
    job: &JobFile,
    index: usize,
    file: &Document<WorkloadFile>,
    catalog: &Catalog,
    folder: &FilePath,
    errors: &mut Vec<Diagnostic>,
) -> Option<Model> {
    let name = match &job.model {
        ModelRef::Spelled(model) => {
            errors.extend(names::check(file, &at(index, "model").key("name"), &model.name));
            return Some((**model).clone());
        }
        ModelRef::Named(name) => name,
    };
    if let Some(model) = catalog.model(name) {
        return Some(model.clone());
    }
    let is_path = FilePath::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) || name.contains(['/', '\\']);
    if is_path {
        let error = match huggingface::load(&folder.join(name)) {
            Ok(model) => return Some(model),
            Err(error) => error.also(&file.source, file.span(&at(index, "model")), "named here"),
        };
        errors.push(error);
    } else {
        let error = file.error(Code::UnknownModel, &at(index, "model"), format!("no model is called {}", quoted(name)));
        errors.push(error.help(unknown_name_help(name, &catalog.models)));
    }
    None
}

/// The file of a job's own order.
fn resolve_order(
    job: &JobFile,
    index: usize,
    file: &Document<WorkloadFile>,
    folder: &FilePath,
) -> Result<Option<Arc<Source>>, Diagnostic> {
    let ParallelismRef::Fixed(fixed) = &job.parallelism else { return Ok(None) };
    let Some(name) = &fixed.order else { return Ok(None) };
    let place = at(index, "parallelism").key("order");
    Source::read(&folder.join(name)).map(Some).map_err(|error| error.also(&file.source, file.span(&place), "named here"))
}

/// Keys of the layout of which only one can count.
fn conflict(job: &JobFile, index: usize, file: &Document<WorkloadFile>) -> Option<Diagnostic> {
    let ParallelismRef::Fixed(fixed) = &job.parallelism else { return None };
    let (one, other) = fixed.conflict()?;
    let place = |key| at(index, "parallelism").key(key);
    let error = file.error(Code::ConflictingKeys, &place(other), format!("`{one}` and `{other}` exclude each other"));
    Some(error.also(&file.source, file.span(&place(one)), "the other").help(format!("leave one of `{one}` and `{other}` out")))
}

/// The place of each job by its name; of several with one name, the first.
fn places(jobs: &[JobFile]) -> BTreeMap<&str, usize> {
    jobs.iter().enumerate().rev().map(|(index, job)| (job.name.as_str(), index)).collect()
}

fn resolve_after(
    job: &JobFile,
    index: usize,
    file: &Document<WorkloadFile>,
    places: &BTreeMap<&str, usize>,
    errors: &mut Vec<Diagnostic>,
) -> Vec<usize> {
    let mut after = Vec::new();
    for (i, name) in job.after.iter().enumerate() {
        match places.get(name.as_str()) {
            Some(found) => after.push(*found),
            None => {
                let names = || file.value.jobs.iter().map(|job| job.name.as_str());
                let error =
                    file.error(Code::UnknownJob, &at(index, "after").index(i), format!("no job is called {}", quoted(name)));
                if errors.len() >= diagnostic::Batch::MOST {
                    // It is only counted.
                    errors.push(error);
                    continue;
                }
                errors.push(error.help(match nearest(name, names()) {
                    Some(near) => format!("did you mean {}?", quoted(near)),
                    None => format!("jobs of this file: {}", names::list(names())),
                }));
            }
        }
    }
    after
}

/// Jobs that wait for each other in a circle: the cycles of the dependency graph.
fn cycles(file: &Document<WorkloadFile>, places: &BTreeMap<&str, usize>) -> Vec<Diagnostic> {
    let jobs = &file.value.jobs;
    let mut graph = DiGraph::<usize, ()>::new();
    let nodes: Vec<_> = (0..jobs.len()).map(|index| graph.add_node(index)).collect();
    for (index, job) in jobs.iter().enumerate() {
        for before in job.after.iter().filter_map(|name| places.get(name.as_str()).copied()) {
            graph.update_edge(nodes[before], nodes[index], ());
        }
    }
    let mut found: Vec<Vec<usize>> = tarjan_scc(&graph)
        .into_iter()
        .map(|component| component.into_iter().map(|node| graph[node]).collect::<Vec<_>>())
        .filter(|jobs| jobs.len() > 1 || jobs.iter().any(|job| graph.contains_edge(nodes[*job], nodes[*job])))
        .collect();
    for component in &mut found {
        component.sort_unstable();
    }
    found.sort();
    found
        .into_iter()
        .map(|component| {
            let names = names::list(component.iter().map(|job| jobs[*job].name.as_str()));
            let first = component.first().copied().unwrap_or_default();
            let message = if component.len() == 1 {
                format!("job {names} waits for itself")
            } else {
                format!("jobs {names} wait for each other")
            };
            component.iter().skip(1).take(MOST_PLACES).fold(
                file.error(Code::DependencyCycle, &at(first, "after"), message).help("take one of the `after` entries out"),
                |error, job| error.also(&file.source, file.span(&at(*job, "after")), "and this"),
            )
        })
        .collect()
}
