//! From rows to predictions.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::layout::Layout;
use super::machine::Machine;
use super::{PublishedRun, architecture};
use crate::calibration::Calibration;
use crate::catalog::{Catalog, Model};
use crate::model::Architecture;
use crate::parallel::violations;
use crate::spec::Cluster;
use crate::step::PoolGroups;
use crate::step::{Setup, StepEstimate};
use crate::topology::Topology;

/// Rows made ready to be predicted, as often as constants are tried.
#[derive(Debug)]
pub struct Predictor {
    machines: BTreeMap<Machine, (Cluster, Topology)>,
    /// A case for every row, or why there is none.
    pub cases: Vec<Result<Case, String>>,
}

/// A row that can be predicted.
#[derive(Debug)]
pub struct Case {
    /// Its machine.
    pub machine: Machine,
    /// Its model.
    pub model: Model,
    /// Its layout.
    pub layout: Layout,
    /// Measured time of a step, in seconds, where the row has one.
    pub measured: Option<f64>,
    groups: PoolGroups,
}

impl Case {
    /// FLOPs that one sequence would take more if attention did not leave out what a causal mask hides.
    #[must_use]
    pub fn masked_flops(&self) -> f64 {
        Architecture::new(&self.model).map_or(0.0, |model| 3.0 * model.flops(self.layout.computation.sequence).attention)
    }
}

impl Predictor {
    /// Reads every row as far as it can be.
    #[must_use]
    pub fn new(rows: &[PublishedRun], catalog: &Catalog) -> Self {
        let prepared: Vec<Result<(Machine, Model, Layout), String>> =
            rows.iter().map(|row| Ok((Machine::of(row, catalog)?, architecture::of(row)?, Layout::of(row)?))).collect();
        let mut wanted: Vec<Machine> = prepared.iter().flatten().map(|(machine, _, _)| machine.clone()).collect();
        wanted.sort();
        wanted.dedup();
        let machines: BTreeMap<Machine, (Cluster, Topology)> = wanted
            .into_par_iter()
            .filter_map(|machine| {
                let cluster = machine.cluster(catalog).ok()?;
                let topology = Topology::new(&cluster);
                Some((machine, (cluster, topology)))
            })
            .collect();
        let cases = rows
            .par_iter()
            .zip(prepared)
            .map(|(row, prepared)| {
                let (machine, model, layout) = prepared?;
                let Some((cluster, topology)) = machines.get(&machine) else {
                    return Err(machine.cluster(catalog).err().unwrap_or_default());
                };
                let setup = Setup::new((cluster, 0), topology, Calibration::defaults(), &model, layout.computation)
                    .map_err(|error| error.to_string())?;
                let broken = violations(&layout.strategy, &setup.model, layout.computation.sequence, cluster.gpus());
                if let Some(violation) = broken.into_iter().next() {
                    return Err(violation.message);
                }
                let groups = setup.pool_groups(&layout.strategy);
                let layout = if layout.open_microbatch { fastest(&setup, layout, &groups) } else { layout };
                let measured = measured(row, &layout);
                Ok(Case { machine, model, layout, measured, groups })
            })
            .collect();
        Self { machines, cases }
    }

    /// The estimate of a case.
    ///
    /// # Errors
    /// When its schedule cannot be run.
    pub fn estimate(&self, case: &Case, calibration: &Calibration) -> Result<StepEstimate, String> {
        let setup = self.setup(case, calibration)?;
        let costs = setup.costs_with(&case.layout.strategy, &case.groups);
        setup.estimate(&case.layout.strategy, &costs).map_err(|error| error.to_string())
    }

    /// The time of a step only, in seconds.
    #[must_use]
    pub fn step_time(&self, case: &Case, calibration: &Calibration) -> Option<f64> {
        let setup = self.setup(case, calibration).ok()?;
        let costs = setup.costs_with(&case.layout.strategy, &case.groups);
        Some(setup.step_time(&costs).ok()?.get())
    }

    /// The job of a case on its machine.
    pub(super) fn setup<'a>(&'a self, case: &'a Case, calibration: &'a Calibration) -> Result<Setup<'a>, String> {
        let (cluster, topology) = self.machines.get(&case.machine).ok_or("its machine cannot be built")?;
        Setup::new((cluster, 0), topology, calibration, &case.model, case.layout.computation).map_err(|error| error.to_string())
    }
}

/// The layout with the microbatch that steps fastest of those that fit, or that comes nearest to fitting.
fn fastest(setup: &Setup<'_>, layout: Layout, groups: &PoolGroups) -> Layout {
    let capacity = setup.pool.accelerator.memory;
    let tried = (0..6).filter_map(|power| layout.with_microbatch(1 << power)).filter_map(|layout| {
        let costs = setup.costs_with(&layout.strategy, groups);
        let over = (costs.peak_memory() - capacity).max(crate::units::Bytes::ZERO);
        Some((over, setup.step_time(&costs).ok()?, layout))
    });
    let better = |a: &(_, _, Layout), b: &(_, _, Layout)| (a.0, a.1) < (b.0, b.1);
    tried.reduce(|a, b| if better(&b, &a) { b } else { a }).map_or(layout, |(_, _, layout)| layout)
}

/// Time of a step in seconds: as printed, else from the tokens per second that are printed.
fn measured(row: &PublishedRun, layout: &Layout) -> Option<f64> {
    let tokens = layout.strategy.sequences() as f64 * f64::from(layout.computation.sequence);
    row.step_time_s
        .or_else(|| row.tokens_per_s_per_gpu.map(|rate| tokens / rate / layout.strategy.gpus() as f64))
        .filter(|time| *time > 0.0)
}
