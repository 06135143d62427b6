//! What there is to give: GPUs in places, and power to run them.

use super::placement::{Allocation, Ask, Placer};
use super::{Demand, Power};

/// Free GPUs and power.
#[derive(Debug, Clone)]
pub struct Supply<P> {
    /// The GPUs.
    pub placer: P,
    /// The power.
    pub power: Power,
}

impl<P: Placer> Supply<P> {
    /// Whether so many GPUs can be given and run.
    #[must_use]
    pub fn fits(&self, ask: &Ask<'_>) -> bool {
        if !self.placer.fits(ask) {
            return false;
        }
        // Without a cap it does not matter which.
        self.power.caps.is_empty() || self.clone().take(ask).is_some()
    }

    /// Gives GPUs, if they are there and may run.
    pub fn take(&mut self, ask: &Ask<'_>) -> Option<Allocation> {
        let allocation = self.placer.take(ask)?;
        if !self.power.allows(self.by_pool(&allocation), ask.from, ask.until) {
            self.placer.give(&allocation);
            return None;
        }
        self.count(&allocation);
        Some(allocation)
    }

    /// Gives exactly these GPUs, if they are free and may run as `ask` says.
    pub fn hold(&mut self, allocation: &Allocation, ask: &Ask<'_>) -> bool {
        if !self.power.allows(self.by_pool(allocation), ask.from, ask.until) || !self.placer.hold(allocation) {
            return false;
        }
        self.count(allocation);
        true
    }

    /// Takes GPUs back.
    pub fn give(&mut self, allocation: &Allocation) {
        self.placer.give(allocation);
        for slot in allocation.slots.as_slice() {
            self.power.remove(self.placer.pool_of(slot.at), slot.gpus);
        }
    }

    /// Free GPUs for a demand, whether they may run or not.
    #[must_use]
    pub fn free(&self, demand: &Demand) -> u32 {
        self.placer.free(demand)
    }

    fn by_pool<'a>(&'a self, allocation: &'a Allocation) -> impl Iterator<Item = (u16, u32)> + 'a {
        allocation.slots.as_slice().iter().map(|slot| (self.placer.pool_of(slot.at), slot.gpus))
    }

    fn count(&mut self, allocation: &Allocation) {
        for slot in allocation.slots.as_slice() {
            self.power.add(self.placer.pool_of(slot.at), slot.gpus);
        }
    }
}
