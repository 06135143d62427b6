//! What running jobs draw, and what they may.

use super::Moment;

/// The power of busy GPUs under a cap that changes over time. Counted in GPUs, so that it never drifts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Power {
    /// Watts at the site's meter that a busy GPU and its share of a node draw beyond an idle one, by pool.
    pub busy: Vec<f64>,
    /// Watts at the site's meter with every GPU idle.
    pub idle: f64,
    /// Caps in watts at the site's meter, each from an instant on, in order; before the first there is none.
    pub caps: Vec<(Moment, f64)>,
    /// Busy GPUs by pool.
    pub in_use: Vec<u32>,
}

impl Power {
    /// Watts drawn now.
    #[must_use]
    pub fn drawn(&self) -> f64 {
        self.idle + self.in_use.iter().zip(&self.busy).map(|(gpus, watts)| f64::from(*gpus) * watts).sum::<f64>()
    }

    /// The lowest cap between two instants, the second one excluded.
    #[must_use]
    pub fn cap(&self, from: Moment, until: Moment) -> f64 {
        let first = self.caps.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        let during = self.caps[first.min(self.caps.len())..].iter().take_while(|(at, _)| *at <= from || *at < until);
        let lowest = during.filter(|(at, _)| *at <= from || *at < until).map(|(_, watts)| *watts);
        lowest.fold(f64::INFINITY, f64::min)
    }

    /// Whether so many more GPUs of each pool may run between two instants.
    #[must_use]
    pub fn allows(&self, more: impl Iterator<Item = (u16, u32)>, from: Moment, until: Moment) -> bool {
        if self.caps.is_empty() {
            return true;
        }
        let more: f64 =
            more.map(|(pool, gpus)| f64::from(gpus) * self.busy.get(usize::from(pool)).copied().unwrap_or(0.0)).sum();
        // A watt is within what is known of any node.
        self.drawn() + more <= self.cap(from, until) + 1.0
    }

    /// Counts GPUs as busy.
    pub fn add(&mut self, pool: u16, gpus: u32) {
        let pool = usize::from(pool);
        if self.in_use.len() <= pool {
            self.in_use.resize(pool + 1, 0);
        }
        self.in_use[pool] += gpus;
    }

    /// Counts GPUs as idle again.
    pub fn remove(&mut self, pool: u16, gpus: u32) {
        self.in_use[usize::from(pool)] -= gpus;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_cap_of_a_time_counts() {
        let hour = |n: u64| Moment::from_secs(3600 * n);
        let power =
            Power { busy: vec![1000.0], idle: 500.0, caps: vec![(hour(2), 3000.0), (hour(4), 9000.0)], in_use: vec![2] };
        assert_eq!(power.drawn(), 2500.0);
        assert_eq!(power.cap(hour(0), hour(2)), f64::INFINITY);
        assert_eq!(power.cap(hour(0), hour(3)), 3000.0);
        assert_eq!(power.cap(hour(3), hour(9)), 3000.0);
        assert_eq!(power.cap(hour(4), hour(9)), 9000.0);
        assert!(power.allows([(0, 1)].into_iter(), hour(0), hour(2)));
        assert!(!power.allows([(0, 1)].into_iter(), hour(0), hour(3)));
        assert!(power.allows([(0, 6)].into_iter(), hour(4), hour(9)));
    }
}
