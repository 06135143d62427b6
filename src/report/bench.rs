//! What `planner bench` shows: each kernel's rate, how far to trust it, and its share of the data sheet.

use std::fmt::Write as _;

use super::Table;
use crate::bench::{Adapter, BenchResult, Measurement, Quantity};
use crate::calibration::recognise::{BEYOND_PHYSICS, nominal, subgroup_ceiling};
use crate::catalog::Accelerator;
use crate::units::{BytesPerSecond, FlopPerSecond, Seconds, significant};

/// The GPUs that drivers offer.
#[must_use]
pub fn adapters(adapters: &[Adapter]) -> Table {
    let mut table = Table::new(&["#", "name", "kind", "through", "driver", "PCI", "f16", "matrices"], 8);
    for adapter in adapters {
        let tile = adapter.tile().map_or_else(|| "-".to_owned(), |tile| format!("{tile}x{tile}x{tile} f16"));
        table.row([
            adapter.index.to_string(),
            adapter.name.clone(),
            adapter.kind.as_str().to_owned(),
            adapter.backend.clone(),
            driver(adapter),
            if adapter.pci_bus_id.is_empty() { "-".to_owned() } else { adapter.pci_bus_id.clone() },
            if adapter.f16 { "yes" } else { "no" }.to_owned(),
            tile,
        ]);
    }
    table
}

fn driver(adapter: &Adapter) -> String {
    format!("{} {}", adapter.driver, adapter.driver_info).trim().to_owned()
}

/// A rate in the unit of what it counts.
pub(super) fn rate(value: f64, quantity: Quantity) -> String {
    match quantity {
        Quantity::Bytes => BytesPerSecond::new(value).to_string(),
        // The unit of plans starts at a thousand million; drivers on the CPU do less.
        Quantity::Flop if value < 1e9 => format!("{} MFLOP/s", significant(value / 1e6, 3)),
        Quantity::Flop => FlopPerSecond::new(value).to_string(),
        Quantity::IntegerOperations => self::rate(value, Quantity::Flop).replace("FLOP/s", "OP/s"),
        Quantity::Launch => Seconds::new(value).to_string(),
    }
}

/// The share of the data sheet, with `!` where it is beyond what is physical.
fn share(measurement: &Measurement, accelerator: Option<&Accelerator>) -> String {
    let nominal = accelerator.and_then(|accelerator| nominal(accelerator, measurement));
    match measurement.rate.zip(nominal) {
        Some((rate, nominal)) => {
            let beyond = if rate > nominal * BEYOND_PHYSICS { "!" } else { "" };
            format!("{:.0} %{beyond}", rate / nominal * 100.0)
        }
        None => "-".to_owned(),
    }
}

/// One row a kernel.
#[must_use]
pub fn bench_table(result: &BenchResult, accelerator: Option<&Accelerator>) -> Table {
    let mut table = Table::new(&["kernel", "median", "± MAD", "slowest", "fastest", "samples", "of sheet", "check"], 1);
    for measurement in &result.measurements {
        let quantity = measurement.work.quantity;
        let Some((median, seconds)) = measurement.rate.zip(measurement.seconds) else {
            let dash = || "-".to_owned();
            table.row([measurement.kernel.clone(), dash(), dash(), dash(), dash(), dash(), dash(), "FAILED".to_owned()]);
            continue;
        };
        let at = |time: f64| match quantity {
            Quantity::Launch => rate(time, quantity),
            _ => rate(measurement.work.amount / time, quantity),
        };
        table.row([
            measurement.kernel.clone(),
            rate(median, quantity),
            format!("{} %", significant(seconds.spread() * 100.0, 2)),
            at(seconds.max),
            at(seconds.min),
            seconds.count.to_string(),
            share(measurement, accelerator),
            "ok".to_owned(),
        ]);
    }
    table
}

