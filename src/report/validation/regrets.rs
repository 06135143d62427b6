//! Published layouts beside the search's, as tables.

use crate::report::Table;
use crate::units::significant;
use crate::validate::regret::{Regret, by_source};

/// By source, and the layouts that lose most.
#[must_use]
pub fn regret_tables(regrets: &[Regret], worst: usize) -> [Table; 2] {
    let percent = |share: f64| format!("{} %", significant(share * 100.0, 2));
    let mut sources = Table::new(&["source", "layouts", "median regret", "9 in 10 below", "within the winner's 90 %"], 1);
    for row in by_source(regrets) {
        sources.row([row.source, row.layouts.to_string(), percent(row.median), percent(row.ninety), percent(row.within)]);
    }
    let mut furthest = Table::new(&["row", "what", "regret", "published", "the search's"], 2).with_remarks();
    let mut order: Vec<&Regret> = regrets.iter().collect();
    order.sort_by(|a, b| b.regret.total_cmp(&a.regret).then_with(|| a.id.cmp(&b.id)));
    for regret in order.into_iter().take(worst) {
        let (published, chosen) = (regret.published.describe(), regret.chosen.describe());
        furthest.row([regret.id.clone(), regret.what.clone(), percent(regret.regret), published, chosen]);
    }
    [sources, furthest]
}
