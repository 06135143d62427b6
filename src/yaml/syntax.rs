//! What the parser could not read, with a hint at the usual cause.

use std::ops::Range;
use std::sync::Arc;

use super::refusal::{alias, too_deep};
use crate::diagnostic::{Code, Diagnostic, Source, quoted};

/// What the parser could not read at a byte, in its words, with a hint at the usual cause.
pub(super) fn syntax(source: &Arc<Source>, info: &str, at: usize) -> Diagnostic {
    if info.contains("unknown anchor") {
        return alias(source, word(source.text(), at));
    }
    if info.contains("recursion") {
        return too_deep(source, at);
    }
    let (span, help) = cause(source, info, at);
    Diagnostic::error(Code::Syntax, format!("not valid YAML: {info}")).at(source, span, "").help(help)
}

/// Where the mistake is, which may be above the place at which the parser gave up, and what to write instead.
fn cause(source: &Source, info: &str, at: usize) -> (Range<usize>, String) {
    let text = source.text();
    let here = at..at + 1;
    let (number, _) = source.line_column(at);
    let line = text.get(source.line(number)).unwrap_or_default();
    let indented_by_tab = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
    let no_colon = info.contains("simple key expect") || info.contains("mapping values are not allowed");
    if indented_by_tab(line) || info.contains("tab") {
        let next = source.line(number + 1);
        let tabbed = if !indented_by_tab(line) && indented_by_tab(text.get(next.clone()).unwrap_or_default()) {
            next.start..next.start + 1
        } else {
            here
        };
        return (tabbed, "indent with spaces; YAML does not allow tabs there".to_owned());
    }
    if let Some((span, help)) = no_colon.then(|| without_colon(source, number)).flatten() {
        return (span, help);
    }
    let help = if info.contains("mapping values are not allowed") {
        "check the indentation, and put text that contains `: ` in quotes".to_owned()
    } else if info.contains("simple key expect") {
        "write `key: value`, with a colon and a space".to_owned()
    } else if info.contains("unexpected character") {
        "put text that starts with this character in quotes".to_owned()
    } else if info.contains("escape") {
        return (escape(text, at), "write a backslash in double quotes twice, `\\\\`, or use single quotes".to_owned());
    } else if info.contains("quoted scalar") {
        "is the quote that opens here closed again?".to_owned()
    } else if info.contains("flow construct") || info.contains("expected ','") {
        "is a `{` or a `[` above left open?".to_owned()
    } else if info.contains("misplaced bracket") {
        "remove this bracket, or open it before".to_owned()
    } else if info.contains("end of stream") || at >= text.trim_end().len() {
        "is a quote or a bracket left open?".to_owned()
    } else if info.contains("block collection") || info.contains("block mapping") {
        "indent this line as the others of its list or mapping are".to_owned()
    } else {
        "check the indentation, the quotes and the brackets here and just above".to_owned()
    };
    (here, help)
}

/// The line above without a `: `, which the parser took for the beginning of a longer text.
fn without_colon(source: &Source, number: usize) -> Option<(Range<usize>, String)> {
    let text = source.text();
    let written = |number: &usize| {
        let line = text.get(source.line(*number)).unwrap_or_default().trim();
        !line.is_empty() && !line.starts_with('#')
    };
    let above = (1..number).rev().find(written)?;
    let line = source.line(above);
    let all = text.get(line.clone())?;
    let content = all.trim().trim_start_matches("- ").trim_start();
    if content.contains(": ") || content.ends_with(':') || content.starts_with(['-', '"', '\'']) {
        return None;
    }
    let start = line.start + all.find(content)?;
    let help = match (content.split_once(':'), content.split_once('=')) {
        (Some((key, value)), _) => {
            let fixed =
                quoted(&format!("{key}: {}", value.trim_start_matches(|c: char| !c.is_ascii() && !c.is_alphanumeric())));
            match value.chars().next() {
                Some(c) if !c.is_ascii() && !c.is_alphanumeric() => {
                    format!("U+{:04X} stands behind the colon instead of a space: write {fixed}", u32::from(c))
                }
                _ => format!("put a space behind the colon: {fixed}"),
            }
        }
        (None, Some((key, value))) => {
            format!("write a colon: {}", quoted(&format!("{}: {}", key.trim(), value.trim())))
        }
        (None, None) => "write `key: value`, with a colon and a space".to_owned(),
    };
    Some((start..start + content.len(), help))
}

/// The first escape in double quotes that YAML does not know, or the place itself.
fn escape(text: &str, at: usize) -> Range<usize> {
    let mut rest = text.get(at..).unwrap_or_default().char_indices();
    while let Some((backslash, c)) = rest.next() {
        if c != '\\' {
            continue;
        }
        match rest.next() {
            Some((next, c)) if !"0abtnvfre \"/\\N_LPxuU\t\r\n".contains(c) => return at + backslash..at + next + c.len_utf8(),
            _ => {}
        }
    }
    at..at + 1
}

/// The word that starts at a byte.
fn word(text: &str, at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).unwrap_or(rest.len());
    at..at + length.max(1)
}
