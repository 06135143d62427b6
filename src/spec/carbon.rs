//! Carbon of electricity by date, month and hour, and of making accelerators.

use schemars::JsonSchema;
use serde::Deserialize;

use super::cluster_file::{ClusterFile, PowerFile};
use crate::catalog::{Accelerator, Entry as _, Provenance, Sourced};
use crate::diagnostic::{Code, Diagnostic};
use crate::units::{Carbon, CarbonIntensity, Date, Energy, Seconds};
use crate::yaml::{Document, Path};

/// What making an accelerator takes where its vendor does not say: as much as an H100.
const EMBODIED: (f64, &str) = (164e3, "as an H100's: HGX H100 baseboard, 1,312 kg for eight (NVIDIA PCF)");
/// Time for which nodes serve: 5 years of 8,766 hours.
const LIFE: (f64, &str) = (5.0 * 8_766.0 * 3_600.0, "between the 4 and 6 years over which owners write servers off (2025)");

/// A time with a carbon intensity of its own.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CarbonPeriod {
    /// Carbon intensity in that time.
    pub carbon: CarbonIntensity,
    /// First day on which it applies; every day when left out.
    #[serde(default)]
    pub from: Option<Date>,
    /// Months of the year in which it applies, 1 to 12; all when left out.
    #[serde(default)]
    #[schemars(length(max = 12), inner(range(min = 1, max = 12)))]
    pub months: Vec<u32>,
    /// Hour of the day at which it begins.
    #[serde(default)]
    #[schemars(range(min = 0, max = 23))]
    pub from_hour: Option<u32>,
    /// Hour of the day at which it ends; before `from-hour` when it lasts over midnight.
    #[serde(default)]
    #[schemars(range(min = 1, max = 24))]
    pub to_hour: Option<u32>,
}

impl CarbonPeriod {
    fn covers(&self, day: Date, hour: u32) -> bool {
        let (from, to) = (self.from_hour.unwrap_or(0), self.to_hour.unwrap_or(24));
        let in_hours = if from < to { (from..to).contains(&hour) } else { hour >= from || hour < to };
        in_hours && self.from.is_none_or(|from| from <= day) && (self.months.is_empty() || self.months.contains(&day.month()))
    }
}

/// Carbon of electricity.
#[derive(Debug, Clone, PartialEq)]
pub struct GridCarbon {
    /// Intensity of the grid where no period applies.
    pub base: Option<CarbonIntensity>,
    /// Times with another one.
    pub periods: Vec<CarbonPeriod>,
    /// Electricity of a year that contracts supply without carbon.
    pub contracted: Option<Energy>,
    /// Intensity of the rest in the market-based account.
    pub residual: Option<CarbonIntensity>,
}

impl GridCarbon {
    pub(super) fn of(file: &PowerFile) -> Self {
        Self {
            base: file.carbon,
            periods: file.carbon_periods.clone(),
            contracted: file.contracted,
            residual: file.residual_carbon,
        }
    }

    /// Intensity in an hour of a day, where it is known.
    #[must_use]
    pub fn at(&self, day: Date, hour: u32) -> Option<CarbonIntensity> {
        self.periods.iter().rev().find(|period| period.covers(day, hour)).map(|period| period.carbon).or(self.base)
    }
}

pub(super) fn embodied(given: Option<Carbon>, accelerator: &Accelerator, pool: &str) -> Sourced<Carbon> {
    match (given, accelerator.embodied_carbon) {
        (Some(carbon), _) => Sourced::new(carbon, Provenance::Given, format!("cluster file, pool {pool}, embodied-carbon")),
        (None, Some(carbon)) => accelerator.figure("embodied-carbon", carbon),
        (None, None) => Sourced::new(Carbon::new(EMBODIED.0), Provenance::Assumed, EMBODIED.1),
    }
}

pub(super) fn service_life(given: Option<Seconds>, pool: &str) -> Sourced<Seconds> {
    match given {
        Some(life) => Sourced::new(life, Provenance::Given, format!("cluster file, pool {pool}, service-life")),
        None => Sourced::new(Seconds::new(LIFE.0), Provenance::Assumed, LIFE.1),
    }
}

/// What is needed and not there, and what is divided by and zero.
pub(super) fn mistakes(file: &Document<ClusterFile>) -> Vec<Diagnostic> {
    let power = &file.value.power;
    let mut found = Vec::new();
    let at = Path::root().key("power");
    if power.carbon.is_none() && !power.carbon_periods.is_empty() {
        let error = file.error(Code::MissingKey, &at.key("carbon-periods"), "`carbon-periods` need a `carbon` beside them");
        found.push(error.help("add `carbon: 384 g/kWh`, for times in which no period applies"));
    }
    if power.carbon.is_none() && power.residual_carbon.is_none() && power.contracted.is_some() {
        let error = file.error(Code::MissingKey, &at.key("contracted"), "`contracted` needs the carbon of what is left");
        found.push(error.help("add `residual-carbon: 450 g/kWh`, or `carbon`"));
    }
    for (i, pool) in file.value.pools.iter().enumerate() {
        if pool.service_life == Some(Seconds::ZERO) {
            let at = Path::root().key("pools").index(i).key("service-life");
            let error = file.error(Code::OutOfRange, &at, "`service-life` is zero");
            found.push(error.help("leave `service-life` out if it is not known"));
        }
    }
    found
}
