//! 1F1B (PipeDream-flush, DAPPLE; Narayanan et al., arXiv:2104.04473, section 2.2): after p − i − 1 forward passes to warm up,
//! one forward and one backward in turn.
//!
//! Bubble (p − 1)(F + B + W), as GPipe. Stage i keeps min(m, p − i) microbatches.

use super::{Turn, Work};

pub(super) fn order(stages: u32, microbatches: u32, stage: u32) -> Vec<Turn> {
    let forward = |k| Turn::new(Work::Forward, 0, k);
    let backward = |k| Turn::new(Work::Backward, 0, k);
    let warm_up = (stages - stage - 1).min(microbatches);
    let mut turns = Vec::with_capacity(2 * microbatches as usize);
    turns.extend((0..warm_up).map(forward));
    turns.extend((warm_up..microbatches).flat_map(|k| [forward(k), backward(k - warm_up)]));
    turns.extend((microbatches - warm_up..microbatches).map(backward));
    turns
}

pub(super) fn in_flight(stages: u32, microbatches: u32, stage: u32) -> u32 {
    microbatches.min(stages - stage)
}
