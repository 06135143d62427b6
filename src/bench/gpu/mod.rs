//! A GPU through wgpu: Vulkan, Metal or DirectX 12.

mod buffers;
mod list;
mod run;
mod trusted;

pub use list::{Gpus, choose};
pub use run::Gpu;
pub use trusted::Checks;
