//! The one place where figures are rounded, and JSON of figures is written.

use serde::Serialize;

/// Significant digits of every figure that is written for machines.
pub const DIGITS: usize = 9;

/// How far two figures may differ, as a share, and still be the same: two units of the last digit that is kept. Machines whose
/// logarithms differ in their last bit may round to neighbours.
pub const SAME: f64 = 2e-8;

/// Nine digits: more than any figure is worth, and the same on machines whose logarithms differ in the last.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value)
}

/// Whether two figures are the same at the precision that is kept.
#[must_use]
pub fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME * a.abs().max(b.abs())
}

/// Figures as JSON: keys in alphabetical order, one a line.
///
/// # Errors
/// Never for the structures of this crate, whose keys are all text.
pub fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    // A map of values is in alphabetical order, whatever the order of fields is.
    serde_json::to_string_pretty(&serde_json::to_value(value)?).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_digits_are_kept() {
        assert_eq!(rounded(1.0 / 3.0), 0.333_333_333);
        assert_eq!(rounded(1_234_567_891.0), 1_234_567_890.0);
        assert_eq!([rounded(0.0), rounded(-2e22)], [0.0, -2e22]);
    }

    #[test]
    fn neighbours_in_the_last_digit_are_the_same() {
        assert!(same(1.000_000_01, 1.000_000_02) && same(0.0, 0.0) && same(-5.0, -5.0));
        assert!(!same(1.0, 1.000_000_1) && !same(0.0, 1e-30));
    }
}
