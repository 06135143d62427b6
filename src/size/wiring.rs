//! How servers may be wired: full or oversubscribed trees, rails without spines; on which kind of network.

use serde::Serialize;

use crate::catalog::{Switch, is_infiniband};

/// How leaves are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wiring {
    /// As much bandwidth out of a leaf as into it.
    Full,
    /// Leaves of the same rail alone: what crosses rails goes through the servers' scale-up links (arXiv:2307.12169).
    RailOnly,
    /// Twice as much into a leaf as out of it.
    Oversubscribed,
}

impl Wiring {
    /// Those that lose least to their network first.
    pub const ALL: [Self; 3] = [Self::Full, Self::RailOnly, Self::Oversubscribed];

    /// `fabric.kind` of a cluster file.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::RailOnly => "rail-only",
            Self::Full | Self::Oversubscribed => "rail-optimized-fat-tree",
        }
    }

    /// Bandwidth into a leaf over bandwidth out of it.
    #[must_use]
    pub const fn oversubscription(self) -> f64 {
        match self {
            Self::Full | Self::RailOnly => 1.0,
            Self::Oversubscribed => 2.0,
        }
    }
}

/// The kind of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// InfiniBand.
    Infiniband,
    /// Ethernet.
    Ethernet,
    /// Another one, such as Slingshot.
    Other,
}

impl Network {
    /// That of a switch's links.
    #[must_use]
    pub fn of(switch: &Switch) -> Self {
        match switch.link.as_deref() {
            Some(link) if is_infiniband(link) => Self::Infiniband,
            Some(link) if link.starts_with("ethernet") => Self::Ethernet,
            _ => Self::Other,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Infiniband => "InfiniBand",
            Self::Ethernet => "Ethernet",
            Self::Other => "other",
        }
    }
}

/// What may be bought of networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// How leaves may be joined.
    pub wirings: Vec<Wiring>,
    /// Kinds of networks; all when there are none.
    pub networks: Vec<Network>,
}

impl Default for Offer {
    /// Full and oversubscribed trees of any network: rails without spines are for whoever asks for them, because not every job keeps to
    /// its rails.
    fn default() -> Self {
        Self { wirings: vec![Wiring::Full, Wiring::Oversubscribed], networks: Vec::new() }
    }
}

impl Offer {
    /// Whether a switch is of a network that may be bought.
    pub(super) fn has(&self, switch: &Switch) -> bool {
        self.networks.is_empty() || self.networks.contains(&Network::of(switch))
    }
}
