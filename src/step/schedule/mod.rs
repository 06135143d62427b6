//! Pipeline schedules: who runs what, in which order. One file a schedule.
//!
//! A schedule knows degrees, not durations. A chunk is a run of layers on one stage; chunk c of stage i holds the layers of
//! chunk c·p + i of the model.

mod gpipe;
mod interleaved;
mod one_f_one_b;

use crate::spec::ScheduleKind;

/// One turn of a stage's compute stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Forward or backward.
    pub forward: bool,
    /// Chunk of the stage.
    pub chunk: u32,
    /// Microbatch.
    pub microbatch: u32,
}

/// The shape of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pipeline {
    /// The schedule.
    pub kind: ScheduleKind,
    /// Stages, p.
    pub stages: u32,
    /// Chunks per stage, v.
    pub chunks: u32,
    /// Microbatches, m.
    pub microbatches: u32,
}

impl Pipeline {
    /// What `stage` runs, in order.
    #[must_use]
    pub fn order(&self, stage: u32) -> Vec<Turn> {
        match self.kind {
            ScheduleKind::Gpipe => gpipe::order(self.microbatches),
            ScheduleKind::OneForwardOneBackward => one_f_one_b::order(self, stage),
            ScheduleKind::Interleaved => interleaved::order(self, stage),
        }
    }

    /// The most microbatches of each chunk of `stage` that are between their forward and their backward pass at once, when the
    /// whole stage keeps most.
    ///
    /// Closed forms, equal to a walk over [`Self::order`]: m for GPipe, min(m, p − i) for 1F1B, and for interleaved 1F1B the
    /// warm-up of 2(p − i − 1) + (v − 1)p chunks and the one that follows it.
    #[must_use]
    pub fn in_flight(&self, stage: u32) -> Vec<u32> {
        match self.kind {
            ScheduleKind::Gpipe => vec![self.microbatches; self.chunks as usize],
            ScheduleKind::OneForwardOneBackward => vec![self.microbatches.min(self.stages - stage)],
            ScheduleKind::Interleaved => interleaved::in_flight(self, stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chunks alive when most are, by walking the order.
    fn walked(pipeline: &Pipeline, stage: u32) -> u32 {
        let mut alive = 0u32;
        let mut most = 0;
        for turn in pipeline.order(stage) {
            if turn.forward {
                alive += 1;
                most = most.max(alive);
            } else {
                alive -= 1;
            }
        }
        assert_eq!(alive, 0);
        most
    }

    #[test]
    fn in_flight_equals_a_walk_and_every_turn_is_there_once() {
        for stages in 1..6 {
            for chunks in 1..4 {
                for rounds in 1..5 {
                    let kinds = if chunks > 1 && stages > 1 {
                        vec![ScheduleKind::Interleaved]
                    } else if chunks == 1 {
                        vec![ScheduleKind::Gpipe, ScheduleKind::OneForwardOneBackward]
                    } else {
                        vec![]
                    };
                    for kind in kinds {
                        let pipeline = Pipeline { kind, stages, chunks, microbatches: rounds * stages };
                        for stage in 0..stages {
                            let order = pipeline.order(stage);
                            let unique: std::collections::BTreeSet<_> =
                                order.iter().map(|t| (t.forward, t.chunk, t.microbatch)).collect();
                            assert_eq!(unique.len(), order.len());
                            assert_eq!(order.len() as u32, 2 * chunks * pipeline.microbatches);
                            let closed: u32 = pipeline.in_flight(stage).iter().sum();
                            assert_eq!(closed, walked(&pipeline, stage), "{pipeline:?} stage {stage}");
                        }
                    }
                }
            }
        }
    }
}
