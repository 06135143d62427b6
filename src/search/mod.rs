//! The best layout of a job: enumerate what is legal, drop what does not fit, bound, and cost what remains by its task graph.
//!
//! The bound is one that no layout's step time can beat ([`Costs::lower_bound`](crate::step::Costs::lower_bound)), so nothing
//! better is missed among the layouts enumerated. Results do not depend on the number of threads.

mod enumerate;

pub use enumerate::{Space, microbatches};

use rayon::prelude::*;
use serde::Serialize;

use crate::parallel::Strategy;
use crate::step::{Costs, Setup};
use crate::units::{Bytes, Seconds};

/// Layouts costed in full before the rest is given up although its bounds are better than the worst kept: a bound on time.
const MOST_COSTED: usize = 512;

/// A layout that fits, fully costed.
#[derive(Debug, Clone)]
pub struct Found {
    /// The layout.
    pub strategy: Strategy,
    /// What it costs each stage.
    pub costs: Costs,
    /// Its step time.
    pub step_time: Seconds,
}

impl Found {
    /// Step time per sequence: what layouts of different batches are compared by.
    #[must_use]
    pub fn time_per_sequence(&self) -> f64 {
        self.step_time.get() / self.strategy.sequences() as f64
    }
}

/// What became of every layout enumerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Account {
    /// Enumerated.
    pub layouts: usize,
    /// Not legal for the model, the batch or the number of accelerators.
    pub illegal: usize,
    /// Legal, but more than an accelerator's memory.
    pub out_of_memory: usize,
    /// Fit, but cannot beat what was found.
    pub bounded: usize,
    /// Costed in full.
    pub costed: usize,
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The best layouts, best first.
    pub best: Vec<Found>,
    /// What became of every layout.
    pub account: Account,
    /// Of the layouts that do not fit, the one that needs least memory.
    pub nearest: Option<(Strategy, Bytes)>,
}

/// Searches `space` for the `top` best layouts of a job.
#[must_use]
pub fn search(setup: &Setup<'_>, space: &Space, top: usize) -> Search {
    let gpus = setup.pool.gpus();
    let families = space.families(&setup.model, setup.computation.sequence, gpus, setup.pool.domain());
    let capacity = setup.pool.accelerator.memory;
    // One family shares its groups, which are the costly question to the topology.
    let examined: Vec<Vec<Verdict>> = families
        .par_iter()
        .map(|family| {
            let mut groups = None;
            family
                .iter()
                .map(|strategy| {
                    if !setup.violations(strategy).is_empty() {
                        return Verdict::Illegal;
                    }
                    let costs = setup.costs_with(strategy, groups.get_or_insert_with(|| setup.groups(strategy)));
                    let memory = costs.peak_memory();
                    if memory > capacity {
                        Verdict::TooLarge(*strategy, memory)
                    } else {
                        Verdict::Fits(*strategy, Box::new(costs))
                    }
                })
                .collect()
        })
        .collect();

    let mut search = Search::default();
    let mut fitting: Vec<(f64, Strategy, Costs)> = Vec::new();
    for verdict in examined.into_iter().flatten() {
        search.account.layouts += 1;
        match verdict {
            Verdict::Illegal => search.account.illegal += 1,
            Verdict::TooLarge(strategy, memory) => {
                search.account.out_of_memory += 1;
                if search.nearest.is_none_or(|(_, least)| memory < least) {
                    search.nearest = Some((strategy, memory));
                }
            }
            Verdict::Fits(strategy, costs) => {
                fitting.push((costs.lower_bound.get() / strategy.sequences() as f64, strategy, *costs));
            }
        }
    }
    fitting.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    let fits = fitting.len();
    for (bound, strategy, costs) in fitting {
        let worst = search.best.last().filter(|_| search.best.len() >= top).map(Found::time_per_sequence);
        if worst.is_some_and(|worst| bound >= worst) || search.account.costed >= MOST_COSTED {
            break;
        }
        search.account.costed += 1;
        let Ok(step_time) = setup.step_time(&costs) else { continue };
        search.best.push(Found { strategy, costs, step_time });
        search
            .best
            .sort_by(|a, b| a.time_per_sequence().total_cmp(&b.time_per_sequence()).then_with(|| a.strategy.cmp(&b.strategy)));
        search.best.truncate(top);
    }
    search.account.bounded = fits - search.account.costed;
    search
}

enum Verdict {
    Illegal,
    TooLarge(Strategy, Bytes),
    Fits(Strategy, Box<Costs>),
}