/// The whole result for people: what it was measured on, the table, what was left out, and warnings with what helps.
#[must_use]
pub fn bench_text(result: &BenchResult, accelerator: Option<&Accelerator>) -> String {
    let adapter = &result.adapter;
    let clock = if adapter.timestamps { "device clock" } else { "host clock" };
    let mut out = format!("{} · {} · {} · {clock} · {} data\n", adapter.name, adapter.backend, driver(adapter), result.data);
    match accelerator {
        Some(accelerator) => {
            let _ = writeln!(
                out,
                "Data sheet of {}: {} memory, {} f32, {} f16 on the matrix units",
                accelerator.title,
                accelerator.memory_bandwidth,
                accelerator.peak.fp32.map_or_else(|| "no".to_owned(), |peak| peak.to_string()),
                accelerator.peak.fp16.map_or_else(|| "no".to_owned(), |peak| peak.to_string()),
            );
        }
        None if adapter.is_software() => {
            out += "A software driver: rates say nothing about hardware, only that kernels are right.\n";
        }
        None => out += "Not in the catalogue: no data sheet to compare with; name one with --accelerator.\n",
    }
    out.push('\n');
    out += &bench_table(result, accelerator).text(2);
    out += &remarks(result, accelerator);
    if let Some(failure) = &result.failure {
        let _ = write!(out, "\nEnded at `{}`: {}\n  help: {}\n", failure.kernel, failure.message, failure.remedy);
    }
    let _ = writeln!(out, "\n{} kernels in {}", result.measurements.len(), Seconds::new(result.wall_s));
    out
}

/// What to know about the figures, each said once with the kernels that it is about.
fn remarks(result: &BenchResult, accelerator: Option<&Accelerator>) -> String {
    let mut out = String::new();
    for measurement in &result.measurements {
        if let Some(fault) = &measurement.check.fault {
            let _ = writeln!(out, "\nerror: {}: the result is wrong, so no rate is told: {fault}", measurement.kernel);
        }
        let nominal = accelerator.and_then(|accelerator| nominal(accelerator, measurement));
        if measurement.rate.zip(nominal).is_some_and(|(rate, nominal)| rate > nominal * BEYOND_PHYSICS) {
            let _ = writeln!(
                out,
                "\nwarning: {}: more than the data sheet allows\n  help: do not use it; caches or a clock that jumps can make it",
                measurement.kernel
            );
        }
    }
    let mut said: Vec<(&'static str, Vec<(String, String)>)> = Vec::new();
    for measurement in &result.measurements {
        for warning in &measurement.warnings {
            let (text, help) = warning.text();
            let entry = (measurement.kernel.clone(), text);
            match said.iter_mut().find(|(other, _)| *other == help) {
                Some((_, all)) => all.push(entry),
                None => said.push((help, vec![entry])),
            }
        }
    }
    for (help, all) in said {
        let (kernel, text) = &all[0];
        let more = match all.len() - 1 {
            0 => String::new(),
            1 => " (and one more kernel)".to_owned(),
            more => format!(" (and {more} more kernels)"),
        };
        let _ = write!(out, "\nwarning: {kernel}: {text}{more}\n  help: {help}\n");
    }
    if let Some(registers) = result.best("coop_registers").filter(|_| !result.adapter.is_software()) {
        out += &tensor_note(registers, accelerator);
    }
    let mut skipped: Vec<(&str, Vec<&str>)> = Vec::new();
    for skip in &result.skipped {
        match skipped.iter_mut().find(|(reason, _)| *reason == skip.reason) {
            Some((_, kernels)) => kernels.push(&skip.kernel),
            None => skipped.push((&skip.reason, vec![&skip.kernel])),
        }
    }
    for (reason, kernels) in skipped {
        let _ = write!(out, "\nLeft out: {}: {reason}\n", kernels.join(", "));
    }
    out
}

/// The register-only figure tells the clock and the health of the matrix units, not the rate of training.
fn tensor_note(registers: &Measurement, accelerator: Option<&Accelerator>) -> String {
    let reach = accelerator.and_then(|accelerator| {
        let ceiling = subgroup_ceiling(accelerator)?;
        let share = registers.rate? / (nominal(accelerator, registers)? * ceiling);
        Some((ceiling, share))
    });
    match reach {
        Some((ceiling, share)) if ceiling < 1.0 => format!(
            "\nnote: instructions of one subgroup, all that WGSL has, end at about {:.0} % of this GPU's f16 peak; of that it reaches {:.0} %. \
             A sign of clock and health, not the rate of training\n",
            ceiling * 100.0,
            share * 100.0
        ),
        _ => "\nnote: the tensor figures are what WGSL reaches, a sign of clock and health; vendor libraries are faster\n"
            .to_owned(),
    }
}
