//! The cheapest cluster that meets the deadlines of a workload: which server, how many, wired how.
//!
//! Every design (a server, a switch, an oversubscription) is given the fewest nodes that meet the deadlines, each try planned with the
//! search for layouts; limits of budget, power and space then say which designs may be bought, and capital which of them is; or what owning it costs, or the jobs on it. Jobs run
//! one after the other, the earliest deadline first, each on the whole cluster. This room knows plans and bills; it does not know
//! arguments or output.

mod break_even;
mod curve;
mod design;
mod fewest;
mod least;
mod limits;
mod owning;
mod relaxed;
mod swing;
mod wiring;

pub use break_even::BreakEven;
pub use design::{Design, Site};
pub use least::{JobRun, Sized};
pub use limits::{Limits, Need, Use, Way};
pub use owning::{Objective, Owning};
pub use swing::Swing;
pub use wiring::{Network, Offer, Wiring};

use rayon::prelude::*;
use serde::Serialize;

use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::spec::Workload;
use crate::units::Seconds;
use curve::curve;
use least::Sizer;

/// Version of the JSON that an answer is written as.
pub const SCHEMA_VERSION: u32 = 1;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The jobs.
    pub workload: &'a Workload,
    /// The deadline of every job, in place of its own.
    pub deadline: Option<Seconds>,
    /// What must not be exceeded.
    pub limits: Limits,
    /// What is made as small as it can be.
    pub objective: Objective,
    /// Where the cluster stands: power, prices, reliability.
    pub site: &'a Site,
    /// What may be bought.
    pub designs: &'a [Design],
    /// The catalogue.
    pub catalog: &'a Catalog,
    /// Efficiency constants.
    pub calibration: &'a Calibration,
}

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Version of this structure.
    pub schema_version: u32,
    /// What is as small as it can be.
    pub objective: Objective,
    /// The cheapest cluster within the limits; none when there is none.
    pub best: Option<Sized>,
    /// How much of each limit it uses, what is closest to its limit first.
    pub binds: Vec<Use>,
    /// The best design of every server, the cheapest first, those that exceed a limit last.
    pub servers: Vec<Candidate>,
    /// Faster clusters of the best design, and other servers' that are faster or cheaper: capital against time, neither beaten.
    pub front: Vec<Sized>,
    /// What would have to give for any cluster to do; empty when one does.
    pub ways: Vec<Way>,
    /// What moves the answer, the largest swing first.
    pub swings: Vec<Swing>,
    /// At what price of its node another server is bought: of the best, and of every other within the limits.
    pub break_evens: Vec<BreakEven>,
}

/// What becomes of a server.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// The server.
    pub server: String,
    /// The cheapest of its designs with the fewest nodes that meet the deadlines; none when no number of nodes does.
    pub sized: Option<Sized>,
    /// The limits that it exceeds.
    pub exceeds: Vec<Need>,
    /// Why there is no number of nodes.
    pub refusal: Option<String>,
}

impl Answer {
    /// Answers a question.
    #[must_use]
    pub fn new(question: &Question<'_>) -> Self {
        let sizer = Sizer::new(question);
        let mut servers: Vec<&str> = question.designs.iter().map(|design| design.server.as_str()).collect();
        servers.dedup();
        let mut candidates: Vec<Candidate> = alike(&servers, question.catalog)
            .par_iter()
            .flat_map(|servers| {
                let mut like = None;
                let one = |server: &&str| {
                    let found = candidate(&sizer, server, question, like);
                    like = found.sized.as_ref().map(|sized| sized.nodes).or(like);
                    found
                };
                servers.iter().map(one).collect::<Vec<_>>()
            })
            .collect();
        if candidates.iter().all(|candidate| candidate.sized.is_none()) {
            candidates = candidates.into_par_iter().map(|refused| relaxed::in_larger_racks(refused, question)).collect();
        }
        let rank = |candidate: &Candidate| {
            let worth = candidate.sized.as_ref().map_or(f64::INFINITY, |sized| sized.worth(question.objective));
            (candidate.sized.is_none(), !candidate.exceeds.is_empty(), worth)
        };
        candidates.sort_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2))
        });
        let best = candidates.iter().find(|candidate| candidate.exceeds.is_empty()).and_then(|found| found.sized.clone());
        let ways = match &best {
            Some(_) => Vec::new(),
            None if candidates.iter().any(|candidate| candidate.sized.is_some()) => limits::ways(&question.limits, &candidates),
            None => relaxed::later(&sizer, &candidates),
        };
        Self {
            schema_version: SCHEMA_VERSION,
            objective: question.objective,
            binds: best.as_ref().map(|best| limits::uses(&question.limits, best)).unwrap_or_default(),
            front: curve(&sizer, &question.limits, best.as_ref(), &candidates),
            ways,
            swings: best.as_ref().map(|best| swing::swings(&sizer, best)).unwrap_or_default(),
            break_evens: best.as_ref().map(|best| break_even::break_evens(&sizer, best, &candidates)).unwrap_or_default(),
            servers: candidates,
            best,
        }
    }
}

/// Servers by their accelerator: those of one take about as many nodes.
fn alike<'a>(servers: &[&'a str], catalog: &Catalog) -> Vec<Vec<&'a str>> {
    let mut groups: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
    for name in servers {
        let accelerator = catalog.server(name).map(|server| server.accelerator.as_str());
        match groups.iter_mut().find(|(of, _)| *of == accelerator) {
            Some((_, group)) => group.push(name),
            None => groups.push((accelerator, vec![name])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The cheapest design of a server. The first of its designs loses least to its network: no other takes fewer nodes, and what costs
/// more with as few costs more. `like` is how many nodes a server of the same accelerators takes.
fn candidate(sizer: &Sizer<'_>, server: &str, question: &Question<'_>, like: Option<u32>) -> Candidate {
    let mut designs = question.designs.iter().filter(|design| design.server == server);
    let (mut best, mut refusal) = (None, None);
    // Nodes that are too few on a design of which no other takes fewer.
    let mut late = 0;
    for design in designs.by_ref() {
        if sizer.most_nodes(design).is_ok_and(|most| most <= late) {
            continue;
        }
        match sizer.least(design, like) {
            Ok(sized) => {
                best = Some(sized);
                break;
            }
            Err(why) => {
                late = late.max(why.late);
                refusal = refusal.or(Some(why.message));
            }
        }
    }
    if let Some(fewest) = best.as_ref().map(|best| best.nodes) {
        let worth = |sized: &Sized| sized.worth(question.objective);
        let mut others: Vec<(f64, &Design)> = designs.map(|design| (sizer.at_least(design, fewest), design)).collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at_least, design) in others {
            let least = best.as_ref().map_or(f64::INFINITY, worth);
            if at_least >= least {
                break;
            }
            best = sizer.least_below(design, fewest, least).or(best);
        }
    }
    Candidate {
        server: server.to_owned(),
        exceeds: best.as_ref().map(|best| limits::exceeded(&question.limits, best)).unwrap_or_default(),
        refusal: refusal.filter(|_| best.is_none()),
        sized: best,
    }
}
