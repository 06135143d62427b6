//! What a group of ranks finds between its members: which share a scale-up domain, and how much network each gets when all
//! groups of the same kind talk at once.

use super::{Place, Topology};
use crate::units::BytesPerSecond;

/// A communicator as the topology sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Members.
    pub ranks: u32,
    /// Members in one scale-up domain.
    pub per_domain: u32,
    /// Domains that it spans.
    pub domains: u32,
    /// The scale-up links, for members in one domain.
    pub scale_up: LinkUse,
    /// The network, for members in different domains; none when there is no way.
    pub network: Option<LinkUse>,
}

/// A link as one member of a group can use it.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkUse {
    /// Name of the link in the catalogue.
    pub link: String,
    /// Bandwidth per member and direction, contention included.
    pub bandwidth: BytesPerSecond,
    /// The link's own bandwidth per member.
    pub nominal: BytesPerSecond,
}

/// A regular set of groups over ranks `0..world`: runs of members, all as far apart, the members of a run among each other too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    /// Ranks in all groups together.
    pub world: u32,
    /// Members of a run, and the distance between neighbours.
    pub run: [u32; 2],
    /// Runs of a group, and the distance between them.
    pub runs: [u32; 2],
}

impl Pattern {
    /// One run of `size` members, `stride` apart.
    #[must_use]
    pub const fn even(world: u32, size: u32, stride: u32) -> Self {
        Self { world, run: [size, stride], runs: [1, 1] }
    }
}

impl Topology {
    /// The groups of `size` ranks `stride` apart among the first `world` accelerators of a pool, all talking at once.
    ///
    /// Each member sends to the next one in its group, as in a ring. Messages that leave a scale-up domain take the member's
    /// share of its node's ports; those that leave a leaf share its uplinks with all others that do, those that leave a pod
    /// its links to the cores. The slowest member sets the pace.
    #[must_use]
    pub fn group(&self, pool: usize, world: u32, size: u32, stride: u32) -> Group {
        self.groups(pool, &Pattern::even(world, size, stride))
    }

    /// The same of groups whose members come in runs: ranks of one replica, then of the next, where a pipeline is between replicas.
    #[must_use]
    pub fn groups(&self, pool: usize, pattern: &Pattern) -> Group {
        let size = pattern.run[0] * pattern.runs[0];
        let links = &self.pools[pool];
        let places = &self.places[pool];
        let first = members(pattern, 0).map(|rank| places[rank as usize].domain);
        let mut domains: Vec<u32> = first.collect();
        domains.dedup();
        domains.sort_unstable();
        domains.dedup();
        let spanned = domains.len() as u32;
        // Point-to-point between two members of a mesh runs over one link only.
        let in_domain = size.div_ceil(spanned.max(1));
        let scale_up_bandwidth = if in_domain <= 2 {
            links.pair_bandwidth
        } else {
            // A mesh gives a ring of n members n - 1 of its links.
            let mesh = links.pair_bandwidth.get() * f64::from(in_domain - 1);
            BytesPerSecond::new(links.scale_up_bandwidth.get().min(mesh.max(links.pair_bandwidth.get())))
        };
        Group {
            ranks: size,
            per_domain: in_domain,
            domains: spanned,
            scale_up: LinkUse {
                link: links.scale_up.clone(),
                bandwidth: scale_up_bandwidth,
                nominal: links.scale_up_bandwidth,
            },
            network: links.network.as_ref().map(|(link, nominal)| LinkUse {
                link: link.clone(),
                bandwidth: if spanned > 1 { *nominal * self.share(ring(pattern, places), *nominal) } else { *nominal },
                nominal: *nominal,
            }),
        }
    }

    /// Pairs of `ranks` accelerators of one pool, from a number on, with as many of another, all talking at once: over the network at
    /// the rate of the slower ports, less what their leaves' uplinks and pods do not carry.
    #[must_use]
    pub fn between(&self, from: (usize, u32), to: (usize, u32), ranks: u32) -> Group {
        let (here, there) = (&self.pools[from.0], &self.pools[to.0]);
        let network = here.network.as_ref().zip(there.network.as_ref()).map(|((link, a), (_, b))| {
            let slower = if b < a { *b } else { *a };
            let place = |(pool, first): (usize, u32), rank: u32| self.places[pool][(first + rank) as usize];
            let share = self.share((0..ranks).map(|rank| (place(from, rank), place(to, rank))), slower);
            LinkUse { link: link.clone(), bandwidth: slower * share, nominal: slower }
        });
        let bandwidth = here.scale_up_bandwidth;
        let scale_up = LinkUse { link: here.scale_up.clone(), bandwidth, nominal: bandwidth };
        Group { ranks: 2, per_domain: 1, domains: 2, scale_up, network }
    }

    /// Whether two accelerators of a pool share a scale-up domain.
    #[must_use]
    pub fn same_domain(&self, pool: usize, a: u32, b: u32) -> bool {
        let domain = |gpu: u32| self.places.get(pool).and_then(|places| places.get(gpu as usize)).map(|place| place.domain);
        domain(a) == domain(b)
    }

