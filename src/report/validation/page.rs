//! A validation as one page that needs nothing else.

use std::fmt::Write as _;

use super::{scatter::validation_scatter, validation_report};
use crate::validate::score::Scored;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#24292f;background:#fff}\
h1{font-size:1.6rem}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px}th,td{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #e5e9ee;white-space:nowrap}\
th{position:sticky;top:0;background:#fff}td:first-child,th:first-child,td:last-child,th:last-child{text-align:left}.cards{display:flex;gap:1rem;flex-wrap:wrap}\
.cards div{border:1px solid #d0d7de;border-radius:8px;padding:.6rem 1rem}.cards b{display:block;font-size:1.5rem}svg{max-width:100%;height:auto}.off{color:#b42318}";

/// The page.
#[must_use]
pub fn validation_page(scored: &[Scored<'_>]) -> String {
    let report = validation_report(scored);
    let s = &report.summary;
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>planner: predictions held against published runs</title><style>{STYLE}</style></head><body>\n\
         <h1>Predictions held against published runs</h1>\n<div class=\"cards\">"
    );
    let card = |value: String, name: &str| format!("<div><b>{value}</b>{name}</div>");
    for (value, name) in [
        (format!("{:.1} %", s.median_abs_pct_error), "median error"),
        (format!("{:.1} %", s.mean_abs_pct_error), "mean error"),
        (format!("{:.1} %", s.p90_abs_pct_error), "nine in ten stay below"),
        (format!("{:+.1} %", s.bias_pct), "bias"),
        (format!("{:.0} %", s.coverage_90 * 100.0), "within the 90 % interval"),
        (format!("{} / {}", s.rows_scored, s.rows_total), "rows that count"),
        (s.groups.to_string(), "groups"),
    ] {
        out.push_str(&card(value, name));
    }
    let _ = write!(
        out,
        "</div>\n{}\n<table><thead><tr><th>row</th><th>measured</th><th>predicted</th><th>error</th><th>90 % interval</th><th>source, or why there is no prediction</th></tr></thead><tbody>\n",
        validation_scatter(scored)
    );
    let seconds = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4} s"));
    for (row, scored) in report.rows.iter().zip(scored) {
        let error = row.error_pct.map_or_else(|| "–".to_owned(), |error| format!("{error:+.1} %"));
        let inside = match (row.measured, row.low_90, row.high_90) {
            (Some(measured), Some(low), Some(high)) => (low..=high).contains(&measured),
            _ => true,
        };
        let interval =
            row.low_90.zip(row.high_90).map_or_else(|| "–".to_owned(), |(low, high)| format!("{low:.3} to {high:.3} s"));
        let last = if row.reason.is_empty() { &scored.row.source } else { &row.reason };
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td{}>{error}</td><td>{interval}</td><td>{}</td></tr>",
            escape(&row.id),
            seconds(row.measured),
            seconds(row.predicted),
            if inside { "" } else { " class=\"off\"" },
            escape(last),
        );
    }
    out.push_str("</tbody></table>\n</body></html>\n");
    out
}

/// Text that stands in HTML or SVG.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
