//! What a workload file means: every model looked up, every name unique, no job waiting for itself.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use super::dependencies::{self, Waits};
use super::resolve_cluster::unknown_name_help;
use super::workload_file::{JobFile, ModelRef, Parallelism, ParallelismRef, WorkloadFile};
use super::{AttentionKernel, Computation, Graphs, Precision, Software, huggingface, names};
use crate::catalog::{Catalog, Model};
use crate::diagnostic::{self, Code, Diagnostic, Source, quoted};
use crate::units::{Batch, Date, Seconds, Tokens};
use crate::yaml::{self, Document, Entry, Kind, Node, Path};

/// What reads the files that a workload file names.
pub type Read<'a> = &'a dyn Fn(&FilePath) -> Result<Arc<Source>, Diagnostic>;

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
    /// Names of the two pools that its pipeline runs over, when stated.
    pub pools: Option<[String; 2]>,
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
        Self::load_with(source, catalog, &Source::read)
    }

    /// Reads a workload file; what it names in files of their own comes from `read`, not from the disk.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load_with(source: Arc<Source>, catalog: &Catalog, read: Read<'_>) -> Result<Self, Vec<Diagnostic>> {
        let (jobs, errors, file) = Self::resolve(yaml::load::<WorkloadFile>(source)?, catalog, read);
        if errors.is_empty() { Ok(Self { jobs, file }) } else { Err(diagnostic::Batch::from_iter(errors).into_vec()) }
    }

    /// The jobs of a file that was read, and everything that is wrong with them.
    fn resolve(
        file: Document<WorkloadFile>,
        catalog: &Catalog,
        read: Read<'_>,
    ) -> (Vec<Job>, Vec<Diagnostic>, Document<WorkloadFile>) {
        let folder = FilePath::new(file.source.name()).parent().map(PathBuf::from).unwrap_or_default();
        let mut errors = Vec::new();
        let waits: Vec<Waits<'_>> = file.value.jobs.iter().map(|job| (job.name.as_str(), job.after.as_slice())).collect();
        let after = dependencies::resolve(&file, &waits, &mut errors);
        let mut jobs = Vec::new();
        for (index, job) in file.value.jobs.iter().enumerate() {
            let model = resolve_model(job, index, &file, catalog, (&folder, read), &mut errors);
            errors.extend(names::check(&file, &at(index, "name"), &job.name));
            errors.extend(conflict(job, index, &file));
            errors.extend(two_pools(job, index, &file));
            let order = resolve_order(job, index, &file, (&folder, read)).unwrap_or_else(|error| {
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
                pools: job.pools.clone().and_then(|pools| pools.try_into().ok()),
                deadline: job.deadline,
                after: after[index].clone(),
            }));
        }
        (jobs, errors, file)
    }

    /// The jobs of a list that stands under another key of a larger file, and everything that is wrong with them.
    pub(super) fn of_list(
        list: Vec<JobFile>,
        key: &str,
        (source, tree): (&Arc<Source>, &Node),
        catalog: &Catalog,
    ) -> (Self, Vec<Diagnostic>) {
        let jobs = tree.entry(key).map(|entry| entry.value.clone());
        // The list stands where jobs of a workload file would: every message points at its own place.
        let entry = |value: Node| Entry { key: "jobs".to_owned(), key_span: value.span.clone(), value };
        let tree = Node { span: tree.span.clone(), kind: Kind::Mapping(jobs.map(entry).into_iter().collect()) };
        let document = Document { source: Arc::clone(source), tree, value: WorkloadFile { jobs: list } };
        let (jobs, errors, file) = Self::resolve(document, catalog, &Source::read);
        (Self { jobs, file }, errors)
    }

    /// Says beside an error elsewhere which field of a job led there.
    #[must_use]
    pub fn also(&self, job: &Job, field: &str, error: Diagnostic) -> Diagnostic {
        error.also(&self.file.source, self.file.span(&field_of(job, field)), "named here")
    }

    /// The file, and what is written in it.
    #[must_use]
    pub fn file(&self) -> (&Arc<Source>, &Node) {
        (&self.file.source, &self.file.tree)
    }

    /// Where a job stands in the file.
    #[must_use]
    pub fn place(&self, job: &Job) -> Path {
        Path::root().key("jobs").index(job.index)
    }

    /// Names of the files that a job refers to: of its model, of its order.
    #[must_use]
    pub fn files(&self, job: &Job, catalog: &Catalog) -> Vec<&str> {
        let Some(written) = self.file.value.jobs.get(job.index) else { return Vec::new() };
        let model = match &written.model {
            ModelRef::Named(name) if catalog.model(name).is_none() => Some(name),
            ModelRef::Named(_) | ModelRef::Spelled(_) => None,
        };
        let order = match &written.parallelism {
            ParallelismRef::Fixed(fixed) => fixed.order.as_ref(),
            ParallelismRef::Auto => None,
        };
        model.into_iter().chain(order).map(String::as_str).collect()
    }

    /// An error at a field of a job.
    #[must_use]
    pub fn error(&self, job: &Job, field: &str, code: Code, message: impl Into<String>) -> Diagnostic {
        self.file.error(code, &field_of(job, field), message)
    }
}

