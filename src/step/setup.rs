//! A job on a pool, or on two: everything that is the same for every layout.

use std::sync::Arc;

use super::collective::Communicator;
use super::communicators::{Communicators, Talk};
use super::kernel::Device;
use super::layer::Groups;
use super::order::Order;
use super::pieces::LayerSorts;
use super::states::States;
use crate::calibration::Calibration;
use crate::catalog::Model;
use crate::model::{Architecture, Keeping, ModelError, Shard};
use crate::parallel::{LayerDeal, LayerSplit, Strategy, Violation, seam_violations, violations};
use crate::spec::{Cluster, Computation, Pool, Precision, RankOrder, Software};
use crate::topology::{Pattern, Topology};

/// A job on a pool.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// The model.
    pub model: Architecture,
    /// What the job computes, and how.
    pub computation: Computation,
    /// The pool.
    pub pool: &'a Pool,
    /// Its number in the cluster.
    pub pool_index: usize,
    /// The cluster.
    pub topology: &'a Topology,
    /// Efficiency constants.
    pub calibration: &'a Calibration,
    /// The accelerator.
    pub device: Device,
    /// Which layers of the model are alike.
    pub sorts: LayerSorts,
    /// How the job deals its layers out.
    pub layers: LayerSplit,
    /// The job's own pipeline order.
    pub order: Option<Arc<Order>>,
    /// The same job on the second pool, for pipelines that pass to it.
    pub second: Option<Box<Self>>,
}

/// Why a job cannot be costed on a pool.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SetupError {
    /// The model's numbers do not fit together.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The accelerator has no such type.
    #[error("{accelerator} has no {} matmuls", precision.as_str())]
    Precision {
        /// The accelerator.
        accelerator: String,
        /// The type.
        precision: Precision,
    },
}

