//! The bill of materials of a cluster: what to order, what of it is owned already, what it costs, what the site must carry.
//!
//! Counts first, prices after: a bill without a single price still says how much of what. Every line says which rule it follows,
//! with its numbers; prices keep the bounds they were seen between, and sums add bound to bound. What is owned takes power and
//! space and no money: the bill of the owned nodes alone is taken from that of the whole, line by line.

mod extension;
mod fabric;
mod item;
mod limits;
mod management;
mod nodes;
mod price;
mod racks;
mod storage;
mod ups;

use serde::Serialize;

pub use item::Group;
pub use limits::{Coolant, Limit, Verdict, nodes_within};
pub use racks::Racks;
pub use ups::ups_units;

use crate::catalog::{Catalog, Priced, Provenance, Sourced};
use crate::spec::{Cluster, Pool};
use crate::topology::{FabricSize, Topology, size_fabric};
use crate::units::{Currency, MoneyInterval, Watts};
use item::Item;

/// Version of what `planner bom --format json` prints.
pub const BILL_SCHEMA_VERSION: u32 = 1;

/// The bill of materials of a cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bill {
    /// Version of this structure's JSON.
    pub schema_version: u32,
    /// The cluster's name.
    pub cluster: String,
    /// Accelerators in all pools.
    pub gpus: u32,
    /// What there is to be, by group.
    pub lines: Vec<Line>,
    /// Racks, by what is in them.
    pub racks: Vec<RackPlan>,
    /// Most power that everything draws, owned or bought.
    #[serde(rename = "it_power_w")]
    pub it_power: Watts,
    /// The same at the site's meter.
    #[serde(rename = "site_power_w")]
    pub site_power: Watts,
    /// Limits, and what of them is used.
    pub limits: Vec<Limit>,
    /// What is worth a remark.
    pub notes: Vec<String>,
    /// Rates at which prices in other currencies became US dollars.
    #[serde(skip)]
    pub rates: Vec<(Currency, Sourced<f64>)>,
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// Where it stands.
    pub group: Group,
    /// What it is for.
    pub role: String,
    /// Its name in the catalogue; the key of its price under `price.items`.
    pub item: String,
    /// Its name for people.
    pub title: String,
    /// How many there are to be, owned or bought.
    pub count: u64,
    /// How many of these are owned.
    pub owned: u64,
    /// The rule it follows, with its numbers.
    pub why: String,
    /// What one costs.
    pub price: Option<Priced>,
    /// What those that are bought cost, in US dollars.
    pub total: Option<MoneyInterval>,
    /// Most power that all of them draw.
    #[serde(rename = "power_w")]
    pub power: Option<Watts>,
    /// How far that power can be trusted.
    pub power_provenance: Option<Provenance>,
}

impl Line {
    /// How many are bought.
    #[must_use]
    pub fn bought(&self) -> u64 {
        self.count - self.owned.min(self.count)
    }
}

/// Racks that are alike, and what cools one of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RackPlan {
    /// The racks.
    #[serde(flatten)]
    pub racks: Racks,
    /// What carries the heat of a full one away.
    #[serde(flatten)]
    pub coolant: Coolant,
}

/// Items of a cluster, with the racks they stand in.
struct Counted {
    items: Vec<Item>,
    racks: Vec<Racks>,
    it_power: Watts,
}

impl Bill {
    /// The bill of a cluster, with the spares that its file asks for.
    #[must_use]
    pub fn new(cluster: &Cluster, topology: &Topology, catalog: &Catalog) -> Self {
        Self::sized(cluster, topology.fabric(), catalog)
    }

    /// The bill of a cluster whose graph is not at hand: only the size of its fabric counts.
    #[must_use]
    pub fn of(cluster: &Cluster, catalog: &Catalog) -> Self {
        Self::sized(cluster, size_fabric(cluster).as_ref(), catalog)
    }

