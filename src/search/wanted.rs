//! What a search is for: what is made as small as it can be, and what an answer must keep to.

use std::sync::Arc;
use std::time::Duration;

use crate::parallel::Strategy;
use crate::units::{Bytes, Seconds, Tokens};

/// What is made as small as it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Time per token.
    #[default]
    Time,
    /// GPU-hours per token, and so money at any price of a GPU-hour; as good as tokens per dollar.
    Cost,
    /// Energy per token: of all nodes that the job occupies.
    Energy,
    /// GPU-hours per token among the layouts that meet the deadline; the fastest where none does.
    Deadline,
}

impl Objective {
    /// The name, as written on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Cost => "cost",
            Self::Energy => "energy",
            Self::Deadline => "deadline",
        }
    }
}

/// A run that has to be done by some time.
#[derive(Debug, Clone)]
pub struct Deadline {
    /// Tokens of the run.
    pub tokens: Tokens,
    /// Time that it may take by the calendar.
    pub within: Seconds,
    /// Time that it takes by the calendar.
    pub calendar: Calendar,
}

/// Time by the calendar: of the nodes on each pool, the time of a step, and that of all steps without interruption.
type ByCalendar = dyn Fn([u64; 2], Seconds, Seconds) -> Seconds + Send + Sync;

/// What becomes of the time of a run's steps by the calendar, as those who know of failures say. It only rises with the time of a
/// step.
#[derive(Clone)]
pub struct Calendar(Arc<ByCalendar>);

impl Calendar {
    /// Told by a function of the nodes on each pool, the time of a step and that of all steps.
    pub fn new(of: impl Fn([u64; 2], Seconds, Seconds) -> Seconds + Send + Sync + 'static) -> Self {
        Self(Arc::new(of))
    }
}

impl std::fmt::Debug for Calendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calendar")
    }
}

/// What is wanted of a search.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What is made as small as it can be.
    pub objective: Objective,
    /// For [`Objective::Deadline`].
    pub deadline: Option<Deadline>,
    /// Share of an accelerator's memory that has to stay free.
    pub headroom: f64,
    /// Largest share of a step that the busiest stage may wait for others.
    pub most_bubble: Option<f64>,
    /// Layouts named.
    pub top: usize,
    /// Time after which the best so far is good enough.
    pub time_limit: Option<Duration>,
    /// Whether every layout that fits is costed, whatever its bound: what the bounds are held against.
    pub exhaustive: bool,
    /// Whether any layout that meets the deadline is enough, for [`Objective::Time`]: the search ends with the first, and leaves out
    /// what would miss it were there no interruptions.
    pub any_in_time: bool,
    /// What the second pool weighs, for pipelines over two.
    pub beside: Option<Beside>,
}

/// What a second pool weighs beside the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// Accelerators of a node.
    pub gpus_per_node: u32,
    /// Price of an accelerator's hour over that of the first pool's.
    pub price: f64,
    /// Power of a node over that of the first pool's.
    pub power: f64,
    /// Most nodes, each counted by its power.
    pub most_nodes: Option<f64>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            objective: Objective::Time,
            deadline: None,
            headroom: 0.0,
            most_bubble: None,
            top: 3,
            time_limit: None,
            exhaustive: false,
            beside: None,
            any_in_time: false,
        }
    }
}

/// What misses a deadline comes behind everything that does not.
const LATE: f64 = 1e150;

impl Wanted {
    /// What of an accelerator's memory a layout may hold.
    #[must_use]
    pub fn room(&self, capacity: Bytes) -> Bytes {
        capacity * (1.0 - self.headroom)
    }

    /// Accelerators of a layout, each of the second pool counted by its price.
    fn gpus(&self, s: &Strategy) -> f64 {
        match &self.beside {
            Some(beside) if s.seam.is_some() => s.on_side(0).gpus() as f64 + beside.price * s.on_side(1).gpus() as f64,
            _ => s.gpus() as f64,
        }
    }

    /// Nodes of a layout on each pool.
    fn on_pools(&self, s: &Strategy, gpus_per_node: u32) -> [u64; 2] {
        let whole = |s: &Strategy, each: u32| s.gpus().div_ceil(u64::from(each.max(1)));
        match &self.beside {
            Some(beside) if s.seam.is_some() => {
                [whole(&s.on_side(0), gpus_per_node), whole(&s.on_side(1), beside.gpus_per_node)]
            }
            _ => [whole(s, gpus_per_node), 0],
        }
    }

    /// Nodes of a layout, each of the second pool counted by its power.
    fn nodes(&self, s: &Strategy, gpus_per_node: u32) -> f64 {
        let [first, second] = self.on_pools(s, gpus_per_node);
        first as f64 + self.beside.map_or(0.0, |beside| beside.power * second as f64)
    }

    /// Whether a layout on two pools draws more than it may.
    pub(super) fn exceeds(&self, s: &Strategy, gpus_per_node: u32) -> bool {
        let most = self.beside.and_then(|beside| beside.most_nodes);
        most.is_some_and(|most| self.nodes(s, gpus_per_node) > most)
    }

    /// Time by the calendar of a run that has a deadline, with a layout that steps in `step`.
    #[must_use]
    pub fn run_time(&self, of: &Deadline, s: &Strategy, step: Seconds, (sequence, gpus_per_node): (u32, u32)) -> Seconds {
        let tokens = s.sequences() as f64 * f64::from(sequence);
        let steps = step * (of.tokens.get() / tokens).ceil();
        (of.calendar.0)(self.on_pools(s, gpus_per_node), step, steps)
    }

    /// How good a layout is that steps in `step`: less is better. It only rises with the time of a step, so that a bound on the
    /// time bounds it.
    #[must_use]
    pub fn score(&self, s: &Strategy, step: Seconds, sequence: u32, gpus_per_node: u32) -> f64 {
        let time = step.get() / s.sequences() as f64;
        match self.objective {
            Objective::Time => time,
            Objective::Cost => time * self.gpus(s),
            Objective::Energy => time * self.nodes(s, gpus_per_node),
            Objective::Deadline => {
                let sizes = (sequence, gpus_per_node);
                let whole = |of: &Deadline| self.run_time(of, s, step, sizes);
                let in_time = self.deadline.as_ref().is_none_or(|deadline| whole(deadline) <= deadline.within);
                if in_time { time * self.gpus(s) } else { LATE + time * LATE }
            }
        }
    }
}
