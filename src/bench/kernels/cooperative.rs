//! Kernels on cooperative matrices: what WGSL reaches of the matrix units ("tensor cores").

use std::borrow::Cow;

use super::super::data::Pattern;
use super::super::kernel::{Buffer, Check, Fill, Kernel, Needs, Quantity, Work};
use super::product::{SEEDS, buffers, work};

const TURNS: u32 = 63;
const SEED_SUMS: u32 = 0x5ca1_ab1e;

/// The shader with the tile type that the adapter has. Cooperative types take no `override`.
fn with_tile(source: &'static str, tile: u32) -> Cow<'static, str> {
    if tile == 16 {
        Cow::Borrowed(source)
    } else {
        Cow::Owned(source.replace("coop_mat16x16", &format!("coop_mat{tile}x{tile}")))
    }
}

/// Products of the same tiles of side `tile` (8 or 16), summed in registers: no memory, so the peak rate of the instruction.
/// `subgroups` of `subgroup` threads a group.
#[must_use]
pub fn coop_registers(tile: u32, subgroup: u32, subgroups: u32, groups: u32) -> Kernel {
    let size = u64::from(tile * tile);
    let total = u64::from(subgroups) * u64::from(groups);
    let factor = |tiles: u64, seed| Buffer {
        bytes: tiles * 2 * size,
        fill: Fill::Random { seed, pattern: Pattern::F16 },
        written: false,
    };
    let products = 16 * TURNS;
    Kernel {
        name: format!("tensor f16 registers {tile}x{tile}x{tile}"),
        family: "coop_registers",
        dtype: "f16",
        source: with_tile(include_str!("../../../shaders/coop_registers.wgsl"), tile),
        constants: vec![("TURNS", TURNS), ("TILE", tile), ("SUBGROUP", subgroup), ("THREADS", subgroup * subgroups)],
        buffers: vec![
            factor(8, SEEDS[0]),
            factor(1, SEEDS[1]),
            Buffer { bytes: 8 * 4 * size, fill: Fill::Random { seed: SEED_SUMS, pattern: Pattern::F32 }, written: false },
            Buffer { bytes: 8 * 4 * size * total, fill: Fill::Zeros, written: true },
        ],
        groups: [groups, 1, 1],
        threads: subgroup * subgroups,
        workgroup_memory: 0,
        windows: 1,
        dispatches: None,
        shape: None,
        work: Work {
            quantity: Quantity::Flop,
            amount: (2 * size * u64::from(tile) * 8 * u64::from(products) * total) as f64,
            formula: Cow::Borrowed("2 * TILE^3 * 8 sums * 16 * TURNS * subgroups"),
        },
        check: Check::Tiles { tile, products, seeds: [SEEDS[0], SEEDS[1], SEED_SUMS] },
        needs: Needs { f16: true, tile: Some(tile) },
    }
}

/// A product of f16 matrices with sums in f32, `down` x `across` subgroups a group, each 4 x 4 tiles: with tiles of 16 and 2 x 2
/// subgroups a block is 128 x 128, with 4 x 2 it is 256 x 128. `m` and `n` are multiples of the block, `k` of two tiles.
#[must_use]
pub fn coop_staged(shape: [u32; 3], tile: u32, subgroup: u32, [down, across]: [u32; 2]) -> Kernel {
    let [m, n, k] = shape;
    let (rows, columns, depth) = (4 * tile * down, 4 * tile * across, 2 * tile);
    let threads = down * across * subgroup;
    Kernel {
        name: format!("tensor f16 {m}x{n}x{k} by {rows}x{columns}x{depth}"),
        family: "coop_staged",
        dtype: "f16",
        source: with_tile(include_str!("../../../shaders/coop_staged.wgsl"), tile),
        constants: vec![
            ("N", n),
            ("K", k),
            ("TILE", tile),
            ("SUBGROUP", subgroup),
            ("DOWN", down),
            ("ACROSS", across),
            ("THREADS", threads),
        ],
        buffers: buffers(shape, Pattern::F16),
        groups: [n / columns, m / rows, 1],
        threads,
        workgroup_memory: 8 * (rows * (depth / 4 + 2) + depth * (columns / 4 + 2)),
        windows: 1,
        dispatches: None,
        shape: Some(shape.map(u64::from)),
        work: work(shape),
        // Matrix units round the sums of a tile less carefully than a chain of multiply-adds does.
        check: Check::Product { pattern: Pattern::F16, seeds: SEEDS, tolerance: 1e-3 },
        needs: Needs { f16: true, tile: Some(tile) },
    }
}
