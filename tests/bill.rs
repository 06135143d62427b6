//! Bills of materials against what is published: every row of NVIDIA's SuperPOD tables, the whole bill of one, worked numbers.

use planner::catalog::{Catalog, Provenance};
use planner::diagnostic::Source;
use planner::economics::bill::{Bill, Group, Verdict, nodes_within};
use planner::spec::{Cluster, examples};
use planner::topology::{FabricSize, Topology};
use planner::units::{Money, Watts};

fn load(text: &str) -> Cluster {
    let loaded = Cluster::load(Source::new("cluster.yaml", text.to_owned()), Catalog::embedded());
    loaded.unwrap_or_else(|errors| panic!("{text}\n{errors:?}"))
}

fn bill_of(cluster: &Cluster) -> (Bill, Option<FabricSize>) {
    let topology = Topology::new(cluster);
    (Bill::new(cluster, &topology, Catalog::embedded()), topology.fabric().copied())
}

fn example(name: &str) -> Cluster {
    Cluster::load(examples::read(name).expect("embedded").0, Catalog::embedded()).expect("valid")
}

fn pool(nodes: u32, server: &str, more: &str) -> String {
    format!("name: x\npools:\n- name: a\n  nodes: {nodes}\n  server: {server}\n{more}")
}

/// `tests/data/superpod_fabrics.csv`: switches and cables of every published row. One GPU count is misprinted there.
#[test]
fn every_superpod_fabric_as_published() {
    let table = include_str!("data/superpod_fabrics.csv");
    let text = table.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let mut rows = 0;
    for record in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let row: std::collections::BTreeMap<String, String> = record.expect("a row");
        let number = |column: &str| row[column].parse::<u32>().unwrap_or_else(|_| panic!("{column} of {row:?}"));
        let design = row["design"].as_str();
        let (server, fabric) = match design {
            "DGX H100/H200/B200 SuperPOD (with UFM)" => ("dgx-h100", "switch: qm9700, scalable-unit: 32 nodes, managers: 2"),
            "DGX B200 SuperPOD (no UFM)" => ("dgx-b200", "switch: qm9700, scalable-unit: 32 nodes, managers: 0"),
            "DGX B300 SuperPOD, Spectrum-X twin-plane" => ("dgx-b300", "switch: sn5600, scalable-unit: 64 nodes, planes: 2"),
            "DGX B300 SuperPOD, Quantum-X800 XDR" => ("dgx-b300", "switch: q3400, scalable-unit: 72 nodes, managers: 0"),
            _ => {
                // The document gives no counts for the GB200 unit: eight racks of 72, at most 1.2 MW.
                assert_eq!((design, row["leaf"].as_str()), ("DGX GB200 SuperPOD SU", ""));
                let cluster = example("gb200-nvl72-8");
                assert_eq!((cluster.pools[0].nodes, cluster.gpus()), (number("nodes"), number("gpus")));
                assert!(cluster.it_power() < Watts::new(1.2e6));
                continue;
            }
        };
        rows += 1;
        let fabric = format!("fabric: {{kind: rail-optimized-fat-tree, {fabric}}}\n");
        let cluster = load(&pool(number("nodes"), server, &fabric));
        let (bill, size) = bill_of(&cluster);
        let count = |role: &str| bill.count(Group::ComputeFabric, role) as u32;
        assert_eq!(size.expect("a fabric").radix, number("radix"), "{row:?}");
        let switches = [count("leaf switches"), count("spine switches"), count("core switches")];
        assert_eq!(switches, [number("leaf"), number("spine"), number("core")], "{row:?}");
        let cables = [
            count("cables from a to leaves") + count("fabric manager cables"),
            count("cables from leaves to spines"),
            count("cables from spines to cores"),
        ];
        let published = ["node_leaf_cables", "leaf_spine_cables", "spine_core_cables"].map(number);
        assert_eq!(cables, published, "{row:?}");
        if number("nodes") == 1296 {
            assert_eq!((cluster.gpus(), number("gpus")), (10_368, 9_216), "misprinted in the source: 1,296 nodes of 8");
        } else {
            assert_eq!(cluster.gpus(), number("gpus"), "{row:?}");
        }
    }
    assert_eq!(rows, 20);
}

