//! A device that plays back a result: for tests, and for looking at how a run would be told.

use std::collections::BTreeMap;

use super::result::{BenchResult, Measurement, Verdict};
use super::{Adapter, BenchError, Device, Kernel, Timing};

/// Plays back the samples of a result, kernel by kernel, over and over.
#[derive(Debug, Clone)]
pub struct Recorded {
    adapter: Adapter,
    measured: BTreeMap<String, Measurement>,
    loaded: Option<(String, usize)>,
    fails: BTreeMap<String, BenchError>,
}

impl Recorded {
    /// The device that a result was measured on.
    #[must_use]
    pub fn new(result: &BenchResult) -> Self {
        Self {
            adapter: result.adapter.clone(),
            measured: result.measurements.iter().map(|m| (m.kernel.clone(), m.clone())).collect(),
            loaded: None,
            fails: BTreeMap::new(),
        }
    }

    /// The same, failing when `kernel` is run.
    #[must_use]
    pub fn failing(mut self, kernel: &str, error: BenchError) -> Self {
        self.fails.insert(kernel.to_owned(), error);
        self
    }

    fn current(&mut self) -> Result<(&Measurement, &mut usize), BenchError> {
        let nothing = || BenchError::Refused("nothing is loaded".to_owned());
        let (name, next) = self.loaded.as_mut().ok_or_else(nothing)?;
        if let Some(error) = self.fails.get(name) {
            return Err(error.clone());
        }
        self.measured.get(name).map(|measurement| (measurement, next)).ok_or_else(nothing)
    }
}

impl Device for Recorded {
    fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    fn load(&mut self, kernel: &Kernel) -> Result<(), BenchError> {
        if !self.measured.contains_key(&kernel.name) && !self.fails.contains_key(&kernel.name) {
            return Err(BenchError::Unsupported(format!("`{}` is not in the recording", kernel.name)));
        }
        self.loaded = Some((kernel.name.clone(), 0));
        Ok(())
    }

    fn run(&mut self, dispatches: u32) -> Result<Timing, BenchError> {
        let (measurement, next) = self.current()?;
        let count = measurement.samples.len().max(1);
        let sample = measurement.samples.get(*next % count).copied();
        *next += 1;
        let sample = sample.ok_or_else(|| BenchError::Refused("no samples are recorded".to_owned()))?;
        let scale = f64::from(dispatches) / f64::from(measurement.dispatches.max(1));
        Ok(Timing { device_s: sample.device_s.map(|s| s * scale), host_s: sample.host_s * scale })
    }

    fn verify(&mut self) -> Result<Verdict, BenchError> {
        self.current().map(|(measurement, _)| measurement.check.clone())
    }
}
