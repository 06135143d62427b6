//! A line through times: alpha + size / beta.

/// A line through points, and how far they lie from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// Seconds at size nothing.
    pub alpha: f64,
    /// Size per second.
    pub beta: f64,
    /// Median distance of the points, as a share of their time.
    pub error: f64,
}

/// The line with the least relative errors through (size, seconds), alpha not below nothing. Relative, since times of a sweep go
/// over six powers of ten and the small ones are what tells alpha. Nothing where fewer than two sizes are given, or larger is
/// not slower.
pub(super) fn line(points: &[(f64, f64)]) -> Option<Line> {
    let points: Vec<(f64, f64)> = points.iter().copied().filter(|(size, time)| *size > 0.0 && *time > 0.0).collect();
    // Weights 1/t²: least squares of (alpha + slope · size) / t = 1.
    let [mut aa, mut ab, mut bb, mut a, mut b] = [0.0; 5];
    for (size, time) in &points {
        let (x, y) = (1.0 / time, size / time);
        aa += x * x;
        ab += x * y;
        bb += y * y;
        a += x;
        b += y;
    }
    let determinant = aa * bb - ab * ab;
    // Two sizes at least, told apart by more than rounding.
    if points.len() < 2 || determinant <= 1e-12 * aa * bb {
        return None;
    }
    let (mut alpha, mut slope) = ((a * bb - b * ab) / determinant, (aa * b - ab * a) / determinant);
    if alpha < 0.0 {
        (alpha, slope) = (0.0, b / bb);
    }
    if slope <= 0.0 {
        return None;
    }
    let mut errors: Vec<f64> = points.iter().map(|(size, time)| ((alpha + slope * size) / time - 1.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    Some(Line { alpha, beta: 1.0 / slope, error: errors[errors.len() / 2] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_again() {
        let points: Vec<(f64, f64)> = (10..34).map(|i| 2f64.powi(i)).map(|size| (size, 20e-6 + size / 350e9)).collect();
        let line = line(&points).unwrap();
        assert!((line.alpha / 20e-6 - 1.0).abs() < 1e-9 && (line.beta / 350e9 - 1.0).abs() < 1e-9 && line.error < 1e-9);
    }

    #[test]
    fn what_is_no_line_gives_none() {
        assert_eq!(line(&[(1.0, 1.0)]), None);
        assert_eq!(line(&[(1.0, 1.0), (1.0, 1.0)]), None);
        assert_eq!(line(&[(1.0, 2.0), (2.0, 1.0)]), None);
        // Through nothing: a larger share of time at small sizes would be a negative start.
        assert_eq!(line(&[(1.0, 0.9), (2.0, 2.0)]).unwrap().alpha, 0.0);
    }
}
