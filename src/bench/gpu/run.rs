//! A GPU that runs kernels: pipelines, submissions, timestamps, and waits that end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::buffers::Filler;
use super::list::{Gpus, wanted};
use super::trusted::{self, Checks};
use crate::bench::result::Verdict;
use crate::bench::{Adapter, BenchError, Device, Kernel, Timing, verify};

/// Longest wait for one submission. Kernels are sized for a quarter of a second; drivers on the CPU compile at the first.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A GPU that is open.
pub struct Gpu {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) filler: Filler,
    adapter: Adapter,
    checks: Checks,
    clock: Option<Clock>,
    lost: Arc<Mutex<Option<String>>>,
    loaded: Option<Loaded>,
}

/// Timestamps of the begin and end of a pass.
struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    period_ns: f64,
}

/// Bytes of two timestamps.
const STAMPS: u64 = 16;

struct Loaded {
    kernel: Kernel,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    buffers: Vec<wgpu::Buffer>,
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("adapter", &self.adapter).finish_non_exhaustive()
    }
}

impl Gpu {
    /// Opens a GPU of the list.
    ///
    /// # Errors
    /// When the driver refuses.
    pub fn open(gpus: &Gpus, index: usize, checks: Checks) -> Result<Self, BenchError> {
        let (adapter, described) = gpus.all.get(index).zip(gpus.adapters().get(index)).ok_or(BenchError::NoAdapter)?;
        let features = adapter.features() & wanted();
        let request = adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("planner bench"),
            required_features: features,
            // The defaults are what every browser has: 128 MiB a binding. All that there is, instead.
            required_limits: adapter.limits(),
            experimental_features: trusted::experimental(features),
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            trace: wgpu::Trace::Off,
        });
        let (device, queue) = pollster::block_on(request).map_err(|error| BenchError::NotOpened(error.to_string()))?;
        let lost = Arc::new(Mutex::new(None));
        let keep = |lost: &Arc<Mutex<Option<String>>>| {
            let lost = Arc::clone(lost);
            move |message: String| {
                lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
            }
        };
        let on_lost = keep(&lost);
        device.set_device_lost_callback(move |reason, message| {
            // A device that is closed in order is also said to be lost.
            if reason != wgpu::DeviceLostReason::Destroyed {
                on_lost(message);
            }
        });
        let on_error = keep(&lost);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| on_error(error.to_string())));
        let clock = described.timestamps.then(|| Clock::new(&device, &queue));
        let mut adapter = described.clone();
        adapter.timestamp_period_ns = clock.as_ref().map_or(0.0, |clock| clock.period_ns);
        Ok(Self { filler: Filler::new(&device), device, queue, adapter, checks, clock, lost, loaded: None })
    }

    /// Waits for a submission, but not for ever.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<(), BenchError> {
        let waited = self.device.poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(LONGEST_WAIT) });
        if let Some(message) = self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(BenchError::Lost(message));
        }
        match waited {
            Ok(_) => Ok(()),
            Err(wgpu::PollError::Timeout) => Err(BenchError::Timeout { seconds: LONGEST_WAIT.as_secs() }),
            Err(error) => Err(BenchError::Lost(error.to_string())),
        }
    }

    /// Runs `make` and says what it did wrong: memory, validation, or the driver.
    fn guarded<T>(&self, make: impl FnOnce() -> T) -> Result<T, BenchError> {
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let made = make();
        let refused = pollster::block_on(validation.pop());
        let full = pollster::block_on(memory.pop());
        let broken = pollster::block_on(internal.pop());
        match (full, refused, broken) {
            (None, None, None) => Ok(made),
            (Some(error), _, _) => Err(BenchError::OutOfMemory(error.to_string())),
            (None, Some(error), _) | (None, None, Some(error)) => Err(BenchError::Refused(error.to_string())),
        }
    }

    fn pipeline(&self, kernel: &Kernel) -> (wgpu::BindGroupLayout, wgpu::ComputePipeline) {
        let entries: Vec<wgpu::BindGroupLayoutEntry> = (0u32..)
            .zip(&kernel.buffers)
            .map(|(binding, buffer)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Storage { read_only: !buffer.written },
                    has_dynamic_offset: kernel.windows > 1,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let constants: Vec<(&str, f64)> = kernel.constants.iter().map(|(name, value)| (*name, f64::from(*value))).collect();
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&kernel.name),
            layout: Some(&pipeline_layout),
            module: &trusted::module(&self.device, &kernel.name, &kernel.source, self.checks),
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        (layout, pipeline)
    }

    fn submit(&self, loaded: &Loaded, dispatches: u32) -> wgpu::SubmissionIndex {
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let stamps = self.clock.as_ref().map(|clock| wgpu::ComputePassTimestampWrites {
                query_set: &clock.queries,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            });
            let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes: stamps };
            let mut pass = encoder.begin_compute_pass(&descriptor);
            pass.set_pipeline(&loaded.pipeline);
            let [x, y, z] = loaded.kernel.groups;
            let windows = loaded.kernel.windows;
            pass.set_bind_group(0, &loaded.group, &loaded.offsets(0));
            // All dispatches write to the same buffers, so each waits for the one before: none overlap.
            for dispatch in 0..dispatches {
                if windows > 1 {
                    pass.set_bind_group(0, &loaded.group, &loaded.offsets(dispatch % windows));
                }
                pass.dispatch_workgroups(x, y, z);
            }
        }
        if let Some(clock) = &self.clock {
            encoder.resolve_query_set(&clock.queries, 0..2, &clock.resolved, 0);
            encoder.copy_buffer_to_buffer(&clock.resolved, 0, &clock.staging, 0, STAMPS);
        }
        self.queue.submit([encoder.finish()])
    }
}

