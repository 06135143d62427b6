//! The GPUs that drivers offer, and the choice of one.

use crate::bench::{Adapter, BenchError, CooperativeShape, Kind};

/// What every kernel may use, where the adapter has it.
pub(super) fn wanted() -> wgpu::Features {
    wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16 | wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX
}

/// The GPUs that drivers offer.
#[derive(Debug)]
pub struct Gpus {
    pub(super) all: Vec<wgpu::Adapter>,
    adapters: Vec<Adapter>,
}

impl Gpus {
    /// Asks all drivers. Variables such as `WGPU_BACKEND` are heeded.
    #[must_use]
    pub fn find() -> Self {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
        // Debug builds would switch the validation layers on, and measure them.
        descriptor.flags = wgpu::InstanceFlags::empty().with_env();
        let backends = descriptor.backends;
        let instance = wgpu::Instance::new(descriptor);
        Self::of(pollster::block_on(instance.enumerate_adapters(backends)))
    }

    /// A device that computes nothing, with all that a kernel may ask for and subgroups of 32: shaders are validated against it on
    /// any machine, in sizes and types that no driver at hand has.
    #[must_use]
    pub fn noop() -> Self {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::NOOP;
        let limits = wgpu::Limits {
            max_compute_workgroup_storage_size: 48 << 10,
            max_compute_invocations_per_workgroup: 1024,
            max_compute_workgroup_size_x: 1024,
            max_storage_buffer_binding_size: 1 << 30,
            max_buffer_size: 1 << 30,
            ..wgpu::Limits::default()
        };
        descriptor.backend_options.noop = wgpu::NoopBackendOptions {
            enable: true,
            limits: Some(limits),
            features: Some(wanted()),
            subgroup_min_size: Some(32),
            subgroup_max_size: Some(32),
            ..wgpu::NoopBackendOptions::default()
        };
        let instance = wgpu::Instance::new(descriptor);
        Self::of(pollster::block_on(instance.enumerate_adapters(wgpu::Backends::NOOP)))
    }

    fn of(all: Vec<wgpu::Adapter>) -> Self {
        let adapters = all.iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect();
        Self { all, adapters }
    }

    /// What they are.
    #[must_use]
    pub fn adapters(&self) -> &[Adapter] {
        &self.adapters
    }
}

fn describe(index: usize, adapter: &wgpu::Adapter) -> Adapter {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let features = adapter.features();
    let cooperative = features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);
    let shapes = if cooperative { adapter.cooperative_matrix_properties() } else { Vec::new() };
    Adapter {
        index,
        name: info.name,
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
            wgpu::DeviceType::IntegratedGpu => Kind::Integrated,
            wgpu::DeviceType::VirtualGpu => Kind::Virtual,
            wgpu::DeviceType::Cpu => Kind::Software,
            wgpu::DeviceType::Other => Kind::Unknown,
        },
        backend: info.backend.to_string(),
        driver: info.driver,
        driver_info: info.driver_info,
        vendor_id: info.vendor,
        device_id: info.device,
        pci_bus_id: info.device_pci_bus_id,
        subgroup_min: info.subgroup_min_size,
        subgroup_max: info.subgroup_max_size,
        f16: features.contains(wgpu::Features::SHADER_F16),
        timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
        timestamp_period_ns: 0.0,
        cooperative: shapes
            .iter()
            .map(|shape| CooperativeShape {
                m: shape.m_size,
                n: shape.n_size,
                k: shape.k_size,
                input: scalar(shape.ab_type).to_owned(),
                sum: scalar(shape.cr_type).to_owned(),
            })
            .collect(),
        max_buffer: limits.max_buffer_size,
        max_binding: limits.max_storage_buffer_binding_size,
        max_workgroup_memory: limits.max_compute_workgroup_storage_size,
        max_workgroup_threads: limits.max_compute_invocations_per_workgroup,
        max_groups: limits.max_compute_workgroups_per_dimension,
    }
}

fn scalar(of: wgpu::CooperativeScalarType) -> &'static str {
    match of {
        wgpu::CooperativeScalarType::F16 => "f16",
        wgpu::CooperativeScalarType::F32 => "f32",
        wgpu::CooperativeScalarType::I32 => "i32",
        wgpu::CooperativeScalarType::U32 => "u32",
    }
}

/// The GPUs that `wanted` names by index, PCI address, or part of the name; without it the first with memory of its own, else the
/// first that is no software, else the first.
///
/// # Errors
/// When there is none, or none of that name.
pub fn choose(adapters: &[Adapter], wanted: Option<&str>) -> Result<usize, BenchError> {
    if adapters.is_empty() {
        return Err(BenchError::NoAdapter);
    }
    let Some(wanted) = wanted else {
        let rank = |adapter: &Adapter| match adapter.kind {
            Kind::Discrete => 0,
            Kind::Virtual => 1,
            Kind::Integrated => 2,
            Kind::Unknown => 3,
            Kind::Software => 4,
        };
        return Ok(adapters.iter().min_by_key(|adapter| (rank(adapter), adapter.index)).map_or(0, |adapter| adapter.index));
    };
    let lower = wanted.to_lowercase();
    // Drivers write the PCI domain with four or eight digits, tools leave it out: the end is compared.
    let pci = |adapter: &Adapter| {
        let address = adapter.pci_bus_id.to_lowercase();
        lower.contains(':') && !address.is_empty() && (address.ends_with(&lower) || lower.ends_with(&address))
    };
    let found = adapters
        .iter()
        .find(|adapter| wanted.parse() == Ok(adapter.index))
        .or_else(|| adapters.iter().find(|adapter| pci(adapter)))
        .or_else(|| adapters.iter().find(|adapter| adapter.name.to_lowercase().contains(&lower)));
    found.map(|adapter| adapter.index).ok_or_else(|| BenchError::NoSuchAdapter {
        wanted: wanted.to_owned(),
        have: adapters.iter().map(|adapter| format!("{} {}", adapter.index, adapter.name)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_goes_by_index_name_or_address_and_hardware_comes_first() {
        let adapter = |index, name: &str, kind, pci: &str| Adapter {
            index,
            name: name.into(),
            kind,
            pci_bus_id: pci.into(),
            ..Adapter::default()
        };
        let all = [
            adapter(0, "llvmpipe", Kind::Software, ""),
            adapter(1, "Intel Arc", Kind::Integrated, "0000:00:02.0"),
            adapter(2, "NVIDIA H200", Kind::Discrete, "0000:1b:00.0"),
        ];
        assert_eq!(choose(&all, None), Ok(2));
        assert_eq!(choose(&all[..1], None), Ok(0));
        assert_eq!(choose(&all, Some("0")), Ok(0));
        assert_eq!(choose(&all, Some("h200")), Ok(2));
        assert_eq!(choose(&all, Some("1B:00.0")), Ok(2));
        assert_eq!(choose(&all, Some("00000000:00:02.0")).ok(), Some(1));
        assert!(matches!(choose(&all, Some("mi300")), Err(BenchError::NoSuchAdapter { .. })));
        assert_eq!(choose(&[], None), Err(BenchError::NoAdapter));
    }
}
