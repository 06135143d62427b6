//! The graph against closed forms, against its compact form, and against a plain simulation written for this.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::spec::ScheduleKind;
use crate::step::durations::{ChunkTimes, leads_back, overlapped};
use crate::step::layer::Spent;
use crate::step::schedule::{Pipeline, Times, Turn, Work};

fn compute(time: f64) -> Spent {
    Spent { compute: Seconds::new(time), ..Spent::default() }
}

fn pipeline(kind: ScheduleKind, stages: u32, chunks: u32, microbatches: u32) -> Pipeline {
    let times = Times { forward: 1.0, input_gradient: 1.0, weight_gradient: 1.0, transfer: 0.0 };
    Pipeline { kind, stages, chunks, microbatches, memory_limit: stages, times }
}

fn uniform(p: u32, v: u32, [f, b, w]: [f64; 3]) -> Durations {
    let times = ChunkTimes {
        forward: compute(f),
        recompute: Spent::default(),
        input_gradient: compute(b),
        weight_gradient: compute(w),
    };
    let none = vec![vec![Seconds::ZERO; v as usize]; p as usize];
    Durations {
        chunks: vec![vec![times; v as usize]; p as usize],
        send: vec![[Seconds::ZERO; 2]; p as usize],
        gather: none.clone(),
        reduce: none,
        optimizer: vec![Seconds::ZERO; p as usize],
        pieces: 1,
    }
}

/// Step time by the graph; its compact form has to agree.
fn step(pipeline: &Pipeline, durations: &Durations) -> f64 {
    let schedule = pipeline.schedule().expect("a legal shape");
    let graph = TaskGraph::new(&schedule, pipeline.microbatches, durations).expect("no deadlock").simulate().step.get();
    let replay = Replay::new(&schedule, pipeline.microbatches);
    let compact = replay.run(durations).expect("no deadlock").step.get();
    assert!((graph - compact).abs() <= 1e-9 * graph.max(1e-12), "{pipeline:?}: graph {graph}, compact {compact}");
    assert!(replay.bytes_per_turn() < 64.0, "{}", replay.bytes_per_turn());
    graph
}

/// Numbers between 0 and 1 from a seed.
fn noise(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as f64 / f64::from(u32::MAX >> 1)
}

/// Uneven durations with communication of every kind.
fn uneven(p: u32, v: u32, seed: &mut u64) -> Durations {
    let mut durations = uniform(p, v, [1.0, 1.0, 1.0]);
    for stage in 0..p as usize {
        for chunk in 0..v as usize {
            let mut spent = |scale: f64| Spent {
                compute: Seconds::new(scale * (0.2 + noise(seed))),
                tensor: Seconds::new(0.3 * noise(seed)),
                context: Seconds::ZERO,
                expert: Seconds::new(0.2 * noise(seed)),
                pipeline: Seconds::ZERO,
                weights: Seconds::ZERO,
            };
            durations.chunks[stage][chunk] = ChunkTimes {
                forward: spent(1.0),
                recompute: if stage % 2 == 0 { spent(1.0) } else { Spent::default() },
                input_gradient: spent(1.2),
                weight_gradient: compute(0.1 + noise(seed)),
            };
            durations.gather[stage][chunk] = Seconds::new(if noise(seed) > 0.5 { 0.7 * noise(seed) } else { 0.0 });
            durations.reduce[stage][chunk] = Seconds::new(if noise(seed) > 0.5 { 1.5 * noise(seed) } else { 0.0 });
        }
        durations.send[stage] = [(); 2].map(|()| Seconds::new(if noise(seed) > 0.3 { 0.4 * noise(seed) } else { 0.0 }));
        durations.optimizer[stage] = Seconds::new(0.2 * noise(seed));
    }
    durations.pieces = 1 + (noise(seed) * 4.0) as u32;
    durations
}

