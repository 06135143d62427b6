//! Which layouts are tried: families of equal degrees, and what is open within one.

use crate::model::Architecture;
use crate::parallel::{LayerDeal, LayerSplit, Strategy};
use crate::spec::{AttentionKernel, Computation, ContextKind, Parallelism, RankOrder, Recompute, ScheduleKind, Software};
use crate::units::Batch;

/// How far a batch given in tokens may be rounded to whole microbatches of all replicas.
const BATCH_TOLERANCE: f64 = 0.05;

/// Sequences in a microbatch, virtual stages, stages, context ranks and copies of what ZeRO divides that are tried at most.
const MOST_MICROBATCH: u32 = 128;
const MOST_VIRTUAL: u32 = 16;
const MOST_STAGES: u32 = 128;
const MOST_CONTEXT: u32 = 64;
const MOST_COPIES: u32 = 64;

/// Tokens of a sequence on a context-parallel rank at least.
const SHORTEST_PART: u32 = 1024;

/// What is fixed and what is open.
#[derive(Debug, Clone)]
pub struct Space {
    /// What the user fixed.
    pub fixed: Parallelism,
    /// Data between two optimizer steps.
    pub batch: Batch,
    /// How attention is computed; with a fused kernel selective recomputation has nothing to do.
    pub attention: AttentionKernel,
    /// The framework: which schedules and stages of ZeRO there are.
    pub software: Software,
    /// Whether schedules are tried that the framework does not have.
    pub any_schedule: bool,
    /// Accelerators that a layout may use at most; all of the pool when left out.
    pub most_gpus: Option<u32>,
    /// Microbatches of a replica, where the job's own order fixes them.
    pub microbatches: Option<u32>,
}

/// Microbatches of one replica that make up the batch: exactly, or within 5 % of a batch given in tokens.
#[must_use]
pub fn microbatches(batch: Batch, sequence: u32, dp: u32, microbatch: u32) -> Option<u32> {
    let at_once = u64::from(dp) * u64::from(microbatch);
    if at_once == 0 {
        return None;
    }
    match batch {
        Batch::Sequences(n) => (u64::from(n) % at_once == 0).then(|| (u64::from(n) / at_once) as u32),
        Batch::Tokens(tokens) => {
            let exact = tokens.get() / (f64::from(sequence) * at_once as f64);
            let rounded = exact.round();
            let close = (rounded / exact - 1.0).abs() <= BATCH_TOLERANCE;
            (rounded >= 1.0 && close && rounded <= 1e8).then_some(rounded as u32)
        }
    }
}

/// Layouts that share their degrees of parallelism and so their groups of ranks.
#[derive(Debug, Clone)]
pub struct Family {
    /// The degrees; what is open within the family is as [`Strategy::default`] has it.
    pub degrees: Strategy,
    /// Sequences in a microbatch and how many microbatches a replica then works on.
    pub batches: Vec<(u32, u32)>,
}

/// What is open within a family, beside its microbatches.
#[derive(Debug, Clone)]
pub struct Open {
    /// Schedules with their virtual stages.
    pub schedules: Vec<(ScheduleKind, u32)>,
    /// What counts as a layer when layers are dealt out.
    pub splits: Vec<LayerDeal>,
    /// What is computed again, and of how many layers of a stage.
    all_recomputes: Vec<(Recompute, u16)>,
    /// Stage of ZeRO, copies of what it divides, whether communication overlaps.
    pub shardings: Vec<(u8, u32, bool)>,
}

impl Open {
    /// Layouts for one size of the microbatch.
    #[must_use]
    pub fn layouts(&self) -> u64 {
        let pipelines: usize = self.schedules.iter().map(|(_, vp)| self.recomputes(*vp).count() * self.splits.len()).sum();
        (pipelines * self.shardings.len()) as u64
    }

    /// What is computed again on `vp` virtual stages. Frameworks count layers by virtual stage where there are several, and have too
    /// few in one to tell apart.
    pub fn recomputes(&self, vp: u32) -> impl Iterator<Item = (Recompute, u16)> + '_ {
        self.all_recomputes.iter().copied().filter(move |(_, layers)| vp == 1 || *layers == 0 || self.all_recomputes.len() == 1)
    }
}

