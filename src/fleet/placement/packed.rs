//! Jobs packed into nodes, and nodes chosen by their place on the fabric.
//!
//! A job that fits into an atom (a node, or a scale-up domain of one) goes into the fullest that has room, the first of equals. A larger
//! one takes whole free atoms and, for what is left over, one best fit. Those come from the innermost group that has them: of the
//! leaves with enough, the one with the fewest free; else of the pods; else from as few pods and leaves as possible, emptiest first.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use super::pool::allowed;
use super::{Allocation, Ask, Atom, Map, Placement, Placer, Slot, Spread};
use crate::fleet::{Demand, Windows};

/// Free GPUs of every atom.
#[derive(Debug, Clone)]
pub struct Packed {
    map: Arc<Map>,
    windows: Arc<Windows>,
    /// GPUs of an atom, by pool.
    sizes: Vec<u32>,
    free: Vec<u32>,
    /// Of every pool, the atoms in use by how many GPUs of them are free.
    by_free: Vec<Vec<FixedBitSet>>,
    /// Reasons for each node to be out of use.
    down: Vec<u8>,
}

impl Packed {
    /// A cluster with all GPUs free.
    #[must_use]
    pub fn new(map: Arc<Map>, windows: Arc<Windows>) -> Self {
        let mut sizes = vec![0; map.pools];
        for atom in &map.atoms {
            let size = &mut sizes[usize::from(atom.pool)];
            *size = atom.gpus.max(*size);
        }
        let empty = FixedBitSet::with_capacity(map.atoms.len());
        let mut by_free: Vec<Vec<FixedBitSet>> = sizes.iter().map(|size| vec![empty.clone(); *size as usize + 1]).collect();
        let free: Vec<u32> = map.atoms.iter().map(|atom| atom.gpus).collect();
        for (i, atom) in map.atoms.iter().enumerate() {
            by_free[usize::from(atom.pool)][atom.gpus as usize].insert(i);
        }
        let down = vec![0; map.nodes as usize];
        Self { map, windows, sizes, free, by_free, down }
    }

    fn set(&mut self, atom: usize, free: u32) {
        let Atom { pool, node, .. } = self.map.atoms[atom];
        if self.down[node as usize] == 0 {
            let sets = &mut self.by_free[usize::from(pool)];
            sets[self.free[atom] as usize].set(atom, false);
            sets[free as usize].insert(atom);
        }
        self.free[atom] = free;
    }

