//! A run of the bench: each kernel verified, then sampled; what was measured is kept whatever happens next.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::kernel::Quantity;
use super::result::{BenchResult, Failure, Measurement, SCHEMA_VERSION, Skipped, Verdict};
use super::sample::{Samples, sample};
use super::{BenchError, Device, Effort, Kernel, Summary, Timing};

/// Is told how a run goes on.
pub trait Watcher {
    /// Kernel `number` of `count` begins.
    fn begins(&mut self, kernel: &str, number: usize, count: usize);
    /// A sample was taken.
    fn sampled(&mut self, samples: usize);
    /// The kernel is done, or left out.
    fn done(&mut self);
}

/// Nobody watches.
impl Watcher for () {
    fn begins(&mut self, _: &str, _: usize, _: usize) {}
    fn sampled(&mut self, _: usize) {}
    fn done(&mut self) {}
}

/// Seconds that a dispatch may take, as foretold from the size before: longer ones run into the watchdogs of drivers.
const LONGEST_DISPATCH_S: f64 = 0.4;

/// Verifies and measures `kernels` on a device.
///
/// A kernel that the device cannot run, or that does not fit in its memory, is left out with the reason. When the device is lost
/// or hangs, the run ends there with [`BenchResult::failure`], and what was measured before is in the result.
#[must_use]
pub fn bench(device: &mut dyn Device, kernels: &[Kernel], effort: Effort, watcher: &mut dyn Watcher) -> BenchResult {
    let begin = Instant::now();
    let mut result = BenchResult {
        schema_version: SCHEMA_VERSION,
        planner_version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host(),
        started_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        wall_s: 0.0,
        effort: effort.as_str().to_owned(),
        data: "random".to_owned(),
        adapter: device.adapter().clone(),
        measurements: Vec::new(),
        skipped: Vec::new(),
        failure: None,
    };
    // What a FLOP of each family and block took last, to foretell the next size.
    let mut pace: BTreeMap<(&str, u32), f64> = BTreeMap::new();
    for (number, kernel) in kernels.iter().enumerate() {
        watcher.begins(&kernel.name, number, kernels.len());
        let skip = |reason: String| Skipped { kernel: kernel.name.clone(), reason };
        let foretold = pace.get(&(kernel.family, kernel.threads)).map_or(0.0, |each| each * kernel.work.amount);
        if let Some(reason) = kernel.unmet(device.adapter()) {
            result.skipped.push(skip(reason));
        } else if foretold > LONGEST_DISPATCH_S {
            result.skipped.push(skip(format!("a dispatch would take about {foretold:.1} s")));
        } else {
            match measure(device, kernel, effort, watcher) {
                Ok(measured) => {
                    if let (Some(seconds), Some(_)) = (measured.seconds, kernel.shape) {
                        pace.insert((kernel.family, kernel.threads), seconds.median / kernel.work.amount);
                    }
                    result.measurements.push(measured);
                }
                Err(error) if error.is_fatal() => {
                    let (message, remedy) = (error.to_string(), error.remedy().to_owned());
                    result.failure = Some(Failure { kernel: kernel.name.clone(), message, remedy });
                    break;
                }
                Err(error) => result.skipped.push(skip(error.to_string())),
            }
        }
        watcher.done();
    }
    result.wall_s = begin.elapsed().as_secs_f64();
    result
}

/// The name of this host: tells the results of a fleet apart.
fn host() -> String {
    let file = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = file.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}

fn measure(
    device: &mut dyn Device,
    kernel: &Kernel,
    effort: Effort,
    watcher: &mut dyn Watcher,
) -> Result<Measurement, BenchError> {
    device.load(kernel)?;
    // The first run compiles, on some drivers, and touches memory for the first time: its time is nobody's.
    device.run(1)?;
    let check = device.verify()?;
    if !check.passed {
        return Ok(measurement(
            kernel,
            check,
            &Samples { dispatches: 0, warm_up: 1, timings: Vec::new(), warnings: Vec::new() },
        ));
    }
    let samples = sample(device, kernel.dispatches, &effort.protocol(), |count| watcher.sampled(count))?;
    Ok(measurement(kernel, check, &samples))
}

fn measurement(kernel: &Kernel, check: Verdict, samples: &Samples) -> Measurement {
    let seconds = Summary::new(&samples.per_dispatch()).filter(|_| check.passed);
    let on_device = samples.timings.iter().all(|timing: &Timing| timing.device_s.is_some());
    // A clock that did not move gives no rate, rather than an infinite one.
    let rate = seconds.filter(|seconds| seconds.median > 0.0).map(|seconds| match kernel.work.quantity {
        Quantity::Launch => seconds.median,
        Quantity::Bytes | Quantity::Flop | Quantity::IntegerOperations => kernel.work.amount / seconds.median,
    });
    Measurement {
        kernel: kernel.name.clone(),
        family: kernel.family.to_owned(),
        dtype: kernel.dtype.to_owned(),
        parameters: kernel.constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        groups: kernel.groups,
        shape: kernel.shape,
        work: kernel.work.clone(),
        check,
        clock: if on_device { "device" } else { "host" }.to_owned(),
        dispatches: samples.dispatches,
        warm_up: samples.warm_up,
        samples: samples.timings.clone(),
        seconds,
        rate,
        warnings: samples.warnings.clone(),
    }
}
