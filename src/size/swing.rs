//! What moves the answer: each assumption at its low and its high end, the others as they are, and the capital that then meets the
//! deadlines with the same design (a tornado).

use serde::Serialize;

use super::Sized;
use super::least::Sizer;

/// Change of the deadline that is tried, as a share.
const TENTH: f64 = 0.1;

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
}

impl Swing {
    /// How far the capital moves.
    #[must_use]
    pub fn width(&self) -> f64 {
        (self.capital_usd[1] - self.capital_usd[0]).abs()
    }
}

/// The swings of an answer, the widest first.
pub(super) fn swings(sizer: &Sizer<'_>, best: &Sized) -> Vec<Swing> {
    let mut all: Vec<Swing> =
        [prices(best), step_time(sizer, best), failures(sizer, best), deadline(sizer, best)].into_iter().flatten().collect();
    all.sort_by(|a, b| b.width().total_cmp(&a.width()).then(a.what.cmp(b.what)));
    all
}

/// All purchase prices at their low and their high bounds.
fn prices(best: &Sized) -> Option<Swing> {
    let capital = best.capital?;
    Some(Swing {
        what: "purchase prices",
        low: "lowest".to_owned(),
        high: "highest".to_owned(),
        nodes: [best.nodes; 2],
        capital_usd: [capital.low().amount(), capital.high().amount()],
    })
}

/// Step times at the ends of the interval in which half of the measured ones are.
fn step_time(sizer: &Sizer<'_>, best: &Sized) -> Option<Swing> {
    let half = sizer.half_interval(best)?;
    let [low, high] = [-half, half].map(f64::exp);
    let named = |by: f64| format!("{:+.0} %", (by - 1.0) * 100.0);
    scaled(sizer, best, "step time", [(named(low), low), (named(high), high)])
}

/// Nodes that fail half and twice as often.
fn failures(sizer: &Sizer<'_>, best: &Sized) -> Option<Swing> {
    let [low, high] = [0.5, 2.0].map(|by| sizer.with_failures(best, by).map(|of_deadline| of_deadline / best.of_deadline));
    let (low, high) = (low?, high?);
    (low != high).then_some(())?;
    scaled(sizer, best, "failure rate", [("half".to_owned(), low), ("twice".to_owned(), high)])
}

/// A tenth more and less time.
fn deadline(sizer: &Sizer<'_>, best: &Sized) -> Option<Swing> {
    best.jobs.iter().any(|job| job.deadline.get().is_finite()).then_some(())?;
    let (later, earlier) = (1.0 / (1.0 + TENTH), 1.0 / (1.0 - TENTH));
    scaled(sizer, best, "deadline", [("+10 %".to_owned(), later), ("-10 %".to_owned(), earlier)])
}

/// As many nodes as do where the work takes `by` times as long. Fewer are planned before they are told; more follow from time falling
/// as nodes rise.
fn scaled(sizer: &Sizer<'_>, best: &Sized, what: &'static str, ends: [(String, f64); 2]) -> Option<Swing> {
    let nodes = |by: f64| {
        let likely = (f64::from(best.nodes) * best.of_deadline * by - 1e-9).ceil().max(1.0) as u32;
        if by > 1.0 {
            return likely.max(best.nodes);
        }
        let does = |sized: Sized| sized.of_deadline * by <= 1.0;
        let fewer = likely < best.nodes && sizer.on(&best.design, likely).is_ok_and(does);
        if fewer { likely } else { best.nodes }
    };
    let [(low, by_low), (high, by_high)] = ends;
    let nodes = [nodes(by_low), nodes(by_high)];
    let [Some(a), Some(b)] = nodes.map(|nodes| sizer.capital(&best.design, nodes)) else { return None };
    Some(Swing { what, low, high, nodes, capital_usd: [a, b] })
}
