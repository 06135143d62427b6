//! Where a pipeline passes from one pool of accelerators to another.
//!
//! The first stages run on the first pool and the rest on the second; every stage lies wholly in one of them, and the other degrees
//! are the same on both. Ranks are numbered pool by pool, those of the first stages on the first pool from 0 and those of the
//! rest on the second from 0, so that pipeline parallelism is the outermost degree.

use serde::Serialize;

use super::{Strategy, Violation};
use crate::diagnostic::Code;
use crate::spec::{Placement, RankOrder, ScheduleKind};

/// How much of a pipeline is on the first of its two pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Seam {
    /// Stages on the first pool.
    pub stages: u32,
    /// Layers on them; 0 where the job deals its layers out itself.
    pub layers: u32,
}

impl Strategy {
    /// Which of the layout's pools a stage is on: 0, or 1 behind the seam.
    #[must_use]
    pub fn side(&self, stage: u32) -> usize {
        usize::from(self.seam.is_some_and(|seam| stage >= seam.stages))
    }

    /// The same of a slice of the model, where no slice is on two stages.
    #[must_use]
    pub fn side_of_slice(&self, slice: u32) -> usize {
        if self.seam.is_none() { 0 } else { self.side(self.stage_of(slice)) }
    }

    fn stage_of(&self, slice: u32) -> u32 {
        let there_and_back =
            matches!(self.schedule, ScheduleKind::ZbV | ScheduleKind::DualPipeV | ScheduleKind::Own(Placement::Vee));
        match slice.checked_sub(self.pp) {
            Some(behind) if there_and_back => self.pp.saturating_sub(1 + behind),
            _ => slice % self.pp.max(1),
        }
    }

    /// The stages on one of the layout's pools, as a layout of that pool alone.
    #[must_use]
    pub fn on_side(&self, side: usize) -> Self {
        let Some(seam) = self.seam else { return *self };
        let pp = if side == 0 { seam.stages } else { self.pp.saturating_sub(seam.stages) };
        Self { pp, seam: None, ..*self }
    }

    /// Deals layers to slices where the pipeline passes from one pool to another: evenly within each, what does not divide as in
    /// [`Self::slice_layers`].
    pub(super) fn deal_over(&self, seam: Seam, layers: u32, split: &mut [u32]) {
        let slices = split.len() as u32;
        let last = slices.saturating_sub(1);
        let first = seam.layers.min(layers);
        for (side, layers) in [first, layers - first].into_iter().enumerate() {
            let own = |slice: &u32| self.side_of_slice(*slice) == side;
            let count = ((0..slices).filter(own).count() as u32).max(1);
            for slice in (0..slices).filter(own) {
                split[slice as usize] = layers / count;
            }
            for slice in (1..last).chain([0, last]).filter(own).take((layers % count) as usize) {
                split[slice as usize] += 1;
            }
        }
    }
}

/// Why a pipeline cannot run over two pools of `gpus` accelerators.
#[must_use]
pub fn seam_violations(s: &Strategy, gpus: [u32; 2]) -> Vec<Violation> {
    let Some(seam) = s.seam else { return Vec::new() };
    let mut found = Vec::new();
    let mut rule = |holds: bool, field, code, message: &dyn Fn() -> String, help: &dyn Fn() -> String| {
        if !holds {
            found.push(Violation { field, code, message: message(), help: help() });
        }
    };
    let divided = (1..s.pp).contains(&seam.stages);
    rule(
        divided,
        "parallelism.first-pool-stages",
        Code::LayerDivisibility,
        &|| format!("{} of {} stages on the first pool leave none for the other", seam.stages, s.pp),
        &|| "use pp of 2 or more, and fewer stages on the first pool".into(),
    );
    for (side, (gpus, which)) in gpus.into_iter().zip(["first", "second"]).enumerate() {
        let own = s.on_side(side);
        rule(
            !divided || own.gpus() <= u64::from(gpus),
            "parallelism",
            Code::GpuCount,
            &|| {
                let Strategy { tp, cp, pp, dp, .. } = own;
                format!("tp {tp} x cp {cp} x {pp} stages x dp {dp} need {} GPUs, the {which} pool has {gpus}", own.gpus())
            },
            &|| "use smaller degrees, or other `first-pool-stages`".into(),
        );
    }
    rule(
        !matches!(s.schedule, ScheduleKind::DualPipe | ScheduleKind::Own(Placement::Bidirectional)),
        "parallelism.schedule",
        Code::LayoutDivisibility,
        &|| format!("the {} schedule has slices of the model on both pools", s.schedule.as_str()),
        &|| "use `schedule: dualpipev`, or one pool".into(),
    );
    rule(
        s.rank_order == RankOrder::TpCpDpPp,
        "parallelism.rank-order",
        Code::LayoutDivisibility,
        &|| format!("with ranks {} a replica's stages are neighbours, and two pools are not", s.rank_order.as_str()),
        &|| format!("use `rank-order: {}`", RankOrder::default().as_str()),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::tests::PLAIN;

    const OVER: Strategy = Strategy { seam: Some(Seam { stages: 1, layers: 40 }), ..PLAIN };

    #[test]
    fn each_pool_deals_its_layers_evenly() {
        assert_eq!(OVER.slice_layers(80), [40, 14, 13, 13]);
        let late = Strategy { seam: Some(Seam { stages: 3, layers: 41 }), ..PLAIN };
        assert_eq!(late.slice_layers(80), [13, 14, 14, 39]);
        // Virtual stages go round and round: slices 0, 4 are on the first pool.
        let looped = Strategy { vp: 2, schedule: ScheduleKind::Interleaved, ..OVER };
        assert_eq!(looped.slice_layers(82), [20, 7, 7, 7, 20, 7, 7, 7]);
        // There and back, the first stage has both ends.
        let vee = Strategy { schedule: ScheduleKind::ZbV, ..OVER };
        assert_eq!(vee.slice_layers(70), [20, 5, 5, 5, 5, 5, 5, 20]);
        assert_eq!([0, 1, 3, 4, 7].map(|slice| vee.side_of_slice(slice)), [0, 1, 1, 1, 0]);
    }

    #[test]
    fn each_pool_has_its_stages() {
        assert_eq!([0, 1, 3].map(|stage| OVER.side(stage)), [0, 1, 1]);
        assert_eq!([0, 1].map(|side| OVER.on_side(side).gpus()), [32, 96]);
        assert_eq!([0, 1].map(|side| PLAIN.on_side(side)), [PLAIN; 2]);
    }

    #[test]
    fn each_rule_names_its_field() {
        let check = |s: Strategy, gpus| seam_violations(&s, gpus).into_iter().map(|v| v.field).collect::<Vec<_>>();
        assert!(check(OVER, [32, 96]).is_empty());
        assert_eq!(check(OVER, [31, 96]), ["parallelism"]);
        assert_eq!(check(OVER, [32, 95]), ["parallelism"]);
        let all = Strategy { seam: Some(Seam { stages: 4, layers: 80 }), ..PLAIN };
        assert_eq!(check(all, [128, 128]), ["parallelism.first-pool-stages"]);
        assert_eq!(check(Strategy { schedule: ScheduleKind::DualPipe, ..OVER }, [128, 128]), ["parallelism.schedule"]);
        assert_eq!(check(Strategy { rank_order: RankOrder::TpCpPpDp, ..OVER }, [128, 128]), ["parallelism.rank-order"]);
    }
}