/// RA-11333-001 V11, tables 7 and 8: the components and cables of 127 DGX H100 (economics.md 7.2).
#[test]
fn the_whole_bill_of_a_superpod() {
    let (bill, _) = bill_of(&example("h100-superpod-127"));
    let count = |group, role| bill.count(group, role);
    let fabric = |role| count(Group::ComputeFabric, role);
    assert_eq!(count(Group::Compute, "nodes of h100"), 127);
    assert_eq!(fabric("leaf switches") + fabric("spine switches") + fabric("core switches"), 48);
    assert_eq!(fabric("cables from h100 to leaves") + fabric("cables from leaves to spines"), 2040);
    assert_eq!(fabric("switch transceivers"), 1536);
    assert_eq!(fabric("transceivers in h100"), 508);
    assert_eq!(fabric("transceivers in fabric managers"), 4);
    let storage = |role| count(Group::Storage, role);
    assert_eq!(storage("leaf switches") + storage("spine switches"), 16);
    assert_eq!(storage("cables from nodes to leaves") + storage("cables from leaves to spines"), 494);
    assert_eq!(storage("cables to storage devices"), 48);
    assert_eq!(storage("switch transceivers"), 369);
    assert_eq!(storage("transceivers in nodes"), 254);
    assert_eq!(fabric("fabric managers") + storage("fabric managers"), 4);
    let in_band = |role| count(Group::InBand, role);
    assert_eq!(in_band("leaf switches") + in_band("core switches"), 8);
    assert_eq!(in_band("optical cables"), 254 + 8 + 8 + 24 + 16, "nodes, servers, home directories, cores, out-of-band");
    assert_eq!(in_band("cables between switches of a pair"), 6);
    assert_eq!(in_band("servers"), 4);
    assert_eq!(count(Group::OutOfBand, "switches"), 8);
    assert_eq!(count(Group::OutOfBand, "cables"), 127 + 64 + 8 + 8 + 108);
    let racks = |role| count(Group::RacksAndPower, role);
    assert_eq!(racks("racks"), 38);
    assert_eq!((racks("PDUs of nodes"), racks("PDUs of network gear")), (96, 12));
}

/// economics.md 7.2: 127 nodes draw 1,295 kW, 64 switches at most 110 kW and usually 48.
#[test]
fn power_of_a_superpod() {
    let (bill, _) = bill_of(&example("h100-superpod-127"));
    let power = |item: &str| -> f64 {
        bill.lines.iter().filter(|line| line.item == item).filter_map(|line| line.power).map(Watts::get).sum()
    };
    assert_eq!((power("dgx-h100") / 1e3).round(), 1295.0);
    assert_eq!((power("qm9700") / 1e3).round(), 110.0);
    let switch = Catalog::embedded().switch("qm9700").unwrap();
    assert_eq!((switch.typical_power.unwrap().get() * 64.0 / 1e3).round(), 48.0);
    // A scalable unit of 32 DGX B200: 458 kW (economics.md 4).
    assert_eq!((14.3 * 32.0_f64).round(), 458.0);
    let unit = load(&pool(32, "dgx-b200", "fabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n"));
    assert_eq!((unit.it_power().get() / 1e3).round(), 458.0);
    assert!(bill.holds(), "{:?}", bill.limits);
}

/// A published sheet has 192 switches for 512 nodes; NVIDIA's own count is 320 (economics.md 1.2).
#[test]
fn three_tiers_are_not_undercounted() {
    let fabric = "fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n";
    let (bill, _) = bill_of(&load(&pool(512, "dgx-h100", fabric)));
    let switches: u64 =
        ["leaf switches", "spine switches", "core switches"].map(|role| bill.count(Group::ComputeFabric, role)).iter().sum();
    assert_eq!(switches, 320);
    assert!(bill.notes.iter().any(|note| note.contains("No fabric managers")), "full leaves have no port for one");
}

/// H100-SHEET: cables and optics of two switch tiers are 2,560 USD a GPU. The transceivers of the fabric alone, at the prices of
/// another source, agree.
#[test]
fn optics_cost_what_a_published_sheet_says() {
    let (bill, _) = bill_of(&example("h100-superpod-127"));
    let lines = bill.lines.iter().filter(|line| line.group == Group::ComputeFabric && line.role.contains("transceivers"));
    let optics = lines.filter_map(|line| line.total).reduce(|a, b| a.plus(b).unwrap()).unwrap();
    let sheet = 2_560.0 * 1_016.0;
    assert!(optics.low().amount() < sheet && sheet < optics.high().amount(), "{optics} {sheet}");
    assert!((optics.value().amount() / sheet - 1.0).abs() < 0.05, "{optics} {sheet}");
}

