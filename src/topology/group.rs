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

/// A regular set of groups over ranks `0..world`: members `stride` apart, in blocks of `size · stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Ranks in all groups together.
    pub world: u32,
    /// Members of one group.
    pub size: u32,
    /// Distance between neighbours.
    pub stride: u32,
}

impl Topology {
    /// The groups of `size` ranks `stride` apart among the first `world` accelerators of a pool, all talking at once.
    ///
    /// Each member sends to the next one in its group, as in a ring. Messages that leave a scale-up domain take the member's
    /// share of its node's ports; those that leave a leaf share its uplinks with all others that do, those that leave a pod
    /// its links to the cores. The slowest member sets the pace.
    #[must_use]
    pub fn group(&self, pool: usize, world: u32, size: u32, stride: u32) -> Group {
        let pattern = Pattern { world, size, stride };
        let links = &self.pools[pool];
        let places = &self.places[pool];
        let first = members(&pattern, 0).map(|rank| places[rank as usize].domain);
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
                bandwidth: if spanned > 1 { *nominal * self.share(&pattern, places, *nominal) } else { *nominal },
                nominal: *nominal,
            }),
        }
    }

    /// Whether two accelerators of a pool share a scale-up domain.
    #[must_use]
    pub fn same_domain(&self, pool: usize, a: u32, b: u32) -> bool {
        let domain = |gpu: u32| self.places.get(pool).and_then(|places| places.get(gpu as usize)).map(|place| place.domain);
        domain(a) == domain(b)
    }

    /// The share of its port that the slowest member gets, all groups sending around their rings at once.
    fn share(&self, pattern: &Pattern, places: &[Place], port: BytesPerSecond) -> f64 {
        let mut leaf_load = vec![0.0; self.leaf_up.len()];
        let mut pod_load = vec![0.0; self.pod_up.len()];
        let block = pattern.size * pattern.stride;
        // Where the rank is in its block, counted along: a division for each rank would take most of the time.
        let mut inside = 0;
        for rank in 0..pattern.world {
            let next = rank + pattern.stride - if inside + pattern.stride < block { 0 } else { block };
            inside = if inside + 1 < block { inside + 1 } else { 0 };
            let (from, to) = (places[rank as usize], places[next as usize]);
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

/// The members of the group that `rank` is in.
fn members(pattern: &Pattern, rank: u32) -> impl Iterator<Item = u32> {
    let block = pattern.size * pattern.stride;
    let first = rank / block * block + rank % pattern.stride;
    let stride = pattern.stride;
    (0..pattern.size).map(move |i| first + i * stride)
}
