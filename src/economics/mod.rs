//! What hardware, sites and runs cost: the bill of materials; capital, facility, electricity, people, subsidies; owned, rented, per
//! token and per run.
//!
//! The formulas stand alone, each in a file with the numbers that it was checked against; [`OwnedCost`] applies them to a pool of
//! a cluster, [`CostEstimate`] to a run. A share always says of what. This room knows `run`, `topology`, `spec` and `catalog`.

pub mod bill;
pub mod budget;
pub mod capital;
pub mod cohorts;
mod cost;
pub mod crossover;
pub mod drawn;
pub mod electricity;
mod exchange;
pub mod facility;
pub mod growth;
mod hardware;
mod ledger;
mod operations;
mod owned;
pub mod path;
pub mod phases;
mod power;
mod rent;
pub mod sheet;
mod site;
pub mod subsidy;
mod supplier;
pub mod work;

pub use cost::{CostEstimate, gpu_hour, held_gpu_hour, mean_usd_per_gpu_hour, usd_per_gpu_hour};
pub use exchange::{Exchange, MissingPrice, Priced};
pub use ledger::{CostFigure, CostLine};
pub use owned::OwnedCost;
pub use rent::RentOrBuy;
pub use supplier::Supplier;
