//! The best layout of a job, and the proof that none is better: enumerate families of layouts, bound, open those that could hold
//! something better, and cost what remains by its schedule.
//!
//! Three bounds prune, each one that no step time can beat: of a family, from the kernels of a microbatch; of a pipeline within
//! it, with everything divided and hidden that can be; of a single layout ([`Outline::lower_bound`](crate::step::Outline)).
//! Families are taken by their bound in rounds of a fixed size, and what is found in a round is used from the next one on: the
//! answer and the account are the same for any number of threads. This room knows steps; it does not know money or runs.

mod cost;
mod family;
mod open;
mod second_pool;
mod space;
mod wanted;

pub use open::{Dealt, Open};
pub use second_pool::SecondPool;
pub use space::{Family, Space, microbatches};
pub use wanted::{Beside, Calendar, Deadline, Objective, Wanted};

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::parallel::Strategy;
use crate::step::{Communicators, Costs, Setup, ShardKernels, Sides};
use crate::units::{Bytes, Seconds};
use cost::Layout;
use family::{Desk, Examined, Opener};

/// Families that a round opens at most; the first rounds are smaller, so that bounds prune from early on.
const MOST_OPENED: usize = 128;

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

/// What became of every layout of the space; the kinds add up to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Account {
    /// In the space.
    pub layouts: u64,
    /// Not legal for the model, the batch or the number of accelerators.
    pub illegal: u64,
    /// Legal, but more than an accelerator's memory.
    pub out_of_memory: u64,
    /// Cannot beat what was found, whether or not they fit.
    pub bounded: u64,
    /// Fit, but are not as the constraints ask.
    pub unwanted: u64,
    /// Costed in full.
    pub costed: u64,
    /// Not looked at when the time was over.
    pub unexplored: u64,
}

impl Account {
    fn add(&mut self, other: &Self) {
        self.layouts += other.layouts;
        self.illegal += other.illegal;
        self.out_of_memory += other.out_of_memory;
        self.bounded += other.bounded;
        self.unwanted += other.unwanted;
        self.costed += other.costed;
        self.unexplored += other.unexplored;
    }
}

/// What a search found.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The best layouts, best first: the best of each combination of tensor, context, pipeline, expert and data parallelism.
    pub best: Vec<Found>,
    /// What became of every layout.
    pub account: Account,
    /// Of the layouts that do not fit, the one that needs least memory.
    pub nearest: Option<(Strategy, Bytes)>,
    /// How much better than the best found a layout might still be, as a share of it; nothing once it is proved the best.
    pub gap: Option<f64>,
}

/// How far a search is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Layouts that are accounted for.
    pub done: u64,
    /// Layouts of the space.
    pub all: u64,
}

/// What layouts of equal kernels share: tensor, context, expert and expert-tensor degrees, sequence parallelism, microbatch.
type KernelKey = (u32, bool, u32, u32, u32, u32);

/// Kernels by what they depend on, on each pool.
type Kernels = BTreeMap<KernelKey, Sides<ShardKernels>>;

fn key(degrees: &Strategy, microbatch: u32) -> KernelKey {
    (degrees.tp, degrees.sp, degrees.cp, degrees.ep, degrees.etp, microbatch)
}

/// Searches `space` for what is wanted of a job's layouts.
#[must_use]
pub fn search(setup: &Setup<'_>, space: &Space, wanted: &Wanted) -> Search {
    search_watched(setup, space, wanted, &|_| {})
}

