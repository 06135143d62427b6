//! The pipeline schedules that a job can ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// How the slices of the model lie on the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Placement {
    /// v chunks a stage, round and round: chunk c of stage i holds slice c·p + i.
    Looped,
    /// Two chunks a stage, there and back: stage i holds slices i and 2p − 1 − i, so the first stage has both ends.
    Vee,
    /// Two chunks a stage and two copies of the model, one for each direction: stage i holds slice i of the first copy and
    /// slice p − 1 − i of the second. The first half of the microbatches goes through the first copy.
    Bidirectional,
}

/// A pipeline schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
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
    /// The job's own order, from a file, which says how the slices lie.
    #[serde(skip_deserializing)]
    #[schemars(skip)]
    Own(Placement),
}

impl Serialize for ScheduleKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl ScheduleKind {
    /// Every schedule that has a name.
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
            Self::Own(_) => "own-order",
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
            Self::ZbV | Self::DualPipeV | Self::Own(Placement::Vee) => 2 * pp,
            Self::DualPipe | Self::Own(Placement::Bidirectional) => pp,
            _ => pp * vp,
        }
    }
}
