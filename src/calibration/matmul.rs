//! Time of a matrix multiplication by shape.
//!
//! math = 2mnk / (peak · share) · shape · (1 + k-half/k), where `shape` is the best over the library's tiles of the tile's
//! traffic over its fill of whole waves of the compute units, softened. See `docs/calibration-defaults.md`.

use crate::catalog::{Accelerator, Provenance, Sourced};
use crate::units::{FlopPerSecond, Seconds};

use super::file::{MatmulModel, MatmulRow};
use super::interpolate::Factors;

/// Time in which power and heat pull the clock of an idle accelerator down: `settle` of defaults.yaml.
const SETTLE_S: f64 = 400e-6;

/// How fast matmuls of one type run on one accelerator.
#[derive(Debug, Clone)]
pub struct MatmulCurve {
    /// Dense peak of the catalogue.
    pub peak: FlopPerSecond,
    /// Share of it that large products reach for days.
    pub share: Sourced<f64>,
    clock_drop: f64,
    launch: Seconds,
    corrections: Factors,
    k_half: f64,
    softness: f64,
    compute_units: f64,
    tiles: Vec<Tile>,
}

#[derive(Debug, Clone, Copy)]
struct Tile {
    rows: f64,
    columns: f64,
    traffic: f64,
}

impl MatmulCurve {
    pub(super) fn new(
        model: &MatmulModel,
        accelerator: &Accelerator,
        peak: FlopPerSecond,
        row: &MatmulRow,
        scale: f64,
    ) -> Self {
        let side = |text: &str| text.parse::<f64>().unwrap_or(128.0);
        let tiles = model
            .tiles
            .iter()
            .filter_map(|tile| tile.split_once('x'))
            .map(|(rows, columns)| {
                let (rows, columns) = (side(rows), side(columns));
                let traffic = 1.0 + model.tile_cost * (1.0 / rows + 1.0 / columns - 1.0 / 256.0 - 1.0 / 128.0);
                Tile { rows, columns, traffic }
            })
            .collect();
        Self {
            peak,
            share: Sourced::new(row.sustained_share * scale, row.origin.into(), row.source.clone()),
            clock_drop: row.clock_drop,
            launch: row.launch,
            corrections: Factors::default(),
            k_half: row.k_half,
            softness: row.softness,
            // Without a known count the waves cannot be told: quantisation to tiles remains.
            compute_units: accelerator.compute_units.map_or(1.0, f64::from),
            tiles,
        }
    }

    /// The same curve at `factor` times the rate.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.share.value *= factor;
        self
    }

    /// The same curve at `factor` times the rate, times a correction by the FLOPs of a product.
    pub(super) fn measured(mut self, factor: f64, corrections: Factors, origin: String) -> Self {
        self.share = Sourced::new(self.share.value * factor, Provenance::Measured, origin);
        self.corrections = corrections;
        self
    }

    /// Time of one kernel as a benchmark measures it: with its launch, and at the clock that so short a run has.
    #[must_use]
    pub fn kernel_time(&self, m: f64, n: f64, k: f64) -> Seconds {
        self.launch + self.math_time(m, n, k, 1.0) * self.short_run(2.0 * m * n * k)
    }

    /// The time of a single product over that in days of them, at a lower clock: docs/calibration-defaults.md, clock-drop.
    fn short_run(&self, flops: f64) -> f64 {
        let ideal = flops / self.peak.get();
        (1.0 + self.clock_drop * ideal / (ideal + SETTLE_S)) / (1.0 + self.clock_drop)
    }

    /// How much faster than this curve a kernel was that took `time`, its launch and the clock of short runs taken out.
    pub(super) fn faster(&self, [m, n, k]: [f64; 3], time: Seconds) -> f64 {
        // Of a product that is mostly launch nothing is learnt: a third of its time is taken for arithmetic at least.
        let math = (time - self.launch).get().max(time.get() / 3.0);
        self.math_time(m, n, k, 1.0).get() * self.short_run(2.0 * m * n * k) / math
    }

    /// Time on the matrix units of `batch` products of an [m × k] by a [k × n] matrix.
    #[must_use]
    pub fn math_time(&self, m: f64, n: f64, k: f64, batch: f64) -> Seconds {
        let shape = self
            .tiles
            .iter()
            .map(|tile| {
                let tiles = (m / tile.rows).ceil() * (n / tile.columns).ceil() * batch;
                let slots = (tiles / self.compute_units).ceil() * self.compute_units;
                let fill = m * n * batch / (slots * tile.rows * tile.columns);
                tile.traffic / fill.powf(self.softness)
            })
            .fold(f64::INFINITY, f64::min);
        let flops = 2.0 * m * n * k * batch;
        let rate = self.peak.get() * self.share.value * self.corrections.at(flops);
        Seconds::new(flops / rate * shape * (1.0 + self.k_half / k))
    }
}
