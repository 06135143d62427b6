//! What changed in a tree of estimates, one file a form. All of them show the same figures, deltas first.

mod github;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

pub use github::diff_github;
pub use json::diff_json;
pub use junit::diff_junit;
pub use markdown::{diff_markdown, diff_summary};
pub use sarif::diff_sarif;
pub use text::diff_text;

use std::fmt::Write as _;

use crate::diagnostic::Label;
use crate::diff::policy::Level;
use crate::diff::{Against, Cause, Delta, Diff, Figure, PairDiff, State, arrow};
use crate::units::significant;

/// Figures that people are shown; what follows from them alone is in JSON.
const SHOWN: [Figure; 10] = [
    Figure::Cost,
    Figure::RunTime,
    Figure::StepTime,
    Figure::Mfu,
    Figure::Energy,
    Figure::SitePower,
    Figure::Carbon,
    Figure::Memory,
    Figure::Gpus,
    Figure::Electricity,
];

/// Digits of figures: as many as it takes to tell old from new.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=9;

/// `clusters against main (1a2b3c4d5e6f): 2 of 11 estimates changed, 1 added.`
fn headline(diff: &Diff) -> String {
    let all = diff.pairs.len() - diff.count(State::Removed);
    let estimates = |n: usize| if n == 1 { "1 estimate".to_owned() } else { format!("{n} estimates") };
    let (changed, added, removed) = (diff.count(State::Changed), diff.count(State::Added), diff.count(State::Removed));
    let mut parts = Vec::new();
    if changed > 0 {
        parts.push(format!("{changed} of {} changed", estimates(all)));
    }
    let mut more = |n: usize, what: &str| parts.extend((n > 0).then(|| format!("{n} {what}")));
    more(diff.count(State::Lost), "without a plan now");
    more(diff.count(State::Gained), "with a plan now");
    more(added, "added");
    more(removed, "removed");
    if parts.is_empty() {
        parts.push(format!("no change in {}", estimates(all)));
    }
    format!("{} against {}: {}", diff.tree, against(&diff.against), parts.join(", "))
}

fn against(against: &Against) -> &str {
    match against {
        Against::Baseline { file, .. } => file,
        Against::Revision(name) => name,
    }
}

