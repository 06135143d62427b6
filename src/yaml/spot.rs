//! What is said about a value that does not fit, one function a complaint.

use std::ops::Range;
use std::sync::Arc;

use super::range;
use super::schema::{Schema, list};
use super::{Entry, Kind, Node, Path, number};
use crate::diagnostic::{Code, Diagnostic, Source, nearest, quoted};
use crate::units::QuantityError;

/// The way down to a value, on the stack: most values are right, and theirs is never spelled out.
#[derive(Clone, Copy)]
pub(super) enum Trail<'a> {
    /// The whole file.
    Root,
    /// The value of a key.
    Key(&'a Trail<'a>, &'a Entry),
    /// An item of a list.
    Item(&'a Trail<'a>, usize),
}

impl Trail<'_> {
    fn path(&self) -> Path {
        match self {
            Self::Root => Path::root(),
            Self::Key(up, entry) => up.path().key(&entry.key),
            Self::Item(up, index) => up.path().index(*index),
        }
    }
}

/// A value, where it is, and what it should be.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) node: &'a Node,
    pub(super) schema: &'a Schema<'a>,
    pub(super) at: Trail<'a>,
}

impl<'a> Spot<'a> {
    /// The known key that an unknown one was probably meant to be, of those not yet there.
    pub(super) fn meant_key(&self, entry: &Entry) -> Option<&'a str> {
        let free = self.schema.keys().filter(|key| self.node.entry(key).is_none());
        nearest(&entry.key, free)
    }

    pub(super) fn unknown_key(&self, entry: &Entry, near: Option<&str>) -> Diagnostic {
        let place = match self.at {
            Trail::Root => String::new(),
            Trail::Key(..) | Trail::Item(..) => format!(" in {}", self.path()),
        };
        let help = match near {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None if self.schema.keys().next().is_none() => "no key is read here".to_owned(),
            None => format!("known keys: {}", list(self.schema.keys())),
        };
        Diagnostic::error(Code::UnknownKey, format!("unknown key {}{place}", quoted(&entry.key)))
            .at(self.source, entry.key_span.clone(), "")
            .help(help)
    }

    pub(super) fn missing_key(&self, key: &str) -> Diagnostic {
        let property = self.schema.property(key);
        let example = property.as_ref().and_then(Schema::example);
        let help = example.map(|example| format!("add it, for example {}", quoted(&format!("{key}: {example}"))));
        let help = help.unwrap_or_else(|| {
            let wanted = property.as_ref().map(Schema::wanted).filter(|wanted| !wanted.is_empty());
            format!("add {} with {}", quoted(&format!("{key}:")), wanted.as_deref().unwrap_or("a value"))
        });
        let message = format!("missing key {} in {}", quoted(key), self.path());
        let missing = Diagnostic::error(Code::MissingKey, message)
            .at(self.source, self.anchor(), format!("no {} in here", quoted(key)))
            .help(help);
        match property.and_then(|property| property.description()) {
            Some(about) => missing.note(format!("{} is for: {about}", quoted(key))),
            None => missing,
        }
    }

    pub(super) fn missing_value(&self) -> Diagnostic {
        let wanted = self.schema.wanted();
        let keys = list(self.schema.alternatives().iter().flat_map(Schema::keys));
        let help = self.for_example().unwrap_or_else(|| match self.at {
            Trail::Key(..) if !keys.is_empty() => format!("write keys below it, indented: {keys}"),
            Trail::Key(_, entry) => format!("write {wanted} after {}", quoted(&format!("{}:", entry.key))),
            Trail::Root | Trail::Item(..) => format!("write {wanted}"),
        });
        self.problem(Code::MissingValue, format!("missing value for {}", self.path()), Some(help))
    }

    pub(super) fn unknown_value(&self, text: &str, words: &[String]) -> Diagnostic {
        let words = || words.iter().map(String::as_str);
        let help = match nearest(text, words()) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None if words().count() > 1 => format!("write one of {}", self.schema.wanted()),
            None => format!("write {}", self.schema.wanted()),
        };
        let message = format!("unknown value {} for {}", quoted(text), self.path());
        self.problem(Code::UnknownValue, message, Some(help))
    }

    pub(super) fn wrong_type(&self) -> Diagnostic {
        let found = match &self.node.kind {
            Kind::Scalar { text, plain: true } => quoted(text),
            Kind::Scalar { text, plain: false } => format!("{} in quotes", quoted(text)),
            Kind::Sequence(_) => "a list".to_owned(),
            Kind::Mapping(_) => "a mapping".to_owned(),
        };
        let message = format!("expected {} for {}, found {found}", self.schema.wanted(), self.path());
        self.problem(Code::WrongType, message, self.instead())
    }

    pub(super) fn bad_quantity(&self, error: &QuantityError) -> Diagnostic {
        let code = if error.needs_unit() { Code::NoUnit } else { Code::BadQuantity };
        let help = error.hint().or_else(|| self.for_example());
        self.problem(code, format!("{}: {error}", self.path()), help)
    }

    pub(super) fn out_of_range(&self, text: &str, limit: &str) -> Diagnostic {
        let message = format!("{} is out of range for {}", quoted(text), self.path());
        self.problem(Code::OutOfRange, message, Some(format!("write a number {limit}")))
    }

    pub(super) fn wrong_count(&self, found: usize, unit: &str, least: u64, most: u64) -> Diagnostic {
        let (bound, limit) = match (least == most, (found as u64) < least) {
            (true, _) => ("exactly", least),
            (false, true) => ("at least", least),
            (false, false) => ("at most", most),
        };
        let plural = if limit == 1 { "" } else { "s" };
        let message = format!("expected {bound} {limit} {unit}{plural} for {}, found {found}", self.path());
        let keys = self.schema.inner("items").map(|items| list(items.required())).filter(|keys| !keys.is_empty());
        let items = || keys.map(|keys| format!("write items below it, each with `- ` and the keys {keys}"));
        self.problem(Code::ItemCount, message, self.for_example().or_else(items))
    }

    /// What to write in place of a value of the wrong type.
    fn instead(&self) -> Option<String> {
        let alternatives = self.schema.alternatives();
        if let Some((text, plain)) = self.node.scalar() {
            if let Some(meant) = alternatives.iter().find_map(|one| number::meant(text, one)) {
                let quotes = if plain { "" } else { " without quotes" };
                return Some(format!("write {}{quotes}", self.written(&meant)));
            }
            if plain && alternatives.iter().any(Schema::is_plain_text) {
                return Some(format!("put it in quotes: {}", self.written(&format!("\"{text}\""))));
            }
            if let Some(list) = alternatives.iter().find(|one| one.takes("array")) {
                let of_text = list.inner("items").is_some_and(|items| items.is_plain_text());
                let example = self.for_example().filter(|_| !of_text);
                return example.or_else(|| Some(format!("write {}", self.written(&format!("[{text}]")))));
            }
        }
        self.for_example().or_else(|| self.shape(&alternatives))
    }

    /// How a value of the wanted kind is written, where no example is known.
    fn shape(&self, alternatives: &[Schema<'_>]) -> Option<String> {
        let takes = |kind: &str| alternatives.iter().any(|one| one.takes(kind));
        let keys = || list(alternatives.iter().flat_map(Schema::keys));
        match &self.node.kind {
            Kind::Mapping(entries) if takes("array") => {
                let first = entries.first().map(|entry| format!("- {}:", entry.key))?;
                Some(format!("write {} for the first key, and indent the others as far", quoted(&first)))
            }
            Kind::Sequence(items) if takes("object") => match (items.as_slice(), &self.at) {
                ([_], Trail::Key(..)) => Some("take the `-` away: the keys stand right below".to_owned()),
                _ => Some(format!("write keys and values: {}", keys())),
            },
            Kind::Sequence(items) => match items.as_slice() {
                [Node { kind: Kind::Scalar { text, .. }, .. }] => Some(format!("write {}", self.written(text))),
                _ => None,
            },
            Kind::Scalar { .. } if takes("object") => Some(match self.at {
                Trail::Key(..) => format!("write keys below it, indented: {}", keys()),
                Trail::Root | Trail::Item(..) => format!("write `key: value` lines; the keys are {}", keys()),
            }),
            _ => alternatives.iter().find_map(range::wanted).map(|wanted| format!("write {wanted}")),
        }
    }

    fn for_example(&self) -> Option<String> {
        let example = self.schema.example()?;
        Some(format!("write for example {}", self.written(&example)))
    }

    /// A value as it would stand here, in backticks.
    fn written(&self, value: &str) -> String {
        match self.at {
            Trail::Key(_, entry) => quoted(&format!("{}: {value}", entry.key)),
            Trail::Root | Trail::Item(..) => quoted(value),
        }
    }

    fn path(&self) -> String {
        self.at.path().quoted()
    }

    /// Where to point for something that is not there: the key this is the value of, or its own first key.
    fn anchor(&self) -> Range<usize> {
        match self.at {
            Trail::Key(_, entry) => entry.key_span.clone(),
            Trail::Root | Trail::Item(..) => self.node.head(),
        }
    }

    /// What is written of the value on its first line: enough to find it by.
    fn first_line(&self) -> Range<usize> {
        let Range { start, end } = self.node.span;
        let line = self.source.text().get(start..end).and_then(|text| text.lines().next());
        start..line.map_or(end, |line| start + line.trim_end().len())
    }

    fn problem(&self, code: Code, message: String, help: Option<String>) -> Diagnostic {
        let written = self.node.kind.is_scalar() && !self.node.span.is_empty();
        let span = if written { self.first_line() } else { self.anchor() };
        Diagnostic { help, ..Diagnostic::error(code, message).at(self.source, span, "") }
    }
}
