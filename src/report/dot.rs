//! Graphs for Graphviz: the tasks of a step, the devices of a cluster.
//!
//! Both are drawn whole as long as a person can look at them. Of more than 2,000 tasks the first microbatches are kept, and of
//! a cluster of more than 300 devices a node a kind; a comment at the top says so. The same graph gives the same bytes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use petgraph::graph::{DiGraph, UnGraph};
use petgraph::visit::EdgeRef;

use super::scene::{Class, short};
use crate::step::graph::Task;
use crate::topology::{Device, Link, LinkKind, Topology};
use crate::units::{BytesPerSecond, grouped};

/// Tasks up to which all are drawn.
const MOST_TASKS: usize = 2000;
/// Devices up to which each is a node.
const MOST_DEVICES: usize = 300;
/// Links up to which each says its bandwidth.
const MOST_LABELS: usize = 60;
/// Different bandwidths that a collapsed link lists.
const MOST_RATES: usize = 4;

/// The tasks of a step and what waits for what, a box around each stage.
#[must_use]
pub fn tasks_dot(graph: &DiGraph<Task, ()>) -> String {
    let microbatches = graph.node_weights().map(|task| task.microbatch + 1).max().unwrap_or(0);
    let kept = first_microbatches(graph);
    let shown = |task: &Task| task.microbatch < kept;
    let mut out = String::new();
    let mut label = String::new();
    if kept < microbatches {
        label = format!("first {kept} of {microbatches} microbatches");
        let _ = writeln!(out, "// {} tasks are too many to look at: the {label} are kept.", graph.node_count());
    }
    out += "digraph step {\n  rankdir=LR; newrank=true; fontname=\"Helvetica\";\n";
    if !label.is_empty() {
        let _ = writeln!(out, "  label={};", quoted(&label));
    }
    out += "  node [shape=box style=filled fontname=\"Helvetica\" fontsize=10 height=0.3 color=\"#64748b\"];\n";
    out += "  edge [color=\"#64748b\" arrowsize=0.6];\n";
    let stages: BTreeSet<u32> = graph.node_weights().filter(|task| shown(task)).map(|task| task.stage).collect();
    for stage in stages {
        let _ = writeln!(out, "  subgraph cluster_stage_{stage} {{\n    label=\"stage {stage}\"; color=\"#cbd5e1\";");
        for node in graph.node_indices().filter(|node| graph[*node].stage == stage && shown(&graph[*node])) {
            let task = &graph[node];
            let chunk = if task.chunk > 0 { format!(" c{}", task.chunk) } else { String::new() };
            let label = quoted(&format!("{}{chunk}\n{}", short(task), task.duration));
            let _ = writeln!(
                out,
                "    t{} [label={label} tooltip={} fillcolor=\"{}\"];",
                node.index(),
                quoted(&task.describe()),
                colour(Class::of(task.kind, true))
            );
        }
        out += "  }\n";
    }
    for edge in graph.edge_references().filter(|edge| shown(&graph[edge.source()]) && shown(&graph[edge.target()])) {
        let apart = graph[edge.source()].stage != graph[edge.target()].stage;
        let style = if apart { " [color=\"#b45309\"]" } else { "" };
        let _ = writeln!(out, "  t{} -> t{}{style};", edge.source().index(), edge.target().index());
    }
    out + "}\n"
}

/// So many microbatches that their tasks are not too many to look at; one at least.
fn first_microbatches(graph: &DiGraph<Task, ()>) -> u32 {
    let mut tasks: BTreeMap<u32, usize> = BTreeMap::new();
    for task in graph.node_weights() {
        *tasks.entry(task.microbatch).or_default() += 1;
    }
    let mut sum = 0;
    let fit = tasks.values().take_while(|tasks| {
        sum += *tasks;
        sum <= MOST_TASKS
    });
    let fit = fit.count().max(1);
    tasks.keys().nth(fit - 1).map_or(0, |last| last + 1)
}

