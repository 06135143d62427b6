//! Options of how a layout is chosen.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::plan::Request;
use crate::search::Objective;
use crate::units::Watts;

/// How the layout is chosen.
#[derive(Debug, Args)]
#[command(next_help_heading = "Choosing the layout")]
pub(super) struct Choice {
    /// What is made as small as it can be
    #[arg(long, value_enum, default_value_t = Goal::Time)]
    objective: Goal,
    /// Layouts named, the plan's own included
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
    /// Share of each GPU's memory that has to stay free, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=99))]
    headroom: u8,
    /// Largest share of a step that the busiest stage may wait for others, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    max_bubble: Option<u8>,
    /// Most power that the job's nodes may draw at the site's meter, such as `2 MW`
    #[arg(long, value_name = "POWER")]
    power_cap: Option<Watts>,
    /// Seconds after which the best layout so far is good enough; the plan says how much better another might be
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    time_limit: Option<u32>,
    /// Try every pipeline schedule, not only those that the job's framework has
    #[arg(long)]
    any_schedule: bool,
    /// Try every data type that the accelerator trains in, where the job names none
    #[arg(long)]
    any_precision: bool,
    /// Try tensor-parallel and expert communication overlapped and not, where the job leaves that open and its framework has both
    #[arg(long)]
    any_overlap: bool,
    /// Cost every layout that fits, whatever its bound: slow, and the same answer
    #[arg(long)]
    exhaustive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Goal {
    /// Time per token
    Time,
    /// GPU-hours per token, and so money
    Cost,
    /// Energy per token, of all nodes that the job occupies
    Energy,
    /// GPU-hours per token among the layouts that meet the job's deadline
    Deadline,
}

impl Choice {
    pub(super) fn request(&self) -> Request {
        let percent = |share: u8| f64::from(share) / 100.0;
        Request {
            objective: match self.objective {
                Goal::Time => Objective::Time,
                Goal::Cost => Objective::Cost,
                Goal::Energy => Objective::Energy,
                Goal::Deadline => Objective::Deadline,
            },
            top: usize::from(self.top),
            headroom: percent(self.headroom),
            most_bubble: self.max_bubble.map(percent),
            power_cap: self.power_cap,
            time_limit: self.time_limit.map(|seconds| Duration::from_secs(u64::from(seconds))),
            any_schedule: self.any_schedule,
            any_precision: self.any_precision,
            any_overlap: self.any_overlap,
            exhaustive: self.exhaustive,
            any_in_time: false,
        }
    }
}
