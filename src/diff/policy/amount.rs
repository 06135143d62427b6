//! By how much a figure may grow: the unit says which figure is meant.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::diff::Figure;
use crate::units::{Bytes, Carbon, Energy, Money, Quantity, QuantityError, Seconds, Watts};

/// An amount of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// The figure.
    pub figure: Figure,
    /// In base units of the figure; of money, in the currency of `money`.
    pub value: f64,
    /// The amount where it is money.
    pub money: Option<Money>,
    /// As it is written.
    pub text: String,
}

const EXAMPLES: [&str; 6] = ["10000 USD", "2 days", "50 MWh", "200 kW", "20 t", "4 GiB"];

impl FromStr for Amount {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let of = |figure, value| Self { figure, value, money: None, text: text.to_owned() };
        let money = || text.parse::<Money>().map(|money| Self { money: Some(money), ..of(Figure::Cost, money.amount()) });
        base::<Seconds>(text)
            .map(|time| of(Figure::RunTime, time))
            .or_else(|_| base::<Energy>(text).map(|energy| of(Figure::Energy, energy)))
            .or_else(|_| base::<Watts>(text).map(|power| of(Figure::SitePower, power)))
            .or_else(|_| base::<Carbon>(text).map(|carbon| of(Figure::Carbon, carbon)))
            .or_else(|_| base::<Bytes>(text).map(|memory| of(Figure::Memory, memory)))
            .or_else(|_| money())
    }
}

fn base<Q: Quantity + FromStr<Err = QuantityError>>(text: &str) -> Result<f64, QuantityError> {
    text.parse::<Q>().map(Quantity::base)
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| {
            let list = EXAMPLES.map(|example| format!("`{example}`")).join(", ");
            serde::de::Error::custom(format!("`{text}` is no amount of a figure; write one as in {list}"))
        })
    }
}

impl schemars::JsonSchema for Amount {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": EXAMPLES })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_says_which_figure_is_meant() {
        use Figure::{Carbon, Cost, Energy, Memory, RunTime, SitePower};
        let figures = EXAMPLES.map(|text| text.parse::<Amount>().unwrap().figure);
        assert_eq!(figures, [Cost, RunTime, Energy, SitePower, Carbon, Memory]);
        assert!("5 %".parse::<Amount>().is_err() && "5".parse::<Amount>().is_err());
    }
}
