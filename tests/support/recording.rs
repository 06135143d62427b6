//! Recordings of GPUs that nobody measured: made-up rates with made-up noise, for tests of what is done with measurements.

use std::collections::BTreeMap;

use planner::bench::{
    Adapter, BenchResult, CooperativeShape, Effort, Kernel, Kind, Measurement, Quantity, Recorded, SCHEMA_VERSION, Timing,
    Verdict, bench, suite,
};

/// What a made-up H200 does.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// Bytes per second.
    pub bandwidth: f64,
    /// Seconds of a launch.
    pub launch: f64,
    /// Share of the clock.
    pub clock: f64,
    /// Spread of the noise, as a share.
    pub noise: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl Default for Made {
    fn default() -> Self {
        Self { bandwidth: 4.3e12, launch: 4.5e-6, clock: 1.0, noise: 0.004, seed: 1 }
    }
}

pub fn adapter() -> Adapter {
    Adapter {
        name: "NVIDIA H200".into(),
        kind: Kind::Discrete,
        backend: "vulkan".into(),
        driver: "made up".into(),
        driver_info: "for tests".into(),
        pci_bus_id: "0000:1b:00.0".into(),
        subgroup_min: 32,
        subgroup_max: 32,
        f16: true,
        timestamps: true,
        timestamp_period_ns: 1.0,
        cooperative: vec![CooperativeShape { m: 16, n: 16, k: 16, input: "f16".into(), sum: "f32".into() }],
        max_buffer: 1 << 40,
        max_binding: (1 << 31) - 1,
        max_workgroup_memory: 48 << 10,
        max_workgroup_threads: 1024,
        max_groups: 65535,
        ..Adapter::default()
    }
}

/// Seconds of a dispatch.
fn seconds(kernel: &Kernel, made: &Made) -> f64 {
    let rate = match kernel.family {
        "fma_f32" => 65.5e12 * made.clock,
        "fma_f16" => 128e12 * made.clock,
        "dot_i8" => 250e12 * made.clock,
        "matmul_f32" => 44e12 * made.clock,
        "matmul_f16" => 46e12 * made.clock,
        "coop_registers" => 610e12 * made.clock,
        "coop_staged" => 260e12 * made.clock,
        _ => made.bandwidth,
    };
    match kernel.work.quantity {
        Quantity::Launch => made.launch,
        _ => made.launch + kernel.work.amount / rate,
    }
}

/// A recording of every kernel of an effort.
fn recording(made: &Made, effort: Effort) -> BenchResult {
    let mut random = fastrand::Rng::with_seed(made.seed);
    let adapter = adapter();
    let measurements = suite(&adapter, effort)
        .iter()
        .map(|kernel| {
            let dispatches = kernel.dispatches.unwrap_or(16);
            let samples: Vec<Timing> = (0..61)
                .map(|_| {
                    // A sum of uniform numbers, as good as normal.
                    let noise: f64 = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
                    let time = f64::from(dispatches) * seconds(kernel, made) * (1.0 + made.noise * noise);
                    Timing { device_s: Some(time), host_s: time + 50e-6 }
                })
                .collect();
            Measurement {
                kernel: kernel.name.clone(),
                family: kernel.family.into(),
                dtype: kernel.dtype.into(),
                parameters: BTreeMap::new(),
                groups: kernel.groups,
                shape: kernel.shape,
                work: kernel.work.clone(),
                check: Verdict { passed: true, method: "made up".into(), worst: 0.0, fault: None },
                clock: "device".into(),
                dispatches,
                warm_up: 0,
                samples,
                seconds: None,
                rate: None,
                warnings: Vec::new(),
            }
        })
        .collect();
    BenchResult {
        schema_version: SCHEMA_VERSION,
        planner_version: "0".into(),
        host: "made-up".into(),
        started_unix_s: 0,
        wall_s: 0.0,
        effort: effort.as_str().into(),
        data: "random".into(),
        adapter,
        measurements,
        skipped: Vec::new(),
        failure: None,
    }
}

/// A device that plays the recording back.
pub fn device(made: &Made, effort: Effort) -> Recorded {
    Recorded::new(&recording(made, effort))
}

/// The result of a run of the bench on the recording, sampled as on a GPU.
pub fn run(made: &Made, effort: Effort) -> BenchResult {
    let kernels = suite(&adapter(), effort);
    bench(&mut device(made, effort), &kernels, effort, &mut ())
}
