//! Time of a collective on the topology.
//!
//! Inside a scale-up domain: base + L + W + 2·√(R·W), with L the steps' latency, W the bytes on the wire over the bandwidth
//! reached, and the last term what filling a pipeline of chunks costs. Across domains a flat ring over all ranks, counted per
//! domain over its ports; the faster of ring and in-switch reduction where there is one. See `docs/calibration-defaults.md`.

use crate::calibration::{Calibration, CollectiveCurve, Operation};
use crate::topology::{Group, LinkUse};
use crate::units::{Bytes, Seconds};

/// Time of a collective whose members have no way to each other.
const NEVER: f64 = 1.340_780_792_994_259_7e154;

/// A group of ranks with everything that the time of its collectives depends on, looked up once.
#[derive(Debug, Clone, Copy)]
pub struct Communicator {
    ranks: u32,
    /// By operation, in the order of the variants.
    lines: [Line; 5],
    /// The reduction in the switch, where there is one.
    in_switch: Option<Line>,
    exchange: Exchange,
}

/// A transfer of S bytes: fixed + x + 2√(ramp·x) with x = S · per byte.
#[derive(Debug, Clone, Copy)]
struct Line {
    fixed: f64,
    per_byte: f64,
    ramp: f64,
}

impl Line {
    fn new(curve: &CollectiveCurve, latency: Seconds, per_byte: f64) -> Self {
        Self { fixed: (curve.base + latency).get(), per_byte, ramp: curve.ramp.unwrap_or(latency).get() }
    }

    fn time(&self, bytes: f64) -> f64 {
        let wire = bytes * self.per_byte;
        self.fixed + wire + 2.0 * (self.ramp * wire).sqrt()
    }
}

/// What the time of a fused expert exchange depends on.
#[derive(Debug, Clone, Copy)]
struct Exchange {
    fixed: f64,
    domains: f64,
    /// Share of what a rank has that leaves it.
    leaves: f64,
    /// Seconds a byte over the scale-up links and over the network.
    inside: f64,
    outside: f64,
}

const OPERATIONS: [Operation; 5] =
    [Operation::AllReduce, Operation::AllGather, Operation::ReduceScatter, Operation::AllToAll, Operation::PointToPoint];

impl Communicator {
    /// Looks up what the collectives of `group` take.
    #[must_use]
    pub fn new(calibration: &Calibration, group: &Group) -> Self {
        let across = group.domains > 1;
        let line = |operation| {
            if across { self::across(calibration, operation, group) } else { self::within(calibration, operation, group) }
        };
        Self {
            ranks: group.ranks,
            lines: OPERATIONS.map(line),
            in_switch: if across { None } else { in_switch(calibration, group) },
            exchange: exchange(calibration, group),
        }
    }

    /// A sender and a receiver, in one scale-up domain or in two, with the links of `group`.
    #[must_use]
    pub fn pair(calibration: &Calibration, group: &Group, inside: bool) -> Self {
        let (per_domain, domains) = if inside { (2, 1) } else { (1, 2) };
        Self::new(calibration, &Group { ranks: 2, per_domain, domains, ..group.clone() })
    }

    /// Members.
    #[must_use]
    pub fn ranks(&self) -> u32 {
        self.ranks
    }

    /// Time of `operation` on a buffer of `bytes`.
    ///
    /// The buffer is the whole one: what is reduced, the gathered result, the input of a reduce-scatter, what a rank holds for
    /// all others.
    #[must_use]
    pub fn time(&self, operation: Operation, bytes: Bytes) -> Seconds {
        if self.ranks < 2 || bytes.get() <= 0.0 {
            return Seconds::ZERO;
        }
        let around = self.lines[operation as usize].time(bytes.get());
        Seconds::new(match &self.in_switch {
            Some(switch) if operation == Operation::AllReduce => around.min(switch.time(bytes.get())),
            _ => around,
        })
    }

