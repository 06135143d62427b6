//! Colours and shapes of the picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::scene::Class;
use crate::units::Bytes;

pub(in crate::report) const INK: &str = "#1f2937";
pub(in crate::report) const FAINT: &str = "#64748b";
pub(super) const BUBBLE: &str = "#eceff4";
pub(super) const TRANSFER: &str = "#8fa3bf";
pub(super) const REPLICAS: &str = "#d9822b";
pub(in crate::report) const CRITICAL: &str = "#c81e3a";

fn colour(class: Class) -> [u8; 3] {
    match class {
        Class::Forward => [0x6f, 0xa3, 0xe8],
        Class::Backward => [0x62, 0xbd, 0x8f],
        Class::InputGradient => [0x45, 0xb0, 0xa8],
        Class::WeightGradient => [0xb4, 0xcf, 0x5f],
        Class::Recompute => [0xb9, 0xa6, 0xe6],
        Class::Pair => [0x69, 0xb0, 0xbb],
        Class::Communication => [0xf2, 0x9f, 0x4b],
        Class::Optimizer => [0xdd, 0x85, 0xae],
    }
}

/// Later chunks are lighter.
pub(super) fn fill(class: Class, chunk: u32, chunks: u32) -> String {
    let passes = matches!(class, Class::Forward | Class::Backward | Class::InputGradient | Class::WeightGradient);
    let light = if passes && chunks > 1 { 0.5 * f64::from(chunk) / f64::from(chunks - 1) } else { 0.0 };
    let [r, g, b] = colour(class).map(|c| (f64::from(c) + (255.0 - f64::from(c)) * light).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A number of pixels, as short as two decimals go.
pub(in crate::report) fn px(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Binary units to three digits, no decimals from 100 on.
pub(super) fn gib(bytes: Bytes) -> String {
    format!("{bytes:#}")
}

/// Shapes by colour: one path each.
#[derive(Default)]
pub(in crate::report) struct Paths(BTreeMap<String, String>);

impl Paths {
    pub(in crate::report) fn rect(&mut self, fill: &str, left: f64, top: f64, width: f64, height: f64) {
        let path = self.0.entry(fill.to_owned()).or_default();
        let _ = write!(path, "M{} {}h{}v{}h{}z", px(left), px(top), px(width), px(height), px(-width));
    }

    pub(in crate::report) fn write(&self, out: &mut String) {
        for (fill, path) in &self.0 {
            let _ = writeln!(out, "<path fill=\"{fill}\" d=\"{path}\"/>");
        }
    }
}
