//! How numbers are written: plain decimals, one spelling each.

use super::schema::Schema;

/// The number, `true` or `false` that was probably meant by a text, where the schema takes one.
pub(super) fn meant(text: &str, schema: &Schema<'_>) -> Option<String> {
    if schema.words().is_some() || schema.takes("string") {
        return None;
    }
    let number = if schema.takes("number") {
        float(text).map_or_else(|meant| meant, |_| Some(text.to_owned()))
    } else if schema.takes("integer") {
        integer(text).map_or_else(|meant| meant, |_| Some(text.to_owned()))
    } else {
        None
    };
    number.or_else(|| schema.takes("boolean").then(|| truth(text)).flatten())
}

fn truth(text: &str) -> Option<String> {
    let word = match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" => "true",
        "false" | "no" | "n" | "off" => "false",
        _ => return None,
    };
    Some(word.to_owned())
}

/// A number as it is wanted in a file, or what to write instead.
pub(super) type Reading<T> = Result<T, Option<String>>;

/// Reads a whole number: decimal digits, perhaps with a minus before them.
pub(super) fn integer(text: &str) -> Reading<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
        && text != "-0";
    match text.parse() {
        Ok(number) if canonical => Ok(number),
        // More digits than any limit has: out of range, not something else than a number.
        Err(_) if canonical => Ok(if text.starts_with('-') { i128::MIN } else { i128::MAX }),
        _ => Err(meant_integer(text)),
    }
}

/// Reads a number: decimal digits with an optional fraction and exponent, finite.
pub(super) fn float(text: &str) -> Reading<f64> {
    let mantissa = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match mantissa.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (mantissa, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits(whole) && digits(fraction) && digits(exponent) && (whole == "0" || !whole.starts_with('0'));
    match text.parse::<f64>() {
        Ok(number) if canonical && number.is_finite() => Ok(number),
        _ => Err(meant_float(text)),
    }
}

/// Whether a plain scalar would be read as something other than text.
pub(super) fn is_not_text(text: &str) -> bool {
    let word = matches!(text, "~" | "null" | "Null" | "NULL" | "true" | "True" | "TRUE" | "false" | "False" | "FALSE");
    let special = text.strip_prefix(['-', '+']).unwrap_or(text);
    word || matches!(special, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
        || text.parse::<f64>().is_ok_and(|_| text.contains(|c: char| c.is_ascii_digit()))
        || radix(text).is_some()
}

/// The whole number that was probably meant, as it should be written.
fn meant_integer(text: &str) -> Option<String> {
    let plain = without_unit(text).replace(['_', ',', '\''], "");
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    if let Some(number) = radix(plain) {
        return Some(number.to_string());
    }
    if let Ok(number) = plain.parse::<i128>() {
        return Some(number.to_string());
    }
    let number = plain.parse::<f64>().ok()?;
    let exact = number.is_finite() && number.fract() == 0.0 && number.abs() < 1e15;
    exact.then(|| format!("{number:.0}"))
}

/// The number that was probably meant, as it should be written.
fn meant_float(text: &str) -> Option<String> {
    if let Some(percent) = text.strip_suffix('%') {
        let share = percent.trim().parse::<f64>().ok().filter(|share| share.is_finite())? / 100.0;
        return Some(share.to_string()).filter(|plain| plain.len() < 20);
    }
    let plain = without_unit(text).replace(['_', '\''], "");
    let plain = match plain.split_once(',') {
        // Three digits behind a comma may be thousands.
        Some((whole, fraction)) if fraction.len() != 3 => format!("{whole}.{fraction}"),
        _ => plain,
    };
    let number = match radix(&plain) {
        Some(number) => return Some(number.to_string()),
        None => plain.parse::<f64>().ok().filter(|number| number.is_finite())?,
    };
    let plain = number.to_string();
    (plain.len() < 20).then_some(plain)
}

/// The number of a quantity, such as the 16 of `16 nodes`.
fn without_unit(text: &str) -> &str {
    let text = text.trim();
    let is_unit = |unit: &str| unit.chars().all(char::is_alphabetic);
    text.split_once(' ').filter(|(_, unit)| is_unit(unit.trim())).map_or(text, |(number, _)| number)
}

/// A number written with a radix prefix.
fn radix(text: &str) -> Option<i64> {
    let digits = |prefix, radix| i64::from_str_radix(text.strip_prefix(prefix)?, radix).ok();
    digits("0x", 16).or_else(|| digits("0o", 8)).or_else(|| digits("0b", 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_one_spelling() {
        assert_eq!(integer(&"9".repeat(60)), Ok(i128::MAX));
        for good in ["0", "8", "-3", "4194304", "18446744073709551615"] {
            assert_eq!(integer(good).map(|number| number.to_string()), Ok(good.to_owned()));
        }
        for (bad, meant) in [
            ("1e9", Some("1000000000")),
            ("4.0", Some("4")),
            ("1_000", Some("1000")),
            ("1,000", Some("1000")),
            ("0x10", Some("16")),
            ("0755", Some("755")),
            ("+8", Some("8")),
            ("-0", Some("0")),
            ("4.5", None),
            ("1e400", None),
            ("8 GPUs", Some("8")),
            ("8 x 8", None),
            ("8k", None),
            (".inf", None),
            ("nan", None),
            ("", None),
            ("٣", None),
        ] {
            assert_eq!(integer(bad), Err(meant.map(str::to_owned)), "{bad}");
        }
    }

    #[test]
    fn numbers_are_finite_decimals() {
        for good in ["0", "1.25", "-3", "1e9", "2.5E-3", "0.0"] {
            assert!(float(good).is_ok(), "{good}");
        }
        for (bad, meant) in [
            (".5", Some("0.5")),
            ("1.", Some("1")),
            ("01.5", Some("1.5")),
            ("+1.5", Some("1.5")),
            ("1_000.5", Some("1000.5")),
            (".nan", None),
            (".inf", None),
            ("inf", None),
            ("NaN", None),
            ("1e400", None),
            ("12 %", Some("0.12")),
            ("1,25", Some("1.25")),
            ("1,250", None),
            ("2:1", None),
        ] {
            assert_eq!(float(bad), Err(meant.map(str::to_owned)), "{bad}");
        }
    }

    #[test]
    fn words_that_yaml_reads_as_something_else() {
        assert!(["null", "true", "8", "1e3", "0x1F", ".inf", "-.Inf", "~"].into_iter().all(is_not_text));
        assert!(["", "h100", "yes", "no", "inf", "nan", "1.2.3", "80 GB"].into_iter().all(|text| !is_not_text(text)));
    }
}
