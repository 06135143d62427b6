//! What hardware delivers, as a share of what its data sheet says.
//!
//! The constants are in `defaults.yaml`, fitted to published kernel and collective measurements and to no training run; what
//! was fitted, to how many rows and with what residuals is told in `docs/calibration-defaults.md`. This room knows the
//! catalogue's names, and nothing of models, layouts or schedules.

mod collective;
mod file;
mod interpolate;
mod layout_spread;
mod matmul;
pub mod profile;
pub mod recognise;
mod training;

pub use collective::{CollectiveCurve, Operation};
pub use layout_spread::LayoutSpread;
pub use matmul::MatmulCurve;
pub use profile::{Moved, Profile};
pub use training::{Constant, Factors, Interval, Spread, Training};

use std::sync::OnceLock;

use crate::catalog::{Accelerator, Catalog, Provenance, Sourced};
use crate::spec::Precision;
use crate::units::{BytesPerSecond, Seconds};
use crate::yaml;
use file::{File, MatmulRow, Origin};
use interpolate::Factors as BySize;
use profile::Over;

/// Start and end of a kernel in a busy stream: launch latency that the next kernel does not hide.
pub const KERNEL_OVERHEAD: Seconds = Seconds::new(4e-6);

/// Efficiency constants, by accelerator and link.
#[derive(Debug)]
pub struct Calibration {
    file: File,
    training: Training,
    profile: Option<Profile>,
}

impl Calibration {
    /// The texts of the embedded defaults, which a hash of them is taken over.
    pub const TEXTS: [&str; 2] = [include_str!("defaults.yaml"), include_str!("training.yaml")];

