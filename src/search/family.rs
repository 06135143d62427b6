//! A family opened: its pipelines by their bound, and of those that could hold something better every layout bounded, its memory
//! counted, and what is left costed. What is looked for is the best layout of the family.

use super::cost::{Coster, Layout};
use super::open::Open;
use super::space::{Family, Space};
use super::wanted::Wanted;
use super::{Account, Kernels, key};
use crate::parallel::{LayerDeal, Strategy};
use crate::spec::{Recompute, ScheduleKind};
use crate::step::{Communicators, Outline, Peak, Pieces, PoolGroups, Setup, Sides};
use crate::units::{Bytes, Seconds};

/// Layouts that are costed before the best is looked at again.
const BATCH: usize = 8;

/// Whether the degrees of a family are legal with its largest microbatch, whatever is open within it.
pub(super) fn is_legal(setup: &Setup<'_>, family: &Family) -> bool {
    let fewest = family.batches.iter().map(|(_, microbatches)| *microbatches).min().unwrap_or(1);
    let plain = Strategy { microbatches: fewest, ..family.degrees };
    setup.rules(&plain).is_empty()
}

/// A score that no layout of the family beats: the kernels of all its microbatches, spread evenly over the stages.
pub(super) fn bound(setup: &Setup<'_>, wanted: &Wanted, family: &Family, kernels: &Kernels) -> f64 {
    let of = |(microbatch, microbatches): &(u32, u32)| {
        let s = Strategy { microbatch: *microbatch, microbatches: *microbatches, ..family.degrees };
        let kernels = &kernels[&key(&s, *microbatch)];
        let stages = [0, 1].map(|side| s.on_side(side).pp);
        let least = match kernels.spread(&setup.sorts, stages) {
            Some(stage) => stage * f64::from(*microbatches),
            None => kernels.of(0).whole(&setup.sorts) * (f64::from(*microbatches) / f64::from(s.pp)),
        };
        wanted.score_of(setup, &s, least)
    };
    family.batches.iter().map(of).fold(f64::INFINITY, f64::min)
}

/// What came of a family.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) account: Account,
    pub(super) best: Option<Layout>,
    /// Of the layouts that do not fit, the one that needs least memory.
    pub(super) nearest: Option<(Strategy, Bytes)>,
}

/// Memory that families use one after the other.
#[derive(Default)]
pub(super) struct Desk {
    coster: Coster,
    outline: Outline,
    /// Layouts of a pipeline that could be the best, by their bound, and their memory.
    waiting: Vec<(f64, Bytes, Strategy)>,
    /// Outlines of those that are costed next.
    outlines: Vec<Outline>,
    times: Vec<Seconds>,
}

/// A search that families are opened in.
pub(super) struct Opener<'a> {
    pub(super) setup: &'a Setup<'a>,
    pub(super) space: &'a Space,
    pub(super) wanted: &'a Wanted,
    pub(super) kernels: &'a Kernels,
    pub(super) communicators: &'a Communicators,
}

/// A pipeline of a family: everything but how replicas share their states.
struct Pipe {
    bound: f64,
    strategy: Strategy,
}

impl Opener<'_> {
    /// Opens a family, in which only what scores `cutoff` or less is of interest.
    pub(super) fn examine(&self, desk: &mut Desk, family: &Family, cutoff: f64) -> Examined {
        let open = self.space.open(family, self.setup.model.layers);
        let mut opened = Opened {
            opener: self,
            shared: Shared {
                setup: self.setup,
                kernels: self.kernels,
                communicators: self.communicators,
                groups: Vec::new(),
                pieces: Vec::new(),
            },
            cutoff,
            found: Examined::default(),
        };
        let pipes = opened.pipes(desk, family, &open);
        let shardings: Vec<(u8, u32, bool)> = opened.legal_shardings(family, &open);
        let refused = (open.shardings.len() - shardings.len()) as u64;
        for pipe in &pipes {
            let all = open.shardings.len() as u64;
            if pipe.bound > opened.limit() {
                opened.found.account.bounded += all;
                continue;
            }
            opened.found.account.illegal += refused;
            opened.costs(desk, &pipe.strategy, &shardings);
        }
        opened.found
    }
}

