//! Accelerators: memory, dense peak rates, power, scale-up links, prices.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Entry, Price, entry};
use crate::units::{BitsPerSecond, Bytes, BytesPerSecond, Carbon, FlopPerSecond, Hertz, HourlyPrice, Watts};

/// One accelerator of the catalogue. Rates are dense, per device.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Accelerator {
    /// The name that files refer to.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Other names for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Who makes it.
    pub vendor: String,
    /// Year of first shipment.
    #[serde(default)]
    pub launched: Option<u32>,
    /// Memory capacity.
    pub memory: Bytes,
    /// Memory bandwidth.
    pub memory_bandwidth: BytesPerSecond,
    /// Dense peak rate by data type.
    pub peak: Peak,
    /// Board power.
    pub tdp: Watts,
    /// Streaming multiprocessors or compute units.
    #[serde(default)]
    pub compute_units: Option<u32>,
    /// Boost clock.
    #[serde(default)]
    pub boost_clock: Option<Hertz>,
    /// How it reaches its neighbours without the network.
    pub scale_up: ScaleUp,
    /// PCI Express generation.
    #[serde(default)]
    pub pcie: Option<u32>,
    /// Usual network rate per accelerator.
    #[serde(default)]
    pub nic: Option<BitsPerSecond>,
    /// Rates that somebody measured.
    #[serde(default)]
    pub measured: MeasuredRates,
    /// Power of the whole site's IT per accelerator.
    #[serde(default)]
    pub all_in_power: Option<Watts>,
    /// Carbon of making it, as its vendor declares.
    #[serde(default)]
    pub embodied_carbon: Option<Carbon>,
    /// Purchase price.
    #[serde(default)]
    pub price: Option<Price>,
    /// Cost of an owned GPU-hour.
    #[serde(default)]
    pub ownership: Option<HourlyRate>,
    /// Price of a rented GPU-hour.
    #[serde(default)]
    pub rental: Option<HourlyRate>,
    /// Keys of the source list.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Fields that were not seen in a source.
    #[serde(default)]
    pub assumed: Vec<String>,
    /// What else to know.
    #[serde(default)]
    pub notes: Option<String>,
}

entry!(Accelerator, "accelerator");

/// Dense peak rates by data type; what is absent does not exist in hardware.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Peak {
    /// FP32 on the vector units.
    pub fp32: Option<FlopPerSecond>,
    /// TF32 on the matrix units.
    pub tf32: Option<FlopPerSecond>,
    /// BF16 on the matrix units.
    pub bf16: Option<FlopPerSecond>,
    /// FP16 on the matrix units.
    pub fp16: Option<FlopPerSecond>,
    /// FP8 on the matrix units.
    pub fp8: Option<FlopPerSecond>,
    /// INT8 on the matrix units.
    pub int8: Option<FlopPerSecond>,
    /// FP4 on the matrix units.
    pub fp4: Option<FlopPerSecond>,
}

impl Peak {
    /// These rates where they are given, else those of `base`.
    #[must_use]
    pub fn or(self, base: Self) -> Self {
        Self {
            fp32: self.fp32.or(base.fp32),
            tf32: self.tf32.or(base.tf32),
            bf16: self.bf16.or(base.bf16),
            fp16: self.fp16.or(base.fp16),
            fp8: self.fp8.or(base.fp8),
            int8: self.int8.or(base.int8),
            fp4: self.fp4.or(base.fp4),
        }
    }
}

/// The scale-up side of an accelerator.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScaleUp {
    /// Name of the link in the catalogue.
    pub link: String,
    /// How the devices of a domain are wired.
    pub kind: ScaleUpKind,
    /// Bandwidth of one device, summed over its links, per direction.
    pub bandwidth: BytesPerSecond,
    /// Bandwidth between one pair of devices, per direction; the whole when absent.
    #[serde(default)]
    pub pair_bandwidth: Option<BytesPerSecond>,
    /// Devices in one domain.
    #[schemars(range(min = 1))]
    pub domain: u32,
}

/// How the devices of a scale-up domain are wired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleUpKind {
    /// Any device to any other at the full rate (NVSwitch).
    Switch,
    /// One link to each other device (xGMI, Gaudi).
    Mesh,
    /// Links to the nearest neighbours (TPU ICI, `NeuronLink`).
    Torus,
    /// A bridge between a few cards (`NVLink` bridge).
    Bridge,
    /// No link: through the host.
    Pcie,
}

/// Rates that somebody measured on the device.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct MeasuredRates {
    /// Best BF16 matmul found.
    pub bf16_matmul: Option<FlopPerSecond>,
    /// Best FP8 matmul found.
    pub fp8_matmul: Option<FlopPerSecond>,
    /// Copy within memory, read plus write.
    pub memory_copy: Option<BytesPerSecond>,
}

/// A dated price of a GPU-hour.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HourlyRate {
    /// The price.
    pub price: HourlyPrice,
    /// Lowest seen.
    #[serde(default)]
    pub low: Option<HourlyPrice>,
    /// Highest seen.
    #[serde(default)]
    pub high: Option<HourlyPrice>,
    /// When it held.
    pub date: String,
    /// Who says so.
    pub source: String,
}

/// Fields of an accelerator that a cluster file may override.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AcceleratorOverrides {
    /// Memory capacity.
    pub memory: Option<Bytes>,
    /// Memory bandwidth.
    pub memory_bandwidth: Option<BytesPerSecond>,
    /// Dense peak rate by data type.
    pub peak: Peak,
    /// Board power.
    pub tdp: Option<Watts>,
    /// Streaming multiprocessors or compute units.
    #[schemars(range(min = 1))]
    pub compute_units: Option<u32>,
    /// Scale-up bandwidth of one device per direction.
    pub scale_up_bandwidth: Option<BytesPerSecond>,
    /// Devices in one scale-up domain.
    #[schemars(range(min = 1))]
    pub scale_up_domain: Option<u32>,
}

impl Accelerator {
    /// This accelerator with some fields changed, and the names of those fields.
    #[must_use]
    pub fn overridden(mut self, by: &AcceleratorOverrides) -> (Self, Vec<&'static str>) {
        let mut changed = Vec::new();
        let mut note = |is: bool, field| {
            if is {
                changed.push(field);
            }
        };
        note(by.memory.is_some(), "memory");
        note(by.memory_bandwidth.is_some(), "memory-bandwidth");
        note(by.peak != Peak::default(), "peak");
        note(by.tdp.is_some(), "tdp");
        note(by.compute_units.is_some(), "compute-units");
        note(by.scale_up_bandwidth.is_some() || by.scale_up_domain.is_some(), "scale-up");
        self.memory = by.memory.unwrap_or(self.memory);
        self.memory_bandwidth = by.memory_bandwidth.unwrap_or(self.memory_bandwidth);
        self.peak = by.peak.or(self.peak);
        self.tdp = by.tdp.unwrap_or(self.tdp);
        self.compute_units = by.compute_units.or(self.compute_units);
        if let Some(bandwidth) = by.scale_up_bandwidth {
            self.scale_up.bandwidth = bandwidth;
            self.scale_up.pair_bandwidth = None;
        }
        self.scale_up.domain = by.scale_up_domain.unwrap_or(self.scale_up.domain);
        (self, changed)
    }
}
