//! Causes add up to what moved, whatever two inputs are edited.

use std::path::Path;

use planner::diff::{Ends, Figure, causes};
use planner::estimate::{Context, Inputs};
use planner::spec::{Cluster, Workload};
use planner::units::Currency;
use planner::yaml;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The inputs of the base tree's larger job on its rented cluster.
fn inputs() -> Inputs {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff/base");
    let source = |file: &str| planner::diagnostic::Source::read(&base.join(file)).expect("it is there");
    let context = Context::read(None, None).expect("nothing to read");
    let cluster = source("h100.yaml");
    Cluster::load(cluster.clone(), &context.catalog).expect("valid");
    let workload = Workload::load(source("jobs/small.yaml"), &context.catalog).expect("valid");
    let cluster = yaml::scan(&cluster).expect("valid").to_json();
    Inputs::of(&cluster, (&workload, &workload.jobs[0]), &context, &planner::diagnostic::Source::read).expect("inputs")
}

/// A change of one input: of the cluster or of the job.
type Edit = (bool, &'static str, Value);

fn edit() -> impl Strategy<Value = Edit> {
    let cents = |range: std::ops::Range<u32>, unit: &'static str| {
        range.prop_map(move |cents| json!(format!("{}.{:02} {unit}", cents / 100, cents % 100)))
    };
    prop_oneof![
        (1_u32..40).prop_map(|nodes| (false, "/pools/0/nodes", json!(nodes))),
        cents(50..900, "USD/GPU-hour").prop_map(|price| (false, "/price/gpu-hour", price)),
        cents(1..99, "USD/kWh").prop_map(|price| (false, "/power/tariff", price)),
        (100_u32..200).prop_map(|pue| (false, "/power/pue", json!(f64::from(pue) / 100.0))),
        (1_u32..900).prop_map(|carbon| (false, "/power/carbon", json!(format!("{carbon} g/kWh")))),
        (1_u32..500).prop_map(|tokens| (true, "/tokens", json!(format!("{tokens}B tokens")))),
        (1_u32..5).prop_map(|k| (true, "/sequence", json!(k * 2048))),
        (1_u32..9).prop_map(|k| (true, "/global-batch", json!(format!("{} sequences", k * 64)))),
        prop_oneof![Just("bf16"), Just("fp8")].prop_map(|precision| (true, "/precision", json!(precision))),
        (1_u32..3).prop_map(|microbatch| (true, "/parallelism/microbatch", json!(microbatch))),
        prop_oneof![Just(4), Just(8), Just(16)].prop_map(|dp| (true, "/parallelism/dp", json!(dp))),
    ]
}

fn edited(inputs: &Inputs, edits: &[Edit]) -> Inputs {
    let mut inputs = inputs.clone();
    for (of_job, place, value) in edits {
        let root = if *of_job { &mut inputs.job } else { &mut inputs.cluster };
        *root.pointer_mut(place).expect("it is there") = value.clone();
    }
    inputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn causes_add_up(edits in prop::collection::vec(edit(), 2)) {
        let old = inputs();
        let new = edited(&old, &edits);
        let estimate = |inputs: &Inputs| inputs.estimate("jobs/small.yaml").ok();
        let Some((before, after)) = estimate(&old).zip(estimate(&new)) else { return Ok(()) };
        let ends = Ends { old: (&old, &before), new: (&new, &after), other_planner: false };
        let causes = causes(ends, Currency::USD, &estimate);
        for figure in Figure::ALL {
            let Some((from, to)) = figure.of(&before, Currency::USD).zip(figure.of(&after, Currency::USD)) else { continue };
            let parts: f64 = causes.iter().map(|cause| cause.part(figure)).sum();
            let whole = to - from;
            // Figures that part and meet again leave the rounding of their size.
            let size = causes.iter().map(|cause| cause.part(figure).abs()).fold(whole.abs(), f64::max);
            prop_assert!((parts - whole).abs() <= 1e-9 * size + f64::EPSILON * from.abs(), "{figure:?}: {parts} for {whole}");
        }
        // Every change is told, in one cause.
        let told: usize = causes.iter().map(|cause| cause.changes.len()).sum();
        let changed = planner::diff::Change::all(&old, &new).len();
        prop_assert_eq!(told, changed);
    }
}

/// Both orders of two changes are possible, and the stated one is taken: nodes and tokens before the price.
#[test]
fn prices_count_for_what_there_is_now() {
    let old = inputs();
    let price = (false, "/price/gpu-hour", json!("4.40 USD/GPU-hour"));
    let new = edited(&old, &[price, (true, "/tokens", json!("200B tokens"))]);
    let estimate = |inputs: &Inputs| inputs.estimate("jobs/small.yaml").ok();
    let (before, after) = (estimate(&old).expect("a plan"), estimate(&new).expect("a plan"));
    let ends = Ends { old: (&old, &before), new: (&new, &after), other_planner: false };
    let causes = causes(ends, Currency::USD, &estimate);
    let told: Vec<String> = causes.iter().map(|cause| cause.told(None)).collect();
    assert_eq!(told, ["tokens 100B → 200B tokens", "price.gpu-hour 2.20 → 4.40 USD/GPU-hour"]);
    let cost = |estimate| Figure::Cost.of(estimate, Currency::USD).expect("a cost");
    let parts: Vec<f64> = causes.iter().map(|cause| cause.part(Figure::Cost) / cost(&before)).collect();
    // Twice the tokens cost once more at the old price; twice the price costs twice as much more for them.
    assert!((parts[0] - 1.0).abs() < 1e-3 && (parts[1] - 2.0).abs() < 1e-3, "{parts:?}");
}