/// public-claims.md I1: 30,000 A100 are 3,750 DGX A100; at 199,000 USD these are 746 M USD, 4,000 of them 796 M.
#[test]
fn capital_of_thirty_thousand_a100() {
    let fabric = "fabric: {kind: fat-tree, switch: qm8700, managers: 0}\n";
    for (nodes, millions) in [(3750, 746.0), (4000, 796.0)] {
        let text = pool(nodes, "dgx-a100", &format!("  price: 199000 USD\n{fabric}"));
        let (bill, _) = bill_of(&load(&text));
        let capital = bill.capital_of(Group::Compute).unwrap();
        assert!(capital.is_exact());
        assert_eq!((capital.value().amount() / 1e6).round(), millions);
        assert_eq!(bill.gpus, nodes * 8);
    }
}

/// public-claims.md H8, H10, T6: money, power and GPUs turned into each other.
#[test]
fn money_power_and_accelerators() {
    // H8: 650,000 H100 at 1.37 kW and a PUE of 1.25 are 1.1 GW, and at 47,000 USD about 31 B USD.
    let site = Watts::new(1.37e3) * 650e3 * 1.25;
    assert_eq!(site.to_string(), "1.11 GW");
    assert_eq!(nodes_within(site, 1.25, Watts::new(1.37e3)), 650_000);
    assert_eq!((Money::usd(47e3) * 650e3).to_string(), "30,550,000,000 USD");
    // H10: 50 B USD a year are 1.06 M GPUs at 47,000 USD, or 1.25 GW at 40 M USD a megawatt.
    assert_eq!((50e9_f64 / 47e3 / 1e4).round(), 106.0);
    assert_eq!(Watts::new(50e9 / 40e6 * 1e6).to_string(), "1.25 GW");
    // T6: 100 B USD are 2.0 M GPUs at 50,000 USD, which draw 2.7 GW of IT power.
    assert_eq!((Watts::new(1.37e3) * (100e9 / 50e3)).to_string(), "2.74 GW");
    // 83,000 GB200 in a site of 150 MW (economics.md 4).
    assert_eq!(Watts::new(150e6 / 83e3).to_string(), "1.81 kW");
}

/// Meta's 24,576 H100: pods of 3,072 GPUs without oversubscription, 7:1 above (arXiv:2407.21783 3.3.1).
#[test]
fn an_oversubscribed_fabric() {
    let fabric = "fabric: {kind: fat-tree, switch: 7060dx5-64s, pod: 384 nodes, core-oversubscription: 7}\n";
    let (bill, size) = bill_of(&load(&pool(3072, "hgx-h100", fabric)));
    let size = size.unwrap();
    assert_eq!((size.pods, size.leaves_per_pod, size.leaves, size.spines), (8, 96, 768, 256));
    // Inside a pod as much up as down; above, a spine's 96 links down have 13 up.
    assert_eq!((size.node_leaf_cables, size.leaf_spine_cables, size.spine_core_cables), (24_576, 24_576, 256 * 13));
    assert_eq!(size.cores, 256 * 13 / 64);
    // 109 ports are no switch of 64: the spines are modular.
    let spines = bill.lines.iter().find(|line| line.role == "spine switches" && line.group == Group::ComputeFabric).unwrap();
    assert_eq!((spines.item.as_str(), spines.count), ("modular-switch", 256));
    assert!(spines.why.contains("109 ports"), "{}", spines.why);
    // A leaf of 3:1: 48 ports down, 16 up.
    let fabric = "fabric: {kind: rail-optimized-fat-tree, switch: qm9700, oversubscription: 3}\n";
    let (_, size) = bill_of(&load(&pool(96, "dgx-h100", fabric)));
    let size = size.unwrap();
    // Two units of 48 nodes: 16 leaves with 16 uplinks, 256 links, four spines.
    assert_eq!((size.scalable_unit, size.leaves, size.leaf_uplinks, size.spines), (48, 16, 16, 4));
}

