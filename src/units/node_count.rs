//! A number of nodes to keep beside others, a share of them, or as many as their outages ask for.

use std::str::FromStr;

use super::{Nodes, QuantityError, number};

/// Nodes, counted, as a share of a pool, or by its outages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NodeCount {
    /// So many nodes.
    Nodes(u32),
    /// A share of the pool's nodes, from 0 to 1, rounded up to whole nodes.
    Share(f64),
    /// As many as keep the pool whole for most of the time: what that takes, those who know of failures say.
    ByOutages,
}

impl NodeCount {
    /// Nodes of a pool of `all`, at least the share that was asked for; none by outages, of which nothing is known here.
    #[must_use]
    pub fn of(self, all: u32) -> u32 {
        match self {
            Self::Nodes(nodes) => nodes,
            // A whole number of nodes that the product misses by a rounding is not rounded up again.
            Self::Share(share) => (f64::from(all) * share - 1e-9).ceil().max(0.0) as u32,
            Self::ByOutages => 0,
        }
    }
}

impl FromStr for NodeCount {
    type Err = QuantityError;
    /// Reads `4 nodes`, `3 %` or `by outages`.
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        const EXAMPLE: &str = "4 nodes";
        if text.trim() == "by outages" {
            return Ok(Self::ByOutages);
        }
        let (value, digits, unit) = number::split(text)?;
        match unit {
            "" => Err(QuantityError::without_unit(digits, "a number of nodes", "`nodes`, `%`", EXAMPLE)),
            "%" if (0.0..=100.0).contains(&value) => Ok(Self::Share(value / 100.0)),
            "%" => Err(QuantityError::new(format!("`{text}` is not a share of nodes")).with_hint("write 0 % to 100 %")),
            "node" | "nodes" if value == 0.0 => Ok(Self::Nodes(0)),
            _ => match text.parse::<Nodes>() {
                Ok(nodes) if nodes.get() <= 1e6 => Ok(Self::Nodes(nodes.get() as u32)),
                Ok(_) => Err(QuantityError::new(format!("`{text}` is more than can be planned"))),
                Err(error) => Err(error.with_hint(format!("write it as in `{EXAMPLE}` or `3 %`"))),
            },
        }
    }
}

impl<'de> serde::Deserialize<'de> for NodeCount {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(super::quantity::Text(std::marker::PhantomData::<Self>))
    }
}

impl schemars::JsonSchema for NodeCount {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NodeCount".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "x-quantity": "node-count", "examples": ["4 nodes", "3 %", "by outages"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_up_to_whole_nodes() {
        assert_eq!("3 %".parse::<NodeCount>().unwrap().of(127), 4);
        assert_eq!("5 %".parse::<NodeCount>().unwrap().of(100), 5);
        assert_eq!("4 nodes".parse::<NodeCount>().unwrap().of(127), 4);
        assert_eq!(" by outages".parse::<NodeCount>().unwrap(), NodeCount::ByOutages);
        assert!("4".parse::<NodeCount>().unwrap_err().needs_unit());
        assert!("120 %".parse::<NodeCount>().is_err() && "2.5 nodes".parse::<NodeCount>().is_err());
    }
}
