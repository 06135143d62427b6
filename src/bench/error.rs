//! Why a GPU could not be measured, and what helps.

/// Why a GPU, or a kernel on it, could not be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BenchError {
    /// No driver offers a GPU.
    #[error("no GPU was found")]
    NoAdapter,
    /// No GPU goes by that index, name or PCI address.
    #[error("no GPU is called `{wanted}`; there are: {}", have.join(", "))]
    NoSuchAdapter {
        /// What was asked for.
        wanted: String,
        /// What there is.
        have: Vec<String>,
    },
    /// The driver refused to open the device.
    #[error("the GPU cannot be opened: {0}")]
    NotOpened(String),
    /// The device was lost: a reset, a fault, or taken out of the system.
    #[error("the GPU was lost: {0}")]
    Lost(String),
    /// There was no memory for a kernel's buffers.
    #[error("out of memory: {0}")]
    OutOfMemory(String),
    /// A submission did not end in time.
    #[error("the GPU did not finish within {seconds} s")]
    Timeout {
        /// Seconds waited.
        seconds: u64,
    },
    /// The driver or the validation refused a kernel.
    #[error("kernel refused: {0}")]
    Refused(String),
    /// A kernel asks for more than the device has.
    #[error("{0}")]
    Unsupported(String),
}

impl BenchError {
    /// Whether nothing more can be run after it.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::NoAdapter | Self::NoSuchAdapter { .. } | Self::NotOpened(_) | Self::Lost(_) | Self::Timeout { .. })
    }

    /// What helps.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoAdapter => {
                "install a Vulkan loader and the GPU's driver (Debian: `libvulkan1`, and the vendor's driver or `mesa-vulkan-drivers`); \
                 in a container pass the GPU with its graphics capability (`NVIDIA_DRIVER_CAPABILITIES=all`), or name the driver's \
                 manifest in `VK_DRIVER_FILES`; docs/bench.md has recipes"
            }
            Self::NoSuchAdapter { .. } => {
                "name one by its index, by a part of its name, or by its PCI address, as `planner bench --list` shows"
            }
            Self::NotOpened(_) => {
                "check that this user may open the device (group `render` or `video`), and that no other process holds it exclusively"
            }
            Self::Lost(_) => {
                "look into the kernel log (`dmesg`, Xid errors of NVIDIA cards); a shorter run (`--quick`) keeps clear of watchdogs"
            }
            Self::OutOfMemory(_) => "free memory of the GPU, or use `--quick`, whose arrays are smaller",
            Self::Timeout { .. } => "another process may hold the GPU; stop it, or try `--quick`, whose kernels are shorter",
            Self::Refused(_) => "a newer driver may take it; the other kernels are measured without it",
            Self::Unsupported(_) => "nothing to do: the device has not what this kernel needs",
        }
    }
}