fn colour(class: Class) -> &'static str {
    match class {
        Class::Forward => "#c5daf6",
        Class::Backward => "#c0e5d2",
        Class::InputGradient => "#b5dfdc",
        Class::WeightGradient => "#e1ebbf",
        Class::Recompute => "#e3dbf5",
        Class::Pair => "#c3dfe3",
        Class::Communication => "#fad9b7",
        Class::Optimizer => "#f1cede",
    }
}

/// The devices of a cluster and the links between them.
#[must_use]
pub fn topology_dot(topology: &Topology) -> String {
    devices_dot(topology.graph())
}

fn devices_dot(graph: &UnGraph<Device, Link>) -> String {
    if graph.node_count() > MOST_DEVICES { kinds(graph) } else { whole(graph) }
}

const HEADER: &str = "graph cluster {
  fontname=\"Helvetica\"; ranksep=0.7;
  node [shape=box style=\"rounded,filled\" fontname=\"Helvetica\" fontsize=11 color=\"#64748b\"];
  edge [fontname=\"Helvetica\" fontsize=9];
";

fn whole(graph: &UnGraph<Device, Link>) -> String {
    let mut out = HEADER.to_owned();
    let mut numbers: BTreeMap<Kind, u32> = BTreeMap::new();
    for node in graph.node_indices() {
        let kind = Kind::of(graph[node]);
        let number = numbers.entry(kind).or_default();
        let label = match graph[node] {
            Device::Gpu { index, .. } => format!("{} {index}", kind.name()),
            _ => format!("{} {number}", kind.name()),
        };
        *number += 1;
        let _ = writeln!(out, "  d{} [label={} fillcolor=\"{}\"];", node.index(), quoted(&label), kind.colour());
    }
    let labels = graph.edge_count() <= MOST_LABELS;
    for edge in graph.edge_references() {
        // What is nearer to the core of the network, or to the feed, is drawn above.
        let (a, b) = (edge.source(), edge.target());
        let (a, b) = if Kind::of(graph[a]) > Kind::of(graph[b]) { (b, a) } else { (a, b) };
        let link = edge.weight();
        let text = quoted(&rate(link));
        let says = if labels && !text.eq("\"\"") { format!("label={text}") } else { format!("tooltip={text}") };
        let _ = writeln!(out, "  d{} -- d{} [{} {says}];", a.index(), b.index(), look(link.kind));
    }
    out + "}\n"
}

/// How often a link occurs, by the bits of its bandwidth, which order as the bandwidth does, and cables; the fastest first.
type Rates = BTreeMap<(Reverse<u64>, u32), (usize, Link)>;

/// A node for each kind of device, a line for each kind of link, with counts.
fn kinds(graph: &UnGraph<Device, Link>) -> String {
    let mut out = format!(
        "// {} devices are too many to look at: those of a kind are one node, with their number.\n{HEADER}",
        grouped(graph.node_count() as f64, 0)
    );
    let mut devices: BTreeMap<Kind, usize> = BTreeMap::new();
    for device in graph.node_weights() {
        *devices.entry(Kind::of(*device)).or_default() += 1;
    }
    for (i, (kind, count)) in devices.iter().enumerate() {
        let label = format!("{}\n× {}", kind.name(), grouped(*count as f64, 0));
        let _ = writeln!(out, "  d{i} [label={} fillcolor=\"{}\"];", quoted(&label), kind.colour());
    }
    let mut links: BTreeMap<(Kind, Kind, u8), Rates> = BTreeMap::new();
    for edge in graph.edge_references() {
        let (a, b) = (Kind::of(graph[edge.source()]), Kind::of(graph[edge.target()]));
        let link = *edge.weight();
        let rate = (Reverse(link.bandwidth.get().to_bits()), link.cables);
        let ends = (a.min(b), a.max(b), link.kind as u8);
        links.entry(ends).or_default().entry(rate).or_insert((0, link)).0 += 1;
    }
    let place = |kind: &Kind| devices.keys().position(|other| other == kind).unwrap_or(0);
    for ((a, b, _), rates) in &links {
        let Some((_, (_, first))) = rates.first_key_value() else { continue };
        let mut lines: Vec<String> = rates
            .values()
            .take(MOST_RATES)
            .map(|(count, link)| {
                let count = grouped(*count as f64, 0);
                let rate = rate(link);
                if rate.is_empty() { format!("{count} links") } else { format!("{count} × {rate}") }
            })
            .collect();
        let more: usize = rates.values().skip(MOST_RATES).map(|(count, _)| count).sum();
        lines.extend((more > 0).then(|| format!("{} others", grouped(more as f64, 0))));
        let _ = writeln!(out, "  d{} -- d{} [{} label={}];", place(a), place(b), look(first.kind), quoted(&lines.join("\n")));
    }
    out + "}\n"
}

/// Bandwidth per direction, with the cables it is the sum of; nothing for a power line.
fn rate(link: &Link) -> String {
    match (link.bandwidth, link.cables) {
        (BytesPerSecond::ZERO, _) => String::new(),
        (bandwidth, cables) if cables > 1 => format!("{bandwidth} ({cables} cables)"),
        (bandwidth, _) => bandwidth.to_string(),
    }
}

fn look(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::ScaleUp => "color=\"#16a34a\" penwidth=2",
        LinkKind::Pcie => "color=\"#7c3aed\"",
        LinkKind::Network => "color=\"#2563eb\" penwidth=1.4",
        LinkKind::Power => "color=\"#94a3b8\" style=dashed",
    }
}

/// Kinds of devices, from what is drawn at the top to what is drawn at the bottom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Core,
    Spine,
    Leaf,
    Feed,
    Rack,
    Nic,
    Host,
    Gpu(u16),
    ScaleUpSwitch,
}

