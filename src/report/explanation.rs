//! The text of `planner explain`: each number, its formula, and beneath it the numbers that the formula names.

use std::fmt::Write as _;

use crate::calibration::Moved;
use crate::plan::{Assumption, Derivation, How};

/// Derivations as indented trees of `depth` levels at most, then the assumptions. A part told in full is not told again.
#[must_use]
pub fn explanation(derivations: &[Derivation], assumptions: &[Assumption], depth: usize) -> String {
    let mut out = String::new();
    let mut told: Vec<String> = Vec::new();
    for derivation in derivations {
        line(&mut out, derivation, (0, depth), &mut told);
        out.push('\n');
    }
    out += "Assumed, not measured:\n";
    for assumption in assumptions {
        let _ = writeln!(out, "  {}: {} - {}", assumption.what, assumption.value, assumption.why);
    }
    out
}

/// What a profile of one's own hardware moved, figure by figure; nothing without one.
#[must_use]
pub fn moved(calibrated: &[Moved]) -> String {
    if calibrated.is_empty() {
        return String::new();
    }
    let mut out = String::from("\nMeasured on one's own hardware, in place of the catalogue's figures:\n");
    for Moved { what, from, to, why } in calibrated {
        let _ = writeln!(out, "  {what}: {from} -> {to} ({why})");
    }
    out
}

fn line(out: &mut String, derivation: &Derivation, (depth, most): (usize, usize), told: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let again = depth > 0 && !derivation.from.is_empty() && told.contains(&derivation.name);
    let formula = if again { "as above".to_owned() } else { derivation.formula() };
    let lead = format!("{indent}{}", derivation.name);
    let _ = writeln!(out, "{lead:<38} {:>14}   {formula}", derivation.shown());
    if again || depth >= most {
        return;
    }
    if !derivation.from.is_empty() && !matches!(derivation.how, How::Figure { .. }) {
        told.push(derivation.name.clone());
    }
    for part in &derivation.from {
        line(out, part, (depth + 1, most), told);
    }
}
