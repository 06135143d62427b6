//! Time of a collective on the topology.
//!
//! Inside a scale-up domain: base + L + W + 2·√(R·W), with L the steps' latency, W the bytes on the wire over the bandwidth
//! reached, and the last term what filling a pipeline of chunks costs. Across domains a flat ring over all ranks, counted per
//! domain over its ports; the faster of ring and in-switch reduction where there is one. See `docs/calibration-defaults.md`.

use crate::calibration::{Calibration, CollectiveCurve, Operation};
use crate::topology::Group;
use crate::units::{Bytes, BytesPerSecond, Seconds};

/// Time of `operation` on a buffer of `bytes` over `group`.
///
/// The buffer is the whole one: what is reduced, the gathered result, the input of a reduce-scatter, what a rank holds for
/// all others.
#[must_use]
pub fn time(calibration: &Calibration, operation: Operation, bytes: Bytes, group: &Group) -> Seconds {
    if group.ranks < 2 || bytes.get() <= 0.0 {
        return Seconds::ZERO;
    }
    if group.domains <= 1 { within(calibration, operation, bytes, group) } else { across(calibration, operation, bytes, group) }
}

fn within(calibration: &Calibration, operation: Operation, bytes: Bytes, group: &Group) -> Seconds {
    let n = f64::from(group.ranks);
    let size = bytes.get();
    let curve = calibration.collective(&group.scale_up.link, operation, group.ranks);
    let (steps, wire) = match operation {
        Operation::AllReduce => (2.0 * (n - 1.0), 2.0 * (n - 1.0) / n * size + curve.own_share * size / n),
        Operation::PointToPoint => (1.0, size),
        _ => (n - 1.0, (n - 1.0) / n * size + curve.own_share * size / n),
    };
    let ring = pipelined(&curve, curve.latency * steps, wire, group.scale_up.bandwidth);
    match calibration.in_switch(&group.scale_up.link, group.ranks) {
        Some(switch) if operation == Operation::AllReduce && group.ranks > 2 => {
            ring.min(pipelined(&switch, switch.latency * 2.0, n / (n - 1.0) * size, group.scale_up.bandwidth))
        }
        _ => ring,
    }
}

fn across(calibration: &Calibration, operation: Operation, bytes: Bytes, group: &Group) -> Seconds {
    let Some(network) = &group.network else { return Seconds::new(f64::MAX.sqrt()) };
    let (n, domains, g) = (f64::from(group.ranks), f64::from(group.domains), f64::from(group.per_domain));
    let size = bytes.get();
    let curve = calibration.scale_out(&network.link, operation, group.domains);
    let inside = calibration.collective(&group.scale_up.link, operation, group.per_domain.max(2));
    let (wire, inner, outer) = match operation {
        Operation::AllReduce if group.domains == 2 => (size, 2.0 * (g - 1.0), 2.0),
        Operation::AllReduce => (2.0 * (n - 1.0) / n * size, 2.0 * (n - domains), 2.0 * (domains - 1.0)),
        Operation::AllGather | Operation::ReduceScatter => ((n - 1.0) / n * size, n - domains, domains - 1.0),
        Operation::AllToAll => (g * (n - g) / n * size, g - 1.0, domains - 1.0),
        Operation::PointToPoint => (size, 0.0, 1.0),
    };
    let ports = if operation == Operation::PointToPoint { 1.0 } else { g };
    let network_bandwidth = network.bandwidth * (ports * curve.efficiency.value);
    // A single member per domain has nothing to pass on inside it.
    let bandwidth = if group.per_domain > 1 && operation != Operation::PointToPoint {
        network_bandwidth.min(group.scale_up.bandwidth * inside.efficiency.value)
    } else {
        network_bandwidth
    };
    let latency = inside.latency * inner + curve.latency * outer;
    let wire_time = Bytes::new(wire) / bandwidth;
    let ramp = curve.ramp.unwrap_or(latency);
    curve.base + latency + wire_time + Seconds::new(2.0 * (ramp.get() * wire_time.get()).sqrt())
}

fn pipelined(curve: &CollectiveCurve, latency: Seconds, wire: f64, bandwidth: BytesPerSecond) -> Seconds {
    let wire_time = Bytes::new(wire) / (bandwidth * curve.efficiency.value);
    let ramp = curve.ramp.unwrap_or(latency);
    curve.base + latency + wire_time + Seconds::new(2.0 * (ramp.get() * wire_time.get()).sqrt())
}

/// Time of sending `tokens` of `token_bytes` each to `top_k` experts spread evenly over `group`, or of bringing them back.
///
/// A token travels once to each domain that holds one of its experts, and from there over the scale-up links (DeepEP). With k
/// experts drawn evenly from N domains it meets N·(1 − (1 − 1/N)^k) of them.
#[must_use]
pub fn expert_exchange(calibration: &Calibration, tokens: f64, token_bytes: f64, top_k: u32, group: &Group) -> Seconds {
    if group.ranks < 2 {
        return Seconds::ZERO;
    }
    let [n, domains, g] = [group.ranks, group.domains, group.per_domain].map(f64::from);
    let k = f64::from(top_k);
    let copies = tokens * k * (n - 1.0) / n;
    let inside = calibration.expert_exchange(&group.scale_up.link).value;
    let base = calibration.collective(&group.scale_up.link, Operation::AllToAll, group.per_domain.max(2));
    let scale_up = if g > 1.0 { copies * token_bytes / (group.scale_up.bandwidth.get() * inside) } else { 0.0 };
    let Some(network) = group.network.as_ref().filter(|_| group.domains > 1) else {
        return if group.domains > 1 { Seconds::new(f64::MAX.sqrt()) } else { base.base + Seconds::new(scale_up) };
    };
    let met = domains * (1.0 - (1.0 - 1.0 / domains).powf(k));
    let sent = tokens * met * (domains - 1.0) / domains;
    let share = calibration.expert_exchange(&network.link).value;
    let scale_out = sent * token_bytes / (network.bandwidth.get() * share);
    let curve = calibration.scale_out(&network.link, Operation::AllToAll, group.domains);
    curve.base + curve.latency + Seconds::new(scale_up.max(scale_out))
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

    /// Bus bandwidth in GB/s as nccl-tests counts it.
    fn bus(operation: Operation, bytes: f64, group: &Group) -> f64 {
        let n = f64::from(group.ranks);
        let factor = if operation == Operation::AllReduce { 2.0 } else { 1.0 };
        let seconds = time(Calibration::defaults(), operation, Bytes::new(bytes), group).get();
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
        let node = |t: &Topology| time(Calibration::defaults(), Operation::AllReduce, Bytes::new(1e8), &t.group(0, 512, 8, 1));
        assert_eq!(node(&narrow), node(&flat));
    }
}
