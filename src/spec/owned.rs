//! How many nodes of a pool are owned already.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::units::Nodes;

/// Nodes of a pool that are owned already: `true` for all of it, `64 nodes` for some.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Owned {
    /// None.
    #[default]
    Nothing,
    /// The whole pool.
    Everything,
    /// So many nodes.
    Some(Nodes),
}

struct Read;

impl Visitor<'_> for Read {
    type Value = Owned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`true`, `false` or a number of nodes")
    }

    fn visit_bool<E: de::Error>(self, all: bool) -> Result<Owned, E> {
        Ok(if all { Owned::Everything } else { Owned::Nothing })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Owned, E> {
        text.parse().map(Owned::Some).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Read)
    }
}

impl schemars::JsonSchema for Owned {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Owned".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [{ "type": "boolean" }, { "type": "string", "x-quantity": "nodes" }],
            "examples": ["64 nodes"]
        })
    }
}
