use serde::Serialize;

use super::{Diagnostic, Place};
use crate::diagnostic::Label;

/// Raised when a field changes its meaning or goes; new fields do not raise it.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    diagnostics: Vec<Entry<'a>>,
}

/// A diagnostic; lines and columns count from 1, columns in characters, ends are exclusive.
#[derive(Serialize)]
struct Entry<'a> {
    code: &'static str,
    title: &'static str,
    severity: &'static str,
    message: &'a str,
    #[serde(flatten)]
    place: At<'a>,
    help: Option<&'a str>,
    notes: &'a [String],
    labels: Vec<Pointer<'a>>,
}

#[derive(Serialize)]
struct Pointer<'a> {
    #[serde(flatten)]
    place: At<'a>,
    text: &'a str,
    primary: bool,
}

#[derive(Default, Serialize)]
struct At<'a> {
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

impl<'a> At<'a> {
    fn of(label: &'a Label) -> Self {
        let place = Place::of(label);
        Self {
            file: Some(place.file),
            line: Some(place.line),
            column: Some(place.column),
            end_line: Some(place.end_line),
            end_column: Some(place.end_column),
        }
    }
}

/// One object, for programs.
pub(super) fn render(diagnostics: &[Diagnostic]) -> String {
    let report = Report { schema_version: SCHEMA_VERSION, diagnostics: diagnostics.iter().map(entry).collect() };
    // Strings and numbers only: serialising them has no way to fail.
    let mut out = serde_json::to_string_pretty(&report).unwrap_or_default();
    out.push('\n');
    out
}

fn entry(diagnostic: &Diagnostic) -> Entry<'_> {
    let pointer = |label| Pointer { place: At::of(label), text: label.text.as_str(), primary: label.primary };
    Entry {
        code: diagnostic.code.as_str(),
        title: diagnostic.code.title(),
        severity: diagnostic.severity.as_str(),
        message: &diagnostic.message,
        place: diagnostic.place().map(At::of).unwrap_or_default(),
        help: diagnostic.help.as_deref(),
        notes: &diagnostic.notes,
        labels: diagnostic.labels.iter().map(pointer).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn places_are_spelled_out() {
        let text = super::render(&super::super::tests::sample());
        let report: Value = serde_json::from_str(&text).unwrap();
        let first = &report["diagnostics"][0];
        assert_eq!(first["code"], json!("P0301"));
        assert_eq!((&first["line"], &first["end_column"]), (&json!(3), &json!(10)));
        assert_eq!(first["labels"][1]["text"], json!("pipeline stages"));
        assert_eq!(report["diagnostics"][2]["file"], Value::Null);
    }
}
