//! A kernel that does next to nothing: the cost of a launch.

use std::borrow::Cow;

use super::super::kernel::{Buffer, Check, Fill, Kernel, Needs, Quantity, Work};

/// `dispatches` launches in one submission. One tells the round trip, many what a further launch costs.
#[must_use]
pub fn launch(dispatches: u32) -> Kernel {
    Kernel {
        name: format!("launch x {dispatches}"),
        family: "empty",
        dtype: "",
        source: Cow::Borrowed(include_str!("../../../shaders/empty.wgsl")),
        constants: Vec::new(),
        buffers: vec![Buffer { bytes: 16, fill: Fill::Zeros, written: true }],
        groups: [1, 1, 1],
        threads: 1,
        workgroup_memory: 0,
        windows: 1,
        dispatches: Some(dispatches),
        shape: None,
        work: Work { quantity: Quantity::Launch, amount: 1.0, formula: Cow::Borrowed("one dispatch of one thread") },
        check: Check::Marked,
        needs: Needs::default(),
    }
}
