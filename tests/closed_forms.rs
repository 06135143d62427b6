//! The model against the closed forms of the papers.

use planner::calibration::Calibration;
use planner::catalog::{Catalog, Model};
use planner::diagnostic::Source;
use planner::model::{Architecture, Keeping, LayerKind, Shard, layer_operators};
use planner::parallel::{LayerDeal, Strategy};
use planner::spec::{
    AttentionKernel, Cluster, Computation, ContextKind, Precision, RankOrder, Recompute, ScheduleKind, Software,
};
use planner::step::Setup;
use planner::step::layer::Costing;
use planner::step::states::States;
use planner::topology::Topology;

fn gpt() -> &'static Model {
    Catalog::embedded().model("megatron-gpt-175b").expect("the catalogue has it")
}

fn shard(tensor: u32, sequence_parallel: bool) -> Shard {
    Shard {
        microbatch: 2,
        sequence: 2048,
        tensor,
        sequence_parallel,
        context: 1,
        expert: 1,
        expert_tensor: tensor,
        precision: Precision::Fp16,
        attention: AttentionKernel::Unfused,
        keeping: Keeping::default(),
    }
}

fn strategy(tp: u32, sp: bool, recompute: Recompute) -> Strategy {
    Strategy {
        tp,
        sp,
        cp: 1,
        context: ContextKind::Ring,
        pp: 1,
        vp: 1,
        ep: 1,
        etp: tp,
        dp: 1,
        microbatch: 2,
        microbatches: 1,
        zero: 0,
        zero_replicas: 1,
        recompute,
        recompute_layers: 0,
        schedule: ScheduleKind::OneForwardOneBackward,
        split: LayerDeal::Even,
        rank_order: RankOrder::TpCpDpPp,
        overlap: false,
        seam: None,
    }
}

fn a100() -> Cluster {
    let text = "name: x\npools:\n- {name: a, nodes: 1, server: dgx-a100}\n";
    Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).expect("valid")
}

/// Korthikanti et al. (arXiv:2205.05198), equations 1 to 4 and table 2: bytes kept of one layer of a GPT without fused attention.
#[test]
fn activations_of_a_layer_are_the_published_ones() {
    let model = Architecture::new(gpt()).expect("consistent");
    let (b, s, h, a) = (2.0, 2048.0, f64::from(model.hidden), f64::from(model.heads.query()));
    let kept = |t: u32, sp: bool| -> f64 {
        layer_operators(&model, LayerKind::Dense, None, &shard(t, sp)).iter().map(|operator| operator.saved.bytes.get()).sum()
    };
    assert_eq!(kept(1, false), s * b * h * (34.0 + 5.0 * a * s / h));
    for t in [2u32, 4, 8] {
        let tf = f64::from(t);
        assert_eq!(kept(t, false), s * b * h * (10.0 + 24.0 / tf + 5.0 * a * s / (h * tf)));
        assert_eq!(kept(t, true), s * b * h / tf * (34.0 + 5.0 * a * s / h));
    }

    let cluster = a100();
    let topology = Topology::new(&cluster);
    let numerics = Computation::new(2048, Precision::Fp16, Software::Megatron2021);
    let setup = Setup::new((&cluster, 0), &topology, Calibration::defaults(), gpt(), numerics).expect("an A100 has FP16");
    let recomputed = |t: u32, sp: bool, recompute: Recompute| {
        let strategy = strategy(t, sp, recompute);
        let (shard, groups) = (setup.shard(&strategy), setup.groups(&strategy));
        let costing = Costing {
            model: &setup.model,
            strategy: &strategy,
            shard: &shard,
            device: &setup.device,
            computation: &setup.computation,
            groups: &groups,
        };
        costing.layer(LayerKind::Dense, None, recompute).saved.get()
    };
    assert_eq!(recomputed(8, true, Recompute::Selective), s * b * h * 34.0 / 8.0);
    assert_eq!(recomputed(8, false, Recompute::Selective), s * b * h * (10.0 + 24.0 / 8.0));
    assert_eq!(recomputed(8, false, Recompute::Full), 2.0 * s * b * h);
    assert_eq!(recomputed(8, true, Recompute::Full), 2.0 * s * b * h / 8.0);
}

