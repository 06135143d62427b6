//! How fast a job runs where it is placed.

use super::placement::Spread;

/// How much longer a job of a class takes than where it would rather run.
pub trait Pace: Sync {
    /// Time over the time on the most GPUs of the preferred pool below one leaf. Of several pools the slowest sets the pace.
    fn slowdown(&self, class: u32, pools: &[u16], gpus: u32, spread: Spread) -> f64;
}

/// For jobs whose time is given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Given;

impl Pace for Given {
    fn slowdown(&self, _: u32, _: &[u16], _: u32, _: Spread) -> f64 {
        1.0
    }
}
