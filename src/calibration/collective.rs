//! Latency and bandwidth of collectives, by link, operation and size of the group.

use super::file::{CollectiveRow, File};
use crate::catalog::Sourced;
use crate::units::Seconds;

/// What a collective does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Sum over all, result to all.
    AllReduce,
    /// Everybody's part to all.
    AllGather,
    /// Sum over all, a part to each.
    ReduceScatter,
    /// A part from each to each.
    AllToAll,
    /// One to another.
    PointToPoint,
}

impl Operation {
    /// The name in the calibration file and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllReduce => "all-reduce",
            Self::AllGather => "all-gather",
            Self::ReduceScatter => "reduce-scatter",
            Self::AllToAll => "all-to-all",
            Self::PointToPoint => "point-to-point",
        }
    }
}

/// Constants of one collective on one link.
#[derive(Debug, Clone)]
pub struct CollectiveCurve {
    /// Share of the link's bandwidth that large messages reach.
    pub efficiency: Sourced<f64>,
    /// Share of a wire byte that a byte of one's own part costs.
    pub own_share: f64,
    /// Latency of a step.
    pub latency: Seconds,
    /// Fixed time.
    pub base: Seconds,
    /// What filling the pipeline of chunks costs; the steps' latency when absent.
    pub ramp: Option<Seconds>,
}

impl From<&CollectiveRow> for CollectiveCurve {
    fn from(row: &CollectiveRow) -> Self {
        Self {
            efficiency: Sourced::new(row.efficiency, row.origin.into(), row.source.clone()),
            own_share: row.own_share,
            latency: row.latency,
            base: row.base,
            ramp: row.ramp,
        }
    }
}

fn suits(row: &CollectiveRow, operation: &str, ranks: u32) -> bool {
    (row.operation == operation || row.operation == "any")
        && row.min_ranks.is_none_or(|least| ranks >= least)
        && row.max_ranks.is_none_or(|most| ranks <= most)
}

pub(super) fn find(file: &File, link: &str, operation: Operation, ranks: u32) -> CollectiveCurve {
    let operation = operation.as_str();
    let same_link = |row: &&CollectiveRow| row.link.as_deref() == Some(link) && suits(row, operation, ranks);
    let row = file
        .collectives
        .iter()
        .find(same_link)
        .or_else(|| file.collective_default.iter().find(|row| suits(row, operation, ranks)))
        .or_else(|| file.collective_default.first());
    row.map_or_else(last_resort, CollectiveCurve::from)
}

/// The reduction in the switch; of several entries, the one for the largest groups that still holds.
pub(super) fn in_switch(file: &File, link: &str, ranks: u32) -> Option<CollectiveCurve> {
    file.collectives
        .iter()
        .filter(|row| {
            row.link.as_deref() == Some(link) && row.operation == "all-reduce-in-switch" && suits(row, &row.operation, ranks)
        })
        .max_by_key(|row| row.min_ranks)
        .map(CollectiveCurve::from)
}

/// The entry for exactly so many nodes, else the general one, else the all-reduce of the same link, else its family's.
pub(super) fn find_scale_out(file: &File, link: &str, operation: Operation, nodes: u32) -> CollectiveCurve {
    let operation = operation.as_str();
    let of = |operation: &str, exact: bool| {
        file.scale_out.iter().find(|row| {
            let holds = if exact { row.nodes == Some(nodes) } else { row.nodes.is_none() };
            row.link.as_deref() == Some(link) && row.operation == operation && !row.forced && holds
        })
    };
    let family = |wanted: &str| {
        file.scale_out_default.iter().find(|row| {
            (row.operation == wanted || row.operation == "any" && wanted != "all-to-all")
                && row.families.iter().any(|family| family == "any" || link.starts_with(family.as_str()))
        })
    };
    let row = of(operation, true)
        .or_else(|| of(operation, false))
        .or_else(|| if operation == "all-to-all" { family(operation) } else { of("all-reduce", false) })
        .or_else(|| family(operation))
        .or_else(|| file.scale_out_default.last());
    row.map_or_else(last_resort, CollectiveCurve::from)
}

/// A file without defaults, which no test lets pass, still gives a finite answer.
fn last_resort() -> CollectiveCurve {
    CollectiveCurve {
        efficiency: Sourced::new(0.75, crate::catalog::Provenance::Assumed, "no entry"),
        own_share: 0.0,
        latency: Seconds::new(5e-6),
        base: Seconds::new(20e-6),
        ramp: None,
    }
}
