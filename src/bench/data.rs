//! What the buffers hold: words of a hash, the same on the GPU (`shaders/fill.wgsl`) and on the host.

use serde::{Deserialize, Serialize};

/// What random words look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// A 32-bit float of random sign and mantissa, 1 ≤ |x| < 2.
    F32,
    /// Two 16-bit floats of random sign and mantissa, 1 ≤ |x| < 2.
    F16,
}

impl Pattern {
    /// The bits of a word that are random.
    #[must_use]
    pub fn mask(self) -> u32 {
        match self {
            Self::F32 => 0x807f_ffff,
            Self::F16 => 0x83ff_83ff,
        }
    }

    /// The bits of a word that are one.
    #[must_use]
    pub fn ones(self) -> u32 {
        match self {
            Self::F32 => 0x3f80_0000,
            Self::F16 => 0x3c00_3c00,
        }
    }
}

/// The word at `index` of a buffer filled from `seed`: the output function of PCG (Jarzynski and Olano, JCGT 9-3, 2020).
#[must_use]
pub(super) fn word(index: u32, seed: u32, pattern: Pattern) -> u32 {
    let state = (index ^ seed).wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (((word >> 22) ^ word) & pattern.mask()) | pattern.ones()
}

/// The number at `index` of a buffer filled from `seed`.
#[must_use]
pub(super) fn number(index: u64, seed: u32, pattern: Pattern) -> f64 {
    match pattern {
        Pattern::F32 => f64::from(f32::from_bits(word(index as u32, seed, pattern))),
        Pattern::F16 => {
            let both = word((index / 2) as u32, seed, pattern);
            let half = if index % 2 == 0 { both & 0xffff } else { both >> 16 };
            // The exponent is that of 1, always: sign and mantissa are all there is to read.
            let magnitude = 1.0 + f64::from(half & 0x3ff) / 1024.0;
            if half & 0x8000 == 0 { magnitude } else { -magnitude }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_between_one_and_two_with_either_sign() {
        for pattern in [Pattern::F32, Pattern::F16] {
            let all: Vec<f64> = (0..1000).map(|i| number(i, 7, pattern)).collect();
            assert!(all.iter().all(|x| (1.0..2.0).contains(&x.abs())));
            let negative = all.iter().filter(|x| **x < 0.0).count();
            assert!((400..600).contains(&negative), "{negative}");
        }
        assert_ne!(word(0, 1, Pattern::F32), word(0, 2, Pattern::F32));
    }
}