impl Kind {
    fn of(device: Device) -> Self {
        match device {
            Device::Gpu { pool, .. } => Self::Gpu(pool),
            Device::ScaleUpSwitch => Self::ScaleUpSwitch,
            Device::Host => Self::Host,
            Device::Nic => Self::Nic,
            Device::Leaf => Self::Leaf,
            Device::Spine => Self::Spine,
            Device::Core => Self::Core,
            Device::Rack => Self::Rack,
            Device::Feed => Self::Feed,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Gpu(0) => "GPU".to_owned(),
            Self::Gpu(pool) => format!("GPU of pool {pool}"),
            Self::ScaleUpSwitch => "scale-up switch".to_owned(),
            Self::Host => "host".to_owned(),
            Self::Nic => "port".to_owned(),
            Self::Leaf => "leaf".to_owned(),
            Self::Spine => "spine".to_owned(),
            Self::Core => "core".to_owned(),
            Self::Rack => "rack".to_owned(),
            Self::Feed => "power feed".to_owned(),
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Gpu(_) => "#c0e5d2",
            Self::ScaleUpSwitch => "#d9f0c4",
            Self::Host => "#e3dbf5",
            Self::Nic => "#dbeafe",
            Self::Leaf | Self::Spine | Self::Core => "#bfdbfe",
            Self::Rack | Self::Feed => "#e5e7eb",
        }
    }
}

