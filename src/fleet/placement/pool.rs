//! GPUs counted by pool.

use super::{Allocation, Ask, Placer, Slot, Slots, Spread};
use crate::fleet::Demand;

/// Free GPUs of every pool.
#[derive(Debug, Clone)]
pub struct Pool {
    free: Vec<u32>,
}

impl Pool {
    /// Pools of so many GPUs.
    #[must_use]
    pub fn new(gpus: &[u32]) -> Self {
        Self { free: gpus.to_vec() }
    }

    /// The first pool with room, in the order of the demand.
    fn one(&self, ask: &Ask<'_>) -> Option<usize> {
        let has_room = |pool: &usize| self.free.get(*pool).is_some_and(|free| *free >= ask.gpus);
        match ask.demand.pools.as_slice() {
            [] => (0..self.free.len()).find(has_room),
            pools => pools.iter().map(|pool| usize::from(*pool)).find(has_room),
        }
    }
}

impl Placer for Pool {
    fn fits(&self, ask: &Ask<'_>) -> bool {
        self.one(ask).is_some() || ask.demand.across && self.free(ask.demand) >= ask.gpus
    }

    fn take(&mut self, ask: &Ask<'_>) -> Option<Allocation> {
        if let Some(pool) = self.one(ask) {
            self.free[pool] -= ask.gpus;
            return Some(Allocation { gpus: ask.gpus, slots: Slots::One(Slot { at: pool as u32, gpus: ask.gpus }) });
        }
        if !self.fits(ask) {
            return None;
        }
        let mut left = ask.gpus;
        let mut slots = Vec::new();
        for pool in allowed(ask.demand, self.free.len()) {
            let gpus = self.free[pool].min(left);
            if gpus > 0 {
                (self.free[pool], left) = (self.free[pool] - gpus, left - gpus);
                slots.push(Slot { at: pool as u32, gpus });
            }
        }
        Some(Allocation::new(slots))
    }

    fn hold(&mut self, allocation: &Allocation) -> bool {
        let slots = allocation.slots.as_slice();
        if slots.iter().any(|slot| self.free[slot.at as usize] < slot.gpus) {
            return false;
        }
        for slot in slots {
            self.free[slot.at as usize] -= slot.gpus;
        }
        true
    }

    fn give(&mut self, allocation: &Allocation) {
        for slot in allocation.slots.as_slice() {
            self.free[slot.at as usize] += slot.gpus;
        }
    }

    fn free(&self, demand: &Demand) -> u32 {
        allowed(demand, self.free.len()).map(|pool| self.free[pool]).sum()
    }

    fn down(&mut self, _: u32) {}

    fn up(&mut self, _: u32) {}

    fn node_of(&self, _: u32) -> Option<u32> {
        None
    }

    fn pools(&self) -> usize {
        self.free.len()
    }

    fn pool_of(&self, place: u32) -> u16 {
        place as u16
    }

    fn spread(&self, _: &Allocation) -> Spread {
        Spread::Leaf
    }

    fn fragmentation(&self) -> f64 {
        0.0
    }
}

/// Pools that a demand may use, the preferred one first.
pub(super) fn allowed(demand: &Demand, pools: usize) -> impl Iterator<Item = usize> {
    let named = demand.pools.iter().map(|pool| usize::from(*pool)).filter(move |pool| *pool < pools);
    let all = if demand.pools.is_empty() { 0..pools } else { 0..0 };
    named.chain(all)
}