    /// The embedded defaults, read once.
    ///
    /// # Panics
    /// Never in a build whose tests pass: the file is part of the binary.
    #[must_use]
    pub fn defaults() -> &'static Self {
        static DEFAULTS: OnceLock<Calibration> = OnceLock::new();
        DEFAULTS.get_or_init(Self::embedded)
    }

    fn embedded() -> Self {
        let [defaults, training] = Self::TEXTS;
        match (yaml::parse_embedded(defaults), yaml::parse_embedded(training)) {
            (Ok(file), Ok(training)) => Self { file, training, profile: None },
            (Err(error), _) | (_, Err(error)) => panic!("the embedded calibration does not parse: {error}"),
        }
    }

    /// The defaults with other constants of training.
    ///
    /// # Panics
    /// As [`Self::defaults`].
    #[must_use]
    pub fn with_training(training: Training) -> Self {
        Self { training, ..Self::embedded() }
    }

    /// The constants fitted to training runs.
    #[must_use]
    pub fn training(&self) -> &Training {
        &self.training
    }

    /// The defaults moved by what was measured on one's own hardware.
    ///
    /// # Panics
    /// As [`Self::defaults`].
    #[must_use]
    pub fn with_profile(profile: Profile) -> Self {
        Self { profile: Some(profile), ..Self::embedded() }
    }

    /// What was measured on one's own hardware, if anything.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// How fast matmuls of `precision` run on `accelerator`; nothing when it has no such type.
    #[must_use]
    pub fn matmul(&self, accelerator: &Accelerator, precision: Precision) -> Option<MatmulCurve> {
        let peak = precision.peak(&accelerator.peak)?;
        // TF32 and FP16 are fed by the same units as BF16, and 8-bit integers as FP8: tables of the one speak for the others.
        let dtype = match precision {
            Precision::Fp8 | Precision::Mxfp8 | Precision::Int8 => "fp8",
            Precision::Nvfp4 => "fp4",
            Precision::Tf32 | Precision::Bf16 | Precision::Fp16 => "bf16",
        };
        let model = &self.file.matmul_model;
        let exact = self.file.matmul.iter().find(|row| row.accelerator == accelerator.name && row.dtype == dtype);
        let curve = match exact {
            Some(row) => {
                // The share belongs to the peak that stands in its row; the catalogue's may be a different reading. Of a peak that a
                // file overrides the same share is delivered.
                let listed = Catalog::embedded().accelerator(&accelerator.name).and_then(|listed| precision.peak(&listed.peak));
                let scale = if precision == Precision::Tf32 { 1.0 } else { row.peak.get() / listed.unwrap_or(peak).get() };
                MatmulCurve::new(model, accelerator, peak, row, scale)
            }
            None => {
                let row = self.like(accelerator, dtype, 0)?;
                MatmulCurve::new(model, accelerator, peak, &row, 1.0)
            }
        };
        Some(match &self.profile {
            Some(profile) => profile.matmul(accelerator, precision, curve),
            None => curve,
        })
    }

    /// The constants of the first family that matches, what it leaves out taken from the entry it is like.
    fn like(&self, accelerator: &Accelerator, dtype: &str, depth: u32) -> Option<MatmulRow> {
        let name = accelerator.name.as_str();
        let default = self.file.matmul_default.iter().find(|default| {
            default.families.iter().any(|family| family == "any" || name.starts_with(family.as_str()))
                && default.dtype.as_deref().is_none_or(|d| d == dtype || (d == "fp16" && dtype == "bf16"))
        })?;
        let base = default.like.as_ref().and_then(|like| {
            let exact = self.file.matmul.iter().find(|row| row.accelerator == *like && row.dtype == dtype).cloned();
            let twin = Accelerator { name: like.clone(), ..accelerator.clone() };
            exact.or_else(|| (depth < 3 && *like != name).then(|| self.like(&twin, dtype, depth + 1)).flatten())
        });
        let base = base.unwrap_or_else(|| MatmulRow::neutral(dtype));
        let peak_share = default.peak_share.unwrap_or(base.peak_share);
        let clock_drop = default.clock_drop.unwrap_or(base.clock_drop);
        Some(MatmulRow {
            peak_share,
            clock_drop,
            sustained_share: default.sustained_share.unwrap_or(peak_share / (1.0 + clock_drop)),
            k_half: default.k_half.unwrap_or(base.k_half),
            softness: default.softness.unwrap_or(base.softness),
            launch: default.launch.unwrap_or(base.launch),
            origin: default.origin,
            source: default.source.clone(),
            ..base
        })
    }

    /// How fast streaming kernels run on `accelerator`.
    #[must_use]
    pub fn memory(&self, accelerator: &Accelerator) -> MemoryCurve {
        let efficiency = self.memory_efficiency(accelerator);
        let curve = MemoryCurve { nominal: accelerator.memory_bandwidth, efficiency, by_size: BySize::default() };
        match &self.profile {
            Some(profile) => profile.memory(accelerator, curve),
            None => curve,
        }
    }

    /// Start and end of a kernel in a busy stream.
    #[must_use]
    pub fn launch(&self, accelerator: &Accelerator) -> Sourced<Seconds> {
        let measured = self.profile.as_ref().and_then(|profile| profile.launch(accelerator));
        measured
            .unwrap_or_else(|| Sourced::new(KERNEL_OVERHEAD, Provenance::Assumed, "latency that the next kernel does not hide"))
    }

    fn memory_efficiency(&self, accelerator: &Accelerator) -> Sourced<f64> {
        match self.file.memory.iter().find(|row| row.accelerator == accelerator.name) {
            Some(row) => Sourced::new(row.efficiency, row.origin.into(), row.source.clone()),
            None => {
                let default = &self.file.memory_default;
                Sourced::new(default.efficiency, default.origin.into(), default.source.clone())
            }
        }
    }

    /// The curve of a collective over `ranks` members of one scale-up domain.
    #[must_use]
    pub fn collective(&self, link: &str, operation: Operation, ranks: u32) -> CollectiveCurve {
        self.measured(link, operation, Over::Ranks(ranks))
            .unwrap_or_else(|| collective::find(&self.file, link, operation, ranks))
    }

    /// The in-switch reduction of a scale-up domain, where the link has one.
    #[must_use]
    pub fn in_switch(&self, link: &str, ranks: u32) -> Option<CollectiveCurve> {
        // A log is of whatever the library did, in the switch or around the ring.
        if self.measured(link, Operation::AllReduce, Over::Ranks(ranks)).is_some() {
            return None;
        }
        collective::in_switch(&self.file, link, ranks)
    }

    /// The curve of a collective over `nodes` scale-up domains.
    #[must_use]
    pub fn scale_out(&self, link: &str, operation: Operation, nodes: u32) -> CollectiveCurve {
        self.measured(link, operation, Over::Domains(nodes))
            .unwrap_or_else(|| collective::find_scale_out(&self.file, link, operation, nodes))
    }

    fn measured(&self, link: &str, operation: Operation, over: Over) -> Option<CollectiveCurve> {
        self.profile.as_ref()?.collective(link, operation, over)
    }

    /// Share of a link that a fused expert exchange reaches.
    #[must_use]
    pub fn expert_exchange(&self, link: &str) -> Sourced<f64> {
        let row = self.file.expert_exchange.iter().find(|row| row.link.as_deref() == Some(link) && row.kernel == "normal");
        let row = row.unwrap_or(&self.file.expert_exchange_default);
        Sourced::new(row.efficiency, row.origin.into(), row.source.clone())
    }
}

