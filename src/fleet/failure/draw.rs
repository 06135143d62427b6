//! Random numbers of the distributions that failures follow.

/// A number of the standard normal distribution (Box and Muller 1958).
pub(super) fn normal(random: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - random.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.f64()).cos()
}

/// A number of the gamma distribution with mean 1 (Marsaglia and Tsang 2000; below a shape of 1 with their boost).
pub(super) fn gamma(random: &mut fastrand::Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - random.f64()).powf(1.0 / shape);
        return gamma(random, shape + 1.0) * (shape + 1.0) * boost / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && (1.0 - random.f64()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v / shape;
        }
    }
}

/// The standard normal distribution (Abramowitz and Stegun 1964, 26.2.17; wrong by less than 1e-7).
pub(super) fn below(x: f64) -> f64 {
    if x < 0.0 {
        return 1.0 - below(-x);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * x);
    let tail = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let polynomial = tail.iter().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    1.0 - (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * polynomial
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_numbers_have_a_mean_of_one() {
        let mut random = fastrand::Rng::with_seed(1);
        for shape in [0.5, 0.9, 1.5, 4.0] {
            let numbers: Vec<f64> = (0..100_000).map(|_| gamma(&mut random, shape)).collect();
            let mean = numbers.iter().sum::<f64>() / 1e5;
            let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
            assert!((mean - 1.0).abs() < 0.02 && (variance * shape - 1.0).abs() < 0.05, "{shape}: {mean} {variance}");
        }
    }

    #[test]
    fn the_normal_distribution_at_known_places() {
        for (x, wanted) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.959_963_985, 0.025), (3.0, 0.998_650_102)] {
            assert!((below(x) - wanted).abs() < 1e-7, "{x}");
        }
    }
}
