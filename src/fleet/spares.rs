//! Nodes kept ready for those that fail.

use super::placement::Placer;

/// Spare nodes of each pool: idle until a node fails, then in its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spares {
    /// The first node of each pool, and of what follows the last.
    first: Vec<u32>,
    /// Spares wanted of each pool.
    wanted: Vec<u32>,
    /// Nodes that are ready, by pool.
    ready: Vec<Vec<u32>>,
    /// Nodes that jobs may use or that failed while they might, less than wanted to be there, by pool.
    missing: Vec<u32>,
}

impl Spares {
    /// So many of the last nodes of each pool; `nodes` are those of each pool, spares included.
    #[must_use]
    pub fn new(nodes: &[u32], wanted: &[u32]) -> Self {
        let first = std::iter::once(0).chain(nodes.iter().scan(0, |sum, nodes| {
            *sum += nodes;
            Some(*sum)
        }));
        Self {
            first: first.collect(),
            wanted: wanted.to_vec(),
            ready: vec![Vec::new(); nodes.len()],
            missing: vec![0; nodes.len()],
        }
    }

    /// Takes the spares out of use.
    pub fn hold_back<P: Placer>(&mut self, placer: &mut P) {
        for (pool, wanted) in self.wanted.iter().enumerate() {
            let end = self.first[pool + 1];
            for node in end - wanted.min(&(end - self.first[pool]))..end {
                placer.down(node);
                self.ready[pool].push(node);
            }
        }
    }

    fn pool(&self, node: u32) -> Option<usize> {
        self.first.partition_point(|first| *first <= node).checked_sub(1).filter(|pool| *pool < self.ready.len())
    }

    /// A node is gone: a spare takes its place.
    pub fn failed<P: Placer>(&mut self, node: u32, placer: &mut P) {
        placer.down(node);
        let Some(pool) = self.pool(node) else { return };
        if let Some(place) = self.ready[pool].iter().position(|ready| *ready == node) {
            // A spare that fails was out of use already, and is so for one reason from now on.
            self.ready[pool].remove(place);
            placer.up(node);
        } else if let Some(spare) = self.ready[pool].pop() {
            placer.up(spare);
        } else {
            self.missing[pool] += 1;
        }
    }

    /// A node is back: it takes the place of a missing one, else it is a spare from now on.
    pub fn repaired<P: Placer>(&mut self, node: u32, placer: &mut P) {
        let pool = self.pool(node);
        match pool {
            Some(pool) if self.missing[pool] == 0 => self.ready[pool].push(node),
            Some(pool) => {
                self.missing[pool] -= 1;
                placer.up(node);
            }
            None => placer.up(node),
        }
    }
}
