//! Which shapes a schedule runs in.

use super::{Kind, Pipeline};

/// The most turns that a schedule may have: about a gigabyte of them.
const MOST_TURNS: u64 = 1 << 26;

/// The longest that a pass may take: far from where sums of times are no longer finite.
const LONGEST: f64 = 1e100;

/// A pipeline that a schedule cannot run in.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// No stages, no chunks or no microbatches.
    #[error("a pipeline needs at least one of its {what}")]
    None {
        /// What there is none of.
        what: &'static str,
    },
    /// More turns than fit.
    #[error(
        "{stages} stages × {chunks} chunks × {microbatches} microbatches are too many turns to lay out (at most {MOST_TURNS})"
    )]
    TooLarge {
        /// Stages.
        stages: u32,
        /// Chunks of a stage.
        chunks: u32,
        /// Microbatches.
        microbatches: u32,
    },
    /// A number of chunks that the schedule does not have.
    #[error("{kind} runs with {needs} of layers a stage, not {chunks}")]
    Chunks {
        /// The schedule.
        kind: Kind,
        /// What it runs with.
        needs: &'static str,
        /// What was asked for.
        chunks: u32,
    },
    /// Microbatches that do not go through in groups of the stages.
    #[error("{kind} runs microbatches in groups of one a stage: {microbatches} is not a multiple of {stages}")]
    Groups {
        /// The schedule.
        kind: Kind,
        /// Microbatches.
        microbatches: u32,
        /// Stages.
        stages: u32,
    },
    /// An odd number of what comes in halves.
    #[error("{kind} sends one half from each end: its {what} must be even, not {number}")]
    Odd {
        /// The schedule.
        kind: Kind,
        /// What is odd.
        what: &'static str,
        /// How many there are.
        number: u32,
    },
    /// Too few microbatches to fill the pipeline.
    #[error("{kind} needs at least two microbatches a stage: {least} for {stages} stages, not {microbatches}")]
    TooFew {
        /// The schedule.
        kind: Kind,
        /// Microbatches that are enough.
        least: u32,
        /// Stages.
        stages: u32,
        /// Microbatches.
        microbatches: u32,
    },
    /// An order that is not made from a shape.
    #[error("an order of one's own is read from a file")]
    Own,
    /// No room for a single microbatch.
    #[error("{kind} needs a memory limit of at least one microbatch")]
    Memory {
        /// The schedule.
        kind: Kind,
    },
    /// A time that a pass cannot take.
    #[error("{kind} compares orders by their time: the {what} cannot take {time}")]
    Time {
        /// The schedule.
        kind: Kind,
        /// Which pass.
        what: &'static str,
        /// The time.
        time: f64,
    },
}

impl Pipeline {
    /// Whether the schedule runs in this shape.
    ///
    /// # Errors
    /// The first thing that is against it.
    pub fn rule(&self) -> Result<(), ScheduleError> {
        size(self.stages, self.chunks, self.microbatches)?;
        self.layers()?;
        let Self { kind, stages, microbatches, .. } = *self;
        if matches!(kind, Kind::Own(_)) {
            return Err(ScheduleError::Own);
        }
        if kind == Kind::Interleaved && microbatches % stages != 0 {
            return Err(ScheduleError::Groups { kind, microbatches, stages });
        }
        if kind == Kind::DualPipe {
            for (what, number) in [("stages", stages), ("microbatches", microbatches)] {
                if number % 2 != 0 {
                    return Err(ScheduleError::Odd { kind, what, number });
                }
            }
        }
        if kind.pairs() && microbatches < 2 * stages {
            return Err(ScheduleError::TooFew { kind, least: 2 * stages, stages, microbatches });
        }
        if kind == Kind::ZbAuto { self.heuristic() } else { Ok(()) }
    }

    fn layers(&self) -> Result<(), ScheduleError> {
        let Self { kind, chunks, .. } = *self;
        let needs = match (kind, kind.chunks()) {
            (_, Some(1)) if chunks != 1 => "one chunk",
            (_, Some(2)) if chunks != 2 => "two chunks",
            (Kind::Interleaved, _) if chunks < 2 => "two chunks or more",
            _ => return Ok(()),
        };
        Err(ScheduleError::Chunks { kind, needs, chunks })
    }

    fn heuristic(&self) -> Result<(), ScheduleError> {
        let Self { kind, times, .. } = *self;
        if self.memory_limit == 0 {
            return Err(ScheduleError::Memory { kind });
        }
        let passes = [
            ("forward pass", times.forward, times.forward > 0.0),
            ("input gradient", times.input_gradient, times.input_gradient > 0.0),
            ("weight gradient", times.weight_gradient, times.weight_gradient > 0.0),
            ("transfer", times.transfer, times.transfer >= 0.0),
        ];
        match passes.into_iter().find(|(_, time, fine)| !(*time < LONGEST && *fine)) {
            Some((what, time, _)) => Err(ScheduleError::Time { kind, what, time }),
            None => Ok(()),
        }
    }
}

/// Whether the turns of a pipeline can be laid out at all.
pub(super) fn size(stages: u32, chunks: u32, microbatches: u32) -> Result<(), ScheduleError> {
    for (what, number) in [("stages", stages), ("chunks", chunks), ("microbatches", microbatches)] {
        if number == 0 {
            return Err(ScheduleError::None { what });
        }
    }
    // Forward pass, input and weight gradient; as many microbatches as stages at least, because some schedules count to there.
    let each = 3 * u64::from(microbatches.max(stages));
    match u64::from(stages).saturating_mul(u64::from(chunks)).saturating_mul(each) {
        turns if turns <= MOST_TURNS => Ok(()),
        _ => Err(ScheduleError::TooLarge { stages, chunks, microbatches }),
    }
}
