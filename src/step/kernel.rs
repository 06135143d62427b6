//! Time of a kernel on an accelerator: roofline with the efficiency that its shape reaches.

use crate::calibration::{Calibration, MatmulCurve, MemoryCurve};
use crate::catalog::{Provenance, Sourced};
use crate::model::Kernel;
use crate::spec::{Pool, Precision};
use crate::units::{Bytes, Flop, Seconds};

/// Share of the dense peak that fused attention reaches forward and backward. `FlashAttention`-2 reports up to 73 % and 63 %
/// of an A100's peak (arXiv:2307.08691, abstract and section 4.1), `FlashAttention`-3 up to 75 % of an H100's (arXiv:2407.08608),
/// less on causal masks and short sequences.
const ATTENTION_SHARE: [f64; 2] = [0.62, 0.52];

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
    /// The accelerator of a pool computing in `precision`; nothing when it has no such type.
    #[must_use]
    pub fn new(pool: &Pool, calibration: &Calibration, precision: Precision) -> Option<Self> {
        let accelerator = &pool.accelerator;
        let linear = calibration.matmul(accelerator, precision)?;
        let half = calibration
            .matmul(accelerator, precision.attention())
            .or_else(|| calibration.matmul(accelerator, Precision::Fp16))
            .unwrap_or_else(|| linear.clone());
        Some(Self {
            full: calibration.matmul(accelerator, Precision::Tf32).unwrap_or_else(|| half.clone()),
            memory: calibration.memory(accelerator),
            launch: calibration.launch(accelerator),
            linear,
            half,
            precision,
        })
    }

    /// Time of one kernel.
    #[must_use]
    pub fn time(&self, kernel: &Kernel, pass: Pass) -> Seconds {
        let math = match *kernel {
            Kernel::Matmul { m, n, k, batch, precision } => self.curve(precision).math_time(m, n, k, batch),
            Kernel::Attention { flops, precision, .. } => {
                Seconds::new(flops / (self.curve(precision).peak.get() * ATTENTION_SHARE[usize::from(pass == Pass::Backward)]))
            }
            Kernel::Stream { .. } => Seconds::ZERO,
        };
        let memory = self.memory.time(kernel.bytes());
        math.max(memory) + self.launch.value
    }

    /// A kernel's shape and what bounds it, for an explanation: `[8192 x 10240] by [8192] 1.4 TFLOP at 612 TFLOP/s, compute`.
    #[must_use]
    pub fn describe(&self, kernel: &Kernel) -> String {
        let time = self.time(kernel, Pass::Forward) - self.launch.value;
        let memory = self.memory.time(kernel.bytes());
        let bound = if memory.get() >= time.get() * (1.0 - 1e-9) { "memory-bound" } else { "compute-bound" };
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

    /// The share of the peak that fused attention is assumed to reach, forward and backward.
    #[must_use]
    pub fn attention_share() -> Sourced<[f64; 2]> {
        Sourced::new(ATTENTION_SHARE, Provenance::Assumed, "below FlashAttention-2's 73 % and 63 % of peak (arXiv:2307.08691)")
    }

    fn curve(&self, precision: Precision) -> &MatmulCurve {
        match precision {
            _ if precision == self.precision => &self.linear,
            Precision::Tf32 => &self.full,
            _ => &self.half,
        }
    }
}
