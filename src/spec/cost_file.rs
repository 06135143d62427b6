//! What the `cost` block of a cluster file may say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{
    Date, EnergyPrice, GpuPrice, GpuYearPrice, HourlyPrice, Money, PowerMonthPrice, PowerPrice, Seconds, Share, Watts,
    YearlyPrice, YearlyRate,
};

/// What owning the cluster costs; what is left out is taken from the catalogue and named as assumed.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CostFile {
    /// How capital becomes a cost per hour; `annuity` when left out.
    pub method: Option<Method>,
    /// First day in service: what the dates of subsidies and prices are counted from.
    pub start: Option<Date>,
    /// Price of a GPU with its share of everything that is bought once: node, network, storage, installation.
    pub capital: Option<GpuPrice>,
    /// Years over which the hardware is paid for.
    pub life: Option<Seconds>,
    /// Weighted average cost of capital.
    pub wacc: Option<YearlyRate>,
    /// What the cost of capital follows from, instead of `wacc`.
    pub financing: Option<FinancingFile>,
    /// What is left of the price at the end of the life.
    pub residual: Option<Share>,
    /// Growth of performance per dollar, for `method: replacement`.
    pub progress: Option<YearlyRate>,
    /// Price of hired hardware, for `method: lease`.
    pub lease: Option<HourlyPrice>,
    /// Hours that jobs use, of those that are paid.
    pub utilisation: Option<Share>,
    /// Measured IT power of a GPU with its share of network and storage; the load factor is not applied to it.
    pub power_per_gpu: Option<Watts>,
    /// Space, power distribution and cooling.
    pub facility: FacilityFile,
    /// The electricity bill beside `power.tariff`.
    pub electricity: ElectricityFile,
    /// Who looks after it.
    pub staff: StaffFile,
    /// Support and repair of hardware, of its price.
    pub maintenance: Option<YearlyRate>,
    /// Insurance and property tax, of the price of hardware and site.
    pub insurance: Option<YearlyRate>,
    /// Licences; none are counted when left out.
    pub software: Option<GpuYearPrice>,
    /// Data of the whole cluster: bought, stored, moved; none is counted when left out.
    pub data: Option<YearlyPrice>,
    /// What somebody else pays.
    #[schemars(length(max = 100))]
    pub subsidies: Vec<SubsidyFile>,
    /// Renting instead, to compare with; all of the cost with `method: rent`.
    pub rent: RentFile,
}

/// How capital becomes a cost per hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Equal yearly payments that repay price and cost of capital over the life.
    #[default]
    Annuity,
    /// The price in equal parts over the life, as books have it: capital costs nothing.
    StraightLine,
    /// What the same performance costs less each year (arXiv:2405.21015).
    Replacement,
    /// Hired hardware in a site of one's own.
    Lease,
    /// Rented from a cloud, everything included.
    Rent,
}

impl Method {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Annuity => "annuity",
            Self::StraightLine => "straight-line",
            Self::Replacement => "replacement",
            Self::Lease => "lease",
            Self::Rent => "rent",
        }
    }
}

/// What the cost of capital follows from.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FinancingFile {
    /// Part that owners pay; the rest is borrowed.
    pub equity: Share,
    /// What owners expect.
    pub return_on_equity: YearlyRate,
    /// What lenders take.
    pub interest: YearlyRate,
    /// Tax on profits, which interest lowers.
    #[serde(default)]
    pub tax: Option<Share>,
}

/// Space, power distribution and cooling: built, or rented by the kilowatt.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FacilityFile {
    /// Build cost for a watt of IT, without what stands in it.
    pub build: Option<PowerPrice>,
    /// Build cost of a market of the catalogue, see `planner catalog economics`.
    pub market: Option<String>,
    /// Years over which a built site is paid for.
    pub life: Option<Seconds>,
    /// Cost of capital of a built site.
    pub rate: Option<YearlyRate>,
    /// Maintenance of a built site, of its build cost.
    pub maintenance: Option<YearlyRate>,
    /// Rent of space with power, instead of building; electricity is metered on top.
    pub colocation: Option<PowerMonthPrice>,
}

