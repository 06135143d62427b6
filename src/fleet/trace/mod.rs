//! Jobs that ran elsewhere, read from the logs of schedulers: CSV with a heading, or what Slurm's `sacct` prints.

mod csv;
mod date;
mod sacct;
mod sheet;

pub use csv::read_csv;
pub use sacct::read_sacct;

use std::ops::Range;
use std::sync::Arc;

use super::Job;
use crate::diagnostic::{Code, Diagnostic, Source, quoted};
use crate::plan::Refusal;
use crate::spec::Cluster;

/// Jobs of a log.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The jobs, in order of submission; the first is submitted at the start.
    pub jobs: Vec<Job>,
    /// Names of the queues that they were submitted to.
    pub queues: Vec<String>,
    /// Rows that are no job that held a GPU.
    pub left_out: usize,
    source: Arc<Source>,
    /// Where the GPUs of each job stand.
    places: Vec<Range<usize>>,
}

impl Trace {
    /// Reads a log, whichever it is.
    ///
    /// # Errors
    /// What is wrong with its columns and cells.
    pub fn read(source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        let Some(heading) = source.text().lines().find(|line| !line.trim().is_empty()) else {
            let error = Diagnostic::error(Code::Empty, format!("{} is empty", quoted(source.name())));
            return Err(vec![
                error.at(source, 0..0, "").help("write a heading such as `submit,duration,gpus`, then a row a job"),
            ]);
        };
        if heading.contains('|') { read_sacct(source) } else { read_csv(source) }
    }

    fn new(source: &Arc<Source>) -> Self {
        Self { jobs: Vec::new(), queues: Vec::new(), left_out: 0, source: Arc::clone(source), places: Vec::new() }
    }

    /// The jobs, on a cluster that has room for each of them.
    ///
    /// # Errors
    /// The job that is larger than the cluster by most.
    pub fn jobs_on(&self, cluster: &Cluster) -> Result<Vec<Job>, Refusal> {
        let widest = (0..).zip(&self.jobs).max_by_key(|(place, job)| (job.demand.least, std::cmp::Reverse(*place)));
        match widest.filter(|(_, job)| job.demand.least > cluster.gpus()) {
            None => Ok(self.jobs.clone()),
            Some((place, job)) => {
                let (gpus, have) = (job.demand.least, cluster.gpus());
                let message = format!("job {} held {gpus} GPUs, `{}` has {have}", quoted(&job.name), cluster.name);
                let error = Diagnostic::error(Code::GpuCount, message);
                let error = error.at(&self.source, self.places[place].clone(), "");
                let help = "take a larger cluster, or leave the row out; `--size` finds how many nodes it takes";
                Err(Refusal::No(Box::new(error.help(help))))
            }
        }
    }

    /// Nodes that the widest job held, of so many GPUs each.
    #[must_use]
    pub fn widest(&self, gpus_per_node: u32) -> u32 {
        self.jobs.iter().map(|job| job.demand.least.div_ceil(gpus_per_node)).max().unwrap_or(1)
    }

    /// Jobs by their arrival, the first at the start of time.
    fn in_order(mut self) -> Self {
        let start = self.jobs.iter().map(|job| job.arrival).min().unwrap_or_default();
        let mut order: Vec<usize> = (0..self.jobs.len()).collect();
        order.sort_by_key(|place| self.jobs[*place].arrival);
        let mut place = vec![0; self.jobs.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new as u32;
        }
        for job in &mut self.jobs {
            job.arrival = job.arrival.since(start);
            job.deadline = job.deadline.map(|deadline| deadline.since(start));
            job.after.iter_mut().for_each(|before| *before = place[*before as usize]);
        }
        self.jobs = order.iter().map(|old| std::mem::take(&mut self.jobs[*old])).collect();
        self.places = order.iter().map(|old| self.places[*old].clone()).collect();
        self
    }

    /// The place of a queue, added when it is new.
    fn queue(&mut self, name: &str) -> u32 {
        let place = self.queues.iter().position(|queue| queue == name).unwrap_or_else(|| {
            self.queues.push(name.to_owned());
            self.queues.len() - 1
        });
        place as u32
    }
}
