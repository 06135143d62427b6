//! What a portfolio file means: every name looked up, no job waiting for itself.

use std::sync::Arc;

use super::dependencies::{self, Waits};
use super::portfolio_file::{PortfolioFile, PortfolioJobFile};
use super::{Workload, names};
use crate::catalog::Catalog;
use crate::diagnostic::{Batch, Code, Diagnostic, Source, nearest, quoted};
use crate::units::{Nodes, Seconds, Tokens};
use crate::yaml::{self, Document, Path};

/// A portfolio, ready to be put on a cluster.
#[derive(Debug)]
pub struct Portfolio {
    /// Kinds of training runs.
    pub training: Workload,
    /// Queues with their weights.
    pub queues: Vec<(String, f64)>,
    /// The jobs, in the order of the file.
    pub jobs: Vec<PortfolioJob>,
    /// Nodes of each pool kept ready for those that fail.
    pub spares: u32,
    file: Document<PortfolioFile>,
}

/// A job of a portfolio.
#[derive(Debug, Clone, PartialEq)]
pub struct PortfolioJob {
    /// Jobs that have to be done before, by their place.
    pub after: Vec<usize>,
    /// Its queue, by its place.
    pub queue: usize,
    /// What it does.
    pub work: PortfolioWork,
    /// The GPUs that it asks for.
    pub size: Size,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PortfolioWork {
    /// Something that takes so long on the most GPUs that it asks for.
    Given(Seconds),
    /// Training of a kind, by its place, on so much data.
    Training(usize, Tokens),
}

/// The GPUs that a job asks for: fewest and most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// In GPUs.
    Gpus(u32, u32),
    /// In whole nodes.
    Nodes(u32, u32),
}

impl Portfolio {
    /// Reads a portfolio file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(source: Arc<Source>, catalog: &Catalog) -> Result<Self, Vec<Diagnostic>> {
        let file = yaml::load::<PortfolioFile>(source)?;
        let (training, mut errors) =
            Workload::of_list(file.value.training.clone(), "training", (&file.source, &file.tree), catalog);
        let mut reader = Reader { file: &file, errors: Vec::new(), queues: Vec::new() };
        reader.queues();
        let waits: Vec<Waits<'_>> = file.value.jobs.iter().map(|job| (job.name.as_str(), job.after.as_slice())).collect();
        let after = dependencies::resolve(&file, &waits, &mut reader.errors);
        let jobs: Vec<PortfolioJob> = after.into_iter().enumerate().filter_map(|(i, after)| reader.job(i, after)).collect();
        reader.windows();
        let Reader { errors: found, queues, .. } = reader;
        errors.extend(found);
        if !errors.is_empty() {
            return Err(Batch::from_iter(errors).into_vec());
        }
        let spares = file.value.spares.map_or(0, |nodes| nodes.get() as u32);
        Ok(Self { training, queues, jobs, spares, file })
    }

    /// The file as it stands.
    #[must_use]
    pub fn file(&self) -> &PortfolioFile {
        &self.file.value
    }

    /// A job as it stands in the file.
    #[must_use]
    pub fn job(&self, job: usize) -> &PortfolioJobFile {
        &self.file.value.jobs[job]
    }

    /// Nodes that the widest job asks for at the least, of so many GPUs each, and the spares beside them.
    #[must_use]
    pub fn widest(&self, gpus_per_node: u32) -> u32 {
        let nodes = self.jobs.iter().map(|job| match job.size {
            Size::Gpus(least, _) => least.div_ceil(gpus_per_node),
            Size::Nodes(least, _) => least,
        });
        nodes.max().unwrap_or(1).saturating_add(self.spares)
    }

    /// An error at a key of an item of one of the file's lists.
    #[must_use]
    pub fn error(&self, (list, index): (&str, usize), key: &str, code: Code, message: impl Into<String>) -> Diagnostic {
        self.file.error(code, &Path::root().key(list).index(index).key(key), message)
    }

    /// An error at the number of spares.
    #[must_use]
    pub fn spares_error(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        self.file.error(code, &Path::root().key("spares"), message)
    }

    /// Says beside an error elsewhere which key of a job led there.
    #[must_use]
    pub fn also(&self, job: usize, key: &str, error: Diagnostic) -> Diagnostic {
        error.also(&self.file.source, self.file.span(&Path::root().key("jobs").index(job).key(key)), "for this job")
    }
}

