//! Closed forms of the bubble, where they hold: what the simulation is tested against.

use super::{Kind, Pipeline, Times};

/// Idle time of a stage in a step in which all chunks take as long and transfers take no time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bubble {
    /// Of the stage with the longest span, between its first and its last turn. This is what papers on zero bubble give: the next
    /// step of a stage follows at once.
    pub stage: f64,
    /// Of the same stage in a step that begins and ends for all stages at once, as one does that synchronises them.
    pub step: f64,
}

impl Bubble {
    const fn both(bubble: f64) -> Self {
        Self { stage: bubble, step: bubble }
    }
}

impl Pipeline {
    /// The bubble in closed form; nothing where none is known to hold. `pair` is the time F&B of an overlapped forward and
    /// backward pass, which only `DualPipe` and `DualPipeV` have.
    ///
    /// F, B and W are the times of a chunk, not of a stage:
    ///
    /// | schedule | bubble of the stage | of the step | holds for |
    /// |---|---|---|---|
    /// | GPipe, 1F1B, interleaved | (p − 1)(F + B + W) | the same | all |
    /// | breadth-first | (p − 1)(F + B + W) | the same | m ≥ p |
    /// | ZB-H1 | (p − 1)(F + B − min(F, W)) | (p − 1)(F + B − min(F, B, W)) | m ≥ p |
    /// | ZB-H2 | (p − 1) max(0, F + B − 2 min(F, W)) | (p − 1) max(F, F + B − 2 min(F, W)) | m ≥ 2p − 1 |
    /// | ZB-V | (p − 1)(2B − 2W) | (p − 1) max(B, 2B − 2W) | m ≥ 2p − 1, B ≥ F ≥ W |
    ///
    /// and for `DualPipe` with n = p/2, for `DualPipeV` with n = p, where W is no longer than F and B, and F&B no shorter than F and
    /// B + W, both are (n − 1)(2F + B − W) + max(0, (n − 1)(B − F) − F) + max(0, 2n − 3)(F&B − F − B − W).
    ///
    /// The papers give (p − 1)(F + B − W) for ZB-H1 and (p − 1)(F + B − 2W) for ZB-H2, which is the same where W ≤ F and 2W ≤ F + B;
    /// none for ZB-V where F = B = W; and (n − 1)(F&B + B + W − 3W) for `DualPipe` and `DualPipeV`, which is the same where F = B ≥ W
    /// and F&B = F + B + W. The rest was found by simulation, and is tested against it.
    #[must_use]
    pub fn bubble(&self, pair: f64) -> Option<Bubble> {
        self.rule().ok()?;
        let Times { forward: f, input_gradient: b, weight_gradient: w, transfer } = self.times;
        let (p, m) = (self.stages, self.microbatches);
        if transfer != 0.0 {
            return None;
        }
        let beside = f64::from(p - 1);
        match self.kind {
            Kind::Gpipe | Kind::OneForwardOneBackward | Kind::Interleaved => Some(Bubble::both(beside * self.times.work())),
            Kind::BreadthFirst => (m >= p).then(|| Bubble::both(beside * self.times.work())),
            Kind::ZbH1 => {
                (m >= p).then(|| Bubble { stage: beside * (f + b - f.min(w)), step: beside * (f + b - f.min(b).min(w)) })
            }
            Kind::ZbH2 => (m >= 2 * p - 1).then(|| {
                let left = f + b - 2.0 * f.min(w);
                Bubble { stage: beside * left.max(0.0), step: beside * left.max(f) }
            }),
            Kind::ZbV => (m >= 2 * p - 1 && b >= f && f >= w).then(|| {
                let left = 2.0 * (b - w);
                Bubble { stage: beside * left, step: beside * left.max(b) }
            }),
            Kind::ZbAuto | Kind::Own(_) => None,
            Kind::DualPipe => dual(p / 2, &self.times, pair),
            Kind::DualPipeV => dual(p, &self.times, pair),
        }
    }
}

/// The bubble of the stages at the ends, with `half` stages to the turning point.
fn dual(half: u32, times: &Times, pair: f64) -> Option<Bubble> {
    let Times { forward: f, input_gradient: b, weight_gradient: w, .. } = *times;
    let holds = f >= w && b >= w && pair >= f && pair >= b + w;
    let beside = f64::from(half - 1);
    let overlap = (2.0 * f64::from(half) - 3.0).max(0.0) * (pair - times.work());
    holds.then(|| Bubble::both(beside * (2.0 * f + b - w) + (beside * (b - f) - f).max(0.0) + overlap))
}
