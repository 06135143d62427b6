//! Chains of arithmetic that end at known whole numbers.

use super::{Read, as_words};
use crate::bench::BenchError;
use crate::bench::result::Verdict;

/// Bytes of results compared at most, from the start and from the end.
const MOST: u64 = 8 << 20;

/// Start and end of a buffer of results, 16 bytes a thread: the first thread of each piece, and the piece.
fn pieces(bytes: u64, most: u64, read: &mut Read<'_>) -> Result<Vec<(u32, Vec<u8>)>, BenchError> {
    if bytes <= most {
        return Ok(vec![(0, read(1, 0..bytes)?)]);
    }
    let last = bytes - most / 2;
    Ok(vec![(0, read(1, 0..most / 2)?), ((last / 16) as u32, read(1, last..bytes)?)])
}

/// Each chain starts at whole numbers and goes from x to -x - 14 step in a turn; see `shaders/fma_f32.wgsl`.
pub(super) fn chained(bytes: u64, turns: u32, read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    let method = "the end of every chain, and the turns counted";
    for (first, found) in pieces(bytes, MOST, read)? {
        for (i, bits) in (0u32..).zip(as_words(&found)) {
            let (thread, lane) = (first + i / 4, i % 4);
            let step = f64::from(1 + (thread & 3));
            let end = |chain: u32| {
                let start = f64::from(lane + (thread & 7) + chain);
                if turns % 2 == 0 { start } else { -start - 14.0 * step }
            };
            let wanted = (0..8).map(end).sum::<f64>() + 4096.0 * f64::from(turns);
            let got = f64::from(f32::from_bits(bits));
            if got != wanted {
                return Ok(Verdict::wrong(method, format!("lane {lane} of thread {thread} ends at {got}, not {wanted}")));
            }
        }
    }
    Ok(Verdict::exact(method))
}

/// Each value is the next one's operand: four signed bytes times four, plus a summand of the thread's.
pub(super) fn dotted(bytes: u64, turns: u32, factors: [u32; 2], read: &mut Read<'_>) -> Result<Verdict, BenchError> {
    // Each thread is 8,000 dot products on the host: a few thousand of them are compared.
    const SAMPLED: u64 = 16 * 2048;
    let method = "the end of every chain of up to 2,048 threads at both ends of the grid";
    let dot = |x: u32| {
        let products = x.to_le_bytes().into_iter().zip(factors[0].to_le_bytes());
        products.map(|(a, b)| i32::from(a.cast_signed()) * i32::from(b.cast_signed())).sum::<i32>()
    };
    for (first, found) in pieces(bytes, SAMPLED, read)? {
        let found: Vec<u32> = as_words(&found).collect();
        for (thread, got) in (first..).zip(found.chunks_exact(4)) {
            let plus = factors[1].wrapping_add(thread).cast_signed();
            let end = |chain: u32| (0..8 * turns).fold(thread + chain, |x, _| dot(x).wrapping_add(plus).cast_unsigned());
            for (lane, got) in (0..4).zip(got) {
                let wanted = end(lane) ^ end(lane + 4);
                if *got != wanted {
                    return Ok(Verdict::wrong(
                        method,
                        format!("chain {lane} of thread {thread} ends at {got:#x}, not {wanted:#x}"),
                    ));
                }
            }
        }
    }
    Ok(Verdict::exact(method))
}
