//! Lines of a cost as they are written down, each with the figures that it rests on.

use serde::Serialize;

use super::bill::Bill;
use super::exchange::{Exchange, MissingPrice, Priced};
use super::sheet::{Entry, Plain, Sheet};
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
    /// The same for spreadsheets, see [`super::sheet`].
    #[serde(skip)]
    pub recipe: String,
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
    pub bill: &'a Bill,
    pub exchange: Exchange<'a>,
    pub lines: Vec<CostLine>,
    pub figures: Vec<CostFigure>,
    pub sheet: Sheet,
    pub without_a_price: Vec<String>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(exchange: Exchange<'a>, pool: &'a Pool, bill: &'a Bill) -> Self {
        let cluster = exchange.cluster;
        let mut sheet = Sheet::default();
        let year = Sourced::new((), Provenance::Given, "365.25 days");
        sheet.enter("hours of a year", Range::exact(Plain(8766.0, "h")), &year);
        let counted = |what: &str| Sourced::new((), Provenance::Given, format!("cluster file, {what}"));
        sheet.enter("GPUs", Range::exact(f64::from(cluster.gpus().max(1))), &counted("all pools"));
        sheet.enter("GPUs of the pool", Range::exact(f64::from(pool.gpus())), &counted("nodes of the pool"));
        sheet.enter("GPUs of a node", Range::exact(f64::from(pool.gpus_per_node)), &counted("server of the pool"));
        Self {
            cluster,
            cost: &cluster.cost,
            pool,
            bill,
            exchange,
            lines: Vec::new(),
            figures: Vec::new(),
            sheet,
            without_a_price: Vec::new(),
        }
    }

    /// Writes a line: how it is computed, in words and for spreadsheets.
    pub(super) fn line(
        &mut self,
        component: Component,
        gpu_hour: Range<HourlyPrice>,
        (formula, recipe): (impl Into<String>, impl Into<String>),
    ) {
        let (formula, recipe) = (formula.into(), recipe.into());
        self.lines.push(CostLine { component, subsidy: None, gpu_hour, share_of_owned_cost: 0.0, formula, recipe });
    }

    pub(super) fn note<T>(&mut self, what: &'static str, value: impl std::fmt::Display, of: &Sourced<T>) {
        let figure = CostFigure { what, value: value.to_string(), provenance: of.provenance, source: of.source.clone() };
        self.figures.push(figure);
    }

    /// A figure that is known, noted and entered.
    pub(super) fn enter<T: Entry + PartialEq + std::fmt::Display, U>(
        &mut self,
        what: &'static str,
        value: Range<T>,
        of: &Sourced<U>,
    ) {
        self.note(what, value, of);
        self.sheet.enter(what, value, of);
    }

    /// A figure that has to be there, noted and entered; `example` is what to write under `cost` where it is not.
    pub(super) fn need<T: Entry + PartialEq + std::fmt::Display>(
        &mut self,
        what: &'static str,
        known: Option<&Sourced<Range<T>>>,
        example: &str,
    ) -> Priced<Range<T>> {
        let Some(figure) = known else {
            return Err(MissingPrice::new(what, format!("write `{example}` under `cost` in the cluster file")));
        };
        self.enter(what, figure.value, figure);
        Ok(figure.value)
    }
}
