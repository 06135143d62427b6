//! The account of a sweep: what became of every item.

use std::collections::BTreeMap;

use super::Record;
use crate::diagnostic::Code;

/// Items planned and refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// All items.
    pub items: usize,
    /// Those with a plan.
    pub planned: usize,
    /// Those whose deadline is missed.
    pub late: usize,
    /// Those without, by reason, in the order of codes.
    pub refused: Vec<Refusals>,
}

/// Items that were refused for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals {
    /// Its code.
    pub code: String,
    /// What the code is about.
    pub title: &'static str,
    /// How many there are.
    pub items: usize,
    /// The first of them.
    pub first: usize,
    /// What was said of the first.
    pub message: String,
}

impl Account {
    /// The account of some items.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let mut refused: BTreeMap<&str, Refusals> = BTreeMap::new();
        for (record, refusal) in records.iter().filter_map(|record| record.refusal().map(|refusal| (record, refusal))) {
            let entry = refused.entry(&refusal.code).or_insert_with(|| Refusals {
                code: refusal.code.clone(),
                title: title(&refusal.code),
                items: 0,
                first: record.index,
                message: refusal.message.clone(),
            });
            entry.items += 1;
        }
        let plans = || records.iter().filter_map(Record::plan);
        Self {
            items: records.len(),
            planned: plans().count(),
            late: plans().filter(|plan| plan.meets_deadline == Some(false)).count(),
            refused: refused.into_values().collect(),
        }
    }

    /// How many were refused.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.items - self.planned
    }
}

fn title(code: &str) -> &'static str {
    Code::ALL.iter().find(|known| known.as_str() == code).map_or("of another version", |known| known.title())
}
