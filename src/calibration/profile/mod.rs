//! What was measured on one's own hardware, and how it moves the curves: the one layer between measurements and the catalogue's
//! efficiencies.
//!
//! A profile holds measured figures, each with its spread and origin. It is made from results of `planner bench`, logs of
//! collectives and tables of matrix products, and applied by [`super::Calibration`] wherever a plan asks for an efficiency.

mod apply;
mod bench;
mod collect;
mod collectives;
mod fit;
mod moved;
mod products;
mod read;
mod write;

pub(super) use apply::Over;
pub use collect::Options;
pub use moved::Moved;
pub use read::{CollectiveLog, Measured, read};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::bench::BenchResult;
use crate::catalog::{Accelerator, Link};
use crate::units::{Bytes, BytesPerSecond, FlopPerSecond, Seconds};

/// Figures that were measured, by accelerator and link.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// Version of this form: 1.
    #[schemars(range(min = 1, max = 1))]
    pub profile: u32,
    /// Figures of accelerators.
    #[serde(default)]
    pub accelerators: Vec<AcceleratorProfile>,
    /// Figures of links.
    #[serde(default)]
    pub links: Vec<LinkProfile>,
}

/// Figures of one accelerator.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AcceleratorProfile {
    /// Its name in the catalogue.
    pub accelerator: String,
    /// Share of the data sheet's bandwidth that streaming kernels reach on large arrays.
    #[serde(default)]
    pub memory: Option<Figure>,
    /// The same by bytes moved, over that of the largest, launches taken out.
    #[serde(default)]
    pub memory_by_size: Vec<SizeFactor>,
    /// Rates of matrix products by data type and shape.
    #[serde(default)]
    pub products: Vec<Product>,
    /// Time that a further kernel adds to a busy stream beside its work.
    #[serde(default)]
    pub launch: Option<Launch>,
    /// Rate of multiply-add chains over the data sheet's: the clock held under load.
    #[serde(default)]
    pub clock: Option<Figure>,
    /// Rate of matrix instructions without memory over what that instruction reaches: a sign of health. Shown, not applied.
    #[serde(default)]
    pub matrix_units: Option<Figure>,
}

/// A share that was measured.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Figure {
    /// The figure.
    #[schemars(range(min = 0.000_000_001, max = 2.0))]
    pub value: f64,
    /// How far a further measurement may lie from it, as a share.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub spread: f64,
    /// What it was measured with, and on what.
    pub origin: String,
}

/// A factor at a size.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SizeFactor {
    /// The size.
    pub size: Bytes,
    /// The factor.
    #[schemars(range(min = 0.000_001, max = 10.0))]
    pub factor: f64,
}

/// The rate of a matrix product.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Product {
    /// Data type, as jobs name it: bf16, fp16, fp8, tf32.
    pub dtype: String,
    /// Rows of the result.
    #[schemars(range(min = 1))]
    pub m: u32,
    /// Columns of the result.
    #[schemars(range(min = 1))]
    pub n: u32,
    /// Length of the sums.
    #[schemars(range(min = 1))]
    pub k: u32,
    /// The rate.
    pub rate: FlopPerSecond,
    /// How far a further measurement may lie from it, as a share.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub spread: f64,
    /// What it was measured with.
    pub origin: String,
}

/// The cost of a launch.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Launch {
    /// The time.
    pub time: Seconds,
    /// How far a further measurement may lie from it, as a share.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub spread: f64,
    /// What it was measured with, and on what.
    pub origin: String,
}

/// A collective on a link: time = alpha + wire / beta.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LinkProfile {
    /// The link's name in the catalogue.
    pub link: String,
    /// The operation: all-reduce, all-gather, reduce-scatter, all-to-all, point-to-point.
    pub operation: String,
    /// Ranks that took part.
    #[schemars(range(min = 2))]
    pub ranks: u32,
    /// Domains (nodes) that they were spread over; 1 for a scale-up link.
    #[schemars(range(min = 1))]
    pub domains: u32,
    /// Fixed time.
    pub alpha: Seconds,
    /// Bus bandwidth of large messages, as nccl-tests counts it.
    pub beta: BytesPerSecond,
    /// That, as a share of the link's bandwidth and as the planner counts bytes on the wire.
    #[schemars(range(min = 0.000_001, max = 4.0))]
    pub efficiency: f64,
    /// Median distance of the measured times from the line, as a share.
    #[schemars(range(min = 0.0))]
    pub spread: f64,
    /// What it was measured with.
    pub origin: String,
}

/// Version of the form.
const VERSION: u32 = 1;

/// Least spread that is claimed: clocks, temperatures and drivers differ by more than samples of one run.
const LEAST_SPREAD: f64 = 0.002;

/// What measurements are about where they do not say it themselves.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The accelerator.
    pub accelerator: &'a Accelerator,
    /// The link of collectives over several nodes.
    pub link: Option<&'a Link>,
}

impl Profile {
    /// A profile without figures.
    #[must_use]
    pub fn empty() -> Self {
        Self { profile: VERSION, ..Self::default() }
    }

    /// Adds results of the bench on GPUs of one accelerator: of several GPUs the median, and what they differ by.
    pub fn add_bench(&mut self, about: About<'_>, results: &[&BenchResult]) {
        let figures: Vec<AcceleratorProfile> = results.iter().map(|result| bench::figures(about.accelerator, result)).collect();
        let merged = bench::merged(about.accelerator, &figures);
        self.of(about.accelerator).take(merged);
    }

    /// Adds a table of matrix products.
    pub fn add_products(&mut self, about: About<'_>, rows: Vec<Product>) {
        self.of(about.accelerator).products.extend(rows);
    }

    /// Adds a log of a collective.
    ///
    /// # Errors
    /// In words, when the log does not say enough.
    pub fn add_collective(&mut self, about: About<'_>, log: &CollectiveLog) -> Result<(), String> {
        self.links.push(collectives::fitted(about, log)?);
        Ok(())
    }

    fn of(&mut self, accelerator: &Accelerator) -> &mut AcceleratorProfile {
        let name = &accelerator.name;
        let place = self.accelerators.iter().position(|entry| entry.accelerator == *name).unwrap_or_else(|| {
            self.accelerators.push(AcceleratorProfile { accelerator: name.clone(), ..AcceleratorProfile::default() });
            self.accelerators.len() - 1
        });
        &mut self.accelerators[place]
    }
}

impl AcceleratorProfile {
    /// Takes over the figures that `other` has.
    fn take(&mut self, other: Self) {
        self.memory = other.memory.or(self.memory.take());
        if !other.memory_by_size.is_empty() {
            self.memory_by_size = other.memory_by_size;
        }
        self.products.extend(other.products);
        self.launch = other.launch.or(self.launch.take());
        self.clock = other.clock.or(self.clock.take());
        self.matrix_units = other.matrix_units.or(self.matrix_units.take());
    }
}
