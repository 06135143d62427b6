//! How the layout of a plan is chosen.

use std::time::Duration;

use super::Refusal;
use crate::diagnostic::Code;
use crate::run::{Resilience, node_power};
use crate::search::{Account, Calendar, Deadline, Objective, Wanted};
use crate::spec::{Cluster, Job, Workload};
use crate::step::Setup;
use crate::units::Watts;

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
    /// Most power that the job's nodes may draw at the site's meter.
    pub power_cap: Option<Watts>,
    /// Time after which the best so far is good enough.
    pub time_limit: Option<Duration>,
    /// Whether schedules are tried that the job's framework does not have.
    pub any_schedule: bool,
    /// Whether every data type that the accelerator trains in is tried, where the job names none.
    pub any_precision: bool,
    /// Whether communication of tensor and expert parallelism is tried overlapped and not, where the job leaves that open and the
    /// framework has both.
    pub any_overlap: bool,
    /// Whether every layout that fits is costed, whatever its bound.
    pub exhaustive: bool,
    /// Whether any layout that meets the job's deadline is as good as the best, see [`Wanted::any_in_time`].
    pub any_in_time: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            objective: Objective::Time,
            top: 3,
            headroom: 0.0,
            most_bubble: None,
            power_cap: None,
            time_limit: None,
            any_schedule: false,
            any_precision: false,
            any_overlap: false,
            exhaustive: false,
            any_in_time: false,
        }
    }
}

impl Request {
    /// Says that layouts fit, and none is as asked.
    pub(super) fn refuse(&self, account: &Account, workload: &Workload, job: &Job) -> Refusal {
        let message = format!("{} layouts of `{}` could be, and none is as asked", account.unwanted, job.name);
        let mut asked = Vec::new();
        if self.headroom > 0.0 {
            asked.push(format!("`--headroom` below {:.0}", self.headroom * 100.0));
        }
        if let Some(most) = self.most_bubble {
            asked.push(format!("`--max-bubble` above {:.0}", most * 100.0));
        }
        if self.power_cap.is_some() {
            asked.push("a larger `--power-cap`".to_owned());
        }
        let error = workload.error(job, "parallelism", Code::NoLayout, message).help(format!("use {}", asked.join(", or ")));
        Refusal::No(Box::new(error))
    }

    /// Nodes of the job's first pool that the power cap allows, in whole ones on one pool.
    ///
    /// # Errors
    /// When it does not allow a single node.
    pub(super) fn most_nodes(
        &self,
        cluster: &Cluster,
        setup: &Setup<'_>,
        (workload, job): (&Workload, &Job),
    ) -> Result<Option<f64>, Refusal> {
        let Some(cap) = self.power_cap else { return Ok(None) };
        let node = node_power(cluster, setup.pool);
        if cap < node {
            let message = format!("`{}` may draw {cap}, a node draws {node} while training", job.name);
            let error = workload.error(job, "name", Code::NoLayout, message);
            return Err(Refusal::No(Box::new(error.help(format!("use `--power-cap` of {node} or more")))));
        }
        Ok(Some(cap / node))
    }

    /// The same for the search of a job's layouts.
    pub(super) fn wanted(&self, job: &Job, resilience: Resilience) -> Wanted {
        let calendar = Calendar::new(move |nodes, step, steps| resilience.calendar(nodes, step, steps));
        Wanted {
            objective: self.objective,
            deadline: job.tokens.zip(job.deadline).map(|(tokens, within)| Deadline { tokens, within, calendar }),
            headroom: self.headroom,
            most_bubble: self.most_bubble,
            top: self.top,
            time_limit: self.time_limit,
            exhaustive: self.exhaustive,
            beside: None,
            any_in_time: self.any_in_time,
        }
    }
}
