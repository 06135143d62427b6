//! What a portfolio says of the site: nodes kept for maintenance and reservations, spares, caps of power.

use std::ops::Range;

use fixedbitset::FixedBitSet;

use super::site::idle;
use super::{Moment, Window};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::spec::{Cluster, Portfolio};
use crate::units::{Nodes, Seconds, Watts};

/// Caps of power from the start on: the site's limit and, where it is lower, that of the time.
pub(super) fn caps(cluster: &Cluster, portfolio: Option<&Portfolio>) -> Vec<(Moment, f64)> {
    let limit = cluster.power.site_limit.map_or(f64::INFINITY, Watts::get);
    let times: Vec<(Moment, Moment, f64)> = portfolio
        .map(|portfolio| &portfolio.file().power_caps)
        .into_iter()
        .flatten()
        .map(|cap| (Moment::from(cap.from), Moment::from(cap.from + cap.lasts), cap.cap.get()))
        .collect();
    let mut edges: Vec<Moment> = times.iter().flat_map(|(from, until, _)| [*from, *until]).collect();
    edges.push(Moment::ZERO);
    edges.sort_unstable();
    edges.dedup();
    let lowest = |at: Moment| {
        let during = times.iter().filter(|(from, until, _)| *from <= at && at < *until);
        during.map(|(_, _, watts)| *watts).fold(limit, f64::min)
    };
    let caps: Vec<(Moment, f64)> = edges.into_iter().map(|at| (at, lowest(at))).collect();
    if caps.iter().all(|(_, watts)| watts.is_infinite()) { Vec::new() } else { caps }
}

/// Maintenance and reservations as nodes and jobs.
///
/// # Errors
/// Pools and nodes that are not there, caps that nothing could run under, spares that leave no node.
pub(super) fn check(cluster: &Cluster, portfolio: &Portfolio) -> Result<Vec<Window>, Vec<Diagnostic>> {
    let idle = idle(cluster);
    let mut reader = Reader { cluster, portfolio, errors: Vec::new() };
    let mut windows = reader.maintenance();
    windows.extend(reader.reservations());
    for (i, cap) in portfolio.file().power_caps.iter().enumerate().filter(|(_, cap)| cap.cap < idle) {
        let message = format!("the cap is below the {idle} that `{}` draws when idle", cluster.name);
        let error = portfolio.error(("power-caps", i), "cap", Code::OutOfRange, message);
        reader.errors.push(error.help(format!("write more than {idle}, not {}", cap.cap)));
    }
    let least = cluster.pools.iter().min_by_key(|pool| pool.nodes);
    if let Some(pool) = least.filter(|pool| portfolio.spares >= pool.nodes) {
        let message =
            format!("{} spares leave none of the {} nodes of pool {}", portfolio.spares, pool.nodes, quoted(&pool.name));
        reader.errors.push(portfolio.spares_error(Code::OutOfRange, message).help("keep fewer nodes ready"));
    }
    if reader.errors.is_empty() { Ok(windows) } else { Err(reader.errors) }
}

struct Reader<'a> {
    cluster: &'a Cluster,
    portfolio: &'a Portfolio,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn maintenance(&mut self) -> Vec<Window> {
        let mut all = Vec::new();
        for (i, window) in self.portfolio.file().maintenance.iter().enumerate() {
            let place = ("maintenance", i);
            let Some(pool) = self.pool(place, window.pool.as_ref()) else { continue };
            let pools = pool.map_or_else(|| (0..self.cluster.pools.len()).collect::<Vec<_>>(), |pool| vec![pool]);
            let most = pools.iter().map(|pool| self.cluster.pools[*pool].nodes).max().unwrap_or(0);
            if window.nodes.is_some_and(|nodes| !self.has(place, nodes, most)) {
                continue;
            }
            let mut nodes = self.none();
            for own in pools.into_iter().map(|pool| self.range(pool)) {
                let count = window.nodes.map_or(own.len(), |nodes| nodes.get() as usize).min(own.len());
                nodes.insert_range(own.end - count..own.end);
            }
            all.push(promise(&window.name, (window.from, window.lasts), nodes, FixedBitSet::new()));
        }
        all
    }

    fn reservations(&mut self) -> Vec<Window> {
        let file = self.portfolio.file();
        let mut all = Vec::new();
        for (i, window) in file.reservations.iter().enumerate() {
            let place = ("reservations", i);
            let Some(pool) = self.pool(place, window.pool.as_ref()) else { continue };
            let own = self.range(pool.unwrap_or(0));
            if !self.has(place, window.nodes, own.len() as u32) {
                continue;
            }
            let mut nodes = self.none();
            nodes.insert_range(own.start..own.start + window.nodes.get() as usize);
            let named = |name: &String| file.jobs.iter().position(|job| job.name == *name);
            let jobs: FixedBitSet = window.jobs.iter().filter_map(named).collect();
            all.push(promise(&window.name, (window.from, window.lasts), nodes, jobs));
        }
        all
    }

    /// The place of a pool, where one is named; nothing when it is not there.
    #[expect(clippy::option_option, reason = "no pool is named, or one that is not there")]
    fn pool(&mut self, place: (&str, usize), name: Option<&String>) -> Option<Option<usize>> {
        let Some(name) = name else { return Some(None) };
        let found = self.cluster.pools.iter().position(|pool| pool.name == *name);
        if found.is_none() {
            let message = format!("cluster `{}` has no pool {}", self.cluster.name, quoted(name));
            self.errors.push(self.portfolio.error(place, "pool", Code::UnknownPool, message));
        }
        found.map(Some)
    }

    fn has(&mut self, place: (&str, usize), nodes: Nodes, most: u32) -> bool {
        let fits = nodes.get() <= f64::from(most);
        if !fits {
            let message = format!("{} nodes are kept, the pool has {most}", nodes.get());
            self.errors.push(self.portfolio.error(place, "nodes", Code::GpuCount, message).help("keep fewer"));
        }
        fits
    }

    /// Nodes of a pool, counted over all pools.
    fn range(&self, pool: usize) -> Range<usize> {
        let first: u32 = self.cluster.pools[..pool].iter().map(|pool| pool.nodes).sum();
        first as usize..(first + self.cluster.pools[pool].nodes) as usize
    }

    fn none(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.range(self.cluster.pools.len() - 1).end)
    }
}

fn promise(name: &str, (from, lasts): (Seconds, Seconds), nodes: FixedBitSet, jobs: FixedBitSet) -> Window {
    Window { name: name.to_owned(), from: Moment::from(from), until: Moment::from(from + lasts), nodes, jobs }
}
