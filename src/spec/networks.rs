//! The networks beside the compute fabric, as far as the cluster file states them.

use crate::catalog::Switch;

/// Networks beside the compute fabric. What is not stated follows a reference design, which the bill of materials knows.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    /// To the shared storage.
    pub storage: Network,
    /// Ports for storage devices, for every scalable unit.
    pub storage_device_ports: Option<u32>,
    /// For logins, schedulers, home directories.
    pub in_band: Network,
    /// For the management ports of all devices.
    pub out_of_band: Network,
    /// Servers that manage the cluster.
    pub management_servers: Option<u32>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The switch, when stated.
    pub switch: Option<Switch>,
    /// Ports of each node, when stated; 0 for no such network.
    pub ports_per_node: Option<u32>,
}
