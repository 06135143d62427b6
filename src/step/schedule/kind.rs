//! What tells the schedules apart.

use std::fmt;

use super::Placement;
use crate::parallel::Strategy;
pub use crate::spec::ScheduleKind as Kind;

impl Kind {
    /// Where it puts the slices of the model.
    #[must_use]
    pub const fn placement(self) -> Placement {
        match self {
            Self::ZbV | Self::DualPipeV => Placement::Vee,
            Self::DualPipe => Placement::Bidirectional,
            Self::Own(placement) => placement,
            _ => Placement::Looped,
        }
    }

    /// The chunks of a stage, where the schedule fixes them.
    #[must_use]
    pub const fn chunks(self) -> Option<u32> {
        match self {
            Self::Gpipe | Self::OneForwardOneBackward | Self::ZbH1 | Self::ZbH2 | Self::ZbAuto => Some(1),
            Self::ZbV | Self::DualPipe | Self::DualPipeV | Self::Own(Placement::Vee | Placement::Bidirectional) => Some(2),
            Self::Interleaved | Self::BreadthFirst | Self::Own(Placement::Looped) => None,
        }
    }

    /// Whether it runs input and weight gradients apart, all of them or some. An own order may.
    #[must_use]
    pub const fn splits_backward(self) -> bool {
        matches!(self, Self::ZbH1 | Self::ZbH2 | Self::ZbV | Self::ZbAuto | Self::DualPipe | Self::DualPipeV | Self::Own(_))
    }

    /// Whether it overlaps forward with backward passes. An own order may.
    #[must_use]
    pub const fn pairs(self) -> bool {
        matches!(self, Self::DualPipe | Self::DualPipeV | Self::Own(_))
    }
}

impl Strategy {
    /// Chunks of a stage: as many as its schedule has, else its virtual stages.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.schedule.chunks().unwrap_or(self.vp)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
