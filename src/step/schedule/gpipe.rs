//! GPipe (Huang et al. 2019): all forward passes, then all backward passes, the last microbatch first.
//! Bubble (p − 1)(F + B); every stage keeps m microbatches.

use super::Turn;

pub(super) fn order(microbatches: u32) -> Vec<Turn> {
    let turn = |forward| move |microbatch| Turn { forward, chunk: 0, microbatch };
    (0..microbatches).map(turn(true)).chain((0..microbatches).rev().map(turn(false))).collect()
}
