//! Layouts that no other beats in time, memory, GPU-hours and energy at once.
//!
//! Found by limits: the fastest layout on the whole pool, on half of it, on a quarter ..., and on each of them the fastest that leaves
//! a quarter of the memory free, half of it, three quarters. Each is a search of its own, and so proved the fastest within its limits.
//! Fewer accelerators are tried as long as they save GPU-hours; layouts that are better than others by less than 1 % in everything
//! are left out.

use serde::Serialize;

use crate::catalog::Catalog;
use crate::economics::CostEstimate;
use crate::parallel::Strategy;
use crate::plan::contest::Entry;
use crate::run::RunEstimate;
use crate::search::{Found, Objective, Space, Wanted, search};
use crate::spec::{Cluster, Job, Pool};
use crate::step::Setup;
use crate::units::{Bytes, Energy, Money, Seconds};

/// Steps of the memory that has to stay free, as parts of it.
const RUNGS: f64 = 4.0;

/// What another layout has to be better by in something, as a share of it.
const NOTICEABLE: f64 = 0.01;

/// A layout that no other one beats in everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FrontPoint {
    /// The layout.
    pub strategy: Strategy,
    /// Accelerators.
    pub gpus: u64,
    /// Time of a step.
    #[serde(rename = "step_time_s")]
    pub step_time: Seconds,
    /// Time of a sequence of the batch, over that of the fastest, less one.
    pub slower_by: f64,
    /// GPU-hours of a sequence, over those of the fastest, less one.
    pub dearer_by: f64,
    /// Memory of the fullest accelerator.
    #[serde(rename = "memory_bytes")]
    pub memory: Bytes,
    /// Share of the memory that is free.
    pub free_memory: f64,
    /// Time of the whole run, where the job says how many tokens.
    #[serde(rename = "run_time_s")]
    pub run_time: Option<Seconds>,
    /// Its energy at the meter.
    #[serde(rename = "energy_j")]
    pub energy: Option<Energy>,
    /// Its cost.
    pub cost: Option<Money>,
}

/// The front, fastest first.
pub(super) fn front((cluster, winner): (&Cluster, &Entry<'_>), catalog: &Catalog, job: &Job) -> Vec<FrontPoint> {
    let setup = &winner.setup;
    let mut found = fastest_within_limits(winner);
    // The same layout under two limits is one.
    found.sort_by(|a, b| a.time_per_sequence().total_cmp(&b.time_per_sequence()).then_with(|| a.strategy.cmp(&b.strategy)));
    found.dedup_by(|a, b| a.strategy == b.strategy);
    let goals: Vec<[f64; 4]> = found.iter().map(|found| goals(found, setup)).collect();
    let Some(first) = goals.first().copied() else { return Vec::new() };
    let point = |(found, goals): (&Found, &[f64; 4])| {
        let run = job.tokens.and_then(|tokens| {
            let step = setup.estimate(&found.strategy, &found.costs).ok()?;
            Some(RunEstimate::new(cluster, setup, &step, (tokens, job)))
        });
        let memory = found.costs.peak_memory();
        FrontPoint {
            strategy: found.strategy,
            gpus: found.strategy.gpus(),
            step_time: found.step_time,
            slower_by: goals[0] / first[0] - 1.0,
            dearer_by: goals[2] / first[2] - 1.0,
            memory,
            free_memory: 1.0 - found.costs.fullest().share(),
            run_time: run.as_ref().map(|run| run.time),
            energy: run.as_ref().map(|run| run.energy),
            cost: run
                .as_ref()
                .and_then(|run| CostEstimate::new(cluster, &setup.accelerators(&found.strategy), catalog, run).total),
        }
    };
    // The faster ones first: what is kept is beaten by nothing noticeable.
    let mut kept: Vec<(&Found, &[f64; 4])> = Vec::new();
    for (found, own) in found.iter().zip(&goals) {
        if !kept.iter().any(|(_, other)| other.iter().zip(own).all(|(a, b)| *a <= b * (1.0 + NOTICEABLE))) {
            kept.push((found, own));
        }
    }
    kept.into_iter().map(point).collect()
}

/// Time, memory, GPU-hours and energy, the last three in units of their own: energy is nodes, counted by their power, times time; memory
/// over two pools a share.
fn goals(found: &Found, setup: &Setup<'_>) -> [f64; 4] {
    let (time, gpus) = (found.time_per_sequence(), found.strategy.gpus());
    let drawn = |(pool, gpus): &(&Pool, u64)| {
        gpus.div_ceil(u64::from(pool.gpus_per_node.max(1))) as f64 * (pool.max_power.value / setup.pool.max_power.value)
    };
    let nodes: f64 = setup.accelerators(&found.strategy).iter().map(drawn).sum();
    let peak = found.costs.fullest();
    let memory = if found.strategy.seam.is_some() { peak.share() } else { peak.memory.get() };
    [time, memory, time * gpus as f64, time * nodes]
}

fn fastest_within_limits(winner: &Entry<'_>) -> Vec<Found> {
    let setup = &winner.setup;
    let pools: u32 = setup.sides().map(|own| own.pool.gpus()).sum();
    let mut all: Vec<Found> = Vec::new();
    let mut gpus = winner.space.most_gpus.unwrap_or(u32::MAX).min(pools);
    let mut least_hours = f64::INFINITY;
    while gpus > 0 {
        let space = Space { most_gpus: Some(gpus), ..winner.space.clone() };
        let mut headroom = winner.wanted.headroom;
        let mut level: Vec<Found> = Vec::new();
        while headroom < 1.0 {
            let wanted = Wanted { objective: Objective::Time, headroom, top: 1, ..winner.wanted.clone() };
            let Some(best) = search(setup, &space, &wanted).best.into_iter().next() else { break };
            let free = 1.0 - best.costs.fullest().share();
            headroom = ((free * RUNGS).floor() + 1.0) / RUNGS;
            level.push(best);
        }
        let hours = level.iter().map(|found| goals(found, setup)[2]).fold(f64::INFINITY, f64::min);
        if hours >= least_hours {
            break;
        }
        least_hours = hours;
        // The next limit is half of what was used, not of what was allowed.
        gpus = level.first().map_or(0, |found| found.strategy.gpus() as u32).min(gpus) / 2;
        all.extend(level);
    }
    all
}
