//! How a job is laid out over ranks, and what layouts are legal.
//!
//! Ranks are numbered with tensor parallelism innermost, then context, data, and pipeline parallelism outermost, as
//! Megatron-LM does, or with replicas outermost ([`RankOrder`]); expert parallelism is laid over the tensor, context and data
//! ranks. Rank i runs on accelerator i of its pool, or, where a pipeline passes from one pool to another ([`Seam`]), of the pool of its
//! stage. This room knows the model; it does not know time.

mod layer_split;
mod legal;
mod seam;

pub use layer_split::{LayerDeal, LayerSplit};
pub use legal::{Violation, violations};
pub use seam::{Seam, seam_violations};

use serde::Serialize;

use crate::spec::{ContextKind, RankOrder, Recompute, ScheduleKind};

/// A complete layout of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Strategy {
    /// Tensor-parallel degree, t.
    pub tp: u32,
    /// Sequence parallelism: norms and residuals divided along the sequence over the tensor-parallel ranks.
    pub sp: bool,
    /// Context-parallel degree, c.
    pub cp: u32,
    /// How context-parallel ranks see each other's keys and values.
    #[serde(rename = "cp_kind")]
    pub context: ContextKind,
    /// Pipeline-parallel degree, p.
    pub pp: u32,
    /// Virtual pipeline stages per rank, v.
    pub vp: u32,
    /// Expert-parallel degree, e.
    pub ep: u32,
    /// Tensor-parallel degree inside an expert.
    pub etp: u32,
    /// Data-parallel degree, D.
    pub dp: u32,
    /// Sequences in a microbatch, b.
    pub microbatch: u32,
    /// Microbatches of one replica in a step, m.
    pub microbatches: u32,
    /// ZeRO stage, 0 to 3.
    pub zero: u8,
    /// Copies of what ZeRO divides, each over so many times fewer ranks (hybrid sharding).
    pub zero_replicas: u32,
    /// What is computed again in the backward pass.
    pub recompute: Recompute,
    /// Layers of each stage that `recompute: full` is limited to; 0 for all of them.
    pub recompute_layers: u16,
    /// Pipeline schedule.
    pub schedule: ScheduleKind,
    /// What counts as a layer when layers are dealt out, where the job leaves that open.
    pub split: LayerDeal,
    /// Which ranks are neighbours.
    pub rank_order: RankOrder,
    /// Whether data-parallel communication runs behind the computation.
    pub overlap: bool,
    /// Where the pipeline passes from one pool to another, if it runs over two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seam: Option<Seam>,
}

impl Strategy {
    /// Accelerators it runs on: t·c·p·D.
    #[must_use]
    pub fn gpus(&self) -> u64 {
        u64::from(self.tp) * u64::from(self.cp) * u64::from(self.pp) * u64::from(self.dp)
    }

    /// Sequences in a step: b·m·D.
    #[must_use]
    pub fn sequences(&self) -> u64 {
        u64::from(self.microbatch) * u64::from(self.microbatches) * u64::from(self.dp)
    }

    /// Replicas that share the gradient of an expert's weights: t·c·D / (e·etp).
    #[must_use]
    pub fn expert_replicas(&self) -> u32 {
        (self.tp * self.cp * self.dp / (self.ep * self.etp).max(1)).max(1)
    }

    /// Ranks that one copy of what ZeRO divides is spread over: of dense weights, and of experts.
    #[must_use]
    pub fn shards(&self) -> [f64; 2] {
        let copies = self.zero_replicas.max(1);
        [(self.cp * self.dp / copies).max(1), (self.expert_replicas() / copies).max(1)].map(f64::from)
    }

    /// Layers of each slice of the model, spread evenly, in model order; which stage runs which is the schedule's to say.
    ///
    /// What does not divide evenly goes to the middle slices first, then to the first, last of all to the last: these two
    /// hold the embedding and the output layer beside their layers.
    #[must_use]
    pub fn slice_layers(&self, layers: u32) -> Vec<u32> {
        let mut split = Vec::new();
        self.slice_layers_into(layers, &mut split);
        split
    }

    /// The same, into memory that is used again.
    pub fn slice_layers_into(&self, layers: u32, split: &mut Vec<u32>) {
        let chunks = self.schedule.slices(self.pp, self.vp);
        split.clear();
        split.resize(chunks as usize, layers / chunks);
        if let Some(seam) = self.seam {
            return self.deal_over(seam, layers, split);
        }
        let order = (1..chunks.saturating_sub(1)).chain([0, chunks - 1]);
        for chunk in order.take((layers % chunks) as usize) {
            split[chunk as usize] += 1;
        }
    }