/// Groups and pieces that the layouts of a family share.
struct Shared<'a> {
    setup: &'a Setup<'a>,
    kernels: &'a Kernels,
    communicators: &'a Communicators,
    groups: Vec<(u32, PoolGroups)>,
    pieces: Vec<(PiecesKey, Sides<Pieces>)>,
}

/// What pieces depend on within a family: microbatch, stage of ZeRO where it talks in every microbatch, copies, overlap.
type PiecesKey = (u32, u8, u32, bool);

impl Shared<'_> {
    fn outline(&mut self, s: &Strategy, outline: &mut Outline) {
        let setup = self.setup;
        let group = self.groups.iter().position(|(copies, _)| *copies == s.zero_replicas).unwrap_or_else(|| {
            self.groups.push((s.zero_replicas, setup.pool_groups_among(s, self.communicators)));
            self.groups.len() - 1
        });
        let groups = &self.groups[group].1;
        let wanted = if s.zero < 2 { (s.microbatch, 0, 1, true) } else { (s.microbatch, s.zero, s.zero_replicas, s.overlap) };
        let piece = self.pieces.iter().rposition(|(key, _)| *key == wanted).unwrap_or_else(|| {
            let kernels = &self.kernels[&key(s, s.microbatch)];
            self.pieces.push((wanted, setup.pool_pieces(s, kernels, groups)));
            self.pieces.len() - 1
        });
        setup.outline(s, &self.pieces[piece].1, groups, outline);
    }
}

struct Opened<'a> {
    opener: &'a Opener<'a>,
    shared: Shared<'a>,
    cutoff: f64,
    found: Examined,
}

