//! Jobs that wait, in the order in which they are served.
//!
//! The order is fixed before the start, a rank a job, so the first of the queue is the top of a heap. A policy that lets jobs pass
//! one that does not fit asks more: the next job in order whose GPUs are there and whose time is short enough. Jobs that ask for the
//! same are a class, and each class keeps a tree of the shortest time below each node; the question costs a walk down one tree a
//! class, not a walk along the queue. A queue of twelve thousand jobs is answered in well under a microsecond.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{Demand, Job, Moment};

/// The queue.
#[derive(Debug)]
pub struct Waiting {
    /// Place of every job in the order.
    rank: Vec<u32>,
    /// The job at every place.
    job_at: Vec<u32>,
    heap: BinaryHeap<Reverse<u32>>,
    is_in: Vec<bool>,
    count: usize,
    classes: Option<Classes>,
}

impl Waiting {
    /// An empty queue of jobs that are served in this order; `estimates` are needed where jobs may pass others.
    #[must_use]
    pub fn new(jobs: &[Job], order: Vec<u32>, estimates: Option<&[Moment]>) -> Self {
        let mut rank = vec![0; jobs.len()];
        for (place, job) in (0..).zip(&order) {
            rank[*job as usize] = place;
        }
        let classes = estimates.map(|estimates| Classes::new(jobs, &order, estimates));
        Self { rank, job_at: order, heap: BinaryHeap::new(), is_in: vec![false; jobs.len()], count: 0, classes }
    }

    /// Adds a job.
    pub fn insert(&mut self, job: u32) {
        if std::mem::replace(&mut self.is_in[job as usize], true) {
            return;
        }
        self.count += 1;
        self.heap.push(Reverse(self.rank[job as usize]));
        if let Some(classes) = &mut self.classes {
            classes.set(job, true);
        }
    }

    /// Changes how long a job that does not wait at the moment is believed to run.
    pub fn set_estimate(&mut self, job: u32, estimate: Moment) {
        if let Some(classes) = &mut self.classes {
            let (class, place) = classes.place[job as usize];
            classes.classes[class as usize].estimates[place as usize] = estimate;
        }
    }

    /// Takes a job out.
    pub fn remove(&mut self, job: u32) {
        if !std::mem::replace(&mut self.is_in[job as usize], false) {
            return;
        }
        self.count -= 1;
        if let Some(classes) = &mut self.classes {
            classes.set(job, false);
        }
        // Ranks of jobs that were taken out from behind the first are dropped when they come up.
        while let Some(Reverse(rank)) = self.heap.peek() {
            if self.is_in[self.job_at[*rank as usize] as usize] {
                break;
            }
            self.heap.pop();
        }
    }

    /// The first job.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.heap.peek().map(|Reverse(rank)| self.job_at[*rank as usize])
    }

    /// The next job behind `after` among those whose demand is admitted and that run for no longer than what it is admitted for.
    pub fn next(&self, after: Option<u32>, admit: impl Fn(&Demand) -> Option<Moment>) -> Option<u32> {
        let after = after.map(|job| self.rank[job as usize]);
        self.classes.as_ref()?.next(&self.rank, after, admit)
    }

    /// All jobs in order.
    #[must_use]
    pub fn in_order(&self) -> Vec<u32> {
        let mut ranks: Vec<u32> =
            self.heap.iter().map(|Reverse(rank)| *rank).filter(|r| self.is_in[self.job_at[*r as usize] as usize]).collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks.into_iter().map(|rank| self.job_at[rank as usize]).collect()
    }

    /// Place of a job in the order.
    #[must_use]
    pub fn rank(&self, job: u32) -> u32 {
        self.rank[job as usize]
    }

    /// Whether a job waits.
    #[must_use]
    pub fn contains(&self, job: u32) -> bool {
        self.is_in[job as usize]
    }

    /// How many jobs wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Jobs by what they ask for.
#[derive(Debug)]
struct Classes {
    classes: Vec<Class>,
    /// Class of every job, and its place in it.
    place: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Class {
    demand: Demand,
    /// Its jobs in order.
    jobs: Vec<u32>,
    estimates: Vec<Moment>,
    /// Waiting jobs; none of them, and the tree need not be asked.
    waiting: u32,
    /// A complete binary tree in an array: the shortest estimate of the waiting jobs below each node, leaves last.
    shortest: Vec<Moment>,
}

impl Classes {
    fn new(jobs: &[Job], order: &[u32], estimates: &[Moment]) -> Self {
        let mut by_demand: BTreeMap<&Demand, u32> = BTreeMap::new();
        let mut classes: Vec<Class> = Vec::new();
        let mut place = vec![(0, 0); jobs.len()];
        for job in order.iter().copied() {
            let demand = &jobs[job as usize].demand;
            let number = *by_demand.entry(demand).or_insert_with(|| {
                let demand = demand.clone();
                classes.push(Class { demand, jobs: Vec::new(), estimates: Vec::new(), waiting: 0, shortest: Vec::new() });
                classes.len() as u32 - 1
            });
            let class = &mut classes[number as usize];
            place[job as usize] = (number, class.jobs.len() as u32);
            class.jobs.push(job);
            class.estimates.push(estimates[job as usize]);
        }
        for class in &mut classes {
            class.shortest = vec![Moment::NEVER; 2 * class.jobs.len().next_power_of_two()];
        }
        Self { classes, place }
    }

    fn set(&mut self, job: u32, waits: bool) {
        let (class, place) = self.place[job as usize];
        let class = &mut self.classes[class as usize];
        class.waiting = if waits { class.waiting + 1 } else { class.waiting - 1 };
        let mut node = class.shortest.len() / 2 + place as usize;
        class.shortest[node] = if waits { class.estimates[place as usize] } else { Moment::NEVER };
        while node > 1 {
            let shorter = class.shortest[node].min(class.shortest[node ^ 1]);
            node /= 2;
            if class.shortest[node] == shorter {
                break;
            }
            class.shortest[node] = shorter;
        }
    }

    fn next(&self, rank: &[u32], after: Option<u32>, admit: impl Fn(&Demand) -> Option<Moment>) -> Option<u32> {
        let mut best: Option<(u32, u32)> = None;
        for class in self.classes.iter().filter(|class| class.waiting > 0) {
            let Some(most) = admit(&class.demand) else { continue };
            let from = after.map_or(0, |after| class.jobs.partition_point(|job| rank[*job as usize] <= after));
            let Some(place) = class.first_from(from, most.min(Moment::from_millis(u64::MAX - 1))) else { continue };
            let job = class.jobs[place];
            let candidate = (rank[job as usize], job);
            if best.is_none_or(|best| candidate < best) {
                best = Some(candidate);
            }
        }
        best.map(|(_, job)| job)
    }
}

impl Class {
    /// The first waiting job at `from` or behind it with an estimate of at most `most`.
    fn first_from(&self, from: usize, most: Moment) -> Option<usize> {
        let leaves = self.shortest.len() / 2;
        if from >= self.jobs.len() {
            return None;
        }
        // Up and to the right until something short enough is below, then down to its first leaf.
        let mut node = leaves + from;
        while self.shortest[node] > most {
            while node % 2 == 1 {
                if node == 1 {
                    return None;
                }
                node /= 2;
            }
            node += 1;
        }
        while node < leaves {
            node = if self.shortest[2 * node] <= most { 2 * node } else { 2 * node + 1 };
        }
        Some(node - leaves)
    }
}
