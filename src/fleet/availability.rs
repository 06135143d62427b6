//! Free GPUs over the time to come.

use super::{Demand, Moment};

/// Free GPUs of every pool from now on, as steps in order of time; the last one lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    steps: Vec<(Moment, Vec<u32>)>,
}

/// GPUs of a pool.
pub type Share = (usize, u32);

impl Profile {
    /// So many GPUs of each pool from an instant on.
    #[must_use]
    pub fn new(from: Moment, free: Vec<u32>) -> Self {
        Self { steps: vec![(from, free)] }
    }

    /// Adds GPUs that become free at an instant.
    pub fn release(&mut self, at: Moment, shares: &[Share]) {
        let first = self.cut(at);
        for (_, free) in &mut self.steps[first..] {
            for (pool, gpus) in shares {
                free[*pool] += gpus;
            }
        }
    }

    /// Takes GPUs from one instant to another.
    pub fn reserve(&mut self, from: Moment, until: Moment, shares: &[Share]) {
        let (first, last) = (self.cut(from), self.cut(until));
        for (_, free) in &mut self.steps[first..last] {
            for (pool, gpus) in shares {
                free[*pool] = free[*pool].saturating_sub(*gpus);
            }
        }
    }

    /// The earliest instant, not before `from`, from which so many GPUs are free for so long, and whose they are.
    #[must_use]
    pub fn earliest(&self, demand: &Demand, gpus: u32, from: Moment, time: Moment) -> Option<(Moment, Vec<Share>)> {
        let starts = std::iter::once(from).chain(self.steps.iter().map(|(at, _)| *at).filter(|at| *at > from));
        starts.into_iter().find_map(|at| self.shares(demand, gpus, at, at + time).map(|shares| (at, shares)))
    }

    /// Whose GPUs are free throughout: those of one pool, or of several where the demand allows.
    fn shares(&self, demand: &Demand, gpus: u32, from: Moment, until: Moment) -> Option<Vec<Share>> {
        let first = self.steps.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        let during = &self.steps[first..];
        let pools = during.first().map_or(0, |(_, free)| free.len());
        let least = |pool: usize| {
            let during = during.iter().take_while(|(at, _)| *at <= from || *at < until);
            during.map(|(_, free)| free[pool]).min().unwrap_or(0)
        };
        let allowed: Vec<usize> = match demand.pools.as_slice() {
            [] => (0..pools).collect(),
            named => named.iter().map(|pool| usize::from(*pool)).collect(),
        };
        if let Some(pool) = allowed.iter().find(|pool| least(**pool) >= gpus) {
            return Some(vec![(*pool, gpus)]);
        }
        let mut left = gpus;
        let mut shares = Vec::new();
        for pool in allowed.into_iter().filter(|_| demand.across) {
            let taken = least(pool).min(left);
            left -= taken;
            shares.push((pool, taken));
        }
        (left == 0).then_some(shares)
    }

    /// The step that begins at an instant, made if there is none.
    fn cut(&mut self, at: Moment) -> usize {
        let place = self.steps.partition_point(|(step, _)| *step < at);
        if self.steps.get(place).is_none_or(|(step, _)| *step != at) {
            let free = self.steps[place.saturating_sub(1)].1.clone();
            self.steps.insert(place, (at, free));
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_moves_what_comes_after_it() {
        let secs = Moment::from_secs;
        let mut profile = Profile::new(secs(0), vec![2]);
        profile.release(secs(10), &[(0, 6)]);
        let wide = Demand::of(8);
        assert_eq!(profile.earliest(&wide, 8, secs(0), secs(5)), Some((secs(10), vec![(0, 8)])));
        profile.reserve(secs(10), secs(15), &[(0, 8)]);
        let narrow = Demand::of(2);
        assert_eq!(profile.earliest(&narrow, 2, secs(0), secs(10)), Some((secs(0), vec![(0, 2)])));
        assert_eq!(profile.earliest(&narrow, 2, secs(0), secs(11)), Some((secs(15), vec![(0, 2)])));
        assert_eq!(profile.earliest(&Demand::of(9), 9, secs(0), secs(1)), None);
    }
}
