//! Where a figure comes from.

use serde::Serialize;

use super::PriceClass;

/// How much a figure can be trusted, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Read off the hardware or a published measurement.
    Measured,
    /// Fitted to measurements.
    Calibrated,
    /// Printed by the vendor or another named source.
    Datasheet,
    /// Written by the user in the cluster or workload file.
    Given,
    /// Not seen in a source: a stated assumption.
    Assumed,
}

impl Provenance {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Calibrated => "calibrated",
            Self::Datasheet => "datasheet",
            Self::Given => "given",
            Self::Assumed => "assumed",
        }
    }
}

impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A figure with where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sourced<T> {
    /// The figure.
    pub value: T,
    /// How far to trust it.
    pub provenance: Provenance,
    /// Source keys, a file, or the reason of an assumption.
    pub source: String,
    /// What kind of price it is and when it held, of what the catalogue has dated; the source says so too.
    #[serde(skip)]
    pub seen: Option<Box<Seen>>,
}

/// What kind of price something is, and when it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The kind, of prices.
    pub class: Option<PriceClass>,
    /// A day, a year, or a span of them.
    pub date: String,
}

impl<T> Sourced<T> {
    /// A figure with its origin.
    pub fn new(value: T, provenance: Provenance, source: impl Into<String>) -> Self {
        Self { value, provenance, source: source.into(), seen: None }
    }

    /// The same, dated.
    #[must_use]
    pub fn seen(self, class: Option<PriceClass>, date: impl Into<String>) -> Self {
        Self { seen: Some(Box::new(Seen { class, date: date.into() })), ..self }
    }

    /// The same origin for a figure derived from this one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced { value: change(self.value), provenance: self.provenance, source: self.source, seen: self.seen }
    }
}