/// The same, telling `watch` between rounds how far it is.
#[must_use]
pub fn search_watched(setup: &Setup<'_>, space: &Space, wanted: &Wanted, watch: &dyn Fn(Progress)) -> Search {
    let began = Instant::now();
    let families = space.families(&setup.model, setup.computation.sequence, setup.pool.gpus(), setup.pool.domain());
    let mut search = Search::default();
    let mut legal = Vec::with_capacity(families.len());
    let mut pipelines = open::Counts::new();
    for family in families {
        // Where the first that does ends the search, nobody asks for an account.
        let layouts = if wanted.any_in_time { 0 } else { space.count(&family, setup.model.layers, &mut pipelines) };
        search.account.layouts += layouts;
        let many = space.most_gpus.is_some_and(|most| family.degrees.gpus() > u64::from(most));
        if many || wanted.exceeds(&family.degrees, setup.pool.gpus_per_node) {
            search.account.unwanted += layouts;
        } else if family::is_legal(setup, &family) {
            legal.push((family, layouts));
        } else {
            search.account.illegal += layouts;
        }
    }
    let kernels = kernels(setup, &legal);
    let mut order: Vec<(f64, usize)> =
        legal.iter().enumerate().map(|(index, (family, _))| (family::bound(setup, wanted, family, &kernels), index)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));

    let communicators = Communicators::default();
    let opener = Opener { setup, space, wanted, kernels: &kernels, communicators: &communicators };
    let mut best: Vec<Layout> = Vec::new();
    let (mut next, mut round) = (0, 1);
    let hopeless = wanted.hopeless(setup);
    while next < order.len() {
        let cutoff = if wanted.exhaustive { f64::INFINITY } else { cutoff(&best, wanted.top).min(hopeless) };
        let over = wanted.time_limit.is_some_and(|limit| began.elapsed() >= limit) && !best.is_empty();
        if order[next].0 > cutoff || over {
            let left: u64 = order[next..].iter().map(|(_, index)| legal[*index].1).sum();
            let bounded: u64 =
                order[next..].iter().filter(|(bound, _)| *bound > cutoff).map(|(_, index)| legal[*index].1).sum();
            search.account.bounded += bounded;
            search.account.unexplored += left - bounded;
            if left > bounded {
                search.gap = best.first().map(|best| (1.0 - order[next].0 / best.score).max(0.0));
            }
            break;
        }
        let opened = &order[next..order.len().min(next + round)];
        let examined: Vec<Examined> = opened
            .par_iter()
            .map_init(Desk::default, |desk, (_, index)| opener.examine(desk, &legal[*index].0, cutoff))
            .collect();
        for each in examined {
            search.account.add(&each.account);
            let least = search.nearest.map_or(Bytes::new(f64::INFINITY), |(_, least)| least);
            search.nearest = each.nearest.filter(|(_, memory)| *memory < least).or(search.nearest);
            if let Some(layout) = each.best {
                keep(&mut best, layout, wanted.top);
            }
        }
        next += opened.len();
        round = (2 * round).min(MOST_OPENED);
        if best.iter().any(|layout| wanted.is_enough(setup, &layout.strategy, layout.step_time)) {
            search.account.unexplored += order[next..].iter().map(|(_, index)| legal[*index].1).sum::<u64>();
            break;
        }
        let a = &search.account;
        watch(Progress { done: a.illegal + a.out_of_memory + a.bounded + a.unwanted + a.costed, all: a.layouts });
    }
    search.best = best
        .iter()
        .map(|layout| {
            let costs = setup.costs(&layout.strategy);
            Found { strategy: layout.strategy, costs, step_time: layout.step_time }
        })
        .collect();
    search
}

/// Kernels of every share that a family of the space has.
fn kernels(setup: &Setup<'_>, families: &[(Family, u64)]) -> Kernels {
    let mut keys: Vec<KernelKey> = families
        .iter()
        .flat_map(|(family, _)| family.batches.iter().map(|(microbatch, _)| key(&family.degrees, *microbatch)))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    // Families of pipelines over two pools all have a seam, others none.
    let seam = families.first().and_then(|(family, _)| family.degrees.seam);
    let costed: Vec<Sides<ShardKernels>> = keys
        .par_iter()
        .map(|(tp, sp, cp, ep, etp, microbatch)| {
            let (tp, sp, cp, ep, etp, microbatch) = (*tp, *sp, *cp, *ep, *etp, *microbatch);
            setup.pool_kernels(&Strategy { tp, sp, cp, ep, etp, microbatch, seam, ..Strategy::default() })
        })
        .collect();
    keys.into_iter().zip(costed).collect()
}

/// What a layout has to be no worse than to be kept.
fn cutoff(best: &[Layout], top: usize) -> f64 {
    if best.len() < top { f64::INFINITY } else { best.last().map_or(f64::INFINITY, |worst| worst.score) }
}

/// Keeps the best of each combination of degrees, `top` of them.
fn keep(best: &mut Vec<Layout>, layout: Layout, top: usize) {
    match best.iter_mut().find(|other| other.degrees() == layout.degrees()) {
        Some(same) if layout.before(same) => *same = layout,
        Some(_) => return,
        None => best.push(layout),
    }
    best.sort_by(Layout::order);
    best.truncate(top.max(1));
}
