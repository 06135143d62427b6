//! The kernels with their parameters, the work they do, and the formulas by which it is counted.

mod arithmetic;
mod cooperative;
mod launch;
mod product;
mod stream;

pub use arithmetic::{dot_i8, fma_f16, fma_f32};
pub use cooperative::{coop_registers, coop_staged};
pub use launch::launch;
pub use product::{matmul_f16, matmul_f32};
pub use stream::{copy, copy_window, read, reread, triad, write};

/// Bytes in words that people read: powers of 1024.
pub(super) fn bytes_text(bytes: u64) -> String {
    const STEPS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, step) in STEPS {
        if bytes >= step && bytes % step == 0 {
            return format!("{} {unit}", bytes / step);
        }
    }
    format!("{bytes} B")
}
