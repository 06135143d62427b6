//! What runs kernels.

use serde::{Deserialize, Serialize};

use super::result::Verdict;
use super::{Adapter, BenchError, Kernel};

/// What runs kernels: a GPU, or a recording.
pub trait Device {
    /// What it is.
    fn adapter(&self) -> &Adapter;

    /// Makes a kernel ready: compiled, its buffers filled. It replaces the one before.
    ///
    /// # Errors
    /// When the device refuses it or has no memory for it.
    fn load(&mut self, kernel: &Kernel) -> Result<(), BenchError>;

    /// Runs the loaded kernel so many times in one submission, each dispatch after the one before.
    ///
    /// # Errors
    /// When the device is lost or does not finish in time.
    fn run(&mut self, dispatches: u32) -> Result<Timing, BenchError>;

    /// Holds the result of the loaded kernel, which has run, against what it has to be.
    ///
    /// # Errors
    /// When the result cannot be read. A wrong result is no error but a [`Verdict`].
    fn verify(&mut self) -> Result<Verdict, BenchError>;
}

/// How long a submission took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds by the device's timestamps, first dispatch to last.
    pub device_s: Option<f64>,
    /// Seconds by the host's clock, submission and wait included.
    pub host_s: f64,
}

impl Timing {
    /// The device's time where there is one.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.device_s.unwrap_or(self.host_s)
    }
}
