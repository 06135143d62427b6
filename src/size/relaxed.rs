//! What would have to give where no number of nodes does: racks that hold no node, deadlines that nothing meets.

use rayon::prelude::*;

use super::least::Sizer;
use super::limits::{self, Limits, Need, Use, Way};
use super::{Candidate, Question, Sized, candidate};

/// A server that a rack cannot hold, sized as if a rack held one node.
pub(super) fn in_larger_racks(refused: Candidate, question: &Question<'_>) -> Candidate {
    let node = question.catalog.server(&refused.server).and_then(|server| server.max_power);
    let too_small = question.limits.rack_power.zip(node).filter(|(limit, node)| node > limit);
    let Some((_, node)) = too_small.filter(|_| refused.sized.is_none()) else { return refused };
    let lifted = Question { limits: Limits { rack_power: Some(node), ..question.limits }, ..*question };
    let found = candidate(&Sizer::new(&lifted), &refused.server, &lifted, None);
    match &found.sized {
        Some(sized) => Candidate { exceeds: limits::exceeded(&question.limits, sized), ..found },
        None => refused,
    }
}

/// How much later the deadlines, or how much shorter the lead time, for the server that is done first with a great many nodes to be done in
/// time; nothing where none has a plan.
pub(super) fn later(sizer: &Sizer<'_>, servers: &[Candidate]) -> Vec<Way> {
    let question = sizer.question;
    let found: Vec<Sized> = servers.par_iter().filter_map(|candidate| soonest(sizer, &candidate.server)).collect();
    let Some(sized) = found.iter().min_by(|a, b| a.of_deadline.total_cmp(&b.of_deadline)) else { return Vec::new() };
    let deadline = limits::uses(&question.limits, sized).into_iter().find(|of| of.need == Need::Deadline);
    let late = sized.jobs.iter().map(|job| (job.done - job.deadline).get()).fold(0.0, f64::max);
    let lead = question.limits.lead_time.map(|lead| Use { need: Need::LeadTime, used: lead.get() - late, most: lead.get() });
    let way = |of: Use| Way { raise: vec![of], server: sized.design.server.clone(), nodes: sized.nodes };
    deadline.into_iter().chain(lead.filter(|of| of.used >= 0.0)).map(way).collect()
}

/// About the number of nodes of a server that is done first: from the most that the batch has work for, half as many as long as the
/// failures and the network that this spares are worth more than the nodes.
fn soonest(sizer: &Sizer<'_>, server: &str) -> Option<Sized> {
    let design = sizer.question.designs.iter().find(|design| design.server == server)?;
    let mut best = sizer.on(design, sizer.most_nodes(design).ok()?).ok()?;
    let used = best.jobs.iter().map(|job| job.strategy.gpus()).max()?;
    let mut nodes = used.div_ceil(u64::from(best.gpus / best.nodes.max(1)).max(1)) as u32;
    while nodes > 0 {
        match sizer.on(design, nodes) {
            Ok(fewer) if fewer.of_deadline <= best.of_deadline => best = fewer,
            _ => break,
        }
        nodes /= 2;
    }
    Some(best)
}
