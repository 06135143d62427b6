//! What is open within a family of layouts: schedules, how layers are dealt out, what is computed again, what replicas share.

use std::collections::BTreeMap;

use super::space::{Family, Space, powers_of_two};
use crate::parallel::{LayerDeal, LayerSplit, Seam, Strategy};
use crate::spec::{AttentionKernel, Recompute, ScheduleKind};

/// Virtual stages and copies of what ZeRO divides that are tried at most.
const MOST_VIRTUAL: u32 = 16;
const MOST_COPIES: u32 = 64;

/// What is open within a family, beside its microbatches.
#[derive(Debug, Clone)]
pub struct Open {
    /// Schedules, and how layers are dealt out.
    pub pipelines: Vec<Dealt>,
    /// What is computed again, and of how many layers of a stage.
    all_recomputes: Vec<(Recompute, u16)>,
    /// Stage of ZeRO, copies of what it divides, whether communication overlaps.
    pub shardings: Vec<(u8, u32, bool)>,
}

/// Pipelines of a number of stages, of two pools with the seam and the tensor-parallel degree; counted.
pub(super) type Counts = BTreeMap<(u32, Option<(Seam, u32)>), u64>;

/// A schedule, and how layers are dealt out to its stages.
#[derive(Debug, Clone, Copy)]
pub struct Dealt {
    schedule: ScheduleKind,
    vp: u32,
    /// What counts as a layer.
    split: LayerDeal,
    seam: Option<Seam>,
}

impl Dealt {
    /// A layout with it.
    #[must_use]
    pub fn of(&self, s: &Strategy) -> Strategy {
        Strategy { schedule: self.schedule, vp: self.vp, split: self.split, seam: self.seam, ..*s }
    }
}

impl Open {
    /// Layouts for one size of the microbatch and one way in which replicas share their states.
    fn each_sharding(&self) -> u64 {
        self.pipelines.iter().map(|dealt| self.recomputes(dealt.vp).count()).sum::<usize>() as u64
    }

    /// What is computed again on `vp` virtual stages. Frameworks count layers by virtual stage where there are several, and have too
    /// few in one to tell apart.
    pub fn recomputes(&self, vp: u32) -> impl Iterator<Item = (Recompute, u16)> + '_ {
        self.all_recomputes.iter().copied().filter(move |(_, layers)| vp == 1 || *layers == 0 || self.all_recomputes.len() == 1)
    }
}

impl Space {
    /// Every layout of a family.
    pub fn layouts(&self, family: &Family, layers: u32) -> impl Iterator<Item = Strategy> {
        let open = self.open(family, layers);
        pipelines(family, &open).into_iter().flat_map(move |pipeline| {
            let mut all = Vec::new();
            for (recompute, recompute_layers) in open.recomputes(pipeline.vp) {
                let again = Strategy { recompute, recompute_layers, ..pipeline };
                let sharded = |(zero, zero_replicas, overlap)| Strategy { zero, zero_replicas, overlap, ..again };
                all.extend(open.shardings.iter().copied().map(sharded));
            }
            all
        })
    }

    /// One layout of each pipeline of a family: what is legal depends on little else.
    pub fn examples(&self, family: &Family, layers: u32) -> impl Iterator<Item = Strategy> {
        let open = self.open(family, layers);
        let recompute = open.all_recomputes.first().copied();
        let sharding = open.shardings.first().copied();
        pipelines(family, &open).into_iter().filter_map(move |pipeline| {
            let ((recompute, recompute_layers), (zero, zero_replicas, overlap)) = (recompute?, sharding?);
            Some(Strategy { zero, zero_replicas, recompute, recompute_layers, overlap, ..pipeline })
        })
    }

    /// What is open within a family.
    #[must_use]
    pub fn open(&self, family: &Family, layers: u32) -> Open {
        let fixed = &self.fixed;
        let Strategy { pp, dp, cp, .. } = family.degrees;
        let own_split = LayerSplit::of(fixed) != LayerSplit::Even;
        let mut pipelines = Vec::new();
        for (schedule, vp) in self.schedules(pp, layers) {
            let plain = Dealt { schedule, vp, split: LayerDeal::Even, seam: family.degrees.seam };
            match &self.second {
                Some(second) if !own_split => {
                    let dealt = Strategy { vp, schedule, ..family.degrees };
                    pipelines.extend(second.seams(&dealt, layers).map(|seam| Dealt { seam: Some(seam), ..plain }));
                }
                None if !own_split && pp > 1 => pipelines.extend(LayerDeal::ALL.map(|split| Dealt { split, ..plain })),
                _ => pipelines.push(plain),
            }
        }
        Open {
            pipelines,
            all_recomputes: self.recomputes(layers.div_ceil(pp.max(1))),
            shardings: self.shardings(family, pp, cp * dp),
        }
    }

