//! The items of a sweep: what is combined, and in which order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::calibration::Calibration;
use crate::catalog::Catalog;
use crate::diagnostic::Source;
use crate::spec::{Cluster, Workload};
use crate::units::{Currency, EnergyPrice, HourlyPrice};

/// Items of a sweep at most: what a merge holds in memory.
const MOST: u128 = 10_000_000;

/// A cluster file and what it means.
#[derive(Debug)]
pub struct ClusterInput {
    /// The file.
    pub source: Arc<Source>,
    /// The cluster.
    pub cluster: Cluster,
}

/// A workload file and what it means.
#[derive(Debug)]
pub struct WorkloadInput {
    /// What it is called: the name of its file without folder and suffix.
    pub name: String,
    /// The file.
    pub source: Arc<Source>,
    /// The workload.
    pub workload: Workload,
}

/// Everything that is combined. An axis of prices or nodes that is empty leaves what the files say.
#[derive(Debug)]
pub struct Space {
    /// The catalogue, with the user's entries.
    pub catalog: Cow<'static, Catalog>,
    /// The file of the user's entries.
    pub catalog_file: Option<Arc<Source>>,
    /// The user's profile, and its file.
    pub calibration: Option<(Calibration, Arc<Source>)>,
    /// Clusters.
    pub clusters: Vec<ClusterInput>,
    /// Workloads, of whose jobs each is planned.
    pub workloads: Vec<WorkloadInput>,
    /// Numbers of nodes.
    pub nodes: Vec<u32>,
    /// Prices of a GPU-hour.
    pub gpu_hours: Vec<HourlyPrice>,
    /// Prices of electricity.
    pub tariffs: Vec<EnergyPrice>,
}

/// One combination.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// Its place, from 0.
    pub index: usize,
    /// Place of its cluster.
    pub cluster: usize,
    /// Nodes, when not as in the file.
    pub nodes: Option<u32>,
    /// Place of its workload.
    pub workload: usize,
    /// Place of its job in the workload.
    pub job: usize,
    /// Price of a GPU-hour, when not as in the file.
    pub gpu_hour: Option<HourlyPrice>,
    /// Price of electricity, when not as in the file.
    pub tariff: Option<EnergyPrice>,
}

/// What cannot be combined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// Two inputs could not be told apart in the results.
    #[error("two {what} are called `{name}`: {first} and {second}; results name them, so give each a name of its own")]
    Name {
        /// Clusters or workloads.
        what: &'static str,
        /// Their name.
        name: String,
        /// The file of the first.
        first: String,
        /// The file of the second.
        second: String,
    },
    /// Node counts for a cluster of several pools.
    #[error("`--nodes` is for clusters of one pool, `{name}` has {pools}; write a cluster file for each number of nodes")]
    Pools {
        /// The cluster.
        name: String,
        /// How many it has.
        pools: usize,
    },
    /// The same price twice.
    #[error("`{option}` has {price} twice")]
    Twice {
        /// The option.
        option: &'static str,
        /// The price.
        price: String,
    },
    /// A currency that cannot be compared.
    #[error(
        "no exchange rate from {currency} to USD is known for cluster `{cluster}`; add `currencies: [{{code: {currency}, \
             usd: 1.0, date: 2026-11}}]` to its file, with the rate of a day"
    )]
    Currency {
        /// The currency.
        currency: Currency,
        /// The cluster.
        cluster: String,
    },
    /// More than can be planned.
    #[error("{0} items are more than {MOST}; sweep over parts of them")]
    Size(u128),
}

impl Space {
    /// Checks that the items can be told apart, compared and counted.
    ///
    /// # Errors
    /// The first thing that is in the way.
    pub fn check(&self) -> Result<(), SpaceError> {
        let clusters = self.clusters.iter().map(|input| (input.cluster.name.as_str(), input.source.name()));
        distinct("clusters", clusters)?;
        distinct("workloads", self.workloads.iter().map(|input| (input.name.as_str(), input.source.name())))?;
        for ClusterInput { cluster, .. } in &self.clusters {
            if !self.nodes.is_empty() && cluster.pools.len() != 1 {
                return Err(SpaceError::Pools { name: cluster.name.clone(), pools: cluster.pools.len() });
            }
            let hours = self.gpu_hours.iter().map(|price| price.per_unit().currency());
            let energy = self.tariffs.iter().map(|price| price.per_unit().currency());
            if let Some(currency) = hours.chain(energy).find(|code| cluster.usd_rate(*code, &self.catalog).is_none()) {
                return Err(SpaceError::Currency { currency, cluster: cluster.name.clone() });
            }
        }
        if let Some(price) = twice(&self.gpu_hours) {
            return Err(SpaceError::Twice { option: "--gpu-hour", price: price.to_string() });
        }
        if let Some(price) = twice(&self.tariffs) {
            return Err(SpaceError::Twice { option: "--tariff", price: price.to_string() });
        }
        let all = [self.clusters.len(), self.nodes.len().max(1), self.jobs(), self.prices()];
        let items = all.iter().map(|length| *length as u128).product();
        if items > MOST { Err(SpaceError::Size(items)) } else { Ok(()) }
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sites() * self.jobs() * self.prices()
    }

    /// Whether there is nothing to plan.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Clusters times numbers of nodes: what a topology is made of.
    pub(super) fn sites(&self) -> usize {
        self.clusters.len() * self.nodes.len().max(1)
    }

    /// Jobs of all workloads.
    pub(super) fn jobs(&self) -> usize {
        self.workloads.iter().map(|input| input.workload.jobs.len()).sum()
    }

    /// Prices of GPU-hours times those of electricity: items that share a plan.
    pub(super) fn prices(&self) -> usize {
        self.gpu_hours.len().max(1) * self.tariffs.len().max(1)
    }

    /// The item at a place. Tariffs vary fastest, then prices of a GPU-hour, jobs, numbers of nodes, and clusters.
    #[must_use]
    pub fn item(&self, index: usize) -> Option<Item> {
        let (rest, tariff) = digit(index, &self.tariffs);
        let (rest, gpu_hour) = digit(rest, &self.gpu_hours);
        let (rest, mut job) = (rest.checked_div(self.jobs())?, rest.checked_rem(self.jobs())?);
        let (cluster, nodes) = digit(rest, &self.nodes);
        if cluster >= self.clusters.len() {
            return None;
        }
        let workload = self.workloads.iter().position(|input| {
            let jobs = input.workload.jobs.len();
            let here = job < jobs;
            job -= if here { 0 } else { jobs };
            here
        })?;
        Some(Item { index, cluster, nodes, workload, job, gpu_hour, tariff })
    }
}

/// Splits a number into what is left and the entry of an axis; an empty axis has one entry, none.
fn digit<T: Copy>(number: usize, axis: &[T]) -> (usize, Option<T>) {
    let length = axis.len().max(1);
    (number / length, axis.get(number % length).copied())
}

fn distinct<'a>(what: &'static str, named: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), SpaceError> {
    let mut seen = BTreeMap::new();
    for (name, file) in named {
        if let Some(first) = seen.insert(name, file) {
            return Err(SpaceError::Name { what, name: name.into(), first: first.into(), second: file.into() });
        }
    }
    Ok(())
}

fn twice<T: PartialEq>(axis: &[T]) -> Option<&T> {
    axis.iter().enumerate().find_map(|(i, price)| axis[..i].contains(price).then_some(price))
}
