use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Label};
use crate::diagnostic::{Severity, Source};

/// Labels with more lines between them are drawn as two snippets.
const APART: usize = 40;

/// This many bytes are drawn beside what is pointed at; the rest of a long line is left out.
const BESIDE: usize = 2_000;

/// The layout of rustc: message, place, source lines with carets, help.
pub(super) fn render(diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(120);
    let drawn = diagnostics.iter().map(|diagnostic| renderer.render(&[group(diagnostic)]) + "\n");
    drawn.collect::<Vec<_>>().join("\n")
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let mut group = title.elements(together(&diagnostic.labels).iter().flat_map(|labels| snippet(labels)));
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// Sorts labels into those drawn as one: in one file and near each other. What is at fault comes first.
fn together(labels: &[Label]) -> Vec<Vec<&Label>> {
    let mut left: Vec<&Label> = labels.iter().collect();
    left.sort_by_key(|label| (!label.primary, label.span.start));
    let mut clusters: Vec<Vec<&Label>> = Vec::new();
    for label in left {
        match clusters.iter_mut().find(|cluster| cluster.iter().any(|known| near(known, label))) {
            Some(cluster) => cluster.push(label),
            None => clusters.push(vec![label]),
        }
    }
    clusters
}

fn near(a: &Label, b: &Label) -> bool {
    Arc::ptr_eq(&a.source, &b.source) && line(a).abs_diff(line(b)) <= APART && a.span.start.abs_diff(b.span.start) <= 2 * BESIDE
}

fn line(label: &Label) -> usize {
    label.source.line_column(label.span.start).0
}

/// Draws only the lines that are pointed at, and of long lines only a part, so that the cost does not grow with
/// the file.
fn snippet<'a>(labels: &[&'a Label]) -> Vec<Element<'a>> {
    let Some(&first) = labels.first() else {
        return Vec::new();
    };
    let source: &'a Source = &first.source;
    let window = window(source, labels);
    let text = source.text().get(window.clone()).unwrap_or_default();
    let (start_line, start_column) = source.line_column(window.start);
    let mut snippet = Snippet::source(text).line_start(start_line);
    for label in labels {
        let inside = |byte: usize| byte.clamp(window.start, window.end) - window.start;
        let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let span = kind.span(inside(label.span.start)..inside(label.span.end));
        snippet = snippet.annotation(span.label((!label.text.is_empty()).then_some(label.text.as_str())));
    }
    if start_column == 1 {
        return vec![snippet.path(source.name()).into()];
    }
    // The beginning of the line is left out, so the column has to be said.
    let (line, column) = source.line_column(first.span.start);
    vec![Origin::path(source.name()).line(line).char_column(column).into(), snippet.into()]
}

fn window(source: &Source, labels: &[&Label]) -> Range<usize> {
    let from = labels.iter().map(|label| label.span.start).min().unwrap_or_default();
    let last = labels.iter().map(|label| label.span.start).max().unwrap_or(from);
    let to = labels.iter().map(|label| label.span.end).max().unwrap_or(from).min(last + BESIDE);
    let start = source.line(source.line_column(from).0).start;
    let end = source.line(source.line_column(to).0).end;
    source.clamp(start.max(from.saturating_sub(BESIDE))..end.min(to + BESIDE).max(to))
}
