//! Typed quantities: parse, print, and multiply only where physics allows.
//!
//! Every quantity that a user writes carries its unit as text (`3.35 TB/s`, `400 Gb/s`, `0.08 USD/kWh`); inside, each is a
//! newtype over its base unit, and only the products and quotients listed in [`laws`](self) exist. Bits are not bytes, a watt
//! is not a watt-hour, and a price per kWh multiplies an energy, nothing else.
//!
//! A widely quoted estimate of LLaMA-65B's training energy cost multiplied watts by hours by a price per kWh, and was off by
//! a factor of 1,000. Here the right chain (400 W per GPU, 1,022,362 GPU-hours, PUE 1.1, 0.87 CNY/kWh) gives 391,360 CNY:
//!
//! ```
//! use planner::units::{Energy, EnergyPrice, Seconds, Watts};
//!
//! let draw: Watts = "400 W".parse()?;
//! let busy: Seconds = "1022362 h".parse()?;
//! let tariff: EnergyPrice = "0.87 CNY/kWh".parse()?;
//! let energy: Energy = draw * busy * 1.1;
//! let cost = energy * tariff;
//! assert_eq!(cost.to_string(), "391,360 CNY");
//! assert_eq!(energy.to_string(), "450 MWh");
//! # Ok::<(), planner::units::QuantityError>(())
//! ```
//!
//! The wrong one does not compile, because power is not energy,
//!
//! ```compile_fail
//! # use planner::units::{EnergyPrice, Watts};
//! let draw: Watts = "449 W".parse().unwrap();
//! let tariff: EnergyPrice = "0.87 CNY/kWh".parse().unwrap();
//! let cost = draw * 1_022_362.0 * tariff; // no such product: power times a price per energy
//! ```
//!
//! and does not parse, because a price per watt-hour's missing kilo is a different unit:
//!
//! ```
//! use planner::units::{Energy, EnergyPrice, Watts};
//! assert!("449 MWh".parse::<Watts>().is_err());
//! assert!("449 W".parse::<Energy>().is_err());
//! assert!("0.87 CNY".parse::<EnergyPrice>().is_err());
//! ```
//!
//! This room is the lowest: it knows none of the others.

mod batch;
mod cooling;
mod date;
mod error;
mod format;
mod interval;
mod laws;
mod money;
mod node_count;
mod number;
mod quantity;
mod range;

pub use batch::Batch;
pub use date::Date;
pub use error::QuantityError;
pub use format::{grouped, significant};
pub use interval::MoneyInterval;
pub use money::{Currency, EnergyPrice, GpuPrice, GpuYearPrice, HourlyPrice, Money, PowerMonthPrice, PowerPrice, YearlyPrice};
pub use node_count::NodeCount;
pub use quantity::{
    AirFlow, Bits, BitsPerSecond, Bytes, BytesPerSecond, Carbon, CarbonIntensity, Energy, FailureRate, Flop, FlopPerSecond,
    GpuHours, Hertz, Nodes, Parameters, Quantity, Seconds, Share, TemperatureRise, Tokens, TokensPerSecond, WaterFlow, Watts,
    YearlyRate,
};
pub use range::Range;

/// Checks that `text` is a quantity of the given kind, without keeping the value.
///
/// The kinds are the names that the JSON Schema of the YAML files carries as `x-quantity`, e.g. `bytes-per-second`.
///
/// # Errors
/// A [`QuantityError`] that says what is wrong and what to write instead. An unknown kind is accepted: it is not this room's.
pub fn check(kind: &str, text: &str) -> Result<(), QuantityError> {
    if kind == "global-batch" {
        return text.parse::<Batch>().map(|_| ());
    }
    if kind == "node-count" {
        return text.parse::<NodeCount>().map(|_| ());
    }
    if kind == "date" {
        return text.parse::<Date>().map(|_| ());
    }
    quantity::check(kind, text).or_else(|| money::check(kind, text)).unwrap_or(Ok(()))
}
