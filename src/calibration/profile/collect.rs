//! From files of measurements to a profile, and from a file to a profile.

use std::sync::Arc;

use super::{About, Measured, Profile, read};
use crate::bench::{BenchResult, Measurement};
use crate::calibration::Operation;
use crate::calibration::recognise::{BEYOND_PHYSICS, nominal, recognise};
use crate::catalog::{Accelerator, Catalog, Link};
use crate::diagnostic::{Code, Diagnostic, Source, nearest, quoted};
use crate::spec::Precision;
use crate::yaml::{self, path};

/// What files of measurements are about, where they do not say it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The accelerator.
    pub accelerator: Option<&'a Accelerator>,
    /// The link of collectives over several nodes.
    pub link: Option<&'a Link>,
    /// Whether results of software drivers are taken: for trying things out.
    pub allow_software: bool,
}

impl Profile {
    /// A profile of all measurements in these files.
    ///
    /// # Errors
    /// All that cannot be read or used, each in its place.
    pub fn collect(catalog: &Catalog, files: &[Arc<Source>], options: Options<'_>) -> Result<Self, Vec<Diagnostic>> {
        let mut profile = Self::empty();
        let mut errors = Vec::new();
        let mut results: Vec<(Arc<Source>, usize, BenchResult)> = Vec::new();
        for source in files {
            let unusable = |message: String, help: &str| {
                Diagnostic::error(Code::MeasurementUnusable, message).at(source, source.line(1), "").help(help)
            };
            match read(source) {
                Err(found) => errors.extend(found),
                Ok(Measured::Bench(all)) => {
                    // One a line, where there are several; a list over many lines is pointed at where it begins.
                    let by_line = source.text().lines().count() == all.len();
                    let line = |i: usize| if by_line { i + 1 } else { 1 };
                    results.extend(all.into_iter().enumerate().map(|(i, one)| (Arc::clone(source), line(i), one)));
                }
                Ok(Measured::Products(rows)) => match options.accelerator {
                    Some(accelerator) => profile.add_products(About { accelerator, link: options.link }, rows),
                    None => errors.push(unusable(
                        "the table does not say which accelerator it is of".to_owned(),
                        "name it with --accelerator, as `planner catalog accelerators` has it",
                    )),
                },
                Ok(Measured::Collective(log)) => {
                    let named = log.device.as_deref().and_then(|name| recognise(catalog, name));
                    let Some(accelerator) = options.accelerator.or(named) else {
                        errors.push(unusable(
                            "the log does not say which accelerator it is of".to_owned(),
                            "name it with --accelerator, as `planner catalog accelerators` has it",
                        ));
                        continue;
                    };
                    if let Err(why) = profile.add_collective(About { accelerator, link: options.link }, &log) {
                        errors.push(unusable(why, "log sizes from 1 MiB to some GiB, with the lines on ranks"));
                    }
                }
            }
        }
        let mut groups: Vec<(&Accelerator, Vec<&BenchResult>)> = Vec::new();
        for (source, line, result) in &results {
            match usable(catalog, (source, *line), result, options) {
                Err(error) => errors.push(error),
                Ok(accelerator) => match groups.iter_mut().find(|(other, _)| other.name == accelerator.name) {
                    Some((_, all)) => all.push(result),
                    None => groups.push((accelerator, vec![result])),
                },
            }
        }
        for (accelerator, all) in groups {
            profile.add_bench(About { accelerator, link: options.link }, &all);
        }
        if errors.is_empty() { Ok(profile) } else { Err(errors) }
    }