    fn sized(cluster: &Cluster, fabric: Option<&FabricSize>, catalog: &Catalog) -> Self {
        let mut notes = Vec::new();
        let whole = count(cluster, fabric, catalog, &mut notes);
        let before = extension::owned(cluster);
        let owned = before.as_ref().map(|owned| count(owned, size_fabric(owned).as_ref(), catalog, &mut Vec::new()));
        if let (Some(before), Some(size)) = (&before, fabric) {
            notes.extend(extension::relaid(before, size));
        }
        let mut have = owned.map_or_else(Vec::new, |owned| owned.items);
        let mut items = whole.items;
        items.extend(nodes::spares(cluster));
        let lines: Vec<Line> = items.into_iter().map(|item| line(item, &mut have, cluster, catalog)).collect();
        for left in have.iter().filter(|left| left.count > 0) {
            notes.push(format!("{} owned {} ({}) have no place in the whole.", left.count, left.role, left.name));
        }
        let limits = limits::check(cluster, &whole.racks, whole.it_power, fabric);
        let racks = whole.racks.into_iter();
        let mut rates: Vec<(Currency, Sourced<f64>)> = Vec::new();
        for currency in lines.iter().filter_map(|line| line.price.as_ref()).map(|price| price.unit.currency()) {
            if currency != Currency::USD && rates.iter().all(|(known, _)| *known != currency) {
                rates.extend(cluster.usd_rate(currency, catalog).map(|rate| (currency, rate)));
            }
        }
        Self {
            rates,
            schema_version: BILL_SCHEMA_VERSION,
            cluster: cluster.name.clone(),
            gpus: cluster.gpus(),
            lines,
            racks: racks.map(|racks| RackPlan { coolant: limits::coolant(cluster, &racks), racks }).collect(),
            it_power: whole.it_power,
            site_power: whole.it_power * cluster.power.pue.value,
            limits,
            notes,
        }
    }

    /// What everything costs that is bought and has a price, in US dollars, bound by bound; nothing when no line has a price.
    /// [`Self::unpriced`] says what is missing in it.
    #[must_use]
    pub fn capital(&self) -> Option<MoneyInterval> {
        self.lines.iter().filter_map(|line| line.total).reduce(|a, b| a.plus(b).unwrap_or(a))
    }

    /// The same where all nodes that are bought have a price; without them it is no price of a cluster.
    #[must_use]
    pub fn capital_with_nodes(&self) -> Option<MoneyInterval> {
        let unpriced = |line: &Line| line.group == Group::Compute && line.total.is_none() && line.bought() > 0;
        self.capital().filter(|_| !self.lines.iter().any(unpriced))
    }

    /// [`Self::capital`] of one group.
    #[must_use]
    pub fn capital_of(&self, group: Group) -> Option<MoneyInterval> {
        let lines = self.lines.iter().filter(|line| line.group == group);
        lines.filter_map(|line| line.total).reduce(|a, b| a.plus(b).unwrap_or(a))
    }

    /// What is around the nodes: everything but them that has a price, owned or bought; nothing where the switches between accelerators
    /// have none, because then most of it is missing.
    #[must_use]
    pub fn around_nodes(&self) -> Option<Vec<&Line>> {
        let switches = |line: &&Line| line.group == Group::ComputeFabric && line.role.ends_with("switches");
        let known = self.lines.iter().filter(switches).all(|line| line.price.is_some());
        let around = || self.lines.iter().filter(|line| line.group != Group::Compute && line.price.is_some());
        known.then(|| around().collect())
    }

    /// Most power that everything around the nodes draws, of which power is known: switches, storage, servers for management. None where
    /// there is nothing of it.
    #[must_use]
    pub fn power_around_nodes(&self) -> Option<Sourced<Watts>> {
        let around = |line: &&Line| !matches!(line.group, Group::Compute | Group::RacksAndPower | Group::Spares);
        let known = self.lines.iter().filter(around).filter_map(|line| line.power.zip(line.power_provenance));
        let worst = known.clone().map(|(_, provenance)| provenance).max()?;
        let unknown = |line: &&Line| around(line) && line.power.is_none() && line.role.ends_with("switches");
        let lacks = match self.lines.iter().filter(unknown).count() {
            0 => String::new(),
            lines => format!(", {lines} of switches without"),
        };
        let source = format!("`planner bom`: {} lines with a power{lacks}", known.clone().count());
        Some(Sourced::new(known.map(|(power, _)| power).sum(), worst, source))
    }

    /// What a node of a pool costs: as on its line.
    #[must_use]
    pub fn node_price(&self, pool: &Pool) -> Option<&Priced> {
        let role = nodes::role(pool);
        let line = self.lines.iter().find(|line| line.group == Group::Compute && line.role == role);
        line.and_then(|line| line.price.as_ref())
    }

