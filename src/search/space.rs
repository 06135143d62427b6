//! Which layouts are tried: families of equal degrees.

use super::second_pool::SecondPool;
use crate::model::Architecture;
use crate::parallel::{LayerSplit, Seam, Strategy};
use crate::spec::{AttentionKernel, Computation, ContextKind, Parallelism, RankOrder, Software};
use crate::units::Batch;

/// How far a batch given in tokens may be rounded to whole microbatches of all replicas.
const BATCH_TOLERANCE: f64 = 0.05;

/// Sequences in a microbatch, stages and context ranks that are tried at most.
const MOST_MICROBATCH: u32 = 128;
const MOST_STAGES: u32 = 128;
const MOST_CONTEXT: u32 = 64;

/// Stages over two pools of which every number is tried.
const FEW_STAGES: u32 = 16;

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
    /// The second pool of pipelines over two.
    pub second: Option<SecondPool>,
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
            second: None,
        }
    }

    /// Every family, on `gpus` accelerators of which `domain` share a scale-up domain.
    #[must_use]
    pub fn families(&self, model: &Architecture, sequence: u32, gpus: u32, domain: u32) -> Vec<Family> {
        let fixed = &self.fixed;
        let (gpus, domain) = match &self.second {
            Some(second) => (gpus + second.gpus, domain.min(second.domain)),
            None => (self.most_gpus.map_or(gpus, |most| most.min(gpus)), domain),
        };
        let split = LayerSplit::of(fixed);
        let heads = model.heads.query();
        let mut families = Vec::new();
        for tp in either(fixed.tp, || powers_of_two(domain).filter(|t| heads % t == 0).collect()) {
            let parts = |c: &u32| *c == 1 || sequence / c >= SHORTEST_PART;
            for cp in either(fixed.cp, || powers_of_two(MOST_CONTEXT).filter(parts).collect()) {
                for (pp, seam) in self.pipelines(&split, model.layers, gpus / (tp * cp).max(1)) {
                    for (ep, etp) in self.experts(model, tp) {
                        let plain = Strategy { tp, cp, pp, ep, etp, seam, ..Strategy::default() };
                        for dp in self.replicas(sequence, gpus, &plain) {
                            self.variants(&Strategy { dp, ..plain }, model, sequence, &mut families);
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
    fn variants(&self, degrees: &Strategy, model: &Architecture, sequence: u32, families: &mut Vec<Family>) {
        let fixed = &self.fixed;
        let Strategy { tp, cp, pp, ep, etp, dp, .. } = *degrees;
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
        let rearranged = pp > 1 && dp > 1 && degrees.seam.is_none() && (model.moe.is_none() || ep * etp == tp * cp);
        let orders = match fixed.rank_order {
            Some(order) => vec![order],
            None if rearranged => RankOrder::ALL.to_vec(),
            None => vec![RankOrder::default()],
        };
        for sp in &sps {
            for context in &contexts {
                for rank_order in &orders {
                    let degrees = Strategy { sp: *sp, context: *context, rank_order: *rank_order, ..*degrees };
                    families.push(Family { degrees, batches: batches.clone() });
                }
            }
        }
    }

    /// Expert parallelism and tensor parallelism inside experts.
    fn experts(&self, model: &Architecture, tp: u32) -> Vec<(u32, u32)> {
        let Some(moe) = model.moe else { return vec![(self.fixed.ep.unwrap_or(1), self.fixed.etp.unwrap_or(tp))] };
        let degrees = either(self.fixed.ep, || powers_of_two(moe.experts.min(256)).filter(|e| moe.experts % e == 0).collect());
        let inside = either(self.fixed.etp, || if tp > 1 { vec![1, tp] } else { vec![1] });
        degrees.into_iter().flat_map(|ep| inside.iter().map(move |etp| (ep, *etp))).collect()
    }

    /// Numbers of stages, and where a pipeline over two pools passes from one to the other.
    fn pipelines(&self, split: &LayerSplit, layers: u32, most: u32) -> Vec<(u32, Option<Seam>)> {
        let mut all = either(self.fixed.pp, || stages(split, layers, most, self.second.is_some()));
        if self.second.is_none() {
            return all.into_iter().map(|pp| (pp, None)).collect();
        }
        let first = self.fixed.first_pool_stages;
        if self.fixed.pp.is_none() {
            all.retain(|pp| *pp > first.unwrap_or(1));
        }
        // One stage is for the rules to refuse.
        let seams = |pp: u32| either(first, || (1..pp.max(2)).collect());
        let over = |pp: u32, stages: u32| (pp, Some(Seam { stages, layers: 0 }));
        all.into_iter().flat_map(|pp| seams(pp).into_iter().map(move |stages| over(pp, stages))).collect()
    }

    /// Numbers of replicas that fit and, with a batch in sequences, divide it; in multiples of what the experts need.
    fn replicas(&self, sequence: u32, gpus: u32, plain: &Strategy) -> Vec<u32> {
        if let Some(dp) = self.fixed.dp {
            return vec![dp];
        }
        let most = |gpus: u32, s: &Strategy| (u64::from(gpus) / s.gpus().max(1)) as u32;
        let most = match &self.second {
            Some(second) => {
                let [first, behind] = [0, 1].map(|side| plain.on_side(side));
                let all = most(self.most_gpus.unwrap_or(gpus), plain);
                most(gpus - second.gpus, &first).min(most(second.gpus, &behind)).min(all)
            }
            None => most(gpus, plain),
        };
        let expert_ranks = plain.ep * plain.etp;
        let unit = expert_ranks / gcd(expert_ranks, plain.tp * plain.cp).max(1);
        let smallest = self.fixed.microbatch.unwrap_or(1);
        (1..=most / unit.max(1))
            .map(|n| n * unit)
            .filter(|dp| self.microbatches.is_some() || microbatches(self.batch, sequence, *dp, smallest).is_some())
            .collect()
    }
}

fn either(fixed: Option<u32>, open: impl FnOnce() -> Vec<u32>) -> Vec<u32> {
    fixed.map_or_else(open, |degree| vec![degree])
}

pub(super) fn powers_of_two(most: u32) -> impl Iterator<Item = u32> {
    (0..20).map(|n| 1 << n).take_while(move |power| *power <= most.max(1))
}

/// Pipeline degrees: those that the job's own split of the layers allows; else divisors of the layers, and powers of two where
/// layers are spread unevenly, as they are over two pools with any few stages.
fn stages(split: &LayerSplit, layers: u32, most: u32, two_pools: bool) -> Vec<u32> {
    let most = layers.min(most).min(MOST_STAGES);
    split.stages(most).unwrap_or_else(|| {
        let few = if two_pools { FEW_STAGES } else { 0 };
        (1..=most).filter(|p| *p <= few || layers % p == 0 || p.is_power_of_two()).collect()
    })
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