    /// Layouts of a family, counted. Its pipelines depend on its stages alone, and over two pools on how fast each is: they are counted
    /// once for all families that have them.
    pub(super) fn count(&self, family: &Family, layers: u32, known: &mut Counts) -> u64 {
        let Strategy { tp, pp, dp, cp, seam, .. } = family.degrees;
        let pipelines =
            *known.entry((pp, seam.map(|seam| (seam, tp)))).or_insert_with(|| self.open(family, layers).each_sharding());
        pipelines * (self.shardings(family, pp, cp * dp).len() * family.batches.len()) as u64
    }

    fn schedules(&self, pp: u32, layers: u32) -> Vec<(ScheduleKind, u32)> {
        let fixed = &self.fixed;
        let kinds = match fixed.schedule {
            Some(kind) => vec![kind],
            None if pp == 1 && fixed.vp.is_none_or(|vp| vp == 1) => vec![ScheduleKind::OneForwardOneBackward],
            None if self.any_schedule => ScheduleKind::ALL.to_vec(),
            None => self.software.schedules().to_vec(),
        };
        let per_stage = layers.div_ceil(pp.max(1));
        let split = LayerSplit::of(fixed);
        let divided = || {
            let most = per_stage.min(MOST_VIRTUAL);
            let all = split.virtual_stages(pp, most);
            // Over two pools stages hold different numbers of layers.
            let all = all.or_else(|| self.second.is_some().then(|| powers_of_two(most).collect()));
            let all = all.unwrap_or_else(|| (1..=most).filter(|v| per_stage % v == 0).collect());
            all.into_iter().filter(|v| *v > 1).collect::<Vec<_>>()
        };
        kinds
            .into_iter()
            .flat_map(|kind| {
                let virtual_stages = match fixed.vp {
                    // A number of virtual stages picks the schedules that have as many.
                    Some(vp) if fixed.schedule.is_none() && (vp > 1) != kind.is_looped() => Vec::new(),
                    Some(vp) => vec![vp],
                    None if kind.is_looped() && pp > 1 => divided(),
                    None => vec![1],
                };
                virtual_stages.into_iter().map(move |vp| (kind, vp))
            })
            .collect()
    }

    /// All layers, or a quarter, a half or three quarters of a stage's.
    fn recomputes(&self, per_stage: u32) -> Vec<(Recompute, u16)> {
        let fixed = &self.fixed;
        let selective = self.attention == AttentionKernel::Unfused || self.software.selects_operators();
        let kinds = match fixed.recompute {
            Some(recompute) => vec![recompute],
            None if fixed.recompute_layers.is_some() => vec![Recompute::Full],
            None if selective => vec![Recompute::None, Recompute::Selective, Recompute::Full],
            None => vec![Recompute::None, Recompute::Full],
        };
        let mut parts: Vec<u16> = (1..4).map(|quarter| (per_stage * quarter).div_ceil(4) as u16).collect();
        parts.retain(|layers| u32::from(*layers) < per_stage);
        parts.dedup();
        parts.push(0);
        kinds
            .into_iter()
            .flat_map(|recompute| {
                let layers = match (recompute, fixed.recompute_layers) {
                    (Recompute::Full, Some(layers)) => vec![layers],
                    // A job that fixes full recomputation means all layers.
                    (Recompute::Full, None) if fixed.recompute.is_none() => parts.clone(),
                    _ => vec![0],
                };
                layers.into_iter().map(move |layers| (recompute, layers))
            })
            .collect()
    }

    fn shardings(&self, family: &Family, pp: u32, replicas: u32) -> Vec<(u8, u32, bool)> {
        let fixed = &self.fixed;
        let zeros = match fixed.zero {
            Some(zero) => vec![zero],
            None if replicas == 1 => vec![0],
            None => self.software.zero_stages(pp > 1).to_vec(),
        };
        let overlaps = match fixed.overlap {
            Some(overlap) => vec![overlap],
            None if !self.software.overlaps_replicas() => vec![false],
            None if replicas == 1 => vec![true],
            None => vec![true, false],
        };
        let experts = family.degrees.expert_replicas();
        let mut out = Vec::new();
        for zero in zeros {
            let copies = match fixed.zero_replicas {
                Some(copies) => vec![copies],
                None if zero == 0 => vec![1],
                None => powers_of_two(MOST_COPIES)
                    .filter(|n| *n == 1 || *n < replicas && replicas % n == 0 && experts % n == 0)
                    .collect(),
            };
            for copies in copies {
                out.extend(overlaps.iter().map(|overlap| (zero, copies, *overlap)));
            }
        }
        out
    }
}

/// Every microbatch, schedule and way of dealing layers out of a family.
fn pipelines(family: &Family, open: &Open) -> Vec<Strategy> {
    let degrees = family.degrees;
    let mut all = Vec::new();
    for (microbatch, microbatches) in &family.batches {
        let batch = Strategy { microbatch: *microbatch, microbatches: *microbatches, ..degrees };
        all.extend(open.pipelines.iter().map(|dealt| dealt.of(&batch)));
    }
    all
}
