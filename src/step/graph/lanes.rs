//! Durations of several layouts that run the same schedule, side by side.

use crate::step::durations::{ChunkTimes, Durations};
use crate::step::schedule::Work;
use crate::units::Seconds;

/// Durations of `L` layouts with as many stages and chunks each, in seconds, so that one instruction serves several of them.
#[derive(Debug, Clone)]
pub struct Lanes<const L: usize> {
    chunks: usize,
    /// By stage and chunk, and by kind of work.
    pub(super) turns: Vec<[[f64; L]; 4]>,
    /// Computation and communication of a forward and of a backward pass, by stage and chunk, for passes that overlap.
    pairs: Vec<[[[f64; L]; 2]; 2]>,
    pub(super) gather: Vec<[f64; L]>,
    pub(super) reduce: Vec<[f64; L]>,
    pub(super) send: Vec<[[f64; L]; 2]>,
    pub(super) pieces: [u32; L],
    pub(super) optimizer: [f64; L],
}

impl<const L: usize> Default for Lanes<L> {
    fn default() -> Self {
        Self {
            chunks: 1,
            turns: Vec::new(),
            pairs: Vec::new(),
            gather: Vec::new(),
            reduce: Vec::new(),
            send: Vec::new(),
            pieces: [1; L],
            optimizer: [0.0; L],
        }
    }
}

impl Lanes<1> {
    /// One layout alone.
    #[must_use]
    pub fn of(durations: &Durations) -> Self {
        let chunks = durations.chunks.first().map_or(1, Vec::len);
        let mut lanes = Self::default();
        lanes.reset(durations.chunks.len(), chunks, true);
        for (stage, all) in durations.chunks.iter().enumerate() {
            for (chunk, times) in all.iter().enumerate() {
                let replicas = [durations.gather[stage][chunk], durations.reduce[stage][chunk]];
                lanes.set_chunk(0, (stage, chunk), times, replicas);
            }
            lanes.set_send(0, stage, durations.send[stage]);
        }
        let optimizer = durations.optimizer.iter().copied().fold(Seconds::ZERO, Seconds::max);
        lanes.set_step(0, durations.pieces, optimizer);
        lanes
    }
}

impl<const L: usize> Lanes<L> {
    /// Empties the lanes for pipelines of `stages` with `chunks` each; `paired` where passes overlap.
    pub fn reset(&mut self, stages: usize, chunks: usize, paired: bool) {
        self.chunks = chunks;
        let all = stages * chunks;
        self.turns.clear();
        self.turns.resize(all, [[0.0; L]; 4]);
        self.pairs.clear();
        self.pairs.resize(if paired { all } else { 0 }, [[[0.0; L]; 2]; 2]);
        for each in [&mut self.gather, &mut self.reduce] {
            each.clear();
            each.resize(all, [0.0; L]);
        }
        self.send.clear();
        self.send.resize(stages, [[0.0; L]; 2]);
        self.pieces = [1; L];
        self.optimizer = [0.0; L];
    }

    /// Times of a chunk of a stage, with the gathering of its weights and the reduction of its gradients.
    pub fn set_chunk(
        &mut self,
        lane: usize,
        (stage, chunk): (usize, usize),
        times: &ChunkTimes,
        [gather, reduce]: [Seconds; 2],
    ) {
        let at = self.at(stage, chunk);
        for work in [Work::Forward, Work::Backward, Work::InputGradient, Work::WeightGradient] {
            self.turns[at][work as usize][lane] = times.of(work).get();
        }
        if let Some(pair) = self.pairs.get_mut(at) {
            let backward = times.recompute + times.input_gradient + times.weight_gradient;
            for (pass, spent) in pair.iter_mut().zip([times.forward, backward]) {
                pass[0][lane] = spent.compute.get();
                pass[1][lane] = (spent.total() - spent.compute).get();
            }
        }
        self.gather[at][lane] = gather.get();
        self.reduce[at][lane] = reduce.get();
    }

    /// Time of sending to the stage behind, and to the one before.
    pub fn set_send(&mut self, lane: usize, stage: usize, send: [Seconds; 2]) {
        for (way, time) in self.send[stage].iter_mut().zip(send) {
            way[lane] = time.get();
        }
    }

    /// Pieces of a chunk's first and last passes, and the slowest stage's optimizer.
    pub fn set_step(&mut self, lane: usize, pieces: u32, optimizer: Seconds) {
        self.pieces[lane] = pieces;
        self.optimizer[lane] = optimizer.get();
    }

    pub(super) fn at(&self, stage: usize, chunk: usize) -> usize {
        stage * self.chunks + chunk
    }

    /// Time of a forward and a backward pass that overlap: see [`overlapped`](crate::step::durations::overlapped).
    pub(super) fn overlapped(&self, stage: usize, forward: usize, backward: usize) -> [f64; L] {
        let (there, back) = (&self.pairs[self.at(stage, forward)][0], &self.pairs[self.at(stage, backward)][1]);
        std::array::from_fn(|lane| (there[0][lane] + back[0][lane]).max(there[1][lane] + back[1][lane]))
    }
}
