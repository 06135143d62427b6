//! What a cluster file may say of the networks beside the compute fabric.

use schemars::JsonSchema;
use serde::Deserialize;

/// Networks beside the compute fabric. What is left out follows NVIDIA's reference designs.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NetworksFile {
    /// To the shared storage.
    pub storage: StorageNetworkFile,
    /// For logins, schedulers, home directories.
    pub in_band: NetworkFile,
    /// For the management ports of all devices.
    pub out_of_band: NetworkFile,
    /// Servers that manage the cluster.
    #[schemars(range(max = 1000))]
    pub management_servers: Option<u32>,
}

/// A network for management.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NetworkFile {
    /// Switch of the catalogue, see `planner catalog switches`.
    pub switch: Option<String>,
    /// Ports of each node on it; 0 for none, and no such network.
    #[schemars(range(max = 64))]
    pub ports_per_node: Option<u32>,
}

/// The network to the shared storage.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StorageNetworkFile {
    /// Switch of the catalogue, see `planner catalog switches`.
    pub switch: Option<String>,
    /// Ports of each node on it; 0 for none, and no such network.
    #[schemars(range(max = 64))]
    pub ports_per_node: Option<u32>,
    /// Ports for storage devices, for every scalable unit.
    #[schemars(range(max = 512))]
    pub device_ports: Option<u32>,
}