    /// The layout in a line: `tp 8 · pp 4 · dp 8 · micro-batch 1`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut parts = vec![format!("tp {}", self.tp)];
        if self.sp {
            parts[0].push_str(" (sp)");
        }
        let mut degree = |name: &str, degree: u32| {
            if degree > 1 {
                parts.push(format!("{name} {degree}"));
            }
        };
        degree("cp", self.cp);
        degree("pp", self.pp);
        degree("vp", self.vp);
        degree("ep", self.ep);
        if self.ep > 1 && self.etp != self.tp {
            parts.push(format!("etp {}", self.etp));
        }
        parts.push(format!("dp {}", self.dp));
        parts.push(format!("microbatch {} x {}", self.microbatch, self.microbatches));
        if self.zero > 0 {
            let copies = if self.zero_replicas > 1 { format!(" x {} copies", self.zero_replicas) } else { String::new() };
            parts.push(format!("zero {}{copies}", self.zero));
        }
        match self.recompute {
            Recompute::None => {}
            Recompute::Selective => parts.push("selective recompute".into()),
            Recompute::Full if self.recompute_layers > 0 => {
                parts.push(format!(
                    "full recompute of {} layer{} a stage",
                    self.recompute_layers,
                    if self.recompute_layers > 1 { "s" } else { "" }
                ));
            }
            Recompute::Full => parts.push("full recompute".into()),
        }
        if !matches!(self.schedule, ScheduleKind::OneForwardOneBackward | ScheduleKind::Interleaved) {
            parts.push(self.schedule.as_str().into());
        }
        if self.cp > 1 && self.context != ContextKind::default() {
            parts.push(format!("{} of keys", self.context.as_str()));
        }
        if self.split != LayerDeal::Even {
            parts.push(format!("{} counted as a layer", self.split.as_str()));
        }
        if self.rank_order != RankOrder::default() {
            parts.push(format!("ranks {}", self.rank_order.as_str()));
        }
        if !self.overlap {
            parts.push("no overlap".into());
        }
        if let Some(Seam { stages, layers }) = self.seam {
            let counted = |n: u32, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            let held = if layers > 0 { format!(" with {}", counted(layers, "layer")) } else { String::new() };
            parts.push(format!("{}{held} on the first pool", counted(stages, "stage")));
        }
        parts.join(" · ")
    }
}

impl Default for Strategy {
    /// One accelerator, one sequence.
    fn default() -> Self {
        Self {
            tp: 1,
            sp: false,
            cp: 1,
            context: ContextKind::default(),
            pp: 1,
            vp: 1,
            ep: 1,
            etp: 1,
            dp: 1,
            microbatch: 1,
            microbatches: 1,
            zero: 0,
            zero_replicas: 1,
            recompute: Recompute::None,
            recompute_layers: 0,
            schedule: ScheduleKind::OneForwardOneBackward,
            split: LayerDeal::Even,
            rank_order: RankOrder::default(),
            overlap: true,
            seam: None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const PLAIN: Strategy = Strategy {
        tp: 8,
        sp: true,
        cp: 1,
        context: ContextKind::Ring,
        pp: 4,
        vp: 1,
        ep: 1,
        etp: 8,
        dp: 4,
        microbatch: 1,
        microbatches: 16,
        zero: 1,
        zero_replicas: 1,
        recompute: Recompute::None,
        recompute_layers: 0,
        schedule: ScheduleKind::OneForwardOneBackward,
        split: LayerDeal::Even,
        rank_order: RankOrder::TpCpDpPp,
        overlap: true,
        seam: None,
    };

    #[test]
    fn uneven_layers_spare_the_ends() {
        let split = Strategy { pp: 16, ..PLAIN }.slice_layers(61);
        assert_eq!(split.iter().sum::<u32>(), 61);
        assert_eq!((split[0], split[1], split[13], split[14], split[15]), (3, 4, 4, 3, 3));
        assert_eq!(PLAIN.slice_layers(80), [20; 4]);
        let llama = Strategy { pp: 16, vp: 8, ..PLAIN }.slice_layers(126);
        assert_eq!((llama[0], llama[1], llama[126], llama[127]), (0, 1, 1, 0));
    }
}
