//! The catalogue: accelerators, servers, switches, links, parts, models, currencies and costs, each figure with source and date.
//!
//! The data are the YAML files in `data/`, embedded in the binary; a user's own file (`--catalog`) adds entries or replaces
//! those of the same name. This room knows `units` and `yaml`, and nothing of clusters, jobs or time.

mod accelerator;
mod economics;
mod embedded;
mod hardware;
mod model;
mod part;
mod price;
mod provenance;

use schemars::JsonSchema;
use serde::Deserialize;

pub use accelerator::{Accelerator, AcceleratorOverrides, HourlyRate, MeasuredRates, Peak, ScaleUp, ScaleUpKind};
pub use economics::{Economics, Figure, named};
pub use embedded::{texts, written};
pub use hardware::{Cooling, Link, LinkCategory, Nics, Server, Switch, is_infiniband};
pub use model::{Activation, Experts, LatentAttention, Model, Norm, Position, Published, SlidingWindow};
pub use part::{Part, PartKind};
pub use price::{Price, PriceClass, Priced};
pub use provenance::{Provenance, Seen, Sourced};

use crate::units::Currency;

/// What every entry of the catalogue has.
pub trait Entry {
    /// What it is called in messages: `accelerator`.
    const WHAT: &'static str;
    /// The name that files refer to.
    fn name(&self) -> &str;
    /// The name for people.
    fn title(&self) -> &str;
    /// Other names for it.
    fn aliases(&self) -> &[String];
    /// Keys of the source list.
    fn sources(&self) -> &[String];
    /// Fields that were not seen in a source.
    fn assumed(&self) -> &[String];
    /// What else to know.
    fn notes(&self) -> Option<&str>;

    /// Where `field` comes from: assumed when it is listed so, else the datasheet.
    fn provenance(&self, field: &str) -> Provenance {
        let listed = |a: &String| a == field || field.strip_prefix(a.as_str()).is_some_and(|rest| rest.starts_with('.'));
        if self.assumed().iter().any(listed) { Provenance::Assumed } else { Provenance::Datasheet }
    }

    /// A figure of this entry with its origin.
    fn figure<T>(&self, field: &str, value: T) -> Sourced<T> {
        let source = format!("{} {}, {field}: {}", Self::WHAT, self.name(), self.sources().join(", "));
        Sourced::new(value, self.provenance(field), source)
    }
}

macro_rules! entry {
    ($type:ty, $what:literal) => {
        impl Entry for $type {
            const WHAT: &'static str = $what;
            fn name(&self) -> &str {
                &self.name
            }
            fn title(&self) -> &str {
                &self.title
            }
            fn aliases(&self) -> &[String] {
                &self.aliases
            }
            fn sources(&self) -> &[String] {
                &self.sources
            }
            fn assumed(&self) -> &[String] {
                &self.assumed
            }
            fn notes(&self) -> Option<&str> {
                self.notes.as_deref()
            }
        }
    };
}
use entry;

/// Where figures come from, by key.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Source {
    /// The key that entries name.
    pub key: String,
    /// What it is.
    pub what: String,
    /// Where it is found.
    #[serde(default, rename = "where")]
    pub place: String,
    /// Its version or date.
    #[serde(default)]
    pub date: String,
}

/// A dated exchange rate.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExchangeRate {
    /// The currency.
    pub code: Currency,
    /// US dollars for one unit of it.
    #[schemars(range(min = 0.000_001))]
    pub usd: f64,
    /// When the rate held.
    pub date: String,
    /// Who says so.
    #[serde(default)]
    pub source: String,
}

/// A catalogue, or the part of one that a file holds.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Catalog {
    /// Accelerators.
    pub accelerators: Vec<Accelerator>,
    /// Servers.
    pub servers: Vec<Server>,
    /// Links.
    pub links: Vec<Link>,
    /// Switches.
    pub switches: Vec<Switch>,
    /// Transceivers, cables, racks and what else is bought.
    pub parts: Vec<Part>,
    /// Models.
    pub models: Vec<Model>,
    /// Sources.
    pub sources: Vec<Source>,
    /// Exchange rates.
    pub currencies: Vec<ExchangeRate>,
    /// What a cost is computed from where a cluster file does not say.
    pub economics: Economics,
}

impl Catalog {
    /// This catalogue with the entries of `other` added, or put in place of those of the same name.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        fn merge_entries<T: Entry>(into: &mut Vec<T>, from: Vec<T>) {
            merge(into, from, |a, b| a.name() == b.name());
        }
        merge_entries(&mut self.accelerators, other.accelerators);
        merge_entries(&mut self.servers, other.servers);
        merge_entries(&mut self.links, other.links);
        merge_entries(&mut self.switches, other.switches);
        merge_entries(&mut self.parts, other.parts);
        merge_entries(&mut self.models, other.models);
        merge(&mut self.sources, other.sources, |a, b| a.key == b.key);
        merge(&mut self.currencies, other.currencies, |a, b| a.code == b.code);
        self.economics.merge(other.economics);
        self
    }

    /// The accelerator of that name.
    #[must_use]
    pub fn accelerator(&self, name: &str) -> Option<&Accelerator> {
        find(&self.accelerators, name)
    }

    /// The server of that name.
    #[must_use]
    pub fn server(&self, name: &str) -> Option<&Server> {
        find(&self.servers, name)
    }

    /// The switch of that name.
    #[must_use]
    pub fn switch(&self, name: &str) -> Option<&Switch> {
        find(&self.switches, name)
    }

    /// The link of that name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        find(&self.links, name)
    }

    /// The part of that name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&Part> {
        find(&self.parts, name)
    }

    /// The model of that name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        find(&self.models, name)
    }

    /// US dollars for one unit of `currency`, with its origin; nothing when no rate is known.
    #[must_use]
    pub fn usd_rate(&self, currency: Currency) -> Option<Sourced<f64>> {
        if currency == Currency::USD {
            return Some(Sourced::new(1.0, Provenance::Datasheet, "USD"));
        }
        let rate = self.currencies.iter().find(|rate| rate.code == currency)?;
        let rate_of = Sourced::new(rate.usd, Provenance::Datasheet, format!("{}: {}", rate.date, rate.source));
        Some(rate_of.seen(None, rate.date.clone()))
    }
}

/// Adds items, or puts them in place of those that are the same.
fn merge<T>(into: &mut Vec<T>, from: Vec<T>, same: impl Fn(&T, &T) -> bool) {
    for item in from {
        match into.iter_mut().find(|old| same(old, &item)) {
            Some(old) => *old = item,
            None => into.push(item),
        }
    }
}

/// The entry called `name`, by name first, then by alias, without regard to letter case.
fn find<'a, T: Entry>(among: &'a [T], name: &str) -> Option<&'a T> {
    among
        .iter()
        .find(|entry| entry.name().eq_ignore_ascii_case(name))
        .or_else(|| among.iter().find(|entry| entry.aliases().iter().any(|alias| alias.eq_ignore_ascii_case(name))))
}
