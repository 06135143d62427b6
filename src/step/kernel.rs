//! Time of a kernel on an accelerator: roofline with the efficiency that its shape reaches.

use crate::calibration::{Calibration, Factors, MatmulCurve, MemoryCurve};
use crate::catalog::Sourced;
use crate::model::{Kernel, Part};
use crate::spec::{Computation, Pool, Precision};
use crate::units::{Bytes, Flop, Seconds};

/// How fast one kind of accelerator runs kernels.
#[derive(Debug, Clone)]
pub struct Device {
    /// The linear layers' matmuls.
    pub linear: MatmulCurve,
    /// Matmuls in 16 bits, whatever the linear layers use.
    pub half: MatmulCurve,
    /// Matmuls in 32 bits.
    pub full: MatmulCurve,
    /// Streaming kernels.
    pub memory: MemoryCurve,
    /// What the framework makes of them.
    pub factors: Factors,
    /// Start and end of a kernel.
    pub launch: Sourced<Seconds>,
    precision: Precision,
}

/// Which pass an attention kernel belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Forward.
    Forward,
    /// Backward.
    Backward,
}

impl Device {
    /// The accelerator of a pool on a computation; nothing when it has no such type.
    #[must_use]
    pub fn new(pool: &Pool, calibration: &Calibration, computation: &Computation) -> Option<Self> {
        let accelerator = &pool.accelerator;
        let precision = computation.precision;
        let factors = calibration.training().factors(accelerator, computation);
        let linear = calibration.matmul(accelerator, precision)?.scaled(factors.linear);
        let half = calibration
            .matmul(accelerator, precision.attention())
            .or_else(|| calibration.matmul(accelerator, Precision::Fp16))
            .map_or_else(|| linear.clone(), |curve| curve.scaled(factors.half));
        Some(Self {
            full: calibration.matmul(accelerator, Precision::Tf32).unwrap_or_else(|| half.clone()),
            memory: calibration.memory(accelerator),
            launch: calibration.launch(accelerator),
            linear,
            half,
            factors,
            precision,
        })
    }

    /// Time of one kernel.
    #[must_use]
    pub fn time(&self, kernel: &Kernel, pass: Pass) -> Seconds {
        self.math_time(kernel, pass).max(self.memory_time(kernel)) + self.launch.value
    }

    /// Whether a kernel waits for memory rather than for arithmetic.
    #[must_use]
    pub fn is_memory_bound(&self, kernel: &Kernel, pass: Pass) -> bool {
        self.memory_time(kernel) >= self.math_time(kernel, pass)
    }

    /// Time of a kernel's arithmetic.
    fn math_time(&self, kernel: &Kernel, pass: Pass) -> Seconds {
        match *kernel {
            Kernel::Matmul { m, n, k, batch, precision, aligned } => {
                let slower = if aligned || precision.is_narrow() { 1.0 } else { 1.0 / self.factors.unaligned };
                self.curve(precision).math_time(m, n, k, batch) * slower
            }
            Kernel::Attention { flops, precision, .. } => Seconds::new(
                flops / (self.curve(precision).peak.get() * self.factors.attention[usize::from(pass == Pass::Backward)]),
            ),
            Kernel::Stream { .. } => Seconds::ZERO,
        }
    }

    /// Time of a kernel in its part of the model: routing and experts come with losses of their own.
    #[must_use]
    pub fn time_in(&self, part: Part, kernel: &Kernel, pass: Pass) -> Seconds {
        let slower = match kernel {
            Kernel::Stream { .. } if part == Part::Permutation => self.factors.dispatch,
            Kernel::Matmul { batch, .. } if part == Part::Experts && *batch > 1.0 => self.factors.grouped,
            _ => 1.0,
        };
        self.time(kernel, pass) * slower
    }

    /// Time of a kernel's traffic; element-wise work that the framework does not fuse passes over memory more than once.
    fn memory_time(&self, kernel: &Kernel) -> Seconds {
        let passes = if matches!(kernel, Kernel::Stream { .. }) { self.factors.stream } else { 1.0 };
        self.memory.time(kernel.bytes()) * passes
    }

    /// A kernel's shape and what bounds it, for an explanation: `[8192 x 10240] by [8192] 1.4 TFLOP at 612 TFLOP/s, compute`.
    #[must_use]
    pub fn describe(&self, kernel: &Kernel) -> String {
        let time = self.time(kernel, Pass::Forward) - self.launch.value;
        let bound = if self.is_memory_bound(kernel, Pass::Forward) { "memory-bound" } else { "compute-bound" };
        let flops = Flop::new(kernel.flops());
        let moved = Bytes::new(kernel.bytes());
        match *kernel {
            Kernel::Matmul { m, n, k, batch, .. } => {
                let count = if batch > 1.0 { format!("{batch:.0} x ") } else { String::new() };
                format!("{count}[{m:.0} x {k:.0}][{k:.0} x {n:.0}], {flops} at {}, {bound}", flops / time)
            }
            Kernel::Attention { .. } => format!("{flops} at {}, {bound}", flops / time),
            Kernel::Stream { .. } => format!("{moved} at {}, {bound}", moved / time),
        }
    }

    fn curve(&self, precision: Precision) -> &MatmulCurve {
        match precision {
            _ if precision == self.precision => &self.linear,
            Precision::Tf32 => &self.full,
            _ => &self.half,
        }
    }
}
