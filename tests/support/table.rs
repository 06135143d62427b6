//! Tables of `tests/data/`.

use std::path::Path;

/// A row by the names of its columns.
pub struct Row(Vec<(String, String)>);

impl Row {
    /// The text of a column.
    pub fn text(&self, column: &str) -> &str {
        self.0.iter().find(|(name, _)| name == column).map(|(_, cell)| cell.as_str()).expect(column)
    }

    /// The number in a column, where there is one.
    pub fn maybe(&self, column: &str) -> Option<f64> {
        self.text(column).trim().parse().ok()
    }

    /// The number in a column.
    pub fn number(&self, column: &str) -> f64 {
        self.maybe(column).expect(column)
    }
}

/// The rows of a file; lines that begin with `#` are comments.
pub fn rows(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(path).expect("there");
    let names: Vec<String> = reader.headers().expect("a heading").iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| Row(names.iter().cloned().zip(record.expect("a row").iter().map(str::to_owned)).collect()))
        .collect()
}
