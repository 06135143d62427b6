//! What interruptions leave of a run's time.
//!
//! Between two checkpoints lie an interval of training T and the saving C. An interruption, which comes without memory every M on
//! average, throws the job back to its last checkpoint and costs R before it trains again. The expected time of an interval is
//! `e^(R/M) M (e^((T+C)/M) - 1)`, exactly (Daly 2006, doi:10.1016/j.future.2004.11.016). The first-order form
//! `1 - C/T - T/2M - R/M` is not used: it is negative where jobs are large.
//!
//! A checkpoint that is written behind the job, for a time of B, is there only when it is written. An interruption before that
//! falls back by one more: what a restart has to train again grows by B, and the formula is exact with `R + B` in place of R.

use serde::Serialize;

use crate::units::Seconds;

/// Largest exponent: beyond it a run gets nowhere, and its time stays a number.
const MOST: f64 = 230.0;

/// A job that trains, saves, is interrupted and starts again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Renewal {
    /// Mean time to an interruption, of any cause; none where nothing fails.
    pub mtti: Option<Seconds>,
    /// Training between two checkpoints; none where none is written.
    pub interval: Option<Seconds>,
    /// What the job waits for a checkpoint.
    pub blocked: Seconds,
    /// Time in which a checkpoint is written while the job goes on.
    pub behind: Seconds,
    /// From an interruption to the loading of the checkpoint.
    pub restart: Seconds,
    /// Loading of the checkpoint.
    pub load: Seconds,
}

/// Time in which a run does not train, by the names of `ml-goodput-measurement` (AI-Hypercomputer).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct LostTime {
    /// Saving.
    #[serde(rename = "unproductive_checkpoint_save_time_s")]
    pub saving: Seconds,
    /// Training that is done again.
    #[serde(rename = "wasted_progress_from_disruption_s")]
    pub wasted: Seconds,
    /// Until a job that was interrupted loads its checkpoint.
    #[serde(rename = "infrastructure_recovery_from_disruption_s")]
    pub recovery: Seconds,
    /// Loading.
    #[serde(rename = "unproductive_checkpoint_restore_time_s")]
    pub loading: Seconds,
}

impl LostTime {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.saving + self.wasted + self.recovery + self.loading
    }
}

impl Renewal {
    /// What an interruption costs before the job is where it was when its last checkpoint was written.
    #[must_use]
    pub fn setback(&self) -> Seconds {
        self.restart + self.load + self.behind
    }

    /// Training over time.
    #[must_use]
    pub fn goodput(&self) -> f64 {
        let Some(interval) = self.interval else { return 1.0 };
        let cycle = interval + self.blocked;
        match self.mtti {
            None => interval / cycle,
            Some(mtti) => {
                let (back, ahead) = ((self.setback() / mtti).min(MOST), (cycle / mtti).min(MOST));
                (interval / mtti) / (back.exp() * ahead.exp_m1())
            }
        }
    }

    /// Time that `productive` training takes by the calendar.
    #[must_use]
    pub fn calendar(&self, productive: Seconds) -> Seconds {
        productive / self.goodput()
    }

    /// Interruptions expected in a time by the calendar; they come while the job recovers as well.
    #[must_use]
    pub fn interruptions(&self, calendar: Seconds) -> f64 {
        self.mtti.map_or(0.0, |mtti| calendar / mtti)
    }

    /// Where the time goes in which `productive` training is not done. Recovery and loading are cut short where the next
    /// interruption comes before their end.
    #[must_use]
    pub fn lost(&self, productive: Seconds) -> LostTime {
        let calendar = self.calendar(productive);
        let saving = self.interval.map_or(Seconds::ZERO, |interval| self.blocked * (productive / interval));
        let Some(mtti) = self.mtti else { return LostTime { saving, ..LostTime::default() } };
        let within = |time: Seconds| calendar * -(-(time / mtti)).exp_m1();
        let recovery = within(self.restart);
        let loading = within(self.restart + self.load) - recovery;
        let wasted = (calendar - productive - saving - recovery - loading).max(Seconds::ZERO);
        LostTime { saving, wasted, recovery, loading }
    }
}