impl Space {
    /// What a job of `computation` leaves open beside what is fixed.
    #[must_use]
    pub fn new(computation: &Computation, batch: Batch, fixed: Parallelism) -> Self {
        Self {
            fixed,
            batch,
            attention: computation.attention,
            software: computation.software,
            any_schedule: false,
            most_gpus: None,
            microbatches: None,
        }
    }

    /// Every family, on `gpus` accelerators of which `domain` share a scale-up domain.
    #[must_use]
    pub fn families(&self, model: &Architecture, sequence: u32, gpus: u32, domain: u32) -> Vec<Family> {
        let fixed = &self.fixed;
        let gpus = self.most_gpus.map_or(gpus, |most| most.min(gpus));
        let split = LayerSplit::of(fixed);
        let heads = model.heads.query();
        let mut families = Vec::new();
        for tp in either(fixed.tp, || powers_of_two(domain).filter(|t| heads % t == 0).collect()) {
            let parts = |c: &u32| *c == 1 || sequence / c >= SHORTEST_PART;
            for cp in either(fixed.cp, || powers_of_two(MOST_CONTEXT).filter(parts).collect()) {
                for pp in either(fixed.pp, || stages(&split, model.layers, gpus / (tp * cp).max(1))) {
                    for (ep, etp) in self.experts(model, tp) {
                        for dp in self.replicas(sequence, gpus, [tp, cp, pp], ep * etp) {
                            self.variants([tp, cp, pp, ep, etp, dp], model, sequence, &mut families);
                        }
                    }
                }
            }
        }
        let Some(wanted) = self.microbatches else { return families };
        // Where no batch makes as many microbatches as the order has, whoever asks is told about any of them.
        let fitting = |family: &Family| family.batches.iter().copied().filter(|(_, number)| *number == wanted).collect();
        let matching: Vec<Family> = families
            .iter()
            .map(|family| Family { batches: fitting(family), ..family.clone() })
            .filter(|family| !family.batches.is_empty())
            .collect();
        if matching.is_empty() { families } else { matching }
    }

    /// Families of the same degrees: with and without sequence parallelism, by kind of context parallelism and order of ranks.
    fn variants(&self, [tp, cp, pp, ep, etp, dp]: [u32; 6], model: &Architecture, sequence: u32, families: &mut Vec<Family>) {
        let fixed = &self.fixed;
        let sizes = either(fixed.microbatch, || powers_of_two(MOST_MICROBATCH).collect());
        let batches: Vec<(u32, u32)> =
            sizes.into_iter().filter_map(|size| Some((size, microbatches(self.batch, sequence, dp, size)?))).collect();
        if batches.is_empty() {
            return;
        }
        let sps = fixed.sp.map_or_else(|| if tp > 1 { vec![true, false] } else { vec![false] }, |sp| vec![sp]);
        let contexts = match fixed.cp_kind {
            Some(kind) => vec![kind],
            None if cp > 1 => ContextKind::ALL.to_vec(),
            None => vec![ContextKind::default()],
        };
        let rearranged = pp > 1 && dp > 1 && cp == 1 && (model.moe.is_none() || ep * etp == tp);
        let orders = match fixed.rank_order {
            Some(order) => vec![order],
            None if rearranged => RankOrder::ALL.to_vec(),
            None => vec![RankOrder::default()],
        };
        for sp in &sps {
            for context in &contexts {
                for rank_order in &orders {
                    let degrees = Strategy {
                        tp,
                        sp: *sp,
                        cp,
                        context: *context,
                        pp,
                        ep,
                        etp,
                        dp,
                        rank_order: *rank_order,
                        ..Strategy::default()
                    };
                    families.push(Family { degrees, batches: batches.clone() });
                }
            }
        }
    }

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
        Open {
            schedules: self.schedules(pp, layers),
            splits: if own_split || pp == 1 { vec![LayerDeal::Even] } else { LayerDeal::ALL.to_vec() },
            all_recomputes: self.recomputes(layers.div_ceil(pp.max(1))),
            shardings: self.shardings(family, pp, cp * dp),
        }
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
            let all = split.virtual_stages(pp, per_stage.min(MOST_VIRTUAL));
            let all = all.unwrap_or_else(|| (1..=per_stage.min(MOST_VIRTUAL)).filter(|v| per_stage % v == 0).collect());
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

