//! Results that are known to the bit: copies, functions of the place, sums of integers.

use std::ops::Range;
use std::thread;

use super::{Read, as_words};
use crate::bench::BenchError;
use crate::bench::data::{Pattern, word};
use crate::bench::result::Verdict;

/// Arrays up to this many bytes are compared in full.
const WHOLE: u64 = 4 << 20;

/// Larger ones in this many windows, the first at the start and the last at the end.
const WINDOWS: u64 = 64;

/// Bytes of a window.
const WINDOW: u64 = 16 << 10;

fn windows(bytes: u64) -> Vec<Range<u64>> {
    if bytes <= WHOLE {
        return std::iter::once(0..bytes).collect();
    }
    // Window starts walk through all positions within a block of threads, since a fault may hit some lanes only.
    let room = (bytes - WINDOW) / 16;
    (0..WINDOWS).map(|i| 16 * (room * i / (WINDOWS - 1))).map(|start| start..start + WINDOW).collect()
}

fn compare(
    bytes: u64,
    buffer: usize,
    what: &str,
    read: &mut Read<'_>,
    expected: impl Fn(u32) -> u32,
) -> Result<Verdict, BenchError> {
    let windows = windows(bytes);
    let method = match windows.len() {
        1 => format!("every word of {what}"),
        count => format!("{count} windows of {} KiB of {what}", WINDOW >> 10),
    };
    for window in windows {
        let first = (window.start / 4) as u32;
        let found = read(buffer, window)?;
        for (i, got) in (first..).zip(as_words(&found)) {
            let wanted = expected(i);
            if got != wanted {
                return Ok(Verdict::wrong(method, format!("word {i} is {got:#010x}, not {wanted:#010x}")));
            }
        }
    }
    Ok(Verdict::exact(method))
}

pub(super) fn copied(bytes: u64, seed: u32, read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    compare(bytes, 1, "the copy", read, |i| word(i, seed, Pattern::F32))
}

pub(super) fn written(bytes: u64, read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    const KEYS: [u32; 4] = [0x9e37_79b9, 0x7f4a_7c15, 0xf39c_c060, 0x5ced_c834];
    compare(bytes, 0, "what was written", read, |i| (i / 4).wrapping_mul(747_796_405) ^ KEYS[(i % 4) as usize])
}

pub(super) fn triad(bytes: u64, seeds: [u32; 2], read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    compare(bytes, 2, "the sum", read, |i| {
        let [left, right] = seeds.map(|seed| f32::from_bits(word(i, seed, Pattern::F32)));
        // Half of a float is exact: one rounding, as on the GPU, fused or not. A difference of nothing is +0 on both.
        (left + 0.5 * right).to_bits()
    })
}

pub(super) fn summed([bytes, sums]: [u64; 2], seed: u32, rounds: u32, read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    let method = "the sum of all words read, by lane";
    let found = read(1, 0..sums)?;
    let mut got = [0u32; 4];
    for (i, value) in as_words(&found).enumerate() {
        got[i % 4] = got[i % 4].wrapping_add(value);
    }
    let wanted = lane_sums((bytes / 16) as u32, seed).map(|sum| sum.wrapping_mul(rounds));
    Ok(if got == wanted {
        Verdict::exact(method)
    } else {
        Verdict::wrong(method, format!("the sums are {got:x?}, not {wanted:x?}"))
    })
}

/// Sums of the four words of all elements, modulo 2^32. On all cores: a GiB is a quarter of a billion hashes.
fn lane_sums(vectors: u32, seed: u32) -> [u32; 4] {
    let part = |range: Range<u32>| {
        let mut sums = [0u32; 4];
        for vector in range {
            for (lane, sum) in (0..).zip(&mut sums) {
                *sum = sum.wrapping_add(word(4 * vector + lane, seed, Pattern::F32));
            }
        }
        sums
    };
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get().min(16)) as u32;
    let each = vectors.div_ceil(cores).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..cores)
            .map(|core| (core * each).min(vectors)..((core + 1) * each).min(vectors))
            .map(|range| scope.spawn(move || part(range)))
            .collect();
        parts.into_iter().fold([0u32; 4], |mut total, part| {
            // A part that panicked adds nothing, and the check says that the sums differ.
            for (sum, value) in total.iter_mut().zip(part.join().unwrap_or_default()) {
                *sum = sum.wrapping_add(value);
            }
            total
        })
    })
}

pub(super) fn marked(read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    let found: Vec<u32> = as_words(&read(0, 0..16)?).collect();
    let method = "the four words that the thread stores";
    Ok(if found == [1, 2, 3, 4] { Verdict::exact(method) } else { Verdict::wrong(method, format!("they are {found:?}")) })
}
