//! A terminal's text as an SVG picture: what the README shows.

use std::fmt::Write as _;

use super::gantt_svg::{INK, px};

const CHARACTER: f64 = 7.8;
const LINE: f64 = 17.0;
const MARGIN: f64 = 16.0;

/// A command and what it printed, as a self-contained picture. The same text gives the same bytes.
#[must_use]
pub fn terminal_svg(command: &str, output: &str) -> String {
    let lines: Vec<String> = std::iter::once(format!("$ {command}")).chain(output.lines().map(str::to_owned)).collect();
    let columns = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let width = columns as f64 * CHARACTER + 2.0 * MARGIN;
    let height = lines.len() as f64 * LINE + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n\
         <title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1e1e2e\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\" fill=\"#cdd6f4\" xml:space=\"preserve\">\n",
        escape(command)
    );
    for (i, line) in lines.iter().enumerate() {
        let y = MARGIN + (i as f64 + 0.8) * LINE;
        let colour = if i == 0 { " fill=\"#a6e3a1\"" } else { "" };
        // Each run between blanks is placed by its column, so that a font of another width keeps the columns.
        for (column, run) in runs(line) {
            let x = MARGIN + column as f64 * CHARACTER;
            let length = run.chars().count() as f64 * CHARACTER;
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"{colour}>{}</text>",
                escape(run)
            );
        }
    }
    svg + "</g>\n</svg>\n"
}

/// Runs of text without two blanks in a row, with the column that each starts at.
fn runs(line: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut column = 0;
    for part in line.split("  ") {
        let blanks = part.chars().take_while(|c| *c == ' ').count();
        let text = part.trim();
        if !text.is_empty() {
            out.push((column + blanks, text));
        }
        column += part.chars().count() + 2;
    }
    out
}

/// A picture on a light card that stays readable on a dark page.
pub(super) fn card(title: &str, (width, height): (f64, f64), body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" \
         viewBox=\"0 0 {w} {h}\" role=\"img\" \
         font-family=\"Inter, system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\" \
         font-size=\"12\" fill=\"{INK}\">\n\
         <title>{}</title>\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#fcfdfe\" stroke=\"#d5dbe5\"/>\n\
         {body}</svg>\n",
        escape(title),
        px(width - 1.0),
        px(height - 1.0),
        w = px(width),
        h = px(height),
    )
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
