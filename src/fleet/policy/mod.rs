//! Who goes next: one file a policy.
//!
//! A policy orders the queue once and, at every instant at which something changed, starts what it wants started. Rules that several
//! share are in `rules.rs`.

mod conservative;
mod easy;
mod edf;
mod fair_share;
mod fifo;
mod first_fit;
mod priority;
mod rules;
mod sjf;

use serde::Serialize;

use super::placement::Placer;
use super::{Job, Moment, State};

/// A policy.
pub trait Policy<P: Placer> {
    /// Jobs in the order in which they are served, given how long each is believed to run.
    fn order(&self, jobs: &[Job], estimates: &[Moment]) -> Vec<u32>;

    /// Whether jobs may pass one that does not fit.
    fn lets_pass(&self) -> bool {
        false
    }

    /// Whether it asks when running jobs end.
    fn looks_ahead(&self) -> bool {
        false
    }

    /// Whether each queue of the portfolio is kept by itself.
    fn by_queue(&self) -> bool {
        false
    }

    /// Starts, and where it may stops, jobs.
    fn pass(&mut self, state: &mut State<'_, P>);
}

/// The policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// First in, first out: who does not fit holds up all behind
    Fifo,
    /// In order of arrival, passing by who does not fit
    FirstFit,
    /// Shortest job first: who does not fit holds up all behind
    Sjf,
    /// Shortest job first, passing by who does not fit
    SjfSkip,
    /// In order of arrival; others fill the gaps that do not delay the first (EASY backfill)
    Easy,
    /// In order of arrival; others fill the gaps that delay nobody ahead of them (conservative backfill)
    Conservative,
    /// The queue that had least of its share goes first, gaps filled as in `easy`
    FairShare,
    /// Higher priority first, stopping preemptible jobs of lower priority
    Priority,
    /// Earliest deadline first, gaps filled as in `easy`
    Edf,
}

impl PolicyKind {
    /// The policy, for queues of these weights.
    #[must_use]
    pub fn build<P: Placer>(self, weights: &[f64]) -> Box<dyn Policy<P>> {
        match self {
            Self::Fifo => Box::new(fifo::Fifo),
            Self::FirstFit => Box::new(first_fit::FirstFit),
            Self::Sjf => Box::new(sjf::Shortest { skip: false }),
            Self::SjfSkip => Box::new(sjf::Shortest { skip: true }),
            Self::Easy => Box::new(easy::Easy),
            Self::Conservative => Box::new(conservative::Conservative),
            Self::FairShare => Box::new(fair_share::FairShare::new(weights)),
            Self::Priority => Box::new(priority::Priority),
            Self::Edf => Box::new(edf::Deadline),
        }
    }

    /// Its name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::FirstFit => "first-fit",
            Self::Sjf => "sjf",
            Self::SjfSkip => "sjf-skip",
            Self::Easy => "easy",
            Self::Conservative => "conservative",
            Self::FairShare => "fair-share",
            Self::Priority => "priority",
            Self::Edf => "edf",
        }
    }
}
