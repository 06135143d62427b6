use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::syntax::syntax;
use super::written::{Bytes, scalar_span};
use super::{Entry, Kind, Node, refusal};
use crate::diagnostic::{Batch, Diagnostic, Source};

/// How deep values may be nested.
pub const MAX_DEPTH: usize = 32;

/// How many values a file may hold.
pub const MAX_NODES: usize = 200_000;

/// Reads the text into a tree with places. Time and memory are linear in the text, whatever it holds.
///
/// # Errors
/// When the text is not YAML, is empty, or uses what configurations do without: aliases and anchors, merge keys,
/// tags, keys that are not text, duplicate keys, several documents, more than [`MAX_DEPTH`] levels or
/// [`MAX_NODES`] values. As many of these as can be told apart are reported together.
pub fn scan(source: &Arc<Source>) -> Result<Node, Vec<Diagnostic>> {
    if let Some(foreign) = refusal::foreign_character(source) {
        return Err(vec![foreign]);
    }
    let mut scanner = Scanner::new(source);
    let mut parser = Parser::new_from_str(source.text());
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => scanner.event(event, span),
            Err(error) => Err(syntax(source, error.info(), scanner.bytes.at(error.marker()))),
        };
        if let Err(last) = step {
            scanner.batch.add(|| last);
            return Err(scanner.batch.into_vec());
        }
    }
    scanner.finish()
}

/// So many anchors and aliases are shown; a file that is built on them has hundreds.
const MOST_REFERENCES: usize = 4;

/// A list or mapping that has begun and not ended.
enum Open {
    Sequence { start: usize, items: Vec<Node> },
    Mapping { start: usize, entries: Vec<Entry>, key: Option<(String, Range<usize>)> },
}