/// Rails that are not joined (arXiv:2307.12169): below a switch's ports no spines at all, above it spines for each rail.
#[test]
fn rails_on_their_own() {
    let fabric = "fabric: {kind: rail-only, switch: qm9700}\n";
    let (bill, size) = bill_of(&load(&pool(64, "dgx-h100", fabric)));
    let size = size.unwrap();
    assert_eq!((size.tiers, size.leaves, size.spines, size.networks), (1, 8, 0, 8));
    // The same nodes on joined rails take 16 leaves and 8 spines.
    let joined = bill_of(&load(&pool(64, "dgx-h100", "fabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n"))).1.unwrap();
    assert_eq!((joined.leaves, joined.spines), (16, 8));
    assert_eq!(bill.count(Group::ComputeFabric, "switch transceivers"), 8 * 32);
    // 256 nodes: 8 rails, each with 8 leaves of 32 nodes and 256 uplinks on 4 spines.
    let (_, size) = bill_of(&load(&pool(256, "dgx-h100", fabric)));
    let size = size.unwrap();
    assert_eq!((size.leaves, size.spines, size.leaf_spine_cables), (64, 32, 2048));
    let topology = Topology::new(&load(&pool(256, "dgx-h100", fabric)));
    let same = topology.route((0, 0), (0, 255 * 8)).expect("the same rail");
    let cross = topology.route((0, 0), (0, 255 * 8 + 1)).expect("by way of the node");
    assert_eq!(same.devices.len(), 7, "GPU, port, leaf, spine, leaf, port, GPU");
    assert!(cross.devices.len() > same.devices.len(), "another rail is reached through NVLink");
}

/// Two planes halve a port's rate and double the radix: two tiers where one plane takes three (Alibaba HPN, Spectrum-X).
#[test]
fn planes_save_a_tier() {
    let of = |planes: u32| {
        let unit = 32 * planes;
        let kind = format!("kind: rail-optimized-fat-tree, switch: sn5600, planes: {planes}, scalable-unit: {unit} nodes");
        let fabric = format!("fabric: {{{kind}}}\n");
        bill_of(&load(&pool(1024, "dgx-b300", &fabric))).1.unwrap()
    };
    let (one, two) = (of(1), of(2));
    assert_eq!((one.tiers, one.radix), (3, 64));
    assert_eq!((two.tiers, two.radix, two.networks), (2, 128, 2));
    let switches = |size: FabricSize| size.leaves + size.spines + size.cores;
    assert!(switches(two) < switches(one), "{two:?} {one:?}");
    // On one tier each plane has its own switch.
    let small = bill_of(&load(&pool(8, "dgx-b300", "fabric: {kind: fat-tree, switch: sn5600, planes: 2}\n"))).1.unwrap();
    assert_eq!((small.tiers, small.leaves), (1, 2));
}

/// An InfiniBand subnet has 48,895 addresses (economics.md 7.3).
#[test]
fn addresses_of_a_subnet() {
    let fabric = |kind: &str| format!("fabric: {{kind: {kind}, switch: q3400, scalable-unit: 72 nodes, managers: 0}}\n");
    let limit = |nodes: u32, kind: &str| {
        let (bill, _) = bill_of(&load(&pool(nodes, "dgx-b300", &fabric(kind))));
        let limit = bill.limits.into_iter().find(|limit| limit.unit == "LIDs").unwrap();
        (limit.used, limit.most, limit.verdict)
    };
    let (used, most, verdict) = limit(1296, "rail-optimized-fat-tree");
    assert_eq!((used, most, verdict), (10_368.0 + 216.0, 48_895.0, Verdict::Kept));
    assert_eq!(limit(6500, "rail-optimized-fat-tree").2, Verdict::Exceeded);
    // Rails of their own are subnets of their own.
    assert_eq!(limit(6500, "rail-only").2, Verdict::Kept);
}

