//! Which accelerator of the catalogue a driver's name means, and what its data sheet says for what a kernel measures.

use std::collections::BTreeSet;

use crate::bench::Measurement;
use crate::catalog::{Accelerator, Catalog};
use crate::units::FlopPerSecond;

/// The accelerator that a driver calls `name`: `NVIDIA A100-SXM4-80GB`, `NVIDIA H100 PCIe`, `AMD Instinct MI300X`.
///
/// All words with digits of an entry, sizes and packages aside, have to be in the driver's name. Of several such entries the one
/// that shares most words with it; a package that the driver does not name (`PCIe`, `NVL`) counts against an entry.
#[must_use]
pub fn recognise<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a Accelerator> {
    let have = words(name);
    let score = |entry: &Accelerator| {
        let wanted = words(&entry.name);
        let model: Vec<&String> = wanted.iter().filter(|word| is_model(word)).collect();
        if model.is_empty() || !model.iter().all(|word| have.contains(*word)) {
            return None;
        }
        let missing = |word: &&String| matches!(word.as_str(), "pcie" | "nvl") && !have.contains(*word);
        let shared = words(&format!("{} {}", entry.name, entry.title)).intersection(&have).count();
        Some((wanted.iter().filter(missing).count() == 0, shared))
    };
    let scored = catalog.accelerators.iter().filter_map(|entry| score(entry).map(|score| (score, entry)));
    // Of equal ones the first of the catalogue.
    scored
        .fold(
            None,
            |best: Option<((bool, usize), &Accelerator)>, next| {
                if best.is_none_or(|(score, _)| next.0 > score) { Some(next) } else { best }
            },
        )
        .map(|(_, entry)| entry)
}

/// Words in lower case; the generation of a package (`SXM4`) is dropped.
fn words(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| if word.starts_with("sxm") { "sxm".to_owned() } else { word.to_owned() })
        .collect()
}

/// Whether a word tells the model: it has a digit, and is neither a memory size, a power, nor a package.
fn is_model(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_measure =
        ["gb", "w"].iter().any(|unit| word.len() > unit.len() && word.ends_with(unit)) && digits.parse::<u32>().is_ok();
    word.contains(|c: char| c.is_ascii_digit()) && !is_measure && !word.starts_with("nvl")
}

/// What the data sheet says for what a measurement measures, in its unit; nothing where it says nothing: caches, and matrices of
/// 16 bits on the vector units.
#[must_use]
pub fn nominal(accelerator: &Accelerator, measurement: &Measurement) -> Option<f64> {
    match measurement.family.as_str() {
        "read" | "write" | "copy" | "triad" | "sweep" => Some(accelerator.memory_bandwidth.get()),
        "fma_f32" | "matmul_f32" => accelerator.peak.fp32.map(FlopPerSecond::get),
        "coop_registers" | "coop_staged" => accelerator.peak.fp16.map(FlopPerSecond::get),
        _ => None,
    }
}

/// A rate above its data sheet by more than the clock's tolerance was not measured, whatever the clock says.
pub const BEYOND_PHYSICS: f64 = 1.02;

/// The share of the dense 16-bit peak that instructions of one subgroup reach, which is all that WGSL has: Hopper's rest needs
/// instructions of four (`wgmma`). 494 of 757 TFLOP/s on an H800 (arXiv:2501.12084). Elsewhere the peak itself is taken: on an RTX PRO
/// 6000 the same class reaches 106 % of cuBLAS. Nothing for Blackwell data-centre GPUs, of which nobody has told.
#[must_use]
pub fn subgroup_ceiling(accelerator: &Accelerator) -> Option<f64> {
    let name = accelerator.name.as_str();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(&["h100", "h200", "h800", "h20"]) {
        Some(0.64)
    } else if starts(&["b200", "b300", "gb200", "gb300"]) {
        None
    } else {
        Some(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_drivers_give_are_recognised() {
        let catalog = Catalog::embedded();
        for (driver, entry) in [
            ("NVIDIA H200", Some("h200-sxm-141gb")),
            ("NVIDIA H200 NVL", Some("h200-nvl-141gb")),
            ("NVIDIA H100 80GB HBM3", Some("h100-sxm-80gb")),
            ("NVIDIA H100 PCIe", Some("h100-pcie-80gb")),
            ("NVIDIA H100 NVL", Some("h100-nvl-94gb")),
            ("NVIDIA A100-SXM4-80GB", Some("a100-sxm-80gb")),
            ("NVIDIA A100-SXM4-40GB", Some("a100-sxm-40gb")),
            ("NVIDIA A100 80GB PCIe", Some("a100-pcie-80gb")),
            ("Tesla V100-SXM2-32GB", Some("v100-sxm2-32gb")),
            ("NVIDIA GeForce RTX 4090", Some("rtx-4090")),
            ("NVIDIA L40S", Some("l40s-48gb")),
            ("NVIDIA L4", Some("l4-24gb")),
            ("NVIDIA B200", Some("b200-sxm-180gb")),
            ("NVIDIA RTX PRO 6000 Blackwell Server Edition", Some("rtx-pro-6000-blackwell")),
            ("NVIDIA RTX 6000 Ada Generation", Some("rtx-6000-ada")),
            ("AMD Instinct MI300X (RADV GFX942)", Some("mi300x")),
            ("llvmpipe (LLVM 19.1.7, 256 bits)", None),
            ("Intel(R) Arc(tm) A770 Graphics (DG2)", None),
        ] {
            assert_eq!(recognise(catalog, driver).map(|entry| entry.name.as_str()), entry, "{driver}");
        }
    }
}