/// Steps in time from event to event: a stage starts its next turn when it is idle and the input is there. No graph, no queue of
/// ready stages, nothing shared with what it checks but the orders.
fn plain(pipeline: &Pipeline, durations: &Durations) -> f64 {
    let schedule = pipeline.schedule().expect("a legal shape");
    let p = schedule.orders.len();
    let slices = schedule.placement.slices(pipeline.stages, pipeline.chunks);
    let mut arrived: BTreeMap<(bool, u32, u32), f64> = (0..pipeline.microbatches).map(|m| ((true, 0, m), 0.0)).collect();
    let (mut next, mut clock, mut data) = (vec![0usize; p], vec![0.0f64; p], vec![0.0f64; p]);
    let mut sending = vec![[0.0f64; 2]; p];
    let slice = |stage: usize, turn: &Turn| schedule.placement.slice(pipeline.stages, stage as u32, turn.chunk);
    loop {
        let mut moved = false;
        for stage in 0..p {
            let order = &schedule.orders[stage];
            let Some(turn) = order.get(next[stage]) else { continue };
            let input = |turn: &Turn| match turn.work {
                Work::WeightGradient => Some(0.0),
                work => arrived.get(&(work == Work::Forward, slice(stage, turn), turn.microbatch)).copied(),
            };
            let together: Vec<Turn> = if turn.paired { vec![*turn, order[next[stage] + 1]] } else { vec![*turn] };
            let Some(ready) = together.iter().map(input).try_fold(0.0f64, |most, at| at.map(|at| most.max(at))) else {
                continue;
            };
            let times = |turn: &Turn| durations.chunks[stage][turn.chunk as usize];
            let mut end = clock[stage].max(ready);
            let ends_chunk = |turn: &Turn, at: usize| {
                turn.work != Work::Forward
                    && turn.work != Work::InputGradient
                    && !order[at + 1..]
                        .iter()
                        .any(|later| later.chunk == turn.chunk && matches!(later.work, Work::Backward | Work::WeightGradient))
            };
            let begins_chunk = |turn: &Turn, at: usize| {
                turn.work == Work::Forward
                    && !order[..at].iter().any(|earlier| earlier.chunk == turn.chunk && earlier.work == Work::Forward)
            };
            if let [a, b] = together.as_slice() {
                let (forward, backward) = if a.work == Work::Forward { (a, b) } else { (b, a) };
                end += overlapped(&times(forward), &times(backward)).get();
                for (k, turn) in together.iter().enumerate() {
                    let reduce = durations.reduce[stage][turn.chunk as usize].get();
                    if ends_chunk(turn, next[stage] + k) && reduce > 0.0 {
                        data[stage] = data[stage].max(end) + reduce;
                    }
                }
            } else {
                let whole = times(turn).of(turn.work).get();
                let gather =
                    if begins_chunk(turn, next[stage]) { durations.gather[stage][turn.chunk as usize].get() } else { 0.0 };
                let reduce =
                    if ends_chunk(turn, next[stage]) { durations.reduce[stage][turn.chunk as usize].get() } else { 0.0 };
                let pieces = if gather + reduce > 0.0 { durations.pieces } else { 1 };
                for _ in 0..pieces {
                    if gather > 0.0 {
                        data[stage] += gather / f64::from(pieces);
                        end = end.max(data[stage]);
                    }
                    end += whole / f64::from(pieces);
                    if reduce > 0.0 {
                        data[stage] = data[stage].max(end) + reduce / f64::from(pieces);
                    }
                }
            }
            clock[stage] = end;
            for turn in &together {
                let at = slice(stage, turn);
                let forward = turn.work == Work::Forward;
                let (to, there) = match turn.work {
                    Work::WeightGradient => continue,
                    Work::Forward if at + 1 == slices => (at, (false, at, turn.microbatch)),
                    Work::Forward => (at + 1, (true, at + 1, turn.microbatch)),
                    _ if at == 0 => continue,
                    _ => (at - 1, (false, at - 1, turn.microbatch)),
                };
                let receiver =
                    schedule.placement.holder(pipeline.stages, to, turn.microbatch, pipeline.microbatches).0 as usize;
                let send = durations.send[stage][usize::from(leads_back(stage, receiver))].get();
                let arrival = if receiver == stage || send == 0.0 {
                    end
                } else {
                    let stream = &mut sending[stage][usize::from(forward)];
                    *stream = stream.max(end) + send;
                    *stream
                };
                arrived.insert(there, arrival);
            }
            next[stage] += together.len();
            moved = true;
        }
        if !moved {
            break;
        }
    }
    assert!((0..p).all(|stage| next[stage] == schedule.orders[stage].len()), "deadlock");
    let all = clock.iter().chain(&data).copied().fold(0.0, f64::max);
    all + durations.optimizer.iter().map(|time| time.get()).fold(0.0, f64::max)
}

