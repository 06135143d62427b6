//! What a cluster file says of buying and housing the hardware: owned nodes, networks beside the fabric, power, prices.

use super::carbon::GridCarbon;
use super::cluster::Power;
use super::cluster_file::PoolFile;
use super::networks::{Network, Networks};
use super::owned::Owned;
use super::resolve_cluster::Resolver;
use super::resolve_cost;
use crate::catalog::{Entry, Provenance, Sourced, Switch};
use crate::diagnostic::{Code, nearest, quoted};
use crate::units::{Currency, TemperatureRise, Watts};
use crate::yaml::Path;

/// Load of one uninterruptible power supply.
const DEFAULT_UPS_UNIT: (Watts, &str) = (Watts::new(1e6), "a module of 1 MW");

/// Power distribution units of a rack of nodes.
const DEFAULT_PDUS: (u32, &str) = (3, "SUPERPOD-H100-PDF table 7: 96 for 32 racks; SUPERPOD-B300XDR: three in a rack");

/// 20 F, a common difference between the cold and the hot aisle.
const DEFAULT_AIR_RISE: (TemperatureRise, &str) = (TemperatureRise::new(100.0 / 9.0), "20 F between cold and hot aisle");

/// 10 K, a common difference between supply and return.
const DEFAULT_WATER_RISE: (TemperatureRise, &str) = (TemperatureRise::new(10.0), "10 K between supply and return");

impl Resolver<'_> {
    /// Nodes of a pool that are owned: not more than it has.
    pub(super) fn owned(&mut self, pool: &PoolFile, at: &Path) -> Option<u32> {
        let owned = match pool.owned {
            Owned::Nothing => 0,
            Owned::Everything => pool.nodes,
            Owned::Some(nodes) => nodes.get() as u32,
        };
        if owned > pool.nodes {
            let message = format!("{owned} nodes are owned of a pool of {}", pool.nodes);
            let error = self.file.error(Code::OutOfRange, &at.key("owned"), message);
            self.errors.push(error.help("`nodes` counts all nodes of the pool, those that are owned included"));
            return None;
        }
        Some(owned)
    }

    /// The networks beside the fabric, their switches looked up.
    pub(super) fn networks(&mut self) -> Networks {
        let networks = &self.file.value.networks;
        let at = |network: &str| Path::root().key("networks").key(network).key("switch");
        let (storage, in_band, out_of_band) = (&networks.storage, &networks.in_band, &networks.out_of_band);
        Networks {
            storage: Network {
                switch: self.network_switch(storage.switch.as_deref(), &at("storage")),
                ports_per_node: storage.ports_per_node,
            },
            storage_device_ports: storage.device_ports,
            in_band: Network {
                switch: self.network_switch(in_band.switch.as_deref(), &at("in-band")),
                ports_per_node: in_band.ports_per_node,
            },
            out_of_band: Network {
                switch: self.network_switch(out_of_band.switch.as_deref(), &at("out-of-band")),
                ports_per_node: out_of_band.ports_per_node,
            },
            management_servers: networks.management_servers,
        }
    }

    fn network_switch(&mut self, name: Option<&str>, at: &Path) -> Option<Switch> {
        let name = name?;
        let switch = self.catalog.switch(name).cloned();
        let switch = self.known(switch, Code::UnknownSwitch, at, name, &self.catalog.switches)?;
        if switch.ports.is_none_or(|ports| ports < 16) || switch.port_rate.is_none() {
            let message = format!("the catalogue has too few ports for switch `{}`", switch.name);
            let error = self.file.error(Code::FabricLimit, at, message);
            self.errors.push(error.help("choose one of `planner catalog switches` with 16 ports or more and a port rate"));
            return None;
        }
        Some(switch)
    }

    /// Power of the site, with what is assumed where nothing is stated.
    pub(super) fn power_of_site(&self) -> Power {
        fn figure<T>(stated: Option<T>, key: &str, default: (T, &str)) -> Sourced<T> {
            match stated {
                Some(value) => Sourced::new(value, Provenance::Given, format!("cluster file, power.{key}")),
                None => Sourced::new(default.0, Provenance::Assumed, default.1),
            }
        }
        let power = &self.file.value.power;
        Power {
            site_limit: power.site_limit,
            rack_limit: power.rack_limit,
            feed_limit: power.feed_limit,
            ups: power.ups,
            ups_unit: figure(power.ups_unit, "ups-unit", DEFAULT_UPS_UNIT),
            pdus_per_rack: figure(power.pdus_per_rack, "pdus-per-rack", DEFAULT_PDUS),
            air_rise: figure(power.air_rise, "air-rise", DEFAULT_AIR_RISE),
            water_rise: figure(power.water_rise, "water-rise", DEFAULT_WATER_RISE),
            pue: figure(power.pue, "pue", self.ratio("pue")),
            load_factor: figure(power.load_factor, "load-factor", self.ratio("load-factor")),
            tariff: power.tariff,
            carbon: GridCarbon::of(power),
        }
    }

    /// Every currency of a price can be turned into US dollars.
    pub(super) fn currencies(&mut self) {
        let cluster = &self.file.value;
        let costs = cluster.cost.iter().flat_map(resolve_cost::currencies);
        let price = Path::root().key("price");
        let pools = Path::root().key("pools");
        let mut used: Vec<(Currency, Path)> = Vec::new();
        used.extend(cluster.power.tariff.map(|tariff| (tariff.per_unit().currency(), Path::root().key("power").key("tariff"))));
        used.extend(cluster.price.gpu_hour.map(|hour| (hour.per_unit().currency(), price.key("gpu-hour"))));
        let of_pools = cluster.pools.iter().enumerate();
        used.extend(of_pools.filter_map(|(i, pool)| Some((pool.price?.currency(), pools.index(i).key("price")))));
        used.extend(cluster.price.items.iter().map(|(name, money)| (money.currency(), price.key("items").key(name.as_str()))));
        used.extend(costs.filter_map(|(currency, at)| Some((currency?, at))));
        for (currency, at) in used {
            let stated = cluster.currencies.iter().any(|rate| rate.code == currency);
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

    /// Every price under `price.items` is of something that a bill of materials can list.
    pub(super) fn item_names(&mut self) {
        let catalog = self.catalog;
        let parts = catalog.parts.iter().map(Entry::name);
        let known: Vec<&str> =
            parts.chain(catalog.switches.iter().map(Entry::name)).chain(catalog.servers.iter().map(Entry::name)).collect();
        for name in self.file.value.price.items.keys() {
            // Modules and cables of any rate are named after it.
            let of_a_rate = ["transceiver-", "cable-"].iter().any(|kind| name.starts_with(kind));
            if of_a_rate || known.contains(&name.as_str()) {
                continue;
            }
            let at = Path::root().key("price").key("items").key(name.as_str());
            let error = self.file.error(Code::UnknownPrice, &at, format!("nothing that is bought is called {}", quoted(name)));
            self.errors.push(error.help(match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? `planner catalog prices` lists all"),
                None => "`planner catalog prices` lists all; `planner bom` lists those of this cluster".to_owned(),
            }));
        }
    }
}
