//! How the layout of a plan is chosen.

use std::time::Duration;

use super::Refusal;
use crate::diagnostic::Code;
use crate::search::{Account, Deadline, Objective, Wanted};
use crate::spec::{Job, Workload};

/// What a plan's layout has to be, beyond what the job says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// What is made as small as it can be.
    pub objective: Objective,
    /// Layouts named, the plan's own included.
    pub top: usize,
    /// Share of an accelerator's memory that has to stay free.
    pub headroom: f64,
    /// Largest share of a step that the busiest stage may wait for others.
    pub most_bubble: Option<f64>,
    /// Time after which the best so far is good enough.
    pub time_limit: Option<Duration>,
    /// Whether schedules are tried that the job's framework does not have.
    pub any_schedule: bool,
    /// Whether every layout that fits is costed, whatever its bound.
    pub exhaustive: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            objective: Objective::Time,
            top: 3,
            headroom: 0.0,
            most_bubble: None,
            time_limit: None,
            any_schedule: false,
            exhaustive: false,
        }
    }
}

impl Request {
    /// Says that layouts fit, and none is as asked.
    pub(super) fn refuse(&self, account: &Account, workload: &Workload, job: &Job) -> Refusal {
        let message = format!("{} layouts of `{}` fit, none as asked", account.unwanted, job.name);
        let mut asked = Vec::new();
        if self.headroom > 0.0 {
            asked.push(format!("`--headroom` below {:.0}", self.headroom * 100.0));
        }
        if let Some(most) = self.most_bubble {
            asked.push(format!("`--max-bubble` above {:.0}", most * 100.0));
        }
        let error = workload.error(job, "parallelism", Code::NoLayout, message).help(format!("use {}", asked.join(", or ")));
        Refusal::No(Box::new(error))
    }

    /// The same for the search of a job's layouts.
    pub(super) fn wanted(&self, job: &Job) -> Wanted {
        Wanted {
            objective: self.objective,
            deadline: job.tokens.zip(job.deadline).map(|(tokens, within)| Deadline { tokens, within }),
            headroom: self.headroom,
            most_memory: None,
            most_bubble: self.most_bubble,
            top: self.top,
            time_limit: self.time_limit,
            exhaustive: self.exhaustive,
        }
    }
}
