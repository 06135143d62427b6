//! What users write: cluster, workload and portfolio files, checked and resolved against the catalogue.
//!
//! `*_file.rs` are the YAML files as they stand, from which the JSON Schema, the editors' help and the YAML reference are
//! derived; `cluster.rs` and `workload.rs` are what they mean. This room knows `yaml`, `catalog` and `units`; it knows nothing
//! of time or layouts.

mod arrangement;
mod carbon;
mod cluster;
mod cluster_file;
mod computation;
mod cost;
mod cost_file;
mod dependencies;
pub mod examples;
mod huggingface;
mod kind;
mod names;
mod networks;
mod networks_file;
mod numerics;
mod owned;
mod portfolio;
mod portfolio_file;
pub mod power_cap;
mod reliability;
mod resolve_cluster;
mod resolve_cost;
mod resolve_purchase;
mod schedule_kind;
mod software;
mod storage;
mod workload;
mod workload_file;

pub use arrangement::{ContextKind, RankOrder};
pub use carbon::GridCarbon;
pub use cluster::{Cluster, Fabric, Pool, Power};
pub use cluster_file::{ClusterFile, FabricKind, Redundancy};
pub use computation::{Computation, Graphs};
pub use cost::{Cost, Electricity, Facility, Known, PricePath, SubsidyTerms};
pub use cost_file::{Component, FinancingFile, Method};
pub use kind::FileKind;
pub use networks::{Network, Networks};
pub use numerics::{AttentionKernel, Precision};
pub use portfolio::{Portfolio, PortfolioJob, PortfolioWork, Size};
pub use portfolio_file::{PortfolioFile, PortfolioJobFile};
pub use power_cap::GpuCap;
pub use reliability::{CheckpointStorage, Fleet, Reliability};
pub use schedule_kind::{Placement, ScheduleKind};
pub use software::Software;
pub use storage::{Loss, Modules, Storage, Tensors};
pub use workload::{Job, Read, Workload};
pub use workload_file::{JobFile, ModelRef, Parallelism, ParallelismRef, Recompute, WorkloadFile};
