//! One kind of thing on a bill, before prices: what, how many, and by which rule.

use serde::Serialize;

use crate::catalog::{Catalog, Entry, Priced, Provenance, Sourced, Switch};
use crate::spec::Pool;
use crate::units::{BitsPerSecond, Watts};

/// Part of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Nodes with accelerators.
    Compute,
    /// The network between accelerators.
    ComputeFabric,
    /// The network to the shared storage, and the storage.
    Storage,
    /// The network for logins, schedulers, home directories.
    InBand,
    /// The network of the management ports.
    OutOfBand,
    /// Racks, power distribution, uninterruptible power supplies.
    RacksAndPower,
    /// What is kept in store.
    Spares,
}

impl Group {
    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Compute => "Compute",
            Self::ComputeFabric => "Compute fabric",
            Self::Storage => "Storage network",
            Self::InBand => "In-band management",
            Self::OutOfBand => "Out-of-band management",
            Self::RacksAndPower => "Racks and power",
            Self::Spares => "Spares",
        }
    }
}

/// So many of one thing for one purpose.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub group: Group,
    /// What they are for: `leaf switches`.
    pub role: String,
    /// The name in the catalogue, under which a price is looked up.
    pub name: String,
    /// The name for people.
    pub title: String,
    pub count: u64,
    /// The rule, in words with its numbers.
    pub why: String,
    /// Most power that one draws.
    pub power: Option<Sourced<Watts>>,
    /// Height of one in rack units, of what goes into racks of network gear.
    pub rack_units: u32,
    /// What a node of its pool costs, of nodes.
    pub of_pool: Option<Priced>,
}

impl Item {
    /// Nodes of a pool.
    pub(super) fn nodes(group: Group, role: String, pool: &Pool, count: u32, why: String) -> Self {
        let power = (group == Group::Compute).then(|| pool.max_power.clone());
        let (name, title, of_pool) = (pool.server.name.clone(), pool.server.title.clone(), pool.price.clone());
        Self { group, role, name, title, count: u64::from(count), why, power, rack_units: 0, of_pool }
    }

    /// Switches, or appliances that the catalogue lists among them.
    pub(super) fn switch(group: Group, role: &str, switch: &Switch, count: u32, why: String) -> Self {
        let most = switch.max_power.map(|power| switch.figure("max-power", power));
        let power = most.or_else(|| {
            // Where no maximum is published, the usual draw is the best that is known: an assumption for a limit.
            let usual = switch.figure("typical-power", switch.typical_power?);
            Some(Sourced { provenance: Provenance::Assumed, ..usual })
        });
        Self {
            group,
            role: role.to_owned(),
            name: switch.name.clone(),
            title: switch.title.clone(),
            count: u64::from(count),
            why,
            power,
            rack_units: switch.rack_units.unwrap_or(2),
            of_pool: None,
        }
    }

    /// Parts of the catalogue; a name that it does not have stands for itself.
    pub(super) fn part(group: Group, role: &str, name: &str, catalog: &Catalog, count: u64, why: String) -> Self {
        let part = catalog.part(name);
        Self {
            group,
            role: role.to_owned(),
            name: name.to_owned(),
            title: part.map_or_else(|| name.to_owned(), |part| part.title.clone()),
            count,
            why,
            power: part.and_then(|part| Some(part.figure("max-power", part.max_power?))),
            rack_units: part.and_then(|part| part.rack_units).unwrap_or(0),
            of_pool: None,
        }
    }
}

/// The name of a transceiver for a cage of `rate`: `transceiver-800g`.
pub(super) fn transceiver(rate: BitsPerSecond) -> String {
    format!("transceiver-{}", rate_name(rate))
}

/// The name of a cable for a link of `rate`: `cable-400g`.
pub(super) fn cable(rate: BitsPerSecond) -> String {
    format!("cable-{}", rate_name(rate))
}

fn rate_name(rate: BitsPerSecond) -> String {
    format!("{}g", (rate.get() / 1e9).round())
}

/// Modules that `links` take on `switches` that share them evenly, with `per_module` links in one module.
pub(super) fn modules(links: u64, switches: u64, per_module: u64) -> u64 {
    let (switches, per_module) = (switches.max(1), per_module.max(1));
    let (each, more) = (links / switches, links % switches);
    (switches - more) * each.div_ceil(per_module) + more * (each + 1).div_ceil(per_module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_port_module_serves_two_links_of_one_switch() {
        assert_eq!(modules(1016, 32, 2), 512, "eight leaves have 31 links: 16 modules, one half empty");
        assert_eq!(modules(3, 2, 2), 2);
        assert_eq!(modules(0, 4, 2), 0);
        assert_eq!(transceiver("800 Gb/s".parse().unwrap()), "transceiver-800g");
    }
}
