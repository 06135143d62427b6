//! The figures of a run's cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rounded;
use crate::economics::CostEstimate;
use crate::units::Money;

/// The cost of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostFigures {
    /// Price of a GPU-hour; none when nobody knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_hour: Option<Price>,
    /// How far to trust it: measured, calibrated, datasheet, given or assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_hour_provenance: Option<String>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_hour_source: Option<String>,
    /// GPU-hours at that price, electricity included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Price>,
    /// The same in US dollars, to compare; none without a rate of exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_usd: Option<f64>,
    /// The low end of the total, where a range of the owner's cost is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_low: Option<Price>,
    /// The high end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_high: Option<Price>,
    /// Cost of a million tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_million_tokens: Option<Price>,
    /// Electricity alone, at the cluster's tariff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electricity: Option<Price>,
}

/// Money as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Units of the currency.
    pub amount: f64,
    /// Its three letters.
    pub currency: String,
}

impl From<Money> for Price {
    fn from(money: Money) -> Self {
        Self { amount: rounded(money.amount()), currency: money.currency().to_string() }
    }
}

impl CostFigures {
    pub(super) fn new(cost: &CostEstimate, usd_rate: Option<f64>) -> Self {
        let price = cost.gpu_hour.as_ref();
        Self {
            gpu_hour: price.map(|price| price.value.per_unit().into()),
            gpu_hour_provenance: price.map(|price| price.provenance.as_str().to_owned()),
            gpu_hour_source: price.map(|price| price.source.clone()),
            total: cost.total.map(Price::from),
            total_usd: cost.total.zip(usd_rate).map(|(total, rate)| rounded(total.amount() * rate)),
            total_low: cost.total_range.map(|range| range.low.into()),
            total_high: cost.total_range.map(|range| range.high.into()),
            per_million_tokens: cost.per_million_tokens.map(Price::from),
            electricity: cost.electricity.map(Price::from),
        }
    }
}
