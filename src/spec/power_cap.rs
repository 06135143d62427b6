//! Accelerators whose power is capped: clocks slow until they keep to it.
//!
//! What a chip draws at work is what it draws at rest, and `C V^2 f` on top; the voltage goes with the clock, so that the second part
//! goes with its third power (CMOS: Chandrakasan et al. 1992, doi:10.1109/4.126534). Under a cap the clock, and with it the
//! peak of the matrix units, falls to `((cap - rest) / (full - rest))^(1/3)` of what it is without. Memory keeps its own clock.

use super::cluster_file::ClusterFile;
use crate::catalog::{Accelerator, Peak};
use crate::diagnostic::{Code, Diagnostic};
use crate::units::{FlopPerSecond, Watts};
use crate::yaml::{Document, Path};

/// Added by an accelerator that computes, as a share of its board power: adapters of Llama 2 and BERT on a node of H100 (0.85 and 0.80), over what
/// the same node draws when nothing runs.
pub const COMPUTING: f64 = 0.83;
/// Drawn by a board at rest, as a share of its power: assumed, 100 W of an H100's 700 W.
pub const AT_REST: f64 = 0.15;

/// A cap, and what it does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpuCap {
    /// Most power of one accelerator.
    pub cap: Watts,
    /// Clock under it, over the clock without.
    pub clocks: f64,
    /// What it takes from an accelerator that computes all the time.
    pub saved: Watts,
}

impl GpuCap {
    /// A cap on an accelerator of `tdp`; none where it draws less anyway.
    #[must_use]
    pub fn new(cap: Watts, tdp: Watts) -> Option<Self> {
        let (full, rest) = (tdp * (AT_REST + COMPUTING), tdp * AT_REST);
        if cap >= full {
            return None;
        }
        let clocks = ((cap - rest).max(Watts::ZERO) / (full - rest)).cbrt();
        Some(Self { cap, clocks, saved: full - cap })
    }

    /// The accelerator with its peaks at those clocks.
    #[must_use]
    pub fn slowed(&self, accelerator: Accelerator) -> Accelerator {
        let slower = |peak: Option<FlopPerSecond>| peak.map(|peak| peak * self.clocks);
        let Peak { fp32, tf32, bf16, fp16, fp8, int8, fp4 } = accelerator.peak;
        let peak = Peak {
            fp32: slower(fp32),
            tf32: slower(tf32),
            bf16: slower(bf16),
            fp16: slower(fp16),
            fp8: slower(fp8),
            int8: slower(int8),
            fp4: slower(fp4),
        };
        Accelerator { peak, ..accelerator }
    }
}

/// A cap at which nothing would run.
pub(super) fn too_low(file: &Document<ClusterFile>, accelerator: &Accelerator) -> Option<Diagnostic> {
    let cap = file.value.power.gpu_cap?;
    let least = accelerator.tdp * (2.0 * AT_REST);
    if cap >= least {
        return None;
    }
    let at = Path::root().key("power").key("gpu-cap");
    let message = format!("`{}` does not run at {cap}: at rest it draws about {}", accelerator.name, least / 2.0);
    Some(file.error(Code::OutOfRange, &at, message).help(format!("use a cap of {least} or more, or leave it out")))
}
