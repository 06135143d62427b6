//! What policies share: orders, strict and skipping service, and backfill around a job that waits.

use crate::fleet::placement::{Ask, Placer};
use crate::fleet::supply::Supply;
use crate::fleet::{Job, Moment, State};

/// Jobs by a key, then by arrival, then by their place in the list.
pub(super) fn by<K: Ord>(jobs: &[Job], key: impl Fn(u32) -> K) -> Vec<u32> {
    let mut order: Vec<u32> = (0..jobs.len() as u32).collect();
    order.sort_by_key(|job| (key(*job), jobs[*job as usize].arrival));
    order
}

/// Starts jobs in order until one does not fit, and says which.
pub(super) fn strict<P: Placer>(state: &mut State<'_, P>) -> Option<u32> {
    while let Some(job) = state.head() {
        if !state.start(job) {
            return Some(job);
        }
    }
    None
}

/// Starts every job that fits, in order.
pub(super) fn skip<P: Placer>(state: &mut State<'_, P>) {
    let mut after = None;
    while let Some(job) = state.queues[0].next(after, |demand| state.might_fit(demand).then_some(Moment::NEVER)) {
        state.start(job);
        after = Some(job);
    }
}

/// Starts jobs in order until one does not fit, then those behind it that do not delay it.
pub(super) fn backfill<P: Placer>(state: &mut State<'_, P>) {
    let Some(head) = strict(state) else { return };
    let mut shadow = Shadow::of(state, head);
    let mut after = Some(head);
    while let Some(job) = shadow.next(state, 0, after) {
        shadow.start(state, job);
        after = Some(job);
    }
}

/// The start that a waiting job is promised: the instant at which enough running jobs have ended and no window or cap is in the way, and
/// what is left over then.
///
/// A. W. Mu'alem and D. G. Feitelson, *Utilization, Predictability, Workloads, and User Runtime Estimates in Scheduling the IBM SP2
/// with Backfilling*, IEEE TPDS 12(6), 2001.
pub(super) struct Shadow<P> {
    /// When the job is promised to start.
    at: Moment,
    /// What is free then, the job started.
    then: Supply<P>,
}

impl<P: Placer> Shadow<P> {
    /// The promise of `head`, which does not fit now.
    pub(super) fn of(state: &State<'_, P>, head: u32) -> Self {
        let demand = &state.jobs[head as usize].demand;
        let estimate = state.estimate(head);
        let mut then = state.supply.clone();
        let mut ends = state.expected_ends().peekable();
        let mut edges = state.edges().peekable();
        // When jobs end, windows begin or end, or caps change: all that happens at one instant has happened at it.
        while let Some(at) = [ends.peek().map(|(end, _)| *end), edges.peek().copied()].into_iter().flatten().min() {
            while let Some((_, job)) = ends.next_if(|(end, _)| *end <= at) {
                if let Some(allocation) = state.allocation(job) {
                    then.give(allocation);
                }
            }
            while edges.next_if(|edge| *edge <= at).is_some() {}
            // A job that overruns its limit may end any time.
            let at = at.max(state.now() + Moment::from_millis(1));
            let ask = Ask { job: head, demand, gpus: demand.least, from: at, until: at + estimate };
            if then.take(&ask).is_some() {
                return Self { at, then };
            }
        }
        // Not even an empty cluster has room, until it changes: nobody is in the way.
        Self { at: Moment::NEVER, then }
    }

    /// The next job of a queue that may start now without delaying the promise.
    pub(super) fn next(&self, state: &State<'_, P>, queue: usize, after: Option<u32>) -> Option<u32> {
        let until = self.at.since(state.now());
        state.queues[queue].next(after, |demand| {
            let left = demand.least <= self.then.free(demand);
            state.might_fit(demand).then_some(if left { Moment::NEVER } else { until })
        })
    }

    /// Starts a job if it delays nobody.
    pub(super) fn start(&mut self, state: &mut State<'_, P>, job: u32) -> bool {
        let estimate = state.estimate(job);
        if self.at == Moment::NEVER || state.now() + estimate <= self.at {
            return state.start(job);
        }
        let Some(allocation) = state.take(job) else { return false };
        let ask = Ask {
            job,
            demand: &state.jobs[job as usize].demand,
            gpus: allocation.gpus,
            from: self.at,
            until: state.now() + estimate,
        };
        if self.then.hold(&allocation, &ask) {
            state.begin(job, allocation);
            true
        } else {
            state.supply.give(&allocation);
            false
        }
    }
}