impl From<Origin> for Provenance {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Measured => Self::Measured,
            Origin::Calibrated => Self::Calibrated,
            Origin::Assumed => Self::Assumed,
        }
    }
}

/// Bandwidth and how much of it streaming kernels reach.
#[derive(Debug, Clone)]
pub struct MemoryCurve {
    /// Bandwidth of the data sheet.
    pub nominal: BytesPerSecond,
    /// Share of it that is reached.
    pub efficiency: Sourced<f64>,
    /// What of that small transfers reach.
    by_size: BySize,
}

impl MemoryCurve {
    /// Time of moving so many bytes in one kernel, its launch aside.
    #[must_use]
    pub fn time(&self, bytes: f64) -> Seconds {
        Seconds::new(bytes / (self.bandwidth().get() * self.by_size.at(bytes)))
    }

    /// What streaming kernels reach.
    #[must_use]
    pub fn bandwidth(&self) -> BytesPerSecond {
        self.nominal * self.efficiency.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accelerator_has_a_curve_for_every_type_that_it_has() {
        let calibration = Calibration::defaults();
        for accelerator in &Catalog::embedded().accelerators {
            for precision in Precision::ALL {
                let peak = precision.peak(&accelerator.peak);
                let curve = calibration.matmul(accelerator, precision);
                assert_eq!(curve.is_some(), peak.is_some(), "{} {precision:?}", accelerator.name);
                if let (Some(curve), Some(peak)) = (curve, peak) {
                    let rate = 2.0 * 8192f64.powi(3) / curve.math_time(8192.0, 8192.0, 8192.0, 1.0).get();
                    let share = rate / peak.get();
                    let most = if accelerator.name.contains("pro-6000") { 2.0 } else { 1.0 };
                    assert!((0.3..most).contains(&share), "{} {precision:?} reaches {share}", accelerator.name);
                }
            }
        }
    }

    /// A peak that a file overrides moves the rate that is delivered: the same share of it.
    #[test]
    fn an_overridden_peak_is_reached_as_well() {
        let listed = Catalog::embedded().accelerator("h100-sxm-80gb").unwrap();
        let mut faster = listed.clone();
        faster.peak.bf16 = listed.peak.bf16.map(|rate| rate * 1.25);
        let math = |accelerator: &Accelerator| {
            let curve = Calibration::defaults().matmul(accelerator, Precision::Bf16).unwrap();
            curve.math_time(8192.0, 8192.0, 8192.0, 1.0).get()
        };
        assert!((math(listed) / math(&faster) - 1.25).abs() < 1e-9);
    }

    #[test]
    fn rows_of_the_measured_table_come_out() {
        // aiconfigurator, A100 SXM, bf16, 8192 x 8192 x 8192 in a few hundred TFLOP/s: within the fit's p90 of 8 %.
        let a100 = Catalog::embedded().accelerator("a100-sxm-80gb").unwrap();
        let curve = Calibration::defaults().matmul(a100, Precision::Bf16).unwrap();
        let rate = 2.0 * 8192f64.powi(3) / curve.math_time(8192.0, 8192.0, 8192.0, 1.0).get() / 1e12;
        assert!((235.0..270.0).contains(&rate), "{rate}");
    }
}
