//! How nodes fail.
//!
//! Failures that come without memory, each on any node, are what is often assumed and what traces contradict. In `InfiniteHBD-Trace`
//! (400 nodes, 349 days, 584 faults; stepfun-ai/InfiniteHBD-Trace at 7aacdc8c, Apache-2.0) the times between faults vary 1.75 times as much
//! as those of independent failures, a tenth of the nodes has 41 % of the faults, and for a hundredth of the time 31 nodes or more were down,
//! where independent outages of the same mean leave 16. Three things make up for that:
//!
//! * **Causes are common.** A cause takes down one node or several at once, and they come back together: next to each other, as what nodes
//!   share is a rack, a feed or a leaf switch. (Where nodes stand is assumed; the trace does not say.)
//! * **Some nodes are worse.** A node's rate is the fleet's times a number of a gamma distribution with mean 1.
//! * **Some months are worse, and some days.** The fleet's rate of 30 days, and of each day in them, is multiplied by a number of a gamma
//!   distribution with mean 1.
//!
//! Each is fitted by itself, by moments or as counted, to the trace's rows in `tests/data/node_faults.csv`; `tests/fleet/fit.rs` does it again
//! and then holds what the fit was not made for against the trace: nodes down at once, the gaps between faults, the nodes that are hit.

use super::draw::gamma;
use super::{Fault, Outages};
use crate::fleet::Moment;

/// The process.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Failures of a node in a second, by node.
    pub rates: Vec<f64>,
    /// Mean outage, in seconds; at zero a node is back at once.
    pub outage: f64,
    /// How failures go together.
    pub clustering: Option<Clustering>,
}

/// How failures go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clustering {
    /// Nodes that a cause takes down, and how many causes did so.
    pub together: &'static [(u32, u32)],
    /// Shape of the gamma distribution of nodes: the smaller, the worse the worst.
    pub nodes: f64,
    /// Shape of the gamma distribution of months.
    pub months: f64,
    /// Shape of the gamma distribution of days.
    pub days: f64,
}

/// A day, in seconds.
const DAY: f64 = 86_400.0;
/// A month, in seconds.
const MONTH: f64 = 30.0 * DAY;
/// Nodes that are looked at for one that is not down.
const TRIES: usize = 20;

impl Clustering {
    /// Fitted to `InfiniteHBD-Trace`.
    ///
    /// * Nodes that went down within an hour of one another and came back within five minutes of one another have one cause: 497 causes of
    ///   the 582 times that a node was down. Their sizes are taken as they were counted.
    /// * Shape of nodes: the square of the causes a node, over what the variance of the faults of 400 nodes has beyond their mean.
    /// * Shape of months: the square of the causes in 30 days, over what the variance of 11 such times has beyond their mean. Shape of days:
    ///   the same of 348 days, less what the months explain.
    pub const MEASURED: Self = Self {
        together: &[(1, 457), (2, 28), (3, 7), (4, 1), (5, 1), (7, 1), (13, 1), (19, 1)],
        nodes: 0.68,
        months: 3.9,
        days: 3.7,
    };

    /// Nodes that a cause takes down in the mean, of so many.
    fn mean(&self, nodes: usize) -> f64 {
        let sum: f64 = self.together.iter().map(|(size, causes)| (*size as usize).min(nodes) as f64 * f64::from(*causes)).sum();
        sum / f64::from(self.causes())
    }

    fn causes(&self) -> u32 {
        self.together.iter().map(|(_, causes)| causes).sum()
    }

    /// Nodes that a cause takes down.
    fn draw(&self, random: &mut fastrand::Rng) -> u32 {
        let mut left = random.u32(0..self.causes());
        let hit = self.together.iter().find(|(_, causes)| {
            let found = left < *causes;
            left = left.saturating_sub(*causes);
            found
        });
        hit.map_or(1, |(size, _)| *size)
    }
}

impl Process {
    /// Nodes that each fail without memory, back after `outage` seconds in the mean.
    #[must_use]
    pub fn independent(rates: Vec<f64>, outage: f64) -> Self {
        Self { rates, outage, clustering: None }
    }

