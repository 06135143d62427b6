//! Lines of a cost as they are written down, each with the figures that it rests on.

use serde::Serialize;

use super::exchange::{Exchange, MissingPrice, Priced};
use crate::catalog::{Provenance, Sourced};
use crate::spec::{Cluster, Component, Cost, Pool};
use crate::units::{HourlyPrice, Range};

/// One line of the cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostLine {
    /// What it is for.
    pub component: Component,
    /// The subsidy that it is; nothing for a cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subsidy: Option<String>,
    /// For one GPU and one hour, used or not; negative for a subsidy.
    pub gpu_hour: Range<HourlyPrice>,
    /// Its part of the owned cost: of the sum of all lines.
    pub share_of_owned_cost: f64,
    /// How it is computed.
    pub formula: String,
}

impl CostLine {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.subsidy.as_deref().unwrap_or(self.component.as_str())
    }
}

/// A figure that a cost rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostFigure {
    /// What it is.
    pub what: &'static str,
    /// Its value, with its ends.
    pub value: String,
    /// How far to trust it.
    pub provenance: Provenance,
    /// Who says so.
    pub source: String,
}

/// What is being written down, for one GPU of a pool.
pub(super) struct Ledger<'a> {
    pub cluster: &'a Cluster,
    pub cost: &'a Cost,
    pub pool: &'a Pool,
    pub exchange: Exchange<'a>,
    pub lines: Vec<CostLine>,
    pub figures: Vec<CostFigure>,
    pub without_a_price: Vec<String>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(exchange: Exchange<'a>, pool: &'a Pool) -> Self {
        let cluster = exchange.cluster;
        Self {
            cluster,
            cost: &cluster.cost,
            pool,
            exchange,
            lines: Vec::new(),
            figures: Vec::new(),
            without_a_price: Vec::new(),
        }
    }

    pub(super) fn line(&mut self, component: Component, gpu_hour: Range<HourlyPrice>, formula: impl Into<String>) {
        self.lines.push(CostLine { component, subsidy: None, gpu_hour, share_of_owned_cost: 0.0, formula: formula.into() });
    }

    pub(super) fn note<T>(&mut self, what: &'static str, value: impl std::fmt::Display, of: &Sourced<T>) {
        let figure = CostFigure { what, value: value.to_string(), provenance: of.provenance, source: of.source.clone() };
        self.figures.push(figure);
    }

    /// A figure that has to be there, noted; `example` is what to write under `cost` where it is not.
    pub(super) fn need<T: Copy + PartialEq + std::fmt::Display>(
        &mut self,
        what: &'static str,
        known: Option<&Sourced<Range<T>>>,
        example: &str,
    ) -> Priced<Range<T>> {
        let Some(figure) = known else {
            return Err(MissingPrice::new(what, format!("write `{example}` under `cost` in the cluster file")));
        };
        self.note(what, figure.value, figure);
        Ok(figure.value)
    }
}
