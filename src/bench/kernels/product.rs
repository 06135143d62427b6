//! Matrix products on the vector units.

use std::borrow::Cow;

use super::super::data::Pattern;
use super::super::kernel::{Buffer, Check, Fill, Kernel, Needs, Quantity, Work};

/// Depth of a slice.
const DEPTH: u32 = 16;

/// Seeds of the two factors.
pub(super) const SEEDS: [u32; 2] = [0x00c0_ffee, 0x0dd5_ba11];

/// Factors and result of an m x n x k product.
pub(super) fn buffers([m, n, k]: [u32; 3], pattern: Pattern) -> Vec<Buffer> {
    let size = if pattern == Pattern::F16 { 2 } else { 4 };
    let factor = |rows: u32, columns: u32, seed| Buffer {
        bytes: u64::from(rows) * u64::from(columns) * size,
        fill: Fill::Random { seed, pattern },
        written: false,
    };
    let result = Buffer { bytes: u64::from(m) * u64::from(n) * 4, fill: Fill::Zeros, written: true };
    vec![factor(m, k, SEEDS[0]), factor(k, n, SEEDS[1]), result]
}

pub(super) fn work([m, n, k]: [u32; 3]) -> Work {
    let amount = 2.0 * f64::from(m) * f64::from(n) * f64::from(k);
    Work { quantity: Quantity::Flop, amount, formula: Cow::Borrowed("2 * M * N * K") }
}

fn kernel(shape: [u32; 3], block: u32, pattern: Pattern) -> Kernel {
    let [m, n, k] = shape;
    let (family, dtype, source, size, tolerance) = match pattern {
        Pattern::F32 => ("matmul_f32", "f32", include_str!("../../../shaders/matmul_f32.wgsl"), 4, 1e-5),
        Pattern::F16 => ("matmul_f16", "f16", include_str!("../../../shaders/matmul_f16.wgsl"), 2, 1e-5),
    };
    let threads = block * block / 64;
    Kernel {
        name: format!("matmul {dtype} {m}x{n}x{k} by {block}x{block}x{DEPTH}"),
        family,
        dtype,
        source: Cow::Borrowed(source),
        constants: vec![("N", n), ("K", k), ("ROWS", block), ("COLUMNS", block), ("THREADS", threads)],
        buffers: buffers(shape, pattern),
        groups: [n / block, m / block, 1],
        threads,
        // Two slices, the transposed one with a vector more a step.
        workgroup_memory: (2 * block + 4) * DEPTH * size,
        windows: 1,
        dispatches: None,
        shape: Some(shape.map(u64::from)),
        work: work(shape),
        check: Check::Product { pattern, seeds: SEEDS, tolerance },
        needs: Needs { f16: pattern == Pattern::F16, tile: None },
    }
}

/// The product of two f32 matrices, m x n x k, in blocks of `block` (128 or 64) squared. `m` and `n` are multiples of the block,
/// `k` of 16.
#[must_use]
pub fn matmul_f32(shape: [u32; 3], block: u32) -> Kernel {
    kernel(shape, block, Pattern::F32)
}

/// The same of two f16 matrices, with sums in f32.
#[must_use]
pub fn matmul_f16(shape: [u32; 3], block: u32) -> Kernel {
    kernel(shape, block, Pattern::F16)
}
