//! A factor by size, between points that were measured.

/// Points of a factor over a size, the size rising.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Factors(Vec<(f64, f64)>);

impl Factors {
    /// The points, in any order; of equal sizes the last stays.
    pub(super) fn new(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut points: Vec<(f64, f64)> = points.into_iter().map(|(size, factor)| (size.max(1.0).ln(), factor)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.reverse();
        points.dedup_by(|next, kept| next.0 == kept.0);
        points.reverse();
        Self(points)
    }

    /// The factor at `size`: linear in its logarithm between points, that of the nearest beyond them, 1 without points.
    pub(super) fn at(&self, size: f64) -> f64 {
        let x = size.max(1.0).ln();
        let after = self.0.partition_point(|(at, _)| *at < x);
        match (after.checked_sub(1).and_then(|before| self.0.get(before)), self.0.get(after)) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
            (Some((_, y)), None) | (None, Some((_, y))) => *y,
            (None, None) => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_points_a_line_and_beyond_them_the_nearest() {
        let factors = Factors::new([(1e6, 1.0), (1e2, 0.5), (1e4, 0.7)]);
        for (size, factor) in [(1.0, 0.5), (1e2, 0.5), (1e3, 0.6), (1e4, 0.7), (1e5, 0.85), (1e6, 1.0), (1e9, 1.0)] {
            assert!((factors.at(size) - factor).abs() < 1e-12, "{size}");
        }
        assert_eq!(Factors::default().at(5.0), 1.0);
    }
}
