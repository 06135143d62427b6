//! How long nodes are gone.
//!
//! Outages are lognormal, cut off at the longest of the data, where a node is replaced. Both numbers are those of the greatest likelihood for
//! the 497 causes of `InfiniteHBD-Trace`, the cut taken into account: median 15.9 h and mean 160 h, where the causes themselves have 22 h and
//! 137 h. The same distribution without the cut would have a mean of 436 h.

use super::Moment;
use super::draw::{below, normal};

/// Outages of a given mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outages {
    /// The exponential of the logarithm's mean, in seconds: the median, were there no cut.
    scale: f64,
}

impl Outages {
    /// Standard deviation of the logarithm.
    pub const SIGMA: f64 = 2.83;
    /// The longest outage over the exponential of the logarithm's mean: 3,143 h over 17.9 h.
    pub const LONGEST: f64 = 175.8;

    /// Outages of so many seconds in the mean.
    #[must_use]
    pub fn of_mean(mean: f64) -> Self {
        // The mean of a lognormal distribution below L: exp(s²/2) Φ(ln L / s - s) / Φ(ln L / s).
        let cut = Self::cut();
        Self { scale: mean / ((Self::SIGMA * Self::SIGMA / 2.0).exp() * below(cut - Self::SIGMA) / below(cut)) }
    }

    /// The cut, in standard deviations of the logarithm from its mean.
    fn cut() -> f64 {
        Self::LONGEST.ln() / Self::SIGMA
    }

    /// An outage.
    pub(super) fn draw(self, random: &mut fastrand::Rng) -> Moment {
        let cut = Self::cut();
        let within = std::iter::repeat_with(|| normal(random)).find(|x| *x <= cut).unwrap_or(cut);
        Moment::from_millis((self.scale * (Self::SIGMA * within).exp() * 1000.0).round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_as_asked() {
        let mut random = fastrand::Rng::with_seed(1);
        let outages = Outages::of_mean(133.0 * 3600.0);
        let mean = (0..200_000).map(|_| outages.draw(&mut random).secs()).sum::<f64>() / 200_000.0 / 3600.0;
        assert!((mean - 133.0).abs() < 3.0, "{mean} h");
        assert_eq!(Outages::of_mean(0.0).draw(&mut random), Moment::ZERO);
    }
}
