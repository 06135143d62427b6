//! What a cluster file means: every name looked up, every default filled in with its origin.

use std::sync::Arc;

use super::cluster_file::{ClusterFile, FabricFile, FabricKind, PoolFile};
use crate::catalog::{Accelerator, Catalog, Cooling, Entry, Nics, Price, Provenance, ScaleUpKind, Server, Sourced, Switch};
use crate::diagnostic::{Code, Diagnostic, Source, nearest};
use crate::units::{
    BitsPerSecond, BytesPerSecond, CarbonIntensity, Currency, EnergyPrice, FailureRate, HourlyPrice, Money, Watts,
};
use crate::yaml::{self, Document, Path};

/// Site power over IT power where none is stated: the Uptime survey's average.
const DEFAULT_PUE: (f64, &str) = (1.54, "Uptime Institute survey average, 2025");
/// Share of a server's largest power that it draws in training.
const DEFAULT_LOAD: (f64, &str) = (0.75, "EPOCH-COST: GPU servers in training draw 0.75 of their TDP");

/// Accelerators, and network ports, that a cluster has at most: what a graph of single devices is kept to.
const MOST_GPUS: u64 = 2_000_000;

/// A cluster, ready to be planned on.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// Pools of identical nodes.
    pub pools: Vec<Pool>,
    /// The network between nodes; none for a single node.
    pub fabric: Option<Fabric>,
    /// Power and its price.
    pub power: Power,
    /// How often a node fails.
    pub failures: Option<FailureRate>,
    /// All-in price of a GPU-hour, as given.
    pub gpu_hour: Option<HourlyPrice>,
    /// Exchange rates to the US dollar beside the catalogue's.
    rates: Vec<(Currency, f64)>,
}

/// Identical nodes.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// How many.
    pub nodes: u32,
    /// Accelerators in each.
    pub gpus_per_node: u32,
    /// The accelerator, overrides applied.
    pub accelerator: Accelerator,
    /// Fields of it that the file overrides.
    pub overridden: Vec<&'static str>,
    /// The server.
    pub server: Server,
    /// Network ports per node.
    pub nics: Option<Sourced<Nics>>,
    /// Most power a node draws.
    pub max_power: Sourced<Watts>,
    /// Nodes in one rack.
    pub nodes_per_rack: u32,
    /// How the nodes are cooled.
    pub cooling: Option<Cooling>,
    /// What a node costs.
    pub price: Option<Sourced<(Money, Money)>>,
}

/// The network between nodes.
#[derive(Debug, Clone)]
pub struct Fabric {
    /// How switches are wired.
    pub kind: FabricKind,
    /// The switch.
    pub switch: Switch,
    /// Ports of the switch at `port_rate`.
    pub ports: u32,
    /// Line rate of a port.
    pub port_rate: BitsPerSecond,
    /// Name of the link, for its latency and efficiency.
    pub link: String,
    /// Nodes that share a set of leaf switches, when stated.
    pub scalable_unit: Option<u32>,
    /// Bandwidth into a leaf over bandwidth out of it.
    pub oversubscription: f64,
    /// Bandwidth into a pod's spines over bandwidth out of them.
    pub core_oversubscription: f64,
    /// Nodes under one set of spines, when stated.
    pub pod: Option<u32>,
    /// Parallel networks.
    pub planes: u32,
}

/// Power and its price.
#[derive(Debug, Clone)]
pub struct Power {
    /// Most power the site may draw.
    pub site_limit: Option<Watts>,
    /// Most power a rack may draw.
    pub rack_limit: Option<Watts>,
    /// Most power one feed carries.
    pub feed_limit: Option<Watts>,
    /// Site power over IT power.
    pub pue: Sourced<f64>,
    /// Share of the largest power that is drawn in training.
    pub load_factor: Sourced<f64>,
    /// Price of electricity.
    pub tariff: Option<EnergyPrice>,
    /// Carbon intensity of electricity.
    pub carbon: Option<CarbonIntensity>,
}

