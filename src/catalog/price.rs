//! Purchase prices: what was seen, where and when, and what is made of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Provenance, Sourced};
use crate::units::{Money, MoneyInterval};

/// A dated price range for one piece of hardware.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Price {
    /// Lowest seen.
    pub low: Money,
    /// Highest seen.
    pub high: Money,
    /// What it is taken for; the middle of the two when left out.
    #[serde(default)]
    pub value: Option<Money>,
    /// What kind of price it is.
    pub class: PriceClass,
    /// When it held.
    pub date: String,
    /// Who says so.
    pub source: String,
}

/// What kind of price it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PriceClass {
    /// A vendor's list price.
    List,
    /// What buyers reported.
    Street,
    /// A price under contract.
    Contract,
    /// What it rents for.
    Rent,
}

impl PriceClass {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Street => "street",
            Self::Contract => "contract",
            Self::Rent => "rent",
        }
    }
}

/// The price of one piece, with its bounds and its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Priced {
    /// What one piece costs.
    pub unit: MoneyInterval,
    /// What kind of price it is; none for one that the user gave.
    pub class: Option<PriceClass>,
    /// When it held; empty for one that the user gave.
    pub date: String,
    /// How far to trust it.
    pub provenance: Provenance,
    /// Who says so.
    pub source: String,
}

impl Priced {
    /// A price that the user gave; `place` is where it stands.
    #[must_use]
    pub fn given(unit: Money, place: impl Into<String>) -> Self {
        Self {
            unit: MoneyInterval::exact(unit),
            class: None,
            date: String::new(),
            provenance: Provenance::Given,
            source: place.into(),
        }
    }

    /// How far to trust it, who says so, since when.
    #[must_use]
    pub fn origin(&self) -> Sourced<()> {
        let origin = Sourced::new((), self.provenance, self.source.clone());
        if self.date.is_empty() && self.class.is_none() { origin } else { origin.seen(self.class, self.date.clone()) }
    }
}

impl Price {
    /// The price with its bounds; nothing when they are of different currencies.
    #[must_use]
    pub fn interval(&self) -> Option<MoneyInterval> {
        match self.value {
            Some(value) => MoneyInterval::around(value, self.low, self.high),
            None => MoneyInterval::between(self.low, self.high),
        }
    }

    /// The same with its origin.
    #[must_use]
    pub fn priced(&self, provenance: Provenance) -> Option<Priced> {
        Some(Priced {
            unit: self.interval()?,
            class: Some(self.class),
            date: self.date.clone(),
            provenance,
            source: self.source.clone(),
        })
    }
}
