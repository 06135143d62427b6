//! A profile as the YAML that is read again.

use std::fmt::Write as _;

use super::{AcceleratorProfile, Figure, LinkProfile, Profile};

/// A number with six digits: more than any measurement holds, and the same for the same measurement.
fn digits(value: f64) -> String {
    let text = format!("{value:.5e}");
    text.parse::<f64>().map_or(text, |rounded| rounded.to_string())
}

/// Text in double quotes, which JSON and YAML read alike.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

impl Profile {
    /// The file, with a line on what it is.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut out = String::from(
            "# Measured figures, written by `planner calibrate`: use them with `planner plan --calibration FILE`.\n\
             # Shares are of the catalogue's data sheet; spread is how far a further measurement may lie off, as a share.\n",
        );
        let _ = writeln!(out, "profile: {}", self.profile);
        if !self.accelerators.is_empty() {
            out += "accelerators:\n";
            self.accelerators.iter().for_each(|entry| accelerator(&mut out, entry));
        }
        if !self.links.is_empty() {
            out += "links:\n";
            self.links.iter().for_each(|entry| link(&mut out, entry));
        }
        out
    }
}

fn accelerator(out: &mut String, entry: &AcceleratorProfile) {
    let _ = writeln!(out, "  - accelerator: {}", quoted(&entry.accelerator));
    let mut figure = |name: &str, figure: &Option<Figure>| {
        if let Some(Figure { value, spread, origin }) = figure {
            let (value, spread, origin) = (digits(*value), digits(*spread), quoted(origin));
            let _ = writeln!(out, "    {name}: {{value: {value}, spread: {spread}, origin: {origin}}}");
        }
    };
    figure("memory", &entry.memory);
    figure("clock", &entry.clock);
    figure("matrix-units", &entry.matrix_units);
    if let Some(launch) = &entry.launch {
        let (time, spread, origin) = (digits(launch.time.get() * 1e6), digits(launch.spread), quoted(&launch.origin));
        let _ = writeln!(out, "    launch: {{time: {time} us, spread: {spread}, origin: {origin}}}");
    }
    if !entry.memory_by_size.is_empty() {
        out.push_str("    memory-by-size:\n");
        for point in &entry.memory_by_size {
            let _ = writeln!(out, "      - {{size: {} B, factor: {}}}", point.size.get(), digits(point.factor));
        }
    }
    if !entry.products.is_empty() {
        out.push_str("    products:\n");
        for product in &entry.products {
            let (rate, spread, origin) = (digits(product.rate.get() / 1e12), digits(product.spread), quoted(&product.origin));
            let _ = writeln!(
                out,
                "      - {{dtype: {}, m: {}, n: {}, k: {}, rate: {rate} TFLOP/s, spread: {spread}, origin: {origin}}}",
                product.dtype, product.m, product.n, product.k
            );
        }
    }
}

fn link(out: &mut String, entry: &LinkProfile) {
    let _ = writeln!(
        out,
        "  - {{link: {}, operation: {}, ranks: {}, domains: {}, alpha: {} us, beta: {} GB/s,\n     \
         efficiency: {}, spread: {}, origin: {}}}",
        entry.link,
        entry.operation,
        entry.ranks,
        entry.domains,
        digits(entry.alpha.get() * 1e6),
        digits(entry.beta.get() / 1e9),
        digits(entry.efficiency),
        digits(entry.spread),
        quoted(&entry.origin)
    );
}
