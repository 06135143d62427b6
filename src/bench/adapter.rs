//! What a GPU and its driver say about themselves.

use serde::{Deserialize, Serialize};

/// A GPU behind a driver.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Adapter {
    /// Its place in the list of `planner bench --list`.
    pub index: usize,
    /// Its name, as the driver has it.
    pub name: String,
    /// What sort of device it is.
    pub kind: Kind,
    /// The interface it is driven through: Vulkan, Metal or DX12.
    pub backend: String,
    /// Name of the driver.
    pub driver: String,
    /// Version of the driver.
    pub driver_info: String,
    /// PCI vendor.
    pub vendor_id: u32,
    /// PCI device.
    pub device_id: u32,
    /// PCI address, where the driver tells it.
    pub pci_bus_id: String,
    /// Threads of the smallest subgroup.
    pub subgroup_min: u32,
    /// Threads of the largest subgroup.
    pub subgroup_max: u32,
    /// Whether shaders may compute in 16-bit floating point.
    pub f16: bool,
    /// Whether passes can be timed on the device.
    pub timestamps: bool,
    /// Nanoseconds of a tick of the device's clock.
    pub timestamp_period_ns: f64,
    /// Shapes of matrices that the matrix units take.
    pub cooperative: Vec<CooperativeShape>,
    /// Bytes of the largest buffer.
    pub max_buffer: u64,
    /// Bytes of the largest buffer that a shader sees.
    pub max_binding: u64,
    /// Bytes of workgroup memory.
    pub max_workgroup_memory: u32,
    /// Threads of a workgroup.
    pub max_workgroup_threads: u32,
    /// Workgroups along one side of a grid.
    pub max_groups: u32,
}

/// What sort of device an adapter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the host's memory.
    Integrated,
    /// A GPU handed to a virtual machine.
    Virtual,
    /// A driver that computes on the CPU.
    Software,
    /// The driver does not say.
    #[default]
    Unknown,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Software => "software",
            Self::Unknown => "unknown",
        }
    }
}

/// A shape of matrices that the matrix units take: m x n x k with inputs and sums of two types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CooperativeShape {
    /// Rows of the result.
    pub m: u32,
    /// Columns of the result.
    pub n: u32,
    /// Length of the sums.
    pub k: u32,
    /// Type of the factors.
    pub input: String,
    /// Type of the sums.
    pub sum: String,
}

impl Adapter {
    /// Whether it computes on the CPU: results check kernels, and say nothing about hardware.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.kind == Kind::Software
    }

    /// The side of the square matrices of f16 with f32 sums that kernels use: the largest offered. None where there is none, or
    /// where subgroups vary in size, since a workgroup could then hold part of one.
    #[must_use]
    pub fn tile(&self) -> Option<u32> {
        if self.subgroup_min != self.subgroup_max || self.subgroup_min == 0 || !self.f16 {
            return None;
        }
        self.cooperative
            .iter()
            .filter(|shape| shape.m == shape.n && shape.n == shape.k && matches!(shape.m, 8 | 16))
            .filter(|shape| shape.input == "f16" && shape.sum == "f32")
            .map(|shape| shape.m)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tile_comes_from_the_list() {
        let shape = |m, n, k, sum: &str| CooperativeShape { m, n, k, input: "f16".into(), sum: sum.into() };
        let mut adapter = Adapter { subgroup_min: 32, subgroup_max: 32, f16: true, ..Adapter::default() };
        assert_eq!(adapter.tile(), None);
        adapter.cooperative = vec![shape(16, 8, 16, "f32"), shape(16, 16, 16, "f16"), shape(8, 8, 8, "f32")];
        assert_eq!(adapter.tile(), Some(8));
        adapter.cooperative.push(shape(16, 16, 16, "f32"));
        assert_eq!(adapter.tile(), Some(16));
        adapter.subgroup_min = 16;
        assert_eq!(adapter.tile(), None, "subgroups that vary in size");
    }
}
