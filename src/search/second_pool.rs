//! The second pool of a job whose pipeline runs over two: how many layers go to each.

use crate::parallel::{Seam, Strategy};
use crate::step::Setup;

/// Ways of dealing layers on either side of the even load that are tried, for each pool.
const NEAR: i64 = 2;

/// The second pool.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondPool {
    /// Accelerators.
    pub gpus: u32,
    /// Accelerators of one scale-up domain.
    pub domain: u32,
    /// Time of the model on one rank of the first pool over that on one of this, by powers of two of the tensor-parallel degree.
    pub slower: Vec<f64>,
}

impl SecondPool {
    /// That of a job, if it has one.
    #[must_use]
    pub fn of(setup: &Setup<'_>) -> Option<Self> {
        let second = setup.second.as_deref()?;
        let domain = setup.pool.domain().min(second.pool.domain());
        let time = |own: &Setup<'_>, tp: u32| {
            let sp = tp > 1;
            own.costs(&Strategy { tp, sp, etp: tp, ..Strategy::default() }).spent(0).total()
        };
        let slower = (0..=domain.ilog2()).map(|power| time(setup, 1 << power) / time(second, 1 << power)).collect();
        Some(Self { gpus: second.pool.gpus(), domain: second.pool.domain(), slower })
    }

    /// Layers for the first pool that make the stages of both take about as long: those that fill the slices of one pool evenly, around
    /// the even load.
    pub(super) fn seams(&self, s: &Strategy, layers: u32) -> impl Iterator<Item = Seam> + use<> {
        let each = i64::from(s.schedule.slices(1, s.vp).max(1));
        let [first, second] = [0, 1].map(|side| i64::from(s.on_side(side).pp.max(1)));
        let slower = self.slower.get(s.tp.max(1).ilog2() as usize).or(self.slower.last()).copied().unwrap_or(1.0);
        let all = i64::from(layers);
        let even = all as f64 * first as f64 / (first as f64 + second as f64 * slower);
        let around = |of: f64, unit: i64| {
            let below = (of / unit as f64).floor() as i64;
            (below + 1 - NEAR..=below + NEAR).map(move |n| n * unit)
        };
        let mut dealt: Vec<i64> = around(even, first * each)
            .chain(around(all as f64 - even, second * each).map(|behind| all - behind))
            .filter(|layers| (1..all).contains(layers))
            .collect();
        if dealt.is_empty() {
            dealt.push((even.round() as i64).clamp(1, (all - 1).max(1)));
        }
        dealt.sort_unstable();
        dealt.dedup();
        let stages = s.seam.map_or(0, |seam| seam.stages);
        dealt.into_iter().map(move |layers| Seam { stages, layers: layers as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ScheduleKind;

    #[test]
    fn layers_go_where_they_take_as_long() {
        let twice = SecondPool { gpus: 64, domain: 8, slower: vec![0.5, 1.0] };
        let plain = Strategy { pp: 3, seam: Some(Seam { stages: 1, layers: 0 }), ..Strategy::default() };
        let layers = |s: &Strategy, layers| twice.seams(s, layers).map(|seam| seam.layers).collect::<Vec<_>>();
        // One stage twice as fast as each of two: half of the layers, or near that.
        assert_eq!(layers(&plain, 32), [12, 14, 15, 16, 17, 18]);
        // As fast as them with tensor parallelism: a third.
        assert_eq!(layers(&Strategy { tp: 2, ..plain }, 32), [8, 9, 10, 11, 12, 14]);
        // Slices of two chunks a stage: even numbers for the first pool, fours for the second.
        let looped = Strategy { vp: 2, schedule: ScheduleKind::Interleaved, ..plain };
        assert_eq!(layers(&looped, 32), [8, 12, 14, 16, 18, 20]);
        assert_eq!(layers(&plain, 2), [1]);
    }
}
