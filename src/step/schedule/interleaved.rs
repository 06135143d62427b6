//! Interleaved 1F1B (Narayanan et al., arXiv:2104.04473, section 2.2), in the order that Megatron-LM runs: microbatches in
//! groups of p go through chunk after chunk, after 2(p − i − 1) + (v − 1)p forward passes to warm up.
//!
//! Bubble (p − 1)(F + B + W) of a chunk's passes, so 1/v of that of 1F1B. Needs m to be a multiple of p. Stage 0 keeps
//! p(1 + (p − 1)/(p v)) microbatches of the whole stage.

use super::{Turn, Work};

/// The part of the pipeline that the order depends on.
#[derive(Clone, Copy)]
pub(super) struct Groups {
    pub(super) stages: u32,
    pub(super) chunks: u32,
    pub(super) microbatches: u32,
}

impl Groups {
    fn total(self) -> u32 {
        self.microbatches * self.chunks
    }

    /// Forward passes before the first backward pass.
    fn warm_up(self, stage: u32) -> u32 {
        // With as many microbatches as stages there is only one group: everything is warm-up.
        if self.microbatches == self.stages {
            return self.total();
        }
        (2 * (self.stages - stage - 1) + (self.chunks - 1) * self.stages).min(self.total())
    }

    /// The k-th pass of one direction: groups of p microbatches, chunk by chunk; backward takes the chunks from the last.
    fn turn(self, work: Work, k: u32) -> Turn {
        let (p, v) = (self.stages, self.chunks);
        let chunk = k % (p * v) / p;
        let chunk = if work == Work::Forward { chunk } else { v - 1 - chunk };
        Turn::new(work, chunk, k / (p * v) * p + k % p)
    }

    pub(super) fn order(self, stage: u32) -> Vec<Turn> {
        let forward = |k| self.turn(Work::Forward, k);
        let backward = |k| self.turn(Work::Backward, k);
        let (total, warm_up) = (self.total(), self.warm_up(stage));
        let mut turns = Vec::with_capacity(2 * total as usize);
        turns.extend((0..warm_up).map(forward));
        turns.extend((warm_up..total).flat_map(|k| [forward(k), backward(k - warm_up)]));
        turns.extend((total - warm_up..total).map(backward));
        turns
    }

    /// Of the chunks alive when most are, how many are of each chunk of the stage.
    pub(super) fn in_flight(self, stage: u32) -> impl Iterator<Item = u32> {
        let most = (self.warm_up(stage) + 1).min(self.total());
        let (whole, rest) = (most / (self.stages * self.chunks), most % (self.stages * self.chunks));
        (0..self.chunks).map(move |chunk| whole * self.stages + rest.saturating_sub(chunk * self.stages).min(self.stages))
    }
}
