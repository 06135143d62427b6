//! The kernels of a stage, one by one: what an explanation of the compute time lists.

use std::collections::BTreeMap;

use super::Setup;
use super::kernel::Pass;
use super::layer_kernels::accumulation;
use crate::model::{Kernel, LayerKind, Operator, embedding_operators, head_operators, layer_operators};
use crate::parallel::Strategy;
use crate::units::Seconds;

/// The kernels of one operator, timed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperatorTime {
    /// The operator.
    pub name: &'static str,
    /// Forward kernels.
    pub forward: Seconds,
    /// Backward kernels.
    pub backward: Seconds,
    /// Of both, the kernels that wait for memory.
    pub memory_bound: Seconds,
    /// What the forward kernels are and what sets their time.
    pub equation: String,
}

/// What work of the host is called.
const HOST_NAME: &str = "host";

const ISSUE: &str = "kernels that the host issues more slowly than they run (calibration: issue)";
const HOST: &str = "synchronisation and slow issue, forward and backward (calibration: layer, route, issue)";
const TURN: &str = "work of the host for one forward and one backward pass (calibration: turn)";

/// The time of a stage's kernels by what they wait for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Roofs {
    /// Arithmetic.
    pub math: Seconds,
    /// Memory.
    pub memory: Seconds,
    /// The host.
    pub host: Seconds,
}

impl Roofs {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.math + self.memory + self.host
    }
}

impl Setup<'_> {
    /// What the kernels of one microbatch on a stage wait for. Recomputation is left out.
    #[must_use]
    pub fn roofs(&self, strategy: &Strategy, stage: u32) -> Roofs {
        let mut roofs = Roofs::default();
        for (_, count, operators) in self.operator_times(strategy, stage) {
            for operator in operators {
                let time = (operator.forward + operator.backward) * f64::from(count);
                let memory = operator.memory_bound * f64::from(count);
                if operator.name == HOST_NAME {
                    roofs.host += time;
                } else {
                    roofs.memory += memory;
                    roofs.math += time - memory;
                }
            }
        }
        roofs
    }

    /// The kernels of one microbatch on a stage, by sort of layer: name, how many of them, operators. Recomputation is left out.
    #[must_use]
    pub fn operator_times(&self, strategy: &Strategy, stage: u32) -> Vec<(String, u32, Vec<OperatorTime>)> {
        let shard = self.shard(strategy);
        let factors = &self.device.factors;
        let timed = |operators: Vec<Operator>, host: Seconds, why: &str| -> Vec<OperatorTime> {
            let mut times: Vec<OperatorTime> = operators.iter().map(|o| self.operator_time(o)).collect();
            let waits = host + self.issue_waits(&operators, &times);
            if waits > Seconds::ZERO {
                times.push(OperatorTime {
                    name: HOST_NAME,
                    forward: waits,
                    equation: why.to_owned(),
                    ..OperatorTime::default()
                });
            }
            times
        };
        let split = self.slice_layers(strategy);
        let placement = strategy.schedule.placement();
        let chunks = strategy.chunks();
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
            out.push(("embedding".to_owned(), 1, timed(embedding_operators(&self.model, &shard), Seconds::ZERO, ISSUE)));
        }
        for ((kind, window), count) in counts {
            let name = match (kind, window) {
                (LayerKind::Dense, None) => "layer".to_owned(),
                (LayerKind::Moe, None) => "expert layer".to_owned(),
                (LayerKind::Dense, Some(window)) => format!("layer with a window of {window}"),
                (LayerKind::Moe, Some(window)) => format!("expert layer with a window of {window}"),
            };
            let routing = if kind == LayerKind::Moe { factors.route } else { Seconds::ZERO };
            out.push((
                name,
                count,
                timed(layer_operators(&self.model, kind, window, &shard), (factors.layer + routing) * 2.0, HOST),
            ));
        }
        if held.contains(&last) {
            out.push(("output layer".to_owned(), 1, timed(head_operators(&self.model, &shard), Seconds::ZERO, ISSUE)));
        }
        let turn = self.turn(strategy);
        if turn > Seconds::ZERO {
            let turn = OperatorTime {
                name: HOST_NAME,
                forward: turn,
                backward: turn,
                equation: TURN.to_owned(),
                ..OperatorTime::default()
            };
            out.push(("pipeline turn".to_owned(), chunks, vec![turn]));
        }
        out
    }

    /// How much longer the host takes to issue kernels than they run, forward and backward.
    fn issue_waits(&self, operators: &[Operator], times: &[OperatorTime]) -> Seconds {
        let issue = |count: &dyn Fn(&Operator) -> usize| {
            self.device.factors.issue * operators.iter().map(|o| count(o) as f64 * o.launches).sum::<f64>()
        };
        let forward: Seconds = times.iter().map(|time| time.forward).sum();
        let backward: Seconds = times.iter().map(|time| time.backward).sum();
        (issue(&|o| o.forward.len()) - forward).max(Seconds::ZERO)
            + (issue(&|o| o.input_gradient.len() + o.weight_gradient.len()) - backward).max(Seconds::ZERO)
    }

    fn operator_time(&self, operator: &Operator) -> OperatorTime {
        let time = |kernels: &[Kernel], pass| {
            kernels.iter().map(|kernel| self.device.time_in(operator.part, kernel, pass)).sum::<Seconds>()
        };
        let memory = |kernels: &[Kernel], pass| {
            let waits = kernels.iter().filter(|kernel| self.device.is_memory_bound(kernel, pass));
            waits.map(|kernel| self.device.time_in(operator.part, kernel, pass)).sum::<Seconds>()
        };
        let added = accumulation(operator, &self.device, &self.computation);
        let kernels: Vec<String> = operator.forward.iter().map(|kernel| self.device.describe(kernel)).collect();
        OperatorTime {
            name: operator.name,
            forward: time(&operator.forward, Pass::Forward),
            backward: time(&operator.input_gradient, Pass::Backward) + time(&operator.weight_gradient, Pass::Backward) + added,
            memory_bound: memory(&operator.forward, Pass::Forward)
                + memory(&operator.input_gradient, Pass::Backward)
                + memory(&operator.weight_gradient, Pass::Backward)
                + added,
            equation: format!("forward and backward; forward: {}", kernels.join("; ")),
        }
    }
}
