//! A figure that is known to lie between two ends.

use std::fmt;

use serde::Serialize;

/// A value between a low and a high end.
///
/// Ends are carried through a formula together: all figures at their low ends, then all at their high ends. That is wider than what
/// independent figures would give, and never too narrow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range<T> {
    /// The low end.
    pub low: T,
    /// The value that is planned with.
    pub value: T,
    /// The high end.
    pub high: T,
}

impl<T: Copy> Range<T> {
    /// From its ends and its value.
    pub const fn new(low: T, value: T, high: T) -> Self {
        Self { low, value, high }
    }

    /// A figure that is known: no room around it.
    pub const fn exact(value: T) -> Self {
        Self { low: value, value, high: value }
    }

    /// What follows from it, by a formula that rises with it.
    pub fn map<U>(self, of: impl Fn(T) -> U) -> Range<U> {
        Range { low: of(self.low), value: of(self.value), high: of(self.high) }
    }

    /// What follows from two, by a formula that rises with both.
    pub fn with<U: Copy, V>(self, other: Range<U>, of: impl Fn(T, U) -> V) -> Range<V> {
        Range { low: of(self.low, other.low), value: of(self.value, other.value), high: of(self.high, other.high) }
    }

    /// The ends swapped: for a formula that falls with it, such as a price over a life.
    #[must_use]
    pub fn turned(self) -> Self {
        Self { low: self.high, value: self.value, high: self.low }
    }
}

impl<T: fmt::Display + PartialEq> fmt::Display for Range<T> {
    /// The value, and the ends behind it where there are any: `5.00 years (4.00 years to 6.00 years)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low == self.high {
            return write!(f, "{}", self.value);
        }
        write!(f, "{} ({} to {})", self.value, self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_life_is_the_low_end_of_a_cost() {
        let price = Range::new(40.0, 50.0, 60.0);
        let life = Range::new(4.0, 5.0, 6.0);
        assert_eq!(price.with(life.turned(), |price, life| price / life), Range::new(40.0 / 6.0, 10.0, 15.0));
        assert_eq!(Range::exact(2.0).map(|x| x * x), Range::new(4.0, 4.0, 4.0));
    }
}