impl<'a> Setup<'a> {
    /// A model on pool `pool_index` of a cluster.
    ///
    /// # Errors
    /// When the model's numbers do not fit together, or the accelerator does not compute in its type.
    ///
    /// # Panics
    /// When the cluster has no such pool.
    pub fn new(
        (cluster, pool_index): (&'a Cluster, usize),
        topology: &'a Topology,
        calibration: &'a Calibration,
        model: &Model,
        computation: Computation,
    ) -> Result<Self, SetupError> {
        let pool = &cluster.pools[pool_index];
        let device = Device::new(pool, calibration, &computation).ok_or_else(|| SetupError::Precision {
            accelerator: pool.accelerator.title.clone(),
            precision: computation.precision,
        })?;
        let model = Architecture::new(model)?;
        Ok(Self {
            sorts: LayerSorts::of(&model),
            model,
            computation,
            pool,
            pool_index,
            topology,
            calibration,
            device,
            layers: LayerSplit::Even,
            order: None,
            second: None,
        })
    }

    /// Everything about a layout that the job on this pool does not allow.
    #[must_use]
    pub fn violations(&self, strategy: &Strategy) -> Vec<Violation> {
        let mut found = self.rules(strategy);
        found.extend(self.layers.with(strategy.split).violations(strategy, self.model.layers));
        found.extend(self.own_order(strategy).map(|order| order.violations(strategy)).unwrap_or_default());
        found
    }

    /// The rules of the model, the batch and the pools; how the job deals out its layers and orders its turns is left aside.
    #[must_use]
    pub fn rules(&self, strategy: &Strategy) -> Vec<Violation> {
        let gpus = self.pool.gpus();
        let (model, sequence) = (&self.model, self.computation.sequence);
        let Some(second) = &self.second else { return violations(strategy, model, sequence, gpus) };
        let over = [gpus, second.pool.gpus()];
        let mut found = violations(strategy, model, sequence, over.iter().sum());
        found.extend(seam_violations(strategy, over));
        found
    }

    /// Whether the layers divide as the layout deals them out: what is cheap to ask before everything else.
    #[must_use]
    pub fn deals(&self, s: &Strategy) -> bool {
        let (embedding, loss) = s.split.counts();
        let counted = self.model.layers + u32::from(embedding) + u32::from(loss);
        counted % s.schedule.slices(s.pp, s.vp).max(1) == 0
    }

    /// The job's own order, where the layout runs in it.
    pub(super) fn own_order(&self, strategy: &Strategy) -> Option<&Order> {
        self.order.as_deref().filter(|order| order.kind() == strategy.schedule)
    }

    /// Layers of each slice of the model, in model order.
    #[must_use]
    pub fn slice_layers(&self, strategy: &Strategy) -> Vec<u32> {
        self.layers.with(strategy.split).slices(strategy, self.model.layers)
    }

    /// The same, into memory that is used again.
    pub(super) fn slice_layers_into(&self, strategy: &Strategy, layers: &mut Vec<u32>) {
        if self.layers == LayerSplit::Even && strategy.split == LayerDeal::Even {
            strategy.slice_layers_into(self.model.layers, layers);
        } else {
            *layers = self.slice_layers(strategy);
        }
    }

    /// The share of a rank.
    #[must_use]
    pub fn shard(&self, strategy: &Strategy) -> Shard {
        Shard {
            microbatch: strategy.microbatch,
            sequence: self.computation.sequence,
            tensor: strategy.tp,
            sequence_parallel: strategy.sp,
            context: strategy.cp,
            expert: strategy.ep,
            expert_tensor: strategy.etp,
            precision: self.computation.precision,
            attention: self.computation.attention,
            keeping: self.keeping(),
        }
    }

    fn keeping(&self) -> Keeping {
        Keeping {
            cast_inputs: self.computation.software.is_megatron_core(),
            weighs_inside: self.computation.software == Software::MegatronCore,
            narrow_activation: self.computation.storage.narrow_activation,
            adapters: self.computation.adapters,
        }
    }

    /// Bytes that a parameter takes.
    #[must_use]
    pub fn states(&self, strategy: &Strategy) -> States {
        // The tensor cores that have 4-bit types also take 8-bit operands in every layout.
        States::of(&self.computation, strategy.zero, self.pool.accelerator.peak.fp4.is_some())
    }

    /// The groups of a rank.
    #[must_use]
    pub fn groups(&self, s: &Strategy) -> Groups {
        self.groups_among(s, &Communicators::default())
    }

    /// The same, sharing communicators with other layouts of this job.
    #[must_use]
    pub fn groups_among(&self, s: &Strategy, known: &Communicators) -> Groups {
        let world = s.gpus() as u32;
        let pool = self.pool_index;
        let group = |pattern: &Pattern| self.topology.groups(pool, pattern);
        let all = |pattern: Pattern| {
            known.get(Talk { pool, pattern, pair: None }, || Communicator::new(self.calibration, &group(&pattern)))
        };
        let talk = |size: u32, stride: u32| all(Pattern::even(world, size, stride));
        let pair = |inside: bool, size: u32, stride: u32| {
            let pattern = Pattern::even(world, size, stride);
            let talk = Talk { pool, pattern, pair: Some(inside) };
            known.get(talk, || Communicator::pair(self.calibration, &group(&pattern), inside))
        };
        let (replica, copies) = (s.tp * s.cp, s.zero_replicas.max(1));
        // With replicas outermost, the ranks with the same weights are as far apart as a whole pipeline.
        let (apart, stage) = match s.rank_order {
            RankOrder::TpCpDpPp => (1, replica * s.dp),
            RankOrder::TpCpPpDp => (s.pp, replica),
        };
        let (shards, expert_shards) = ((s.cp * s.dp / copies).max(1), (s.expert_replicas() / copies).max(1));
        let (dense, expert) = (s.tp * apart, s.ep * s.etp * apart);
        let same_weights = match s.rank_order {
            RankOrder::TpCpPpDp if s.cp > 1 => {
                all(Pattern { world, run: [s.cp, s.tp], runs: [(shards / s.cp).max(1), replica * s.pp] })
            }
            _ => talk(shards, dense),
        };
        Groups {
            tensor: talk(s.tp, 1),
            context: talk(s.cp, s.tp),
            expert: talk(s.ep, s.etp),
            shards: same_weights,
            copies: talk(copies, dense * shards),
            expert_shards: talk(expert_shards, expert),
            expert_copies: talk(copies, expert * expert_shards),
            near: pair(true, s.pp, stage),
            far: pair(false, s.pp, stage),
            stage,
        }
    }
}