    /// The atoms of a pool by their free GPUs, without those that are promised to others.
    fn usable(&self, pool: usize, ask: &Ask<'_>) -> Cow<'_, [FixedBitSet]> {
        let mut against = self.windows.against(ask.job, ask.from, ask.until).peekable();
        if against.peek().is_none() {
            return Cow::Borrowed(&self.by_free[pool]);
        }
        let mut sets = self.by_free[pool].clone();
        for window in against {
            for set in &mut sets {
                let blocked: Vec<usize> =
                    set.ones().filter(|atom| window.nodes.contains(self.map.atoms[*atom].node as usize)).collect();
                for atom in blocked {
                    set.set(atom, false);
                }
            }
        }
        Cow::Owned(sets)
    }

    /// Whether a pool has room.
    fn has_room(&self, pool: usize, gpus: u32, ask: &Ask<'_>) -> bool {
        let size = self.sizes[pool];
        let sets = self.usable(pool, ask);
        if gpus <= size {
            return sets[gpus as usize..].iter().any(|set| !set.is_clear());
        }
        let (atoms, rest) = ((gpus / size) as usize, gpus % size);
        let whole = sets[size as usize].count_ones(..);
        let has_rest = || rest == 0 || whole > atoms || sets[rest as usize..size as usize].iter().any(|set| !set.is_clear());
        whole >= atoms && has_rest()
    }

    /// Places of a pool for so many GPUs.
    fn choose(&self, pool: usize, gpus: u32, ask: &Ask<'_>) -> Option<Vec<Slot>> {
        let size = self.sizes[pool];
        let sets = self.usable(pool, ask);
        if gpus <= size {
            let at = fullest(&sets, gpus, |_| true)?;
            return Some(vec![Slot { at, gpus }]);
        }
        let (atoms, rest) = ((gpus / size) as usize, gpus % size);
        let whole: Vec<u32> = sets[size as usize].ones().map(|atom| atom as u32).collect();
        let complete = |mut chosen: Vec<u32>, inside: &dyn Fn(u32) -> bool| -> Option<Vec<Slot>> {
            chosen.truncate(atoms);
            let rest = match rest {
                0 => None,
                rest => Some(Slot { at: fullest(&sets, rest, |atom| inside(atom) && !chosen.contains(&atom))?, gpus: rest }),
            };
            let whole = chosen.iter().map(|at| Slot { at: *at, gpus: size });
            (chosen.len() == atoms).then(|| whole.chain(rest).collect())
        };
        for level in levels(self.map.placement) {
            let group = |atom: u32| level(&self.map.atoms[atom as usize]);
            // The group with the fewest free atoms that are enough: larger holes are kept for larger jobs.
            let mut groups: Vec<(usize, u32)> =
                counts(&whole, group).into_iter().filter(|(_, count)| *count >= atoms).map(|(id, n)| (n, id)).collect();
            groups.sort_unstable();
            for (_, id) in groups {
                let own = whole.iter().copied().filter(|atom| group(*atom) == id).collect();
                let places = complete(own, &|atom| group(atom) == id);
                if places.is_some() {
                    return places;
                }
            }
        }
        let mut order = whole;
        if !levels(self.map.placement).is_empty() {
            let (pod, leaf) = (|a: u32| self.map.atoms[a as usize].pod, |a: u32| self.map.atoms[a as usize].leaf);
            let (pods, leaves) = (counts(&order, pod), counts(&order, leaf));
            order.sort_by_key(|a| (Reverse(pods[&pod(*a)]), pod(*a), Reverse(leaves[&leaf(*a)]), leaf(*a), *a));
        }
        complete(order, &|_| true)
    }

    /// The first pool with room, in the order of the demand.
    fn one(&self, ask: &Ask<'_>) -> Option<usize> {
        allowed(ask.demand, self.sizes.len()).find(|pool| self.has_room(*pool, ask.gpus, ask))
    }

    /// Places in several pools: whole atoms of each in turn, then the rest.
    fn over_pools(&self, ask: &Ask<'_>) -> Option<Vec<Slot>> {
        let mut left = ask.gpus;
        let mut slots = Vec::new();
        for pool in allowed(ask.demand, self.sizes.len()) {
            let size = self.sizes[pool].max(1);
            let whole = self.usable(pool, ask)[size as usize].count_ones(..) as u32 * size;
            // What does not fill an atom here goes on to the next pool.
            let gpus = if self.has_room(pool, left, ask) { left } else { whole.min(left) / size * size };
            if gpus > 0 {
                slots.extend(self.choose(pool, gpus, ask)?);
                left -= gpus;
            }
        }
        (left == 0).then_some(slots)
    }
}

/// Levels of grouping that count, innermost first.
fn levels(placement: Placement) -> &'static [fn(&Atom) -> u32] {
    match placement {
        Placement::Pool | Placement::Node => &[],
        Placement::Leaf => &[|atom| atom.leaf],
        Placement::Pod => &[|atom| atom.leaf, |atom| atom.pod],
        Placement::Domain => &[|atom| atom.node, |atom| atom.leaf, |atom| atom.pod],
    }
}

/// Atoms of each group.
fn counts(atoms: &[u32], group: impl Fn(u32) -> u32) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for atom in atoms {
        *counts.entry(group(*atom)).or_insert(0) += 1;
    }
    counts
}

