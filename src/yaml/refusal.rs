//! What a configuration file does without, one function a refusal.

use std::ops::Range;
use std::sync::Arc;

use super::written::{is_foreign, property};
use super::{Entry, MAX_DEPTH, MAX_NODES, number};
use crate::diagnostic::{Code, Diagnostic, Source, quoted};

const UNALIAS: &str = "write the value out; put text that starts with `*` in quotes";

pub(super) fn empty(source: &Arc<Source>) -> Diagnostic {
    Diagnostic::error(Code::Empty, format!("{} is empty", quoted(source.name())))
        .at(source, 0..0, "")
        .help("it holds nothing but white space and comments; copy an example to start from")
}

pub(super) fn second_document(source: &Arc<Source>, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(Code::SeveralDocuments, "a second document starts here")
        .at(source, span, "only one document is read")
        .help("put each document in its own file, or remove the `---`")
}

pub(super) fn too_many(source: &Arc<Source>, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(Code::TooManyNodes, format!("more than {MAX_NODES} values"))
        .at(source, span, "the limit is reached here")
        .help("is this the right file? one that people write has a few hundred values")
}

pub(super) fn too_deep(source: &Arc<Source>, start: usize) -> Diagnostic {
    Diagnostic::error(Code::TooDeep, format!("nested more than {MAX_DEPTH} levels deep"))
        .at(source, start..start + 1, "one level too many")
        .help("is a bracket left open, or the indentation growing?")
}

pub(super) fn complex_key(source: &Arc<Source>, start: usize) -> Diagnostic {
    Diagnostic::error(Code::KeyNotText, "a key is a list or a mapping")
        .at(source, start..start + 1, "a key has to be a single word")
        .help("put text that starts with `{`, `[` or `? ` in quotes")
}

/// What is wrong with a key of a mapping by itself.
pub(super) fn key(source: &Arc<Source>, text: &str, span: Range<usize>) -> Option<Diagnostic> {
    let not_text = |what: String| Diagnostic::error(Code::KeyNotText, format!("a key is {what}"));
    match text {
        "<<" => Some(
            Diagnostic::error(Code::MergeKey, "merge keys are not read")
                .at(source, span, "`<<` merges another mapping")
                .help("repeat the keys here"),
        ),
        "" => Some(not_text("empty".to_owned()).at(source, span, "").help("write a name before the `:`")),
        _ if number::is_not_text(text) => Some(
            not_text(format!("{}, not text", quoted(text)))
                .at(source, span, "")
                .help(format!("write {} if this is a name", quoted(&format!("\"{text}\":")))),
        ),
        _ => None,
    }
}

pub(super) fn duplicate(source: &Arc<Source>, entry: &Entry, first: &Range<usize>) -> Diagnostic {
    Diagnostic::error(Code::DuplicateKey, format!("duplicate key {}", quoted(&entry.key)))
        .at(source, entry.key_span.clone(), "here again")
        .also(source, first.clone(), "first here")
        .help("keep one of the two")
}

pub(super) fn anchor(source: &Arc<Source>, value: usize) -> Diagnostic {
    Diagnostic::error(Code::Alias, "anchors are not read")
        .at(source, property(source.text(), value, '&'), "names this value")
        .help("remove the anchor, and write the value out where it is used again")
}

pub(super) fn alias(source: &Arc<Source>, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(Code::Alias, "aliases are not read").at(source, span, "refers to another value").help(UNALIAS)
}

pub(super) fn tag(source: &Arc<Source>, value: usize) -> Diagnostic {
    Diagnostic::error(Code::Tag, "tags are not read")
        .at(source, property(source.text(), value, '!'), "a YAML tag")
        .help("remove it: the type follows from the key; put text that starts with `!` in quotes")
}

/// A word such as `?x` inside brackets is a key to YAML 1.1 and text to YAML 1.2.
pub(super) fn question_mark(source: &Arc<Source>, text: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(Code::Syntax, "not valid YAML: a word starts with `?`")
        .at(source, span, "")
        .help(format!("put it in quotes: {}", quoted(&format!("\"{text}\""))))
}

/// The first character that YAML has no place for.
pub(super) fn foreign_character(source: &Arc<Source>) -> Option<Diagnostic> {
    let (at, c) = source.text().char_indices().find(|&(_, c)| is_foreign(c))?;
    let message = format!("not valid YAML: U+{:04X} cannot stand here", u32::from(c));
    let help = "remove this invisible character, or write it as an escape in double quotes";
    Some(Diagnostic::error(Code::Syntax, message).at(source, at..at + c.len_utf8(), "").help(help))
}
