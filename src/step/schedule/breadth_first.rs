//! Breadth-first, or looped BFS (Lamy-Poirier, arXiv:2211.05953): all microbatches of a chunk before the next chunk, then
//! backward the same way from the last chunk and the last microbatch, as PyTorch's `ScheduleLoopedBFS` does.
//!
//! With m ≥ p the bubble is (p − 1)(F + B + W) of a chunk's passes, 1/v of GPipe's. Every stage keeps all m microbatches, but a
//! chunk's parameters are gathered and its gradients reduced only once a step, which is what the schedule is for.

use super::{Turn, Work};

pub(super) fn order(chunks: u32, microbatches: u32) -> Vec<Turn> {
    let all = move |work| (0..chunks).flat_map(move |chunk| (0..microbatches).map(move |k| Turn::new(work, chunk, k)));
    let mut turns = Vec::with_capacity(2 * (chunks * microbatches) as usize);
    turns.extend(all(Work::Forward));
    turns.extend(all(Work::Backward));
    turns[(chunks * microbatches) as usize..].reverse();
    turns
}