struct Scanner<'a> {
    source: &'a Arc<Source>,
    bytes: Bytes<'a>,
    open: Vec<Open>,
    nodes: usize,
    documents: usize,
    references: usize,
    root: Option<Node>,
    batch: Batch,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let bytes = Bytes::new(source.text());
        Self { source, bytes, open: Vec::new(), nodes: 0, documents: 0, references: 0, root: None, batch: Batch::new() }
    }

    /// Takes one event; an error ends the scan, other problems are noted on the way.
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let span = self.bytes.of(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(&span)?;
                self.properties(anchor, tag.is_some(), span.start);
                let plain = style == ScalarStyle::Plain;
                let span = scalar_span(self.source.text(), span, style);
                if plain && text.starts_with('?') {
                    return Err(refusal::question_mark(self.source, &text, span));
                }
                self.put(Node { span, kind: Kind::Scalar { text: text.into_owned(), plain } });
            }
            Event::SequenceStart(anchor, tag) => {
                self.properties(anchor, tag.is_some(), span.start);
                self.begin(Open::Sequence { start: span.start, items: Vec::new() }, &span)?;
            }
            Event::MappingStart(anchor, tag) => {
                self.properties(anchor, tag.is_some(), span.start);
                self.begin(Open::Mapping { start: span.start, entries: Vec::new(), key: None }, &span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&span),
            Event::Alias(_) => {
                self.count(&span)?;
                self.reference(|source| refusal::alias(source, span.clone()));
                self.put(Node { span, kind: Kind::Scalar { text: String::new(), plain: true } });
            }
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refusal::second_document(self.source, span));
                }
            }
            Event::DocumentEnd | Event::StreamStart | Event::StreamEnd | Event::Nothing => {}
        }
        Ok(())
    }

    fn count(&mut self, span: &Range<usize>) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.nodes > MAX_NODES { Err(refusal::too_many(self.source, span.clone())) } else { Ok(()) }
    }

    fn properties(&mut self, anchor: usize, tag: bool, value: usize) {
        if anchor != 0 {
            self.reference(|source| refusal::anchor(source, value));
        }
        if tag {
            self.batch.add(|| refusal::tag(self.source, value));
        }
    }

    fn reference(&mut self, build: impl FnOnce(&Arc<Source>) -> Diagnostic) {
        self.references += 1;
        if self.references <= MOST_REFERENCES {
            self.batch.add(|| build(self.source));
        } else {
            self.batch.count();
        }
    }

    fn begin(&mut self, open: Open, span: &Range<usize>) -> Result<(), Diagnostic> {
        self.count(span)?;
        if let Some(Open::Mapping { key: None, .. }) = self.open.last() {
            return Err(refusal::complex_key(self.source, span.start));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(refusal::too_deep(self.source, span.start));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self, span: &Range<usize>) {
        // A block collection ends at the next token, so it ends where its last item does.
        let bracket = self.source.text().get(span.clone()).is_some_and(|text| matches!(text, "]" | "}"));
        let until = |last: Option<usize>, start: usize| if bracket { span.end } else { last.unwrap_or(start).max(start) };
        match self.open.pop() {
            Some(Open::Sequence { start, items }) => {
                let end = until(items.last().map(|item| item.span.end), start);
                self.put(Node { span: start..end, kind: Kind::Sequence(items) });
            }
            Some(Open::Mapping { start, entries, .. }) => {
                self.duplicates(&entries);
                let end = until(entries.last().map(|last| last.value.span.end.max(last.key_span.end)), start);
                self.put(Node { span: start..end, kind: Kind::Mapping(entries) });
            }
            None => {}
        }
    }

    /// Puts a finished value where it belongs; in a mapping, keys and values take turns.
    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, .. }) => {
                if let Some((key, key_span)) = key.take() {
                    entries.push(Entry { key, key_span, value: node });
                } else if let Kind::Scalar { text, plain } = node.kind {
                    if let Some(problem) = refusal::key(self.source, &text, node.span.clone()).filter(|_| plain) {
                        self.batch.add(|| problem);
                    }
                    *key = Some((text, node.span));
                }
            }
        }
    }

    fn duplicates(&mut self, entries: &[Entry]) {
        let mut seen = BTreeMap::new();
        for entry in entries {
            if let Some(first) = seen.insert(entry.key.as_str(), &entry.key_span) {
                self.batch.add(|| refusal::duplicate(self.source, entry, first));
            }
        }
    }

    fn finish(mut self) -> Result<Node, Vec<Diagnostic>> {
        let root = self.root.take().filter(|root| !root.is_null());
        if root.is_none() && self.batch.is_empty() {
            self.batch.add(|| refusal::empty(self.source));
        }
        match root {
            Some(root) if self.batch.is_empty() => Ok(root),
            _ => Err(self.batch.into_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Style, render};

    fn refusal(text: &str) -> String {
        scan(&Source::new("f", text)).map_or_else(|all| render(&all, Style::Concise), |_| String::new())
    }

    #[test]
    fn what_configurations_do_without_is_refused_in_its_place() {
        for (text, places) in [
            ("", "f:1:1: error[P0005]"),
            ("# only a comment\n", "f:1:1: error[P0005]"),
            ("---\n", "f:1:1: error[P0005]"),
            ("a: 1\n'a': 2\n", "f:2:1: error[P0006]: duplicate key `a`"),
            ("a: &x 1\nb: *x\n", "f:1:4: error[P0007] f:2:4: error[P0007]"),
            ("a: *y\n", "f:1:4: error[P0007]"),
            ("x: {a: b}\n<<: {c: d}\n", "f:2:1: error[P0008]"),
            ("a: !!int 8\nb: !foo x\nc: ! [y]\n", "f:1:4: error[P0009] f:2:4: error[P0009] f:3:4: error[P0009]"),
            ("a: &x !t 1\n", "f:1:4: error[P0007] f:1:7: error[P0009]"),
            ("---\na: 1\n---\nb: 2\n", "f:3:1: error[P0012]"),
            ("a: 1\n...\nb: 2\n", "f:3:1: error[P0012]"),
            ("? [a]\n: b\n", "f:1:3: error[P0013]"),
            ("8: x\n~: y\n: z\n", "f:1:1: error[P0013] f:2:1: error[P0013] f:3:1: error[P0013]"),
        ] {
            let said = refusal(text);
            let found: Vec<&str> = said.lines().collect();
            let wanted: Vec<&str> = places.split(" f:").collect();
            assert_eq!(found.len(), wanted.len(), "{text:?}: {said}");
            let starts =
                |(found, wanted): (&&str, &&str)| found.trim_start_matches("f:").starts_with(wanted.trim_start_matches("f:"));
            assert!(found.iter().zip(&wanted).all(starts), "{text:?}: {said}");
        }
    }

    #[test]
    fn syntax_errors_come_with_a_hint() {
        for (text, place, hint) in [
            ("a:\n\tb: 1\n", "f:2:2", "indent with spaces"),
            ("a: b: c\n", "f:1:5", "in quotes"),
            ("a: \"x\n", "f:1:4", "closed again?"),
            ("a: [1, 2\n", "f:2:1", "left open?"),
            ("a: 1\nb\n", "f:2:1", "with a colon"),
            ("a: 1\nb:2\nc: 3\n", "f:2:1", "a space behind the colon: `b: 2`"),
            ("a: 1\nb:\u{a0}2\nc: 3\n", "f:2:1", "U+00A0 stands behind the colon"),
            ("a = 1\nb: 2\n", "f:1:1", "write a colon: `a: 1`"),
            ("a: `b`\n", "f:1:4", "starts with this character in quotes"),
            ("a: \"\\t\\é\"\n", "f:1:7", "single quotes"),
            ("a: {b: 1\nc: 2\n", "f:2:2", "left open?"),
            ("a: [?b]\n", "f:1:5", "put it in quotes: `\"?b\"`"),
            ("a: é\u{2028}b\n", "f:1:5", "invisible"),
            ("a: {b: 1}}\n", "f:1:10", "remove this bracket"),
        ] {
            let said = refusal(text);
            assert!(said.starts_with(place) && said.contains("[P0004]") && said.contains(hint), "{text:?}: {said}");
        }
    }

    #[test]
    fn limits_hold_without_recursion() {
        for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(50_000)] {
            assert!(refusal(&text).contains("[P0010]: nested more than 32 levels deep"));
        }
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(refusal(&deep(MAX_DEPTH)), "");
        assert!(refusal(&deep(MAX_DEPTH + 1)).starts_with("f:1:33: error[P0010]"));
        assert!(refusal(&format!("[{}]", "1,".repeat(MAX_NODES))).contains("[P0011]"));
    }

    #[test]
    fn spans_cover_what_is_written_and_no_more() {
        let text = "é: 'it''s' # c\nb: \"\\\"\"  # c\nc: |\n  x\n\nd: x y  # c\ne: {f: [1, 2] }\ng:\n  - h: i\n\n# end\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let tree = scan(&Source::new("f", text.as_str())).unwrap();
            let values: Vec<&str> = tree.entries().iter().map(|entry| &text[entry.value.span.clone()]).collect();
            assert_eq!(values, ["'it''s'", "\"\\\"\"", "x", "x y", "{f: [1, 2] }", "- h: i"]);
        }
    }
}
