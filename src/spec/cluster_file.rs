//! What a cluster file may say.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::carbon::CarbonPeriod;
use super::cost_file::CostFile;
use super::networks_file::NetworksFile;
use super::owned::Owned;
use super::reliability::{ReliabilityFile, StorageFile};
use crate::catalog::{AcceleratorOverrides, Cooling, ExchangeRate, Nics};
use crate::units::{
    Carbon, CarbonIntensity, Energy, EnergyPrice, HourlyPrice, Money, NodeCount, Nodes, Seconds, TemperatureRise, Watts,
};

/// A cluster: pools of identical nodes, the fabric between them, power and prices.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClusterFile {
    /// Name of the cluster.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// Pools of identical nodes.
    #[schemars(length(min = 1, max = 1000))]
    pub pools: Vec<PoolFile>,
    /// The network between the nodes; not needed for one node.
    #[serde(default)]
    pub fabric: Option<FabricFile>,
    /// Networks for storage and management, for the bill of materials.
    #[serde(default)]
    pub networks: NetworksFile,
    /// Power limits, efficiency of the site, tariff.
    #[serde(default)]
    pub power: PowerFile,
    /// How often nodes fail, and what a job does about it.
    #[serde(default)]
    pub reliability: ReliabilityFile,
    /// Where checkpoints are written.
    #[serde(default)]
    pub storage: StorageFile,
    /// What the hardware costs.
    #[serde(default)]
    pub price: PriceFile,
    /// What owning it costs, line by line.
    #[serde(default)]
    pub cost: Option<CostFile>,
    /// Exchange rates, beside or instead of the catalogue's.
    #[serde(default)]
    pub currencies: Vec<ExchangeRate>,
}

/// A pool of identical nodes. Fields beside `server` override the catalogue's.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PoolFile {
    /// Name of the pool.
    pub name: String,
    /// Nodes in the pool. A rack that is bought as one (GB200 NVL72) is one node.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub nodes: u32,
    /// Server of the catalogue, see `planner catalog servers`.
    pub server: String,
    /// Accelerator of the catalogue, when it is not the server's own.
    #[serde(default)]
    pub accelerator: Option<String>,
    /// Accelerators per node; of a torus, all chips of a pod or a slice of it.
    #[serde(default)]
    #[schemars(range(min = 1, max = 16384))]
    pub gpus: Option<u32>,
    /// Network ports per node for computation.
    #[serde(default)]
    pub nics: Option<Nics>,
    /// Most power a node draws.
    #[serde(default)]
    pub max_power: Option<Watts>,
    /// Nodes in one rack.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub nodes_per_rack: Option<u32>,
    /// How the nodes are cooled.
    #[serde(default)]
    pub cooling: Option<Cooling>,
    /// Purchase price of a node.
    #[serde(default)]
    pub price: Option<Money>,
    /// Nodes that are owned already: they cost nothing, and take power and space.
    #[serde(default)]
    pub owned: Owned,
    /// Nodes bought beside these and kept in store; `by outages` for as many as keep the pool whole for `reliability.full-strength` of the time.
    #[serde(default)]
    pub spares: Option<NodeCount>,
    /// Carbon of making one accelerator, with its share of the server when that is to count.
    #[serde(default)]
    pub embodied_carbon: Option<Carbon>,
    /// Time for which the nodes serve.
    #[serde(default)]
    pub service_life: Option<Seconds>,
    /// Fields of the accelerator that differ from the catalogue's.
    #[serde(default)]
    pub overrides: AcceleratorOverrides,
}

/// The network between the nodes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FabricFile {
    /// How switches are wired.
    pub kind: FabricKind,
    /// Switch of the catalogue, see `planner catalog switches`.
    pub switch: String,
    /// Link of the catalogue, when it is not the switch's own.
    #[serde(default)]
    pub link: Option<String>,
    /// Nodes that share a set of leaf switches.
    #[serde(default)]
    pub scalable_unit: Option<Nodes>,
    /// Bandwidth into a leaf switch over bandwidth out of it.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = 64.0))]
    pub oversubscription: Option<f64>,
    /// Bandwidth into a pod's spine switches over bandwidth out of them, in a network of three tiers.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = 64.0))]
    pub core_oversubscription: Option<f64>,
    /// Nodes under one set of spines, in a network of three tiers; as many as the switch's ports allow when left out. More
    /// than that takes modular switches as spines.
    #[serde(default)]
    pub pod: Option<Nodes>,
    /// Parallel networks that a port's lanes are split over.
    #[serde(default)]
    #[schemars(range(min = 1, max = 8))]
    pub planes: Option<u32>,
    /// Appliances that manage the fabric, two leaf ports each.
    #[serde(default)]
    #[schemars(range(max = 64))]
    pub managers: Option<u32>,
}

/// How switches are wired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FabricKind {
    /// Port i of every node of a scalable unit on leaf i; spines (and cores) above.
    RailOptimizedFatTree,
    /// All ports of a node on one leaf; spines (and cores) above.
    FatTree,
    /// Port i of every node on the switches of rail i; no way from rail to rail but through the node (arXiv:2307.12169).
    RailOnly,
    /// One switch.
    SingleSwitch,
}

/// Power limits, efficiency of the site, tariff.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PowerFile {
    /// Most power the site may draw, cooling included.
    pub site_limit: Option<Watts>,
    /// Most power a rack may draw.
    pub rack_limit: Option<Watts>,
    /// Most power one feed carries.
    pub feed_limit: Option<Watts>,
    /// Power usage effectiveness: site power over IT power.
    #[schemars(range(min = 1.0, max = 10.0))]
    pub pue: Option<f64>,
    /// Uninterruptible power supplies; none are bought when left out.
    pub ups: Option<Redundancy>,
    /// Load that one uninterruptible power supply carries.
    pub ups_unit: Option<Watts>,
    /// Power distribution units in a rack of nodes.
    #[schemars(range(min = 1, max = 16))]
    pub pdus_per_rack: Option<u32>,
    /// How much warmer cooling air gets on its way through a rack.
    pub air_rise: Option<TemperatureRise>,
    /// How much warmer cooling water gets on its way through a rack.
    pub water_rise: Option<TemperatureRise>,
    /// Share of a node's largest power that it draws while training.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub load_factor: Option<f64>,
    /// Most power of one accelerator: clocks slow until it keeps to it.
    pub gpu_cap: Option<Watts>,
    /// Price of electricity.
    pub tariff: Option<EnergyPrice>,
    /// Carbon intensity of the grid's electricity.
    pub carbon: Option<CarbonIntensity>,
    /// When it is another: by date, month or hour. Of several that apply the last counts, of none `carbon`.
    #[schemars(length(max = 1000))]
    pub carbon_periods: Vec<CarbonPeriod>,
    /// Electricity of a year that contracts supply without carbon: what the market-based account leaves out.
    pub contracted: Option<Energy>,
    /// Carbon intensity of the rest in the market-based account: the residual mix; `carbon` when left out.
    pub residual_carbon: Option<CarbonIntensity>,
}

/// How many units stand behind a load that needs N of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Redundancy {
    /// N: none to spare.
    N,
    /// One more than needed.
    #[serde(rename = "n+1")]
    NPlusOne,
    /// Twice as many as needed.
    #[serde(rename = "2n")]
    TwoN,
}

/// What the hardware costs.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PriceFile {
    /// All-in price of a GPU-hour, rented or owned, electricity included.
    pub gpu_hour: Option<HourlyPrice>,
    /// Prices of single pieces, by the name that `planner bom` lists them under; these count before the catalogue's.
    pub items: BTreeMap<String, Money>,
}
