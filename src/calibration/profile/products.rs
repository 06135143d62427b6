//! A table of matrix products, as any vendor library's benchmark gives: CSV with the columns M, N, K, dtype and TFLOP/s.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{LEAST_SPREAD, Product};
use crate::bench::Summary;
use crate::diagnostic::{Code, Diagnostic, Source, nearest, quoted};
use crate::units::FlopPerSecond;

/// One row tells no spread: this much is assumed, for temperature and power.
const ONE_ROW: f64 = 0.05;

const COLUMNS: [&str; 5] = ["m", "n", "k", "dtype", "tflop/s"];

/// Whether a line is the heading of such a table.
pub(super) fn is_heading(line: &str) -> bool {
    let names = names(line);
    ["m", "n", "k"].iter().all(|wanted| names.iter().any(|name| name == wanted))
}

fn names(line: &str) -> Vec<String> {
    line.split(',')
        .map(|name| match name.trim().trim_matches('"').to_lowercase().as_str() {
            "tflops" | "tflop_s" | "tflops/s" | "tflop/s" | "tflop_per_s" => "tflop/s".to_owned(),
            "type" | "precision" => "dtype".to_owned(),
            other => other.to_owned(),
        })
        .collect()
}

/// The data type as jobs name it.
fn dtype(written: &str) -> Option<&'static str> {
    match written.to_lowercase().as_str() {
        "bf16" | "bfloat16" => Some("bf16"),
        "fp16" | "f16" | "half" | "float16" => Some("fp16"),
        "tf32" | "fp32" | "f32" | "float" | "float32" => Some("tf32"),
        "fp8" | "e4m3" | "float8" | "float8_e4m3fn" => Some("fp8"),
        _ => None,
    }
}

/// Reads a table. Rows of one shape and type are one product: their median, and how far they lie apart.
pub(super) fn read(source: &Arc<Source>) -> Result<Vec<Product>, Vec<Diagnostic>> {
    let mut lines = (1..).zip(source.text().lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let Some((first, heading)) = lines.next() else { return Ok(Vec::new()) };
    let names = names(heading);
    let mut places = [0; 5];
    for (place, wanted) in places.iter_mut().zip(COLUMNS) {
        *place = names.iter().position(|name| name == wanted).ok_or_else(|| {
            let near = nearest(wanted, names.iter().map(String::as_str)).map(|near| format!("rename `{near}`, or "));
            vec![
                Diagnostic::error(Code::Measurement, format!("the table has no column `{wanted}`"))
                    .at(source, source.line(first), "")
                    .help(format!("{}write the columns M,N,K,dtype,TFLOP/s", near.unwrap_or_default())),
            ]
        })?;
    }
    let mut found: BTreeMap<(&'static str, [u32; 3]), Vec<f64>> = BTreeMap::new();
    let mut errors = Vec::new();
    for (number, line) in lines {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        let cell = |column: usize| cells.get(places[column]).copied().unwrap_or_default();
        let mut wrong = |message: String, help: &str| {
            errors.push(Diagnostic::error(Code::Measurement, message).at(source, source.line(number), "").help(help));
        };
        let side = |column: usize| cell(column).parse::<u32>().ok().filter(|side| *side > 0);
        let (Some(m), Some(n), Some(k)) = (side(0), side(1), side(2)) else {
            wrong(
                format!("M, N and K are not whole numbers: {}", quoted(line)),
                "write the sides of the product, such as 8192",
            );
            continue;
        };
        let Some(dtype) = dtype(cell(3)) else {
            wrong(format!("data type {} is not known", quoted(cell(3))), "write bf16, fp16, tf32 or fp8");
            continue;
        };
        match cell(4).parse::<f64>() {
            // No chip does an EFLOP/s in one product: such a figure is in other units.
            Ok(rate) if rate > 0.0 && rate < 1e6 => found.entry((dtype, [m, n, k])).or_default().push(rate * 1e12),
            _ => wrong(format!("{} is no rate in TFLOP/s", quoted(cell(4))), "write a number above 0, such as 788.2"),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let products = found.into_iter().filter_map(|((dtype, [m, n, k]), rates)| {
        let summary = Summary::new(&rates)?;
        let (rows, spread) = match rates.len() {
            1 => (", one row".to_owned(), ONE_ROW),
            count => (format!(", median of {count} rows"), (1.4826 * summary.spread()).clamp(LEAST_SPREAD, 1.0)),
        };
        Some(Product {
            dtype: dtype.to_owned(),
            m,
            n,
            k,
            rate: FlopPerSecond::new(summary.median),
            spread,
            origin: format!("{}{rows}", source.name()),
        })
    });
    Ok(products.collect())
}