    /// Items that are bought and have no price, each name once, with how many of it.
    #[must_use]
    pub fn unpriced(&self) -> Vec<(&str, u64)> {
        let mut found: Vec<(&str, u64)> = Vec::new();
        for line in self.lines.iter().filter(|line| line.total.is_none() && line.bought() > 0) {
            match found.iter_mut().find(|(name, _)| *name == line.item) {
                Some((_, count)) => *count += line.bought(),
                None => found.push((&line.item, line.bought())),
            }
        }
        found
    }

    /// Whether every limit is kept.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.limits.iter().all(|limit| limit.verdict != Verdict::Exceeded)
    }

    /// How many there are to be of an item for a purpose; 0 when it is not on the bill.
    #[must_use]
    pub fn count(&self, group: Group, role: &str) -> u64 {
        self.lines.iter().filter(|line| line.group == group && line.role == role).map(|line| line.count).sum()
    }
}

/// Counts everything. Out-of-band switches serve the power distribution of racks that hold these very switches: counted until
/// nothing changes.
fn count(cluster: &Cluster, size: Option<&FabricSize>, catalog: &Catalog, notes: &mut Vec<String>) -> Counted {
    let mut gear = Vec::new();
    if let Some(size) = size {
        gear.extend(fabric::compute(cluster, size, catalog, notes));
        gear.extend(storage::network(cluster, catalog, notes));
    }
    let of = |wanted: &dyn Fn(&str) -> bool| {
        gear.iter().filter(|item| wanted(&item.role)).map(|item| item.count as u32).sum::<u32>()
    };
    let (fabric_switches, managers) = (of(&|role| role.ends_with(" switches")), of(&|role| role == "fabric managers"));
    let nodes = racks::of_nodes(cluster);
    let mut network = None;
    let mut management = Vec::new();
    for _ in 0..8 {
        let pdus = racks::pdus(cluster, &nodes, network.as_ref());
        management = management::networks(cluster, management::Attached { fabric_switches, managers, pdus }, catalog);
        let all: Vec<Item> = gear.iter().chain(&management).cloned().collect();
        let needed = racks::of_network(cluster, &all);
        if needed == network {
            break;
        }
        network = needed;
    }
    let mut items = nodes::compute(cluster);
    items.extend(gear);
    items.extend(management);
    let it_power: Watts = items.iter().map(racks::draw).sum();
    notes.extend(without_power(&items));
    items.extend(racks::items(cluster, &nodes, network.as_ref(), catalog));
    items.extend(ups::items(&cluster.power, it_power, catalog));
    Counted { items, racks: nodes.into_iter().chain(network).collect(), it_power }
}

/// Switches that the sum of power lacks.
fn without_power(items: &[Item]) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for item in items.iter().filter(|item| item.power.is_none() && item.role.ends_with("switches")) {
        if !names.contains(&item.name.as_str()) {
            names.push(&item.name);
        }
    }
    (!names.is_empty()).then(|| format!("No power is known of {}: the sum of power lacks them.", names.join(", ")))
}

/// An item with its price, less what is owned of it.
fn line(item: Item, have: &mut [Item], cluster: &Cluster, catalog: &Catalog) -> Line {
    let same = |other: &&mut Item| (other.group, &other.role, &other.name) == (item.group, &item.role, &item.name);
    let owned = have.iter_mut().find(same).map_or(0, |other| {
        let owned = other.count.min(item.count);
        other.count -= owned;
        owned
    });
    let price = price::of(&item, cluster, catalog);
    let bought = item.count - owned;
    let dollars = price.as_ref().and_then(|price| price::in_dollars(price.unit, cluster, catalog));
    let total = match dollars {
        _ if bought == 0 => Some(MoneyInterval::zero(Currency::USD)),
        Some(unit) => Some(unit * bought as f64),
        None => None,
    };
    let power = item.power.as_ref().map(|_| racks::draw(&item));
    let power_provenance = item.power.as_ref().map(|power| power.provenance);
    let why = if owned > 0 { format!("{}; {owned} owned", item.why) } else { item.why };
    Line {
        group: item.group,
        role: item.role,
        item: item.name,
        title: item.title,
        count: item.count,
        owned,
        why,
        price,
        total,
        power,
        power_provenance,
    }
}