impl Opened<'_> {
    /// What a layout must not score more than.
    fn limit(&self) -> f64 {
        let best = self.found.best.as_ref().filter(|_| !self.opener.wanted.exhaustive);
        best.map_or(self.cutoff, |best| best.score.min(self.cutoff))
    }

    /// The score of a layout that takes no less than `least`, where it could be what is looked for.
    fn interest(&self, s: &Strategy, least: Seconds) -> Option<f64> {
        let Opener { setup, wanted, .. } = self.opener;
        let score = wanted.score_of(setup, s, least);
        (score <= self.limit() && wanted.may_do(setup, s, least)).then_some(score)
    }

    fn setup(&self) -> &Setup<'_> {
        self.opener.setup
    }

    /// The pipelines of a family that could hold what is looked for, the one with the lowest bound first.
    fn pipes(&mut self, desk: &mut Desk, family: &Family, open: &Open) -> Vec<Pipe> {
        let each = open.shardings.len() as u64;
        let mut pipes = Vec::new();
        for (microbatch, microbatches) in &family.batches {
            let batch = Strategy { microbatch: *microbatch, microbatches: *microbatches, ..family.degrees };
            for dealt in &open.pipelines {
                let plain = dealt.of(&batch);
                if !self.runs(&plain) {
                    self.found.account.illegal += each * open.recomputes(plain.vp).count() as u64;
                    continue;
                }
                let mut beaten = None;
                for (recompute, recompute_layers) in open.recomputes(plain.vp) {
                    // What computes more again takes no less: than nothing, and of whole layers than fewer, which come first.
                    if beaten.is_some_and(|less| less == Recompute::None || less == recompute) {
                        self.found.account.bounded += each;
                        continue;
                    }
                    let strategy = Strategy { recompute, recompute_layers, ..plain };
                    // Everything divided that can be, everything hidden, no weights in passing: as fast as any sharding.
                    let ideal = Strategy { zero: u8::from(strategy.dp * strategy.cp > 1), overlap: true, ..strategy };
                    self.shared.outline(&ideal, &mut desk.outline);
                    let time = desk.outline.lower_bound(self.opener.setup);
                    match self.interest(&ideal, time) {
                        Some(bound) => pipes.push(Pipe { bound, strategy }),
                        None => {
                            self.found.account.bounded += each;
                            beaten = Some(recompute);
                        }
                    }
                }
            }
        }
        pipes.sort_by(|a, b| a.bound.total_cmp(&b.bound).then_with(|| a.strategy.cmp(&b.strategy)));
        pipes
    }

    /// Whether the layout's pipeline is legal.
    fn runs(&self, s: &Strategy) -> bool {
        let setup = self.setup();
        let cheap = s.schedule != ScheduleKind::Interleaved || s.microbatches % s.pp == 0;
        let even = s.split == LayerDeal::Even || setup.deals(s);
        cheap && even && setup.violations(s).is_empty()
    }

    fn legal_shardings(&self, family: &Family, open: &Open) -> Vec<(u8, u32, bool)> {
        let setup = self.setup();
        let legal = |(zero, zero_replicas, _): &(u8, u32, bool)| {
            let s = Strategy { zero: *zero, zero_replicas: *zero_replicas, ..family.degrees };
            setup.rules(&s).is_empty()
        };
        open.shardings.iter().copied().filter(legal).collect()
    }

    /// Bounds, weighs and costs the layouts of a pipeline.
    fn costs(&mut self, desk: &mut Desk, pipe: &Strategy, shardings: &[(u8, u32, bool)]) {
        let setup = self.opener.setup;
        let mut waiting = std::mem::take(&mut desk.waiting);
        waiting.clear();
        let mut weighed: Option<((u8, u32), Peak)> = None;
        for (zero, zero_replicas, overlap) in shardings {
            let s = Strategy { zero: *zero, zero_replicas: *zero_replicas, overlap: *overlap, ..*pipe };
            self.shared.outline(&s, &mut desk.outline);
            let Some(bound) = self.interest(&s, desk.outline.lower_bound(setup)) else {
                self.found.account.bounded += 1;
                continue;
            };
            // Memory does not ask whether communication overlaps.
            let peak = match weighed {
                Some((same, peak)) if same == (*zero, *zero_replicas) => peak,
                _ => desk.outline.peak_memory(setup),
            };
            weighed = Some(((*zero, *zero_replicas), peak));
            let memory = peak.memory;
            if !peak.fits() {
                self.found.account.out_of_memory += 1;
                if self.found.nearest.is_none_or(|(_, least)| memory < least) {
                    self.found.nearest = Some((s, memory));
                }
            } else if memory > self.opener.wanted.room(peak.of) {
                self.found.account.unwanted += 1;
            } else {
                waiting.push((bound, memory, s));
            }
        }
        waiting.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.2.cmp(&b.2)));
        let mut rest = waiting.as_slice();
        while let Some(first) = rest.first() {
            if first.0 > self.limit() {
                self.found.account.bounded += rest.len() as u64;
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(BATCH));
            self.cost(desk, now);
            rest = later;
        }
        desk.waiting = waiting;
    }

    fn cost(&mut self, desk: &mut Desk, layouts: &[(f64, Bytes, Strategy)]) {
        let setup = self.opener.setup;
        if desk.outlines.is_empty() {
            desk.outlines.resize_with(BATCH, Outline::default);
        }
        let outlines = &mut desk.outlines[..layouts.len()];
        for ((_, _, s), outline) in layouts.iter().zip(outlines.iter_mut()) {
            self.shared.outline(s, outline);
        }
        desk.coster.step_times(setup, outlines, &mut desk.times);
        for ((_, memory, s), time) in layouts.iter().zip(&desk.times) {
            let score = self.opener.wanted.score_of(setup, s, *time);
            let layout = Layout { strategy: *s, memory: *memory, step_time: *time, score };
            if !time.get().is_finite() {
                self.found.account.illegal += 1;
                continue;
            }
            let better = score <= self.cutoff && self.found.best.as_ref().is_none_or(|best| layout.before(best));
            if better && self.opener.idles(&layout) {
                self.found.account.unwanted += 1;
                continue;
            }
            self.found.account.costed += 1;
            if better {
                self.found.best = Some(layout);
            }
        }
    }
}

impl Opener<'_> {
    /// Whether the busiest stage of a layout waits for others more than is wanted.
    fn idles(&self, layout: &Layout) -> bool {
        let Some(most) = self.wanted.most_bubble else { return false };
        let costs = self.setup.costs(&layout.strategy);
        let estimate = self.setup.estimate(&layout.strategy, &costs);
        estimate.is_ok_and(|step| step.breakdown.bubble / step.step_time > most)
    }
}
