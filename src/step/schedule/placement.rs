//! Which slice of the model a chunk of a stage holds, and the way of a microbatch through them.

pub use crate::spec::Placement;

impl Placement {
    /// How many slices the model is cut into.
    #[must_use]
    pub const fn slices(self, stages: u32, chunks: u32) -> u32 {
        match self {
            Self::Looped => stages * chunks,
            Self::Vee => 2 * stages,
            Self::Bidirectional => stages,
        }
    }

    /// The slice that `chunk` of `stage` holds.
    #[must_use]
    pub const fn slice(self, stages: u32, stage: u32, chunk: u32) -> u32 {
        match (self, chunk) {
            (Self::Looped, _) => chunk * stages + stage,
            (Self::Vee | Self::Bidirectional, 0) => stage,
            (Self::Vee, _) => 2 * stages - 1 - stage,
            (Self::Bidirectional, _) => stages - 1 - stage,
        }
    }

    /// Stage and chunk that hold `slice` of the copy of the model that `microbatch` goes through.
    #[must_use]
    pub const fn holder(self, stages: u32, slice: u32, microbatch: u32, microbatches: u32) -> (u32, u32) {
        match self {
            Self::Looped => (slice % stages, slice / stages),
            Self::Vee if slice < stages => (slice, 0),
            Self::Vee => (2 * stages - 1 - slice, 1),
            Self::Bidirectional if microbatch < microbatches.div_ceil(2) => (slice, 0),
            Self::Bidirectional => (stages - 1 - slice, 1),
        }
    }

    /// Stage and chunk of every slice on the way of `microbatch`, in the order of the forward passes.
    #[must_use = "iterators are lazy"]
    pub fn way(
        self,
        stages: u32,
        chunks: u32,
        microbatch: u32,
        microbatches: u32,
    ) -> impl DoubleEndedIterator<Item = (u32, u32)> {
        (0..self.slices(stages, chunks)).map(move |slice| self.holder(stages, slice, microbatch, microbatches))
    }
}
