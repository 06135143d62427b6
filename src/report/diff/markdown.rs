//! What changed as a comment on a pull request, and as the summary of a CI job: the answer first, details folded, never more than
//! the place takes.

use std::fmt::Write as _;

use super::{SHOWN, ends, figures, headline, layouts, most, moved_by, parts, percent, place, policies, star};
use crate::diff::policy::Level;
use crate::diff::{Delta, Diff, Figure, PairDiff, State};

/// Bytes of a comment: GitHub takes 65,536 characters.
const COMMENT: usize = 64_000;
/// Bytes of a summary: GitHub takes 1 MiB of a step.
const SUMMARY: usize = 1_000_000;
/// Bytes that are kept for what says that something is left out.
const NOTE: usize = 300;

/// Columns of the table.
const COLUMNS: [Figure; 4] = [Figure::Cost, Figure::RunTime, Figure::StepTime, Figure::Mfu];

/// What changed as a comment: its first line is hidden, and the same for the same tree, so that a CI job finds its comment again.
#[must_use]
pub fn diff_markdown(diff: &Diff) -> String {
    let tree: String = diff.tree.chars().filter(|c| c.is_alphanumeric() || "-_./".contains(*c)).collect();
    page(diff, &format!("<!-- planner diff {} -->\n", tree.replace("--", "-")), COMMENT)
}

/// What changed as the summary of a job.
#[must_use]
pub fn diff_summary(diff: &Diff) -> String {
    page(diff, "", SUMMARY)
}

fn page(diff: &Diff, marker: &str, most_bytes: usize) -> String {
    let mut page = Page { text: marker.to_owned(), room: most_bytes - NOTE, left_out: 0 };
    let verdict = policies(diff).map(|policies| format!("; {policies}")).unwrap_or_default();
    let _ = writeln!(page.text, "### {}{}\n", escaped(&headline(diff)), escaped(&verdict));
    if let Some((pair, most)) =
        diff.pairs.iter().filter(|pair| pair.state == State::Changed).find_map(|pair| Some((pair, most(pair)?)))
    {
        let _ = writeln!(page.text, "{}: {}\n", escaped(&pair.pair.to_string()), escaped(&most));
    }
    for level in [Level::Fail, Level::Warn] {
        broken(diff, level, &mut page);
    }
    overview(diff, &mut page);
    for pair in &diff.pairs {
        if let Some(section) = details(pair) {
            page.push(&section);
        }
    }
    if diff.pairs.iter().any(|pair| !star(pair, Figure::Cost).is_empty() && pair.state == State::Changed) {
        page.push("\n\\* at a price that is assumed\n");
    }
    page.closed()
}

/// Text that is never longer than there is room.
struct Page {
    text: String,
    room: usize,
    left_out: usize,
}

impl Page {
    /// Adds a piece as a whole, or leaves it out.
    fn push(&mut self, piece: &str) {
        if self.text.len() + piece.len() <= self.room {
            self.text += piece;
        } else {
            self.left_out += 1;
        }
    }

    fn closed(mut self) -> String {
        if self.left_out > 0 {
            let pieces = super::plural(self.left_out, "piece");
            let _ = writeln!(
                self.text,
                "\n{pieces} of this report left out, because there is no room for more here; `planner diff` shows all."
            );
        }
        self.text
    }
}

/// What is broken, in a block that GitHub colours.
fn broken(diff: &Diff, level: Level, page: &mut Page) {
    let block = if level == Level::Fail { "CAUTION" } else { "WARNING" };
    for (i, error) in diff.broken(level).filter_map(|verdict| verdict.broken.as_ref()).enumerate() {
        let mut piece = String::new();
        if i == 0 {
            let _ = writeln!(piece, "> [!{block}]");
        }
        let at = error.place().map(|label| format!("`{}`: ", place(label))).unwrap_or_default();
        let notes = error.notes.iter().chain(&error.help).fold(String::new(), |notes, note| notes + "<br>" + &escaped(note));
        let _ = writeln!(piece, "> - {at}{}{notes}", escaped(&error.message));
        page.push(&piece);
    }
    if diff.broken(level).next().is_some() {
        page.push("\n");
    }
}