    /// Expert parallelism and tensor parallelism inside experts.
    fn experts(&self, model: &Architecture, tp: u32) -> Vec<(u32, u32)> {
        let Some(moe) = model.moe else { return vec![(self.fixed.ep.unwrap_or(1), self.fixed.etp.unwrap_or(tp))] };
        let degrees = either(self.fixed.ep, || powers_of_two(moe.experts.min(256)).filter(|e| moe.experts % e == 0).collect());
        let inside = either(self.fixed.etp, || if tp > 1 { vec![1, tp] } else { vec![1] });
        degrees.into_iter().flat_map(|ep| inside.iter().map(move |etp| (ep, *etp))).collect()
    }

    /// Numbers of replicas that fit and, with a batch in sequences, divide it; in multiples of what the experts need.
    fn replicas(&self, sequence: u32, gpus: u32, [tp, cp, pp]: [u32; 3], expert_ranks: u32) -> Vec<u32> {
        if let Some(dp) = self.fixed.dp {
            return vec![dp];
        }
        let replica = u64::from(tp) * u64::from(cp) * u64::from(pp);
        let most = (u64::from(gpus) / replica.max(1)) as u32;
        let unit = expert_ranks / gcd(expert_ranks, tp * cp).max(1);
        let smallest = self.fixed.microbatch.unwrap_or(1);
        (1..=most / unit.max(1))
            .map(|n| n * unit)
            .filter(|dp| self.microbatches.is_some() || microbatches(self.batch, sequence, *dp, smallest).is_some())
            .collect()
    }
}

/// Every microbatch, schedule and way of dealing layers out of a family.
fn pipelines(family: &Family, open: &Open) -> Vec<Strategy> {
    let degrees = family.degrees;
    let mut all = Vec::new();
    for (microbatch, microbatches) in &family.batches {
        for (schedule, vp) in &open.schedules {
            all.extend(open.splits.iter().map(|split| Strategy {
                microbatch: *microbatch,
                microbatches: *microbatches,
                schedule: *schedule,
                vp: *vp,
                split: *split,
                ..degrees
            }));
        }
    }
    all
}

fn either(fixed: Option<u32>, open: impl FnOnce() -> Vec<u32>) -> Vec<u32> {
    fixed.map_or_else(open, |degree| vec![degree])
}

fn powers_of_two(most: u32) -> impl Iterator<Item = u32> {
    (0..20).map(|n| 1 << n).take_while(move |power| *power <= most.max(1))
}

/// Pipeline degrees: those that the job's own split of the layers allows; else divisors of the layers, and powers of two where
/// layers are spread unevenly.
fn stages(split: &LayerSplit, layers: u32, most: u32) -> Vec<u32> {
    let most = layers.min(most).min(MOST_STAGES);
    split.stages(most).unwrap_or_else(|| (1..=most).filter(|p| layers % p == 0 || p.is_power_of_two()).collect())
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Tokens;

    #[test]
    fn a_batch_in_tokens_is_rounded_and_one_in_sequences_is_not() {
        // 4M tokens are 488.3 sequences of 8,192: 31 replicas take 16 microbatches (496), 300 replicas none.
        let tokens = Batch::Tokens(Tokens::new(4e6));
        assert_eq!(microbatches(tokens, 8192, 31, 1), Some(16));
        assert_eq!(microbatches(tokens, 8192, 300, 1), None);
        assert_eq!(microbatches(Batch::Sequences(512), 8192, 31, 1), None);
        assert_eq!(microbatches(Batch::Sequences(512), 8192, 32, 2), Some(8));
    }
}
