//! Which kernels are run on an adapter, and how thoroughly.

use super::kernels::{
    coop_registers, coop_staged, copy, copy_window, dot_i8, fma_f16, fma_f32, launch, matmul_f16, matmul_f32, read, reread,
    triad, write,
};
use super::{Adapter, Kernel, Protocol};

/// How much time is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Under five seconds on a data-centre GPU: memory, peak rates, one product.
    Quick,
    /// Under a minute.
    Default,
    /// As long as it takes to know the medians to a fifth of a per cent.
    Thorough,
}

impl Effort {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Default => "default",
            Self::Thorough => "thorough",
        }
    }

    /// How a kernel is sampled.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        let default = Protocol { sample_s: 0.02, warm_up_s: 1.0, least: 15, most: 40, wanted: 0.005, patience_s: 1.0 };
        match self {
            Self::Quick => Protocol { sample_s: 0.008, warm_up_s: 0.1, least: 15, most: 15, wanted: 0.01, patience_s: 0.2 },
            Self::Default => default,
            Self::Thorough => Protocol { warm_up_s: 3.0, least: 30, most: 200, wanted: 0.002, patience_s: 10.0, ..default },
        }
    }

    /// Dispatches of the launch kernels.
    #[must_use]
    pub fn launches(self) -> &'static [u32] {
        match self {
            Self::Quick => &[1, 100],
            Self::Default | Self::Thorough => &[1, 10, 100, 1000],
        }
    }
}

/// Sides of matrices, smallest first. The runner stops where the next would take too long.
fn sides(effort: Effort) -> &'static [u32] {
    match effort {
        Effort::Quick => &[512, 4096],
        Effort::Default => &[512, 1024, 2048, 4096, 8192],
        Effort::Thorough => &[512, 1024, 2048, 3072, 4096, 6144, 8192, 12288, 16384],
    }
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A product for drivers on the CPU: several blocks each way, and no two sides alike.
const PRODUCT: [u32; 3] = [256, 384, 64];

/// The kernels of a run, in order; those that the adapter cannot run are in it, for the runner to say why not.
#[must_use]
pub fn suite(adapter: &Adapter, effort: Effort) -> Vec<Kernel> {
    let tile = adapter.tile();
    if adapter.is_software() {
        return software(effort, tile, adapter.subgroup_max);
    }
    let mut all = Vec::new();
    // A binding holds 2 GiB less a byte at most, in wgpu.
    let most = adapter.max_binding.min(adapter.max_buffer);
    let array = if effort == Effort::Quick { 256 * MIB } else { GIB }.min(floor_power(most));
    all.extend([read(array), write(array), copy(array), triad(array)]);
    if effort != Effort::Quick {
        // Powers of four, so that the cost of a launch and the bandwidth each hold sway at one end.
        let sizes = std::iter::successors(Some(256 * KIB), |bytes| Some(bytes * 4)).take_while(|bytes| *bytes <= array);
        all.extend(sizes.map(|bytes| copy_window(bytes, array)));
        let step = if effort == Effort::Thorough { 2 } else { 4 };
        let sizes = std::iter::successors(Some(256 * KIB), |bytes| Some(bytes * step)).take_while(|bytes| *bytes <= array / 2);
        all.extend(sizes.map(|bytes| reread(bytes, array)));
    }
    let groups = 2048;
    all.extend([fma_f32(groups), fma_f16(groups), dot_i8(groups)]);
    for side in sides(effort) {
        all.push(matmul_f32([*side; 3], 128));
        if effort != Effort::Quick {
            all.push(matmul_f32([*side; 3], 64));
            all.push(matmul_f16([*side; 3], 128));
        }
    }
    // Where there are no cooperative matrices the kernels for the common ones are named as left out, with the reason.
    let (side, subgroup) = (tile.unwrap_or(16), adapter.subgroup_max.max(1));
    all.push(coop_registers(side, subgroup, 4, 1024));
    for n in sides(effort) {
        all.push(coop_staged([*n; 3], side, subgroup, [2, 2]));
        if effort != Effort::Quick {
            all.push(coop_staged([*n; 3], side, subgroup, [4, 2]));
        }
    }
    all.extend(effort.launches().iter().map(|dispatches| launch(*dispatches)));
    all
}

/// Everything once in sizes that a driver on the CPU gets through: what counts there is that results are right.
fn software(effort: Effort, tile: Option<u32>, subgroup: u32) -> Vec<Kernel> {
    let array = if effort == Effort::Quick { MIB } else { 4 * MIB };
    let mut all = vec![read(array), write(array), copy(array), triad(array)];
    if effort != Effort::Quick {
        all.extend([copy_window(256 * KIB, array), copy_window(MIB, array), copy_window(array, array)]);
        all.extend([reread(256 * KIB, array), reread(MIB, array)]);
    }
    all.extend([fma_f32(2), fma_f16(2), dot_i8(2), matmul_f32(PRODUCT, 128)]);
    if effort != Effort::Quick {
        all.extend([matmul_f32(PRODUCT, 64), matmul_f16(PRODUCT, 128)]);
    }
    let (side, subgroup) = (tile.unwrap_or(8), subgroup.max(1));
    all.extend([coop_registers(side, subgroup, 4, 4), coop_staged(PRODUCT, side, subgroup, [2, 2])]);
    if effort != Effort::Quick {
        all.push(coop_staged(PRODUCT, side, subgroup, [4, 2]));
    }
    all.extend(effort.launches().iter().filter(|dispatches| **dispatches <= 100).map(|dispatches| launch(*dispatches)));
    all
}

/// The largest power of two that is not larger.
fn floor_power(bytes: u64) -> u64 {
    1 << bytes.max(64 * KIB).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{CooperativeShape, Kind};

    fn adapter(kind: Kind) -> Adapter {
        let shape = CooperativeShape { m: 16, n: 16, k: 16, input: "f16".into(), sum: "f32".into() };
        Adapter {
            kind,
            subgroup_min: 32,
            subgroup_max: 32,
            f16: true,
            cooperative: vec![shape],
            max_buffer: 1 << 40,
            max_binding: (1 << 31) - 1,
            max_workgroup_memory: 48 << 10,
            max_workgroup_threads: 1024,
            max_groups: 65535,
            ..Adapter::default()
        }
    }

    #[test]
    fn every_kernel_of_every_effort_can_run_on_a_data_centre_gpu() {
        for effort in [Effort::Quick, Effort::Default, Effort::Thorough] {
            for kind in [Kind::Discrete, Kind::Software] {
                let adapter = adapter(kind);
                let all = suite(&adapter, effort);
                let mut names: Vec<&str> = all.iter().map(|kernel| kernel.name.as_str()).collect();
                for kernel in &all {
                    assert_eq!(kernel.unmet(&adapter), None, "{}", kernel.name);
                    assert!(kernel.groups.iter().all(|groups| (1..=adapter.max_groups).contains(groups)), "{}", kernel.name);
                }
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), all.len(), "names are told apart");
            }
        }
    }

    #[test]
    fn a_device_with_less_gets_less() {
        let mut small = adapter(Kind::Integrated);
        small.max_binding = 128 << 20;
        small.f16 = false;
        let all = suite(&small, Effort::Default);
        assert!(all.iter().any(|kernel| kernel.name == "copy 128 MiB"));
        let left_out: Vec<_> = all.iter().filter(|kernel| kernel.unmet(&small).is_some()).map(|kernel| kernel.family).collect();
        assert!(left_out.contains(&"fma_f16") && left_out.contains(&"coop_staged") && !left_out.contains(&"triad"));
    }
}
