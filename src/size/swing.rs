//! What moves the answer: each assumption at its low and its high end, the others as they are, and the same design with as many nodes
//! as then meet the deadlines (a tornado): its capital, and what owning it and the runs on it cost.

use std::ops::Mul;

use rayon::prelude::*;
use serde::Serialize;

use super::Sized;
use super::fewest::{Known, likely};
use super::least::Sizer;
use super::owning::{Objective, Owning};
use crate::catalog::{Provenance, Sourced};
use crate::economics::OwnedCost;
use crate::spec::{Cluster, Electricity};
use crate::units::{EnergyPrice, GpuHours, GpuPrice, Money, Range, Share};

/// Change of the deadline that is tried, as a share.
const TENTH: f64 = 0.1;

/// Change of a figure that was given, and so has no range, as a share.
const FIFTH: f64 = 0.2;

/// An assumption, moved both ways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Swing {
    /// The assumption.
    pub what: &'static str,
    /// Its low end, in words.
    pub low: String,
    /// Its high end.
    pub high: String,
    /// Nodes at the low and the high end.
    pub nodes: [u32; 2],
    /// Capital at the low and the high end, in US dollars.
    pub capital_usd: [f64; 2],
    /// Cost of owning it over its life, where prices for that are known.
    pub ownership_usd: Option<[f64; 2]>,
    /// Cost of the runs at what a used hour costs the owner.
    pub runs_usd: Option<[f64; 2]>,
}

impl Swing {
    /// How far what is ranked by moves.
    #[must_use]
    pub fn width(&self, objective: Objective) -> f64 {
        let of = |ends: Option<[f64; 2]>| ends.map_or(0.0, |[a, b]| (b - a).abs());
        match objective {
            Objective::Capital => of(Some(self.capital_usd)),
            Objective::Ownership => of(self.ownership_usd),
            Objective::Runs => of(self.runs_usd),
        }
    }
}

/// The swings of an answer, the widest first; where what is ranked by does not move, by the cost of the runs.
pub(super) fn swings(sizer: &Sizer<'_>, best: &Sized) -> Vec<Swing> {
    let Ok(cluster) = sizer.cluster(&best.design, best.nodes) else { return Vec::new() };
    let of = Tornado { sizer, best, cluster };
    let all: [&(dyn Fn() -> Option<Swing> + Sync); 7] =
        [&|| of.prices(), &|| of.step_time(), &|| of.failures(), &|| of.deadline(), &|| of.tariff(), &|| of.life(), &|| {
            of.utilisation()
        }];
    let mut all: Vec<Swing> = all.par_iter().filter_map(|swing| swing()).collect();
    let objective = sizer.question.objective;
    all.sort_by(|a, b| {
        let by = |objective| b.width(objective).total_cmp(&a.width(objective));
        by(objective).then(by(Objective::Runs)).then(a.what.cmp(b.what))
    });
    all
}

/// What is moved.
struct Tornado<'a> {
    sizer: &'a Sizer<'a>,
    best: &'a Sized,
    cluster: Cluster,
}

/// An end of a swing.
struct End {
    called: String,
    nodes: u32,
    capital: f64,
    owning: Option<Owning>,
}

