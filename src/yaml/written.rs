//! Which bytes of the text belong to what the parser reports.

use std::ops::Range;

use saphyr_parser::{Marker, ScalarStyle, Span};

/// Translates the parser's positions, which count characters, to bytes.
pub(super) struct Bytes<'a> {
    text: &'a str,
    /// The offset of every character; none when the text is ASCII and the two agree.
    offsets: Option<Vec<usize>>,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let offsets = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte).collect());
        Self { text, offsets }
    }

    pub(super) fn at(&self, marker: &Marker) -> usize {
        let end = self.text.len();
        match &self.offsets {
            Some(offsets) => offsets.get(marker.index()).copied().unwrap_or(end),
            None => marker.index().min(end),
        }
    }

    pub(super) fn of(&self, span: Span) -> Range<usize> {
        let start = self.at(&span.start);
        start..self.at(&span.end).max(start)
    }
}

/// The bytes of a scalar: the parser's span may go on over white space and a comment.
pub(super) fn scalar_span(text: &str, span: Range<usize>, style: ScalarStyle) -> Range<usize> {
    let inside = text.get(span.clone()).unwrap_or_default();
    let length = match style {
        ScalarStyle::SingleQuoted => closing_quote(inside, '\'', None),
        ScalarStyle::DoubleQuoted => closing_quote(inside, '"', Some('\\')),
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => inside.trim_end().len(),
    };
    span.start..span.start + length
}

/// The length of quoted text up to and with its closing quote.
fn closing_quote(text: &str, quote: char, escape: Option<char>) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        let doubled = escape.is_none() && chars.peek().is_some_and(|&(_, next)| next == quote);
        if Some(c) == escape || (c == quote && doubled) {
            chars.next();
        } else if c == quote {
            return at + quote.len_utf8();
        }
    }
    text.len()
}

/// The anchor or tag, starting with `mark`, among the words at the start of a value.
pub(super) fn property(text: &str, value: usize, mark: char) -> Range<usize> {
    let mut start = value;
    for word in text.get(value..).unwrap_or_default().split_inclusive(char::is_whitespace).take(4) {
        if word.starts_with(mark) {
            return start..start + word.trim_end().len();
        }
        start += word.len();
    }
    value..value
}

/// Whether YAML has no place for a character, nobody can see it, or parsers disagree on whether it ends a line.
pub(super) fn is_foreign(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    control || matches!(c, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
