//! How a schedule goes over time: GPUs in use, power, energy.

use serde::Serialize;

use super::outcome::Segment;
use super::{Moment, Outcome, Site};
use crate::units::{Energy, Watts};

/// Stretches of equal length that the course of a schedule is told in.
const STRETCHES: u64 = 120;

/// GPUs in use and power over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stretch {
    /// Its start.
    #[serde(rename = "from_s")]
    pub from: Moment,
    /// GPUs in use, in the mean.
    pub gpus: f64,
    /// Power at the site's meter, in the mean.
    #[serde(rename = "site_power_w")]
    pub power: Watts,
}

/// Watts that a segment draws beyond idle nodes.
fn watts(site: &Site, segment: &Segment) -> f64 {
    let slots = segment.allocation.slots.as_slice();
    slots.iter().map(|slot| f64::from(slot.gpus) * site.power.busy[site.pool_of(slot.at)]).sum()
}

/// Energy at the site's meter until the last job is done, of idle nodes too.
pub(super) fn energy(site: &Site, outcome: &Outcome) -> Energy {
    let busy: f64 = outcome.segments.iter().map(|segment| watts(site, segment) * segment.length().secs()).sum();
    Energy::new(busy + site.power.idle * outcome.end.secs())
}

/// GPUs and power, each segment's share of each stretch.
pub(super) fn stretches(site: &Site, outcome: &Outcome) -> Vec<Stretch> {
    let end = outcome.end.millis();
    if end == 0 {
        return Vec::new();
    }
    let length = end.div_ceil(STRETCHES);
    let count = end.div_ceil(length) as usize;
    let (mut gpus, mut power) = (vec![0.0; count], vec![0.0; count]);
    for segment in &outcome.segments {
        let (from, until) = (segment.start.millis(), segment.end.millis());
        let watts = watts(site, segment);
        for stretch in from / length..until.div_ceil(length).min(count as u64) {
            let (begin, stop) = (stretch * length, ((stretch + 1) * length).min(end));
            let share = until.min(stop).saturating_sub(from.max(begin)) as f64 / (stop - begin) as f64;
            gpus[stretch as usize] += share * f64::from(segment.allocation.gpus);
            power[stretch as usize] += share * watts;
        }
    }
    let stretch = |(i, (gpus, watts)): (u64, (f64, f64))| Stretch {
        from: Moment::from_millis(i * length),
        gpus,
        power: Watts::new(watts + site.power.idle),
    };
    (0..).zip(gpus.into_iter().zip(power)).map(stretch).collect()
}
