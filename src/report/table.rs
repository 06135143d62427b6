//! One table, several writers.

use std::fmt::Write as _;

/// Rows of cells under headings. The first `left` columns are aligned left, the others right, but for a last one of remarks.
#[derive(Debug, Clone, Default)]
pub struct Table {
    headings: Vec<String>,
    left: usize,
    remarks: bool,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str], left: usize) -> Self {
        Self { headings: headings.iter().map(|h| (*h).to_owned()).collect(), left, remarks: false, rows: Vec::new() }
    }

    /// The same with a last column of text.
    #[must_use]
    pub fn with_remarks(mut self) -> Self {
        self.remarks = true;
        self
    }

    fn is_left(&self, column: usize) -> bool {
        column < self.left || self.remarks && column + 1 == self.headings.len()
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The same with only those rows that have `text` in a column.
    #[must_use]
    pub fn only(mut self, column: usize, text: &str) -> Self {
        self.rows.retain(|row| row.get(column).is_some_and(|cell| cell == text));
        self
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Plain columns, no borders, `indent` spaces before each line.
    #[must_use]
    pub fn text(&self, indent: usize) -> String {
        let widths = self.widths();
        let mut out = String::new();
        for row in std::iter::once(&self.headings).chain(&self.rows) {
            let mut line = " ".repeat(indent);
            for (i, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[i].saturating_sub(cell.chars().count()));
                let gap = if i == 0 { "" } else { "  " };
                if self.is_left(i) {
                    let _ = write!(line, "{gap}{cell}{pad}");
                } else {
                    let _ = write!(line, "{gap}{pad}{cell}");
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// A Markdown table.
    #[must_use]
    pub fn markdown(&self) -> String {
        let escape = |cell: &String| cell.replace('|', "\\|").replace('\n', " ");
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let rule =
            (0..self.headings.len()).map(|i| if self.is_left(i) { "---".to_owned() } else { "---:".to_owned() }).collect();
        let mut out = line(self.headings.iter().map(escape).collect());
        out += &line(rule);
        self.rows.iter().for_each(|row| out += &line(row.iter().map(escape).collect()));
        out
    }

    /// CSV as in RFC 4180.
    #[must_use]
    pub fn csv(&self) -> String {
        let quote = |cell: &String| {
            if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
        };
        std::iter::once(&self.headings)
            .chain(&self.rows)
            .map(|row| row.iter().map(quote).collect::<Vec<_>>().join(",") + "\n")
            .collect()
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.headings.len()];
        for row in std::iter::once(&self.headings).chain(&self.rows) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_writer_aligns_or_escapes() {
        let mut table = Table::new(&["name", "value"], 1);
        table.row(["a|b", "1"]);
        table.row(["c,d", "1,000"]);
        assert_eq!(table.text(2), "  name  value\n  a|b       1\n  c,d   1,000\n");
        assert_eq!(table.markdown(), "| name | value |\n| --- | ---: |\n| a\\|b | 1 |\n| c,d | 1,000 |\n");
        assert_eq!(table.csv(), "name,value\na|b,1\n\"c,d\",\"1,000\"\n");
    }
}
