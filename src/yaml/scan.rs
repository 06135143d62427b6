use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{Entry, Kind, Node};
use crate::diagnostic::{Batch, Code, Diagnostic, Source, quoted};

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
    if let Some((at, c)) = source.text().char_indices().find(|&(_, c)| is_foreign(c)) {
        let message = format!("not valid YAML: U+{:04X} cannot stand here", u32::from(c));
        let span = at..at + c.len_utf8();
        let help = "remove this invisible character, or write it as an escape in double quotes";
        return Err(vec![Diagnostic::error(Code::Syntax, message).at(source, span, "").help(help)]);
    }
    let mut scanner = Scanner::new(source);
    let mut parser = Parser::new_from_str(source.text());
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => scanner.event(event, span),
            Err(error) => Err(scanner.syntax(&error)),
        };
        if let Err(last) = step {
            scanner.batch.add(|| last);
            return Err(scanner.batch.into_vec());
        }
    }
    scanner.finish()
}

/// A list or mapping that has begun and not ended.
enum Open {
    Sequence { start: usize, items: Vec<Node> },
    Mapping { start: usize, entries: Vec<Entry>, key: Option<(String, Range<usize>)> },
}

struct Scanner<'a> {
    source: &'a Arc<Source>,
    /// Byte offset of every character; none when the text is ASCII and the two agree.
    offsets: Option<Vec<usize>>,
    open: Vec<Open>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
    batch: Batch,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let text = source.text();
        let offsets = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte).collect());
        Self { source, offsets, open: Vec::new(), nodes: 0, documents: 0, root: None, batch: Batch::new() }
    }

    /// The parser counts characters.
    fn byte(&self, character: usize) -> usize {
        let end = self.source.text().len();
        match &self.offsets {
            Some(offsets) => offsets.get(character).copied().unwrap_or(end),
            None => character.min(end),
        }
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }

    /// Takes one event; an error ends the scan.
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let span = self.bytes(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(&span)?;
                self.properties(anchor, tag.is_some(), &span);
                let plain = style == ScalarStyle::Plain;
                let span = scalar_span(self.source.text(), span, style);
                self.put(Node { span, kind: Kind::Scalar { text: text.into_owned(), plain } })
            }
            Event::SequenceStart(anchor, tag) => {
                self.properties(anchor, tag.is_some(), &span);
                self.begin(Open::Sequence { start: span.start, items: Vec::new() }, &span)
            }
            Event::MappingStart(anchor, tag) => {
                self.properties(anchor, tag.is_some(), &span);
                self.begin(Open::Mapping { start: span.start, entries: Vec::new(), key: None }, &span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(&span),
            Event::Alias(_) => {
                self.alias(&span);
                self.put(Node { span, kind: Kind::Scalar { text: String::new(), plain: true } })
            }
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents == 1 {
                    return Ok(());
                }
                Err(Diagnostic::error(Code::SeveralDocuments, "a second document starts here")
                    .at(self.source, span, "only one document is read")
                    .help("put each document in its own file, or remove the `---`"))
            }
            Event::DocumentEnd | Event::StreamStart | Event::StreamEnd | Event::Nothing => Ok(()),
        }
    }

    fn count(&mut self, span: &Range<usize>) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(Diagnostic::error(Code::TooManyNodes, format!("more than {MAX_NODES} values"))
            .at(self.source, span.clone(), "the limit is reached here")
            .help("is this the right file? one that people write has a few hundred values"))
    }

    fn begin(&mut self, open: Open, span: &Range<usize>) -> Result<(), Diagnostic> {
        self.count(span)?;
        if let Some(Open::Mapping { key: None, .. }) = self.open.last() {
            return Err(Diagnostic::error(Code::KeyNotText, "a key is a list or a mapping")
                .at(self.source, span.start..span.start + 1, "a key has to be a single word")
                .help("put text that starts with `{`, `[` or `? ` in quotes"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Diagnostic::error(Code::TooDeep, format!("nested more than {MAX_DEPTH} levels deep"))
                .at(self.source, span.start..span.start + 1, "one level too many")
                .help("is a bracket left open, or the indentation growing?"));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self, span: &Range<usize>) -> Result<(), Diagnostic> {
        // A block collection ends at the next token, so it ends where its last item does.
        let closing = self.source.text().get(span.clone()).is_some_and(|text| matches!(text, "]" | "}"));
        let until = |last: Option<usize>, start: usize| if closing { span.end } else { last.unwrap_or(start) };
        match self.open.pop() {
            Some(Open::Sequence { start, items }) => {
                let end = until(items.last().map(|item| item.span.end), start);
                self.put(Node { span: start..end.max(start), kind: Kind::Sequence(items) })
            }
            Some(Open::Mapping { start, entries, .. }) => {
                self.duplicates(&entries);
                let end = until(entries.last().map(|last| last.value.span.end.max(last.key_span.end)), start);
                self.put(Node { span: start..end.max(start), kind: Kind::Mapping(entries) })
            }
            None => Ok(()),
        }
    }

    /// Puts a finished value where it belongs.
    fn put(&mut self, node: Node) -> Result<(), Diagnostic> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, .. }) => match key.take() {
                Some((key, key_span)) => entries.push(Entry { key, key_span, value: node }),
                None => {
                    if let Kind::Scalar { text, plain } = node.kind {
                        *key = Some((text.clone(), node.span.clone()));
                        self.key(&text, plain, node.span);
                    }
                }
            },
        }
        Ok(())
    }

    fn key(&mut self, text: &str, plain: bool, span: Range<usize>) {
        let source = self.source;
        if plain && text == "<<" {
            self.batch.add(|| {
                Diagnostic::error(Code::MergeKey, "merge keys are not read")
                    .at(source, span, "`<<` merges another mapping")
                    .help("repeat the keys here")
            });
        } else if plain && (text.is_empty() || super::number::is_not_text(text)) {
            let what = if text.is_empty() { "empty".to_owned() } else { format!("{}, not text", quoted(text)) };
            self.batch.add(|| {
                Diagnostic::error(Code::KeyNotText, format!("a key is {what}"))
                    .at(source, span, "expected a name")
                    .help(if text.is_empty() {
                        "write a name before the `:`".to_owned()
                    } else {
                        format!("write `\"{text}\":` if this is a name")
                    })
            });
        }
    }

    fn duplicates(&mut self, entries: &[Entry]) {
        let source = self.source;
        let mut seen = BTreeMap::new();
        for entry in entries {
            let Some(first) = seen.insert(entry.key.as_str(), &entry.key_span) else {
                continue;
            };
            self.batch.add(|| {
                Diagnostic::error(Code::DuplicateKey, format!("duplicate key {}", quoted(&entry.key)))
                    .at(source, entry.key_span.clone(), "here again")
                    .also(source, first.clone(), "first here")
                    .help("keep one of the two")
            });
        }
    }

    fn properties(&mut self, anchor: usize, tag: bool, span: &Range<usize>) {
        let source = self.source;
        if anchor != 0 {
            let span = property(source.text(), span.start, '&');
            self.batch.add(|| {
                Diagnostic::error(Code::Alias, "anchors are not read")
                    .at(source, span, "names this value")
                    .help("remove the anchor, and write the value out where it is used again")
            });
        }
        if tag {
            let span = property(source.text(), span.start, '!');
            self.batch.add(|| {
                Diagnostic::error(Code::Tag, "tags are not read")
                    .at(source, span, "a YAML tag")
                    .help("remove it: the type follows from the key; put text that starts with `!` in quotes")
            });
        }
    }

    fn alias(&mut self, span: &Range<usize>) {
        let source = self.source;
        self.batch.add(|| {
            Diagnostic::error(Code::Alias, "aliases are not read")
                .at(source, span.clone(), "refers to another value")
                .help("write the value out; put text that starts with `*` in quotes")
        });
    }

    fn syntax(&self, error: &ScanError) -> Diagnostic {
        let text = self.source.text();
        let at = self.byte(error.marker().index());
        let (line, _) = self.source.line_column(at);
        let line_text = text.get(self.source.line(line)).unwrap_or_default();
        let indent = &line_text[..line_text.len() - line_text.trim_start().len()];
        let info = error.info();
        let span = at..text.len().min(at + 1);
        if info.contains("unknown anchor") {
            return Diagnostic::error(Code::Alias, "aliases are not read")
                .at(self.source, span, "refers to a value that has no anchor")
                .help("write the value out; put text that starts with `*` in quotes");
        }
        if info.contains("recursion") {
            return Diagnostic::error(Code::TooDeep, format!("nested more than {MAX_DEPTH} levels deep"))
                .at(self.source, span, "one level too many");
        }
        let diagnostic = Diagnostic::error(Code::Syntax, format!("not valid YAML: {info}"));
        let diagnostic = diagnostic.at(self.source, span, "");
        match () {
            () if indent.contains('\t') => diagnostic.help("indent with spaces; YAML does not allow tabs there"),
            () if info.contains("mapping values are not allowed") => {
                diagnostic.help("check the indentation, and put text that contains `: ` in quotes")
            }
            () if info.contains("simple key expect ':'") || info.contains("simple key expected") => {
                diagnostic.help("write `key: value`, with a colon and a space")
            }
            () if info.contains("end of stream") || at >= text.trim_end().len() => diagnostic.help("is a quote or a bracket left open?"),
            () => diagnostic.help("check the indentation, the quotes and the brackets here and just above"),
        }
    }

    fn finish(mut self) -> Result<Node, Vec<Diagnostic>> {
        let root = self.root.take().filter(|root| !root.is_null());
        let source = self.source;
        if root.is_none() && self.batch.is_empty() {
            self.batch.add(|| {
                Diagnostic::error(Code::Empty, format!("{} is empty", quoted(source.name())))
                    .at(source, 0..0, "")
                    .help("it holds nothing but white space and comments; copy an example to start from")
            });
        }
        match root {
            Some(root) if self.batch.is_empty() => Ok(root),
            _ => Err(self.batch.into_vec()),
        }
    }
}

/// The bytes of a scalar: the parser's span may go on over white space and a comment.
fn scalar_span(text: &str, span: Range<usize>, style: ScalarStyle) -> Range<usize> {
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
fn property(text: &str, value: usize, mark: char) -> Range<usize> {
    let mut start = value;
    for word in text.get(value..).unwrap_or_default().split_inclusive(char::is_whitespace).take(4) {
        if word.starts_with(mark) {
            return start..start + word.trim_end().len();
        }
        start += word.len();
    }
    value..value
}

/// Whether YAML has no place for a character, or parsers disagree on whether it ends a line.
fn is_foreign(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    control || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
