//! How the figures of a profile move the curves of the catalogue.

use std::collections::BTreeMap;

use super::{AcceleratorProfile, LinkProfile, Product, Profile};
use crate::bench::Summary;
use crate::calibration::interpolate::Factors;
use crate::calibration::{CollectiveCurve, MatmulCurve, MemoryCurve, Operation};
use crate::catalog::{Accelerator, Provenance, Sourced};
use crate::spec::Precision;
use crate::units::Seconds;

/// Share of the data sheet's FP32 rate that chains of multiply-adds reach at full clock. Below it the clock is taken to be lower,
/// and matrix products with it. 64 to 66 of 67 TFLOP/s are expected of an H200, 99.6 % of what CUDA gives was seen on an RTX 5060.
const FULL_CLOCK: f64 = 0.95;

/// Products with up to so many times fewer FLOPs than the largest count as large: four times shorter on each side.
const LARGE: f64 = 64.0;

impl Profile {
    pub(super) fn entry(&self, accelerator: &Accelerator) -> Option<&AcceleratorProfile> {
        self.accelerators.iter().find(|entry| entry.accelerator.eq_ignore_ascii_case(&accelerator.name))
    }

    /// The curve of memory, moved.
    pub(crate) fn memory(&self, accelerator: &Accelerator, curve: MemoryCurve) -> MemoryCurve {
        let Some(entry) = self.entry(accelerator) else { return curve };
        let efficiency = match &entry.memory {
            Some(figure) => Sourced::new(figure.value, Provenance::Measured, figure.origin.clone()),
            None => curve.efficiency,
        };
        let by_size = Factors::new(entry.memory_by_size.iter().map(|point| (point.size.get(), point.factor)));
        MemoryCurve { efficiency, by_size, ..curve }
    }

    /// The cost of a launch, where it was measured.
    pub(crate) fn launch(&self, accelerator: &Accelerator) -> Option<Sourced<Seconds>> {
        let launch = self.entry(accelerator)?.launch.as_ref()?;
        Some(Sourced::new(launch.time, Provenance::Measured, launch.origin.clone()))
    }

    /// The curve of matrix products, moved: to the rates that were measured, or by the clock where none were.
    pub(crate) fn matmul(&self, accelerator: &Accelerator, precision: Precision, curve: MatmulCurve) -> MatmulCurve {
        let Some(entry) = self.entry(accelerator) else { return curve };
        let rows = products(entry, precision.as_str());
        let factor = |row: &Product| {
            let shape = [row.m, row.n, row.k].map(f64::from);
            let flop = 2.0 * shape.iter().product::<f64>();
            (flop, curve.faster(shape, Seconds::new(flop / row.rate.get())))
        };
        let points = by_size(rows.iter().map(|row| factor(row)));
        match (points.last(), &entry.clock) {
            (Some((largest, _)), _) => {
                // Large products are what a training step is made of: theirs is the share, smaller ones are told apart from it.
                let large: Vec<f64> =
                    points.iter().filter(|(flop, _)| *flop * LARGE >= *largest).map(|(_, factor)| *factor).collect();
                let share = Summary::new(&large).map_or(1.0, |summary| summary.median);
                let corrections = Factors::new(points.iter().map(|(flop, factor)| (*flop, factor / share)));
                let count = rows.len();
                let origin = if count > 1 { format!("{count} products, {}", rows[0].origin) } else { rows[0].origin.clone() };
                curve.measured(share, corrections, origin)
            }
            (None, Some(clock)) if clock.value < FULL_CLOCK => {
                let origin = clock.origin.clone();
                curve.measured(clock.value / FULL_CLOCK, Factors::default(), origin)
            }
            (None, _) => curve,
        }
    }

    /// The curve of a collective over so many ranks of one domain, or over so many domains.
    pub(crate) fn collective(&self, link: &str, operation: Operation, over: Over) -> Option<CollectiveCurve> {
        let same = |entry: &&LinkProfile| {
            let spread_alike = match over {
                Over::Ranks(_) => entry.domains == 1,
                Over::Domains(_) => entry.domains > 1,
            };
            entry.link == link && entry.operation == operation.as_str() && spread_alike
        };
        // Of several sizes of groups the nearest, the larger of equally near ones: what was measured on 8 tells more of 6 than a
        // table of another machine does.
        let distance = |entry: &LinkProfile| match over {
            Over::Ranks(ranks) => ratio(entry.ranks, ranks),
            Over::Domains(domains) => ratio(entry.domains, domains),
        };
        let entry =
            self.links.iter().filter(same).min_by(|a, b| distance(a).total_cmp(&distance(b)).then(b.ranks.cmp(&a.ranks)))?;
        Some(CollectiveCurve {
            efficiency: Sourced::new(entry.efficiency, Provenance::Measured, entry.origin.clone()),
            own_share: 0.0,
            latency: Seconds::ZERO,
            base: entry.alpha,
            ramp: Some(Seconds::ZERO),
        })
    }
}

/// Factors by FLOPs, rising: the medians of rows within one doubling of all sides, since single rows of such tables jump about.
fn by_size(rows: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut groups: BTreeMap<i64, Vec<(f64, f64)>> = BTreeMap::new();
    rows.for_each(|row| groups.entry((row.0.log2() / 3.0).floor() as i64).or_default().push(row));
    let median = |group: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        Summary::new(&group.iter().map(of).collect::<Vec<_>>()).map(|summary| summary.median)
    };
    groups.values().filter_map(|group| median(group, |row| row.0).zip(median(group, |row| row.1))).collect()
}

/// What a group is counted in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over {
    /// Ranks of one domain.
    Ranks(u32),
    /// Domains.
    Domains(u32),
}

fn ratio(a: u32, b: u32) -> f64 {
    (f64::from(a) / f64::from(b.max(1))).ln().abs()
}

/// The rows of a data type. BF16 and FP16 run on the same units: the one speaks for the other.
pub(super) fn products<'a>(entry: &'a AcceleratorProfile, dtype: &str) -> Vec<&'a Product> {
    let of = |dtype: &str| entry.products.iter().filter(|row| row.dtype == dtype).collect::<Vec<_>>();
    let own = of(dtype);
    match dtype {
        "bf16" if own.is_empty() => of("fp16"),
        "fp16" if own.is_empty() => of("bf16"),
        _ => own,
    }
}
