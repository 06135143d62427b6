//! Time of a matrix multiplication by shape.
//!
//! math = 2mnk / (peak · share) · shape · (1 + k-half/k), where `shape` is the best over the library's tiles of the tile's
//! traffic over its fill of whole waves of the compute units, softened. See `docs/calibration-defaults.md`.

use crate::catalog::{Accelerator, Sourced};
use crate::units::{FlopPerSecond, Seconds};

use super::file::{MatmulModel, MatmulRow};

/// How fast matmuls of one type run on one accelerator.
#[derive(Debug, Clone)]
pub struct MatmulCurve {
    /// Dense peak of the catalogue.
    pub peak: FlopPerSecond,
    /// Share of it that large products reach for days.
    pub share: Sourced<f64>,
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
        Seconds::new(flops / (self.peak.get() * self.share.value) * shape * (1.0 + self.k_half / k))
    }
}
