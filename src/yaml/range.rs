//! The numbers that a schema lets through.

use std::cmp::Ordering;

use serde_json::Value;

use super::number::{float, integer};
use super::schema::Schema;

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Where only whole numbers are taken.
    Whole(i128),
    /// Anywhere else.
    Real(f64),
}

impl Number {
    /// Reads the kind of number that the schema takes.
    pub(super) fn read(text: &str, schema: &Schema<'_>) -> Option<Self> {
        if schema.takes("number") {
            float(text).ok().map(Self::Real)
        } else if schema.takes("integer") {
            integer(text).ok().map(Self::Whole)
        } else {
            None
        }
    }

    /// The limit that the number breaks, if any, in words such as "of at least 1".
    pub(super) fn outside(self, schema: &Schema<'_>) -> Option<String> {
        let breaks = |keyword: &str, words: &str, is_broken: fn(Ordering) -> bool| {
            let limit = schema.get(keyword)?;
            is_broken(self.compare(limit)?).then(|| format!("{words} {limit}"))
        };
        let least = breaks("minimum", "of at least", Ordering::is_lt);
        let above = || breaks("exclusiveMinimum", "above", Ordering::is_le);
        let most = || breaks("maximum", "of at most", Ordering::is_gt);
        let below = || breaks("exclusiveMaximum", "below", Ordering::is_ge);
        least.or_else(above).or_else(most).or_else(below).or_else(|| self.overflow(schema.get("format")?.as_str()?))
    }

    fn compare(self, limit: &Value) -> Option<Ordering> {
        let whole = limit.as_i64().map(i128::from).or_else(|| limit.as_u64().map(i128::from));
        match (self, whole) {
            (Self::Whole(number), Some(limit)) => Some(number.cmp(&limit)),
            // Limits that are not whole are small, and so is the number where it matters.
            #[expect(clippy::cast_precision_loss)]
            (Self::Whole(number), None) => (number as f64).partial_cmp(&limit.as_f64()?),
            (Self::Real(number), _) => number.partial_cmp(&limit.as_f64()?),
        }
    }

    /// What the Rust type behind a `format` holds, when the number is more than that.
    fn overflow(self, format: &str) -> Option<String> {
        let (least, most) = match format {
            "uint8" => (0, u8::MAX.into()),
            "uint16" => (0, u16::MAX.into()),
            "uint32" => (0, u32::MAX.into()),
            "uint64" | "uint" => (0, u64::MAX.into()),
            "int8" => (i8::MIN.into(), i8::MAX.into()),
            "int16" => (i16::MIN.into(), i16::MAX.into()),
            "int32" => (i32::MIN.into(), i32::MAX.into()),
            "int64" | "int" => (i64::MIN.into(), i64::MAX.into()),
            _ => (i128::MIN, i128::MAX),
        };
        match self {
            Self::Whole(number) if number < least => Some(format!("of at least {least}")),
            Self::Whole(number) if number > most => Some(format!("of at most {most}")),
            Self::Real(number) if format == "float" && number.abs() > f32::MAX.into() => {
                Some(format!("of at most {:e}", f32::MAX))
            }
            _ => None,
        }
    }
}

/// Words for the numbers that a schema lets through: "a whole number from 1 to 8".
pub(super) fn wanted(schema: &Schema<'_>) -> Option<String> {
    let name = if schema.takes("number") {
        "a number"
    } else if schema.takes("integer") {
        "a whole number"
    } else {
        return None;
    };
    let limits = match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    Some(format!("{name}{limits}, in digits"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_named() {
        for (text, schema, limit) in [
            ("0", json!({"type": "integer", "minimum": 1}), Some("of at least 1")),
            ("-1", json!({"type": "integer", "format": "uint32"}), Some("of at least 0")),
            ("4294967296", json!({"type": "integer", "format": "uint32"}), Some("of at most 4294967295")),
            ("18446744073709551615", json!({"type": "integer", "format": "uint64"}), None),
            ("3", json!({"type": "integer", "maximum": 2.5}), Some("of at most 2.5")),
            ("0", json!({"type": "number", "exclusiveMinimum": 0}), Some("above 0")),
            ("0.5", json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}), None),
            ("1", json!({"type": "number", "exclusiveMaximum": 1}), Some("below 1")),
            ("1e39", json!({"type": "number", "format": "float"}), Some("of at most 3.4028235e38")),
        ] {
            let schema = Schema::root(&schema);
            let number = Number::read(text, &schema).unwrap();
            assert_eq!(number.outside(&schema).as_deref(), limit, "{text}");
        }
    }
}
