//! Which layouts are tried.

use crate::model::Architecture;
use crate::parallel::{LayerDeal, LayerSplit, Strategy};
use crate::spec::{AttentionKernel, Parallelism, Recompute, ScheduleKind};
use crate::units::Batch;

/// How far a batch given in tokens may be rounded to whole microbatches of all replicas.
const BATCH_TOLERANCE: f64 = 0.05;

/// Sequences in a microbatch that are tried.
const MICROBATCHES: [u32; 4] = [1, 2, 4, 8];

/// What is fixed and what is open.
#[derive(Debug, Clone)]
pub struct Space {
    /// Degrees that the user fixed.
    pub fixed: Parallelism,
    /// Data between two optimizer steps.
    pub batch: Batch,
    /// How attention is computed; with a fused kernel selective recomputation has nothing to do.
    pub attention: AttentionKernel,
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

impl Space {
    /// The layouts to try, in families of equal degrees.
    #[must_use]
    pub fn families(&self, model: &Architecture, sequence: u32, gpus: u32, domain: u32) -> Vec<Vec<Strategy>> {
        let fixed = &self.fixed;
        let split = LayerSplit::of(fixed);
        let mut families = Vec::new();
        for tp in either(fixed.tp, || powers_of_two(domain).filter(|t| model.heads.query() % t == 0).collect()) {
            for cp in either(fixed.cp, || {
                powers_of_two(64).filter(|c| *c == 1 || sequence / c >= 4096 && sequence >= 16_384).collect()
            }) {
                for pp in either(fixed.pp, || stages(&split, model.layers, gpus / (tp * cp).max(1))) {
                    for (ep, etp) in self.experts(model, tp) {
                        for dp in self.replicas(sequence, gpus, [tp, cp, pp], ep * etp) {
                            families.push(self.family(model, sequence, &split, [tp, cp, pp, ep, etp, dp]));
                        }
                    }
                }
            }
        }
        families
    }

    /// Expert parallelism and tensor parallelism inside experts.
    fn experts(&self, model: &Architecture, tp: u32) -> Vec<(u32, u32)> {
        let Some(moe) = model.moe else { return vec![(self.fixed.ep.unwrap_or(1), self.fixed.etp.unwrap_or(tp))] };
        let degrees = either(self.fixed.ep, || powers_of_two(moe.experts.min(256)).filter(|e| moe.experts % e == 0).collect());
        let inside = either(self.fixed.etp, || if tp > 1 { vec![1, tp] } else { vec![1] });
        degrees.into_iter().flat_map(|ep| inside.iter().map(move |etp| (ep, *etp))).collect()
    }

    /// The most replicas that fit, rounded down to what the experts and, with a batch in sequences, the batch divide by.
    fn replicas(&self, sequence: u32, gpus: u32, [tp, cp, pp]: [u32; 3], expert_ranks: u32) -> Vec<u32> {
        if let Some(dp) = self.fixed.dp {
            return vec![dp];
        }
        let replica = u64::from(tp) * u64::from(cp) * u64::from(pp);
        let most = (u64::from(gpus) / replica.max(1)) as u32;
        let unit = expert_ranks / gcd(expert_ranks, tp * cp).max(1);
        let smallest = self.fixed.microbatch.unwrap_or(1);
        if let Some(wanted) = self.microbatches {
            let sizes = either(self.fixed.microbatch, || MICROBATCHES.to_vec());
            let fits = |dp: u32| sizes.iter().any(|size| microbatches(self.batch, sequence, dp, *size) == Some(wanted));
            let found: Vec<u32> = (1..=most / unit.max(1)).map(|n| n * unit).filter(|dp| fits(*dp)).collect();
            if !found.is_empty() {
                return found;
            }
        }
        (1..=most / unit.max(1))
            .rev()
            .map(|n| n * unit)
            .find(|dp| microbatches(self.batch, sequence, *dp, smallest).is_some())
            .into_iter()
            .collect()
    }

    fn family(
        &self,
        model: &Architecture,
        sequence: u32,
        split: &LayerSplit,
        [tp, cp, pp, ep, etp, dp]: [u32; 6],
    ) -> Vec<Strategy> {
        let fixed = &self.fixed;
        let per_stage = model.layers.div_ceil(pp);
        let chunks = either(fixed.vp, || match fixed.schedule {
            Some(kind) if !kind.is_looped() => vec![1],
            _ if pp == 1 => vec![1],
            _ => split
                .virtual_stages(pp, per_stage.min(10))
                .unwrap_or_else(|| (1..=per_stage.min(10)).filter(|v| per_stage % v == 0).collect()),
        });
        let recomputes = match fixed.recompute {
            Some(recompute) => vec![recompute],
            None if self.attention == AttentionKernel::Unfused => vec![Recompute::None, Recompute::Selective, Recompute::Full],
            None => vec![Recompute::None, Recompute::Full],
        };
        let zeros = match fixed.zero {
            Some(zero) => vec![zero],
            None if dp * cp == 1 => vec![0],
            None if pp == 1 => vec![1, 3],
            None => vec![1],
        };
        let mut out = Vec::new();
        for microbatch in either(fixed.microbatch, || MICROBATCHES.to_vec()) {
            let Some(microbatches) = microbatches(self.batch, sequence, dp, microbatch) else { continue };
            for vp in &chunks {
                for recompute in &recomputes {
                    for zero in &zeros {
                        let interleaved = if *vp > 1 { ScheduleKind::Interleaved } else { ScheduleKind::OneForwardOneBackward };
                        out.push(Strategy {
                            tp,
                            sp: fixed.sp.unwrap_or(tp > 1),
                            cp,
                            context: fixed.cp_kind.unwrap_or_default(),
                            pp,
                            vp: *vp,
                            ep,
                            etp,
                            dp,
                            microbatch,
                            microbatches,
                            zero: *zero,
                            zero_replicas: fixed.zero_replicas.unwrap_or(1),
                            recompute: *recompute,
                            recompute_layers: fixed.recompute_layers.unwrap_or(0),
                            schedule: fixed.schedule.unwrap_or(interleaved),
                            split: LayerDeal::Even,
                            rank_order: fixed.rank_order.unwrap_or_default(),
                            overlap: fixed.overlap.unwrap_or(true),
                        });
                    }
                }
            }
        }
        out
    }
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
    let most = layers.min(most).min(128);
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
