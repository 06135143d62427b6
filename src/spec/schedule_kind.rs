//! The pipeline schedules that a job can ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pipeline schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum ScheduleKind {
    /// All forward passes, then all backward passes.
    #[serde(rename = "gpipe")]
    Gpipe,
    /// One forward, one backward.
    #[serde(rename = "1f1b")]
    OneForwardOneBackward,
    /// One forward, one backward, over virtual stages.
    #[serde(rename = "interleaved")]
    Interleaved,
    /// All microbatches of a virtual stage before the next virtual stage.
    #[serde(rename = "breadth-first")]
    BreadthFirst,
    /// Zero bubble in the memory of 1F1B: weight gradients fill a part of the bubble.
    #[serde(rename = "zb-h1")]
    ZbH1,
    /// Zero bubble in twice that memory.
    #[serde(rename = "zb-h2")]
    ZbH2,
    /// Zero bubble over two chunks a stage, there and back.
    #[serde(rename = "zb-v")]
    ZbV,
    /// Zero bubble by a heuristic, in the memory of 1F1B.
    #[serde(rename = "zb-auto")]
    ZbAuto,
    /// Two directions and two copies of the model, forward and backward passes overlapped (DeepSeek-V3).
    #[serde(rename = "dualpipe")]
    DualPipe,
    /// The same on one copy, over two chunks a stage, there and back.
    #[serde(rename = "dualpipev")]
    DualPipeV,
}

impl ScheduleKind {
    /// Every schedule.
    pub const ALL: [Self; 10] = [
        Self::Gpipe,
        Self::OneForwardOneBackward,
        Self::Interleaved,
        Self::BreadthFirst,
        Self::ZbH1,
        Self::ZbH2,
        Self::ZbV,
        Self::ZbAuto,
        Self::DualPipe,
        Self::DualPipeV,
    ];

    /// The name, as written in YAML.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gpipe => "gpipe",
            Self::OneForwardOneBackward => "1f1b",
            Self::Interleaved => "interleaved",
            Self::BreadthFirst => "breadth-first",
            Self::ZbH1 => "zb-h1",
            Self::ZbH2 => "zb-h2",
            Self::ZbV => "zb-v",
            Self::ZbAuto => "zb-auto",
            Self::DualPipe => "dualpipe",
            Self::DualPipeV => "dualpipev",
        }
    }

    /// The schedule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether the number of virtual stages is the job's to choose.
    #[must_use]
    pub fn is_looped(self) -> bool {
        matches!(self, Self::Interleaved | Self::BreadthFirst)
    }

    /// Slices that the model is cut into over `pp` stages of `vp` virtual stages.
    #[must_use]
    pub fn slices(self, pp: u32, vp: u32) -> u32 {
        match self {
            Self::ZbV | Self::DualPipeV => 2 * pp,
            Self::DualPipe => pp,
            _ => pp * vp,
        }
    }
}