    /// Time of sending `tokens` of `token_bytes` each to `top_k` experts spread evenly over the members, or of bringing them back.
    ///
    /// A token travels once to each domain that holds one of its experts, and from there over the scale-up links (DeepEP). With k
    /// experts drawn evenly from N domains it meets N·(1 − (1 − 1/N)^k) of them.
    #[must_use]
    pub fn expert_exchange(&self, tokens: f64, token_bytes: f64, top_k: u32) -> Seconds {
        if self.ranks < 2 {
            return Seconds::ZERO;
        }
        let Exchange { fixed, domains, leaves, inside, outside } = self.exchange;
        let k = f64::from(top_k);
        let scale_up = tokens * k * leaves * token_bytes * inside;
        let met = domains * (1.0 - (1.0 - 1.0 / domains).powf(k));
        let sent = tokens * met * (domains - 1.0) / domains;
        Seconds::new(fixed + scale_up.max(sent * token_bytes * outside))
    }
}

fn within(calibration: &Calibration, operation: Operation, group: &Group) -> Line {
    let n = f64::from(group.ranks.max(2));
    let curve = calibration.collective(&group.scale_up.link, operation, group.ranks);
    let (steps, wire) = match operation {
        Operation::AllReduce => (2.0 * (n - 1.0), 2.0 * (n - 1.0) / n + curve.own_share / n),
        Operation::PointToPoint => (1.0, 1.0),
        _ => (n - 1.0, (n - 1.0) / n + curve.own_share / n),
    };
    reached(&curve, curve.latency * steps, wire, &group.scale_up)
}

fn in_switch(calibration: &Calibration, group: &Group) -> Option<Line> {
    let n = f64::from(group.ranks);
    let switch = calibration.in_switch(&group.scale_up.link, group.ranks).filter(|_| group.ranks > 2)?;
    Some(reached(&switch, switch.latency * 2.0, n / (n - 1.0), &group.scale_up))
}

fn reached(curve: &CollectiveCurve, latency: Seconds, wire: f64, link: &LinkUse) -> Line {
    Line::new(curve, latency, wire / (link.bandwidth.get() * curve.efficiency.value))
}

fn across(calibration: &Calibration, operation: Operation, group: &Group) -> Line {
    let Some(network) = &group.network else { return Line { fixed: NEVER, per_byte: 0.0, ramp: 0.0 } };
    let (n, domains, g) = (f64::from(group.ranks), f64::from(group.domains), f64::from(group.per_domain));
    let curve = calibration.scale_out(&network.link, operation, group.domains);
    let inside = calibration.collective(&group.scale_up.link, operation, group.per_domain.max(2));
    let (wire, inner, outer) = match operation {
        Operation::AllReduce if group.domains == 2 => (1.0, 2.0 * (g - 1.0), 2.0),
        Operation::AllReduce => (2.0 * (n - 1.0) / n, 2.0 * (n - domains), 2.0 * (domains - 1.0)),
        Operation::AllGather | Operation::ReduceScatter => ((n - 1.0) / n, n - domains, domains - 1.0),
        Operation::AllToAll => (g * (n - g) / n, g - 1.0, domains - 1.0),
        Operation::PointToPoint => (1.0, 0.0, 1.0),
    };
    let ports = if operation == Operation::PointToPoint { 1.0 } else { g };
    let over_network = network.bandwidth.get() * ports * curve.efficiency.value;
    // A single member per domain has nothing to pass on inside it.
    let bandwidth = if group.per_domain > 1 && operation != Operation::PointToPoint {
        over_network.min(group.scale_up.bandwidth.get() * inside.efficiency.value)
    } else {
        over_network
    };
    Line::new(&curve, inside.latency * inner + curve.latency * outer, wire / bandwidth)
}

