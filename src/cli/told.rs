//! Answers in the form that is asked for: several of one kind, one after the other, or as one JSON.

use clap::Args;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::input::{Destination, Format};
use super::output;
use crate::report;

/// The form of an answer, and where it goes.
#[derive(Debug, Args)]
pub(super) struct Form {
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    pub destination: Destination,
}

/// How answers of one kind are told.
pub(super) struct Telling<'a, T> {
    /// Their name in JSON.
    pub key: &'static str,
    /// The version of that JSON.
    pub schema_version: u32,
    /// One of them for people.
    pub text: &'a dyn Fn(&T) -> String,
    /// One of them for documents.
    pub markdown: &'a dyn Fn(&T) -> String,
    /// One of them as a table with a heading.
    pub csv: &'a dyn Fn(&T) -> String,
}

impl Form {
    /// Writes answers; `note`, if any, goes to standard error before them.
    pub(super) fn tell<T: Serialize>(&self, answers: &[T], telling: &Telling<'_, T>, note: Option<&str>) -> anyhow::Result<()> {
        let joined = |of: &dyn Fn(&T) -> String| answers.iter().map(of).collect::<Vec<_>>().join("\n");
        let text = match self.format {
            Format::Text => joined(telling.text),
            Format::Markdown => joined(telling.markdown),
            Format::Csv => one_heading(answers.iter().map(telling.csv)),
            Format::Json => report::json(&Answers { schema_version: telling.schema_version, key: telling.key, all: answers })?,
        };
        if let Some(note) = note {
            output::warn(note);
        }
        output::write(self.destination.output.as_deref(), &text)
    }
}

/// `{"schema_version": 1, "plans": [...]}`.
struct Answers<'a, T> {
    schema_version: u32,
    key: &'static str,
    all: &'a [T],
}

impl<T: Serialize> Serialize for Answers<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("schema_version", &self.schema_version)?;
        map.serialize_entry(self.key, self.all)?;
        map.end()
    }
}

/// Several tables under the heading of the first.
fn one_heading(tables: impl Iterator<Item = String>) -> String {
    tables.enumerate().map(|(i, table)| if i == 0 { table } else { table.split_inclusive('\n').skip(1).collect() }).collect()
}