/// Megatron's fused softmax takes four rows at once: with three heads and two sequences on a rank it is not there, and the scores pass
/// over memory in 32 bits, cast up and down, scaled and masked.
#[test]
fn softmax_is_fused_where_rows_come_in_fours() {
    let model = Architecture::new(gpt()).expect("consistent");
    let softmax = |tensor: u32| {
        let all = layer_operators(&model, LayerKind::Dense, None, &shard(tensor, false));
        let found = all.into_iter().find(|operator| operator.name.contains("softmax")).expect("one");
        let scores = 2.0 * f64::from(model.heads.query() / tensor) * 2048.0 * 2048.0;
        let per_score = |bytes: f64| bytes / scores;
        let [forward, backward] = [&found.forward, &found.input_gradient].map(|kernels| per_score(kernels[0].bytes()));
        (found.name, found.launches, forward, backward, per_score(found.saved.bytes.get()))
    };
    for tensor in [8, 16, 24] {
        assert_eq!(softmax(tensor), ("softmax", 1.0, 4.0, 6.0, 2.0), "{tensor}");
    }
    // Dropout keeps the cast result's place.
    let (cast, wide) = (6.0, 4.0);
    assert_eq!(softmax(32), ("unfused softmax", 5.0, 2.0 * cast + 6.0 * wide, 2.0 * cast + 7.0 * wide, wide));
}

/// What is not added up within the matmuls is read and written once more: new gradients in 16 bits, and their sum.
#[test]
fn gradients_added_up_apart_pass_over_memory() {
    let cluster = a100();
    let topology = Topology::new(&cluster);
    let gradients = |apart: bool| {
        let mut computation = Computation::new(2048, Precision::Bf16, Software::Fsdp);
        computation.storage.summed_apart = apart;
        let setup =
            Setup::new((&cluster, 0), &topology, Calibration::defaults(), gpt(), computation).expect("an A100 has BF16");
        let kernels = setup.kernels(&strategy(8, false, Recompute::None));
        (kernels.whole(&setup.sorts).get(), setup.device.memory.clone(), setup.device.launch.value.get())
    };
    let (within, ..) = gradients(false);
    let (apart, memory, launch) = gradients(true);
    let model = Architecture::new(gpt()).expect("consistent");
    let (h, l, v) = (f64::from(model.hidden), f64::from(model.layers), f64::from(model.vocab));
    let weights = [3.0, 1.0, 4.0, 4.0].map(|part| part * h * h / 8.0);
    let add = |elements: f64| memory.time(elements * (2.0 + 2.0 * 4.0)).get() + launch;
    let wanted = l * weights.iter().map(|elements| add(*elements)).sum::<f64>() + add(v * h / 8.0);
    assert!((((apart - within) / wanted) - 1.0).abs() < 1e-9, "{} {wanted}", apart - within);
}

/// The FLOPs of a GPT step: 72 B L s h² (1 + s/6h + V/12Lh) with the whole attention square (arXiv:2205.05198, equation 7);
/// half the square here.
#[test]
fn model_flops_are_the_published_ones() {
    let model = Architecture::new(gpt()).expect("consistent");
    let (s, h, l, v) = (2048.0, f64::from(model.hidden), f64::from(model.layers), f64::from(model.vocab));
    let published = 72.0 * l * s * h * h * (1.0 + s / (12.0 * h) + v / (12.0 * l * h));
    assert!((model.flops(2048).model().get() / published - 1.0).abs() < 1e-12);
}

