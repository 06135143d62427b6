//! What is wrong with a file, said so that its author can put it right.
//!
//! A [`Diagnostic`] carries a stable [`Code`], one lower-case phrase, the places it points at and, where one
//! is known, what to write instead. [`render()`] draws it for people and for machines. This is the bottom room:
//! it knows text and nothing else, neither YAML nor units nor clusters.

mod batch;
mod code;
pub mod render;
mod source;
mod suggest;

use std::ops::Range;
use std::sync::Arc;

pub use batch::Batch;
pub use code::Code;
pub use render::{Style, notice, render};
pub use source::{MAX_BYTES, MAX_TABLE_BYTES, Source};
pub use suggest::nearest;

/// How bad it is; errors come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is computed from the file.
    Error,
    /// The file is used, and the answer may not be what its author meant.
    Warning,
}

impl Severity {
    /// The word printed before the message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A piece of a source file, and what to say about it.
#[derive(Clone, Debug)]
pub struct Label {
    /// The file pointed into.
    pub source: Arc<Source>,
    /// The bytes pointed at, always on character boundaries inside the file.
    pub span: Range<usize>,
    /// A few words drawn beside the carets; may be empty.
    pub text: String,
    /// Whether this is the place at fault, as opposed to one that explains it.
    pub primary: bool,
}

/// One thing that is wrong, or looks wrong.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable name of this kind of mistake.
    pub code: Code,
    /// Whether it stops the run.
    pub severity: Severity,
    /// A lower-case phrase without a full stop; literals stand in backticks.
    pub message: String,
    /// Where it is; the first primary label is *the* place.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    /// Anything else worth knowing.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// Starts an error.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None, notes: Vec::new() }
    }

    /// Starts a warning.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// The same as a warning.
    #[must_use]
    pub fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Points at the place at fault.
    #[must_use]
    pub fn at(self, source: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.label(source, span, text.into(), true)
    }

    /// Points at a second place that explains the first.
    #[must_use]
    pub fn also(self, source: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.label(source, span, text.into(), false)
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The label that gives the diagnostic its file, line and column.
    #[must_use]
    pub fn place(&self) -> Option<&Label> {
        let primary = self.labels.iter().find(|label| label.primary);
        primary.or_else(|| self.labels.first())
    }

    fn label(mut self, source: &Arc<Source>, span: Range<usize>, text: String, primary: bool) -> Self {
        self.labels.push(Label { source: Arc::clone(source), span: source.clamp(span), text, primary });
        self
    }
}

/// Puts diagnostics in reading order: by file, then by position, then by code.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| d.place().map(|label| (label.span.start, label.span.end));
        let name = |d: &Diagnostic| d.place().map_or(String::new(), |label| label.source.name().to_owned());
        (name(a), key(a), a.code, &a.message).cmp(&(name(b), key(b), b.code, &b.message))
    });
}

/// Text from a file as it is quoted in a message: in backticks, on one line, control characters escaped, and
/// cut after 60 characters.
#[must_use]
pub fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    let mut out = String::from("`");
    out.extend(text.chars().take(MOST).flat_map(printable));
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}

/// A character as it may be sent to a terminal or a log: itself, or its escape.
fn printable(c: char) -> impl Iterator<Item = char> {
    // Bidirectional controls reorder what a terminal shows, so a message could be made to read differently.
    let reorders = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = (c.is_control() || reorders).then(|| c.escape_default());
    let plain = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(plain)
}

/// `text` on one line, safe to print.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join(" ").chars().flat_map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_read_from_top_to_bottom() {
        let source = Source::new("a.yaml", "one: 1\ntwo: 2\n");
        let at = |start| Diagnostic::error(Code::UnknownKey, "x").at(&source, start..start + 3, "");
        let mut all = vec![at(7), Diagnostic::error(Code::Unreadable, "y"), at(0)];
        sort(&mut all);
        let starts: Vec<_> = all.iter().map(|d| d.place().map(|l| l.span.start)).collect();
        assert_eq!(starts, [None, Some(0), Some(7)]);
    }

    #[test]
    fn quoted_text_cannot_drive_a_terminal() {
        assert_eq!(quoted("a\u{1b}[31m\nb"), "`a\\u{1b}[31m\\nb`");
        assert_eq!(quoted("\u{202e}x"), "`\\u{202e}x`");
        assert_eq!(quoted(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
    }
}
