//! What changed, for a terminal: what moved most and why in the first lines, what failed, then every estimate.

use std::fmt::Write as _;

use super::{SHOWN, ends, figures, headline, layouts, most, moved_by, parts, percent, place, policies, star};
use crate::diff::policy::Level;
use crate::diff::{Delta, Diff, PairDiff, State, Verdict};

/// Changed estimates that the first lines name.
const NAMED: usize = 1;

/// Figures that are named of what a change moved.
const MOVED: usize = 4;

/// What changed, as text.
#[must_use]
pub fn diff_text(diff: &Diff) -> String {
    let policies = policies(diff).map(|policies| format!("; {policies}")).unwrap_or_default();
    let mut out = format!("{}{policies}.\n", headline(diff));
    for pair in diff.pairs.iter().filter(|pair| pair.state == State::Changed).take(NAMED) {
        if let Some(most) = most(pair) {
            let _ = writeln!(out, "{}: {most}", pair.pair);
        }
    }
    for level in [Level::Fail, Level::Warn] {
        diff.broken(level).for_each(|verdict| out += &broken(verdict));
    }
    let told: Vec<String> = diff.pairs.iter().filter_map(section).collect();
    for section in &told {
        let _ = write!(out, "\n{section}");
    }
    if !told.is_empty() {
        out += "\nKey: ~ changed, + added, - removed, ! no plan any more, * at a price that is assumed\n";
    }
    out
}

/// `FAIL clusters/h100.yaml:14:13: cost of … rises by 6.3 %`, with the policy's own place below.
fn broken(verdict: &Verdict) -> String {
    let Some(error) = &verdict.broken else { return String::new() };
    let word = if verdict.level == Level::Fail { "FAIL" } else { "WARN" };
    let at = error.place().map(|label| place(label) + ": ").unwrap_or_default();
    let mut out = format!("{word} {at}{}\n", error.message);
    let policy = error.labels.iter().find(|label| !label.primary).map(|label| format!("policy {}", place(label)));
    let beside: Vec<String> = error.notes.iter().cloned().chain(policy).collect();
    if !beside.is_empty() {
        let _ = writeln!(out, "     {}", beside.join("; "));
    }
    if let Some(help) = &error.help {
        let _ = writeln!(out, "     help: {help}");
    }
    out
}

/// A pair; nothing of one that is as it was.
fn section(pair: &PairDiff) -> Option<String> {
    let name = match &pair.renamed_from {
        Some(old) => format!("{} (was {old})", pair.pair),
        None => pair.pair.to_string(),
    };
    Some(match pair.state {
        State::Unchanged if pair.renamed_from.is_some() => format!("~ {name}\n    renamed, no figure moved\n"),
        State::Unchanged | State::NoPlan => return None,
        State::Added => format!("+ {name}\n    {}\n", figures(pair, false)),
        State::Removed => format!("- {name}\n    was {}\n", figures(pair, true)),
        State::Gained => format!("~ {name}\n    has a plan now: {}\n", figures(pair, false)),
        State::Lost => format!("! {name}\n    was {}\n{}", figures(pair, true), why(pair)),
        State::Changed => format!("~ {name}\n{}{}", table(pair), why(pair)),
    })
}

/// The figures that moved, deltas first.
fn table(pair: &PairDiff) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    let row = |name: String, delta: &Delta| {
        let by = delta.by().map(|by| pair.moved(delta.figure, by)).unwrap_or_default();
        [name, by, percent(delta).unwrap_or_default(), ends(pair, delta)]
    };
    for delta in SHOWN.iter().filter_map(|figure| pair.delta(*figure)) {
        rows.push(row(format!("{}{}", delta.figure.name(), star(pair, delta.figure)), delta));
        if delta.figure == crate::diff::Figure::StepTime {
            rows.extend(parts(pair).into_iter().map(|part| row(format!("  {}", part.figure.name()), part)));
        }
    }
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut out = String::new();
    for [name, by, share, ends] in &rows {
        let line = format!("    {name:<0$}  {by:>1$}  {share:>2$}  {ends}", widths[0], widths[1], widths[2]);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if let Some([old, new]) = layouts(pair) {
        let _ = writeln!(out, "    layout  {old}\n         →  {new}");
    }
    out
}

/// The changes that moved them, each with what it moved and where it stands.
fn why(pair: &PairDiff) -> String {
    let movers = pair.movers();
    let mut out = String::new();
    for (i, cause) in movers.iter().enumerate() {
        let at = pair.place_of(cause).map(|label| format!("   {}", place(&label))).unwrap_or_default();
        let lead = if i == 0 { "  by" } else { "    " };
        let _ = writeln!(out, "{lead} {}{at}", cause.told(pair.origin.as_ref()));
        let moved = moved_by(pair, cause, MOVED);
        if movers.len() > 1 && !moved.is_empty() {
            let _ = writeln!(out, "       {moved}");
        }
    }
    out
}
