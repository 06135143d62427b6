//! What searches of random jobs share.

use planner::search::Account;

/// One of several.
pub fn pick<T: Copy, const N: usize>(rng: &mut fastrand::Rng, of: [T; N]) -> T {
    of[rng.usize(..N)]
}

/// All layouts of an account.
pub fn sum(a: &Account) -> u64 {
    a.illegal + a.out_of_memory + a.bounded + a.unwanted + a.costed + a.unexplored
}
