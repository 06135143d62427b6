//! From a cluster file to what it means: names looked up, limits checked, every mistake noted.

use super::carbon;
use super::cluster::{Cluster, Fabric, Pool};
use super::cluster_file::{ClusterFile, FabricFile, FabricKind, PoolFile};
use super::cost_file::CostFile;
use super::names;
use super::power_cap::{self, GpuCap};
use super::reliability::{self, CheckpointStorage, Reliability};
use super::resolve_cost::CostResolver;
use crate::catalog::{Catalog, Entry, Priced, Provenance, ScaleUpKind, Server, Sourced, named};
use crate::diagnostic::{Batch, Code, Diagnostic, nearest, quoted};
use crate::units::{NodeCount, Watts};
use crate::yaml::{Document, Path};

/// Accelerators, and network ports, that a cluster has at most: what a graph of single devices is kept to.
const MOST_GPUS: u64 = 2_000_000;

/// Cables above the leaf switches of a fabric at most: the largest cluster has one for each port in each of eight planes.
const MOST_UPLINKS: u64 = 20_000_000;

/// Accelerators in a mesh at most: each has a link to every other.
const MOST_IN_MESH: u32 = 64;

/// Reads one file; collects what is wrong with it.
pub(super) struct Resolver<'a> {
    pub(super) file: &'a Document<ClusterFile>,
    pub(super) catalog: &'a Catalog,
    pub(super) errors: Vec<Diagnostic>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(file: &'a Document<ClusterFile>, catalog: &'a Catalog) -> Self {
        Self { file, catalog, errors: Vec::new() }
    }

    pub(super) fn cluster(mut self) -> Result<Cluster, Vec<Diagnostic>> {
        let file = self.file;
        let cluster = &file.value;
        self.names();
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
        let networks = self.networks();
        self.currencies();
        self.item_names();
        let none = CostFile::default();
        let (cost, mistakes) = CostResolver::new(file, &none, self.catalog).cost();
        self.errors.extend(mistakes);
        self.errors.extend(reliability::mistakes(file).into_iter().chain(carbon::mistakes(file)));
        if !self.errors.is_empty() {
            return Err(Batch::from_iter(self.errors).into_vec());
        }
        Ok(Cluster {
            name: cluster.name.clone(),
            description: cluster.description.clone(),
            pools,
            fabric,
            networks,
            power: self.power_of_site(),
            reliability: Reliability::of(&cluster.reliability),
            storage: CheckpointStorage::of(&cluster.storage),
            gpu_hour: cluster.price.gpu_hour,
            item_prices: cluster.price.items.clone(),
            cost,
            rates: cluster.currencies.iter().map(|rate| (rate.code, rate.usd)).collect(),
        })
    }

    /// A pure number of the catalogue, in place of one that the file does not say; one where the catalogue does not either.
    pub(super) fn ratio(&self, name: &str) -> (f64, &str) {
        let figure = named(&self.catalog.economics.ratios, name);
        figure.map_or((1.0, "not known"), |figure| (figure.value, figure.source.as_str()))
    }

    fn names(&mut self) {
        let pools = &self.file.value.pools;
        self.errors.extend(names::check(self.file, &Path::root().key("name"), &self.file.value.name));
        for (i, pool) in pools.iter().enumerate() {
            self.errors.extend(names::check(self.file, &Path::root().key("pools").index(i).key("name"), &pool.name));
            if let Some(first) = pools[..i].iter().position(|other| other.name == pool.name) {
                let at = |i| Path::root().key("pools").index(i).key("name");
                let error = self
                    .file
                    .error(Code::DuplicateName, &at(i), format!("two pools are called {}", quoted(&pool.name)))
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
        let (accelerator, mut overridden) = accelerator.overridden(&pool.overrides);
        self.errors.extend(power_cap::too_low(self.file, &accelerator));
        let gpu_cap = self.file.value.power.gpu_cap.and_then(|cap| GpuCap::new(cap, accelerator.tdp));
        let in_domain = accelerator.scale_up.domain.min(pool.gpus.unwrap_or(server.gpus));
        if matches!(accelerator.scale_up.kind, ScaleUpKind::Mesh | ScaleUpKind::Bridge) && in_domain > MOST_IN_MESH {
            let at = at.key("overrides").key("scale-up-domain");
            let message =
                format!("{in_domain} `{}` do not form a mesh: each would have a link to every other", accelerator.name);
            let error = self.file.error(Code::OutOfRange, &at, message);
            self.errors
                .push(error.help(format!("a mesh has at most {MOST_IN_MESH}; choose an accelerator with scale-up switches")));
        }
        let given = |what: &str| format!("cluster file, pool {}, {what}", pool.name);

        let accelerator = match gpu_cap {
            Some(cap) => {
                overridden.push("peak");
                cap.slowed(accelerator)
            }
            None => accelerator,
        };
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
            (Some(price), _) => Some(Priced::given(price, given("price"))),
            (None, Some(price)) => price.priced(server.provenance("price")),
            (None, None) => None,
        };
        Some(Pool {
            name: pool.name.clone(),
            nodes: pool.nodes,
            gpus_per_node: pool.gpus.unwrap_or(server.gpus),
            overridden,
            gpu_cap,
            nics,
            max_power,
            nodes_per_rack,
            cooling: pool.cooling.or(server.cooling),
            embodied_carbon: carbon::embodied(pool.embodied_carbon, &accelerator, &pool.name),
            service_life: carbon::service_life(pool.service_life, &pool.name),
            price,
            owned: self.owned(pool, at)?,
            spares: pool.spares.unwrap_or(NodeCount::Nodes(0)),
            accelerator,
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
            managers: fabric.managers,
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
        if let Some(fabric) = fabric {
            self.switches(pools, fabric, ports);
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

    /// One switch needs ports for all, and many leaves are more than a graph of single cables can hold.
    fn switches(&mut self, pools: &[Pool], fabric: &Fabric, ports: u64) {
        let radix = fabric.ports * fabric.breakout(pools);
        let at = Path::root().key("fabric");
        match fabric.kind {
            FabricKind::SingleSwitch if ports > u64::from(radix) => {
                let message = format!("{ports} network ports do not fit on one `{}`, which has {radix}", fabric.switch.name);
                let error = self.file.error(Code::FabricLimit, &at.key("kind"), message);
                self.errors.push(error.help("use `kind: rail-optimized-fat-tree` or `kind: fat-tree`"));
            }
            FabricKind::RailOptimizedFatTree | FabricKind::RailOnly => {
                let nodes: u32 = pools.iter().map(|pool| pool.nodes).sum();
                let rails = pools.iter().filter_map(|pool| pool.nics.as_ref()).map(|nics| nics.value.count).max().unwrap_or(0);
                let down = (f64::from(radix) * fabric.oversubscription / (1.0 + fabric.oversubscription)).max(1.0) as u32;
                let unit = fabric.scalable_unit.unwrap_or(down).clamp(1, down);
                let leaves = u64::from(nodes.div_ceil(unit)) * u64::from(rails) * u64::from(fabric.planes);
                if leaves * u64::from((radix - down.min(radix)).max(1)) > MOST_UPLINKS {
                    let message = format!(
                        "{leaves} leaf switches, one for each of {rails} rails and every {unit} nodes, are more than can be planned"
                    );
                    let error = self.file.error(Code::FabricLimit, &at.key("scalable-unit"), message);
                    self.errors.push(error.help("use larger scalable units, or `kind: fat-tree`"));
                }
            }
            _ => {}
        }
    }

    fn power(&mut self, pools: &[Pool]) {
        let power = &self.file.value.power;
        let Some(limit) = power.site_limit else { return };
        let it: Watts = pools.iter().map(|pool| pool.max_power.value * f64::from(pool.nodes)).sum();
        let pue = power.pue.unwrap_or_else(|| self.ratio("pue").0);
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

    /// The entry, or an error that names the nearest.
    pub(super) fn known<T, E: Entry>(&mut self, entry: Option<T>, code: Code, at: &Path, name: &str, among: &[E]) -> Option<T> {
        if entry.is_none() {
            let help = unknown_name_help(name, among);
            let error = self.file.error(code, at, format!("no {} is called {}", E::WHAT, quoted(name))).help(help);
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
