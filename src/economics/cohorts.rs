//! GPUs that came together, serve for the same years and retire together.

use crate::units::Seconds;

/// Times closer than this are the same: twelfths of years do not add up to the last digit.
const HAIR: Seconds = Seconds::new(1.0);

/// GPUs by the day on which they went into service.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohorts {
    life: Seconds,
    cohorts: Vec<Cohort>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Cohort {
    in_service: Seconds,
    gpus: f64,
}

impl Cohorts {
    /// GPUs that are there now, at the beginning of a life.
    #[must_use]
    pub fn new(life: Seconds, gpus: f64) -> Self {
        Self { life, cohorts: vec![Cohort { in_service: Seconds::ZERO, gpus }] }
    }

    /// Adds GPUs that go into service at a time.
    pub fn add(&mut self, in_service: Seconds, gpus: f64) {
        self.cohorts.push(Cohort { in_service, gpus });
    }

    /// All that ever came.
    #[must_use]
    pub fn ordered(&self) -> f64 {
        self.cohorts.iter().map(|cohort| cohort.gpus).sum()
    }

    /// GPUs that have not retired at a time; those that are yet to come count too.
    #[must_use]
    pub fn not_retired(&self, at: Seconds) -> f64 {
        self.cohorts.iter().filter(|cohort| cohort.in_service + self.life > at).map(|cohort| cohort.gpus).sum()
    }

    /// GPUs in service at a time.
    #[must_use]
    pub fn serving(&self, at: Seconds) -> f64 {
        let there = |cohort: &&Cohort| cohort.in_service <= at + HAIR && cohort.in_service + self.life > at + HAIR;
        self.cohorts.iter().filter(there).map(|cohort| cohort.gpus).sum()
    }

    /// Mean of the GPUs in service between two times.
    #[must_use]
    pub fn mean(&self, from: Seconds, to: Seconds) -> f64 {
        let served = |cohort: &Cohort| {
            let there = (cohort.in_service + self.life).min(to) - cohort.in_service.max(from);
            cohort.gpus * there.max(Seconds::ZERO).get()
        };
        self.cohorts.iter().map(served).sum::<f64>() / (to - from).get()
    }

    /// Most GPUs in service between two times, the later one left out.
    #[must_use]
    pub fn most(&self, from: Seconds, to: Seconds) -> f64 {
        let comes = self.cohorts.iter().map(|cohort| cohort.in_service).filter(|time| *time > from && *time + HAIR < to);
        comes.chain([from]).map(|time| self.serving(time)).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: f64) -> Seconds {
        Seconds::new(days * 86_400.0)
    }

    #[test]
    fn cohorts_come_and_retire() {
        let mut all = Cohorts::new(days(100.0), 10.0);
        all.add(days(50.0), 4.0);
        let at = |day| all.serving(days(day));
        assert_eq!([at(0.0), at(49.0), at(50.0), at(99.0), at(100.0), at(150.0)], [10.0, 10.0, 14.0, 14.0, 4.0, 0.0]);
        assert_eq!((all.ordered(), all.not_retired(days(120.0))), (14.0, 4.0));
        // Half of the month with 10, half with 14.
        assert_eq!(all.mean(days(35.0), days(65.0)), 12.0);
        assert_eq!((all.most(days(35.0), days(65.0)), all.most(days(20.0), days(50.0))), (14.0, 10.0));
        // The new ones come on the day that the old ones go.
        let mut replaced = Cohorts::new(days(100.0), 10.0);
        replaced.add(days(100.0), 10.0);
        assert_eq!(replaced.most(days(90.0), days(110.0)), 10.0);
        assert!((replaced.mean(days(90.0), days(110.0)) - 10.0).abs() < 1e-12);
    }
}
