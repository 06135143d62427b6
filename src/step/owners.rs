//! ZeRO-1 as `InternEvo` has it: every rank updates whole tensors and broadcasts them, instead of equal slices that are gathered.

use super::collective::Communicator;
use super::layer::Groups;
use crate::calibration::Operation;
use crate::model::Count;
use crate::parallel::Strategy;
use crate::units::{Bytes, Seconds};

/// Tensors of a layer: query, key and value in one, output, gate, up and down projection, two norms.
const TENSORS: u32 = 7;

impl Groups {
    /// Times of passing on the weights of `layers`, of `weight` bytes a parameter, and of summing their gradients, of `gradient` bytes.
    ///
    /// What each owner has updated it broadcasts to its copy's ranks, one owner after the other (`hybrid_zero_optim.py`,
    /// `broadcast_params`). A broadcast passes along a chain of the ranks, as a gather of as many bytes does, and pays its latency for
    /// itself: over hundreds of ranks that is as much as the bytes. There are no more owners than tensors. Gradients are summed whole,
    /// over all ranks and copies (`_reduce_and_copy`).
    pub(super) fn by_owners(&self, s: &Strategy, held: &Count, layers: u32, [weight, gradient]: [f64; 2]) -> [Seconds; 2] {
        let broadcast = |parameters: f64, shards: &Communicator| {
            let owners = f64::from(shards.ranks().min(layers * TENSORS).max(1));
            shards.time(Operation::AllGather, Bytes::new(parameters * weight / owners)) * owners
        };
        let [dense, expert] = Self::held(s, held);
        [
            broadcast(dense, &self.shards) + broadcast(expert, &self.expert_shards),
            self.reduce_scatter(s, held, gradient) + self.gather(s, held, gradient),
        ]
    }
}