impl Loaded {
    /// Where the buffers begin at a window.
    fn offsets(&self, window: u32) -> Vec<u32> {
        if self.kernel.windows == 1 {
            return Vec::new();
        }
        self.kernel.buffers.iter().map(|buffer| buffer.bytes as u32 * window).collect()
    }
}

impl Clock {
    fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor { label: None, size: STAMPS, usage, mapped_at_creation: false })
        };
        Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            staging: buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST),
            period_ns: f64::from(queue.get_timestamp_period()),
        }
    }

    /// Seconds between the two timestamps that were read back.
    fn seconds(&self, bytes: &[u8]) -> f64 {
        let ticks =
            |from: usize| bytes.get(from..from + 8).and_then(|eight| eight.try_into().ok()).map_or(0, u64::from_le_bytes);
        ticks(8).wrapping_sub(ticks(0)) as f64 * self.period_ns * 1e-9
    }
}

impl Device for Gpu {
    fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    fn load(&mut self, kernel: &Kernel) -> Result<(), BenchError> {
        // Memory of the kernel before goes first; the device frees it when it is next polled.
        if let Some(before) = self.loaded.take() {
            before.buffers.iter().for_each(wgpu::Buffer::destroy);
            let _ = self.device.poll(wgpu::PollType::Poll);
        }
        let (layout, pipeline) = self.guarded(|| self.pipeline(kernel))?;
        let buffers = self.guarded(|| self.buffers(kernel))?;
        let group = self.guarded(|| {
            let entries: Vec<wgpu::BindGroupEntry<'_>> = (0u32..)
                .zip(buffers.iter().zip(&kernel.buffers))
                .map(|(binding, (buffer, written))| wgpu::BindGroupEntry {
                    binding,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer,
                        offset: 0,
                        size: std::num::NonZeroU64::new(written.bytes),
                    }),
                })
                .collect();
            self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries: &entries })
        })?;
        self.loaded = Some(Loaded { kernel: kernel.clone(), pipeline, group, buffers });
        Ok(())
    }

    fn run(&mut self, dispatches: u32) -> Result<Timing, BenchError> {
        let Some(loaded) = &self.loaded else { return Err(BenchError::Refused("nothing is loaded".to_owned())) };
        let begin = Instant::now();
        let submission = self.guarded(|| self.submit(loaded, dispatches))?;
        let device_s = match &self.clock {
            None => {
                self.wait(submission)?;
                None
            }
            Some(clock) => Some(self.mapped(&clock.staging, submission, |bytes| clock.seconds(bytes))?),
        };
        Ok(Timing { device_s, host_s: begin.elapsed().as_secs_f64() })
    }

    fn verify(&mut self) -> Result<Verdict, BenchError> {
        let Some(loaded) = &self.loaded else { return Err(BenchError::Refused("nothing is loaded".to_owned())) };
        verify::verify(&loaded.kernel, &mut |buffer, range| {
            let buffer = loaded.buffers.get(buffer).ok_or_else(|| BenchError::Refused(format!("no buffer {buffer}")))?;
            self.read(buffer, range)
        })
    }
}
