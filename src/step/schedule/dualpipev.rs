//! `DualPipeV` (github.com/deepseek-ai/DualPipe, after "cut-in-half" of Sea AI Lab, hackmd.io/@ufotalent/r1lVXsa9Jg): the first half
//! of a `DualPipe` of 2p stages, in which the copy of the model is the other half of it. The slices go there and back, so that
//! one copy of the parameters is enough.
//!
//! Bubble (p − 1)(F&B + B + W − 3W) of a chunk's passes. Every stage keeps 2p + 1 chunks. Needs m ≥ 2p.

use super::dualpipe::Steps;

pub(super) fn steps(stages: u32, microbatches: u32, stage: u32) -> Steps {
    Steps { half: stages, away: stage, microbatches, chunks: [0, 1], first: [0, 0] }
}
