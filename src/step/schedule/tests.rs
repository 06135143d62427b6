//! What holds for every schedule, against a plain simulation.

pub(crate) mod reference;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use reference::{Outcome, Passes, simulate};

const UNIT: Times = Times { forward: 1.0, input_gradient: 1.0, weight_gradient: 1.0, transfer: 0.0 };

fn pipeline(kind: Kind, stages: u32, chunks: u32, microbatches: u32, times: Times) -> Pipeline {
    Pipeline { kind, stages, chunks, microbatches, memory_limit: stages, times }
}

/// All legal pipelines up to a size.
fn small(stages: u32, microbatches: u32) -> impl Iterator<Item = Pipeline> {
    let shapes = (1..=stages).flat_map(move |p| (1..=microbatches).flat_map(move |m| (1..4).map(move |v| (p, v, m))));
    shapes.flat_map(|(p, v, m)| Kind::ALL.map(|kind| pipeline(kind, p, v, m, UNIT))).filter(|shape| shape.rule().is_ok())
}

fn outcome(pipeline: &Pipeline, pair: f64) -> Outcome {
    let passes = Passes::uniform(&pipeline.times, pair);
    simulate(&pipeline.schedule().unwrap(), pipeline.chunks, &passes).unwrap()
}

/// The bubble as simulated: idle time within the longest span of a stage, and within the step.
fn simulated(pipeline: &Pipeline, pair: f64) -> Bubble {
    let outcome = outcome(pipeline, pair);
    Bubble { stage: outcome.longest() - outcome.busy(), step: outcome.step - outcome.busy() }
}

#[test]
fn every_turn_is_there_once_on_the_way_of_its_microbatch() {
    for shape in small(6, 14) {
        let Pipeline { kind, stages, chunks, microbatches, .. } = shape;
        let schedule = shape.schedule().unwrap();
        assert_eq!(schedule.orders.len(), stages as usize);
        assert_eq!(schedule.chunks(), chunks);
        let mut seen = BTreeSet::new();
        for (stage, order) in (0u32..).zip(&schedule.orders) {
            for turn in order {
                let works: &[Work] = match turn.work {
                    Work::Backward => &[Work::InputGradient, Work::WeightGradient],
                    Work::Forward => &[Work::Forward],
                    Work::InputGradient => &[Work::InputGradient],
                    Work::WeightGradient => &[Work::WeightGradient],
                };
                assert!(kind.splits_backward() || matches!(turn.work, Work::Forward | Work::Backward));
                for work in works {
                    assert!(seen.insert((stage, turn.chunk, turn.microbatch, *work)), "{shape:?}: {turn:?} twice");
                }
            }
            for (turn, after) in order.iter().zip(order.iter().skip(1)).filter(|(turn, _)| turn.paired) {
                assert!(kind.pairs());
                assert_eq!((turn.work, after.work, after.paired), (Work::Forward, Work::Backward, false));
            }
            assert!(!order.last().unwrap().paired);
        }
        for microbatch in 0..microbatches {
            for (stage, chunk) in schedule.placement.way(stages, chunks, microbatch, microbatches) {
                for work in [Work::Forward, Work::InputGradient, Work::WeightGradient] {
                    assert!(seen.remove(&(stage, chunk, microbatch, work)), "{shape:?}: no {work:?} of {microbatch}");
                }
            }
        }
        assert!(seen.is_empty());
    }
}

#[test]
fn the_slices_of_a_way_are_those_that_the_stages_hold() {
    for shape in small(6, 13) {
        let Pipeline { stages, chunks, microbatches, kind, .. } = shape;
        let placement = kind.placement();
        for microbatch in 0..microbatches {
            let way: Vec<_> = placement.way(stages, chunks, microbatch, microbatches).collect();
            assert_eq!(way.len(), placement.slices(stages, chunks) as usize);
            for (slice, (stage, chunk)) in (0u32..).zip(way) {
                assert_eq!(placement.slice(stages, stage, chunk), slice);
            }
        }
    }
}

