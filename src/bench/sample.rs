//! Sampling one kernel: how much work a sample is, how long to warm up, when there are enough.

use serde::{Deserialize, Serialize};

use super::{BenchError, Device, Summary, Timing};

/// How a kernel is sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Protocol {
    /// Seconds of a sample at least; shorter ones are mostly launch and clock.
    pub sample_s: f64,
    /// Seconds of warming up at most. Clocks rise under load: an idle H200 is at a sixth of its clock.
    pub warm_up_s: f64,
    /// Samples at least.
    pub least: usize,
    /// Samples at most.
    pub most: usize,
    /// Half-width of the median's interval, as a share, at which there are enough.
    pub wanted: f64,
    /// Seconds of sampling a kernel after which no more are taken than the least.
    pub patience_s: f64,
}

/// No submission is longer, by what is known before it: drivers reset a device that seems to hang.
const LONGEST_SUBMISSION_S: f64 = 0.25;

/// Dispatches of a submission at most.
const MOST_DISPATCHES: u32 = 4096;

/// How close three samples in a row are when a kernel is warm.
const WARM: f64 = 0.03;

/// What to know about samples, each with what helps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Warning {
    /// Some samples are far from the others.
    Outliers {
        /// How many.
        outliers: usize,
        /// Of how many.
        samples: usize,
    },
    /// The median is not told narrowly.
    Unstable {
        /// Half-width of its interval, as a share.
        uncertainty: f64,
    },
    /// Three samples in a row were never alike.
    NeverWarm,
    /// The two clocks tell different times.
    Clocks {
        /// The device's time over the host's.
        ratio: f64,
    },
    /// A sample is so short that fixed costs are much of it.
    Short {
        /// Seconds of a sample.
        seconds: f64,
    },
    /// The device has no clock; times are the host's.
    HostClock,
}

impl Warning {
    /// What it is, and what helps.
    #[must_use]
    pub fn text(&self) -> (String, &'static str) {
        match self {
            Self::Outliers { outliers, samples } => (
                format!("{outliers} of {samples} samples are outliers; another process may be using the GPU"),
                "stop it, or take more samples with `--thorough`",
            ),
            Self::Unstable { uncertainty } => (
                format!("the median is known to ± {:.1} % only", uncertainty * 100.0),
                "lock the clocks (`nvidia-smi -lgc`, `rocm-smi --setperflevel`), let the GPU cool, or use `--thorough`",
            ),
            Self::NeverWarm => (
                "no three samples in a row were alike while warming up".to_owned(),
                "the clock may be moving with power or temperature: compare with a second run",
            ),
            Self::Clocks { ratio } => (
                format!("the device's clock tells {ratio:.2} of the host's time"),
                "the host may be busy; the rate is from the device's clock",
            ),
            Self::Short { seconds } => (
                format!("a sample takes {:.2} ms only", seconds * 1e3),
                "the rate holds launch costs; larger arrays or shapes hold less",
            ),
            Self::HostClock => (
                "the device has no timestamps; times are the host's and hold launch and wait".to_owned(),
                "a newer driver may have them",
            ),
        }
    }
}

/// The samples of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Samples {
    pub dispatches: u32,
    pub warm_up: u32,
    pub timings: Vec<Timing>,
    pub warnings: Vec<Warning>,
}

impl Samples {
    /// Seconds of a dispatch, sample by sample.
    pub(super) fn per_dispatch(&self) -> Vec<f64> {
        self.timings.iter().map(|timing| timing.seconds() / f64::from(self.dispatches)).collect()
    }
}

/// Samples the loaded kernel, which has run once already. `fixed` is the number of dispatches, where that is given.
pub(super) fn sample(
    device: &mut dyn Device,
    fixed: Option<u32>,
    protocol: &Protocol,
    mut each: impl FnMut(usize),
) -> Result<Samples, BenchError> {
    let mut spent = 0.0;
    let mut warm_up = 0;
    let run = |device: &mut dyn Device, dispatches: u32, spent: &mut f64| {
        let timing = device.run(dispatches)?;
        *spent += timing.host_s;
        Ok::<Timing, BenchError>(timing)
    };
    // The work grows until a sample is long enough, in steps, since the first ones run at the clock of an idle device.
    let mut dispatches = fixed.unwrap_or(1);
    let mut recent = vec![run(device, dispatches, &mut spent)?.seconds()];
    while fixed.is_none() {
        warm_up += 1;
        let seconds = recent[recent.len() - 1].max(1e-9);
        if seconds >= protocol.sample_s || dispatches >= MOST_DISPATCHES {
            break;
        }
        let growth = (protocol.sample_s / seconds * 1.2).clamp(1.3, 8.0).min(LONGEST_SUBMISSION_S / seconds);
        let next = ((f64::from(dispatches) * growth).ceil() as u32).min(MOST_DISPATCHES);
        if next <= dispatches {
            break;
        }
        dispatches = next;
        recent = vec![run(device, dispatches, &mut spent)?.seconds()];
    }
    let alike = |last: &[f64]| {
        let (low, high) = last.iter().fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(*x), high.max(*x)));
        last.len() >= 3 && high <= low * (1.0 + WARM)
    };
    let warm_from = spent;
    let mut warm = false;
    while !warm && spent - warm_from < protocol.warm_up_s {
        recent.push(run(device, dispatches, &mut spent)?.seconds());
        warm_up += 1;
        warm = alike(&recent[recent.len().saturating_sub(3)..]);
    }
    let mut samples = Samples { dispatches, warm_up, timings: Vec::new(), warnings: Vec::new() };
    let from = spent;
    loop {
        samples.timings.push(run(device, dispatches, &mut spent)?);
        each(samples.timings.len());
        let count = samples.timings.len();
        if count < protocol.least {
            continue;
        }
        let enough = Summary::new(&samples.per_dispatch()).is_some_and(|summary| summary.uncertainty() <= protocol.wanted);
        if enough || count >= protocol.most || spent - from >= protocol.patience_s {
            break;
        }
    }
    samples.warnings = warnings(&samples, warm, fixed.is_some(), protocol);
    Ok(samples)
}

fn warnings(samples: &Samples, warm: bool, is_launch: bool, protocol: &Protocol) -> Vec<Warning> {
    let Some(summary) = Summary::new(&samples.per_dispatch()) else { return Vec::new() };
    let mut found = Vec::new();
    if samples.timings.iter().any(|timing| timing.device_s.is_none()) {
        found.push(Warning::HostClock);
    }
    if !warm {
        found.push(Warning::NeverWarm);
    }
    if summary.outliers > 0 {
        found.push(Warning::Outliers { outliers: summary.outliers, samples: summary.count });
    }
    // Four times what is aimed at: a median that the next run may not find again.
    if summary.uncertainty() > 4.0 * protocol.wanted {
        found.push(Warning::Unstable { uncertainty: summary.uncertainty() });
    }
    let host: Vec<f64> = samples.timings.iter().map(|timing| timing.host_s).collect();
    let host = Summary::new(&host).map_or(0.0, |summary| summary.median);
    let sample = summary.median * f64::from(samples.dispatches);
    // Submission and wait cost a fraction of a millisecond: below five the two clocks cannot agree.
    if host >= 5e-3 && (sample / host - 1.0).abs() > 0.1 {
        found.push(Warning::Clocks { ratio: sample / host });
    }
    if !is_launch && sample < protocol.sample_s / 4.0 {
        found.push(Warning::Short { seconds: sample });
    }
    found
}
