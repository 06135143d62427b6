//! Predicted over measured step times as a picture: one point a row, on logarithmic axes, the diagonal where both are equal.

use std::fmt::Write as _;

use crate::validate::score::{Scored, counts, is_fitted};

const SIDE: f64 = 560.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 44.0;
const COLOURS: [(&str, &str); 3] = [("that were fitted", "#9aa5b1"), ("reported apart", "#d9a441"), ("that count", "#1f6feb")];

/// The picture.
#[must_use]
pub fn validation_scatter(scored: &[Scored<'_>]) -> String {
    let points: Vec<(f64, f64, usize, &str)> = scored
        .iter()
        .filter_map(|scored| {
            let predicted = scored.outcome.as_ref().ok()?;
            let kind = if is_fitted(scored.row) { 0 } else { 1 + usize::from(counts(scored.row)) };
            Some((predicted.measured?, predicted.estimate.step_time.get(), kind, scored.row.id.as_str()))
        })
        .collect();
    let decades = |least: f64, most: f64| (least.log10().floor(), most.log10().ceil());
    let all = || points.iter().flat_map(|point| [point.0, point.1]);
    let (low, high) = decades(all().fold(f64::INFINITY, f64::min).clamp(1e-6, 1e9), all().fold(0.0, f64::max).clamp(1e-5, 1e9));
    let span = (high - low).max(1.0);
    let x = |value: f64| LEFT + (value.log10() - low) / span * SIDE;
    let y = |value: f64| TOP + SIDE - (value.log10() - low) / span * SIDE;
    let (width, height) = (LEFT + SIDE + 24.0, TOP + SIDE + 64.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>Predicted and measured step times</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for power in (low as i32)..=(high as i32) {
        let value = 10f64.powi(power);
        let label = if power < 0 { format!("{value:.*} s", power.unsigned_abs() as usize) } else { format!("{value:.0} s") };
        let _ = writeln!(
            out,
            "<path d=\"M{0:.1} {TOP} V{1:.1} M{LEFT} {2:.1} H{3:.1}\" stroke=\"#e5e9ee\"/><text x=\"{0:.1}\" y=\"{4:.1}\" text-anchor=\"middle\" fill=\"#57606a\">{label}</text><text x=\"{5:.1}\" y=\"{6:.1}\" text-anchor=\"end\" fill=\"#57606a\">{label}</text>",
            x(value),
            TOP + SIDE,
            y(value),
            LEFT + SIDE,
            TOP + SIDE + 18.0,
            LEFT - 6.0,
            y(value) + 4.0,
        );
    }
    // The band of a tenth to either side, then the diagonal.
    let corner = |factor: f64| format!("{:.1},{:.1}", x(10f64.powf(low)), y(10f64.powf(low) * factor));
    let other = |factor: f64| format!("{:.1},{:.1}", x(10f64.powf(high)), y(10f64.powf(high) * factor));
    let _ = writeln!(
        out,
        "<clipPath id=\"plot\"><rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{SIDE}\" height=\"{SIDE}\"/></clipPath>\n<g clip-path=\"url(#plot)\">\n\
         <polygon points=\"{} {} {} {}\" fill=\"#1f6feb\" fill-opacity=\"0.08\"/><path d=\"M{} L{}\" stroke=\"#24292f\" stroke-width=\"1\"/>",
        corner(1.1),
        other(1.1),
        other(1.0 / 1.1),
        corner(1.0 / 1.1),
        corner(1.0),
        other(1.0),
    );
    for (kind, (_, colour)) in COLOURS.iter().enumerate() {
        for (measured, predicted, _, id) in points.iter().filter(|point| point.2 == kind) {
            let _ = writeln!(
                out,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.6\" fill=\"{}\" fill-opacity=\"0.65\"><title>{}: {measured:.3} s measured, {predicted:.3} s predicted</title></circle>",
                x(*measured),
                y(*predicted),
                colour,
                super::page::escape(id),
            );
        }
    }
    out.push_str("</g>\n");
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#24292f\">measured step time</text><text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"#24292f\">predicted step time</text>",
        LEFT + SIDE / 2.0,
        TOP + SIDE + 42.0,
        TOP + SIDE / 2.0,
    );
    for (i, (name, colour)) in COLOURS.iter().enumerate().rev() {
        let rows = points.iter().filter(|point| point.2 == i).count();
        let at = LEFT + (COLOURS.len() - 1 - i) as f64 * 180.0;
        let _ = writeln!(
            out,
            "<circle cx=\"{:.1}\" cy=\"22\" r=\"4\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"26\" fill=\"#24292f\">{rows} rows {name}</text>",
            at + 6.0,
            at + 16.0
        );
    }
    out.push_str("</svg>\n");
    out
}
