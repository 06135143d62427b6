//! The power of nodes against logs of `MLPerf` submissions and of a cluster (`tests/data/power.csv`, the source in each row).

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::plan::Plan;
use planner::run::NodePower;
use planner::run::power::measured;
use planner::spec::{Cluster, Workload};
use planner::topology::Topology;
use planner::units::Watts;

#[path = "support/table.rs"]
mod table;
use table::{Row, rows};

fn cluster(server: &str, nodes: u32, cooling: &str) -> Cluster {
    let text = format!(
        "name: rack\npools: [{{name: all, nodes: {nodes}, server: {server}, cooling: {cooling}}}]\n\
         fabric: {{kind: rail-optimized-fat-tree, switch: qm9700}}\n"
    );
    Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid")
}

fn node(server: &str, cooling: &str, activity: f64) -> Watts {
    let cluster = cluster(server, 1, cooling);
    NodePower::new(&cluster, &cluster.pools[0], activity).total.value
}

fn logged(id: &str) -> f64 {
    rows("power.csv").iter().find(|row| row.text("id") == id).map(|row: &Row| row.number("avg_power_w")).expect(id)
}

/// Predicted over logged power stays within a share of one.
fn within(predicted: Watts, logged: f64, by: f64, what: &str) {
    let ratio = predicted.get() / logged;
    assert!((ratio - 1.0).abs() <= by, "{what}: {predicted} against {logged} W, {:.1} %", (ratio - 1.0) * 100.0);
}

/// One node at work all the time: what the shares are from.
#[test]
fn nodes_of_h100_draw_what_was_logged() {
    for id in ["PW001", "PW009"] {
        within(node("dgx-h100", "liquid", 1.0), logged(id), 0.05, id);
    }
    // The lowest readings, at the ends of jobs.
    within(node("dgx-h100", "liquid", 0.0), logged("PW014"), 0.06, "H100, nothing running");
    within(node("dgx-b200", "liquid", 0.0), logged("PW015"), 0.08, "B200, nothing running");
    // Eight nodes of LoRA draw as much less as they wait; by air they draw more.
    let idle = node("dgx-h100", "liquid", 0.0);
    let activity = (logged("PW003") - idle.get()) / (node("dgx-h100", "liquid", 1.0) - idle).get();
    within(node("dgx-h100", "air", activity), logged("PW011"), 0.01, "LoRA by air");
}

/// Another generation, at work: no constant but the idle share is from it. Another cluster, of A100 by air: none is.
#[test]
fn other_generations_draw_in_proportion() {
    for id in ["PW012", "PW013"] {
        within(node("dgx-b200", "liquid", 1.0), logged(id), 0.03, id);
    }
    // Seren's servers: 95th percentile of readings, a proxy for training (5,040 W, in the row's note).
    within(node("dgx-a100", "air", 1.0), 5_040.0, 0.07, "A100 by air");
}

/// `MLPerf` Training v4.0, GPT-3 175B on 64 nodes: 6.85 kW a node. No constant is from it.
#[test]
fn a_planned_step_draws_what_it_was_logged_to() {
    let catalog = Catalog::embedded();
    let cluster = cluster("dgx-h100", 64, "liquid");
    let workload = "jobs: [{name: mlperf, model: gpt3-175b, tokens: 1B tokens, sequence: 2048, global-batch: 2048 sequences, \
        precision: fp8, software: megatron-core, parallelism: {tp: 4, pp: 8, vp: 12, dp: 16, microbatch: 1}}]\n";
    let workload = Workload::load(Source::new("workload.yaml", workload), catalog).expect("valid");
    let topology = Topology::new(&cluster);
    let plan = Plan::new(&cluster, &topology, &workload, &workload.jobs[0], catalog).expect("a plan");
    let run = plan.run.expect("tokens");
    within(run.pools[0].node_power.total.value, logged("PW007"), 0.03, "GPT-3 on 512 H100");
    assert_eq!(run.it_power, run.pools[0].node_power.total.value * 64.0);
}

/// A load factor that is given wins; where nothing was measured it is assumed.
#[test]
fn what_was_not_measured_is_a_share_of_the_largest() {
    let text = "name: a\npools: [{name: all, nodes: 1, server: dgx-h100}]\npower: {load-factor: 0.6}\n";
    let given = Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid");
    let power = NodePower::new(&given, &given.pools[0], 1.0);
    assert!(power.parts.is_none());
    assert_eq!(power.total.value, given.pools[0].max_power.value * 0.6);
    let text = "name: a\npools: [{name: all, nodes: 1, server: mi300x-8x}]\n";
    let other = Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid");
    assert!(!measured(&other.pools[0]));
    assert_eq!(NodePower::new(&other, &other.pools[0], 1.0).total.value, other.pools[0].max_power.value * 0.75);
    // A node never draws more than it can.
    let text = "name: a\npools: [{name: all, nodes: 1, server: dgx-h100, max-power: 5 kW}]\n";
    let small = Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).expect("valid");
    assert_eq!(NodePower::new(&small, &small.pools[0], 1.0).total.value, "5 kW".parse().unwrap());
}

/// A cap of 500 W on 700 W: a fifth less power of a node, a tenth less clock; the cube law of `spec::power_cap`.
#[test]
fn a_cap_slows_clocks_and_saves_power() {
    let load = |power: &str| {
        let text =
            format!("name: a\npools: [{{name: all, nodes: 1, server: dgx-h100, cooling: liquid}}]\npower: {{{power}}}\n");
        Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded())
    };
    let (free, capped, loose) = (load("pue: 1.2").unwrap(), load("gpu-cap: 500 W").unwrap(), load("gpu-cap: 690 W").unwrap());
    let (cap, bf16) =
        (capped.pools[0].gpu_cap.expect("below"), |cluster: &Cluster| cluster.pools[0].accelerator.peak.bf16.unwrap());
    let expected = ((500.0_f64 - 105.0) / (0.83 * 700.0)).cbrt();
    assert!((cap.clocks - expected).abs() < 1e-12 && (0.87..0.89).contains(&cap.clocks), "{}", cap.clocks);
    assert_eq!(bf16(&capped), bf16(&free) * cap.clocks);
    assert_eq!(bf16(&loose), bf16(&free));
    let draw = |cluster: &Cluster| NodePower::new(cluster, &cluster.pools[0], 1.0).total.value;
    assert!(((draw(&free) - draw(&capped)).get() - 8.0 * (0.98 * 700.0 - 500.0)).abs() < 1e-6);
    assert!(load("gpu-cap: 90 W").is_err());
}

/// Economics, section 4: a unit of 32 DGX B200 is 458 kW, four in a rack 57 kW; 1 MW at a PUE of 1.25 takes 78 DGX H100.
#[test]
fn racks_units_and_budgets_of_power() {
    let kilowatts = |watts: Watts| watts.get() / 1e3;
    let unit = cluster("dgx-b200", 32, "liquid");
    assert!((kilowatts(unit.it_power()) - 457.6).abs() < 1e-9);
    assert!((kilowatts(cluster("dgx-b200", 4, "liquid").it_power()) - 57.2).abs() < 1e-9);
    let site = |nodes: u32| {
        let text = format!(
            "name: site\npools: [{{name: all, nodes: {nodes}, server: dgx-h100}}]\npower: {{site-limit: 1 MW, pue: 1.25}}\n\
             fabric: {{kind: rail-optimized-fat-tree, switch: qm9700}}\n"
        );
        Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded())
    };
    assert!(site(78).is_ok() && site(79).is_err());
}