fn exchange(calibration: &Calibration, group: &Group) -> Exchange {
    let [n, domains, g] = [group.ranks, group.domains, group.per_domain].map(f64::from);
    let leaves = (n - 1.0) / n;
    let share = |link: &LinkUse| 1.0 / (link.bandwidth.get() * calibration.expert_exchange(&link.link).value);
    let inside = if g > 1.0 { share(&group.scale_up) } else { 0.0 };
    let alone = Exchange { fixed: 0.0, domains: 1.0, leaves, inside, outside: 0.0 };
    if group.domains <= 1 {
        let curve = calibration.collective(&group.scale_up.link, Operation::AllToAll, group.per_domain.max(2));
        return Exchange { fixed: curve.base.get(), ..alone };
    }
    let Some(network) = &group.network else { return Exchange { fixed: NEVER, ..alone } };
    let curve = calibration.scale_out(&network.link, Operation::AllToAll, group.domains);
    Exchange { fixed: (curve.base + curve.latency).get(), domains, outside: share(network), ..alone }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::diagnostic::Source;
    use crate::spec::Cluster;
    use crate::topology::Topology;

    fn topology(nodes: u32, server: &str, switch: &str) -> Topology {
        let text = format!(
            "name: x\npools:\n- {{name: a, nodes: {nodes}, server: {server}}}\nfabric: {{kind: rail-optimized-fat-tree, switch: {switch}}}\n"
        );
        Topology::new(&Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).unwrap())
    }

    fn time(operation: Operation, bytes: f64, group: &Group) -> Seconds {
        Communicator::new(Calibration::defaults(), group).time(operation, Bytes::new(bytes))
    }

    /// Bus bandwidth in GB/s as nccl-tests counts it.
    fn bus(operation: Operation, bytes: f64, group: &Group) -> f64 {
        let n = f64::from(group.ranks);
        let factor = if operation == Operation::AllReduce { 2.0 } else { 1.0 };
        let seconds = time(operation, bytes, group).get();
        factor * (n - 1.0) / n * bytes / seconds / 1e9
    }

    #[test]
    fn measured_bus_bandwidths_come_out() {
        // ml-engineering, nccl-tests: 8x A100 235 GB/s, 8x H200 480 GB/s with in-switch reduction, at 16 GiB.
        let a100 = topology(1, "dgx-a100", "qm8700").group(0, 8, 8, 1);
        assert!((bus(Operation::AllReduce, 17.2e9, &a100) / 235.0 - 1.0).abs() < 0.15);
        let h200 = topology(1, "dgx-h200", "qm9700").group(0, 8, 8, 1);
        assert!((bus(Operation::AllReduce, 17.2e9, &h200) / 480.0 - 1.0).abs() < 0.10);
        // Together, 512 B200 on eight 400 Gb/s ports: 363 GB/s at 8 GB.
        let b200 = topology(64, "dgx-b200", "qm9700").group(0, 512, 512, 1);
        assert!((bus(Operation::AllReduce, 8e9, &b200) / 363.0 - 1.0).abs() < 0.08);
    }

    #[test]
    fn oversubscription_slows_what_crosses_it_and_nothing_else() {
        let build = |over: f64| {
            let text = format!(
                "name: x\npools:\n- {{name: a, nodes: 64, server: dgx-h100}}\nfabric: {{kind: fat-tree, switch: qm9700, oversubscription: {over}}}\n"
            );
            Topology::new(&Cluster::load(Source::new("x.yaml", text), Catalog::embedded()).unwrap())
        };
        let (flat, narrow) = (build(1.0), build(3.0));
        // Everybody sends to the other half of the cluster: all of it crosses leaves, three ports share one uplink.
        let halves = |t: &Topology| t.group(0, 512, 2, 256).network.unwrap().bandwidth.get();
        assert!((halves(&narrow) / halves(&flat) - 1.0 / 3.0).abs() < 0.02, "{} {}", halves(&narrow), halves(&flat));
        // A ring over neighbouring nodes leaves each leaf once: its uplinks are enough.
        let ring = |t: &Topology| t.group(0, 512, 64, 8).network.unwrap().bandwidth.get();
        assert_eq!(ring(&narrow), ring(&flat));
        let node = |t: &Topology| time(Operation::AllReduce, 1e8, &t.group(0, 512, 8, 1));
        assert_eq!(node(&narrow), node(&flat));
    }
}
