//! A slice of the model: a run of layers on one rank, made from the pieces of its pool.

use super::durations::ChunkTimes;
use super::layer::Groups;
use super::pieces::{BySort, Piece, Pieces};
use super::setup::Setup;
use crate::model::Count;
use crate::parallel::Strategy;
use crate::spec::Recompute;
use crate::units::{Bytes, Seconds};

/// What tells a slice from others: layers by sort, all of them and those that are computed again; whether the embedding and the output
/// layer are with them; on which side of a seam they are.
pub(super) type Key = (BySort, BySort, [bool; 2], u8);

/// A run of layers, with the embedding or the output layer at the ends of the model.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slice {
    pub(super) key: Key,
    pub(super) layers: u32,
    pub(super) times: ChunkTimes,
    pub(super) saved: Bytes,
    pub(super) working: Bytes,
    pub(super) recomputed_flops: f64,
    pub(super) parameters: Count,
    pub(super) gather: Seconds,
    pub(super) reduce: Seconds,
}

impl Slice {
    fn add(&mut self, piece: &Piece, times: f64) {
        let passes = &piece.passes;
        self.times.forward += passes.forward * times;
        self.times.recompute += passes.recompute * times;
        self.times.input_gradient += passes.input_gradient * times;
        self.times.weight_gradient += passes.weight_gradient * times;
        self.saved += passes.saved * times;
        self.working = self.working.max(passes.working);
        self.recomputed_flops += passes.recomputed_flops * times;
        self.parameters = Count {
            sharded: self.parameters.sharded + piece.parameters.sharded * times,
            replicated: self.parameters.replicated + piece.parameters.replicated * times,
            expert: self.parameters.expert + piece.parameters.expert * times,
        };
    }
}

impl Setup<'_> {
    /// Layers of a slice by sort: all of them, and those that are computed again.
    pub(super) fn slice_sorts(&self, s: &Strategy, index: u32, first: u32, layers: u32) -> (BySort, BySort) {
        let all = self.sorts.between(first, layers);
        let again = match (s.recompute, s.recompute_layers) {
            (Recompute::Full, 1..) => {
                let before = index / s.pp * layers;
                self.sorts.between(first, u32::from(s.recompute_layers).saturating_sub(before).min(layers))
            }
            _ => all,
        };
        (all, again)
    }

    pub(super) fn slice_costs(&self, s: &Strategy, pieces: &Pieces, groups: &Groups, key: Key) -> Slice {
        let (all, again, [embeds, heads], _) = key;
        let mut slice = Slice { key, layers: all.iter().map(|n| u32::from(*n)).sum(), ..Slice::default() };
        if embeds {
            slice.add(&pieces.embedding, 1.0);
        }
        for (layer, (all, again)) in pieces.layers.iter().zip(all.into_iter().zip(again)) {
            let Some(layer) = layer else { continue };
            if again > 0 {
                slice.add(&layer[s.recompute as usize], f64::from(again));
            }
            if all > again {
                slice.add(&layer[Recompute::None as usize], f64::from(all - again));
            }
        }
        if heads {
            slice.add(&pieces.head, 1.0);
            slice.working = slice.working.max(pieces.logits);
        }
        [slice.gather, slice.reduce] = self.replica_communication(s, &slice.parameters, slice.layers, groups);
        slice.times.forward.compute += self.turn(s);
        slice.times.input_gradient.compute += self.turn(s);
        slice
    }

    /// Work of the host for a turn of the pipeline, between those of the device. Megatron-Core waits for the device behind every exchange
    /// (`batch_p2p_sync`), but where several runs of layers let it overlap them (`overlap_p2p_comm`, the default since October 2023):
    /// there the host is ahead.
    pub(super) fn turn(&self, s: &Strategy) -> Seconds {
        let ahead = self.computation.software.is_megatron_core() && s.chunks() > 1;
        if ahead { Seconds::ZERO } else { self.device.factors.turn }
    }
}