/// The place of a field of a job, `parallelism.tp` or `pools.1` for one.
fn field_of(job: &Job, field: &str) -> Path {
    field.split('.').fold(Path::root().key("jobs").index(job.index), |path, key| match key.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.key(key),
    })
}

fn at(index: usize, field: &str) -> Path {
    Path::root().key("jobs").index(index).key(field)
}

fn resolve_model(
    job: &JobFile,
    index: usize,
    file: &Document<WorkloadFile>,
    catalog: &Catalog,
    (folder, read): (&FilePath, Read<'_>),
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
    if is_path(name) {
        let error = match read(&folder.join(name)).and_then(|source| huggingface::load(&source)) {
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

/// Whether a model that no catalogue has is named by its file.
fn is_path(name: &str) -> bool {
    FilePath::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) || name.contains(['/', '\\'])
}

/// The file of a job's own order.
fn resolve_order(
    job: &JobFile,
    index: usize,
    file: &Document<WorkloadFile>,
    (folder, read): (&FilePath, Read<'_>),
) -> Result<Option<Arc<Source>>, Diagnostic> {
    let ParallelismRef::Fixed(fixed) = &job.parallelism else { return Ok(None) };
    let Some(name) = &fixed.order else { return Ok(None) };
    let place = at(index, "parallelism").key("order");
    read(&folder.join(name)).map(Some).map_err(|error| error.also(&file.source, file.span(&place), "named here"))
}

/// Keys of the layout of which only one can count.
fn conflict(job: &JobFile, index: usize, file: &Document<WorkloadFile>) -> Option<Diagnostic> {
    let ParallelismRef::Fixed(fixed) = &job.parallelism else { return None };
    let (one, other) = fixed.conflict()?;
    let place = |key| at(index, "parallelism").key(key);
    let error = file.error(Code::ConflictingKeys, &place(other), format!("`{one}` and `{other}` exclude each other"));
    Some(error.also(&file.source, file.span(&place(one)), "the other").help(format!("leave one of `{one}` and `{other}` out")))
}

/// What is wrong with where a job runs: one pool or two different ones, and stages on the first only of two.
fn two_pools(job: &JobFile, index: usize, file: &Document<WorkloadFile>) -> Option<Diagnostic> {
    let first_stages = match &job.parallelism {
        ParallelismRef::Fixed(fixed) => fixed.first_pool_stages,
        ParallelismRef::Auto => None,
    };
    match job.pools.as_deref() {
        Some(_) if job.pool.is_some() => {
            let error = file.error(Code::ConflictingKeys, &at(index, "pools"), "`pool` and `pools` exclude each other");
            let error = error.also(&file.source, file.span(&at(index, "pool")), "the other");
            Some(error.help("leave one of `pool` and `pools` out"))
        }
        Some([first, second]) if first == second => {
            let message = format!("a pipeline over two pools needs two, and both are {}", quoted(first));
            let error = file.error(Code::DuplicateName, &at(index, "pools").index(1), message);
            let error = error.also(&file.source, file.span(&at(index, "pools").index(0)), "the first");
            Some(error.help("name another pool, or write `pool` for one"))
        }
        None if first_stages.is_some() => {
            let place = at(index, "parallelism").key("first-pool-stages");
            let error = file.error(Code::MissingKey, &place, "`first-pool-stages` needs a job with `pools`");
            Some(error.help("add `pools: [FIRST, SECOND]` to the job, or leave it out"))
        }
        _ => None,
    }
}