/// 63 nodes that are owned grow to 127: one bill less the other.
#[test]
fn an_extension_orders_the_difference() {
    let text = "fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n";
    let whole = bill_of(&load(&pool(127, "dgx-h100", text))).0;
    let before = bill_of(&load(&pool(63, "dgx-h100", text))).0;
    let grown = bill_of(&load(&pool(127, "dgx-h100", &format!("  owned: 63 nodes\n{text}")))).0;
    for line in &grown.lines {
        assert_eq!(line.count, whole.count(line.group, &line.role), "{}", line.role);
        assert_eq!(line.owned, before.count(line.group, &line.role).min(line.count), "{}", line.role);
    }
    assert_eq!((grown.it_power, grown.racks.clone()), (whole.it_power, whole.racks.clone()));
    let money = |bill: &Bill| bill.capital().unwrap();
    assert!((money(&grown).value().amount() + money(&before).value().amount() - money(&whole).value().amount()).abs() < 1.0);
    // Eight spines become sixteen: half of the 512 uplinks of owned leaves move.
    assert!(grown.notes.iter().any(|note| note.contains("256 of the 512 cables")), "{:?}", grown.notes);
    let all = bill_of(&load(&pool(127, "dgx-h100", &format!("  owned: true\n{text}")))).0;
    assert_eq!(money(&all).value().amount(), 0.0);
    assert!(all.unpriced().is_empty() && all.notes.is_empty(), "{:?}", all.notes);
}

/// A pool that is owned beside one that is bought: power and space of both, money of one.
#[test]
fn an_owned_pool_costs_nothing() {
    let text = "name: x\npools:\n- {name: old, nodes: 32, server: dgx-a100, owned: true}\n- {name: new, nodes: 16, server: dgx-h100, spares: 5 %}\n\
                fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n";
    let (bill, _) = bill_of(&load(text));
    let line = |role: &str| bill.lines.iter().find(|line| line.role == role).unwrap();
    assert_eq!((line("nodes of old").bought(), line("nodes of new").bought()), (0, 16));
    assert_eq!(line("nodes of old").total.unwrap().value().amount(), 0.0);
    assert_eq!(line("nodes of old").power, Some(Watts::new(6.5e3 * 32.0)));
    assert_eq!((line("spare nodes of new").count, line("spare nodes of new").power), (1, None));
    assert_eq!(bill.racks.iter().map(|racks| racks.racks.holds.as_str()).collect::<Vec<_>>(), ["old", "new", "network"]);
}

/// Spares by outages are those that a run on all nodes is told to keep: Meta's RSC-1, 6.5 failures per 1,000 node-days and three days
/// of repair, on 128 nodes (economics.md 5: 7 for 99 % of the time, 5.5 %); more where outages go together.
#[test]
fn spares_follow_from_outages() {
    let spares = |reliability: &str| {
        let pool = "pools: [{name: h100, nodes: 128, server: dgx-h100, spares: by outages}]\n";
        let text = format!(
            "name: x\n{pool}fabric: {{kind: rail-optimized-fat-tree, switch: qm9700}}\nreliability: {{{reliability}}}\n"
        );
        let (bill, _) = bill_of(&load(&text));
        let line = bill.lines.iter().find(|line| line.group == Group::Spares).unwrap().clone();
        (line.count, line.why)
    };
    let alone = "failures: 6.5 /1000 node-days, repair: 3 days, outage-correlation: 0, full-strength: 0.99";
    let (count, why) = spares(alone);
    assert_eq!(count, 7);
    assert!(why.starts_with("5.5 % of 128 nodes, for 99") && why.contains("3.00 days"), "{why}");
    let (together, _) = spares(&alone.replace("correlation: 0", "correlation: 0.02"));
    assert!(together > count, "{together}");
}

/// Prices: the pool's own, then the cluster file's, then the catalogue's, with their bounds; what has none is named.
#[test]
fn prices_and_what_has_none() {
    let fabric = "fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n";
    let (bill, _) = bill_of(&load(&pool(31, "dgx-h100", fabric)));
    let nodes = bill.lines[0].total.unwrap();
    let bounds = [nodes.low(), nodes.value(), nodes.high()].map(|money| money.amount() / 31.0);
    assert_eq!(bounds, [230_000.0, 310_000.0, 375_000.0]);
    let missing: Vec<&str> = bill.unpriced().into_iter().map(|(name, _)| name).collect();
    assert!(missing.contains(&"cable-400g") && missing.contains(&"rack-pdu") && !missing.contains(&"qm9700"), "{missing:?}");
    let text =
        format!("  price: 250000 EUR\n{fabric}price: {{items: {{qm9700: 30000 USD, cable-400g: 100 USD, dgx-h100: 1 USD}}}}\n");
    let cluster = load(&pool(31, "dgx-h100", &text));
    let (bill, _) = bill_of(&cluster);
    let rate = cluster.usd_rate("EUR".parse().unwrap(), Catalog::embedded()).unwrap().value;
    assert_eq!(bill.lines[0].total.unwrap().value(), Money::usd(250_000.0 * rate * 31.0));
    let leaves = bill.lines.iter().find(|line| line.role == "leaf switches").unwrap();
    assert_eq!(leaves.total.unwrap().to_string(), "240,000 USD");
    assert!(!bill.unpriced().iter().any(|(name, _)| *name == "cable-400g"));
}

