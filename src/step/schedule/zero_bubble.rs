//! What ZB-H1 and ZB-H2 share: 1F1B with the backward pass in two, the weight gradient put off.
//!
//! A stage runs `warm_up` forward passes, then a forward pass and an input gradient in turn, each with the weight gradient of the
//! microbatch `lag` before it, and the weight gradients that are left at the end. It keeps `warm_up` + 1 + `lag` microbatches,
//! because the activations of a microbatch are needed until its weight gradient is there.

use super::{Turn, Work};

/// How far a stage runs ahead, and how far its weight gradients stay behind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    /// Forward passes before the first one that has an input gradient behind it.
    pub(super) warm_up: u32,
    /// Input gradients between a microbatch's own and its weight gradient.
    pub(super) lag: u32,
}

impl Shift {
    pub(super) fn order(self, microbatches: u32) -> Vec<Turn> {
        let warm_up = self.warm_up.min(microbatches);
        let mut turns = Vec::with_capacity(3 * microbatches as usize);
        turns.extend((0..warm_up).map(|k| Turn::new(Work::Forward, 0, k)));
        for k in 0..microbatches {
            if k + warm_up < microbatches {
                turns.push(Turn::new(Work::Forward, 0, k + warm_up));
            }
            turns.push(Turn::new(Work::InputGradient, 0, k));
            if k >= self.lag {
                turns.push(Turn::new(Work::WeightGradient, 0, k - self.lag));
            }
        }
        let left = microbatches - self.lag.min(microbatches)..microbatches;
        turns.extend(left.map(|k| Turn::new(Work::WeightGradient, 0, k)));
        turns
    }

    pub(super) fn in_flight(self, microbatches: u32) -> u32 {
        microbatches.min(self.warm_up + 1 + self.lag)
    }
}
