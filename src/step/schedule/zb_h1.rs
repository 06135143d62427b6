//! ZB-H1 (Qi et al., arXiv:2401.10241, section 2): zero bubble within the memory of 1F1B. Stage i warms up as 1F1B and puts its
//! weight gradients off by i microbatches, so that they fill the end of the step.
//!
//! Bubble (p − 1)(F + B − W), a third of that of 1F1B when the three take as long. Every stage keeps min(m, p) microbatches.

use super::zero_bubble::Shift;

pub(super) fn shift(stages: u32, stage: u32) -> Shift {
    Shift { warm_up: stages - 1 - stage, lag: stage }
}
