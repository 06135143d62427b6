//! A kernel: its shader, parameters, buffers, the work it does, and how its result is checked.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Adapter;
use super::data::Pattern;

/// A kernel with everything that is needed to run, check and count it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// Its name, unique within a run: `triad 1 GiB`.
    pub name: String,
    /// The sort of kernel: the name of its shader.
    pub family: &'static str,
    /// Data type of what it moves or computes.
    pub dtype: &'static str,
    /// WGSL.
    pub source: Cow<'static, str>,
    /// Values of the shader's `override`s.
    pub constants: Vec<(&'static str, u32)>,
    /// Its buffers, in the order of their bindings.
    pub buffers: Vec<Buffer>,
    /// Workgroups of a dispatch.
    pub groups: [u32; 3],
    /// Threads of a workgroup.
    pub threads: u32,
    /// Bytes of workgroup memory. wgpu does not hold them against the device's limit; [`Kernel::unmet`] does.
    pub workgroup_memory: u32,
    /// How many places a buffer is used at, one after the other, so that a small window does not stay in the caches.
    pub windows: u32,
    /// Dispatches of a sample, where that is what is measured; else as many as fill it.
    pub dispatches: Option<u32>,
    /// Rows, columns and depth of a product.
    pub shape: Option<[u64; 3]>,
    /// What one dispatch does.
    pub work: Work,
    /// What its result has to be.
    pub check: Check,
    /// What the device must have.
    pub needs: Needs,
}

/// A buffer of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    /// Bytes that a dispatch sees.
    pub bytes: u64,
    /// What is in it before.
    pub fill: Fill,
    /// Whether the kernel writes to it.
    pub written: bool,
}

/// What is in a buffer before a kernel runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Fill {
    /// Words of a hash, made on the GPU.
    Random {
        /// Tells buffers apart.
        seed: u32,
        /// What the words look like.
        pattern: Pattern,
    },
    /// These words.
    Words(Vec<u32>),
    /// Zeros.
    Zeros,
}

/// What one dispatch of a kernel does, and the formulas by which that is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// What its rate counts.
    pub quantity: Quantity,
    /// Bytes moved, or operations done; dispatches of a launch kernel.
    pub amount: f64,
    /// How the amount follows from the parameters.
    pub formula: Cow<'static, str>,
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Bytes read and written, per second.
    Bytes,
    /// Floating-point operations, two for a multiply-add, per second.
    Flop,
    /// Integer operations, two for a multiply-add, per second.
    IntegerOperations,
    /// Seconds a dispatch takes that does next to nothing.
    Launch,
}

/// What a kernel's result has to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// The words of `from` in buffer 1.
    Copied {
        /// Seed of buffer 0.
        seed: u32,
    },
    /// A function of the place in buffer 0.
    Written,
    /// `left + right / 2` in buffer 2.
    Triad {
        /// Seeds of buffers 0 and 1.
        seeds: [u32; 2],
    },
    /// Sums of buffer 0 in buffer 1, lane by lane, that add up to `rounds` times those of the data.
    Summed {
        /// Seed of buffer 0.
        seed: u32,
        /// How often each place is read.
        rounds: u32,
    },
    /// Chains of multiply-adds that end at known whole numbers, in buffer 1.
    Chained {
        /// Turns of the loop.
        turns: u32,
    },
    /// Chains of dot products of bytes, in buffer 1.
    Dotted {
        /// Turns of the loop.
        turns: u32,
        /// The factor of bytes and the summand.
        factors: [u32; 2],
    },
    /// The product of buffers 0 and 1 in buffer 2, against sums in f64.
    Product {
        /// What the factors are written as.
        pattern: Pattern,
        /// Seeds of buffers 0 and 1.
        seeds: [u32; 2],
        /// Largest error, relative to the size of the sums.
        tolerance: f64,
    },
    /// Sums of many products of the same tiles, in buffer 3.
    Tiles {
        /// Side of a tile.
        tile: u32,
        /// Products of a sum.
        products: u32,
        /// Seeds of buffers 0 to 2.
        seeds: [u32; 3],
    },
    /// Four words at the start of buffer 0.
    Marked,
}

/// What a kernel needs of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Arithmetic in 16-bit floating point.
    pub f16: bool,
    /// Cooperative matrices of this side.
    pub tile: Option<u32>,
}

impl Kernel {
    /// Bytes of all its buffers, all windows.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.buffers.iter().map(|buffer| buffer.bytes * u64::from(self.windows)).sum()
    }

    /// What the kernel needs and `adapter` has not.
    #[must_use]
    pub fn unmet(&self, adapter: &Adapter) -> Option<String> {
        let largest = self.buffers.iter().map(|buffer| buffer.bytes * u64::from(self.windows)).max().unwrap_or(0);
        if self.needs.f16 && !adapter.f16 {
            Some("no 16-bit floating point in shaders".to_owned())
        } else if self.needs.tile.is_some() && self.needs.tile != adapter.tile() {
            Some("no cooperative matrices of this size".to_owned())
        } else if self.workgroup_memory > adapter.max_workgroup_memory {
            Some(format!(
                "{} bytes of workgroup memory; the device has {}",
                self.workgroup_memory, adapter.max_workgroup_memory
            ))
        } else if self.threads > adapter.max_workgroup_threads {
            Some(format!("{} threads a group; the device takes {}", self.threads, adapter.max_workgroup_threads))
        } else if largest > adapter.max_buffer.min(adapter.max_binding) {
            Some(format!("a buffer of {largest} bytes; the device takes {}", adapter.max_buffer.min(adapter.max_binding)))
        } else {
            None
        }
    }
}
