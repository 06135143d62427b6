//! Kernels that compute and move next to nothing: the peak rates of the vector units.

use std::borrow::Cow;

use super::super::kernel::{Buffer, Check, Fill, Kernel, Needs, Quantity, Work};

const THREADS: u32 = 256;

/// Turns of the loop: odd, as the check of the multiply-add chains wants it, and enough that start and end do not count.
const TURNS: u32 = 127;

/// A factor of four bytes and a summand, neither of which the chain settles with.
const FACTORS: [u32; 2] = [0x7b85_3fd3, 0x1234_5677];

fn kernel(family: &'static str, dtype: &'static str, source: &'static str, groups: u32) -> Kernel {
    let threads = u64::from(groups * THREADS);
    // 8 chains of 4 lanes, 16 multiply-adds a turn.
    let amount = 2 * 4 * 8 * 16 * u64::from(TURNS) * threads;
    Kernel {
        name: format!("multiply-add {dtype}"),
        family,
        dtype,
        source: Cow::Borrowed(source),
        constants: vec![("TURNS", TURNS)],
        buffers: vec![
            Buffer { bytes: 16, fill: Fill::Words(vec![1f32.to_bits(), (-1f32).to_bits(), 0, 0]), written: false },
            Buffer { bytes: 16 * threads, fill: Fill::Zeros, written: true },
        ],
        groups: [groups, 1, 1],
        threads: THREADS,
        workgroup_memory: 0,
        windows: 1,
        dispatches: None,
        shape: None,
        work: Work {
            quantity: Quantity::Flop,
            amount: amount as f64,
            formula: Cow::Borrowed("2 * 4 lanes * 8 chains * 16 * TURNS * threads"),
        },
        check: Check::Chained { turns: TURNS },
        needs: Needs::default(),
    }
}

/// Chains of multiply-adds in 32-bit floating point, on `groups` groups of 256 threads.
#[must_use]
pub fn fma_f32(groups: u32) -> Kernel {
    kernel("fma_f32", "f32", include_str!("../../../shaders/fma_f32.wgsl"), groups)
}

/// Chains of multiply-adds in 16-bit floating point, on `groups` groups of 256 threads.
#[must_use]
pub fn fma_f16(groups: u32) -> Kernel {
    let kernel = kernel("fma_f16", "f16", include_str!("../../../shaders/fma_f16.wgsl"), groups);
    Kernel { needs: Needs { f16: true, tile: None }, ..kernel }
}

/// Chains of dot products of four bytes, on `groups` groups of 256 threads.
#[must_use]
pub fn dot_i8(groups: u32) -> Kernel {
    let mut kernel = kernel("dot_i8", "i8", include_str!("../../../shaders/dot_i8.wgsl"), groups);
    let threads = u64::from(groups * THREADS);
    "dot product i8".clone_into(&mut kernel.name);
    kernel.buffers[0].fill = Fill::Words(vec![FACTORS[0], FACTORS[1], 0, 0]);
    kernel.work = Work {
        quantity: Quantity::IntegerOperations,
        amount: (8 * 8 * 8 * u64::from(TURNS) * threads) as f64,
        formula: Cow::Borrowed("8 * 8 chains * 8 * TURNS * threads"),
    };
    kernel.check = Check::Dotted { turns: TURNS, factors: FACTORS };
    kernel
}
