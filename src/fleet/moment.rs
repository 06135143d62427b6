//! Time of a simulation.

use std::ops::{Add, AddAssign, Sub};

use serde::{Serialize, Serializer};

use crate::units::Seconds;

/// An instant since the start of a simulation, or a time between two, in whole milliseconds.
///
/// Whole numbers add up without rounding: a job that ends when another can begin ends exactly then, whatever the order of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// The start.
    pub const ZERO: Self = Self(0);
    /// Later than everything.
    pub const NEVER: Self = Self(u64::MAX);

    /// From whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// In whole milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In seconds.
    #[must_use]
    pub fn secs(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This share of a time, rounded to a millisecond.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        Self((self.0 as f64 * by).round() as u64)
    }

    /// The time between two instants; none when `earlier` is the later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl From<Seconds> for Moment {
    fn from(time: Seconds) -> Self {
        Self((time.get() * 1000.0).round() as u64)
    }
}

impl From<Moment> for Seconds {
    fn from(moment: Moment) -> Self {
        Self::new(moment.secs())
    }
}

impl Add for Moment {
    type Output = Self;
    /// Nothing is later than [`Self::NEVER`].
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Moment {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Moment {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

impl Serialize for Moment {
    /// As seconds.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.secs())
    }
}
