//! Carbon of a run: of its electricity, twice, and of what made its accelerators.
//!
//! The GHG Protocol (scope 2) asks for both accounts of electricity: by location, what the grid emits where the site stands, hour by
//! hour; by market, what is left after contracts, at the residual mix. What made the accelerators is spread over their service life.

use serde::Serialize;

use crate::spec::{GridCarbon, Pool};
use crate::units::{Carbon, CarbonIntensity, Date, Energy, GpuHours, Seconds, Share};

const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;
/// A year of 8,766 hours.
pub const YEAR: Seconds = Seconds::new(8_766.0 * HOUR);
/// Days that are looked at; what comes after is as they are on average.
const MOST_DAYS: f64 = 50.0 * 366.0;

/// Carbon of a run, or of a year.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Footprint {
    /// Mean intensity of the grid over that time, in grams per joule.
    #[serde(rename = "intensity_g_per_j")]
    pub intensity: Option<CarbonIntensity>,
    /// Of electricity, by location.
    #[serde(rename = "location_g")]
    pub location: Option<Carbon>,
    /// Of electricity, by market; where contracts or a residual mix are given.
    #[serde(rename = "market_g")]
    pub market: Option<Carbon>,
    /// Of making the accelerators, for the share of their life.
    #[serde(rename = "embodied_g")]
    pub embodied: Carbon,
}

impl Footprint {
    /// Of `energy` at the meter, drawn evenly over `time` from `start` on, and of the accelerators of pools that are `held`.
    #[must_use]
    pub fn new(grid: &GridCarbon, held: &[(&Pool, GpuHours)], energy: Energy, (start, time): (Option<Date>, Seconds)) -> Self {
        let intensity = mean_intensity(grid, start, time);
        Self {
            intensity,
            location: intensity.map(|intensity| intensity * energy),
            market: market(grid, intensity, energy, time),
            embodied: held
                .iter()
                .map(|(pool, held)| embodied(pool.embodied_carbon.value, pool.service_life.value, *held))
                .sum(),
        }
    }

    /// The same with the making of the hardware spread over the hours of its life that jobs use, where it is known how many these are:
    /// over every hour, used or not, otherwise.
    #[must_use]
    pub fn over_used_hours(self, used: Option<Share>) -> Self {
        let used = used.map_or(1.0, Share::get).max(f64::MIN_POSITIVE);
        Self { embodied: self.embodied * (1.0 / used), ..self }
    }
}

/// What contracts leave of `energy`, at the residual mix. They supply evenly over the year.
fn market(grid: &GridCarbon, location: Option<CarbonIntensity>, energy: Energy, time: Seconds) -> Option<Carbon> {
    if grid.contracted.is_none() && grid.residual.is_none() {
        return None;
    }
    let contracted = grid.contracted.unwrap_or_default() * (time / YEAR);
    Some(grid.residual.or(location)? * (energy - contracted).max(Energy::ZERO))
}

/// The share of an accelerator's making that falls on the time for which it is held.
#[must_use]
pub fn embodied(one: Carbon, life: Seconds, held: GpuHours) -> Carbon {
    one * (held.get() / life.get())
}

/// Mean intensity of the grid over `time` from the beginning of `start` on. A run without a start is given the mean of a year from
/// the last date on.
#[must_use]
pub fn mean_intensity(grid: &GridCarbon, start: Option<Date>, time: Seconds) -> Option<CarbonIntensity> {
    let base = grid.base?;
    if grid.periods.is_empty() {
        return Some(base);
    }
    let last = grid.periods.iter().filter_map(|period| period.from).max();
    let (mut day, time) = match (start, last, "2026-01-01".parse()) {
        (Some(start), ..) => (start, time),
        (None, Some(last), _) | (None, None, Ok(last)) => (last, Seconds::new(365.0 * DAY)),
        (None, None, Err(_)) => return Some(base),
    };
    let days = (time.get() / DAY).clamp(1.0 / 24.0, MOST_DAYS);
    let mut sum = 0.0;
    let mut left = days * 24.0;
    while left > 0.0 {
        for hour in 0..24 {
            let part = left.min(1.0);
            sum += grid.at(day, hour)?.get() * part;
            left -= part;
        }
        day = day.next();
    }
    Some(CarbonIntensity::new(sum / (days * 24.0)))
}
