//! The graph of a cluster: what is in it, and the answers it gives.

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::spec::{Cluster, examples};
use planner::topology::{Device, LinkKind, Topology};
use planner::units::BytesPerSecond;

fn cluster(text: &str) -> Cluster {
    Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).expect("valid")
}

fn example(name: &str) -> Cluster {
    Cluster::load(examples::read(name).expect("embedded").0, Catalog::embedded()).expect("valid")
}

fn count(topology: &Topology, is: impl Fn(&Device) -> bool) -> usize {
    topology.graph().node_weights().filter(|device| is(device)).count()
}

#[test]
fn a_superpod_has_the_published_parts() {
    let topology = Topology::new(&example("h100-superpod-127"));
    assert_eq!(count(&topology, |d| matches!(d, Device::Gpu { .. })), 1016);
    assert_eq!(count(&topology, |d| matches!(d, Device::Nic)), 1016);
    assert_eq!(count(&topology, |d| matches!(d, Device::Leaf)), 32);
    assert_eq!(count(&topology, |d| matches!(d, Device::Spine)), 16);
    assert_eq!(count(&topology, |d| matches!(d, Device::ScaleUpSwitch)), 127);
    let cables: u32 = topology
        .graph()
        .edge_indices()
        .filter(|edge| {
            let (a, b) = topology.graph().edge_endpoints(*edge).expect("two ends");
            matches!((topology.graph()[a], topology.graph()[b]), (Device::Leaf, Device::Spine))
        })
        .map(|edge| topology.graph()[edge].cables)
        .sum();
    assert_eq!(cables, 1024);
    assert_eq!(topology.racks(), 32);
    assert_eq!(topology.gpus_per_feed(), [1016]);
}

#[test]
fn routes_take_the_narrowest_link_of_the_shortest_way() {
    let topology = Topology::new(&example("h100-superpod-127"));
    let inside = topology.route((0, 0), (0, 7)).expect("a way");
    assert_eq!(inside.bandwidth, BytesPerSecond::new(450e9));
    assert_eq!(inside.devices.len(), 3, "GPU, NVSwitch, GPU");
    // The same rail of two nodes of one scalable unit: one leaf between them.
    let rail = topology.route((0, 0), (0, 8)).expect("a way");
    assert_eq!(rail.bandwidth, BytesPerSecond::new(50e9));
    assert_eq!(rail.devices.len(), 5, "GPU, port, leaf, port, GPU");
    // Another scalable unit: over a spine.
    let far = topology.route((0, 0), (0, 8 * 40)).expect("a way");
    assert!(far.devices.iter().any(|device| topology.graph()[*device] == Device::Spine));
    assert!(far.latency > rail.latency && rail.latency > inside.latency);
    assert_eq!(topology.route((0, 0), (0, 99_999)), None);
}

#[test]
fn a_full_mesh_gives_a_pair_one_link_and_eight_all_seven() {
    let topology = Topology::new(&example("mi300x-64"));
    assert_eq!(topology.group(0, 64, 2, 1).scale_up.bandwidth, BytesPerSecond::new(64e9));
    assert_eq!(topology.group(0, 64, 4, 1).scale_up.bandwidth, BytesPerSecond::new(3.0 * 64e9));
    assert_eq!(topology.group(0, 64, 8, 1).scale_up.bandwidth, BytesPerSecond::new(448e9));
}

#[test]
fn a_group_knows_its_domains() {
    let topology = Topology::new(&example("gb200-nvl72-8"));
    let rack = topology.group(0, 576, 72, 1);
    assert_eq!((rack.domains, rack.per_domain), (1, 72));
    let all = topology.group(0, 576, 576, 1);
    assert_eq!((all.domains, all.per_domain), (8, 72));
    let one_each = topology.group(0, 576, 8, 72);
    assert_eq!((one_each.domains, one_each.per_domain), (8, 1));
}

#[test]
fn feeds_carry_no_more_than_their_limit() {
    let text = "name: x\npools:\n- {name: a, nodes: 16, server: dgx-h100, nodes-per-rack: 2}\nfabric: {kind: fat-tree, switch: qm9700}\n\
                power: {feed-limit: 50 kW}\n";
    // Two nodes of 10.2 kW a rack, two racks a feed.
    let topology = Topology::new(&cluster(text));
    assert_eq!(topology.racks(), 8);
    assert_eq!(topology.gpus_per_feed(), [32, 32, 32, 32]);
    let fed = topology.graph().edge_weights().filter(|link| link.kind == LinkKind::Power).count();
    assert_eq!(fed, 8 + 16, "a feed to each rack, a rack to each node");
}

#[test]
fn a_hundred_thousand_gpus_are_single_devices() {
    let text = "name: x\npools:\n- {name: a, nodes: 12500, server: dgx-h100}\n\
                fabric: {kind: fat-tree, switch: sn5600, link: ethernet-400g, core-oversubscription: 2}\n";
    let topology = Topology::new(&cluster(text));
    assert_eq!(topology.gpus(0).len(), 100_000);
    let everyone = topology.group(0, 100_000, 12_500, 8);
    assert_eq!((everyone.domains, everyone.per_domain), (12_500, 1));
    // Neighbours in the ring rarely leave a pod: the cores' 2:1 does not slow it. Half across the cluster it does.
    let network = |size, stride| topology.group(0, 100_000, size, stride).network.expect("a network").bandwidth.get();
    assert_eq!(network(12_500, 8), 50e9);
    assert!((network(2, 50_000) / 25e9 - 1.0).abs() < 0.05, "{}", network(2, 50_000));
}