/// A legal shape of each schedule from small numbers.
fn shape(kind: ScheduleKind, p: u32, v: u32, m: u32) -> Pipeline {
    let p = if kind == ScheduleKind::DualPipe { p.div_ceil(2) * 2 } else { p.max(2) };
    let m = match kind {
        ScheduleKind::Interleaved => p * m.div_ceil(4),
        ScheduleKind::DualPipe | ScheduleKind::DualPipeV => 2 * p + 2 * m,
        _ => m,
    };
    let v = match kind {
        ScheduleKind::Interleaved | ScheduleKind::BreadthFirst => v.max(2),
        ScheduleKind::ZbV | ScheduleKind::DualPipe | ScheduleKind::DualPipeV => 2,
        _ => 1,
    };
    pipeline(kind, p, v, m)
}

#[test]
fn a_thousand_uneven_schedules_equal_a_plain_simulation() {
    let mut seed = 7;
    let mut checked = 0;
    while checked < 1000 {
        for kind in ScheduleKind::ALL {
            let [p, v, m] = [6.0, 3.0, 12.0].map(|most| 1 + (noise(&mut seed) * most) as u32);
            let pipeline = shape(kind, p, v, m);
            let durations = uneven(pipeline.stages, pipeline.chunks, &mut seed);
            let (graph, plain) = (step(&pipeline, &durations), plain(&pipeline, &durations));
            assert!((graph / plain - 1.0).abs() < 1e-9, "{pipeline:?}: graph {graph}, plain {plain}");
            checked += 1;
        }
    }
}

