//! Nodes to keep beside a job's, so that it has all it needs for most of the time.
//!
//! A node that fails every `1/r` and is away for `t` is down for a share `u = r t / (1 + r t)` of the time, whatever the
//! distribution of outages is: the lognormal with which outages are often fitted has a mean far above the one that is measured.
//! Nodes down at once are not independent: firmware, cooling, cables and bad weeks hit many. Of nodes that are alike and go
//! together in pairs with a correlation `c`, the number down is beta-binomial: the share that is down has itself a beta
//! distribution, with `a + b = 1/c - 1`. With `c = 0` that is the binomial, and for many nodes the Poisson distribution.
//!
//! The default `c` is from the variance of nodes down at once in `InfiniteHBD-Trace` (400 nodes, 349 days): 53.6 around a mean of
//! 9.26, which independent nodes would have 9.0 of.

use serde::Serialize;

use super::failures::mean_rate;
use crate::catalog::Sourced;
use crate::spec::Reliability;
use crate::units::{FailureRate, Nodes, Seconds};

/// Nodes to keep beside a job's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spares {
    /// How many.
    pub nodes: u64,
    /// Share of the time in which they suffice.
    pub full_strength: Sourced<f64>,
    /// Mean time for which a failed node is away.
    #[serde(rename = "repair_s")]
    pub repair: Sourced<Seconds>,
    /// Correlation between the outages of two nodes.
    pub correlation: Sourced<f64>,
    /// Share of the time in which a node that fails at the mean rate is down.
    pub unavailability: f64,
}

impl Spares {
    /// For a job on so many nodes of so many accelerators each, pool by pool. A node of one pool stands in for none of another: each
    /// has spares of its own, which suffice together for the share that is asked where the pools fail independently, and for longer
    /// where they do not.
    #[must_use]
    pub fn new(reliability: &Reliability, pools: &[(u32, Nodes)]) -> Self {
        let away = |rate| unavailability(rate, reliability.repair.value);
        let each = reliability.full_strength.value.powf(1.0 / pools.len().max(1) as f64);
        let own = |(gpus, nodes): &(u32, Nodes)| {
            let unavailability = away(reliability.node_rate(*gpus).value);
            NodesDown { nodes: *nodes, unavailability, correlation: reliability.correlation.value }.quantile(each)
        };
        Self {
            nodes: pools.iter().map(own).sum(),
            full_strength: reliability.full_strength.clone(),
            repair: reliability.repair.clone(),
            correlation: reliability.correlation.clone(),
            unavailability: away(mean_rate(reliability, pools).value),
        }
    }
}

/// Share of the time in which a node is down that works for `1/rate` and is away for `repair`, in turns.
#[must_use]
pub fn unavailability(rate: FailureRate, repair: Seconds) -> f64 {
    let away = rate.get() * repair.get();
    away / (1.0 + away)
}

/// How many of some nodes are down at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodesDown {
    /// Nodes.
    pub nodes: Nodes,
    /// Share of the time in which one is down.
    pub unavailability: f64,
    /// Correlation between two of them: 0 when independent.
    pub correlation: f64,
}

impl NodesDown {
    /// The fewest that no more are down than, for a share `of` of the time.
    #[must_use]
    pub fn quantile(&self, of: f64) -> u64 {
        let (n, u) = (self.nodes.get(), self.unavailability);
        if u <= 0.0 {
            return 0;
        }
        if u >= 1.0 {
            return n as u64;
        }
        // Probabilities follow from one another; the first is too small for a number where nodes are many, its logarithm is not.
        let mut log = self.log_none_down();
        let (mut down, mut sum) = (0.0, log.exp());
        while sum < of && down < n {
            log += self.odds(down).ln();
            down += 1.0;
            sum += log.exp();
        }
        down as u64
    }

    /// Probability of one more down, over that of `down`.
    fn odds(&self, down: f64) -> f64 {
        let (n, u) = (self.nodes.get(), self.unavailability);
        let pairs = (n - down) / (down + 1.0);
        if self.correlation <= 0.0 {
            return pairs * u / (1.0 - u);
        }
        let (a, b) = self.shape();
        pairs * (a + down) / (b + n - down - 1.0)
    }

    /// Logarithm of the probability that none is down.
    fn log_none_down(&self) -> f64 {
        let n = self.nodes.get();
        if self.correlation <= 0.0 {
            return n * (-self.unavailability).ln_1p();
        }
        let (a, b) = self.shape();
        (0..n as u64).map(|i| -(a / (b + i as f64)).ln_1p()).sum()
    }

    /// The two numbers of the beta distribution.
    fn shape(&self) -> (f64, f64) {
        let sum = 1.0 / self.correlation - 1.0;
        (self.unavailability * sum, (1.0 - self.unavailability) * sum)
    }
}
