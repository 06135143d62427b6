//! GPipe (Huang et al., arXiv:1811.06965): all forward passes, then all backward passes, the last microbatch first.
//!
//! Bubble (p − 1)(F + B + W). Every stage keeps all m microbatches.

use super::{Turn, Work};

pub(super) fn order(microbatches: u32) -> Vec<Turn> {
    let forward = (0..microbatches).map(|k| Turn::new(Work::Forward, 0, k));
    let backward = (0..microbatches).rev().map(|k| Turn::new(Work::Backward, 0, k));
    forward.chain(backward).collect()
}