/// Racks of 57 kW on air are at the end of what is shown; more is a no. Liquid takes them.
#[test]
fn air_has_an_end() {
    let of = |server: &str, more: &str| {
        let fabric = "fabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n";
        let (bill, _) = bill_of(&load(&pool(32, server, &format!("{more}{fabric}"))));
        let cooling = bill.limits.iter().find(|limit| limit.what == "cooling of a rack, a").map(|limit| limit.verdict);
        (cooling, bill.holds(), bill.racks[0].coolant)
    };
    assert_eq!(of("dgx-b200", "").0, Some(Verdict::Kept));
    assert_eq!(of("dgx-b200", "  nodes-per-rack: 4\n").0, Some(Verdict::Tight));
    assert_eq!(of("dgx-b200", "  nodes-per-rack: 5\n").0, Some(Verdict::Exceeded));
    assert_eq!(of("dgx-b200", "  nodes-per-rack: 5\n  cooling: rear-door\n").0, Some(Verdict::Tight));
    let (none, holds, coolant) = of("gb200-nvl72", "");
    assert_eq!((none, holds, coolant.air), (None, true, None));
    // 132 kW into water that gets 10 K warmer: 132 x 60 / (4.186 x 10) = 189 L/min.
    assert_eq!(coolant.water.unwrap().0.to_string(), "189 L/min");
    // Racks that are delivered whole bring their own power distribution.
    let fabric = "fabric: {kind: fat-tree, switch: qm9700}\n";
    let (bill, _) = bill_of(&load(&pool(8, "gb200-nvl72", fabric)));
    assert_eq!(bill.count(Group::RacksAndPower, "PDUs of nodes"), 0);
}

/// economics.md 4: N+1 and 2N of the load, and a site that is full.
#[test]
fn power_supplies_and_the_site() {
    let of = |power: &str| {
        let fabric = "fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n";
        bill_of(&load(&pool(127, "dgx-h100", &format!("{fabric}power: {{pue: 1.25, {power}}}\n")))).0
    };
    let units = |power: &str| of(power).count(Group::RacksAndPower, "uninterruptible power supplies");
    // 1,416 kW of IT.
    assert_eq!(of("ups-unit: 500 kW").it_power.to_string(), "1.42 MW");
    assert_eq!(["ups: n", "ups: n+1", "ups: 2n"].map(|ups| units(&format!("{ups}, ups-unit: 500 kW"))), [3, 4, 6]);
    assert_eq!(units("ups-unit: 500 kW"), 0, "none are asked for");
    // The nodes alone draw 1.62 MW at the meter, with the networks 1.77 MW.
    assert!(of("site-limit: 1.8 MW").holds());
    let full = of("site-limit: 1.7 MW");
    assert!(!full.holds());
    assert!(full.limits.iter().any(|limit| limit.what == "power of the site" && limit.margin() < 0.0));
}

/// What is around nodes is all that the bill's power has beside them, and says what it lacks.
#[test]
fn power_around_the_nodes() {
    let around = |server: &str, nodes: u32, fabric: &str| {
        let cluster = load(&pool(nodes, server, fabric));
        let bill = bill_of(&cluster).0;
        (bill.it_power.get() - cluster.it_power().get(), bill.power_around_nodes())
    };
    let (beside, known) =
        around("dgx-h100", 127, "fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n");
    let known = known.expect("a network");
    assert!((known.value.get() - beside).abs() < 1e-6 && known.provenance == Provenance::Assumed);
    assert_eq!(known.source, "`planner bom`: 10 lines with a power");
    // No power of the switches of HDR is published.
    let (_, lacks) = around("dgx-a100", 64, "fabric: {kind: rail-optimized-fat-tree, switch: qm8700}\n");
    assert!(lacks.expect("servers").source.ends_with(" of switches without"));
    assert_eq!(around("dgx-h100", 1, ""), (0.0, None));
}
