//! What designs are ranked by against time: what being done earlier costs.

use rayon::prelude::*;

use super::least::Sizer;
use super::limits::{Limits, exceeded};
use super::{Candidate, Sized};
use crate::topology::Topology;

/// Nodes that are tried beside the fewest, as multiples of them.
const MORE: [f64; 4] = [1.25, 1.5, 2.0, 3.0];

/// Clusters within the limits that no other beats in what is ranked by and in time: more nodes of the best design, and every server's own answer.
pub(super) fn curve(sizer: &Sizer<'_>, limits: &Limits, best: Option<&Sized>, candidates: &[Candidate]) -> Vec<Sized> {
    let objective = sizer.question.objective;
    let Some(best) = best else { return Vec::new() };
    let more = |by: &f64| {
        let cluster = sizer.cluster(&best.design, (f64::from(best.nodes) * by).ceil() as u32).ok()?;
        // What may not be bought is not planned.
        let bought = sizer.bought(&best.design, &cluster, &Topology::new(&cluster));
        exceeded(limits, &bought).is_empty().then(|| sizer.planned(&best.design, &cluster).ok()).flatten()
    };
    let mut all: Vec<Sized> = MORE.par_iter().filter_map(more).collect();
    all.extend(candidates.iter().filter_map(|candidate| candidate.sized.clone()));
    all.retain(|sized| exceeded(limits, sized).is_empty());
    all.sort_by(|a, b| a.worth(objective).total_cmp(&b.worth(objective)).then(a.done.get().total_cmp(&b.done.get())));
    let mut front: Vec<Sized> = Vec::new();
    for sized in all {
        if front.last().is_none_or(|last| sized.done < last.done) {
            front.push(sized);
        }
    }
    front
}
