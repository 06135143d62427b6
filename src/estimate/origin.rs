//! What an estimate was made by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Hash;
use crate::calibration::Calibration;
use crate::catalog;

/// A planner: its version, and what it carries. Two of the same origin make the same of the same input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Its version.
    pub version: String,
    /// Hash of the catalogue in the binary.
    pub catalog: String,
    /// Hash of the default efficiencies in the binary: the calibration, where no profile is named.
    pub calibration: String,
}

impl Origin {
    /// This planner.
    #[must_use]
    pub fn own() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            catalog: hash_of(catalog::texts()),
            calibration: hash_of(Calibration::TEXTS.into_iter()),
        }
    }
}

fn hash_of(texts: impl Iterator<Item = &'static str>) -> String {
    texts.fold(Hash::default(), |hash, text| hash.with("text", text)).named()
}