    /// The share of its port that the slowest sender gets, all of them sending at once.
    fn share(&self, sent: impl Iterator<Item = (Place, Place)>, port: BytesPerSecond) -> f64 {
        let mut leaf_load = vec![0.0; self.leaf_up.len()];
        let mut pod_load = vec![0.0; self.pod_up.len()];
        for (from, to) in sent {
            if from.domain == to.domain || from.leaf == to.leaf {
                continue;
            }
            if let Some(load) = leaf_load.get_mut(from.leaf as usize) {
                *load += port.get();
            }
            if let Some(load) = pod_load.get_mut(from.pod as usize).filter(|_| from.pod != to.pod) {
                *load += port.get();
            }
        }
        let tightest = |loads: &[f64], capacity: &[BytesPerSecond]| {
            loads
                .iter()
                .zip(capacity)
                .filter(|(load, capacity)| **load > 0.0 && capacity.get() > 0.0)
                .map(|(load, capacity)| capacity.get() / load)
                .fold(1.0, f64::min)
        };
        tightest(&leaf_load, &self.leaf_up).min(tightest(&pod_load, &self.pod_up))
    }
}

/// Where a rank is in its group: its place in its run, and which run that is.
fn place(pattern: &Pattern, rank: u32) -> [u32; 2] {
    [pattern.run, pattern.runs].map(|[size, stride]| rank / stride % size)
}

/// The members of the group that `rank` is in.
fn members(pattern: &Pattern, rank: u32) -> impl Iterator<Item = u32> {
    let ([member, run], [size, stride], [runs, apart]) = (place(pattern, rank), pattern.run, pattern.runs);
    let first = rank - member * stride - run * apart;
    (0..runs).flat_map(move |run| (0..size).map(move |member| first + run * apart + member * stride))
}

/// The member after each rank in its group's ring: through its run, then on to the next run, at last back to the first.
fn nexts(pattern: &Pattern) -> impl Iterator<Item = u32> {
    let ([size, stride], [runs, apart]) = (pattern.run, pattern.runs);
    let (block, all) = (size * stride, runs * apart);
    // Where the rank is in its block and its block in all of them, counted along: divisions for each rank would take most of the time.
    (0..pattern.world).scan([0, 0], move |[inside, outside], rank| {
        let first = || rank - (block - stride);
        let next = match (*inside + stride < block, *outside + apart < all) {
            (true, _) => rank + stride,
            (false, true) => first() + apart,
            (false, false) => first() - (all - apart),
        };
        *inside = if *inside + 1 < block { *inside + 1 } else { 0 };
        *outside = if *outside + 1 < all { *outside + 1 } else { 0 };
        Some(next)
    })
}

/// Each rank's place and that of the next in the ring of its group.
fn ring(pattern: &Pattern, places: &[Place]) -> impl Iterator<Item = (Place, Place)> {
    places.iter().copied().zip(nexts(pattern).map(|next| places[next as usize]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups in one go round the ring, each from its first rank.
    fn rings(pattern: &Pattern) -> Vec<Vec<u32>> {
        let mut all: Vec<Vec<u32>> = (0..pattern.world).map(|rank| members(pattern, rank).collect()).collect();
        for ((rank, group), next) in all.iter().enumerate().zip(nexts(pattern)) {
            let behind = group.iter().position(|member| *member == rank as u32).expect("a rank is in its group") + 1;
            assert_eq!(next, group[behind % group.len()], "{pattern:?}, rank {rank}");
        }
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn one_run_is_a_block_of_ranks_as_far_apart() {
        let pairs = rings(&Pattern::even(8, 2, 2));
        assert_eq!(pairs, [[0, 2], [1, 3], [4, 6], [5, 7]]);
        assert_eq!(rings(&Pattern::even(6, 3, 1)), [[0, 1, 2], [3, 4, 5]]);
    }

    /// tp 2, cp 2, pp 2, dp 2 with replicas outermost: rank = t + 2 c + 4 p + 8 d. Those with the same weights share t and p.
    #[test]
    fn runs_are_context_ranks_of_each_replica() {
        let weights = Pattern { world: 16, run: [2, 2], runs: [2, 8] };
        let by_hand = [[0, 2, 8, 10], [1, 3, 9, 11], [4, 6, 12, 14], [5, 7, 13, 15]];
        assert_eq!(rings(&weights), by_hand);
        // tp 1, cp 4, pp 3, dp 2: every stage's four context ranks of both replicas.
        let wide = Pattern { world: 24, run: [4, 1], runs: [2, 12] };
        assert_eq!(rings(&wide), [[0, 1, 2, 3, 12, 13, 14, 15], [4, 5, 6, 7, 16, 17, 18, 19], [8, 9, 10, 11, 20, 21, 22, 23]]);
        // Every layout of 96 ranks by its coordinates.
        for (tp, cp, pp, dp) in [(2, 2, 4, 6), (4, 3, 2, 4), (1, 4, 8, 3), (3, 2, 16, 1)] {
            let rank = |t: u32, c: u32, p: u32, d: u32| t + tp * (c + cp * (p + pp * d));
            let mut by_hand: Vec<Vec<u32>> = Vec::new();
            for (t, p) in (0..tp).flat_map(|t| (0..pp).map(move |p| (t, p))) {
                by_hand.push((0..dp).flat_map(|d| (0..cp).map(move |c| rank(t, c, p, d))).collect());
            }
            by_hand.sort();
            assert_eq!(rings(&Pattern { world: 96, run: [cp, tp], runs: [dp, tp * cp * pp] }), by_hand);
        }
    }
}
