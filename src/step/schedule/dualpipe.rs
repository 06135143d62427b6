//! `DualPipe` (DeepSeek-V3 technical report, arXiv:2412.19437; github.com/deepseek-ai/DualPipe): microbatches enter at
//! both ends, each end with its own copy of the model, and a forward pass of one direction runs together with a backward pass of
//! the other, so that the communication of each hides behind the computation of the other.
//!
//! Bubble (p/2 − 1)(F&B + B + W − 3W), where F&B is the time of such a pair and B + W that of a whole backward pass. Every stage
//! keeps p + 1 microbatches and two copies of its parameters. Needs p and m even, and m ≥ 2p.

use std::collections::VecDeque;

use super::{Turn, Work};

/// The eight steps of a stage, shared with `DualPipeV`.
///
/// The stage has a near direction, whose microbatches come in from the end of the pipeline that is closer, and a far one, whose
/// microbatches come back over the stages beyond.
pub(super) struct Steps {
    /// Stages from an end of the pipeline to the turning point.
    pub(super) half: u32,
    /// How many stages the stage is away from its end.
    pub(super) away: u32,
    /// Microbatches of each direction.
    pub(super) microbatches: u32,
    /// Chunk of the near and of the far direction.
    pub(super) chunks: [u32; 2],
    /// First microbatch of the near and of the far direction.
    pub(super) first: [u32; 2],
}

const NEAR: usize = 0;
const FAR: usize = 1;

impl Steps {
    /// Most microbatches in flight, near and far: reached in the first pair of the fourth step, and 2 · half + 1 in all.
    pub(super) const fn in_flight(&self) -> [u32; 2] {
        [2 * self.half - self.away, self.away + 1]
    }

    pub(super) fn order(&self) -> Vec<Turn> {
        let (beyond, within) = (self.half - self.away - 1, self.away + 1);
        let mut tape = Tape::new(self);
        for _ in 0..2 * beyond {
            tape.forward(NEAR);
        }
        for _ in 0..within {
            tape.forward(NEAR);
            tape.forward(FAR);
        }
        for _ in 0..beyond {
            tape.input_gradient(FAR);
            tape.weight_gradient();
            tape.forward(FAR);
        }
        for k in 0..self.microbatches - 2 * self.half + within {
            // At the turning point the first two do not overlap: the backward pass waits for no one but this stage.
            if k == 0 && beyond == 0 {
                tape.forward(NEAR);
                tape.backward(FAR);
            } else {
                tape.pair(NEAR, FAR);
            }
            tape.pair(FAR, NEAR);
        }
        for _ in 0..beyond {
            tape.backward(FAR);
            tape.pair(FAR, NEAR);
        }
        // The second half of these leave their weight gradients for the end.
        for k in 0..2 * within {
            let direction = if k % 2 == 0 { FAR } else { NEAR };
            if k < within { tape.backward(direction) } else { tape.input_gradient(direction) }
        }
        for _ in 0..beyond {
            tape.weight_gradient();
            tape.input_gradient(NEAR);
        }
        for _ in 0..within {
            tape.weight_gradient();
        }
        tape.turns
    }
}

/// The turns so far, with the microbatch that comes next in each direction.
struct Tape {
    turns: Vec<Turn>,
    chunks: [u32; 2],
    forward: [u32; 2],
    backward: [u32; 2],
    put_off: VecDeque<(u32, u32)>,
}

impl Tape {
    fn new(steps: &Steps) -> Self {
        Self {
            turns: Vec::with_capacity(4 * steps.microbatches as usize + 4 * steps.half as usize),
            chunks: steps.chunks,
            forward: steps.first,
            backward: steps.first,
            put_off: VecDeque::new(),
        }
    }

    fn forward(&mut self, direction: usize) {
        self.turns.push(Turn::new(Work::Forward, self.chunks[direction], self.forward[direction]));
        self.forward[direction] += 1;
    }

    fn backward(&mut self, direction: usize) {
        self.turns.push(Turn::new(Work::Backward, self.chunks[direction], self.backward[direction]));
        self.backward[direction] += 1;
    }

    fn pair(&mut self, forward: usize, backward: usize) {
        self.forward(forward);
        if let Some(turn) = self.turns.last_mut() {
            turn.paired = true;
        }
        self.backward(backward);
    }

    fn input_gradient(&mut self, direction: usize) {
        let (chunk, microbatch) = (self.chunks[direction], self.backward[direction]);
        self.turns.push(Turn::new(Work::InputGradient, chunk, microbatch));
        self.put_off.push_back((chunk, microbatch));
        self.backward[direction] += 1;
    }

    fn weight_gradient(&mut self) {
        if let Some((chunk, microbatch)) = self.put_off.pop_front() {
            self.turns.push(Turn::new(Work::WeightGradient, chunk, microbatch));
        }
    }
}

/// The steps of `stage` when both halves of the pipeline do the same from their ends.
pub(super) fn steps(stages: u32, microbatches: u32, stage: u32) -> Steps {
    let (half, each) = (stages / 2, microbatches / 2);
    if stage < half {
        Steps { half, away: stage, microbatches: each, chunks: [0, 1], first: [0, each] }
    } else {
        Steps { half, away: stages - 1 - stage, microbatches: each, chunks: [1, 0], first: [each, 0] }
    }
}

/// Of the chunks alive when most are, how many are of each chunk of the stage.
pub(super) fn in_flight(stages: u32, microbatches: u32, stage: u32) -> [u32; 2] {
    let steps = steps(stages, microbatches, stage);
    let [near, far] = steps.in_flight();
    if steps.chunks == [0, 1] { [near, far] } else { [far, near] }
}