impl Pool {
    /// Accelerators in the pool.
    #[must_use]
    pub fn gpus(&self) -> u32 {
        self.nodes * self.gpus_per_node
    }

    /// Accelerators of one scale-up domain; those of a node when they talk through the host.
    #[must_use]
    pub fn domain(&self) -> u32 {
        match self.accelerator.scale_up.kind {
            ScaleUpKind::Pcie => self.gpus_per_node,
            _ => self.accelerator.scale_up.domain.min(self.gpus_per_node).max(1),
        }
    }

    /// Network bandwidth of one accelerator's share of its node's ports, per direction.
    #[must_use]
    pub fn network_per_gpu(&self) -> Option<BytesPerSecond> {
        let nics = &self.nics.as_ref()?.value;
        Some(nics.rate.to_bytes() * (f64::from(nics.count) / f64::from(self.gpus_per_node)))
    }

    /// Where a field of the accelerator comes from.
    pub fn accelerator_figure<T>(&self, field: &'static str, value: T) -> Sourced<T> {
        if self.overridden.contains(&field) {
            Sourced::new(value, Provenance::Given, format!("cluster file, pool {}", self.name))
        } else {
            self.accelerator.figure(field, value)
        }
    }
}

impl Cluster {
    /// Reads a cluster file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(source: Arc<Source>, catalog: &Catalog) -> Result<Self, Vec<Diagnostic>> {
        let file = yaml::load::<ClusterFile>(source)?;
        Resolver { file: &file, catalog, errors: Vec::new() }.cluster()
    }

    /// Accelerators in all pools.
    #[must_use]
    pub fn gpus(&self) -> u32 {
        self.pools.iter().map(Pool::gpus).sum()
    }

    /// US dollars for one unit of `currency`.
    #[must_use]
    pub fn usd_rate(&self, currency: Currency, catalog: &Catalog) -> Option<Sourced<f64>> {
        match self.rates.iter().find(|(code, _)| *code == currency) {
            Some((_, rate)) => Some(Sourced::new(*rate, Provenance::Given, "cluster file, currencies")),
            None => catalog.usd_rate(currency),
        }
    }

    /// The largest power of all nodes together.
    #[must_use]
    pub fn it_power(&self) -> Watts {
        self.pools.iter().map(|pool| pool.max_power.value * f64::from(pool.nodes)).sum()
    }
}

