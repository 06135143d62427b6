//! How long everything in a pipeline takes, by stage and chunk: what a schedule is replayed with.

use super::layer::Spent;
use super::schedule::Work;
use crate::units::Seconds;

/// Times of one chunk's passes for one microbatch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ChunkTimes {
    /// Forward pass.
    pub forward: Spent,
    /// What is computed again before the backward pass.
    pub recompute: Spent,
    /// Gradient of the inputs, with the communication of the backward pass.
    pub input_gradient: Spent,
    /// Gradient of the weights.
    pub weight_gradient: Spent,
}

impl ChunkTimes {
    /// Time of one turn on the compute stream.
    #[must_use]
    pub fn of(&self, work: Work) -> Seconds {
        let input = self.recompute.total() + self.input_gradient.total();
        match work {
            Work::Forward => self.forward.total(),
            Work::Backward => input + self.weight_gradient.total(),
            Work::InputGradient => input,
            Work::WeightGradient => self.weight_gradient.total(),
        }
    }

    /// What a turn consists of, in order: recomputation first, weight gradient last.
    #[must_use]
    pub fn parts(&self, work: Work) -> Vec<(Part, Spent)> {
        match work {
            Work::Forward => vec![(Part::Forward, self.forward)],
            Work::Backward => {
                vec![
                    (Part::Recompute, self.recompute),
                    (Part::InputGradient, self.input_gradient),
                    (Part::WeightGradient, self.weight_gradient),
                ]
            }
            Work::InputGradient => vec![(Part::Recompute, self.recompute), (Part::InputGradient, self.input_gradient)],
            Work::WeightGradient => vec![(Part::WeightGradient, self.weight_gradient)],
        }
    }

    /// All passes of a microbatch.
    #[must_use]
    pub fn whole(&self) -> Spent {
        self.forward + self.recompute + self.input_gradient + self.weight_gradient
    }
}

/// A part of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Forward pass.
    Forward,
    /// Forward pass run again.
    Recompute,
    /// Gradient of the inputs.
    InputGradient,
    /// Gradient of the weights.
    WeightGradient,
}

/// Time of two turns that run overlapped, one forward and one backward: the computation of both, or the communication of both
/// where that is longer, because each hides behind the other's (DeepSeek-V3 report, section 3.2.1).
#[must_use]
pub fn overlapped(forward: &ChunkTimes, backward: &ChunkTimes) -> Seconds {
    let both = forward.forward + backward.recompute + backward.input_gradient + backward.weight_gradient;
    both.compute.max(both.total() - both.compute)
}

/// Whether a stage's message to another goes to the stage before it, and not to the one behind. Behind the last stage is the first.
#[must_use]
pub const fn leads_back(from: usize, to: usize) -> bool {
    to + 1 == from || from == 0 && to > 1
}

/// Durations of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Durations {
    /// Passes, `[stage][chunk]`.
    pub chunks: Vec<Vec<ChunkTimes>>,
    /// Transfer of a microbatch's activations, or of their gradients, to the stage behind and to the one before, by stage that
    /// sends; behind the last stage is the first.
    pub send: Vec<[Seconds; 2]>,
    /// Gathering of a chunk's parameters before its first forward pass, `[stage][chunk]`.
    pub gather: Vec<Vec<Seconds>>,
    /// Reduction of a chunk's gradients behind its last backward pass, `[stage][chunk]`.
    pub reduce: Vec<Vec<Seconds>>,
    /// Optimizer step, by stage.
    pub optimizer: Vec<Seconds>,
    /// Pieces that a chunk's first forward and last backward pass are cut into, to run the above beside them; 1: not beside.
    pub pieces: u32,
}

impl Durations {
    /// The same pipeline with replicas that need not talk.
    #[must_use]
    pub fn without_replicas(&self) -> Self {
        let zero: Vec<Vec<Seconds>> = self.gather.iter().map(|chunks| vec![Seconds::ZERO; chunks.len()]).collect();
        Self { gather: zero.clone(), reduce: zero, ..self.clone() }
    }

    /// The same pipeline with transfers that take no time.
    #[must_use]
    pub fn without_transfers(&self) -> Self {
        Self { send: vec![[Seconds::ZERO; 2]; self.send.len()], ..self.clone() }
    }

    /// The same pipeline with a stage that computes `factor` times as long.
    #[must_use]
    pub fn with_slow_stage(mut self, stage: usize, factor: f64) -> Self {
        for times in self.chunks.get_mut(stage).into_iter().flatten() {
            for spent in [&mut times.forward, &mut times.recompute, &mut times.input_gradient, &mut times.weight_gradient] {
                spent.compute = spent.compute * factor;
            }
        }
        self
    }
}
