use std::fmt::Write;

use super::{Diagnostic, Place};
use crate::diagnostic::Severity;

/// GitHub shows this many annotations of each severity for a step and drops the rest without a word.
const MOST: usize = 10;

/// Workflow commands for GitHub Actions, errors first; the last shown says how many are not.
pub(super) fn render(diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for severity in [Severity::Error, Severity::Warning] {
        let all = || diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity);
        let hidden = all().count().saturating_sub(MOST);
        for (index, diagnostic) in all().take(MOST).enumerate() {
            let more = if index + 1 == MOST { hidden } else { 0 };
            annotation(&mut out, diagnostic, more);
        }
    }
    out
}

/// A notice without a place.
#[must_use]
pub fn notice(title: &str, text: &str) -> String {
    format!("::notice title={}::{}\n", property(title), data(text))
}

fn annotation(out: &mut String, diagnostic: &Diagnostic, more: usize) {
    let severity = diagnostic.severity.as_str();
    let _ = write!(out, "::{severity} ");
    if let Some(label) = diagnostic.place() {
        let at = Place::of(label);
        // GitHub knows files by their path in the repository, without the folder that they are named from.
        let _ = write!(out, "file={},line={}", property(at.file.trim_start_matches("./")), at.line);
        // A column beside an end line other than the line makes GitHub drop the place.
        if at.end_line == at.line {
            let _ = write!(out, ",col={},endColumn={}", at.column, at.end_column);
        } else {
            let _ = write!(out, ",endLine={}", at.end_line);
        }
        out.push(',');
    }
    let title = format!("{}: {}", diagnostic.code, diagnostic.code.title());
    let mut text = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    for note in &diagnostic.notes {
        let _ = write!(text, "\nnote: {note}");
    }
    if more > 0 {
        let plural = if more == 1 { "" } else { "s" };
        let _ = write!(text, "\nand {more} more {severity}{plural}");
    }
    let _ = writeln!(out, "title={}::{}", property(&title), data(&text));
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\r' | '\n')).collect();
    plain.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Source};

    #[test]
    fn places_and_texts_are_escaped() {
        let expected = "\
::error file=clusters/dgx.yaml,line=3,col=9,endColumn=10,title=P0301%3A layout does not divide the GPUs::\
tp x pp = 32 does not divide 24 GPUs%0Ahelp: set `tp: 4` and `pp: 2`
::error title=P0001%3A file cannot be read::no file `a,b.yaml`%0Anote: 100 %25 of it:%0Ais missing
::warning file=clusters/dgx.yaml,line=5,col=5,endColumn=8,title=P0101%3A unknown key::unknown key `gpu`
";
        assert_eq!(render(&super::super::tests::sample()), expected);
    }

    #[test]
    fn columns_go_when_several_lines_are_meant() {
        let source = Source::new("a:b,c.yaml", "a:\n  b: 1\n");
        let drawn = render(&[Diagnostic::error(Code::WrongType, "x").at(&source, 0..9, "")]);
        assert_eq!(drawn, "::error file=a%3Ab%2Cc.yaml,line=1,endLine=2,title=P0104%3A wrong type::x\n");
    }

    #[test]
    fn at_most_ten_and_the_rest_is_counted() {
        let many = vec![Diagnostic::error(Code::WrongType, "x"); 13];
        let drawn = render(&many);
        assert_eq!(drawn.lines().count(), 10);
        assert!(drawn.ends_with("::x%0Aand 3 more errors\n"));
    }
}
