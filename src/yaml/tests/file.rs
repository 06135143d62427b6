//! A file format with one of everything.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Cluster {
    name: String,
    /// Groups of identical nodes.
    #[schemars(length(min = 1))]
    pub(super) pools: Vec<Pool>,
    fabric: Option<Fabric>,
    #[serde(default)]
    power: Power,
    #[serde(default)]
    labels: BTreeMap<String, u8>,
    torus: Option<[u32; 3]>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Pool {
    name: String,
    /// How many identical nodes the pool has.
    #[schemars(range(min = 1), example = 127)]
    pub(super) nodes: u32,
    #[schemars(example = &"dgx-h100")]
    server: Option<String>,
    pub(super) parallelism: Option<Parallelism>,
    #[serde(default)]
    spare: bool,
    bandwidth: Option<Bandwidth>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Fabric {
    kind: FabricKind,
    #[schemars(range(min = 1.0, max = 64.0))]
    oversubscription: Option<f64>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FabricKind {
    /// Two or three levels.
    FatTree,
    /// A ring in each dimension.
    Torus,
}

#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Power {
    pue: Option<f64>,
}

#[derive(Debug)]
pub(super) struct Bandwidth(String);

impl<'de> Deserialize<'de> for Bandwidth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with("13") { Err(D::Error::custom("thirteen is unlucky")) } else { Ok(Self(text)) }
    }
}

impl JsonSchema for Bandwidth {
    fn schema_name() -> Cow<'static, str> {
        "Bandwidth".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-quantity": "bytes-per-second", "examples": ["900 GB/s"]})
    }
}

/// `auto`, or degrees spelled out.
#[derive(Debug)]
pub(super) enum Parallelism {
    Auto,
    Fixed(Degrees),
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Degrees {
    tp: Option<u32>,
    pp: Option<u32>,
}

impl<'de> Deserialize<'de> for Parallelism {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Parallelism;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`auto` or a mapping")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Parallelism, E> {
                if word == "auto" { Ok(Parallelism::Auto) } else { Err(E::custom("not `auto`")) }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Parallelism, A::Error> {
                Degrees::deserialize(MapAccessDeserializer::new(map)).map(Parallelism::Fixed)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Parallelism {
    fn schema_name() -> Cow<'static, str> {
        "Parallelism".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let degrees = generator.subschema_for::<Degrees>();
        json_schema!({"oneOf": [{"const": "auto"}, degrees]})
    }
}
