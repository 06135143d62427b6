//! 1F1B (PipeDream-flush; Narayanan et al., arXiv:2104.04473, section 2.2): after p − i − 1 forward passes to warm up, one
//! forward and one backward in turn. Bubble (p − 1)(F + B); stage i keeps min(m, p − i) microbatches.

use super::{Pipeline, Turn};

pub(super) fn order(pipeline: &Pipeline, stage: u32) -> Vec<Turn> {
    let m = pipeline.microbatches;
    let warm_up = (pipeline.stages - stage - 1).min(m);
    let forward = |microbatch| Turn { forward: true, chunk: 0, microbatch };
    let backward = |microbatch| Turn { forward: false, chunk: 0, microbatch };
    let mut turns: Vec<_> = (0..warm_up).map(forward).collect();
    turns.extend((warm_up..m).flat_map(|k| [forward(k), backward(k - warm_up)]));
    turns.extend((m - warm_up..m).map(backward));
    turns
}
