//! Interleaved 1F1B (Narayanan et al., arXiv:2104.04473, section 2.2), in the order that Megatron-LM runs: microbatches in
//! groups of p go through chunk after chunk. Bubble (p − 1)(F + B)/v; needs m to be a multiple of p.

use super::{Pipeline, Turn};

/// Forward passes before the first backward pass.
fn warm_up(pipeline: &Pipeline, stage: u32) -> u32 {
    let total = pipeline.microbatches * pipeline.chunks;
    // With as many microbatches as stages there is only one group: everything is warm-up.
    if pipeline.microbatches == pipeline.stages {
        return total;
    }
    (2 * (pipeline.stages - stage - 1) + (pipeline.chunks - 1) * pipeline.stages).min(total)
}

/// The k-th pass of one direction: groups of p microbatches, chunk by chunk; backward takes the chunks from the last.
fn turn(pipeline: &Pipeline, k: u32, forward: bool) -> Turn {
    let (p, v) = (pipeline.stages, pipeline.chunks);
    let chunk = k % (p * v) / p;
    Turn { forward, chunk: if forward { chunk } else { v - 1 - chunk }, microbatch: k / (p * v) * p + k % p }
}

pub(super) fn order(pipeline: &Pipeline, stage: u32) -> Vec<Turn> {
    let total = pipeline.microbatches * pipeline.chunks;
    let warm_up = warm_up(pipeline, stage);
    let mut turns: Vec<_> = (0..warm_up).map(|k| turn(pipeline, k, true)).collect();
    turns.extend((warm_up..total).flat_map(|k| [turn(pipeline, k, true), turn(pipeline, k - warm_up, false)]));
    turns.extend((total - warm_up..total).map(|k| turn(pipeline, k, false)));
    turns
}

/// Of the chunks alive when most are, how many are of each chunk of the stage.
pub(super) fn in_flight(pipeline: &Pipeline, stage: u32) -> Vec<u32> {
    let total = pipeline.microbatches * pipeline.chunks;
    let most = (warm_up(pipeline, stage) + 1).min(total);
    let mut alive = vec![0; pipeline.chunks as usize];
    for k in 0..most {
        alive[turn(pipeline, k, true).chunk as usize] += 1;
    }
    alive
}