/// The electricity bill beside `power.tariff`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ElectricityFile {
    /// Tariff of the catalogue instead of `power.tariff`, see `planner catalog economics`.
    pub region: Option<String>,
    /// Prices by the hour of the week, instead of `power.tariff`.
    #[schemars(length(max = 168))]
    pub periods: Vec<PeriodFile>,
    /// Price of the highest power of a month.
    pub demand: Option<PowerMonthPrice>,
    /// Part of the highest power of the last twelve months that is billed at least.
    pub ratchet: Option<Share>,
    /// Contracted power.
    pub contract: Option<Watts>,
    /// Part of the contracted power that is billed at least.
    pub floor: Option<Share>,
    /// Taxes on the bill.
    pub taxes: Option<Share>,
    /// Fixed fee.
    pub fee: Option<YearlyPrice>,
}

/// A part of the week with its own price of energy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PeriodFile {
    /// What it is called.
    pub name: String,
    /// Price of energy in it.
    pub price: EnergyPrice,
    /// Hours of a week that are in it; the rest of the week for the one that does not say.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 168.0))]
    pub hours_per_week: Option<f64>,
}

/// Who looks after it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StaffFile {
    /// GPUs that one person looks after.
    #[schemars(range(min = 0.01, max = 1_000_000.0))]
    pub gpus_per_person: Option<f64>,
    /// What a person costs, with everything on top of the wage.
    pub pay: Option<YearlyPrice>,
}

/// What somebody else pays.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SubsidyFile {
    /// What it is called.
    pub name: String,
    /// The line that it lowers.
    pub on: Component,
    /// Part of the line that is paid.
    #[serde(default)]
    pub percent: Option<Share>,
    /// An amount each year for the whole cluster, instead of or beside `percent`.
    #[serde(default)]
    pub amount: Option<YearlyPrice>,
    /// Most that is paid for the whole cluster over its life.
    #[serde(default)]
    pub cap: Option<Money>,
    /// Last day on which it is paid; needs `cost.start`.
    #[serde(default)]
    pub until: Option<Date>,
}

/// A line of the cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// Hardware, by the method.
    Capital,
    /// Site: built or rented, its maintenance.
    Facility,
    /// The electricity bill.
    Electricity,
    /// People.
    Staff,
    /// Support and repair of hardware.
    Maintenance,
    /// Insurance and property tax.
    Insurance,
    /// Licences.
    Software,
    /// Data.
    Data,
    /// Everything, rented.
    Rent,
}

impl Component {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Capital => "capital",
            Self::Facility => "facility",
            Self::Electricity => "electricity",
            Self::Staff => "staff",
            Self::Maintenance => "maintenance",
            Self::Insurance => "insurance",
            Self::Software => "software",
            Self::Data => "data",
            Self::Rent => "rent",
        }
    }
}

/// Renting instead.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RentFile {
    /// Price of a rented GPU-hour, everything included; the catalogue's when left out.
    pub price: Option<HourlyPrice>,
    /// How that price moves over the life; it stays when left out.
    pub path: Option<PathFile>,
}

/// How a price moves: one of these.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PathFile {
    /// It falls by the same part each year.
    pub decline: Option<YearlyRate>,
    /// Performance per dollar grows by this each year.
    pub progress: Option<YearlyRate>,
    /// Wright's law: what each doubling of all that was ever made takes off; with `growth`.
    pub learning: Option<Share>,
    /// Growth of all that was ever made, for `learning`.
    pub growth: Option<YearlyRate>,
    /// Prices by date, on straight lines in between; needs `cost.start`.
    #[schemars(length(max = 1000))]
    pub prices: Vec<DatedPriceFile>,
}

/// A price on a day.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DatedPriceFile {
    /// The day.
    pub date: Date,
    /// Price of a GPU-hour on it.
    pub price: HourlyPrice,
}
