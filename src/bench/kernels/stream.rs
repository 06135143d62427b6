//! Kernels that move memory: read, write, copy, triad, and reading the same again.

use std::borrow::Cow;

use super::super::data::Pattern;
use super::super::kernel::{Buffer, Check, Fill, Kernel, Needs, Quantity, Work};
use super::bytes_text;

/// Threads of a group, as the shaders have it.
const THREADS: u32 = 256;

/// Groups of a grid at most: 2^20 threads, each with 64 bytes in flight, are eight times what hides the latency of any memory
/// of today, and few enough that their sums are small beside the array.
const MOST_GROUPS: u32 = 4096;

const SEED: u32 = 0x51a7_c0de;
const SEED_RIGHT: u32 = 0x0bad_5eed;

fn random(bytes: u64, seed: u32) -> Buffer {
    Buffer { bytes, fill: Fill::Random { seed, pattern: Pattern::F32 }, written: false }
}

fn output(bytes: u64) -> Buffer {
    Buffer { bytes, fill: Fill::Zeros, written: true }
}

/// Groups for an array: four elements of 16 bytes a thread and turn.
fn groups(bytes: u64) -> u32 {
    let turns = bytes / (u64::from(THREADS) * 4 * 16);
    (turns as u32).clamp(1, MOST_GROUPS)
}

struct Shape {
    family: &'static str,
    source: &'static str,
    name: String,
    bytes: u64,
    buffers: Vec<Buffer>,
    amount: u64,
    formula: &'static str,
    check: Check,
}

fn kernel(shape: Shape) -> Kernel {
    let groups = groups(shape.bytes);
    Kernel {
        name: shape.name,
        family: shape.family,
        dtype: "f32",
        source: Cow::Borrowed(shape.source),
        constants: vec![("VECTORS", (shape.bytes / 16) as u32), ("STRIDE", groups * THREADS)],
        buffers: shape.buffers,
        groups: [groups, 1, 1],
        threads: THREADS,
        workgroup_memory: 0,
        windows: 1,
        dispatches: None,
        shape: None,
        work: Work { quantity: Quantity::Bytes, amount: shape.amount as f64, formula: Cow::Borrowed(shape.formula) },
        check: shape.check,
        needs: Needs::default(),
    }
}

/// Bytes of a sum per thread.
fn sums(bytes: u64) -> u64 {
    u64::from(groups(bytes) * THREADS) * 16
}

/// Reads an array of `bytes`, a power of two of at least 16 KiB.
#[must_use]
pub fn read(bytes: u64) -> Kernel {
    kernel(Shape {
        family: "read",
        source: include_str!("../../../shaders/read.wgsl"),
        name: format!("read {}", bytes_text(bytes)),
        bytes,
        buffers: vec![random(bytes, SEED), output(sums(bytes))],
        amount: bytes + sums(bytes),
        formula: "16 * VECTORS read + 16 * STRIDE written",
        check: Check::Summed { seed: SEED, rounds: 1 },
    })
}

/// Writes an array of `bytes`, a power of two of at least 16 KiB.
#[must_use]
pub fn write(bytes: u64) -> Kernel {
    kernel(Shape {
        family: "write",
        source: include_str!("../../../shaders/write.wgsl"),
        name: format!("write {}", bytes_text(bytes)),
        bytes,
        buffers: vec![output(bytes)],
        amount: bytes,
        formula: "16 * VECTORS written",
        check: Check::Written,
    })
}

/// Copies an array of `bytes`, a power of two of at least 16 KiB.
#[must_use]
pub fn copy(bytes: u64) -> Kernel {
    kernel(Shape {
        family: "copy",
        source: include_str!("../../../shaders/copy.wgsl"),
        name: format!("copy {}", bytes_text(bytes)),
        bytes,
        buffers: vec![random(bytes, SEED), output(bytes)],
        amount: 2 * bytes,
        formula: "16 * VECTORS read + 16 * VECTORS written",
        check: Check::Copied { seed: SEED },
    })
}

/// Copies `bytes` at a time out of arrays of `total`, further on each time, so that nothing is found in a cache: the time by size
/// from which the cost of a launch and the bandwidth follow.
#[must_use]
pub fn copy_window(bytes: u64, total: u64) -> Kernel {
    let windows = (total / bytes).clamp(1, 4096) as u32;
    Kernel { name: format!("sweep {}", bytes_text(bytes)), family: "sweep", windows, ..copy(bytes) }
}

/// STREAM's triad on arrays of `bytes`, a power of two of at least 16 KiB.
#[must_use]
pub fn triad(bytes: u64) -> Kernel {
    kernel(Shape {
        family: "triad",
        source: include_str!("../../../shaders/triad.wgsl"),
        name: format!("triad {}", bytes_text(bytes)),
        bytes,
        buffers: vec![random(bytes, SEED), random(bytes, SEED_RIGHT), output(bytes)],
        amount: 3 * bytes,
        formula: "2 * 16 * VECTORS read + 16 * VECTORS written",
        check: Check::Triad { seeds: [SEED, SEED_RIGHT] },
    })
}

/// Reads the same array of `bytes`, a power of two of at least 16 KiB, until `moved` bytes went by: the curve of the caches.
#[must_use]
pub fn reread(bytes: u64, moved: u64) -> Kernel {
    let rounds = (moved / bytes).clamp(1, 1 << 16) as u32;
    let mut kernel = kernel(Shape {
        family: "reread",
        source: include_str!("../../../shaders/reread.wgsl"),
        name: format!("re-read {}", bytes_text(bytes)),
        bytes,
        buffers: vec![random(bytes, SEED), output(sums(bytes))],
        amount: bytes * u64::from(rounds),
        formula: "16 * VECTORS * ROUNDS read",
        check: Check::Summed { seed: SEED, rounds },
    });
    // A few groups' worth of 16-byte elements further on: another core's, and not a multiple of the array.
    kernel.constants.extend([("ROUNDS", rounds), ("SHIFT", 5 * THREADS)]);
    kernel
}
