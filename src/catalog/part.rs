//! What a cluster is built from beside servers and switches: transceivers, cables, racks, power distribution.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Entry, Price, entry};
use crate::units::{BitsPerSecond, Watts};

/// One part of the catalogue.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Part {
    /// The name that files refer to.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it is.
    pub kind: PartKind,
    /// Line rate of a transceiver's cage or of a cable.
    #[serde(default)]
    pub rate: Option<BitsPerSecond>,
    /// Most power it draws.
    #[serde(default)]
    pub max_power: Option<Watts>,
    /// Height in rack units.
    #[serde(default)]
    pub rack_units: Option<u32>,
    /// Purchase price.
    #[serde(default)]
    pub price: Option<Price>,
    /// Keys of the source list.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Fields that were not seen in a source.
    #[serde(default)]
    pub assumed: Vec<String>,
    /// What else to know.
    #[serde(default)]
    pub notes: Option<String>,
}

entry!(Part, "part");

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A module in the cage of a switch or of a network card.
    Transceiver,
    /// A cable, with its ends where they are fixed to it.
    Cable,
    /// A rack.
    Rack,
    /// A power distribution unit of a rack.
    Pdu,
    /// An uninterruptible power supply.
    Ups,
    /// A computer without accelerators.
    Computer,
    /// A storage system.
    Storage,
    /// A switch that the catalogue has no entry for.
    Switch,
}

impl PartKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transceiver => "transceiver",
            Self::Cable => "cable",
            Self::Rack => "rack",
            Self::Pdu => "pdu",
            Self::Ups => "ups",
            Self::Computer => "computer",
            Self::Storage => "storage",
            Self::Switch => "switch",
        }
    }
}
