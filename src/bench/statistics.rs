//! Medians, and how far samples lie from them.

use serde::{Deserialize, Serialize};

/// Samples in a few numbers. Medians and quartiles, since a sample that another process disturbed must not move them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many samples.
    pub count: usize,
    /// The median.
    pub median: f64,
    /// The median of the distances from the median.
    pub mad: f64,
    /// First quartile.
    pub q1: f64,
    /// Third quartile.
    pub q3: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many lie more than ten standard deviations, as told by the MAD, from the median.
    pub outliers: usize,
}

/// Standard deviations of a normal distribution in one MAD.
pub(crate) const SIGMA_PER_MAD: f64 = 1.4826;

impl Summary {
    /// The summary of samples; none of no samples.
    #[must_use]
    pub fn new(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = quantile(&sorted, 0.5);
        let mut distances: Vec<f64> = sorted.iter().map(|x| (x - middle).abs()).collect();
        distances.sort_by(f64::total_cmp);
        let mad = quantile(&distances, 0.5);
        // A MAD of nothing, of equal samples, would make an outlier of the smallest difference: a thousandth is let pass.
        let far = (10.0 * SIGMA_PER_MAD * mad).max(1e-3 * middle.abs());
        Some(Self {
            count: sorted.len(),
            median: middle,
            mad,
            q1: quantile(&sorted, 0.25),
            q3: quantile(&sorted, 0.75),
            min,
            max,
            outliers: distances.iter().filter(|distance| **distance > far).count(),
        })
    }

    /// The MAD as a share of the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        if self.median == 0.0 { 0.0 } else { self.mad / self.median.abs() }
    }

    /// Half-width of the 95 % interval of the median, as a share of it, as told by the MAD of normal samples:
    /// 1.96 · 1.2533 · σ / √n.
    #[must_use]
    pub fn uncertainty(&self) -> f64 {
        1.96 * 1.2533 * SIGMA_PER_MAD * self.spread() / (self.count as f64).sqrt()
    }
}

/// A quantile of sorted samples, linear between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disturbed_sample_is_an_outlier_and_moves_nothing() {
        let calm = Summary::new(&[1.00, 1.01, 0.99, 1.02, 0.98]).unwrap();
        assert_eq!((calm.median, calm.min, calm.max, calm.outliers), (1.0, 0.98, 1.02, 0));
        assert!((calm.mad - 0.01).abs() < 1e-12 && (calm.q1 - 0.99).abs() < 1e-12 && (calm.q3 - 1.01).abs() < 1e-12);
        let disturbed = Summary::new(&[1.00, 1.01, 0.99, 1.02, 0.98, 5.0]).unwrap();
        assert_eq!(disturbed.outliers, 1);
        assert!((disturbed.median - 1.005).abs() < 1e-12);
        assert_eq!(Summary::new(&[]), None);
    }

    #[test]
    fn more_samples_tell_the_median_more_narrowly() {
        let few: Vec<f64> = (0..16).map(|i| 1.0 + 0.01 * f64::from(i % 4)).collect();
        let many: Vec<f64> = (0..64).map(|i| 1.0 + 0.01 * f64::from(i % 4)).collect();
        let (few, many) = (Summary::new(&few).unwrap(), Summary::new(&many).unwrap());
        assert!((few.uncertainty() / many.uncertainty() - 2.0).abs() < 1e-9);
    }
}