/// The policies, in a few words; nothing where there are none.
fn policies(diff: &Diff) -> Option<String> {
    let (failed, warned) = (diff.broken(Level::Fail).count(), diff.broken(Level::Warn).count());
    match (diff.policies, failed, warned) {
        (0, 0, _) => None,
        (_, 0, 0) => Some("policies hold".to_owned()),
        (_, failed, 0) => Some(plural(failed, "failure")),
        (_, 0, warned) => Some(plural(warned, "warning")),
        (_, failed, warned) => Some(format!("{}, {}", plural(failed, "failure"), plural(warned, "warning"))),
    }
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// What moved most, and by what: `cost +6.3 % (671,000 USD → 713,300 USD), by price.gpu-hour 2.50 → 2.66 USD/GPU-hour`.
fn most(pair: &PairDiff) -> Option<String> {
    let delta = pair.deltas.iter().find(|delta| SHOWN.contains(&delta.figure) && delta.by().is_some())?;
    let mut out = format!("{} {} ({})", delta.figure.name(), percent_or_move(pair, delta), ends(pair, delta));
    let movers = pair.movers();
    if let Some(cause) = movers.first().filter(|cause| pair.tells(cause, delta)) {
        let _ = write!(out, ", by {}", cause.told(pair.origin.as_ref()));
        let others = movers.len() - 1;
        if others > 0 {
            let _ = write!(out, " and {}", plural(others, "other change"));
        }
    }
    Some(out)
}

/// `+6.3 %`, or the move itself where it has no share.
fn percent_or_move(pair: &PairDiff, delta: &Delta) -> String {
    percent(delta).unwrap_or_else(|| pair.moved(delta.figure, delta.by().unwrap_or_default()))
}

/// `+6.3 %`; nothing for shares, whose points are told, and for what grew from nothing.
fn percent(delta: &Delta) -> Option<String> {
    if matches!(delta.figure, Figure::Mfu | Figure::Goodput) {
        return None;
    }
    let share = delta.share()? * 100.0;
    let sign = if share < 0.0 { '-' } else { '+' };
    let number = if share.abs() < 0.001 { "<0.001".to_owned() } else { significant(share.abs(), 2) };
    Some(format!("{sign}{number} %"))
}

/// `671,000 → 713,300 USD`, to as many digits as tell the two apart.
fn ends(pair: &PairDiff, delta: &Delta) -> String {
    let shown = |value: Option<f64>, digits| match value {
        Some(value) => delta.figure.shown(value, pair.currency, digits),
        None => "none".to_owned(),
    };
    let both = |digits| [shown(delta.old, digits), shown(delta.new, digits)];
    let [old, new] = DIGITS.map(both).find(|[old, new]| old != new).unwrap_or_else(|| both(*DIGITS.end()));
    arrow(&old, &new)
}

/// What a cause moved, of the figures that people are shown; of many, the first `most`.
fn moved_by(pair: &PairDiff, cause: &Cause, most: usize) -> String {
    let shown = pair.deltas.iter().filter(|delta| SHOWN.contains(&delta.figure) && pair.tells(cause, delta));
    let told = |delta: &Delta| format!("{} {}", delta.figure.name(), pair.moved(delta.figure, cause.part(delta.figure)));
    let mut parts: Vec<String> = shown.map(told).collect();
    let more = parts.len().saturating_sub(most);
    parts.truncate(most);
    let more = if more > 0 { format!(" and {}", plural(more, "more figure")) } else { String::new() };
    parts.join(", ") + &more
}

/// The headline figures of an estimate, for one that has nothing to be compared with.
fn figures(pair: &PairDiff, old: bool) -> String {
    let Some(estimate) = (if old { pair.old_estimate() } else { pair.new_estimate() }) else {
        return pair.refused().map_or_else(|| "no plan".to_owned(), |refused| format!("no plan: {}", refused.message));
    };
    let shown = [Figure::Cost, Figure::RunTime, Figure::StepTime, Figure::Mfu].into_iter();
    let parts = shown
        .filter_map(|figure| Some(format!("{} {}", figure.name(), pair.shown(figure, figure.of(estimate, pair.currency)?))));
    parts.collect::<Vec<_>>().join(", ")
}

/// Old and new layout, where they differ.
fn layouts(pair: &PairDiff) -> Option<[&str; 2]> {
    let (old, new) = (&pair.old_estimate()?.step.layout, &pair.new_estimate()?.step.layout);
    (old != new).then_some([old, new])
}

/// Parts of the step time that moved by a twentieth of what it moved by, the largest first, at most three.
fn parts(pair: &PairDiff) -> Vec<&Delta> {
    const MOST: usize = 3;
    let whole = pair.delta(Figure::StepTime).and_then(Delta::by).unwrap_or_default().abs();
    let by = |delta: &Delta| delta.by().unwrap_or_default().abs();
    let mut parts: Vec<&Delta> = pair.deltas.iter().filter(|d| d.figure.is_part() && by(d) >= whole / 20.0).collect();
    parts.sort_by(|a, b| by(b).total_cmp(&by(a)));
    parts.truncate(if whole > 0.0 { MOST } else { 0 });
    parts
}

/// A star on a cost at a price that nobody gave.
fn star(pair: &PairDiff, figure: Figure) -> &'static str {
    let cost = pair.new_estimate().and_then(|estimate| estimate.cost.as_ref());
    let assumed = cost.is_some_and(|cost| cost.gpu_hour_provenance.as_deref() == Some("assumed"));
    if assumed && figure == Figure::Cost { "*" } else { "" }
}

/// `clusters/h100.yaml:14:13`.
fn place(label: &Label) -> String {
    let (line, column) = label.source.line_column(label.span.start);
    format!("{}:{line}:{column}", label.source.name())
}
