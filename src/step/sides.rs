//! A layout on the pools that it runs on: one, or the two that its pipeline passes between.

use super::collective::Communicator;
use super::communicators::Communicators;
use super::layer::Groups;
use super::pieces::{Pieces, ShardKernels};
use super::setup::Setup;
use crate::calibration::Operation;
use crate::parallel::Strategy;
use crate::spec::Pool;
use crate::units::{Bytes, FlopPerSecond, Seconds};

/// One of something for each pool of a layout.
#[derive(Debug, Clone)]
pub struct Sides<T> {
    first: T,
    second: Option<T>,
}

impl<T> Sides<T> {
    /// Of the pool on a side.
    #[must_use]
    pub fn of(&self, side: usize) -> &T {
        self.second.as_ref().filter(|_| side > 0).unwrap_or(&self.first)
    }

    /// Of both pools, where there are two.
    #[must_use]
    pub fn pair(&self) -> Option<(&T, &T)> {
        self.second.as_ref().map(|second| (&self.first, second))
    }
}

/// The groups of a layout's ranks on each of its pools, and what passes between the pools.
#[derive(Debug, Clone)]
pub struct PoolGroups {
    pub(super) sides: Sides<Groups>,
    /// A rank of the last stage on the first pool and its counterpart on the second.
    seam: Option<Communicator>,
}

impl<'a> Setup<'a> {
    /// The job on its pools, the first one first.
    pub fn sides(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.second.as_deref())
    }

    /// The job on the pool on a side.
    #[must_use]
    pub fn side(&self, side: usize) -> &Self {
        self.second.as_deref().filter(|_| side > 0).unwrap_or(self)
    }

    /// The job on the pool that a stage of a layout is on.
    #[must_use]
    pub fn at(&self, s: &Strategy, stage: u32) -> &Self {
        self.side(s.side(stage))
    }

    /// Each pool that a layout runs on, with what of it is there.
    pub fn parts(&self, s: &Strategy) -> impl Iterator<Item = (&Self, Strategy)> {
        let pools = if s.seam.is_some() { 2 } else { 1 };
        self.sides().take(pools).enumerate().map(|(side, own)| (own, s.on_side(side)))
    }

    /// The pools that a layout runs on, with its accelerators on each.
    #[must_use]
    pub fn accelerators(&self, s: &Strategy) -> Vec<(&'a Pool, u64)> {
        self.parts(s).map(|(own, part)| (own.pool, part.gpus())).collect()
    }

    /// Dense peak of one accelerator of a layout; of two pools, the mean over all accelerators, so that the peaks add up.
    #[must_use]
    pub fn peak(&self, s: &Strategy) -> FlopPerSecond {
        if s.seam.is_none() {
            return self.device.linear.peak;
        }
        let all = self.parts(s).map(|(own, part)| own.device.linear.peak.get() * part.gpus() as f64).sum::<f64>();
        FlopPerSecond::new(all / s.gpus().max(1) as f64)
    }

    fn on_each<T>(&self, s: &Strategy, of: impl Fn(usize, &Self) -> T) -> Sides<T> {
        let second = self.second.as_deref().filter(|_| s.seam.is_some());
        Sides { first: of(0, self), second: second.map(|second| of(1, second)) }
    }

    /// [`Self::groups`] on each pool.
    #[must_use]
    pub fn pool_groups(&self, s: &Strategy) -> PoolGroups {
        self.pool_groups_among(s, &Communicators::default())
    }

    /// The same, sharing communicators with other layouts of this job.
    #[must_use]
    pub fn pool_groups_among(&self, s: &Strategy, known: &Communicators) -> PoolGroups {
        let sides = self.on_each(s, |side, own| own.groups_among(&s.on_side(side), known));
        let seam = s.seam.zip(self.second.as_deref()).map(|(seam, second)| {
            let ranks = s.tp * s.cp * s.dp;
            let from = (self.pool_index, ranks * seam.stages.saturating_sub(1));
            let group = self.topology.between(from, (second.pool_index, 0), ranks);
            Communicator::pair(self.calibration, &group, false)
        });
        PoolGroups { sides, seam }
    }

    /// [`Self::kernels`] on each pool.
    #[must_use]
    pub fn pool_kernels(&self, s: &Strategy) -> Sides<ShardKernels> {
        self.on_each(s, |_, own| own.kernels(s))
    }

    /// [`Self::pieces`] on each pool.
    #[must_use]
    pub fn pool_pieces(&self, s: &Strategy, kernels: &Sides<ShardKernels>, groups: &PoolGroups) -> Sides<Pieces> {
        self.on_each(s, |side, own| own.pieces(s, kernels.of(side), groups.sides.of(side)))
    }

    /// Time of sending a microbatch's activations to the stage behind and their gradients to the stage before, by stage that sends.
    ///
    /// Each tensor-parallel rank sends its part of the tensor; without sequence parallelism the parts are gathered behind the
    /// transfer (the scatter-gather optimisation of arXiv:2104.04473, section 4.1).
    pub(super) fn sends_into(&self, s: &Strategy, groups: &PoolGroups, sends: &mut Vec<[Seconds; 2]>) {
        sends.clear();
        if s.pp < 2 {
            sends.push([Seconds::ZERO; 2]);
            return;
        }
        let bytes = self.shard(s).tokens() * f64::from(self.model.hidden) * self.computation.precision.activation_bytes();
        let (whole, part) = (Bytes::new(bytes), Bytes::new(bytes / f64::from(s.tp)));
        let over = |pair: &Communicator, to: &Groups| {
            let gather = if s.sp { Seconds::ZERO } else { to.tensor.time(Operation::AllGather, whole) };
            pair.time(Operation::PointToPoint, part) + gather
        };
        let within = |own: &Self, pp: u32, groups: &Groups, sends: &mut Vec<[Seconds; 2]>| {
            let (near, far) = (over(&groups.near, groups), over(&groups.far, groups));
            sends.extend((0..pp).map(|stage| {
                let next = (stage + 1) % pp;
                let inside = own.topology.same_domain(own.pool_index, stage * groups.stage, next * groups.stage);
                [if inside { near } else { far }; 2]
            }));
        };
        let (Some((first, second)), Some(seam), Some(behind)) =
            (groups.sides.pair(), &groups.seam, s.seam.map(|seam| seam.stages))
        else {
            return within(self, s.pp, groups.sides.of(0), sends);
        };
        within(self, behind, first, sends);
        within(self.side(1), s.pp - behind, second, sends);
        for stage in (1..s.pp as usize).rev() {
            sends[stage][1] = sends[stage - 1][0];
        }
        let (behind, last) = (behind as usize, s.pp as usize - 1);
        let [onto, back] = [second, first].map(|to| over(seam, to));
        (sends[behind - 1][0], sends[0][1]) = (onto, onto);
        (sends[behind][1], sends[last][0]) = (back, back);
    }
}
