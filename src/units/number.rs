//! The number in front of a unit: decimal, finite, not negative.

use super::QuantityError;

/// Splits `text` into its number and the unit behind it (which may be empty).
///
/// # Errors
/// When there is no number, or one that is negative, not finite, or written with separators.
pub(super) fn split(text: &str) -> Result<(f64, &str, &str), QuantityError> {
    let text = text.trim();
    let end = number_end(text);
    let (digits, unit) = text.split_at(end);
    if digits.is_empty() {
        return Err(no_number(text));
    }
    let goes_on = |unit: &str| unit.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if unit.starts_with(['_', ',']) || goes_on(unit.trim_start()) {
        return Err(QuantityError::new(format!("`{text}` is not a number with a unit")).with_hint(without_separators(text)));
    }
    let value: f64 = digits.parse().map_err(|_| no_number(text))?;
    if !value.is_finite() {
        return Err(QuantityError::new(format!("`{digits}` is too large for a number")));
    }
    Ok((value, digits, unit.trim()))
}

/// The byte where the leading decimal number ends; 0 when there is none. An `e` counts only with digits behind it.
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    if end == 0 {
        return 0;
    }
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if fraction > 0 {
            end += 1 + fraction;
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = bytes.get(end + 1 + sign..).map_or(0, |_| digits(end + 1 + sign));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// What was meant by a number with commas or underscores: three digits behind a comma are thousands, others a fraction.
fn without_separators(text: &str) -> String {
    let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    match text.split_once(',') {
        Some((whole, rest)) if !rest.contains([',', '.', '_']) && (whole == "0" || digits(rest) != 3) => {
            format!("write a point for the fraction: `{whole}.{rest}`")
        }
        _ => {
            let separates = |(at, c): (usize, char)| match c {
                ' ' => text[at + 1..].starts_with(|c: char| c.is_ascii_digit()),
                c => matches!(c, '_' | ','),
            };
            let plain: String = text.char_indices().filter(|place| !separates(*place)).map(|(_, c)| c).collect();
            format!("write digits without separators, for example `{plain}`")
        }
    }
}

fn no_number(text: &str) -> QuantityError {
    let lower = text.trim_start_matches(['+', '-', '.']).to_ascii_lowercase();
    if lower.starts_with("nan") || lower.starts_with("inf") {
        QuantityError::new(format!("`{text}` is not a finite number"))
    } else if text.starts_with('-') {
        QuantityError::new(format!("`{text}` is negative")).with_hint("write zero or a positive number")
    } else if text.is_empty() {
        QuantityError::new("the value is empty")
    } else {
        QuantityError::new(format!("`{text}` does not start with a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_number_and_unit() {
        assert_eq!(split("3.35 TB/s"), Ok((3.35, "3.35", "TB/s")));
        assert_eq!(split(" 15T tokens "), Ok((15.0, "15", "T tokens")));
        assert_eq!(split("1e3 W"), Ok((1000.0, "1e3", "W")));
        assert_eq!(split("2 EB"), Ok((2.0, "2", "EB")));
        assert_eq!(split("2EB"), Ok((2.0, "2", "EB")));
    }

    #[test]
    fn a_comma_is_a_point_or_nothing() {
        let hint = |text| split(text).unwrap_err().hint().unwrap();
        assert!(hint("0,08 USD/kWh").ends_with("`0.08 USD/kWh`"));
        assert!(hint("0,125 W").ends_with("`0.125 W`"));
        assert!(hint("1,300 kW").ends_with("`1300 kW`"));
        assert!(hint("1,300,000 W").ends_with("`1300000 W`"));
        assert!(hint("10,2 kW").ends_with("`10.2 kW`"));
        assert!(hint("1 300 kW").ends_with("`1300 kW`"));
    }

    #[test]
    fn refuses_what_is_no_plain_number() {
        for text in ["", "-1 W", "nan W", ".inf", "+inf W", "1_000 W", "1,000 W", "1.2.3 W", "1e999 W", "W", "."] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
