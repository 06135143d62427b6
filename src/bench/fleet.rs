//! Many GPUs of one kind side by side: which are slow, unstable or wrong.
//!
//! A GPU is held against the others of its name by medians and MADs, so that a few bad ones do not hide each other.

use std::collections::BTreeMap;

use serde::Serialize;

use super::statistics::SIGMA_PER_MAD;
use super::{BenchResult, Measurement, Summary};

/// What is compared: the kernel family and the name for people.
pub const METRICS: [(&str, &str); 5] = [
    ("triad", "memory"),
    ("fma_f32", "f32"),
    ("matmul_f32", "f32 product"),
    ("coop_registers", "tensor"),
    ("coop_staged", "tensor product"),
];

/// Standard deviations of the fleet below its median at which a GPU is slow.
const FAR: f64 = 3.0;

/// A GPU is not called slow for less, as a share: clocks and temperatures of healthy ones differ by that.
const LEAST_SLOW: f64 = 0.03;

/// Samples of a healthy GPU lie closer than this, as a share.
const UNSTABLE: f64 = 0.02;

/// One GPU among the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// Its host.
    pub host: String,
    /// Its name, as the driver has it.
    pub gpu: String,
    /// Its PCI address, or its index where the driver tells none.
    pub place: String,
    /// Rate over the fleet's median, less one, by metric; absent where it was not measured.
    pub relative: BTreeMap<&'static str, f64>,
    /// What is wrong with it, worst first.
    pub faults: Vec<Fault>,
    /// Its latest result, by place in the list that was given.
    pub result: usize,
}

/// What is wrong with a GPU.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum Fault {
    /// A kernel gave a wrong result.
    Wrong {
        /// The kernel.
        kernel: String,
    },
    /// The run ended early.
    Ended {
        /// Why.
        message: String,
    },
    /// Slower than the others.
    Slow {
        /// At what.
        metric: &'static str,
        /// By how much, as a share of the median.
        by: f64,
    },
    /// Samples far apart.
    Unstable {
        /// At what.
        metric: &'static str,
        /// How far, as a share.
        spread: f64,
    },
}

impl Health {
    /// The metric at which it is furthest behind, as a share.
    #[must_use]
    pub fn worst(&self) -> f64 {
        self.relative.values().copied().fold(f64::INFINITY, f64::min)
    }

    /// Wrong results first, then ended runs, then by the worst metric; those of which nothing is known last.
    fn rank(&self) -> (u8, f64) {
        let class = self.faults.iter().map(|fault| match fault {
            Fault::Wrong { .. } => 0,
            Fault::Ended { .. } => 1,
            Fault::Slow { .. } | Fault::Unstable { .. } => 2,
        });
        (class.min().unwrap_or(3), self.worst())
    }
}

/// The largest measurement of a family: small ones tell of launches.
fn measured<'a>(result: &'a BenchResult, family: &'a str) -> Option<&'a Measurement> {
    result.of(family).max_by(|a, b| a.work.amount.total_cmp(&b.work.amount))
}

/// Every GPU of these results, the worst first. Of several results of one GPU, rates are their medians.
#[must_use]
pub fn fleet_health(results: &[BenchResult]) -> Vec<Health> {
    let mut gpus: BTreeMap<(&str, &str, String), Vec<usize>> = BTreeMap::new();
    for (i, result) in results.iter().enumerate() {
        let adapter = &result.adapter;
        let place = if adapter.pci_bus_id.is_empty() { format!("#{}", adapter.index) } else { adapter.pci_bus_id.clone() };
        gpus.entry((&adapter.name, &result.host, place)).or_default().push(i);
    }
    // Rates by GPU, and of each kind of GPU the median and how far its GPUs lie from it.
    let rate = |runs: &[usize], family: &str| {
        let rates: Vec<f64> = runs.iter().filter_map(|i| measured(&results[*i], family)?.rate).collect();
        Summary::new(&rates)
    };
    let mut fleets: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for ((name, _, _), runs) in &gpus {
        for (family, _) in METRICS {
            if let Some(summary) = rate(runs, family) {
                fleets.entry((name, family)).or_default().push(summary.median);
            }
        }
    }
    let mut all: Vec<Health> = gpus
        .iter()
        .map(|((name, host, place), runs)| {
            let mut relative = BTreeMap::new();
            let mut faults = Vec::new();
            for (family, metric) in METRICS {
                let fleet = fleets.get(&(*name, family)).and_then(|rates| Summary::new(rates));
                let Some((own, fleet)) = rate(runs, family).zip(fleet) else { continue };
                let by = own.median / fleet.median - 1.0;
                relative.insert(metric, by);
                if -by > (FAR * SIGMA_PER_MAD * fleet.spread()).max(LEAST_SLOW) {
                    faults.push(Fault::Slow { metric, by: -by });
                }
                let samples = runs.iter().filter_map(|i| Some(measured(&results[*i], family)?.spread()));
                let spread = samples.fold(SIGMA_PER_MAD * own.spread(), f64::max);
                if spread > UNSTABLE {
                    faults.push(Fault::Unstable { metric, spread });
                }
            }
            for result in runs.iter().map(|i| &results[*i]) {
                let wrong = result.measurements.iter().filter(|measured| !measured.check.passed);
                faults.extend(wrong.map(|measured| Fault::Wrong { kernel: measured.kernel.clone() }));
                faults.extend(result.failure.iter().map(|failure| Fault::Ended { message: failure.message.clone() }));
            }
            faults.sort_by(|a, b| severity(a).total_cmp(&severity(b)));
            Health {
                host: (*host).to_owned(),
                gpu: (*name).to_owned(),
                place: place.clone(),
                relative,
                faults,
                result: runs.last().copied().unwrap_or(0),
            }
        })
        .collect();
    all.sort_by(|a, b| {
        let ((class_a, worst_a), (class_b, worst_b)) = (a.rank(), b.rank());
        class_a.cmp(&class_b).then(worst_a.total_cmp(&worst_b))
    });
    all
}

/// Rises from the worst fault to the least.
fn severity(fault: &Fault) -> f64 {
    match fault {
        Fault::Wrong { .. } => -3.0,
        Fault::Ended { .. } => -2.0,
        Fault::Slow { by, .. } => -by,
        Fault::Unstable { spread, .. } => 1.0 - spread,
    }
}
