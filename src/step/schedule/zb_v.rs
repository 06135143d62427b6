//! ZB-V (Qi et al., arXiv:2401.10241, section 6): the slices of the model go there and back over the stages, two chunks a stage,
//! so that the backward pass starts where the forward pass came in and every stage fills alike.
//!
//! The order is that of the paper's figure, which PyTorch's `ScheduleZBVZeroBubble` runs too: warm up, then forward pass, input
//! and weight gradient of one chunk and of the other in turn, then input gradients as soon as they come and weight gradients for
//! what is left. No bubble when F = B = W and m ≥ 2p − 1, except for the (p − 1)F of a chunk by which the last stage starts later
//! in a step that synchronises the stages. Every stage keeps 2p chunks, which is p microbatches.

use super::{Turn, Work};

/// Forward, input gradient and weight gradient of chunk 0 and of chunk 1.
const F: [(usize, u32); 2] = [(0, 0), (0, 1)];
const I: [(usize, u32); 2] = [(1, 0), (1, 1)];
const W: [(usize, u32); 2] = [(2, 0), (2, 1)];
const WORK: [Work; 3] = [Work::Forward, Work::InputGradient, Work::WeightGradient];

/// The order of a full pipeline, without the microbatches that are not there.
pub(super) fn order(stages: u32, microbatches: u32, stage: u32) -> Vec<Turn> {
    let full = microbatches.max(2 * stages - 1);
    let beyond = stages - stage;
    let mut turns = Vec::with_capacity(6 * microbatches as usize);
    let mut next = [[0u32; 2]; 3];
    let mut run = |times: u32, pattern: &[(usize, u32)]| {
        for _ in 0..times {
            for (work, chunk) in pattern {
                let microbatch = &mut next[*work][*chunk as usize];
                if *microbatch < microbatches {
                    turns.push(Turn::new(WORK[*work], *chunk, *microbatch));
                }
                *microbatch += 1;
            }
        }
    };
    run(2 * beyond - 1, &[F[0]]);
    run(stage, &[F[1], F[0]]);
    run(beyond, &[F[1], I[1], W[1]]);
    run(full + stage + 1 - 2 * stages, &[F[0], I[0], W[0], F[1], I[1], W[1]]);
    run(beyond - 1, &[I[0], W[0], F[1], I[1], W[1]]);
    run(stage, &[I[0], I[1]]);
    run(beyond, &[I[0], W[0]]);
    run(stage, &[W[1]]);
    run(stage, &[W[0]]);
    turns
}

/// Of the chunks alive when most are, how many are of each chunk of the stage.
pub(super) fn in_flight(stages: u32, microbatches: u32, stage: u32) -> [u32; 2] {
    // Right before the first weight gradient.
    [(2 * stages - 1 - stage).min(microbatches), (stage + 1).min(microbatches)]
}