struct Resolver<'a> {
    file: &'a Document<ClusterFile>,
    catalog: &'a Catalog,
    errors: Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn cluster(mut self) -> Result<Cluster, Vec<Diagnostic>> {
        let file = self.file;
        let cluster = &file.value;
        self.unique_names();
        let pools: Vec<Pool> = cluster
            .pools
            .iter()
            .enumerate()
            .filter_map(|(i, pool)| self.pool(pool, &Path::root().key("pools").index(i)))
            .collect();
        let fabric = cluster.fabric.as_ref().and_then(|fabric| self.fabric(fabric));
        let total: u64 = pools.iter().map(|pool| u64::from(pool.nodes) * u64::from(pool.gpus_per_node)).sum();
        if total > MOST_GPUS {
            let at = Path::root().key("pools");
            let error = file.error(Code::OutOfRange, &at, format!("{total} accelerators are more than can be planned"));
            self.errors.push(error.help(format!("a cluster has at most {MOST_GPUS}")));
        } else if self.errors.is_empty() {
            self.network(&pools, fabric.as_ref());
            self.power(&pools);
        }
        self.currencies();
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let given = |value, what: &str| Sourced::new(value, Provenance::Given, format!("cluster file, {what}"));
        let assumed = |(value, why): (f64, &str)| Sourced::new(value, Provenance::Assumed, why);
        Ok(Cluster {
            name: cluster.name.clone(),
            description: cluster.description.clone(),
            pools,
            fabric,
            power: Power {
                site_limit: cluster.power.site_limit,
                rack_limit: cluster.power.rack_limit,
                feed_limit: cluster.power.feed_limit,
                pue: cluster.power.pue.map_or_else(|| assumed(DEFAULT_PUE), |pue| given(pue, "power.pue")),
                load_factor: cluster.power.load_factor.map_or_else(|| assumed(DEFAULT_LOAD), |l| given(l, "power.load-factor")),
                tariff: cluster.power.tariff,
                carbon: cluster.power.carbon,
            },
            failures: cluster.reliability.failures,
            gpu_hour: cluster.price.gpu_hour,
            rates: cluster.currencies.iter().map(|rate| (rate.code, rate.usd)).collect(),
        })
    }

    fn unique_names(&mut self) {
        let pools = &self.file.value.pools;
        for (i, pool) in pools.iter().enumerate() {
            if let Some(first) = pools[..i].iter().position(|other| other.name == pool.name) {
                let at = |i| Path::root().key("pools").index(i).key("name");
                let error = self
                    .file
                    .error(Code::DuplicateName, &at(i), format!("two pools are called `{}`", pool.name))
                    .also(&self.file.source, self.file.span(&at(first)), "the first")
                    .help("give each pool its own name");
                self.errors.push(error);
            }
        }
    }

    fn pool(&mut self, pool: &PoolFile, at: &Path) -> Option<Pool> {
        let server = self.catalog.server(&pool.server).cloned();
        let server = self.known(server, Code::UnknownServer, &at.key("server"), &pool.server, &self.catalog.servers)?;
        let (name, name_at) = match &pool.accelerator {
            Some(name) => (name.as_str(), at.key("accelerator")),
            None => (server.accelerator.as_str(), at.key("server")),
        };
        let accelerator = self.catalog.accelerator(name).cloned();
        let accelerator = self.known(accelerator, Code::UnknownAccelerator, &name_at, name, &self.catalog.accelerators)?;
        let (accelerator, overridden) = accelerator.overridden(&pool.overrides);
        let given = |what: &str| format!("cluster file, pool {}, {what}", pool.name);

        let max_power = match (pool.max_power, server.max_power) {
            (Some(power), _) => Sourced::new(power, Provenance::Given, given("max-power")),
            (None, Some(power)) => server.figure("max-power", power),
            // Board power twice: accelerators are about half of what a server with host, fans and network draws at most.
            (None, None) => Sourced::new(
                accelerator.tdp * (f64::from(pool.gpus.unwrap_or(server.gpus)) * 1.8),
                Provenance::Assumed,
                "1.8 times the accelerators' TDP, as in DGX H100 (10.2 kW for 8 x 700 W)",
            ),
        };
        let nodes_per_rack = self.nodes_per_rack(pool, &server, max_power.value, at)?;
        let nics = match (pool.nics, server.nics) {
            (Some(nics), _) => Some(Sourced::new(nics, Provenance::Given, given("nics"))),
            (None, Some(nics)) => Some(server.figure("nics", nics)),
            (None, None) => None,
        };
        let price = match (pool.price, &server.price) {
            (Some(price), _) => Some(Sourced::new((price, price), Provenance::Given, given("price"))),
            (None, Some(Price { low, high, date, source, .. })) => {
                let figure = server.figure("price", (*low, *high));
                Some(Sourced { source: format!("{source} ({date})"), ..figure })
            }
            (None, None) => None,
        };
        Some(Pool {
            name: pool.name.clone(),
            nodes: pool.nodes,
            gpus_per_node: pool.gpus.unwrap_or(server.gpus),
            accelerator,
            overridden,
            nics,
            max_power,
            nodes_per_rack,
            cooling: pool.cooling.or(server.cooling),
            price,
            server,
        })
    }

    /// As stated; else as many as the reference rack holds and the rack limit allows.
    fn nodes_per_rack(&mut self, pool: &PoolFile, server: &Server, power: Watts, at: &Path) -> Option<u32> {
        let limit = self.file.value.power.rack_limit;
        let fits = limit.map(|limit| (limit.get() / power.get().max(1e-9)).floor().clamp(0.0, 1000.0) as u32);
        let limit_at = Path::root().key("power").key("rack-limit");
        match (pool.nodes_per_rack, fits) {
            (_, Some(0)) => {
                let limit = limit.unwrap_or_default();
                let error = self
                    .file
                    .error(
                        Code::RackLimit,
                        &limit_at,
                        format!("a rack of {limit} cannot hold one `{}`, which draws {power}", server.name),
                    )
                    .also(&self.file.source, self.file.span(&at.key("server")), "this server")
                    .help(format!("raise `rack-limit` to {power} or more, or choose a smaller server"));
                self.errors.push(error);
                None
            }
            (Some(stated), Some(fits)) if stated > fits => {
                let draw = power * f64::from(stated);
                let error = self
                    .file
                    .error(
                        Code::RackLimit,
                        &at.key("nodes-per-rack"),
                        format!("{stated} nodes of {power} draw {draw}, more than the rack limit"),
                    )
                    .also(&self.file.source, self.file.span(&limit_at), "the limit")
                    .help(format!("at most {fits} nodes fit in a rack"));
                self.errors.push(error);
                None
            }
            (Some(stated), _) => Some(stated),
            (None, fits) => Some(server.nodes_per_rack.unwrap_or(1).min(fits.unwrap_or(u32::MAX)).max(1)),
        }
    }

    fn fabric(&mut self, fabric: &FabricFile) -> Option<Fabric> {
        let at = Path::root().key("fabric");
        let switch = self.catalog.switch(&fabric.switch).cloned();
        let switch = self.known(switch, Code::UnknownSwitch, &at.key("switch"), &fabric.switch, &self.catalog.switches)?;
        let (Some(ports), Some(port_rate)) = (switch.ports, switch.port_rate) else {
            let error = self.file.error(
                Code::FabricLimit,
                &at.key("switch"),
                format!("the catalogue has no ports for switch `{}`", switch.name),
            );
            self.errors.push(error.help("choose one of `planner catalog switches` with a radix and a port rate"));
            return None;
        };
        let link = fabric.link.clone().or_else(|| switch.link.clone()).unwrap_or_default();
        let (link_at, given) = if fabric.link.is_some() { (at.key("link"), true) } else { (at.key("switch"), false) };
        let known = self.catalog.link(&link).map(|link| link.name.clone());
        let link = if given || !link.is_empty() {
            self.known(known, Code::UnknownLink, &link_at, &link, &self.catalog.links)?
        } else {
            link
        };
        Some(Fabric {
            kind: fabric.kind,
            ports,
            port_rate,
            link,
            scalable_unit: fabric.scalable_unit.map(|nodes| nodes.get() as u32).filter(|nodes| *nodes > 0),
            pod: fabric.pod.map(|nodes| nodes.get() as u32).filter(|nodes| *nodes > 0),
            oversubscription: fabric.oversubscription.unwrap_or(1.0),
            core_oversubscription: fabric.core_oversubscription.unwrap_or(1.0),
            planes: fabric.planes.unwrap_or(1),
            switch,
        })
    }

    /// Several nodes need a fabric and ports to reach it.
    fn network(&mut self, pools: &[Pool], fabric: Option<&Fabric>) {
        let nodes: u32 = pools.iter().map(|pool| pool.nodes).sum();
        if nodes > 1 && fabric.is_none() {
            let error = self.file.error(Code::MissingKey, &Path::root(), format!("{nodes} nodes need a `fabric`"));
            self.errors.push(error.help("add `fabric: {kind: rail-optimized-fat-tree, switch: qm9700}`"));
        }
        let ports: u64 =
            pools.iter().map(|pool| u64::from(pool.nodes) * u64::from(pool.nics.as_ref().map_or(0, |n| n.value.count))).sum();
        if ports > MOST_GPUS {
            let error = self.file.error(
                Code::OutOfRange,
                &Path::root().key("pools"),
                format!("{ports} network ports are more than can be planned"),
            );
            self.errors.push(error.help(format!("a cluster has at most {MOST_GPUS}")));
        }
        for (i, pool) in pools.iter().enumerate() {
            let at = Path::root().key("pools").index(i);
            match &pool.nics {
                None if nodes > 1 => {
                    let error = self.file.error(
                        Code::MissingKey,
                        &at,
                        format!("the nodes of pool `{}` have no network ports", pool.name),
                    );
                    self.errors.push(error.help("add `nics: {count: 8, rate: 400 Gb/s}`"));
                }
                Some(nics) => {
                    if let Some(fabric) = fabric.filter(|f| nics.value.rate.get() > f.port_rate.get() * 1.001) {
                        let error = self.file.error(
                            Code::FabricLimit,
                            &Path::root().key("fabric").key("switch"),
                            format!(
                                "a port of `{}` runs at {}, the nodes of pool `{}` at {}",
                                fabric.switch.name, fabric.port_rate, pool.name, nics.value.rate
                            ),
                        );
                        self.errors
                            .push(error.help("choose a faster switch (`planner catalog switches`), or set the pool's `nics`"));
                    }
                }
                None => {}
            }
        }
    }

    fn power(&mut self, pools: &[Pool]) {
        let power = &self.file.value.power;
        let Some(limit) = power.site_limit else { return };
        let it: Watts = pools.iter().map(|pool| pool.max_power.value * f64::from(pool.nodes)).sum();
        let pue = power.pue.unwrap_or(DEFAULT_PUE.0);
        let site = it * pue;
        if site.get() > limit.get() {
            let at = Path::root().key("power").key("site-limit");
            let error = self
                .file
                .error(
                    Code::PowerLimit,
                    &at,
                    format!("the nodes draw up to {it}, {site} with a PUE of {pue}: more than {limit}"),
                )
                .help(format!("raise `site-limit`, or keep to {:.0} % of the nodes", (limit / site * 100.0).floor()));
            self.errors.push(error);
        }
    }

    fn currencies(&mut self) {
        let used = [
            (self.file.value.power.tariff.map(|t| t.per_unit().currency()), Path::root().key("power").key("tariff")),
            (self.file.value.price.gpu_hour.map(|p| p.per_unit().currency()), Path::root().key("price").key("gpu-hour")),
        ];
        for (currency, at) in used {
            let Some(currency) = currency else { continue };
            let stated = self.file.value.currencies.iter().any(|rate| rate.code == currency);
            if !stated && self.catalog.usd_rate(currency).is_none() {
                let error =
                    self.file.error(Code::UnknownPrice, &at, format!("no exchange rate from {currency} to USD is known"));
                self.errors.push(
                    error.help(format!(
                        "add `currencies: [{{code: {currency}, usd: 1.0, date: 2026-11}}]` with the rate of a day"
                    )),
                );
            }
        }
    }

    /// The entry, or an error that names the nearest.
    fn known<T, E: Entry>(&mut self, entry: Option<T>, code: Code, at: &Path, name: &str, among: &[E]) -> Option<T> {
        if entry.is_none() {
            let help = unknown_name_help(name, among);
            let error = self.file.error(code, at, format!("no {} is called `{name}`", E::WHAT)).help(help);
            self.errors.push(error);
        }
        entry
    }
}

/// What to write instead of an unknown name.
pub(super) fn unknown_name_help<E: Entry>(name: &str, among: &[E]) -> String {
    let names = among.iter().flat_map(|entry| std::iter::once(entry.name()).chain(entry.aliases().iter().map(String::as_str)));
    let plural = if E::WHAT == "switch" { "switches".to_owned() } else { format!("{}s", E::WHAT) };
    match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`? `planner catalog {plural}` lists all"),
        None => format!("`planner catalog {plural}` lists all; `--catalog FILE` adds your own"),
    }
}
