//! Renting instead of owning: what a rented hour costs over the life, and from how many hours a year owning is cheaper.

use serde::Serialize;

use super::crossover::{hours_per_year, margin};
use super::exchange::{Exchange, MissingPrice, Priced};
use super::owned::OwnedCost;
use super::path;
use crate::catalog::{PriceClass, Provenance, Sourced};
use crate::spec::{Pool, PricePath};
use crate::units::{HourlyPrice, Range, Seconds};

/// Hours of a year.
const YEAR: f64 = 8766.0;

/// Renting against owning.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RentOrBuy {
    /// Mean price of a rented GPU-hour over the life, everything included.
    pub rent_gpu_hour: Sourced<HourlyPrice>,
    /// Hours of a year from which owning is cheaper; none where rent does not even pay for the energy. More than the 8,766 that a
    /// year has where renting always is.
    pub break_even_hours_per_year: Option<Range<f64>>,
    /// The same as a part of all hours of a year.
    pub break_even_share_of_hours: Option<f64>,
    /// Whether owning is cheaper at the utilisation that is planned with.
    pub owning_is_cheaper: bool,
    /// What a lessor with these costs and this utilisation earns, over the rent; negative for a loss.
    pub lessor_margin_of_rent: f64,
}

impl RentOrBuy {
    /// What `owned` is to renting.
    ///
    /// # Errors
    /// When no price of a rented hour is known.
    pub fn new(exchange: Exchange<'_>, pool: &Pool, owned: &OwnedCost) -> Priced<Self> {
        let rent = over_the_life(exchange, pool)?;
        let hours = |owned: HourlyPrice, running: HourlyPrice| hours_per_year(rent.value, owned, running);
        let ends = owned.owned_gpu_hour.with(owned.running_gpu_hour, hours);
        let hours = match (ends.low, ends.value, ends.high) {
            (Some(low), Some(value), Some(high)) => Some(Range::new(low, value, high)),
            _ => None,
        };
        let amount = |price: HourlyPrice| price.per_unit().amount();
        let used = owned.utilisation.value.get();
        Ok(Self {
            break_even_hours_per_year: hours,
            break_even_share_of_hours: hours.map(|hours| hours.value / YEAR),
            owning_is_cheaper: hours.is_some_and(|hours| hours.value < used * YEAR),
            lessor_margin_of_rent: margin(amount(owned.utilised_gpu_hour.value), amount(rent.value)),
            rent_gpu_hour: rent,
        })
    }
}

/// Mean price of a rented GPU-hour over the life of the hardware, in US dollars: as the file says, else the catalogue's.
pub(super) fn over_the_life(exchange: Exchange<'_>, pool: &Pool) -> Priced<Sourced<HourlyPrice>> {
    let cost = &exchange.cluster.cost;
    let listed = match &cost.rent_path {
        PricePath::Dated(list) => list.first().map(|(_, price)| *price),
        _ => None,
    };
    let price = match (cost.rent.or(listed), &pool.accelerator.rental) {
        (Some(price), _) => Sourced::new(price, Provenance::Given, "cluster file, cost.rent"),
        (None, Some(rate)) => {
            let rent = Sourced::new(rate.price, Provenance::Assumed, format!("rent, {}: {}", rate.date, rate.source));
            rent.seen(Some(PriceClass::Rent), rate.date.clone())
        }
        (None, None) => {
            let item = format!("a rented hour of `{}`", pool.accelerator.name);
            return Err(MissingPrice::new(item, "write `rent: {price: 2.50 USD/GPU-hour}` under `cost` in the cluster file"));
        }
    };
    let life = cost.life.as_ref().map_or(Seconds::YEAR, |life| life.value.value);
    let mean = path::mean(&cost.rent_path, price.value, cost.start, life);
    let mean = HourlyPrice::new(exchange.usd(mean.per_unit())?);
    Ok(price.map(|_| mean))
}
