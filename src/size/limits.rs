//! What must not be exceeded, which limit binds, and what would have to give.

use serde::Serialize;

use super::{Candidate, Sized};
use crate::units::{Money, Seconds, Watts};

/// What must not be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Capital, in US dollars.
    pub budget: Option<Money>,
    /// Power of the site, cooling included.
    pub site_power: Option<Watts>,
    /// Power of a rack.
    pub rack_power: Option<Watts>,
    /// Racks.
    pub racks: Option<u32>,
    /// From the order to the first day in service: deadlines are counted from the order.
    pub lead_time: Option<Seconds>,
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Time to the deadlines.
    Deadline,
    /// Time from the order to the first day in service.
    LeadTime,
    /// Capital.
    Budget,
    /// Power of the site.
    SitePower,
    /// Power of a rack.
    RackPower,
    /// Racks.
    Racks,
}

impl Need {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => "deadline",
            Self::LeadTime => "lead time",
            Self::Budget => "budget",
            Self::SitePower => "power of the site",
            Self::RackPower => "power of a rack",
            Self::Racks => "racks",
        }
    }

    /// A value of it, in words.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Deadline | Self::LeadTime => Seconds::new(value).to_string(),
            Self::Budget => Money::new(value, crate::units::Currency::USD).to_string(),
            Self::SitePower | Self::RackPower => Watts::new(value).to_string(),
            Self::Racks => format!("{value:.0}"),
        }
    }
}

/// How much of a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Use {
    /// What is limited.
    pub need: Need,
    /// What is used of it, in base units.
    pub used: f64,
    /// What may be.
    pub most: f64,
}

impl Use {
    /// The share that is used.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.used / self.most
    }
}

/// A way out: a limit that is raised, or a lead time that is shortened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Way {
    /// What has to give; several where no single limit is enough.
    pub raise: Vec<Use>,
    /// The server that then does.
    pub server: String,
    /// How many of them.
    pub nodes: u32,
}

/// Every limit that is known, what is closest to it first.
pub(super) fn uses(limits: &Limits, sized: &Sized) -> Vec<Use> {
    let late = sized.jobs.iter().max_by(|a, b| (a.done / a.deadline).total_cmp(&(b.done / b.deadline)));
    let deadline = late.filter(|job| job.deadline.get().is_finite()).map(|job| (job.done.get(), job.deadline.get()));
    let capital = sized.capital.map_or(f64::INFINITY, |capital| capital.value().amount());
    let mut all: Vec<Use> = [
        (Need::Deadline, deadline),
        (Need::Budget, limits.budget.map(|most| (capital, most.amount()))),
        (Need::SitePower, limits.site_power.map(|most| (sized.site_power.get(), most.get()))),
        (Need::RackPower, limits.rack_power.map(|most| (sized.rack_power.get(), most.get()))),
        (Need::Racks, limits.racks.map(|most| (f64::from(sized.racks), f64::from(most)))),
    ]
    .into_iter()
    .filter_map(|(need, of)| of.map(|(used, most)| Use { need, used, most }))
    .collect();
    all.sort_by(|a, b| b.share().total_cmp(&a.share()).then(a.need.cmp(&b.need)));
    all
}

/// The limits that are exceeded, by more than a rounding.
pub(super) fn exceeded(limits: &Limits, sized: &Sized) -> Vec<Need> {
    let mut all: Vec<Need> =
        uses(limits, sized).iter().filter(|use_| use_.share() > 1.0 + 1e-9).map(|use_| use_.need).collect();
    all.sort_unstable();
    all
}

/// What would have to give: of every set of limits that a candidate exceeds, the one that is exceeded least; single limits first.
pub(super) fn ways(limits: &Limits, candidates: &[Candidate]) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for candidate in candidates {
        let Some(sized) = &candidate.sized else { continue };
        if candidate.exceeds.contains(&Need::Budget) && sized.capital.is_none() {
            // No budget is known to be enough for nodes without a price.
            continue;
        }
        let raise: Vec<Use> = uses(limits, sized).into_iter().filter(|use_| candidate.exceeds.contains(&use_.need)).collect();
        let way = Way { raise, server: candidate.server.clone(), nodes: sized.nodes };
        let needs = |way: &Way| way.raise.iter().map(|use_| use_.need).collect::<Vec<_>>();
        let most = |way: &Way| way.raise.iter().map(Use::share).fold(0.0, f64::max);
        match ways.iter_mut().find(|other| needs(other) == needs(&way)) {
            Some(other) if most(&way) < most(other) => *other = way,
            Some(_) => {}
            None => ways.push(way),
        }
    }
    ways.sort_by_key(|way| way.raise.len());
    // What raises the same limits further, and others beside, is no way of its own.
    let no_less = |way: &Way, of: &Use| way.raise.iter().any(|own| own.need == of.need && own.used >= of.used);
    let mut told: Vec<Way> = Vec::new();
    for way in ways {
        if !told.iter().any(|other| other.raise.iter().all(|of| no_less(&way, of))) {
            told.push(way);
        }
    }
    told
}
