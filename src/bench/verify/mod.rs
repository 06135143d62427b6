//! Holding a kernel's result against what it has to be. Data is a hash of its place, so the host knows it without reading it back.

mod chains;
mod product;
mod words;

use std::ops::Range;

use super::BenchError;
use super::kernel::{Check, Kernel};
use super::result::Verdict;

/// Reads bytes of a buffer of the kernel.
pub type Read<'a> = dyn FnMut(usize, Range<u64>) -> Result<Vec<u8>, BenchError> + 'a;

/// The verdict on a kernel that has run once at least.
///
/// # Errors
/// When a buffer cannot be read.
pub fn verify(kernel: &Kernel, read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    match kernel.check {
        Check::Copied { seed } => words::copied(kernel.buffers[1].bytes, seed, read),
        Check::Written => words::written(kernel.buffers[0].bytes, read),
        Check::Triad { seeds } => words::triad(kernel.buffers[2].bytes, seeds, read),
        Check::Summed { seed, rounds } => words::summed([kernel.buffers[0].bytes, kernel.buffers[1].bytes], seed, rounds, read),
        Check::Marked => words::marked(read),
        Check::Chained { turns } => chains::chained(kernel.buffers[1].bytes, turns, read),
        Check::Dotted { turns, factors } => chains::dotted(kernel.buffers[1].bytes, turns, factors, read),
        Check::Product { pattern, seeds, tolerance } => {
            product::product(kernel.shape.unwrap_or_default(), pattern, seeds, tolerance, read)
        }
        Check::Tiles { tile, products, seeds } => product::tiles(kernel.buffers[3].bytes, tile, products, seeds, read),
    }
}

/// Bytes as little-endian words.
fn as_words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}
