//! How far apart the errors of layouts of one job on one machine are: whether the one that is predicted to be the fastest is.

use serde::{Deserialize, Serialize};

/// Points of the distribution that an integral is taken over.
const POINTS: u32 = 400;

/// Errors of layouts of one job on one machine, in the logarithm of time, as distances from their mean; either sign is as likely.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LayoutSpread {
    /// Sweeps of published runs behind it: one source, machine and model, laid out differently.
    pub sweeps: u32,
    /// Layouts of them.
    pub layouts: u32,
    /// Distances that 0, 10, 20 ... 100 % of the layouts stay below.
    pub deciles: [f64; 11],
}

impl LayoutSpread {
    /// The error that a share `u` of all stays below.
    fn quantile(&self, u: f64) -> f64 {
        let (share, sign) = if u < 0.5 { (1.0 - 2.0 * u, -1.0) } else { (2.0 * u - 1.0, 1.0) };
        let at = share * 10.0;
        let below = (at.floor() as usize).min(9);
        sign * (self.deciles[below] + (self.deciles[below + 1] - self.deciles[below]) * (at - below as f64))
    }

    /// The share of errors below `x`.
    fn below(&self, x: f64) -> f64 {
        let distance = x.abs();
        let Some(above) = self.deciles.iter().position(|decile| *decile > distance) else {
            return if x < 0.0 { 0.0 } else { 1.0 };
        };
        let (low, high) = (self.deciles[above - 1], self.deciles[above]);
        let share = ((above - 1) as f64 + (distance - low) / (high - low)) / 10.0;
        0.5 + x.signum() * share / 2.0
    }

    /// How likely it is that the true time of the first of `times` is within a factor of e^`margin` of the shortest true one, when
    /// each of them is off by itself: the integral over the first one's error of the chance that all others take longer.
    #[must_use]
    pub fn stays_best(&self, times: &[f64], margin: f64) -> f64 {
        let Some((first, others)) = times.split_first() else { return 0.0 };
        let mut sum = 0.0;
        for point in 0..POINTS {
            let error = self.quantile((f64::from(point) + 0.5) / f64::from(POINTS));
            let longer = |other: &f64| 1.0 - self.below((first / other).ln() + error - margin);
            sum += others.iter().map(longer).product::<f64>();
        }
        sum / f64::from(POINTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread() -> LayoutSpread {
        LayoutSpread { sweeps: 1, layouts: 11, deciles: [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10] }
    }

    #[test]
    fn quantiles_and_shares_are_each_others_inverse() {
        for u in [0.001, 0.2, 0.49, 0.5, 0.73, 0.999] {
            assert!((spread().below(spread().quantile(u)) - u).abs() < 1e-12, "{u}");
        }
        assert_eq!((spread().below(-1.0), spread().below(1.0)), (0.0, 1.0));
    }

    #[test]
    fn equal_layouts_are_equally_likely_the_best() {
        for n in [1, 2, 5] {
            let share = spread().stays_best(&vec![3.0; n], 0.0);
            assert!((share - 1.0 / n as f64).abs() < 1e-4, "{n}: {share}");
        }
    }

    /// Two errors, each even between -0.1 and 0.1: of times a factor of e^0.05 apart, the difference of the errors is more than
    /// that in (0.15 / 0.2)^2 / 2 of cases.
    #[test]
    fn a_lead_makes_it_likelier() {
        let share = spread().stays_best(&[1.0, 0.05f64.exp()], 0.0);
        assert!((share - (1.0 - 0.75f64.powi(2) / 2.0)).abs() < 1e-4, "{share}");
        assert_eq!(spread().stays_best(&[1.0, 0.2f64.exp()], 0.0), 1.0);
        // A margin is worth as much as a lead.
        assert!((spread().stays_best(&[1.0, 1.0], 0.05) - share).abs() < 1e-12);
    }
}
