//! The roofline of a measured GPU: operations per second over operations per byte, both on logarithmic scales.

use std::fmt::Write as _;

use super::bench::rate;
use super::svg::escape;
use crate::bench::{BenchResult, Measurement, Quantity};
use crate::catalog::Accelerator;
use crate::units::BytesPerSecond;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 200.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 60.0;

/// Operations per byte at the left and right edge, as powers of two.
const INTENSITY: (i32, i32) = (-4, 12);

/// Height of a label of two lines.
const LABEL: f64 = 30.0;

const INK: &str = "#1f2937";
const FAINT: &str = "#64748b";
const GRID: &str = "#e2e8f0";
const MEASURED: &str = "#2563eb";
const POINT: &str = "#d9822b";

/// A flat roof.
struct Roof {
    name: String,
    rate: f64,
    measured: bool,
}

/// The roofline as a picture: measured roofs drawn through, those of the data sheet dashed, kernels as points. Nothing where no
/// bandwidth or no peak rate was measured.
#[must_use]
pub fn roofline_svg(result: &BenchResult, accelerator: Option<&Accelerator>) -> Option<String> {
    let bandwidth = result.best("triad").or_else(|| result.best("copy"))?.rate?;
    let mut roofs = roofs(result, accelerator);
    roofs.sort_by(|a, b| b.rate.total_cmp(&a.rate));
    let most = roofs.iter().map(|roof| roof.rate).fold(f64::NAN, f64::max);
    let least = roofs.iter().map(|roof| roof.rate).fold(f64::NAN, f64::min);
    if !(most > 0.0 && least > 0.0) {
        return None;
    }
    // The left end of the slope is still in the picture.
    let low = (bandwidth * 2f64.powi(INTENSITY.0)).min(least).log10().floor();
    let high = (most * 1.2).log10().ceil();
    let chart = Chart { low, high };
    let mut svg = chart.frame(&result.adapter.name);
    let mut label = f64::NEG_INFINITY;
    for roof in &roofs {
        // Labels of roofs that lie close together are moved apart, downwards.
        label = chart.y(roof.rate).max(label + LABEL);
        chart.roof(&mut svg, bandwidth, roof, label);
    }
    chart.slope(&mut svg, bandwidth, most, true, "measured");
    if let Some(accelerator) = accelerator {
        chart.slope(&mut svg, accelerator.memory_bandwidth.get(), most, false, "data sheet");
    }
    for (name, intensity, rate) in points(result) {
        chart.point(&mut svg, &name, intensity, rate);
    }
    svg += "</svg>\n";
    Some(svg)
}

fn roofs(result: &BenchResult, accelerator: Option<&Accelerator>) -> Vec<Roof> {
    let families =
        [("fma_f32", "f32 multiply-add"), ("fma_f16", "f16 multiply-add"), ("coop_registers", "f16 tensor, registers")];
    let mut roofs: Vec<Roof> = families
        .into_iter()
        .filter_map(|(family, name)| Some(Roof { name: name.to_owned(), rate: result.best(family)?.rate?, measured: true }))
        .collect();
    if let Some(peak) = accelerator.map(|accelerator| &accelerator.peak) {
        let sheet = [("f32, data sheet", peak.fp32), ("f16 tensor, data sheet", peak.fp16)];
        roofs.extend(
            sheet
                .into_iter()
                .filter_map(|(name, rate)| Some(Roof { name: name.to_owned(), rate: rate?.get(), measured: false })),
        );
    }
    roofs
}

/// Kernels with their operations per byte: the triad, and of each family of products the fastest.
fn points(result: &BenchResult) -> Vec<(String, f64, f64)> {
    // Two operations for three values of four bytes.
    let triad = result.best("triad").and_then(|triad| Some(("triad".to_owned(), 2.0 / 12.0, triad.rate? * 2.0 / 12.0)));
    let products = ["matmul_f32", "matmul_f16", "coop_staged"].into_iter().filter_map(|family| {
        let best = result.best(family)?;
        Some((format!("{family} {}", shape(best)?), intensity(best)?, best.rate?))
    });
    triad.into_iter().chain(products).collect()
}

