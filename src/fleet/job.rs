//! A job as the scheduler sees it.

use super::Moment;

/// A job of a portfolio or of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// When it is submitted.
    pub arrival: Moment,
    /// Jobs that have to be done before, by their place in the list.
    pub after: Vec<u32>,
    /// The queue that it is submitted to, by its place in the list of queues.
    pub queue: u32,
    /// Jobs of higher priority go first, where the policy asks.
    pub priority: i32,
    /// When it has to be done.
    pub deadline: Option<Moment>,
    /// The GPUs that it asks for.
    pub demand: Demand,
    /// How long it runs without interruption on the most GPUs that it asks for, checkpoints aside.
    pub work: Moment,
    /// How its time is found on other GPUs, by its class; without one, time goes with the inverse of the GPUs.
    pub class: Option<u32>,
    /// How long the scheduler believes that it runs; the truth when absent.
    pub limit: Option<Moment>,
    /// Whether it may be stopped to make room for others.
    pub preemptible: bool,
    /// What it saves of its progress.
    pub checkpoint: Checkpoint,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            name: String::new(),
            arrival: Moment::ZERO,
            after: Vec::new(),
            queue: 0,
            priority: 0,
            deadline: None,
            demand: Demand::default(),
            work: Moment::ZERO,
            class: None,
            limit: None,
            preemptible: false,
            checkpoint: Checkpoint::default(),
        }
    }
}

/// The GPUs that a job asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Demand {
    /// Fewest GPUs that it runs on.
    pub least: u32,
    /// Most GPUs that it makes use of.
    pub most: u32,
    /// Pools that it may run in, the one that it prefers first; any of them when empty.
    pub pools: Vec<u16>,
    /// Whether it may run in several pools at once, at the pace of the slowest.
    pub across: bool,
}

impl Demand {
    /// So many GPUs of any pool.
    #[must_use]
    pub fn of(gpus: u32) -> Self {
        Self { least: gpus, most: gpus, pools: Vec::new(), across: true }
    }

    /// Whether it takes more or fewer GPUs as they come.
    #[must_use]
    pub fn is_elastic(&self) -> bool {
        self.least < self.most
    }

    /// Numbers of GPUs that it is started on, the most first: halved until the fewest.
    pub fn counts(&self) -> impl Iterator<Item = u32> + '_ {
        let halves = std::iter::successors(Some(self.most), |gpus| Some(gpus / 2).filter(|gpus| *gpus > self.least));
        halves.chain(self.is_elastic().then_some(self.least))
    }
}

/// What a job saves of its progress, and what that takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// Work between two checkpoints; without it nothing is saved, and an interrupted job starts again.
    pub interval: Option<Moment>,
    /// Time that writing one stops the job for.
    pub write: Moment,
    /// Time from a start that is not the first until work goes on: detection, allocation, reading the checkpoint.
    pub restart: Moment,
}

impl Checkpoint {
    /// Time that `work` takes with its checkpoints: one after every full interval.
    #[must_use]
    pub fn with_writes(&self, work: Moment) -> Moment {
        match self.interval {
            Some(interval) if interval > Moment::ZERO => {
                work + Moment::from_millis(work.millis() / interval.millis() * self.write.millis())
            }
            _ => work,
        }
    }

    /// Work that is saved after running for `elapsed`: that of the last whole checkpoint.
    #[must_use]
    pub fn saved(&self, elapsed: Moment) -> Moment {
        match self.interval {
            Some(interval) if interval > Moment::ZERO => {
                let cycle = interval + self.write;
                Moment::from_millis(elapsed.millis() / cycle.millis() * interval.millis())
            }
            _ => Moment::ZERO,
        }
    }

    /// Work that is done after running for `elapsed`, saved or not.
    #[must_use]
    pub fn done(&self, elapsed: Moment) -> Moment {
        match self.interval {
            Some(interval) if interval > Moment::ZERO => {
                let cycle = interval + self.write;
                let rest = Moment::from_millis(elapsed.millis() % cycle.millis());
                self.saved(elapsed) + rest.min(interval)
            }
            _ => elapsed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_done_and_saved() {
        let secs = Moment::from_secs;
        let checkpoint = Checkpoint { interval: Some(secs(10)), write: secs(2), restart: secs(5) };
        assert_eq!(checkpoint.with_writes(secs(35)), secs(41));
        for (elapsed, done, saved) in [(0, 0, 0), (9, 9, 0), (11, 10, 0), (12, 10, 10), (13, 11, 10), (36, 30, 30)] {
            assert_eq!(checkpoint.done(secs(elapsed)), secs(done), "{elapsed}");
            assert_eq!(checkpoint.saved(secs(elapsed)), secs(saved), "{elapsed}");
        }
        assert_eq!(Checkpoint::default().saved(secs(100)), Moment::ZERO);
    }
}
