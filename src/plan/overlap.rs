//! Overlap of tensor-parallel and expert communication, where a job leaves it open and the search is asked to try both.

use serde::Serialize;

use crate::spec::{Computation, Job};

/// What runs behind computation, as far as that was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Overlap {
    /// Tensor-parallel collectives, behind the matmuls that they feed or follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensor_overlap: Option<bool>,
    /// Tokens on their way to and from experts, behind another microbatch's computation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expert_overlap: Option<bool>,
}

impl Overlap {
    /// What of a computation the job leaves open and its framework has both ways.
    pub(super) fn open(job: &Job, computation: &Computation) -> Self {
        let (p, software) = (&job.parallelism, job.software);
        let tensor = p.tensor_overlap.is_none() && software.overlaps_tensor();
        let expert = p.expert_overlap.is_none() && software.overlaps_experts() && job.model.moe.is_some();
        Self {
            tensor_overlap: tensor.then_some(computation.tensor_overlap),
            expert_overlap: expert.then_some(computation.expert_overlap),
        }
    }

    /// Every way of it.
    pub(super) fn variants(self) -> Vec<Self> {
        let ways = |open: Option<bool>| if open.is_some() { vec![Some(false), Some(true)] } else { vec![None] };
        let with = |tensor_overlap| {
            ways(self.expert_overlap).into_iter().map(move |expert_overlap| Self { tensor_overlap, expert_overlap })
        };
        ways(self.tensor_overlap).into_iter().flat_map(with).collect()
    }

    /// The job with it.
    pub(super) fn fixed(self, job: &Job) -> Job {
        let mut parallelism = job.parallelism.clone();
        parallelism.tensor_overlap = self.tensor_overlap.or(parallelism.tensor_overlap);
        parallelism.expert_overlap = self.expert_overlap.or(parallelism.expert_overlap);
        Job { parallelism, ..job.clone() }
    }

    /// `tensor-overlap on, expert-overlap off`; nothing where nothing was open.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        let part = |name: &str, on: Option<bool>| on.map(|on| format!("{name} {}", if on { "on" } else { "off" }));
        let parts = [part("tensor-overlap", self.tensor_overlap), part("expert-overlap", self.expert_overlap)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}
