//! What a file says, without how it is written: its tree as JSON.

use serde_json::{Map, Number, Value};

use super::{Kind, Node, number};

impl Node {
    /// The value as JSON: the same for two files that differ in comments, quotes, layout or order of keys only. Written as text it
    /// is YAML again that reads as the file does.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => Value::Null,
            Kind::Scalar { text, plain: true } => plain(text),
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Kind::Mapping(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}

/// Below this every whole number is an `f64`.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// What stands without quotes: a number, a truth, or text.
fn plain(text: &str) -> Value {
    // `1.0` is `1`: where a whole number is wanted, a file with the former is not read.
    let number = number::float(text).ok().and_then(|number| {
        let whole = number.fract() == 0.0 && number.abs() < MOST_WHOLE;
        if whole { Some(Number::from(number as i64)) } else { Number::from_f64(number) }
    });
    match (text, number) {
        ("true", _) => Value::Bool(true),
        ("false", _) => Value::Bool(false),
        (_, Some(number)) => Value::Number(number),
        (_, None) => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Source;
    use crate::yaml::scan;

    #[test]
    fn how_a_file_is_written_does_not_count() {
        let json = |text: &str| scan(&Source::new("f", text)).unwrap().to_json().to_string();
        let one = json("# nodes\nb: 'x y'\na:\n  - {n: 4, share: 0.50, on: true, pue: 1.0}\n  -\n");
        assert_eq!(one, r#"{"a":[{"n":4,"on":true,"pue":1,"share":0.5},null],"b":"x y"}"#);
        assert_eq!(json("{a: [{share: 0.5, n: 4, on: true, pue: 1}, ~], b: x y}"), one);
        // Text that looks like a number stays text, and JSON is YAML that reads the same.
        assert_eq!(json("{a: '4', b: 3.35 TB/s}"), r#"{"a":"4","b":"3.35 TB/s"}"#);
        assert_eq!(json(&one), one);
    }
}