    /// Reads a profile.
    ///
    /// # Errors
    /// What is wrong with the file, in its place.
    pub fn load(source: Arc<Source>, catalog: &Catalog) -> Result<Self, Vec<Diagnostic>> {
        let file = yaml::load::<Self>(source)?;
        let mut errors = Vec::new();
        for (i, entry) in file.value.accelerators.iter().enumerate() {
            if catalog.accelerators.iter().all(|known| !known.name.eq_ignore_ascii_case(&entry.accelerator)) {
                let near = nearest(&entry.accelerator, catalog.accelerators.iter().map(|known| known.name.as_str()));
                let help = near.map_or_else(
                    || "`planner catalog accelerators` lists them".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("no accelerator is called {}", quoted(&entry.accelerator));
                errors.push(file.error(Code::UnknownAccelerator, &path!["accelerators", i, "accelerator"], message).help(help));
            }
            for (row, product) in entry.products.iter().enumerate() {
                if !DTYPES.iter().any(|known| known.as_str() == product.dtype) {
                    let message = format!("data type {} is not one that jobs compute in", quoted(&product.dtype));
                    let place = path!["accelerators", i, "products", row, "dtype"];
                    errors.push(file.error(Code::UnknownValue, &place, message).help("write bf16, fp16, tf32 or fp8"));
                }
            }
        }
        for (i, link) in file.value.links.iter().enumerate() {
            if !OPERATIONS.iter().any(|known| known.as_str() == link.operation) {
                let message = format!("{} is no collective", quoted(&link.operation));
                let help = "write all-reduce, all-gather, reduce-scatter, all-to-all or point-to-point";
                errors.push(file.error(Code::UnknownValue, &path!["links", i, "operation"], message).help(help));
            }
            if catalog.link(&link.link).is_none() {
                let message = format!("no link is called {}", quoted(&link.link));
                let help = "`planner catalog links` lists them";
                errors.push(file.error(Code::UnknownLink, &path!["links", i, "link"], message).help(help));
            }
        }
        if errors.is_empty() { Ok(file.value) } else { Err(errors) }
    }
}

const DTYPES: [Precision; 4] = [Precision::Tf32, Precision::Bf16, Precision::Fp16, Precision::Fp8];

const OPERATIONS: [Operation; 5] =
    [Operation::AllReduce, Operation::AllGather, Operation::ReduceScatter, Operation::AllToAll, Operation::PointToPoint];

/// The accelerator that a result is of, when it may be used.
fn usable<'a>(
    catalog: &'a Catalog,
    (source, line): (&Arc<Source>, usize),
    result: &BenchResult,
    options: Options<'a>,
) -> Result<&'a Accelerator, Diagnostic> {
    let name = &result.adapter.name;
    let refuse = |message: String, help: &str| {
        let start = source.line(line).start;
        Diagnostic::error(Code::MeasurementUnusable, message).at(source, start..start + 1, "").help(help)
    };
    if result.adapter.is_software() && !options.allow_software {
        return Err(refuse(
            format!("{} is a software driver: its rates are not the hardware's", quoted(name)),
            "measure on a GPU; to try things out, give --allow-software and --accelerator",
        ));
    }
    let Some(accelerator) = options.accelerator.or_else(|| recognise(catalog, name)) else {
        return Err(refuse(
            format!("{} is no accelerator of the catalogue", quoted(name)),
            "name one with --accelerator, or add it with --catalog",
        ));
    };
    let beyond = |measurement: &&Measurement| {
        measurement.rate.zip(nominal(accelerator, measurement)).is_some_and(|(rate, nominal)| rate > nominal * BEYOND_PHYSICS)
    };
    if let Some(measurement) = result.measurements.iter().find(beyond) {
        return Err(refuse(
            format!("{} is faster than the data sheet of {} allows", quoted(&measurement.kernel), accelerator.title),
            "check that it is this accelerator (--accelerator), and measure again",
        ));
    }
    if let Some(measurement) = result.measurements.iter().find(|measurement| !measurement.check.passed) {
        return Err(refuse(
            format!("the result of {} was wrong: nothing of this GPU is used", quoted(&measurement.kernel)),
            "test the GPU's memory (`dcgmi diag -r 3`), and measure again",
        ));
    }
    Ok(accelerator)
}
