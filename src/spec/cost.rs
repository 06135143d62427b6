//! What the `cost` block of a cluster file means: every figure with its range and its origin.

use super::cost_file::{Component, FinancingFile, Method};
use crate::catalog::{Provenance, Sourced};
use crate::units::{
    Date, EnergyPrice, GpuPrice, GpuYearPrice, HourlyPrice, Money, PowerMonthPrice, PowerPrice, Range, Seconds, Share, Watts,
    YearlyPrice, YearlyRate,
};

/// A figure that is given, assumed, or not known.
pub type Known<T> = Option<Sourced<Range<T>>>;

/// What owning a cluster costs.
#[derive(Debug, Clone)]
pub struct Cost {
    /// Whether the file has a `cost` block; without one all is assumed.
    pub stated: bool,
    /// How capital becomes a cost per hour.
    pub method: Method,
    /// First day in service.
    pub start: Option<Date>,
    /// Price of a GPU with its share of everything bought once, as given.
    pub capital: Option<Sourced<GpuPrice>>,
    /// Part of the network in the price of a cluster, for where only nodes have prices.
    pub interconnect: Known<Share>,
    /// Years over which the hardware is paid for.
    pub life: Known<Seconds>,
    /// Cost of capital.
    pub wacc: Known<YearlyRate>,
    /// What it follows from, instead.
    pub financing: Option<FinancingFile>,
    /// What is left of the price at the end.
    pub residual: Known<Share>,
    /// Growth of performance per dollar.
    pub progress: Known<YearlyRate>,
    /// Price of hired hardware.
    pub lease: Option<Sourced<HourlyPrice>>,
    /// Hours used, of those that are paid.
    pub utilisation: Known<Share>,
    /// Measured IT power of a GPU with its share of network and storage.
    pub power_per_gpu: Option<Sourced<Watts>>,
    /// Space, power distribution, cooling.
    pub facility: Facility,
    /// The electricity bill.
    pub electricity: Electricity,
    /// GPUs that one person looks after.
    pub gpus_per_person: Known<f64>,
    /// What a person costs.
    pub pay: Known<YearlyPrice>,
    /// Support and repair of hardware, of its price.
    pub maintenance: Known<YearlyRate>,
    /// Insurance and property tax, of the price of hardware and site.
    pub insurance: Known<YearlyRate>,
    /// Licences, as given.
    pub software: Option<GpuYearPrice>,
    /// Data of the whole cluster, as given.
    pub data: Option<YearlyPrice>,
    /// What somebody else pays.
    pub subsidies: Vec<SubsidyTerms>,
    /// Price of a rented GPU-hour, as given.
    pub rent: Option<HourlyPrice>,
    /// How it moves.
    pub rent_path: PricePath,
}

impl Cost {
    /// Hours used, of those that are paid, where the file says it.
    #[must_use]
    pub fn given_utilisation(&self) -> Option<Share> {
        self.utilisation.as_ref().filter(|used| used.provenance == Provenance::Given).map(|used| used.value.value)
    }
}

/// Space, power distribution, cooling.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a cluster has one")]
pub enum Facility {
    /// Built.
    Built {
        /// Build cost for a watt of IT.
        price: Known<PowerPrice>,
        /// Years over which it is paid for.
        life: Known<Seconds>,
        /// Its cost of capital.
        rate: Known<YearlyRate>,
        /// Its maintenance, of its build cost.
        maintenance: Known<YearlyRate>,
    },
    /// Rented by the kilowatt.
    Rented(Sourced<PowerMonthPrice>),
}

/// The electricity bill.
#[derive(Debug, Clone)]
pub struct Electricity {
    /// Price of energy where neither `power.tariff` nor periods say.
    pub tariff: Known<EnergyPrice>,
    /// Prices by the hour of the week: name, price, part of the week.
    pub periods: Vec<(String, EnergyPrice, Share)>,
    /// Price of the highest power of a month.
    pub demand: Option<PowerMonthPrice>,
    /// Part of the highest power of twelve months that is billed at least.
    pub ratchet: Share,
    /// Contracted power.
    pub contract: Option<Watts>,
    /// Part of the contracted power that is billed at least.
    pub floor: Share,
    /// Taxes on the bill.
    pub taxes: Share,
    /// Fixed fee of the whole cluster.
    pub fee: Option<YearlyPrice>,
}

/// What somebody else pays.
#[derive(Debug, Clone)]
pub struct SubsidyTerms {
    /// What it is called.
    pub name: String,
    /// The line that it lowers.
    pub on: Component,
    /// Part of the line that is paid.
    pub percent: Share,
    /// An amount each year for the whole cluster.
    pub amount: Option<YearlyPrice>,
    /// Most that is paid over the life of the whole cluster.
    pub cap: Option<Money>,
    /// Last day on which it is paid.
    pub until: Option<Date>,
}

/// How a price moves.
#[derive(Debug, Clone, PartialEq)]
pub enum PricePath {
    /// It stays.
    Constant,
    /// It falls by the same part each year.
    Decline(YearlyRate),
    /// Performance per dollar grows by this each year.
    Progress(YearlyRate),
    /// Wright's law.
    Wright {
        /// What each doubling of all that was ever made takes off.
        learning: Share,
        /// How fast that grows.
        growth: YearlyRate,
    },
    /// Prices by date, in their order.
    Dated(Vec<(Date, HourlyPrice)>),
}