/// A row for every pair that is not as it was.
fn overview(diff: &Diff, page: &mut Page) {
    let mut rows = diff.pairs.iter().filter(|pair| !matches!(pair.state, State::Unchanged | State::NoPlan)).peekable();
    if rows.peek().is_none() {
        return;
    }
    let names: Vec<&str> = COLUMNS.iter().map(|figure| figure.name()).collect();
    page.push(&format!("| | estimate | {} |\n| --- | --- | {} |\n", names.join(" | "), vec!["---:"; names.len()].join(" | ")));
    let whole = |cell: String| cell.replace(' ', "\u{a0}");
    for pair in rows {
        let sign = match pair.state {
            State::Lost => "!",
            State::Added => "+",
            State::Removed => "-",
            _ => "~",
        };
        let cells: Vec<String> = COLUMNS.iter().map(|figure| whole(cell(pair, *figure))).collect();
        page.push(&format!("| {sign} | {} | {} |\n", escaped(&pair.pair.to_string()), cells.join(" | ")));
    }
    page.push("\n");
}

/// The delta in bold, old and new value below it; of what is new or gone its value.
fn cell(pair: &PairDiff, figure: Figure) -> String {
    if let Some(delta) = pair.delta(figure) {
        let by = percent(delta).or_else(|| delta.by().map(|by| pair.moved(figure, by))).unwrap_or_default();
        return format!("**{by}**{}<br>{}", if star(pair, figure).is_empty() { "" } else { "\\*" }, ends(pair, delta));
    }
    let estimate = pair.new_estimate().or(pair.old_estimate().filter(|_| pair.new.is_none()));
    let value = estimate.and_then(|estimate| figure.of(estimate, pair.currency));
    match value {
        Some(value) if pair.new.is_none() => format!("~~{}~~", pair.shown(figure, value)),
        Some(value) => pair.shown(figure, value),
        None => "-".to_owned(),
    }
}

/// All that is known of a pair, folded.
fn details(pair: &PairDiff) -> Option<String> {
    // Inside an element of HTML there is no Markdown to be escaped.
    let name = pair.pair.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let was = pair.renamed_from.as_ref().map(|old| format!("Renamed; it was {}.\n\n", escaped(&old.to_string())));
    let body = match pair.state {
        State::Unchanged if was.is_some() => "No figure moved.\n".to_owned(),
        State::Unchanged | State::NoPlan | State::Removed => return None,
        State::Added | State::Gained => format!("{}\n", escaped(&figures(pair, false))),
        State::Lost => {
            format!("{}. It was {}.\n\n{}", escaped(&figures(pair, false)), escaped(&figures(pair, true)), why(pair))
        }
        State::Changed => format!("{}\n{}{}", table(pair), layout(pair), why(pair)),
    };
    Some(format!("<details><summary>{name}</summary>\n\n{}{body}\n</details>\n", was.unwrap_or_default()))
}

fn table(pair: &PairDiff) -> String {
    let mut out = "| figure | change | | old → new |\n| --- | ---: | ---: | --- |\n".to_owned();
    let mut row = |name: &str, delta: &Delta| {
        let by = delta.by().map(|by| pair.moved(delta.figure, by)).unwrap_or_default();
        let _ = writeln!(out, "| {name} | {by} | {} | {} |", percent(delta).unwrap_or_default(), ends(pair, delta));
    };
    for delta in SHOWN.iter().filter_map(|figure| pair.delta(*figure)) {
        row(delta.figure.name(), delta);
        if delta.figure == Figure::StepTime {
            for part in parts(pair) {
                row(&format!("&emsp;{}", part.figure.name()), part);
            }
        }
    }
    out
}

fn layout(pair: &PairDiff) -> String {
    layouts(pair).map(|[old, new]| format!("Layout: {} → {}\n\n", escaped(old), escaped(new))).unwrap_or_default()
}

fn why(pair: &PairDiff) -> String {
    let mut out = String::new();
    for cause in pair.movers() {
        let at = pair.place_of(cause).map(|label| format!(" at `{}`", place(&label))).unwrap_or_default();
        let moved = moved_by(pair, cause, SHOWN.len());
        let colon = if moved.is_empty() { "" } else { ": " };
        let _ = writeln!(out, "- {}{at}{colon}{}", escaped(&cause.told(pair.origin.as_ref())), escaped(&moved));
    }
    out
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let special = |c: char| matches!(c, '\\' | '*' | '_' | '`' | '[' | ']' | '|' | '~' | '#');
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out += "&lt;",
            '&' => out += "&amp;",
            '\n' | '\r' => out.push(' '),
            c if special(c) => out.extend(['\\', c]),
            c => out.push(c),
        }
        out
    })
}