struct Reader<'a> {
    file: &'a Document<PortfolioFile>,
    errors: Vec<Diagnostic>,
    queues: Vec<(String, f64)>,
}

impl Reader<'_> {
    fn error(&mut self, place: (&str, usize, &str), code: Code, message: String, help: impl Into<String>) {
        let (list, index, key) = place;
        let path = Path::root().key(list).index(index).key(key);
        self.errors.push(self.file.error(code, &path, message).help(help));
    }

    fn queues(&mut self) {
        for (i, queue) in self.file.value.queues.iter().enumerate() {
            let path = Path::root().key("queues").index(i).key("name");
            self.errors.extend(names::check(self.file, &path, &queue.name));
            if self.queues.iter().any(|(name, _)| *name == queue.name) {
                let message = format!("two queues are called {}", quoted(&queue.name));
                self.error(("queues", i, "name"), Code::DuplicateName, message, "give each queue its own name");
            }
            self.queues.push((queue.name.clone(), queue.weight));
        }
    }

    fn job(&mut self, index: usize, after: Vec<usize>) -> Option<PortfolioJob> {
        let file = self.file;
        let job = &file.value.jobs[index];
        let path = Path::root().key("jobs").index(index).key("name");
        self.errors.extend(names::check(file, &path, &job.name));
        let queue = self.queue(index, job);
        let (work, size) = (self.work(index, job), self.size(index, job));
        if job.checkpoint_interval == Some(Seconds::ZERO) {
            let message = "`checkpoint-interval` is zero: the job would get nowhere".to_owned();
            self.error(("jobs", index, "checkpoint-interval"), Code::OutOfRange, message, "leave it out if it is not known");
        }
        Some(PortfolioJob { after, queue: queue?, work: work?, size: size? })
    }

    /// The place of a job's queue. Where the file lists queues, it has to be one of them.
    fn queue(&mut self, index: usize, job: &PortfolioJobFile) -> Option<usize> {
        let name = job.queue.as_deref().unwrap_or("default");
        if let Some(place) = self.queues.iter().position(|(queue, _)| queue == name) {
            return Some(place);
        }
        if let Some(given) = job.queue.as_deref().filter(|_| !self.file.value.queues.is_empty()) {
            let listed = self.queues.iter().map(|(queue, _)| queue.as_str());
            let help = match nearest(given, listed.clone()) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None => format!("queues of this file: {}", names::list(listed)),
            };
            self.error(("jobs", index, "queue"), Code::UnknownJob, format!("no queue is called {}", quoted(given)), help);
            return None;
        }
        self.queues.push((name.to_owned(), 1.0));
        Some(self.queues.len() - 1)
    }

    fn work(&mut self, index: usize, job: &PortfolioJobFile) -> Option<PortfolioWork> {
        let place = |key| ("jobs", index, key);
        let name = match (&job.train, job.duration) {
            (Some(_), Some(_)) => {
                let message = "`train` and `duration` exclude each other".to_owned();
                self.error(place("duration"), Code::ConflictingKeys, message, "leave one of `train` and `duration` out");
                return None;
            }
            (None, None) => {
                let message = format!("job {} says neither `train` nor `duration`", quoted(&job.name));
                self.error(
                    place("name"),
                    Code::MissingKey,
                    message,
                    "add `duration: 3 days`, or `train:` with a name of `training`",
                );
                return None;
            }
            (None, Some(time)) => return Some(PortfolioWork::Given(time)),
            (Some(name), None) => name,
        };
        let kinds = &self.file.value.training;
        let Some(kind) = kinds.iter().position(|kind| kind.name == *name) else {
            let listed = || kinds.iter().map(|kind| kind.name.as_str());
            let help = match nearest(name, listed()) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None if kinds.is_empty() => "add it to `training:`, with the keys of a workload's job".to_owned(),
                None => format!("`training:` has {}", names::list(listed())),
            };
            self.error(place("train"), Code::UnknownJob, format!("no training run is called {}", quoted(name)), help);
            return None;
        };
        let Some(tokens) = job.tokens.or(kinds[kind].tokens) else {
            let message = format!("job {} does not say how much it trains", quoted(&job.name));
            self.error(place("train"), Code::MissingKey, message, "add `tokens: 2T tokens` to it or to the training run");
            return None;
        };
        Some(PortfolioWork::Training(kind, tokens))
    }

    fn size(&mut self, index: usize, job: &PortfolioJobFile) -> Option<Size> {
        let count = |nodes: Nodes| nodes.get() as u32;
        let (most_key, size) = match (job.gpus, job.nodes) {
            (Some(gpus), None) if job.max_nodes.is_none() => ("max-gpus", Size::Gpus(gpus, job.max_gpus.unwrap_or(gpus))),
            (None, Some(nodes)) if job.max_gpus.is_none() => {
                ("max-nodes", Size::Nodes(count(nodes), count(job.max_nodes.unwrap_or(nodes))))
            }
            (None, None) => {
                let message = format!("job {} does not say what it runs on", quoted(&job.name));
                self.error(("jobs", index, "name"), Code::MissingKey, message, "add `gpus: 64` or `nodes: 8 nodes`");
                return None;
            }
            _ => {
                let message = "GPUs are counted in `gpus` or in `nodes`, not in both".to_owned();
                let key = if job.gpus.is_some() && job.nodes.is_some() { "nodes" } else { "name" };
                self.error(("jobs", index, key), Code::ConflictingKeys, message, "leave one of them out");
                return None;
            }
        };
        let (Size::Gpus(least, most) | Size::Nodes(least, most)) = size;
        if most == 0 {
            let message = format!("job {} runs on nothing", quoted(&job.name));
            self.error(("jobs", index, "nodes"), Code::OutOfRange, message, "write `1 node` or more");
            return None;
        }
        if least > most || least == 0 {
            let message = format!("the most, {most}, is less than the fewest, {least}");
            self.error(("jobs", index, most_key), Code::OutOfRange, message, format!("write {least} or more"));
            return None;
        }
        Some(size)
    }

    /// Maintenance, reservations and caps take some time, and reservations are for jobs that are there.
    fn windows(&mut self) {
        let file = self.file;
        let maintenance = file.value.maintenance.iter().map(|window| window.lasts).enumerate();
        let caps = file.value.power_caps.iter().map(|cap| cap.lasts).enumerate();
        let reservations = file.value.reservations.iter().map(|window| window.lasts).enumerate();
        let all = maintenance.map(|item| ("maintenance", item));
        let all = all.chain(reservations.map(|item| ("reservations", item))).chain(caps.map(|item| ("power-caps", item)));
        for (list, (i, _)) in all.filter(|(_, (_, lasts))| *lasts == Seconds::ZERO) {
            self.error((list, i, "lasts"), Code::OutOfRange, "it takes no time".to_owned(), "write how long it takes");
        }
        for (i, reservation) in file.value.reservations.iter().enumerate() {
            for (k, name) in reservation.jobs.iter().enumerate() {
                let names = || file.value.jobs.iter().map(|job| job.name.as_str());
                if names().any(|other| other == name) {
                    continue;
                }
                let path = Path::root().key("reservations").index(i).key("jobs").index(k);
                let error = file.error(Code::UnknownJob, &path, format!("no job is called {}", quoted(name)));
                self.errors.push(match nearest(name, names()) {
                    Some(near) => error.help(format!("did you mean {}?", quoted(near))),
                    None => error.help(format!("jobs of this file: {}", names::list(names()))),
                });
            }
        }
    }
}
