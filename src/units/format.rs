//! Numbers for people: three significant digits, thousands in groups.

/// `value` with `digits` significant digits, never in scientific notation: `0.0123`, `13.8`, `1,234`.
#[must_use]
pub fn significant(value: f64, digits: u32) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { "-".into() };
    }
    let magnitude = value.abs().log10().floor() as i64;
    let mut decimals = (i64::from(digits) - 1 - magnitude).clamp(0, 12) as usize;
    // Rounding may carry into the next magnitude: 9.999 with three digits is 10.0, not 10.00.
    let rounded = format!("{value:.decimals$}");
    if decimals > 0 && rounded.trim_start_matches('-').parse::<f64>().is_ok_and(|r| r >= 10f64.powi(magnitude as i32 + 1)) {
        decimals -= 1;
    }
    grouped(value, decimals)
}

/// `value` with `decimals` digits behind the point and commas between thousands.
#[must_use]
pub fn grouped(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    let (sign, rest) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits() {
        let cases =
            [(0.0, "0"), (13.75, "13.8"), (0.012_34, "0.0123"), (9.999, "10.0"), (123_456.0, "123,456"), (999.9, "1,000")];
        for (value, text) in cases {
            assert_eq!(significant(value, 3), text);
        }
    }
}