fn shape(measurement: &Measurement) -> Option<String> {
    measurement.shape.map(|[m, n, k]| if m == n && n == k { format!("{m}³") } else { format!("{m}x{n}x{k}") })
}

/// Operations per byte when each matrix crosses the memory bus once.
fn intensity(measurement: &Measurement) -> Option<f64> {
    let [m, n, k] = measurement.shape?.map(|side| side as f64);
    let size = if measurement.dtype == "f16" { 2.0 } else { 4.0 };
    Some(2.0 * m * n * k / (size * (m * k + k * n) + 4.0 * m * n))
}

/// A rate, with its unit.
fn rate_text(value: f64) -> String {
    rate(value, Quantity::Flop)
}

struct Chart {
    low: f64,
    high: f64,
}

impl Chart {
    fn x(intensity: f64) -> f64 {
        let (from, to) = (f64::from(INTENSITY.0), f64::from(INTENSITY.1));
        LEFT + (intensity.log2() - from) / (to - from) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, rate: f64) -> f64 {
        HEIGHT - BOTTOM - (rate.log10() - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
    }

    fn frame(&self, name: &str) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<title>Roofline of {0}</title>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\" rx=\"6\"/>\n\
             <text x=\"{LEFT}\" y=\"30\" font-size=\"16\" fill=\"{INK}\">Roofline of {0}</text>\n",
            escape(name)
        );
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for power in (INTENSITY.0..=INTENSITY.1).step_by(2) {
            let x = Self::x(2f64.powi(power));
            let label = if power < 0 { format!("1/{}", 1 << -power) } else { (1 << power).to_string() };
            let _ = writeln!(svg, "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"{GRID}\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{FAINT}\">{label}</text>",
                bottom + 18.0
            );
        }
        for power in self.low as i32..=self.high as i32 {
            let rate = 10f64.powi(power);
            let y = self.y(rate);
            let _ = writeln!(svg, "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\" stroke=\"{GRID}\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{FAINT}\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                rate_text(rate)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{INK}\">FLOP per byte of memory traffic</text>",
            f64::midpoint(LEFT, right),
            HEIGHT - 16.0
        );
        svg
    }

    fn roof(&self, svg: &mut String, bandwidth: f64, roof: &Roof, label: f64) {
        let (colour, dash) = style(roof.measured);
        let (from, to, y) = (Self::x(roof.rate / bandwidth).max(LEFT), WIDTH - RIGHT, self.y(roof.rate));
        let _ = writeln!(
            svg,
            "<line x1=\"{from:.1}\" y1=\"{y:.1}\" x2=\"{to}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>"
        );
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\"><tspan>{}</tspan><tspan x=\"{:.1}\" dy=\"14\">{}</tspan></text>",
            to + 8.0,
            label - 3.0,
            escape(&roof.name),
            to + 8.0,
            rate_text(roof.rate)
        );
    }

    fn slope(&self, svg: &mut String, bandwidth: f64, most: f64, measured: bool, whose: &str) {
        let (colour, dash) = style(measured);
        let from = 2f64.powi(INTENSITY.0);
        let to = (most / bandwidth).min(2f64.powi(INTENSITY.1));
        let (x1, y1, x2, y2) = (Self::x(from), self.y(from * bandwidth), Self::x(to), self.y(to * bandwidth));
        let _ = writeln!(
            svg,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>"
        );
        let text_y = if measured { TOP + 18.0 } else { TOP + 2.0 };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{text_y}\" fill=\"{colour}\">memory, {whose}: {}</text>",
            LEFT + 8.0,
            BytesPerSecond::new(bandwidth)
        );
    }

    fn point(&self, svg: &mut String, name: &str, intensity: f64, rate: f64) {
        let x = Self::x(intensity).clamp(LEFT, WIDTH - RIGHT);
        let y = self.y(rate);
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{POINT}\"><title>{} at {}</title></circle>",
            escape(name),
            rate_text(rate)
        );
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{INK}\">{}</text>",
            x - 9.0,
            y + 4.0,
            escape(name)
        );
    }
}

fn style(measured: bool) -> (&'static str, &'static str) {
    if measured { (MEASURED, "") } else { (FAINT, " stroke-dasharray=\"6 5\"") }
}
