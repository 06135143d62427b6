//! What a profile moved, told figure by figure: from which value to which, how far it may be off, and where it is from.

use serde::Serialize;

use super::apply::products;
use super::{LinkProfile, Profile};
use crate::calibration::Calibration;
use crate::catalog::{Accelerator, Sourced};
use crate::spec::Precision;
use crate::units::{Seconds, significant};

/// A figure that a profile moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// What it is.
    pub what: String,
    /// The value of the catalogue.
    pub from: String,
    /// The value used.
    pub to: String,
    /// How far it may be off, and what it was measured with.
    pub why: String,
}

impl Profile {
    /// What this profile moves of an accelerator computing in `precision`, and of links, between two calibrations.
    pub(in crate::calibration) fn moved(
        &self,
        (before, after): (&Calibration, &Calibration),
        accelerator: &Accelerator,
        precision: Precision,
    ) -> Vec<Moved> {
        let [memory, launch, products] = self.spreads(accelerator, precision);
        let both = [before, after];
        let [from, to] = both.map(|calibration| calibration.memory(accelerator).efficiency);
        let mut all: Vec<Moved> = figure("memory bandwidth share", from.value, &to, percent, memory).into_iter().collect();
        if let [Some(from), Some(to)] = both.map(|calibration| calibration.matmul(accelerator, precision)) {
            let what = format!("{} matmul share of peak", precision.as_str());
            all.extend(figure(&what, from.share.value, &to.share, percent, products));
        }
        let [from, to] = both.map(|calibration| calibration.launch(accelerator).map(Seconds::get));
        all.extend(figure("launch of a kernel", from.value, &to, |time| Seconds::new(time).to_string(), launch));
        all.extend(self.links.iter().map(link));
        all
    }

    /// How far the figures of an accelerator may be off: memory, launch, and the largest product of a type or the clock.
    fn spreads(&self, accelerator: &Accelerator, precision: Precision) -> [Option<f64>; 3] {
        let Some(entry) = self.entry(accelerator) else { return [None; 3] };
        let largest = products(entry, precision.as_str())
            .into_iter()
            .max_by_key(|row| u64::from(row.m) * u64::from(row.n) * u64::from(row.k));
        [
            entry.memory.as_ref().map(|figure| figure.spread),
            entry.launch.as_ref().map(|launch| launch.spread),
            largest.map(|row| row.spread).or(entry.clock.as_ref().map(|clock| clock.spread)),
        ]
    }
}

fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0, 3))
}

/// A figure, where it did change.
fn figure(what: &str, from: f64, to: &Sourced<f64>, show: impl Fn(f64) -> String, spread: Option<f64>) -> Option<Moved> {
    let spread = spread.map(|spread| format!("± {} %, ", significant(spread * 100.0, 2))).unwrap_or_default();
    (from != to.value).then(|| Moved {
        what: what.to_owned(),
        from: show(from),
        to: show(to.value),
        why: format!("{spread}{}", to.source),
    })
}

fn link(entry: &LinkProfile) -> Moved {
    let nodes = if entry.domains > 1 { format!(" on {} nodes", entry.domains) } else { String::new() };
    Moved {
        what: format!("{} over {}, {} ranks{nodes}", entry.operation, entry.link, entry.ranks),
        from: "the catalogue's curve".to_owned(),
        to: format!("{} + wire / {}", entry.alpha, entry.beta),
        why: format!("± {} %, {}", significant(entry.spread * 100.0, 2), entry.origin),
    }
}

impl Calibration {
    /// What the profile moved of an accelerator computing in `precision`, and of links; nothing without a profile.
    #[must_use]
    pub fn moved(&self, accelerator: &Accelerator, precision: Precision) -> Vec<Moved> {
        self.profile().map(|profile| profile.moved((Self::defaults(), self), accelerator, precision)).unwrap_or_default()
    }
}