impl Tornado<'_> {
    fn swing(what: &'static str, [low, high]: [Option<End>; 2]) -> Option<Swing> {
        let (low, high) = (low?, high?);
        let owning = low.owning.zip(high.owning);
        Some(Swing {
            what,
            nodes: [low.nodes, high.nodes],
            capital_usd: [low.capital, high.capital],
            ownership_usd: owning.map(|(a, b)| [a.over_life.value.amount(), b.over_life.value.amount()]),
            runs_usd: owning.map(|(a, b)| [a.runs.value.amount(), b.runs.value.amount()]),
            low: low.called,
            high: high.called,
        })
    }

    /// All purchase prices at their low and their high bounds.
    fn prices(&self) -> Option<Swing> {
        let capital = self.best.capital?;
        let owned = OwnedCost::new(&self.cluster, self.cluster.pools.first()?, self.sizer.question.catalog, None).ok();
        let each = owned.and_then(|owned| owned.capital_per_gpu);
        let end = |called: &str, capital: f64, each: Option<GpuPrice>| {
            let mut cluster = self.cluster.clone();
            cluster.cost.capital = each.map(|each| Sourced::new(each, Provenance::Assumed, "an end of its range"));
            let owning = each.and_then(|_| Owning::new(&cluster, self.sizer, self.best.gpu_hours()));
            Some(End { called: called.to_owned(), nodes: self.best.nodes, capital, owning })
        };
        let ends = [
            end("lowest", capital.low().amount(), each.map(|each| each.low)),
            end("highest", capital.high().amount(), each.map(|each| each.high)),
        ];
        Self::swing("purchase prices", ends)
    }

    /// Step times at the ends of the interval in which half of the measured ones are: the same as MFU, turned.
    fn step_time(&self) -> Option<Swing> {
        let half = self.sizer.half_interval(self.best)?;
        let [low, high] = [-half, half].map(f64::exp);
        let named = |by: f64| format!("{:+.0} %", (by - 1.0) * 100.0);
        self.scaled("step time, and so MFU", [(named(low), low, low), (named(high), high, high)])
    }

    /// Nodes that fail half and twice as often.
    fn failures(&self) -> Option<Swing> {
        let of = |by| self.sizer.with_failures(self.best, by).map(|of_deadline| of_deadline / self.best.of_deadline);
        let (low, high) = (of(0.5)?, of(2.0)?);
        (low != high).then_some(())?;
        self.scaled("failure rate", [("half".to_owned(), low, low), ("twice".to_owned(), high, high)])
    }

    /// A tenth more and less time.
    fn deadline(&self) -> Option<Swing> {
        self.best.jobs.iter().any(|job| job.deadline.get().is_finite()).then_some(())?;
        let (later, earlier) = (1.0 / (1.0 + TENTH), 1.0 / (1.0 - TENTH));
        self.scaled("deadline", [("+10 %".to_owned(), later, 1.0), ("-10 %".to_owned(), earlier, 1.0)])
    }

    fn tariff(&self) -> Option<Swing> {
        let e = &self.cluster.cost.electricity;
        let known = match (e.periods.first(), self.cluster.power.tariff, &e.tariff) {
            (Some((_, first, _)), ..) => Range::exact(EnergyPrice::new(Money::new(mean(e), first.per_unit().currency()))),
            (None, Some(flat), _) => Range::exact(flat),
            (None, None, known) => known.as_ref()?.value,
        };
        let set = |cluster: &mut Cluster, price: EnergyPrice| {
            if e.periods.is_empty() {
                cluster.power.tariff = Some(price);
            }
            let by = price.per_unit().amount() / mean(e);
            cluster.cost.electricity.periods.iter_mut().for_each(|(_, price, _)| *price = *price * by);
        };
        Self::swing("electricity", ends(known).map(|price| self.end(price.to_string(), |cluster| set(cluster, price))))
    }

    fn life(&self) -> Option<Swing> {
        let known = self.cluster.cost.life.as_ref()?.value;
        let set = |cluster: &mut Cluster, life| {
            cluster.cost.life = cluster.cost.life.take().map(|known| known.map(|_| Range::exact(life)));
        };
        Self::swing("life of hardware", ends(known).map(|life| self.end(life.to_string(), |cluster| set(cluster, life))))
    }

    fn utilisation(&self) -> Option<Swing> {
        let known = self.cluster.cost.utilisation.as_ref()?.value;
        let set = |cluster: &mut Cluster, used| {
            cluster.cost.utilisation = cluster.cost.utilisation.take().map(|known| known.map(|_| Range::exact(used)));
        };
        // No more hours are used than there are.
        let ends = ends(known).map(|used| used.min(Share::new(1.0)));
        Self::swing("utilisation", ends.map(|used| self.end(used.to_string(), |cluster| set(cluster, used))))
    }

    /// The same nodes, with a figure of their cost changed.
    fn end(&self, called: String, change: impl FnOnce(&mut Cluster)) -> Option<End> {
        let mut cluster = self.cluster.clone();
        change(&mut cluster);
        let owning = Some(Owning::new(&cluster, self.sizer, self.best.gpu_hours())?);
        Some(End { called, nodes: self.best.nodes, capital: self.best.price(), owning })
    }

    /// The fewest nodes that do where the work takes the first number of each end times as long, and jobs hold the second times the
    /// GPU-hours.
    fn scaled(&self, what: &'static str, ends: [(String, f64, f64); 2]) -> Option<Swing> {
        let (sizer, best) = (self.sizer, self.best);
        let most = sizer.most_nodes(&best.design).ok()?;
        let end = |(called, by, held): (String, f64, f64)| {
            // Less work takes no more nodes, more work no fewer.
            let (late, in_time) = if by > 1.0 { (best.nodes - 1, None) } else { (0, Some(best.nodes)) };
            let first = likely(best.nodes, best.of_deadline * by);
            let nodes = sizer.fewest(&best.design, Known { late, in_time, first, step: 1, most }, by).ok()?;
            let cluster = sizer.cluster(&best.design, nodes).ok()?;
            let held = GpuHours::new(best.gpu_hours().get() * held);
            let (capital, owning) = (sizer.capital(&best.design, nodes)?, Owning::new(&cluster, sizer, held));
            Some(End { called, nodes, capital, owning })
        };
        Self::swing(what, ends.map(end))
    }
}

/// The ends of a figure's range; a fifth less and more of one that was given, and has none.
fn ends<T: Copy + PartialEq + Mul<f64, Output = T>>(known: Range<T>) -> [T; 2] {
    if known.low == known.high { [known.value * (1.0 - FIFTH), known.value * (1.0 + FIFTH)] } else { [known.low, known.high] }
}

/// Mean price of energy over the week, in the currency of the periods.
fn mean(electricity: &Electricity) -> f64 {
    electricity.periods.iter().map(|(_, price, hours)| price.per_unit().amount() * hours.get()).sum()
}
