//! A table with a heading, and where its cells stand in the file.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Batch, Code, Diagnostic, Source, nearest, quoted};

/// The text of a cell, kept for later, and where it stands.
pub(super) struct Cell {
    pub text: String,
    pub span: Range<usize>,
}

/// A table that is read row by row.
pub(super) struct Sheet<'a> {
    source: &'a Arc<Source>,
    reader: csv::Reader<&'a [u8]>,
    headings: Vec<String>,
    row: csv::StringRecord,
    /// What is wrong so far.
    pub errors: Batch,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(source: &'a Arc<Source>, delimiter: u8) -> Result<Self, Vec<Diagnostic>> {
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(source.text().as_bytes());
        let headings = match reader.headers() {
            Ok(headings) => headings.iter().map(str::to_lowercase).collect(),
            Err(error) => return Err(vec![broken(source, &error)]),
        };
        Ok(Self { source, reader, headings, row: csv::StringRecord::new(), errors: Batch::new() })
    }

    /// The column under the first of these headings that is there.
    pub(super) fn column(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.headings.iter().position(|heading| heading == name))
    }

    /// The same for a column that every job needs.
    pub(super) fn needed(&mut self, names: &[&str], example: &str) -> usize {
        if let Some(column) = self.column(names) {
            return column;
        }
        let near = names.iter().find_map(|name| nearest(name, self.headings.iter().map(String::as_str)));
        let error = Diagnostic::error(Code::TraceColumn, format!("the trace has no column `{}`", names[0]));
        let error = error.at(self.source, self.source.line(1), "");
        self.errors.add(|| match near {
            Some(near) => error.help(format!("is {} meant? call it `{}`", quoted(near), names[0])),
            None => error.help(format!("add it, as in {example}")),
        });
        usize::MAX
    }

    /// Goes to the next row, if there is one that can be read.
    pub(super) fn advance(&mut self) -> bool {
        match self.reader.read_record(&mut self.row) {
            Ok(more) => more,
            Err(error) => {
                self.errors.add(|| broken(self.source, &error));
                false
            }
        }
    }

    /// The text of a cell; nothing when it is empty.
    pub(super) fn cell(&self, column: usize) -> Option<&str> {
        self.row.get(column).filter(|text| !text.is_empty())
    }

    /// A cell as a value.
    pub(super) fn value<T>(&mut self, column: usize, wanted: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.row.get(column).unwrap_or_default();
        let value = read(text);
        if value.is_none() {
            let message =
                if text.is_empty() { "the cell is empty".to_owned() } else { format!("{} is not {wanted}", quoted(text)) };
            let span = self.place(column);
            self.errors
                .add(|| Diagnostic::error(Code::TraceCell, message).at(self.source, span, "").help(format!("write {wanted}")));
        }
        value
    }

    /// The same for a cell that may be empty or a column that may not be there.
    pub(super) fn maybe<T>(&mut self, column: Option<usize>, wanted: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let column = column.filter(|column| self.cell(*column).is_some())?;
        self.value(column, wanted, read)
    }

    /// A cell that is looked at again when all rows are read.
    pub(super) fn kept(&self, column: usize) -> Cell {
        Cell { text: self.cell(column).unwrap_or_default().to_owned(), span: self.place(column) }
    }

    /// Where a cell stands; exact where no cell before it is quoted.
    pub(super) fn place(&self, column: usize) -> Range<usize> {
        let start = self.row.position().map_or(0, |position| position.byte() as usize);
        let before: usize = self.row.iter().take(column).map(|cell| cell.len() + 1).sum();
        let length = self.row.get(column).map_or(0, str::len);
        start + before..start + before + length
    }
}

fn broken(source: &Arc<Source>, error: &csv::Error) -> Diagnostic {
    let line = error.position().map_or(1, |position| position.line() as usize);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let cells = if *len == 1 { "cell" } else { "cells" };
            format!("the row has {len} {cells}, the heading {expected_len}")
        }
        _ => format!("the row cannot be read: {error}"),
    };
    let span = source.line(line);
    let open = source.text()[span.clone()].matches('"').count() % 2 == 1;
    let help = if open { "close the quote" } else { "give every row as many cells as the heading" };
    Diagnostic::error(Code::TraceCell, message).at(source, span, "").help(help)
}