/// A DOT string: quotes and backslashes escaped, line breaks as `\n`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::super::scene::fake;
    use super::*;
    use crate::units::Seconds;

    /// Braces balance outside strings, strings end, every edge joins nodes that are there.
    fn check(dot: &str) {
        let (mut depth, mut inside, mut escaped) = (0, false, false);
        for c in dot.lines().filter(|line| !line.starts_with("//")).flat_map(str::chars) {
            match c {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                '{' if !inside => depth += 1,
                '}' if !inside => depth -= 1,
                _ => {}
            }
        }
        assert!(depth == 0 && !inside);
        let nodes: BTreeSet<&str> =
            dot.lines().filter_map(|line| line.trim().split_once(" [label=")).map(|(name, _)| name).collect();
        for line in dot.lines() {
            let Some((a, rest)) = line.trim().split_once(" -> ").or_else(|| line.trim().split_once(" -- ")) else { continue };
            let b = rest.split([' ', ';']).next().unwrap();
            assert!(nodes.contains(a) && nodes.contains(b), "{line}");
        }
    }

    #[test]
    fn few_tasks_are_all_there() {
        let step = fake::interleaved(2, 1, 3);
        let dot = tasks_dot(&step.graph);
        check(&dot);
        assert_eq!(dot.matches("tooltip=").count(), step.graph.node_count());
        assert_eq!(dot.matches(" -> ").count(), step.graph.edge_count());
        assert!(dot.contains(r#"label="F 2\n12.0 ms""#));
        assert_eq!(dot, tasks_dot(&fake::interleaved(2, 1, 3).graph));
        check(&tasks_dot(&fake::put_off().graph));
    }

    #[test]
    fn of_many_tasks_the_first_microbatches_stay() {
        let step = fake::interleaved(16, 1, 64);
        let dot = tasks_dot(&step.graph);
        check(&dot);
        let nodes = dot.matches("tooltip=").count();
        assert!(nodes <= MOST_TASKS && nodes > MOST_TASKS - 200, "{nodes}");
        assert!(dot.starts_with("// 8"), "{}", &dot[..80]);
        assert!(dot.contains("of 64 microbatches"));
        assert_eq!(tasks_dot(&DiGraph::new()).matches('{').count(), 1);
    }

    fn cluster(nodes: u32) -> UnGraph<Device, Link> {
        let mut graph = UnGraph::new_undirected();
        let link = |kind, gigabytes: f64, cables| Link {
            kind,
            bandwidth: BytesPerSecond::new(gigabytes * 1e9),
            latency: Seconds::ZERO,
            cables,
        };
        let spine = graph.add_node(Device::Spine);
        let leaves = [graph.add_node(Device::Leaf), graph.add_node(Device::Leaf)];
        for (leaf, cables) in leaves.into_iter().zip([8, 7]) {
            graph.add_edge(leaf, spine, link(LinkKind::Network, 50.0 * f64::from(cables), cables));
        }
        let rack = graph.add_node(Device::Rack);
        for node in 0..nodes {
            let (host, switch) = (graph.add_node(Device::Host), graph.add_node(Device::ScaleUpSwitch));
            graph.add_edge(rack, host, link(LinkKind::Power, 0.0, 1));
            for i in 0..4 {
                let (gpu, nic) = (graph.add_node(Device::Gpu { pool: 0, index: node * 4 + i }), graph.add_node(Device::Nic));
                graph.add_edge(gpu, switch, link(LinkKind::ScaleUp, 450.0, 1));
                graph.add_edge(gpu, host, link(LinkKind::Pcie, 63.0, 1));
                graph.add_edge(nic, gpu, link(LinkKind::Pcie, 50.0, 1));
                graph.add_edge(nic, leaves[(i % 2) as usize], link(LinkKind::Network, 50.0, 1));
            }
        }
        graph
    }

    #[test]
    fn a_small_cluster_is_drawn_device_by_device() {
        let graph = cluster(2);
        let dot = devices_dot(&graph);
        check(&dot);
        assert_eq!(dot.matches(" -- ").count(), graph.edge_count());
        assert!(dot.contains("label=\"GPU 7\"") && dot.contains("label=\"400 GB/s (8 cables)\""), "{dot}");
    }

    #[test]
    fn a_large_cluster_is_drawn_kind_by_kind() {
        let dot = devices_dot(&cluster(400));
        check(&dot);
        assert_eq!(dot.matches(" -- ").count(), 6, "{dot}");
        assert!(dot.contains(r"GPU\n× 1,600") && dot.contains("1,600 × 450 GB/s"), "{dot}");
        assert!(dot.contains(r"1 × 400 GB/s (8 cables)\n1 × 350 GB/s (7 cables)"), "{dot}");
        assert_eq!(dot, devices_dot(&cluster(400)));
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(quoted("a \"b\" \\ c\nd"), r#""a \"b\" \\ c\nd""#);
    }
}