proptest! {
    #[test]
    fn uniform_stages_take_the_closed_form(p in 1u32..10, m in 1u32..24, f in 0.1f64..4.0, b in 0.1f64..4.0, w in 0.1f64..4.0) {
        let closed = f64::from(m + p - 1) * (f + b + w);
        for kind in [ScheduleKind::Gpipe, ScheduleKind::OneForwardOneBackward] {
            let time = step(&pipeline(kind, p, 1, m), &uniform(p, 1, [f, b, w]));
            prop_assert!((time / closed - 1.0).abs() < 1e-9, "{kind:?}: {time} against {closed}");
        }
    }

    #[test]
    fn interleaving_divides_the_bubble(p in 2u32..7, v in 2u32..5, rounds in 1u32..5, f in 0.5f64..2.0, ratio in 1.0f64..3.0) {
        // Per chunk: m v (F + B) of work and (p - 1)(F + B) of bubble, v times less than without chunks.
        let closed = (f64::from(rounds * p * v) + f64::from(p - 1)) * f * (1.0 + ratio);
        let time = step(&pipeline(ScheduleKind::Interleaved, p, v, rounds * p), &uniform(p, v, [f, f * ratio / 2.0, f * ratio / 2.0]));
        prop_assert!((time / closed - 1.0).abs() < 1e-9, "{time} against {closed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every closed form of a bubble, on the graph and on its compact form.
    #[test]
    fn every_closed_form_of_a_bubble_holds(
        kind in prop::sample::select(ScheduleKind::ALL.to_vec()),
        p in 1u32..9, v in 2u32..5, m in 1u32..40,
        f in 0.1f64..4.0, b in 0.1f64..6.0, w in 0.05f64..4.0,
    ) {
        let times = Times { forward: f, input_gradient: b, weight_gradient: w, transfer: 0.0 };
        let pipeline = Pipeline { times, ..shape(kind, p, v, m) };
        // Computation alone hides nothing: a pair takes what its passes take one after the other.
        if let Some(bubble) = pipeline.bubble(f + b + w) {
            let copies = if kind == ScheduleKind::DualPipe { 2 } else { 1 };
            let work = f64::from(pipeline.microbatches * pipeline.chunks / copies) * (f + b + w);
            let time = step(&pipeline, &uniform(pipeline.stages, pipeline.chunks, [f, b, w]));
            let closed = work + bubble.step;
            prop_assert!((time / closed - 1.0).abs() < 1e-9, "{:?}: {} against {}", pipeline, time, closed);
        }
    }
}

#[test]
fn overlapped_reduction_hides_behind_the_last_backward() {
    let time = |reduce: f64, pieces: u32| {
        let mut durations = uniform(1, 1, [1.0, 1.0, 1.0]);
        durations.reduce = vec![vec![Seconds::new(reduce)]];
        durations.pieces = pieces;
        step(&pipeline(ScheduleKind::OneForwardOneBackward, 1, 1, 4), &durations)
    };
    assert!((time(1.0, 1) - 13.0).abs() < 1e-12);
    // In eight pieces only the last is exposed: an eighth.
    assert!((time(1.0, 8) - 12.125).abs() < 1e-12);
    // Longer than the backward pass: the rest of it is exposed behind the first piece.
    assert!((time(4.0, 8) - (10.0 + 0.25 + 4.0)).abs() < 1e-12);
}

#[test]
fn a_deadlock_names_the_tasks_that_wait_for_each_other() {
    let pipeline = pipeline(ScheduleKind::OneForwardOneBackward, 2, 1, 2);
    let mut schedule = pipeline.schedule().expect("legal");
    // The last stage wants the second microbatch's backward pass before the first's forward pass.
    schedule.orders[1] = vec![
        Turn { work: Work::Backward, chunk: 0, microbatch: 1, paired: false },
        Turn { work: Work::Forward, chunk: 0, microbatch: 0, paired: false },
        Turn { work: Work::Backward, chunk: 0, microbatch: 0, paired: false },
        Turn { work: Work::Forward, chunk: 0, microbatch: 1, paired: false },
    ];
    let durations = uniform(2, 1, [1.0, 1.0, 1.0]);
    let deadlock = TaskGraph::new(&schedule, 2, &durations).expect_err("a circle");
    assert!(deadlock.to_string().contains("input gradient of microbatch 1, chunk 0, on stage 1"), "{deadlock}");
    assert!(deadlock.tasks.len() >= 2, "{deadlock}");
    let replay = Replay::new(&schedule, 2);
    assert_eq!(replay.checked(&schedule, 2, &durations).expect_err("the same"), deadlock);
}

#[test]
fn the_critical_path_makes_the_step_and_slack_is_what_can_slip() {
    let mut seed = 3;
    for kind in ScheduleKind::ALL {
        let pipeline = shape(kind, 4, 2, 8);
        let durations = uneven(pipeline.stages, pipeline.chunks, &mut seed);
        let schedule = pipeline.schedule().expect("legal");
        let timeline = TaskGraph::new(&schedule, pipeline.microbatches, &durations).expect("no deadlock").simulate();
        let path: f64 = timeline.tasks.iter().filter(|placed| placed.critical).map(|placed| placed.task.duration.get()).sum();
        assert!((path / timeline.step.get() - 1.0).abs() < 1e-9, "{kind:?}: {path} of {}", timeline.step);
        assert!(timeline.tasks.iter().all(|placed| !placed.critical || placed.slack.get() < 1e-9 * timeline.step.get()));
        assert!(
            timeline.tasks.iter().all(|placed| placed.end().get() + placed.slack.get() <= timeline.step.get() * (1.0 + 1e-12))
        );
        // No two tasks of a stream at once.
        let mut streams: BTreeMap<(u32, Stream), f64> = BTreeMap::new();
        for placed in &timeline.tasks {
            let end = streams.entry((placed.task.stage, placed.task.kind.stream())).or_default();
            assert!(placed.start.get() >= *end - 1e-9, "{kind:?}: {}", placed.task.describe());
            *end = placed.end().get();
        }
    }
}

#[test]
fn jitter_depends_on_the_seed_alone() {
    let pipeline = shape(ScheduleKind::Interleaved, 4, 2, 16);
    let schedule = pipeline.schedule().expect("legal");
    let replay = Replay::new(&schedule, pipeline.microbatches);
    let durations = uniform(4, 2, [1.0, 1.0, 1.0]);
    let steady = replay.run(&durations).expect("runs").step;
    assert_eq!(replay.jittered(&durations, 0.0, 1).expect("runs").step, steady);
    let drawn: Vec<f64> = (0..50).map(|seed| replay.jittered(&durations, 0.1, seed).expect("runs").step.get()).collect();
    assert_eq!(drawn[7], replay.jittered(&durations, 0.1, 7).expect("runs").step.get());
    let mean = drawn.iter().sum::<f64>() / 50.0;
    assert!(mean > steady.get(), "waiting for the slowest costs time: {mean} against {steady}");
}
