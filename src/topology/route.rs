//! The way from one accelerator to another.

use petgraph::algo::astar;
use petgraph::graph::NodeIndex;

use super::{LinkKind, Topology};
use crate::units::{BytesPerSecond, Seconds};

/// A way through the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Bandwidth of its narrowest link, per direction.
    pub bandwidth: BytesPerSecond,
    /// Latency of its links.
    pub latency: Seconds,
    /// Devices on it, both ends included.
    pub devices: Vec<NodeIndex>,
}

impl Topology {
    /// The quickest way for a small message from accelerator `a` to `b` of the pools named; nothing when there is none.
    #[must_use]
    pub fn route(&self, a: (usize, usize), b: (usize, usize)) -> Option<Route> {
        let from = *self.gpus.get(a.0)?.get(a.1)?;
        let to = *self.gpus.get(b.0)?.get(b.1)?;
        // Power cables lead everywhere and carry no data: they cost more than any way could.
        let cost = |edge: petgraph::graph::EdgeReference<'_, super::Link>| match edge.weight().kind {
            LinkKind::Power => 1e9,
            _ => edge.weight().latency.get(),
        };
        let (latency, devices) = astar(&self.graph, from, |node| node == to, cost, |_| 0.0)?;
        if latency >= 1e9 {
            return None;
        }
        let bandwidth = devices
            .windows(2)
            .filter_map(|pair| {
                self.graph.edges_connecting(pair[0], pair[1]).map(|e| e.weight().bandwidth.get()).reduce(f64::max)
            })
            .fold(f64::INFINITY, f64::min);
        Some(Route { bandwidth: BytesPerSecond::new(bandwidth), latency: Seconds::new(latency), devices })
    }
}
