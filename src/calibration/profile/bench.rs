//! From results of the bench to figures of a profile.

use super::{AcceleratorProfile, Figure, LEAST_SPREAD, Launch, SizeFactor, fit};
use crate::bench::{BenchResult, Measurement, Summary};
use crate::calibration::recognise::{nominal, subgroup_ceiling};
use crate::catalog::Accelerator;
use crate::units::{Bytes, Seconds};

/// Standard deviations of a normal distribution in one MAD.
const SIGMA_PER_MAD: f64 = 1.4826;

/// Share of a window's time that the launch may be for the rest to tell a bandwidth.
const MOST_LAUNCH: f64 = 0.5;

/// The figures of one GPU.
pub(super) fn figures(accelerator: &Accelerator, result: &BenchResult) -> AcceleratorProfile {
    let share = |measurement: &Measurement, of: f64| Figure {
        value: measurement.rate.unwrap_or(0.0) / of,
        spread: spread(measurement),
        origin: origin(measurement, result),
    };
    let of_sheet = |measurement: &Measurement| nominal(accelerator, measurement).map(|nominal| share(measurement, nominal));
    let registers = result.best("coop_registers").and_then(|registers| {
        let ceiling = nominal(accelerator, registers)? * subgroup_ceiling(accelerator)?;
        Some(share(registers, ceiling))
    });
    AcceleratorProfile {
        accelerator: accelerator.name.clone(),
        memory: largest(result, "triad").or_else(|| largest(result, "copy")).and_then(of_sheet),
        memory_by_size: by_size(result),
        products: Vec::new(),
        launch: launch(result),
        clock: result.best("fma_f32").and_then(of_sheet),
        matrix_units: registers,
    }
}

/// The figures of several GPUs in one: medians, and how far the GPUs lie apart.
pub(super) fn merged(accelerator: &Accelerator, all: &[AcceleratorProfile]) -> AcceleratorProfile {
    let figure = |of: &dyn Fn(&AcceleratorProfile) -> Option<&Figure>| {
        let figures: Vec<&Figure> = all.iter().filter_map(of).collect();
        let values: Vec<f64> = figures.iter().map(|figure| figure.value).collect();
        let summary = Summary::new(&values)?;
        let own = figures.iter().map(|figure| figure.spread).fold(0.0, f64::max);
        Some(Figure {
            value: summary.median,
            spread: own.max(SIGMA_PER_MAD * summary.spread()),
            origin: among(&figures[0].origin, figures.len()),
        })
    };
    let launches: Vec<&Launch> = all.iter().filter_map(|one| one.launch.as_ref()).collect();
    let times: Vec<f64> = launches.iter().map(|launch| launch.time.get()).collect();
    AcceleratorProfile {
        accelerator: accelerator.name.clone(),
        memory: figure(&|one| one.memory.as_ref()),
        // The shape of the curve is the accelerator's, not the specimen's: that of the first which has one.
        memory_by_size: all.iter().map(|one| &one.memory_by_size).find(|sizes| !sizes.is_empty()).cloned().unwrap_or_default(),
        products: Vec::new(),
        launch: Summary::new(&times).map(|summary| Launch {
            time: Seconds::new(summary.median),
            spread: launches.iter().map(|launch| launch.spread).fold(SIGMA_PER_MAD * summary.spread(), f64::max),
            origin: among(&launches[0].origin, launches.len()),
        }),
        clock: figure(&|one| one.clock.as_ref()),
        matrix_units: figure(&|one| one.matrix_units.as_ref()),
    }
}

fn among(origin: &str, count: usize) -> String {
    if count > 1 { format!("{origin}, median of {count} results") } else { origin.to_owned() }
}

/// The standard deviation of a sample, as told by the MAD: the median of a second run lies well inside.
fn spread(measurement: &Measurement) -> f64 {
    (SIGMA_PER_MAD * measurement.spread()).clamp(LEAST_SPREAD, 1.0)
}

fn origin(measurement: &Measurement, result: &BenchResult) -> String {
    let adapter = &result.adapter;
    let software = if adapter.is_software() { ", a software driver" } else { "" };
    format!("bench: {} on {}, {} {}{software}", measurement.kernel, adapter.name, adapter.driver, adapter.driver_info)
}

fn vectors(measurement: &Measurement) -> f64 {
    f64::from(measurement.parameter("VECTORS").unwrap_or(0))
}

/// The measurement of a family on the largest array: what is smaller may be in a cache.
fn largest<'a>(result: &'a BenchResult, family: &'a str) -> Option<&'a Measurement> {
    result.of(family).max_by(|a, b| vectors(a).total_cmp(&vectors(b)))
}

/// Bandwidth by bytes moved, over that of the largest, with the launch of the fitted line taken out. Windows whose time is mostly
/// launch tell no bandwidth and are left out.
fn by_size(result: &BenchResult) -> Vec<SizeFactor> {
    let mut points: Vec<(f64, f64)> =
        result.of("sweep").filter_map(|one| Some((one.work.amount, one.seconds?.median))).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(line), Some(last)) = (fit::line(&points), points.last()) else { return Vec::new() };
    let bandwidth = |(moved, time): &(f64, f64)| moved / (time - line.alpha);
    let full = bandwidth(last);
    points
        .iter()
        .filter(|(_, time)| line.alpha < MOST_LAUNCH * time)
        .map(|point| SizeFactor { size: Bytes::new(point.0), factor: bandwidth(point) / full })
        .collect()
}

/// What a further launch costs in a submission of many: the difference of the two largest submissions over that of their counts.
fn launch(result: &BenchResult) -> Option<Launch> {
    let mut all: Vec<&Measurement> = result.of("empty").collect();
    all.sort_by_key(|one| one.dispatches);
    let [.., few, many] = all.as_slice() else { return None };
    let total = |one: &Measurement| one.rate.unwrap_or(0.0) * f64::from(one.dispatches);
    let time = (total(many) - total(few)) / f64::from(many.dispatches.checked_sub(few.dispatches)?);
    (time > 0.0).then(|| Launch {
        time: Seconds::new(time),
        // The error of a difference: both, weighted by their share of it.
        spread: ((spread(many) * total(many) + spread(few) * total(few)) / (total(many) - total(few))).clamp(LEAST_SPREAD, 1.0),
        origin: origin(many, result),
    })
}
