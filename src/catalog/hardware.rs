//! Servers, switches and links.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Price, entry};
use crate::units::{BitsPerSecond, BytesPerSecond, Seconds, Watts};

/// One server (or rack that is bought as one) of the catalogue.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Server {
    /// The name that files refer to.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Who makes it.
    pub vendor: String,
    /// Its accelerator.
    pub accelerator: String,
    /// Accelerators in it.
    #[schemars(range(min = 1, max = 1024))]
    pub gpus: u32,
    /// Most power it draws.
    #[serde(default)]
    pub max_power: Option<Watts>,
    /// Power it draws in usual work.
    #[serde(default)]
    pub typical_power: Option<Watts>,
    /// Height in rack units.
    #[serde(default)]
    pub rack_units: Option<u32>,
    /// Servers in one rack of the reference design.
    #[serde(default)]
    pub nodes_per_rack: Option<u32>,
    /// How it is cooled.
    #[serde(default)]
    pub cooling: Option<Cooling>,
    /// Network ports for computation.
    #[serde(default)]
    pub nics: Option<Nics>,
    /// Ports for computation that share a transceiver cage.
    #[serde(default)]
    #[schemars(range(min = 1, max = 8))]
    pub ports_per_cage: Option<u32>,
    /// Network ports for storage.
    #[serde(default)]
    pub storage_nics: Option<Nics>,
    /// Racks that it is delivered in, power distribution included.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub racks: Option<u32>,
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

entry!(Server, "server");

/// How a server is cooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cooling {
    /// By air.
    Air,
    /// By air that a water-cooled door of the rack takes the heat from.
    RearDoor,
    /// By liquid.
    Liquid,
    /// Chips by liquid, the rest by air.
    Hybrid,
}

impl Cooling {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Air => "air",
            Self::RearDoor => "rear-door",
            Self::Liquid => "liquid",
            Self::Hybrid => "hybrid",
        }
    }
}

/// Network ports of a server.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Nics {
    /// Ports per server.
    #[schemars(range(min = 1, max = 1024))]
    pub count: u32,
    /// Line rate of a port.
    pub rate: BitsPerSecond,
}

/// One switch of the catalogue.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Switch {
    /// The name that files refer to.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Who makes it.
    pub vendor: String,
    /// Name of its link in the catalogue.
    #[serde(default)]
    pub link: Option<String>,
    /// Ports, its radix.
    #[serde(default)]
    #[schemars(range(min = 2, max = 4096))]
    pub ports: Option<u32>,
    /// Line rate of a port.
    #[serde(default)]
    pub port_rate: Option<BitsPerSecond>,
    /// Ports that share a transceiver cage.
    #[serde(default)]
    #[schemars(range(min = 1, max = 8))]
    pub ports_per_cage: Option<u32>,
    /// Height in rack units.
    #[serde(default)]
    pub rack_units: Option<u32>,
    /// Power it draws in usual work.
    #[serde(default)]
    pub typical_power: Option<Watts>,
    /// Most power it draws.
    #[serde(default)]
    pub max_power: Option<Watts>,
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

entry!(Switch, "switch");

/// One kind of link of the catalogue.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Link {
    /// The name that files refer to.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Scale-up or scale-out.
    pub category: LinkCategory,
    /// Bandwidth per direction: per device for scale-up, per port for scale-out.
    #[serde(default)]
    pub bandwidth: Option<BytesPerSecond>,
    /// Line rate of a port, for scale-out.
    #[serde(default)]
    pub rate: Option<BitsPerSecond>,
    /// Latency of one step.
    #[serde(default)]
    pub latency: Option<Seconds>,
    /// Measured share of the bandwidth for large messages.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub efficiency: Option<f64>,
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

entry!(Link, "link");

/// Whether a link of that name is InfiniBand, which wants a fabric manager and has addresses to run out of.
#[must_use]
pub fn is_infiniband(link: &str) -> bool {
    link.starts_with("infiniband")
}

/// Where a link is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkCategory {
    /// Between the accelerators of a domain.
    ScaleUp,
    /// Between servers.
    ScaleOut,
}