/// Megatron-LM's states: 18 bytes a parameter with 32-bit gradients, 6 + 12/D with the optimizer divided; 20 and 4 + 16/D with 16-bit
/// gradients (`docs/source/api-guide/dist_optimizer.md`).
#[test]
fn states_take_the_published_bytes_a_parameter() {
    let cluster = a100();
    let topology = Topology::new(&cluster);
    let numerics = Computation::new(2048, Precision::Bf16, Software::MegatronCore);
    let model = Catalog::embedded().model("llama2-7b").expect("the catalogue has it");
    let setup = Setup::new((&cluster, 0), &topology, Calibration::defaults(), model, numerics).expect("an A100 has BF16");
    let parameters = setup.model.parameters();
    for (dp, zero, bytes) in
        [(1, 0, 18.0), (8, 0, 18.0), (8, 1, 6.0 + 12.0 / 8.0), (8, 2, 2.0 + 16.0 / 8.0), (8, 3, 18.0 / 8.0)]
    {
        let strategy = Strategy { dp, zero, ..strategy(1, false, Recompute::None) };
        let memory = setup.costs(&strategy).memory[0];
        let states = (memory.weights + memory.gradients + memory.optimizer).get();
        assert!((states / (parameters * bytes) - 1.0).abs() < 1e-12, "dp {dp} zero {zero}: {}", states / parameters);
    }
}

/// FP16 has 16-bit gradients, of which the optimizer makes 32-bit copies.
#[test]
fn half_gradients_take_the_published_bytes_a_parameter() {
    let numerics = Computation::new(2048, Precision::Fp16, Software::Megatron2021);
    let states = States::of(&numerics, 1, false);
    assert_eq!((states.weights + states.gradients, states.optimizer, states.total()), (4.0, 16.0, 20.0));
    // FSDP holds weights, gradients and moments in 32 bits.
    let numerics = Computation::new(2048, Precision::Bf16, Software::FsdpCompiled);
    assert_eq!(States::of(&numerics, 3, false).total(), 16.0);
}

/// A lower bound is one: no layout of a search is faster than its own.
#[test]
fn bounds_hold() {
    let cluster = a100();
    let topology = Topology::new(&cluster);
    let numerics = Computation::new(2048, Precision::Bf16, Software::MegatronCore);
    let model = Catalog::embedded().model("llama2-7b").expect("the catalogue has it");
    let setup = Setup::new((&cluster, 0), &topology, Calibration::defaults(), model, numerics).expect("an A100 has BF16");
    let mut checked = 0;
    for pp in [1, 2, 4, 8] {
        for (vp, schedule) in [
            (1, ScheduleKind::Gpipe),
            (1, ScheduleKind::OneForwardOneBackward),
            (2, ScheduleKind::Interleaved),
            (4, ScheduleKind::Interleaved),
            (2, ScheduleKind::BreadthFirst),
            (1, ScheduleKind::ZbH1),
            (1, ScheduleKind::ZbH2),
            (1, ScheduleKind::ZbV),
            (1, ScheduleKind::ZbAuto),
            (1, ScheduleKind::DualPipe),
            (1, ScheduleKind::DualPipeV),
        ] {
            for (zero, overlap) in [(0, false), (1, false), (1, true)] {
                if pp == 1 && (vp > 1 || schedule.slices(1, 1) > 1 || schedule == ScheduleKind::DualPipe) {
                    continue;
                }
                let layout = Strategy {
                    pp,
                    vp,
                    dp: 8 / pp,
                    schedule,
                    zero,
                    overlap,
                    microbatches: 16,
                    ..strategy(1, false, Recompute::None)
                };
                let costs = setup.costs(&layout);
                let step = setup.step_time(&costs).expect("no deadlock");
                assert!(costs.lower_bound.get() <= step.get() * (1.0 + 1e-12), "{}", layout.describe());
                let estimate = setup.estimate(&layout, &costs).expect("no deadlock");
                let parts: f64 = estimate.breakdown.parts().iter().map(|(_, time)| time.get()).sum();
                assert!((parts / step.get() - 1.0).abs() < 1e-9, "{}: the parts make {parts} of {step}", layout.describe());
                assert!(estimate.breakdown.parts().iter().all(|(_, time)| time.get() >= 0.0), "{}", layout.describe());
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 114);
}