#[test]
fn no_schedule_waits_for_itself_and_in_flight_equals_a_walk() {
    for shape in small(7, 16) {
        let schedule = shape.schedule().unwrap();
        let simulated = simulate(&schedule, shape.chunks, &Passes::uniform(&UNIT, 3.0));
        assert!(simulated.is_ok(), "{shape:?}: {simulated:?}");
        for stage in 0..shape.stages {
            assert_eq!(shape.in_flight(stage), schedule.in_flight(stage), "{shape:?} stage {stage}");
        }
    }
}

#[test]
fn peaks_are_those_of_the_papers() {
    let (p, m) = (8, 64);
    let peak = |kind, v, stage| pipeline(kind, p, v, m, UNIT).peak_microbatches(stage);
    for stage in 0..p {
        assert_eq!(peak(Kind::Gpipe, 1, stage), 64.0);
        assert_eq!(peak(Kind::BreadthFirst, 2, stage), 64.0);
        assert_eq!(peak(Kind::OneForwardOneBackward, 1, stage), f64::from(p - stage));
        assert_eq!(peak(Kind::ZbH1, 1, stage), 8.0);
        assert_eq!(peak(Kind::ZbH2, 1, stage), 15.0);
        assert_eq!(peak(Kind::ZbV, 2, stage), 8.0);
        assert_eq!(peak(Kind::DualPipe, 2, stage), 9.0);
        assert_eq!(peak(Kind::DualPipeV, 2, stage), 8.5);
    }
    for v in [2, 4] {
        let closed = 8.0 * (1.0 + 7.0 / (8.0 * f64::from(v)));
        assert!((peak(Kind::Interleaved, v, 0) - closed).abs() < 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The peaks of the papers for pipelines of any size that they fill: both as closed form and by walking the order.
    #[test]
    fn peaks_hold_for_every_size(p in 1u32..24, m in 1u32..90, v in 2u32..6, rounds in 2u32..5) {
        let both = |kind: Kind, v: u32, m: u32, stage: u32| {
            let shape = pipeline(kind, p, v, m, UNIT);
            let walked: u32 = shape.schedule().unwrap().in_flight(stage).iter().sum();
            let share = if kind.placement() == Placement::Bidirectional { 1.0 } else { f64::from(v) };
            assert_eq!(shape.peak_microbatches(stage), f64::from(walked) / share, "{shape:?}");
            f64::from(walked) / share
        };
        for stage in 0..p {
            prop_assert_eq!(both(Kind::Gpipe, 1, m, stage), f64::from(m));
            prop_assert_eq!(both(Kind::BreadthFirst, v, m, stage), f64::from(m));
            prop_assert_eq!(both(Kind::OneForwardOneBackward, 1, m, stage), f64::from(m.min(p - stage)));
            prop_assert_eq!(both(Kind::ZbH1, 1, m, stage), f64::from(m.min(p)));
            prop_assert_eq!(both(Kind::ZbH2, 1, m, stage), f64::from(m.min(2 * p - 1)));
            if m >= 2 * p {
                prop_assert_eq!(both(Kind::ZbV, 2, m, stage), f64::from(p));
                if p > 1 {
                    prop_assert_eq!(both(Kind::DualPipeV, 2, m, stage), f64::from(p) + 0.5);
                }
            }
            if p % 2 == 0 && m >= p {
                prop_assert_eq!(both(Kind::DualPipe, 2, 2 * m, stage), f64::from(p) + 1.0);
            }
        }
        if p > 1 {
            let closed = f64::from(p) * (1.0 + f64::from(p - 1) / f64::from(p * v));
            prop_assert!((both(Kind::Interleaved, v, rounds * p, 0) - closed).abs() < 1e-9);
        }
    }
}

/// Bubbles as shares of the work, and the speed-ups over 1F1B that follow from them, as `sail-sg/zero-bubble-pipeline-parallelism`
/// tabulates them for F = B = W: (p − 1)/m, (p − 1)/3m, none and none.
#[test]
fn rates_and_speed_ups_are_those_that_zero_bubble_publishes() {
    for (p, m) in [(4, 12), (8, 24), (8, 32), (8, 64), (16, 48), (16, 128), (32, 96), (32, 256)] {
        let published = f64::from(p - 1) / f64::from(m);
        let span = |kind: Kind, chunks: u32, limit: u32| {
            let shape = Pipeline { memory_limit: limit, ..pipeline(kind, p, chunks, m, UNIT) };
            let outcome = outcome(&shape, 3.0);
            (outcome.longest() / outcome.busy(), shape)
        };
        let (plain, _) = span(Kind::OneForwardOneBackward, 1, p);
        for (kind, chunks, limit, rate) in [
            (Kind::OneForwardOneBackward, 1, p, published),
            (Kind::ZbH1, 1, p, published / 3.0),
            (Kind::ZbAuto, 1, p, published / 3.0),
            (Kind::ZbH2, 1, 2 * p, 0.0),
            (Kind::ZbAuto, 1, 2 * p, 0.0),
            (Kind::ZbV, 2, p, 0.0),
            // arXiv:2104.04473: v times less.
            (Kind::Interleaved, 2, p, published / 2.0),
            (Kind::Interleaved, 4, p, published / 4.0),
        ] {
            let (span, shape) = span(kind, chunks, limit);
            assert!((span - 1.0 - rate).abs() < 0.02, "{shape:?}: {} against {rate}", span - 1.0);
            let speed_up = (1.0 + published) / (1.0 + rate);
            assert!((plain / span - speed_up).abs() < 0.02, "{shape:?}: {} against {speed_up}", plain / span);
        }
    }
}

#[test]
fn unit_times_take_what_was_measured_of_other_generators() {
    let ratios = |kind, v, limit| {
        let shape = Pipeline { memory_limit: limit, ..pipeline(kind, 16, v, 64, UNIT) };
        let Outcome { step, .. } = outcome(&shape, 3.0);
        let ideal = outcome(&shape, 3.0).busy();
        (step / ideal, outcome(&shape, 3.0).longest() / ideal)
    };
    let like = |(step, stage): (f64, f64), want: (f64, f64)| (step - want.0).abs() < 5e-5 && (stage - want.1).abs() < 5e-5;
    assert!(like(ratios(Kind::OneForwardOneBackward, 1, 1), (1.2344, 1.2344)));
    assert!(like(ratios(Kind::Interleaved, 2, 1), (1.1172, 1.1172)));
    assert!(like(ratios(Kind::ZbH1, 1, 1), (1.0781, 1.0781)));
    assert!(like(ratios(Kind::ZbH2, 1, 1), (1.0781, 1.0)));
    assert!(like(ratios(Kind::ZbAuto, 1, 16), (1.0781, 1.0781)));
    assert!(like(ratios(Kind::ZbAuto, 1, 32), (1.0781, 1.0)));
    assert!(like(ratios(Kind::ZbV, 2, 1), (1.0391, 1.0)));
    assert!(like(ratios(Kind::DualPipe, 2, 1), (1.0729, 1.0729)));
    assert!(like(ratios(Kind::DualPipeV, 2, 1), (1.0781, 1.0781)));
}

#[test]
fn closed_forms_are_those_of_the_papers_where_these_hold() {
    let times = Times { forward: 1.0, input_gradient: 1.0, weight_gradient: 0.75, transfer: 0.0 };
    let stage = |kind, v| pipeline(kind, 8, v, 32, times).bubble(2.75).unwrap().stage;
    assert!((stage(Kind::OneForwardOneBackward, 1) - 7.0 * 2.75).abs() < 1e-12);
    assert!((stage(Kind::ZbH1, 1) - 7.0 * (1.0 + 1.0 - 0.75)).abs() < 1e-12);
    assert!((stage(Kind::ZbH2, 1) - 7.0 * (1.0 + 1.0 - 1.5)).abs() < 1e-12);
    assert!((stage(Kind::DualPipe, 2) - 3.0 * (2.75 + 1.75 - 3.0 * 0.75)).abs() < 1e-12);
    assert!((stage(Kind::DualPipeV, 2) - 7.0 * (2.75 + 1.75 - 3.0 * 0.75)).abs() < 1e-12);
    assert_eq!(pipeline(Kind::ZbV, 8, 2, 32, UNIT).bubble(3.0).unwrap(), Bubble { stage: 0.0, step: 7.0 });
    assert_eq!(pipeline(Kind::ZbAuto, 8, 1, 32, UNIT).bubble(3.0), None);
}

prop_compose! {
    fn any_times()(forward in 0.1f64..4.0, input_gradient in 0.1f64..6.0, weight_gradient in 0.05f64..4.0) -> Times {
        Times { forward, input_gradient, weight_gradient, transfer: 0.0 }
    }
}

prop_compose! {
    /// Any kind, and a shape that it runs in.
    fn any_pipeline()(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        p in 1u32..9,
        v in 2u32..5,
        m in 1u32..33,
        limit in 1u32..20,
        times in any_times(),
    ) -> Pipeline {
        let stages = if kind == Kind::DualPipe { 2 * p.div_ceil(2) } else { p };
        let microbatches = match kind {
            Kind::Interleaved => m.div_ceil(4) * stages,
            Kind::DualPipe => 2 * m.max(stages),
            Kind::DualPipeV => m.max(2 * stages),
            _ => m,
        };
        Pipeline { kind, stages, chunks: kind.chunks().unwrap_or(v), microbatches, memory_limit: limit, times }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_closed_form_equals_the_simulation_wherever_there_is_one(shape in any_pipeline(), overlap in 0.0f64..1.2) {
        let times = &shape.times;
        let whole = times.input_gradient + times.weight_gradient;
        let pair = times.forward.max(whole) + overlap * times.forward.min(whole);
        if let Some(closed) = shape.bubble(pair) {
            let found = simulated(&shape, pair);
            let scale = 1e-9 * f64::from(shape.microbatches * shape.chunks) * times.work();
            prop_assert!((found.stage - closed.stage).abs() < scale, "{:?} stage {} closed {}", shape, found.stage, closed.stage);
            prop_assert!((found.step - closed.step).abs() < scale, "{:?} step {} closed {}", shape, found.step, closed.step);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_heuristic_keeps_its_limit_and_loses_to_nothing_that_fits(
        p in 1u32..10, m in 1u32..40, limit in 1u32..30, times in any_times(), transfer in 0.0f64..1.0,
    ) {
        let times = Times { transfer, ..times };
        let auto = Pipeline { memory_limit: limit, ..pipeline(Kind::ZbAuto, p, 1, m, times) };
        let schedule = auto.schedule().unwrap();
        prop_assert_eq!(&schedule, &auto.schedule().unwrap());
        for stage in 0..p {
            prop_assert!(schedule.in_flight(stage)[0] <= limit);
        }
        let step = outcome(&auto, 0.0).step * (1.0 - 1e-9);
        for (kind, needs) in [(Kind::OneForwardOneBackward, p), (Kind::ZbH1, p), (Kind::ZbH2, 2 * p - 1)] {
            if limit >= needs {
                prop_assert!(step <= outcome(&pipeline(kind, p, 1, m, times), 0.0).step);
            }
        }
        // What the heuristic thinks of its schedule is what it takes.
        let span = timing::replay(&schedule.orders, m, &times).unwrap();
        let simulated = outcome(&auto, 0.0);
        prop_assert!((span.step - simulated.step).abs() < 1e-9 * span.step);
        prop_assert!((span.stage - simulated.longest()).abs() < 1e-9 * span.step);
    }

    #[test]
    fn an_order_reads_back_as_it_was_written(shape in any_pipeline()) {
        let schedule = shape.schedule().unwrap();
        let Pipeline { stages, chunks, microbatches, .. } = shape;
        let read = from_text(&to_text(&schedule), stages, chunks, microbatches).unwrap();
        prop_assert_eq!(&read.orders, &schedule.orders);
        // On a single stage there and back is round and round.
        prop_assert!(stages == 1 || read.placement == schedule.placement);
    }
}

#[test]
fn shapes_that_a_schedule_does_not_run_in_say_why() {
    let why = |kind, p, v, m| pipeline(kind, p, v, m, UNIT).rule().unwrap_err().to_string();
    assert_eq!(why(Kind::Gpipe, 0, 1, 4), "a pipeline needs at least one of its stages");
    assert_eq!(why(Kind::ZbH1, 4, 2, 4), "zb-h1 runs with one chunk of layers a stage, not 2");
    assert_eq!(why(Kind::ZbV, 4, 1, 4), "zb-v runs with two chunks of layers a stage, not 1");
    assert_eq!(why(Kind::Interleaved, 4, 1, 4), "interleaved runs with two chunks or more of layers a stage, not 1");
    assert_eq!(
        why(Kind::Interleaved, 4, 2, 10),
        "interleaved runs microbatches in groups of one a stage: 10 is not a multiple of 4"
    );
    assert_eq!(why(Kind::DualPipe, 5, 2, 20), "dualpipe sends one half from each end: its stages must be even, not 5");
    assert_eq!(why(Kind::DualPipe, 4, 2, 9), "dualpipe sends one half from each end: its microbatches must be even, not 9");
    assert_eq!(why(Kind::DualPipeV, 4, 2, 7), "dualpipev needs at least two microbatches a stage: 8 for 4 stages, not 7");
    assert!(matches!(
        pipeline(Kind::Gpipe, u32::MAX, u32::MAX, u32::MAX, UNIT).schedule(),
        Err(ScheduleError::TooLarge { .. })
    ));
    let none = Pipeline { memory_limit: 0, ..pipeline(Kind::ZbAuto, 4, 1, 8, UNIT) };
    assert_eq!(none.rule().unwrap_err().to_string(), "zb-auto needs a memory limit of at least one microbatch");
    let long = pipeline(Kind::ZbAuto, 4, 1, 8, Times { transfer: f64::INFINITY, ..UNIT });
    assert_eq!(long.rule().unwrap_err().to_string(), "zb-auto compares orders by their time: the transfer cannot take inf");
    let never = pipeline(Kind::ZbAuto, 4, 1, 8, Times { forward: f64::NAN, ..UNIT });
    assert_eq!(
        never.rule().unwrap_err().to_string(),
        "zb-auto compares orders by their time: the forward pass cannot take NaN"
    );
}

#[test]
fn a_heuristic_ends_whatever_the_times_are() {
    for (forward, input_gradient, weight_gradient, transfer) in
        [(1.0, 1e-30, 1.0, 0.0), (1e-30, 1.0, 1e-300, 1e99), (1e99, 1e-99, 1.0, 1.0), (1.0, 1.0, 1.0, 1e9)]
    {
        let times = Times { forward, input_gradient, weight_gradient, transfer };
        for limit in [1, 2, 5, 9] {
            let shape = Pipeline { memory_limit: limit, ..pipeline(Kind::ZbAuto, 5, 1, 12, times) };
            let schedule = shape.schedule().unwrap();
            assert_eq!(schedule.turns(), 3 * 5 * 12);
            assert!(simulate(&schedule, 1, &Passes::uniform(&UNIT, 3.0)).is_ok());
        }
    }
}

#[test]
fn names_are_read_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::named(kind.as_str()), Some(kind));
    }
    assert_eq!(Kind::named("2f2b"), None);
}

#[test]
fn a_schedule_that_waits_for_itself_stands_still() {
    // Each stage wants to run backward what the other has not run forward.
    let schedule = from_text("0F0,0B0,0F1,0B1\n1F1,1B1,1F0,1B0\n", 2, 1, 2).unwrap();
    assert!(simulate(&schedule, 1, &Passes::uniform(&UNIT, 3.0)).is_err());
}

#[test]
fn pytorchs_notation_is_understood() {
    // Comments, empty cells, communication and pairs.
    let text = "# rank 0 and 1\n0F0, 0SEND_F0, ,0UNSHARD,0F1,3F0 ,(0F2;3B0)OVERLAP_F_B,0B0,3F1,3I1,0B1,3W1,3F2,3B2,0B2\n\n\
                1F0,2F0,1F1,2F1,2B0,1B0,1F2,2F2,2B1,1B1,2B2,1B2\r\n";
    let schedule = from_text(text, 2, 2, 3).unwrap();
    assert_eq!(schedule.placement, Placement::Vee);
    assert_eq!(schedule.orders[0][3], Turn { paired: true, ..Turn::new(Work::Forward, 0, 2) });
    assert_eq!(schedule.orders[0][4], Turn::new(Work::Backward, 1, 0));
    assert!(simulate(&schedule, 2, &Passes::uniform(&UNIT, 3.0)).is_ok());
}

#[test]
fn an_order_that_is_wrong_says_where() {
    let why = |text: &str| from_text(text, 2, 1, 2).unwrap_err().to_string();
    let second = "\n1F0,1B0,1F1,1B1";
    let both = |first: &str| why(&format!("{first}{second}"));
    assert_eq!(why("0F0"), "an order has one row a stage, so 2, but here the rows number 1");
    assert_eq!(
        both("0F0, 0X0"),
        "line 1, column 6: `0X0` is not a turn; write slice, one of F, B, I and W, and microbatch, as in `0F3`"
    );
    for cell in ["F0", "0F", "0F+1", "0F99999999999", "é", "0é1", "-1F0", "0F0F0"] {
        assert!(both(cell).contains("is not a turn"), "{cell}");
    }
    for cell in ["(0F0;0F1)OVERLAP_F_B", "(0F0;0B1)", "(0F0)OVERLAP_F_B", "(", "(0B0;0F1)OVERLAP_F_B"] {
        assert!(both(cell).contains("does not pair a forward with a backward pass"), "{cell}");
    }
    assert_eq!(both("0F0,0F7"), "line 1, column 5: `0F7` is of microbatch 7, but there are 2, counted from 0");
    assert_eq!(both("0F0,1F1"), "line 1, column 5: `1F1` is not on stage 0, where the other turns place slices 0");
    assert_eq!(both("0F0,0B0,0F0"), "line 1, column 9: `0F0` is there already, at line 1, column 1");
    assert_eq!(both("0F0,0B0,0W0"), "line 1, column 9: `0W0` is there already, at line 1, column 5");
    assert_eq!(both("0F0,0I0,0B0"), "line 1, column 9: `0B0` is there already, at line 1, column 5");
    assert_eq!(both("0F0,0W0"), "line 1, column 5: `0W0` has no `0I0` before it");
    assert_eq!(both("0B0"), "line 1, column 1: `0B0` has no `0F0` before it");
    assert_eq!(both("0F0,0B0"), "line 1 lacks `0F1`");
    assert_eq!(both("0F0,0F1,0B0"), "line 1 lacks `0B1`");
    assert_eq!(both("0F0,0F1,0B0,0I1"), "line 1 lacks `0W1`");
    assert!(from_text("", u32::MAX, u32::MAX, u32::MAX).is_err());
}
