//! What the supplier of a cluster's electricity charges, in US dollars: as the cluster file has it, else at the price of its region.

use super::electricity::{PeriodPrice, Tariff};
use super::exchange::{Exchange, MissingPrice, Priced};
use crate::catalog::{Provenance, Sourced};
use crate::units::{EnergyPrice, Money, PowerMonthPrice, Range};

/// What the supplier charges.
#[derive(Debug, Clone, PartialEq)]
pub struct Supplier {
    /// For the whole cluster.
    pub tariff: Tariff,
    /// Mean price of energy, with its ends.
    pub price: Range<EnergyPrice>,
}

impl Supplier {
    /// That of a cluster; and its price of energy as it is written, with who says so.
    ///
    /// # Errors
    /// When no price of electricity is known, or no rate of exchange for it.
    pub fn of(exchange: Exchange<'_>) -> Priced<(Self, Sourced<String>)> {
        let (e, flat) = (&exchange.cluster.cost.electricity, exchange.cluster.power.tariff);
        let usd = |price: EnergyPrice| exchange.usd(price.per_unit()).map(EnergyPrice::new);
        let given = |text: String, place: &str| Sourced::new(text, Provenance::Given, format!("cluster file, {place}"));
        let periods = e.periods.iter().map(|(_, price, hours)| Ok(PeriodPrice { hours: *hours, price: usd(*price)? }));
        let periods: Vec<PeriodPrice> = periods.collect::<Priced<_>>()?;
        let demand = e.demand.map(|price| exchange.usd(price.per_unit())).transpose()?;
        let fee = e.fee.map(|fee| exchange.usd(fee.per_unit())).transpose()?;
        let mut tariff = Tariff {
            periods,
            demand: demand.map(PowerMonthPrice::new),
            ratchet: e.ratchet,
            floor: e.floor,
            taxes: e.taxes.get(),
            fee: fee.map_or(0.0, Money::amount) / 12.0,
        };
        let (price, from) = match (flat, &e.tariff) {
            _ if !tariff.periods.is_empty() => {
                let periods: Vec<String> = e.periods.iter().map(|(name, price, _)| format!("{name} {price}")).collect();
                (Range::exact(tariff.mean_price()), given(periods.join(", "), "cost.electricity.periods"))
            }
            (Some(flat), _) => (Range::exact(usd(flat)?), given(flat.to_string(), "power.tariff")),
            (None, Some(known)) => {
                let prices = exchange.each(known.value, EnergyPrice::per_unit, EnergyPrice::new)?;
                (prices, known.clone().map(|prices| prices.to_string()))
            }
            (None, None) => {
                return Err(MissingPrice::new("electricity", "write `tariff: 0.08 USD/kWh` under `power` in the cluster file"));
            }
        };
        if tariff.periods.is_empty() {
            tariff.periods = Tariff::flat(price.value).periods;
        }
        Ok((Self { tariff, price }, from))
    }
}
