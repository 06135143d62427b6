//! Transformer architectures as operators with FLOPs, bytes, parameters and activations.
//!
//! [`Architecture`] is a checked [`catalog::Model`](crate::catalog::Model); [`layer_operators`] lists what one rank runs for one
//! microbatch of one layer. This room knows nothing of clusters, time, or how a job is laid out: a rank's share arrives as a
//! [`Shard`].

mod architecture;
mod attention;
mod feed_forward;
mod flops;
mod generation;
mod keeping;
mod operator;
mod parameters;

pub use architecture::{Architecture, Heads, LayerKind, ModelError};
pub use flops::ModelFlops;
pub use generation::Generation;
pub use keeping::Keeping;
pub use operator::{Kernel, Operator, Part, Saved, Shard};
pub use parameters::Count;

/// What one rank runs for one microbatch of one layer of `kind`, in forward order.
#[must_use]
pub fn layer_operators(model: &Architecture, kind: LayerKind, window: Option<u32>, shard: &Shard) -> Vec<Operator> {
    let mut operators = attention::operators(model, window, shard);
    operators.extend(feed_forward::operators(model, kind, shard));
    operators
}

/// What the rank of the first stage runs before its layers.
#[must_use]
pub fn embedding_operators(model: &Architecture, shard: &Shard) -> Vec<Operator> {
    feed_forward::embedding(model, shard)
}

/// What the rank of the last stage runs behind its layers: final norm, output projection, cross-entropy.
#[must_use]
pub fn head_operators(model: &Architecture, shard: &Shard) -> Vec<Operator> {
    feed_forward::head(model, shard)
}
