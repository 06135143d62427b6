//! ZB-H2 (Qi et al., arXiv:2401.10241, section 2): stage i runs 2(p − i) − 1 forward passes ahead of its first backward pass and
//! puts its weight gradients off by 2i, which turns the trapezium of a step into a parallelogram.
//!
//! Bubble of a stage (p − 1)(F + B − 2W), none when the three take as long. A step that synchronises the stages (one global norm
//! of the gradients) still takes the (p − 1)F by which the last stage starts and ends later; the paper validates the optimizer
//! step afterwards instead. Every stage keeps min(m, 2p − 1) microbatches.

use super::zero_bubble::Shift;

pub(super) fn shift(stages: u32, stage: u32) -> Shift {
    Shift { warm_up: 2 * (stages - 1 - stage), lag: 2 * stage }
}