    /// Nodes that fail as they do in data.
    #[must_use]
    pub fn clustered(rates: Vec<f64>, outage: f64) -> Self {
        Self { rates, outage, clustering: Some(Clustering::MEASURED) }
    }

    /// Failures in order of time, without end. The same seed gives the same.
    #[must_use]
    pub fn faults(&self, seed: u64) -> Faults {
        Faults::new(self, seed)
    }
}

/// Failures in order of time.
#[derive(Debug, Clone)]
pub struct Faults {
    random: fastrand::Rng,
    /// Sums of the nodes' rates.
    sums: Vec<f64>,
    clustering: Option<Clustering>,
    outages: Outages,
    /// Causes in a second, in a month as any other.
    causes: f64,
    now: f64,
    /// How much worse this month is, and when it ends.
    month: (f64, f64),
    /// How much worse this day is, and when it ends.
    day: (f64, f64),
    /// When each node is back from its last failure.
    back: Vec<Moment>,
    /// Failures of the last cause that are not told yet, the last one first.
    drawn: Vec<Fault>,
}

impl Faults {
    fn new(process: &Process, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut sums = Vec::with_capacity(process.rates.len());
        let mut sum = 0.0;
        for rate in &process.rates {
            sum += rate * process.clustering.map_or(1.0, |clustering| gamma(&mut random, clustering.nodes));
            sums.push(sum);
        }
        // The nodes of this fleet are as good in the sum as the fleet's rate says.
        let wanted: f64 = process.rates.iter().sum();
        Self {
            random,
            back: vec![Moment::ZERO; sums.len()],
            clustering: process.clustering,
            outages: Outages::of_mean(process.outage),
            causes: wanted / process.clustering.map_or(1.0, |clustering| clustering.mean(sums.len())),
            sums,
            now: 0.0,
            month: (1.0, 0.0),
            day: (1.0, 0.0),
            drawn: Vec::new(),
        }
    }

    /// The instant of the next cause: exponential in a time that runs faster in worse months and on worse days.
    fn cause(&mut self) -> Option<f64> {
        if self.causes <= 0.0 {
            return None;
        }
        let mut left = -(1.0 - self.random.f64()).ln();
        let Some(clustering) = self.clustering else {
            self.now += left / self.causes;
            return Some(self.now);
        };
        loop {
            let rate = self.causes * self.month.0 * self.day.0;
            // Months end with days.
            let end = self.day.1;
            let within = rate * (end - self.now);
            if left < within {
                self.now += left / rate;
                return Some(self.now);
            }
            left -= within;
            self.now = end;
            self.day = (gamma(&mut self.random, clustering.days), end + DAY);
            if end >= self.month.1 {
                self.month = (gamma(&mut self.random, clustering.months), end + MONTH);
            }
        }
    }

    /// A node, each as likely as its rate. One that is down does not fail: another one does, and the fleet fails as often as it should.
    fn pick(&mut self, at: Moment) -> Option<usize> {
        let total = *self.sums.last()?;
        let mut node = 0;
        for _ in 0..TRIES {
            let point = self.random.f64() * total;
            node = self.sums.partition_point(|sum| *sum <= point).min(self.sums.len() - 1);
            if self.back[node] <= at {
                break;
            }
        }
        Some(node)
    }

    /// The next cause: its nodes go down at once and are back together.
    fn draw(&mut self) -> Option<()> {
        let at = Moment::from_millis((self.cause()? * 1000.0).round() as u64);
        let first = self.pick(at)?;
        let size = self.clustering.map_or(1, |clustering| clustering.draw(&mut self.random));
        let outage = self.outages.draw(&mut self.random);
        let nodes = self.sums.len();
        let beside = (1..nodes).map(|step| (first + step) % nodes).filter(|node| self.back[*node] <= at);
        let hit: Vec<usize> = std::iter::once(first).chain(beside.take(size as usize - 1)).collect();
        for node in hit {
            self.back[node] = self.back[node].max(at + outage);
            self.drawn.push(Fault { at, node: node as u32, outage });
        }
        self.drawn.sort_by_key(|fault| std::cmp::Reverse(fault.node));
        Some(())
    }
}

impl Iterator for Faults {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        if self.drawn.is_empty() {
            self.draw()?;
        }
        self.drawn.pop()
    }
}