/// The fullest atom with so many GPUs free, the first of equals.
fn fullest(sets: &[FixedBitSet], gpus: u32, allowed: impl Fn(u32) -> bool) -> Option<u32> {
    sets.get(gpus as usize..)?.iter().find_map(|set| set.ones().map(|atom| atom as u32).find(|atom| allowed(*atom)))
}

impl Placer for Packed {
    fn fits(&self, ask: &Ask<'_>) -> bool {
        self.one(ask).is_some() || ask.demand.across && self.sizes.len() > 1 && self.over_pools(ask).is_some()
    }

    fn take(&mut self, ask: &Ask<'_>) -> Option<Allocation> {
        let slots = match self.one(ask) {
            Some(pool) => self.choose(pool, ask.gpus, ask)?,
            None if ask.demand.across => self.over_pools(ask)?,
            None => return None,
        };
        for slot in &slots {
            self.set(slot.at as usize, self.free[slot.at as usize] - slot.gpus);
        }
        Some(Allocation::new(slots))
    }

    fn hold(&mut self, allocation: &Allocation) -> bool {
        let slots = allocation.slots.as_slice();
        if slots.iter().any(|slot| self.free[slot.at as usize] < slot.gpus) {
            return false;
        }
        for slot in slots {
            self.set(slot.at as usize, self.free[slot.at as usize] - slot.gpus);
        }
        true
    }

    fn give(&mut self, allocation: &Allocation) {
        for slot in allocation.slots.as_slice() {
            self.set(slot.at as usize, self.free[slot.at as usize] + slot.gpus);
        }
    }

    fn free(&self, demand: &Demand) -> u32 {
        allowed(demand, self.sizes.len())
            .flat_map(|pool| (0..).zip(&self.by_free[pool]))
            .map(|(gpus, set): (u32, _)| gpus * set.count_ones(..) as u32)
            .sum()
    }

    fn down(&mut self, node: u32) {
        if self.down[node as usize] == 0 {
            for (i, atom) in self.map.atoms.iter().enumerate().filter(|(_, atom)| atom.node == node) {
                self.by_free[usize::from(atom.pool)][self.free[i] as usize].set(i, false);
            }
        }
        self.down[node as usize] += 1;
    }

    fn up(&mut self, node: u32) {
        self.down[node as usize] -= 1;
        if self.down[node as usize] == 0 {
            for (i, atom) in self.map.atoms.iter().enumerate().filter(|(_, atom)| atom.node == node) {
                self.by_free[usize::from(atom.pool)][self.free[i] as usize].insert(i);
            }
        }
    }

    fn node_of(&self, place: u32) -> Option<u32> {
        self.map.atoms.get(place as usize).map(|atom| atom.node)
    }

    fn pools(&self) -> usize {
        self.sizes.len()
    }

    fn pool_of(&self, place: u32) -> u16 {
        self.map.atoms[place as usize].pool
    }

    fn spread(&self, allocation: &Allocation) -> Spread {
        let mut atoms = allocation.slots.as_slice().iter().map(|slot| &self.map.atoms[slot.at as usize]);
        let Some(first) = atoms.next() else { return Spread::Leaf };
        atoms.fold(Spread::Leaf, |spread, atom| {
            let apart = match (atom.pod == first.pod, atom.leaf == first.leaf) {
                (false, _) => Spread::Pods,
                (true, false) => Spread::Pod,
                (true, true) => Spread::Leaf,
            };
            spread.max(apart)
        })
    }

    fn fragmentation(&self) -> f64 {
        let free: u32 = self.free(&Demand::of(0));
        let largest = (0..self.sizes.len()).map(|pool| {
            let size = self.sizes[pool];
            let sets = &self.by_free[pool];
            let partial = (1..size).rev().find(|gpus| !sets[*gpus as usize].is_clear()).unwrap_or(0);
            sets[size as usize].count_ones(..) as u32 * size + partial
        });
        if free == 0 { 0.0 } else { 1.0 - f64::from(largest.max().unwrap_or(0)) / f64::from(free) }
    }
}
