//! Fair share of several queues.

use super::Policy;
use super::rules::{Shadow, by};
use crate::fleet::placement::Placer;
use crate::fleet::{Job, Moment, State};

/// Time after which what a queue has had counts half: that of Slurm's multifactor priority, `PriorityDecayHalfLife`.
const HALF_LIFE: Moment = Moment::from_secs(7 * 86_400);

/// The queue that had the least GPU time for its weight goes first, in each queue the first to arrive. When that one does not fit it is
/// promised a start, and gaps are filled from all queues, the least served first.
///
/// A job is charged what it is believed to use when it starts. Old charges fade: instead of making all of them smaller as time goes
/// by, new ones are made larger, which orders the queues alike.
pub(super) struct FairShare {
    weights: Vec<f64>,
    charged: Vec<f64>,
}

impl FairShare {
    pub(super) fn new(weights: &[f64]) -> Self {
        Self { weights: weights.to_vec(), charged: vec![0.0; weights.len()] }
    }

    /// Queues where jobs wait, the least served first.
    fn order<P: Placer>(&self, state: &State<'_, P>) -> Vec<usize> {
        let mut queues: Vec<usize> = (0..state.queues.len()).filter(|queue| !state.queues[*queue].is_empty()).collect();
        queues.sort_by(|a, b| self.served(*a).total_cmp(&self.served(*b)).then(a.cmp(b)));
        queues
    }

    fn served(&self, queue: usize) -> f64 {
        self.charged[queue] / self.weights[queue]
    }

    fn charge<P: Placer>(&mut self, state: &State<'_, P>, queue: usize, job: u32) {
        let gpus = state.allocation(job).map_or(0, |held| held.gpus);
        let growth = (state.now().secs() / HALF_LIFE.secs()).exp2();
        self.charged[queue] += f64::from(gpus) * state.estimate(job).secs() * growth;
    }
}

impl<P: Placer> Policy<P> for FairShare {
    fn order(&self, jobs: &[Job], _: &[Moment]) -> Vec<u32> {
        by(jobs, |_| ())
    }

    fn lets_pass(&self) -> bool {
        true
    }

    fn looks_ahead(&self) -> bool {
        true
    }

    fn by_queue(&self) -> bool {
        true
    }

    fn pass(&mut self, state: &mut State<'_, P>) {
        let blocked = loop {
            let Some(queue) = FairShare::order(self, state).first().copied() else { return };
            let Some(head) = state.queues[queue].first() else { return };
            if !state.start(head) {
                break head;
            }
            self.charge(state, queue, head);
        };
        let mut shadow = Shadow::of(state, blocked);
        let mut passed: Vec<Option<u32>> = vec![None; state.queues.len()];
        loop {
            let queues = FairShare::order(self, state);
            let next = queues.into_iter().find_map(|q| shadow.next(state, q, passed[q]).map(|job| (q, job)));
            let Some((queue, job)) = next else { return };
            if job != blocked && shadow.start(state, job) {
                self.charge(state, queue, job);
            }
            passed[queue] = Some(job);
        }
    }
}
