//! What happens on each stage over a step, and what makes it.

use serde::Serialize;

use crate::step::Costs;
use crate::step::graph::Timeline;
use crate::step::timeline::{self, StageTimeline};
use crate::units::Seconds;

/// A step from its start to its end.
#[derive(Debug, Clone, Serialize)]
pub struct Course {
    /// Each stage: busy, idle, exposed communication by kind, peak memory and when, its part in the critical path, slack.
    pub stages: Vec<StageTimeline>,
    /// What the critical path is made of, in seconds, longest first.
    #[serde(rename = "critical_path_s", serialize_with = "timeline::by_name")]
    pub critical_path: Vec<(&'static str, Seconds)>,
}

impl Course {
    pub(super) fn new(timeline: &Timeline, costs: &Costs) -> Self {
        Self { stages: timeline::stages(timeline, costs), critical_path: timeline::critical_path(timeline) }
    }
}
