//! One [`Diagnostic`], four ways to draw it. Each file knows one format; the input order is kept except where a
//! format shows only the first few.

mod concise;
mod full;
mod github;
mod json;

pub use github::notice;

use super::{Diagnostic, Label};

/// The format of [`render`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For people: the source line with carets under it, as rustc does.
    Full {
        /// Whether ANSI colours are used; nothing is said by colour alone.
        color: bool,
    },
    /// One line each: `file:line:column: error[P0101]: message (help)`.
    Concise,
    /// One JSON object with a `schema_version`.
    Json,
    /// Annotations of GitHub Actions, at most ten of each severity.
    Github,
}

/// Draws diagnostics; the text is empty or ends with a line break. JSON is an object even when there are none.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], style: Style) -> String {
    match style {
        Style::Full { color } => full::render(diagnostics, color),
        Style::Concise => concise::render(diagnostics),
        Style::Json => json::render(diagnostics),
        Style::Github => github::render(diagnostics),
    }
}

/// Where a label starts and ends, as people count.
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> Place<'a> {
    fn of(label: &'a Label) -> Self {
        let (line, column) = label.source.line_column(label.span.start);
        let (end_line, end_column) = label.source.line_column(label.span.end);
        Self { file: label.source.name(), line, column, end_line, end_column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Source};

    const TEXT: &str = "# stages\r\njobs:\r\n  - tp: 8\r\n    pp: 4   # ünï\r\n    gpu: 24\r\n";

    pub(super) fn sample() -> Vec<Diagnostic> {
        let source = Source::new("clusters/dgx.yaml", TEXT);
        let span = |word: &str, len| TEXT.find(word).map(|at| at..at + len).unwrap_or_default();
        vec![
            Diagnostic::error(Code::LayoutDivisibility, "tp x pp = 32 does not divide 24 GPUs")
                .at(&source, span("8", 1), "tensor-parallel degree")
                .also(&source, span("4 ", 1), "pipeline stages")
                .help("set `tp: 4` and `pp: 2`"),
            Diagnostic::warning(Code::UnknownKey, "unknown key `gpu`").at(&source, span("gpu", 3), ""),
            Diagnostic::error(Code::Unreadable, "no file `a,b.yaml`").note("100 % of it:\nis missing"),
        ]
    }

    #[test]
    fn full_looks_like_rustc() {
        let expected = "\
error[P0301]: tp x pp = 32 does not divide 24 GPUs
 --> clusters/dgx.yaml:3:9
  |
3 |   - tp: 8
  |         ^ tensor-parallel degree
4 |     pp: 4   # ünï
  |         - pipeline stages
  |
  = help: set `tp: 4` and `pp: 2`

warning[P0101]: unknown key `gpu`
 --> clusters/dgx.yaml:5:5
  |
5 |     gpu: 24
  |     ^^^

error[P0001]: no file `a,b.yaml`
 |
 = note: 100 % of it:
         is missing
";
        assert_eq!(render(&sample(), Style::Full { color: false }), expected);
        assert!(render(&sample(), Style::Full { color: true }).contains("\u{1b}["));
    }

    #[test]
    fn concise_is_one_line_each() {
        let expected = "\
clusters/dgx.yaml:3:9: error[P0301]: tp x pp = 32 does not divide 24 GPUs (set `tp: 4` and `pp: 2`)
clusters/dgx.yaml:5:5: warning[P0101]: unknown key `gpu`
error[P0001]: no file `a,b.yaml`
";
        assert_eq!(render(&sample(), Style::Concise), expected);
    }

    #[test]
    fn nothing_to_say_is_said_in_every_format() {
        assert_eq!(render(&[], Style::Full { color: true }), "");
        assert_eq!(render(&[], Style::Concise), "");
        assert_eq!(render(&[], Style::Github), "");
        let json: serde_json::Value = serde_json::from_str(&render(&[], Style::Json)).unwrap();
        assert_eq!(json, serde_json::json!({"schema_version": 1, "diagnostics": []}));
    }

    #[test]
    fn any_span_can_be_drawn() {
        for text in ["", "\n", "a", "a\n", "é\r\n\r\n日", "\u{1b}[1m: \t x", "a: 1\n\n\n# end\n\n"] {
            let source = Source::new("f", text);
            for (start, end) in (0..9).flat_map(|start| (0..12).map(move |end| (start, end))) {
                let one = [Diagnostic::error(Code::Syntax, "x").at(&source, start..end, "here")];
                for style in [Style::Full { color: false }, Style::Concise, Style::Json, Style::Github] {
                    let drawn = render(&one, style);
                    assert!(drawn.ends_with('\n') && !drawn.contains('\u{1b}'), "{drawn}");
                }
            }
        }
    }

    #[test]
    fn huge_files_are_drawn_fast_and_narrow() {
        let line = format!("a: [{}]", "x, ".repeat(300_000));
        let many = "key: 1\n".repeat(140_000);
        let started = std::time::Instant::now();
        for text in [line, many] {
            let source = Source::new("f", text.as_str());
            let at = |from: usize| Diagnostic::error(Code::Syntax, "x").at(&source, from..from + 1, "here");
            let far: Vec<_> = (0..50).map(|i| at(i * 9_000).also(&source, 900_000..900_001, "there")).collect();
            let drawn = render(&far, Style::Full { color: false });
            assert!(drawn.lines().all(|line| line.chars().count() < 200), "{drawn}");
            let (line, column) = source.line_column(49 * 9_000);
            assert!(drawn.contains(&format!("f:{line}:{column}\n")), "{drawn}");
        }
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }
}
