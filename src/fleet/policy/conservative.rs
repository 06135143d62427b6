//! Conservative backfill.

use super::Policy;
use super::rules::by;
use crate::fleet::availability::{Profile, Share};
use crate::fleet::placement::{Allocation, Placer};
use crate::fleet::{Demand, Job, Moment, State};

/// In order of arrival. Every waiting job is promised the earliest start that those ahead of it leave; one is started when its promise
/// is now.
///
/// Promises are made of GPUs counted by pool. Where the nodes that are free do not go together, or are promised to a window, a job
/// keeps its turn and waits. They are made anew at every instant, so that jobs that end early move everybody forward.
///
/// A. W. Mu'alem and D. G. Feitelson, IEEE TPDS 12(6), 2001, section 2.
pub(super) struct Conservative;

impl<P: Placer> Policy<P> for Conservative {
    fn order(&self, jobs: &[Job], _: &[Moment]) -> Vec<u32> {
        by(jobs, |_| ())
    }

    fn looks_ahead(&self) -> bool {
        true
    }

    fn pass(&mut self, state: &mut State<'_, P>) {
        let now = state.now();
        let next = now + Moment::from_millis(1);
        let mut profile = ahead(state);
        for job in state.queues[0].in_order() {
            if state.supply.free(&Demand::of(0)) == 0 {
                // Nobody else starts now, and promises are made anew next time.
                return;
            }
            let (least, time) = (state.jobs[job as usize].demand.least, state.estimate(job));
            let promise = |profile: &Profile, from| profile.earliest(&state.jobs[job as usize].demand, least, from, time);
            let Some((mut at, mut shares)) = promise(&profile, now) else { continue };
            if at == now && state.start(job) {
                let shares = state.allocation(job).map(|held| by_pool(state, held)).unwrap_or_default();
                profile.reserve(now, now + time, &shares);
                continue;
            }
            if at == now {
                let Some(later) = promise(&profile, next) else { continue };
                (at, shares) = later;
            }
            profile.reserve(at, at + time, &shares);
        }
    }
}

/// Free GPUs as running jobs end.
fn ahead<P: Placer>(state: &State<'_, P>) -> Profile {
    let free = |pool: usize| state.supply.free(&Demand { pools: vec![pool as u16], ..Demand::of(0) });
    let mut profile = Profile::new(state.now(), (0..state.supply.placer.pools()).map(free).collect());
    for (end, job) in state.expected_ends() {
        if let Some(held) = state.allocation(job) {
            profile.release(end.max(state.now() + Moment::from_millis(1)), &by_pool(state, held));
        }
    }
    profile
}

fn by_pool<P: Placer>(state: &State<'_, P>, held: &Allocation) -> Vec<Share> {
    held.slots.as_slice().iter().map(|slot| (usize::from(state.supply.placer.pool_of(slot.at)), slot.gpus)).collect()
}
