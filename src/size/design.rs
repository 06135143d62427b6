//! What may be bought: a server, and how it is wired; where it stands.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::{Limits, Network, Offer, Wiring};
use crate::catalog::{Catalog, Server, Switch};
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::spec::Cluster;

/// Year from which accelerators are offered, where no server is named.
const OFFERED_SINCE: u32 = 2022;

/// A server and how many of it would be wired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Design {
    /// The server.
    pub server: String,
    /// The switch of its network.
    pub switch: String,
    /// The kind of that network.
    pub network: Network,
    /// How its leaves are joined.
    pub wiring: Wiring,
    /// Bandwidth into a leaf over bandwidth out of it.
    pub oversubscription: f64,
}

impl Design {
    /// Every design of the servers that are named; of all that have a price with a source, a network and an accelerator since 2022 when none is.
    ///
    /// # Errors
    /// When a server is unknown, or no switch of the catalogue carries its ports.
    pub fn all(names: &[String], catalog: &Catalog) -> Result<Vec<Self>, Diagnostic> {
        Self::offered(names, &Offer::default(), catalog)
    }

    /// The same of the networks and wirings of an offer.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub fn offered(names: &[String], offer: &Offer, catalog: &Catalog) -> Result<Vec<Self>, Diagnostic> {
        let mut designs = Vec::new();
        if names.is_empty() {
            for server in catalog.servers.iter().filter(|server| is_offered(server, catalog)) {
                designs.extend(of(server, offer, catalog));
            }
            return Ok(designs);
        }
        for name in names {
            let Some(server) = catalog.server(name) else {
                let near = crate::diagnostic::nearest(name, catalog.servers.iter().map(|server| server.name.as_str()));
                let error = Diagnostic::error(Code::UnknownServer, format!("no server is called `{name}`"));
                return Err(error.help(near.map_or_else(
                    || "`planner catalog servers` lists them".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                )));
            };
            let found = of(server, offer, catalog);
            if found.is_empty() {
                let error =
                    Diagnostic::error(Code::UnknownSwitch, format!("no switch of the catalogue carries `{name}`'s ports"));
                return Err(error.help("name another server, or add a switch with `--catalog`"));
            }
            designs.extend(found);
        }
        Ok(designs)
    }

    /// How it is wired, in words.
    #[must_use]
    pub fn wiring(&self) -> String {
        let joined = match self.wiring {
            Wiring::Full => String::new(),
            Wiring::RailOnly => ", rail-only".to_owned(),
            Wiring::Oversubscribed => format!(", {}:1 oversubscribed", self.oversubscription),
        };
        format!("{} ({}){joined}", self.switch, self.network.as_str())
    }

    /// The cluster file of `nodes` nodes on a site.
    #[must_use]
    pub fn file(&self, site: &Site, nodes: u32) -> String {
        let mut text = site.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let _ = write!(
            text,
            "name: {server}-{nodes}\npools:\n  - name: {server}\n    nodes: {nodes}\n    server: {server}\n",
            server = self.server
        );
        if nodes > 1 {
            let _ = write!(
                text,
                "fabric:\n  kind: {}\n  switch: {}\n  oversubscription: {}\n",
                self.wiring.kind(),
                self.switch,
                self.oversubscription
            );
        }
        text
    }
}

fn is_offered(server: &Server, catalog: &Catalog) -> bool {
    let launched = catalog.accelerator(&server.accelerator).and_then(|accelerator| accelerator.launched);
    let priced = server.price.is_some();
    // A price that nobody states is no offer.
    let stated = !server.assumed.iter().any(|field| field == "price");
    priced && stated && server.nics.is_some() && launched.is_some_and(|year| year >= OFFERED_SINCE)
}

/// The designs of a server, those that lose least to their network first: priced switches that carry its ports, else any that do.
fn of(server: &Server, offer: &Offer, catalog: &Catalog) -> Vec<Design> {
    let Some(nics) = &server.nics else { return Vec::new() };
    let carries = |switch: &&Switch| {
        offer.has(switch)
            && switch.ports.is_some()
            && switch.link.is_some()
            && switch.port_rate.is_some_and(|rate| rate.get() >= nics.rate.get())
    };
    let priced = |switch: &&Switch| switch.price.is_some();
    let all: Vec<&Switch> = catalog.switches.iter().filter(carries).collect();
    let mut switches: Vec<&Switch> = all.iter().copied().filter(|switch| priced(switch)).collect();
    if switches.is_empty() {
        switches = all.into_iter().take(1).collect();
    }
    let wirings = Wiring::ALL.into_iter().filter(|wiring| offer.wirings.contains(wiring));
    wirings
        .flat_map(|wiring| {
            switches.iter().map(move |switch| Design {
                server: server.name.clone(),
                switch: switch.name.clone(),
                network: Network::of(switch),
                wiring,
                oversubscription: wiring.oversubscription(),
            })
        })
        .collect()
}

/// Where a cluster stands: the power, price, reliability and other blocks of a cluster file, without pools and fabric.
#[derive(Debug, Clone, Default)]
pub struct Site {
    name: String,
    text: String,
}

impl Site {
    /// A site of which only `power` is known, as a block of YAML.
    #[must_use]
    pub fn written(text: impl Into<String>) -> Self {
        Self { name: "site".to_owned(), text: text.into() }
    }

    /// A site file.
    ///
    /// # Errors
    /// When it says what is asked.
    pub fn read(source: &Arc<Source>) -> Result<Self, Diagnostic> {
        let text = source.text();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if let Some(key) = ["name", "pools", "fabric"].into_iter().find(|key| line.starts_with(&format!("{key}:"))) {
                let error =
                    Diagnostic::error(Code::UnknownKey, format!("a site says nothing of its `{key}`: that is what is asked"));
                return Err(error
                    .at(source, at..at + key.len(), "")
                    .help("leave it out; keep `power`, `price`, `reliability` and the like"));
            }
            at += line.len();
        }
        Ok(Self { name: source.name().to_owned(), text: text.to_owned() })
    }

    /// A cluster of a design on this site, whatever power it draws: limits are judged beside each other, not one by one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn cluster(
        &self,
        design: &Design,
        nodes: u32,
        (catalog, limits): (&Catalog, &Limits),
    ) -> Result<Cluster, Vec<Diagnostic>> {
        let source = Source::new(self.name.clone(), design.file(self, nodes));
        Cluster::load_changed(source, catalog, &|file| {
            file.power.site_limit = None;
            file.power.rack_limit = limits.rack_power.or(file.power.rack_limit);
        })
    }

    /// A cluster file with all that the site says of it.
    ///
    /// # Errors
    /// What is wrong with the site.
    pub fn check(&self, design: &Design, catalog: &Catalog) -> Result<Cluster, Vec<Diagnostic>> {
        Cluster::load(Source::new(self.name.clone(), design.file(self, 1)), catalog)
    }
}
