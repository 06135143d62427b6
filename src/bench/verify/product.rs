//! Matrix products against sums in f64.

use super::{Read, as_words};
use crate::bench::BenchError;
use crate::bench::data::{Pattern, number};
use crate::bench::result::Verdict;

/// Results up to this many elements are checked in every row.
const WHOLE: u64 = 512 * 512;

/// Of larger ones, so many rows.
const ROWS: u64 = 64;

/// A random vector, for Freivalds' check.
const SEED_VECTOR: u32 = 0x7e57_ed00;

/// Root mean square of data between one and two in size: √(7/3).
const RMS: f64 = 1.527_525_231_651_946_7;

/// Freivalds' check, in f64: c x = a (b x) for a random x. Each row of c is held against its sum over all columns, so a fault in
/// any element of the row shows; the whole costs what reading the factors costs, not their product.
pub(super) fn product(
    [m, n, k]: [u64; 3],
    pattern: Pattern,
    seeds: [u32; 2],
    tolerance: f64,
    read: &mut Read<'_>,
) -> Result<Verdict, BenchError> {
    let rows: Vec<u64> = if m * n <= WHOLE {
        (0..m).collect()
    } else {
        // Rows of every place within a block: the step is odd.
        let step = (m / ROWS).max(1);
        (0..ROWS.min(m)).map(|i| i * step + i % step).collect()
    };
    let method = format!("{} of {m} rows by a random vector, against sums in f64", rows.len());
    let x: Vec<f64> = (0..n).map(|column| number(column, SEED_VECTOR, Pattern::F32)).collect();
    let y = times(k, n, seeds[1], pattern, &x);
    // Of a sum of k n terms of this size, in random directions.
    let scale = RMS.powi(3) * (k as f64 * n as f64).sqrt() * (k as f64 / 1024.0).sqrt().max(1.0);
    let mut worst = 0.0f64;
    for row in rows {
        let found = read(2, 4 * row * n..4 * (row + 1) * n)?;
        let got: f64 = as_words(&found).zip(&x).map(|(bits, x)| f64::from(f32::from_bits(bits)) * x).sum();
        let wanted: f64 = (row * k..).zip(&y).map(|(i, y)| number(i, seeds[0], pattern) * y).sum();
        let error = (got - wanted).abs() / (scale * tolerance);
        // Not a number compares with nothing: it must not pass.
        if error.is_nan() || error > 1.0 {
            return Ok(Verdict {
                worst: error,
                ..Verdict::wrong(method, format!("row {row} times the vector is {got:.6e}, not {wanted:.6e}"))
            });
        }
        worst = worst.max(error);
    }
    Ok(Verdict { worst, ..Verdict::exact(method) })
}

/// The product of a rows x columns matrix and a vector, on all cores.
fn times(rows: u64, columns: u64, seed: u32, pattern: Pattern, x: &[f64]) -> Vec<f64> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(16)) as u64;
    let mut out = vec![0.0; rows as usize];
    let each = rows.div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        for (part, chunk) in (0..).zip(out.chunks_mut(each as usize)) {
            scope.spawn(move || {
                for (row, sum) in (part * each..).zip(chunk) {
                    *sum = (row * columns..).zip(x).map(|(i, x)| number(i, seed, pattern) * x).sum();
                }
            });
        }
    });
    out
}

/// Sums of one product of two tiles over and over, each of its own and from its own start, of subgroups spread over the grid.
pub(super) fn tiles(bytes: u64, tile: u32, products: u32, seeds: [u32; 3], read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    const SUBGROUPS: u64 = 16;
    // Thousands of additions to one sum, which the matrix units may round down each time.
    const TOLERANCE: f64 = 2e-3;
    let side = u64::from(tile);
    let size = side * side;
    let one = 8 * 4 * size;
    let count = bytes / one;
    let chosen: Vec<u64> = if count <= SUBGROUPS {
        (0..count).collect()
    } else {
        (0..SUBGROUPS).map(|i| i * (count - 1) / (SUBGROUPS - 1)).collect()
    };
    let method = format!("all sums of {} of {count} subgroups, against f64", chosen.len());
    let half = |i: u64, seed| number(i, seed, Pattern::F16);
    // Eight left tiles one after the other, each times the one right tile.
    let product: Vec<f64> = (0..8 * size)
        .map(|i| (0..side).map(|k| half((i / side) * side + k, seeds[0]) * half(k * side + i % side, seeds[1])).sum())
        .collect();
    let scale = f64::from(products) * RMS.powi(2) * f64::from(tile).sqrt();
    let mut worst = 0.0f64;
    for subgroup in chosen {
        let found = read(3, subgroup * one..(subgroup + 1) * one)?;
        for (i, bits) in (0u64..).zip(as_words(&found)) {
            let wanted = number(i, seeds[2], Pattern::F32) + f64::from(products) * product[i as usize];
            let got = f64::from(f32::from_bits(bits));
            let error = (got - wanted).abs() / (scale * TOLERANCE);
            if error.is_nan() || error > 1.0 {
                let fault = format!("element {i} of subgroup {subgroup} is {got:.6e}, not {wanted:.6e}");
                return Ok(Verdict { worst: error, ..Verdict::wrong(method, fault) });
            }
            worst = worst.max(error);
        }
    }
    Ok(Verdict { worst, ..Verdict::exact(method) })
}
