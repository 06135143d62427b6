//! Buffers of a kernel: made, filled, and read back.

use std::ops::Range;
use std::sync::mpsc;

use super::run::Gpu;
use super::trusted;
use crate::bench::{BenchError, Buffer, Fill, Kernel};

/// The kernel that fills buffers with random words.
pub(super) struct Filler {
    pipeline: wgpu::ComputePipeline,
}

/// Groups that fill at most.
const FILLERS: u64 = 1024;

impl Filler {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let module = trusted::module(device, "fill", include_str!("../../../shaders/fill.wgsl"), trusted::Checks::Off);
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("fill"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        Self { pipeline }
    }
}

impl Gpu {
    /// Makes and fills the buffers of a kernel, all windows of each.
    pub(super) fn buffers(&self, kernel: &Kernel) -> Vec<wgpu::Buffer> {
        kernel.buffers.iter().map(|buffer| self.buffer(buffer, kernel.windows)).collect()
    }

    fn buffer(&self, buffer: &Buffer, windows: u32) -> wgpu::Buffer {
        let bytes = buffer.bytes * u64::from(windows);
        let made = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        match &buffer.fill {
            Fill::Words(words) => {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                self.queue.write_buffer(&made, 0, &bytes);
            }
            Fill::Random { seed, pattern } => {
                self.fill(&made, bytes, [*seed, pattern.mask(), pattern.ones(), (bytes / 16) as u32]);
            }
            // wgpu clears a buffer that was never written at its first use, which is in the run that is thrown away.
            Fill::Zeros => {}
        }
        made
    }

    fn fill(&self, buffer: &wgpu::Buffer, bytes: u64, how: [u32; 4]) {
        let how: Vec<u8> = how.iter().flat_map(|word| word.to_le_bytes()).collect();
        let parameters = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 16,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.queue.write_buffer(&parameters, 0, &how);
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.filler.pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: parameters.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: buffer.as_entire_binding() },
            ],
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.filler.pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups((bytes / 16).div_ceil(256).min(FILLERS) as u32, 1, 1);
        }
        self.queue.submit([encoder.finish()]);
    }

    /// Bytes of a buffer.
    pub(super) fn read(&self, buffer: &wgpu::Buffer, range: Range<u64>) -> Result<Vec<u8>, BenchError> {
        let size = range.end - range.start;
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, range.start, &staging, 0, size);
        let submission = self.queue.submit([encoder.finish()]);
        self.mapped(&staging, submission, <[u8]>::to_vec)
    }

    /// What a buffer that is read back holds, once the submission that writes to it is done.
    pub(super) fn mapped<T>(
        &self,
        staging: &wgpu::Buffer,
        submission: wgpu::SubmissionIndex,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, BenchError> {
        let (sender, receiver) = mpsc::channel();
        staging.slice(..).map_async(wgpu::MapMode::Read, move |result| {
            // The receiver lives to the end of this function; if it is gone nobody asks any more.
            let _ = sender.send(result);
        });
        self.wait(submission)?;
        let lost = |why: String| BenchError::Lost(format!("a buffer cannot be read: {why}"));
        receiver.try_recv().map_err(|why| lost(why.to_string()))?.map_err(|why| lost(why.to_string()))?;
        let taken = {
            let view = staging.slice(..).get_mapped_range().map_err(|why| lost(why.to_string()))?;
            take(&view)
        };
        staging.unmap();
        Ok(taken)
    }
}
