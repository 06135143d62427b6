//! A global batch: counted in sequences, or in tokens.

use std::str::FromStr;

use super::{QuantityError, Tokens, number};

/// A global batch, as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Batch {
    /// Exactly so many sequences.
    Sequences(u32),
    /// About so many tokens.
    Tokens(Tokens),
}

fn parse(text: &str) -> Result<Batch, QuantityError> {
    const EXAMPLE: &str = "1024 sequences";
    let (value, digits, unit) = number::split(text)?;
    match unit {
        "" => Err(QuantityError::without_unit(digits, "a global batch", "`sequences`, `tokens`, `M tokens`", EXAMPLE)),
        "sequences" | "sequence" | "samples" => {
            if value.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&value) {
                Ok(Batch::Sequences(value as u32))
            } else {
                Err(QuantityError::new(format!("`{text}` is not a whole number of sequences"))
                    .with_hint(format!("write it as in `{EXAMPLE}`")))
            }
        }
        _ => match text.parse::<Tokens>() {
            Ok(tokens) if tokens.get() >= 1.0 => Ok(Batch::Tokens(tokens)),
            Ok(_) => Err(QuantityError::new("a global batch needs at least one token")),
            Err(_) => Err(QuantityError::new(format!("`{unit}` is not a unit of a global batch"))
                .with_hint(format!("write it as in `{EXAMPLE}` or `4M tokens`"))),
        },
    }
}

impl FromStr for Batch {
    type Err = QuantityError;
    /// Reads `1024 sequences` or `4M tokens`.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text)
    }
}

impl<'de> serde::Deserialize<'de> for Batch {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(super::quantity::Text(std::marker::PhantomData::<Self>))
    }
}

impl schemars::JsonSchema for Batch {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Batch".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "x-quantity": "global-batch", "examples": ["1024 sequences", "4M tokens"] })
    }
}
