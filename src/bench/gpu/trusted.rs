//! The two places where wgpu asks to be trusted, and why it may be.
#![allow(unsafe_code)]

/// Whether shaders are compiled with the checks that WebGPU puts into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checks {
    /// Without: what is measured is the kernel, not the clamping of its indices.
    #[default]
    Off,
    /// With, for tests that break a kernel on purpose.
    On,
}

/// A shader of this crate, compiled without bounds checks, loop bounds and division guards.
pub(super) fn module(device: &wgpu::Device, name: &str, source: &str, checks: Checks) -> wgpu::ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor { label: Some(name), source: wgpu::ShaderSource::Wgsl(source.into()) };
    match checks {
        Checks::On => device.create_shader_module(descriptor),
        // SAFETY: unchecked modules must not index out of bounds, loop forever or divide by zero. The sources are those of
        // `shaders/`, whose loops end at overrides and whose indices stay inside buffers sized from the same overrides in
        // `kernels`; every kernel of `suite` runs with its checks on under test, against the same verification, and no source
        // comes from outside the crate.
        Checks::Off => unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) },
    }
}

/// Leave to use cooperative matrices, which wgpu 30 calls experimental.
pub(super) fn experimental(features: wgpu::Features) -> wgpu::ExperimentalFeatures {
    if features.intersects(wgpu::Features::all_experimental_mask()) {
        // SAFETY: the token says that undefined behaviour of experimental features is accepted. The one used is cooperative
        // matrices, with shapes from the adapter's own list only, by subgroups of one size only (`Adapter::tile`): the two
        // conditions that wgpu does not check.
        unsafe { wgpu::ExperimentalFeatures::enabled() }
    } else {
        wgpu::ExperimentalFeatures::disabled()
    }
}
