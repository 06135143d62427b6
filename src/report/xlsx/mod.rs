//! Costs and bills as workbooks: assumptions that may be changed, and formulas that follow. What was computed stands in the cells as
//! their last result, so that a viewer that does not compute shows the same.

mod assumptions;
mod bill;
mod cost;
mod recipe;
mod style;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use crate::economics::bill::Bill;
use crate::economics::sheet::AROUND_NODES;
use crate::plan::Costs;
use assumptions::Assumptions;
use recipe::Cells;
use style::Style;

/// The costs of a cluster as a workbook: *Cost*, *Assumptions*, and the *Bill of materials* where a cost rests on it.
///
/// # Errors
/// When it does not fit into a workbook.
pub fn costs_xlsx(costs: &Costs) -> Result<Vec<u8>, XlsxError> {
    let mut assumptions = Assumptions::default();
    let scopes: Vec<Cells> = costs
        .pools
        .iter()
        .map(|pool| {
            let title = if costs.pools.len() > 1 { format!("Cost, pool {}", pool.pool) } else { "Cost".to_owned() };
            assumptions.add(&title, &pool.pool, &pool.sheet.inputs)
        })
        .collect();
    let rests_on_it = |step: &crate::economics::sheet::Step| step.recipe.contains(AROUND_NODES);
    let bill = costs.pools.iter().any(|pool| pool.sheet.steps.iter().any(rests_on_it)).then_some(&costs.bill);
    let priced = bill.map(|bill| (bill, bill::SHEET.to_owned(), bill::prices(bill, &mut assumptions)));
    let mut book = new_book()?;
    let style = Style::new();
    let place = priced.as_ref().map(|(bill, name, prices)| bill::Layout::new(bill, name, prices));
    cost::write(book.add_worksheet(), costs, (&scopes, place.as_ref().map(bill::Layout::around_nodes)), &style)?;
    assumptions.write(book.add_worksheet(), &costs.cluster, &style)?;
    if let Some(layout) = &place {
        layout.write(book.add_worksheet(), &style)?;
    }
    assumptions.define(&mut book)?;
    book.save_to_buffer()
}

/// Bills as a workbook: the prices of their items under *Assumptions*, and a sheet for each bill.
///
/// # Errors
/// When they do not fit into a workbook.
pub fn bills_xlsx(bills: &[Bill]) -> Result<Vec<u8>, XlsxError> {
    let mut assumptions = Assumptions::default();
    let names = bill::names(bills);
    let prices: Vec<Cells> = bills.iter().map(|bill| bill::prices(bill, &mut assumptions)).collect();
    let mut book = new_book()?;
    let style = Style::new();
    for ((bill, name), prices) in bills.iter().zip(&names).zip(&prices) {
        bill::Layout::new(bill, name, prices).write(book.add_worksheet(), &style)?;
    }
    let clusters: Vec<&str> = bills.iter().map(|bill| bill.cluster.as_str()).collect();
    assumptions.write(book.add_worksheet(), &clusters.join(", "), &style)?;
    assumptions.define(&mut book)?;
    book.save_to_buffer()
}

/// A workbook that is the same in every byte whenever it is written.
fn new_book() -> Result<Workbook, XlsxError> {
    let mut book = Workbook::new();
    let day = ExcelDateTime::from_ymd(2026, 1, 1)?;
    let generator = concat!("planner ", env!("CARGO_PKG_VERSION"));
    book.set_properties(&DocProperties::new().set_creation_datetime(&day).set_author(generator));
    Ok(book)
}
