//! The kernels of a stage, one by one: what an explanation of the compute time lists.

use std::collections::BTreeMap;

use super::Setup;
use super::kernel::Pass;
use crate::model::{Kernel, LayerKind, Operator, embedding_operators, head_operators, layer_operators};
use crate::parallel::Strategy;
use crate::units::Seconds;

/// The kernels of one operator, timed.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorTime {
    /// The operator.
    pub name: &'static str,
    /// Forward kernels.
    pub forward: Seconds,
    /// Backward kernels.
    pub backward: Seconds,
    /// What the forward kernels are and what sets their time.
    pub equation: String,
}

impl Setup<'_> {
    /// The kernels of one microbatch on a stage, by sort of layer: name, how many of them, operators. Recomputation is left out.
    #[must_use]
    pub fn operator_times(&self, strategy: &Strategy, stage: u32) -> Vec<(String, u32, Vec<OperatorTime>)> {
        let shard = self.shard(strategy);
        let timed =
            |operators: Vec<Operator>| -> Vec<OperatorTime> { operators.iter().map(|o| self.operator_time(o)).collect() };
        let split = self.slice_layers(strategy);
        let placement = strategy.schedule.placement();
        let chunks = strategy.schedule.chunks().unwrap_or(strategy.vp);
        let held: Vec<u32> = (0..chunks).map(|chunk| placement.slice(strategy.pp, stage, chunk)).collect();
        let last = split.len() as u32 - 1;
        let mut counts: BTreeMap<(LayerKind, Option<u32>), u32> = BTreeMap::new();
        let mut first = 0;
        for (chunk, layers) in split.iter().enumerate() {
            for index in (first..first + layers).filter(|_| held.contains(&(chunk as u32))) {
                *counts.entry((self.model.layer_kind(index), self.model.window(index))).or_default() += 1;
            }
            first += layers;
        }
        let mut out = Vec::new();
        if held.contains(&0) {
            out.push(("embedding".to_owned(), 1, timed(embedding_operators(&self.model, &shard))));
        }
        for ((kind, window), count) in counts {
            let name = match (kind, window) {
                (LayerKind::Dense, None) => "layer".to_owned(),
                (LayerKind::Moe, None) => "expert layer".to_owned(),
                (LayerKind::Dense, Some(window)) => format!("layer with a window of {window}"),
                (LayerKind::Moe, Some(window)) => format!("expert layer with a window of {window}"),
            };
            out.push((name, count, timed(layer_operators(&self.model, kind, window, &shard))));
        }
        if held.contains(&last) {
            out.push(("output layer".to_owned(), 1, timed(head_operators(&self.model, &shard))));
        }
        out
    }

    fn operator_time(&self, operator: &Operator) -> OperatorTime {
        let time = |kernels: &[Kernel], pass| kernels.iter().map(|kernel| self.device.time(kernel, pass)).sum::<Seconds>();
        let kernels: Vec<String> = operator.forward.iter().map(|kernel| self.device.describe(kernel)).collect();
        OperatorTime {
            name: operator.name,
            forward: time(&operator.forward, Pass::Forward),
            backward: time(&operator.input_gradient, Pass::Backward) + time(&operator.weight_gradient, Pass::Backward),
            equation: format!("forward and backward; forward: {}", kernels.join("; ")),
        }
    }
}
