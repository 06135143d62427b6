//! What a cluster file means: every name looked up, every default filled in with its origin.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::carbon::GridCarbon;
use super::cluster_file::{ClusterFile, FabricKind, Redundancy};
use super::cost::Cost;
use super::networks::Networks;
use super::power_cap::GpuCap;
use super::reliability::{CheckpointStorage, Reliability};
use super::resolve_cluster::Resolver;
use crate::catalog::{Accelerator, Catalog, Cooling, Entry, Nics, Priced, Provenance, ScaleUpKind, Server, Sourced, Switch};
use crate::diagnostic::{Code, Diagnostic, Source};
use crate::units::{
    BitsPerSecond, BytesPerSecond, Carbon, Currency, EnergyPrice, HourlyPrice, Money, NodeCount, Seconds, TemperatureRise,
    Watts,
};
use crate::yaml;

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
    /// The networks beside the fabric, as far as they are stated.
    pub networks: Networks,
    /// Power and its price.
    pub power: Power,
    /// How often nodes fail, and what a job does about it.
    pub reliability: Reliability,
    /// Where checkpoints are written.
    pub storage: CheckpointStorage,
    /// All-in price of a GPU-hour, as given.
    pub gpu_hour: Option<HourlyPrice>,
    /// Prices of single pieces, as given, by the names of the bill of materials.
    pub item_prices: BTreeMap<String, Money>,
    /// What owning it costs.
    pub cost: Cost,
    /// Exchange rates to the US dollar beside the catalogue's.
    pub(super) rates: Vec<(Currency, f64)>,
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
    /// A cap on the accelerator's power, where it is below what it draws; its peaks are as slow as that.
    pub gpu_cap: Option<GpuCap>,
    /// Carbon of making one accelerator.
    pub embodied_carbon: Sourced<Carbon>,
    /// Time for which the nodes serve.
    pub service_life: Sourced<Seconds>,
    /// What a node costs.
    pub price: Option<Priced>,
    /// How many of the nodes are owned already.
    pub owned: u32,
    /// Nodes bought beside these and kept in store.
    pub spares: NodeCount,
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
    /// Appliances that manage the fabric, when stated.
    pub managers: Option<u32>,
}

impl Fabric {
    /// Links at the line rate of the fastest nodes that one port of the switch is broken out to: 64 ports of 800 Gb/s are 128 of
    /// 400 Gb/s.
    #[must_use]
    pub fn breakout(&self, pools: &[Pool]) -> u32 {
        let rate = pools.iter().filter_map(|pool| pool.nics.as_ref()).map(|nics| nics.value.rate.get()).fold(0.0, f64::max);
        let lane = rate / f64::from(self.planes.max(1));
        if lane > 0.0 { (self.port_rate.get() / lane).floor().clamp(1.0, 8.0) as u32 } else { 1 }
    }
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
    /// Redundancy of uninterruptible power supplies, when any are bought.
    pub ups: Option<Redundancy>,
    /// Load that one of them carries.
    pub ups_unit: Sourced<Watts>,
    /// Power distribution units in a rack of nodes.
    pub pdus_per_rack: Sourced<u32>,
    /// How much warmer cooling air gets on its way through a rack.
    pub air_rise: Sourced<TemperatureRise>,
    /// How much warmer cooling water gets on its way through a rack.
    pub water_rise: Sourced<TemperatureRise>,
    /// Site power over IT power.
    pub pue: Sourced<f64>,
    /// Share of the largest power that is drawn in training.
    pub load_factor: Sourced<f64>,
    /// Price of electricity.
    pub tariff: Option<EnergyPrice>,
    /// Carbon of electricity.
    pub carbon: GridCarbon,
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
        Resolver::new(&file, catalog).cluster()
    }

    /// Reads a cluster file as if its only pool had `nodes` nodes: limits of fabric, racks and power are checked for them.
    ///
    /// # Errors
    /// Everything that is wrong with a cluster of that size; of several pools, it is not said which would have them.
    pub fn load_sized(source: Arc<Source>, catalog: &Catalog, nodes: u32) -> Result<Self, Vec<Diagnostic>> {
        let mut file = yaml::load::<ClusterFile>(source)?;
        match file.value.pools.as_mut_slice() {
            [pool] => pool.nodes = nodes,
            pools => {
                let message = format!("the cluster has {} pools, and {nodes} nodes could be of any", pools.len());
                let error = file.error(Code::ItemCount, &yaml::Path::root().key("pools"), message);
                return Err(vec![error.help("write a cluster file for each number of nodes")]);
            }
        }
        Resolver::new(&file, catalog).cluster()
    }

    /// Reads a cluster file and changes what it says before it is resolved.
    ///
    /// # Errors
    /// Everything that is wrong with it then.
    pub fn load_changed(
        source: Arc<Source>,
        catalog: &Catalog,
        change: &dyn Fn(&mut ClusterFile),
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut file = yaml::load::<ClusterFile>(source)?;
        change(&mut file.value);
        Resolver::new(&file, catalog).cluster()
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
