//! Files of measurements: results of the bench, logs and JSON of nccl-tests, tables of products. What a file is shows in its text.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::{Product, products};
use crate::bench::{BenchResult, SCHEMA_VERSION};
use crate::diagnostic::{Code, Diagnostic, Source, quoted};

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Measured {
    /// Results of `planner bench`.
    Bench(Vec<BenchResult>),
    /// A run of one of nccl-tests.
    Collective(CollectiveLog),
    /// A table of matrix products.
    Products(Vec<Product>),
}

/// Times of a collective by size.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectiveLog {
    /// The operation, as the planner names it.
    pub operation: String,
    /// Ranks that took part.
    pub ranks: u32,
    /// Hosts that they were on.
    pub domains: u32,
    /// Bytes of the buffer and seconds, out of place.
    pub times: Vec<(f64, f64)>,
    /// The driver's name of the GPUs.
    pub device: Option<String>,
    /// Where it is from.
    pub origin: String,
}

/// Reads a file of measurements.
///
/// # Errors
/// What is wrong with it, in its place.
pub fn read(source: &Arc<Source>) -> Result<Measured, Vec<Diagnostic>> {
    let text = source.text();
    if text.trim_start().starts_with(['{', '[']) {
        return json(source).map_err(|error| vec![error]);
    }
    let says = |what: &str| text.lines().any(|line| line.contains(what));
    if says("busbw") || says("Collective test starting") {
        return log(source).map(Measured::Collective).map_err(|error| vec![error]);
    }
    if text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#')).is_some_and(products::is_heading) {
        return products::read(source).map(Measured::Products);
    }
    Err(vec![
        Diagnostic::error(Code::Measurement, format!("{} holds no measurements that are understood", quoted(source.name())))
            .at(source, source.line(1), "")
            .help(
                "give a result of `planner bench --format json`, a log or JSON of nccl-tests, or a CSV of M,N,K,dtype,TFLOP/s",
            ),
    ])
}

fn error_at(source: &Arc<Source>, line: usize, column: usize, message: impl Into<String>) -> Diagnostic {
    let at = source.offset(line, column.max(1));
    let end = source.line(line).end.max(at);
    Diagnostic::error(Code::Measurement, message).at(source, at..end.min(at + 1), "")
}

/// One result, a list of them, or one a line; or the JSON of nccl-tests.
fn json(source: &Arc<Source>) -> Result<Measured, Diagnostic> {
    let text = source.text();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let mut results = Vec::new();
    loop {
        let line = 1 + text[..values.byte_offset()].trim_end().matches('\n').count();
        let value = match values.next() {
            None => break,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                let what = if error.is_eof() { "the file ends in the middle of a value" } else { "not valid JSON" };
                return Err(
                    error_at(source, error.line(), error.column(), what).help("the run may have been cut short: measure again")
                );
            }
        };
        if value.get("results").is_some() && value.get("measurements").is_none() {
            return nccl(source, value).map(Measured::Collective);
        }
        let list = match value {
            serde_json::Value::Array(list) => list,
            one => vec![one],
        };
        for one in list {
            results.push(result(source, line, one)?);
        }
    }
    Ok(Measured::Bench(results))
}

fn result(source: &Arc<Source>, line: usize, value: serde_json::Value) -> Result<BenchResult, Diagnostic> {
    let version = value.get("schema_version").and_then(serde_json::Value::as_u64);
    match version {
        Some(version) if version == u64::from(SCHEMA_VERSION) => {}
        Some(version) => {
            return Err(error_at(
                source,
                line,
                1,
                format!("a result of version {version}; this program reads {SCHEMA_VERSION}"),
            )
            .help("measure again with this version of the program"));
        }
        None => {
            return Err(error_at(source, line, 1, "not a result of `planner bench`: there is no `schema_version`")
                .help("give what `planner bench --format json` wrote"));
        }
    }
    let result: BenchResult = serde_json::from_value(value).map_err(|error| {
        error_at(source, line, 1, format!("not a result of `planner bench`: {error}")).help("measure again")
    })?;
    // A number that JSON can write and no clock can show.
    let broken = result.measurements.iter().find(|measured| {
        let rate = measured.rate.is_some_and(|rate| !(rate.is_finite() && rate > 0.0));
        rate || measured.dispatches == 0 && measured.rate.is_some()
    });
    match broken {
        Some(measured) => Err(error_at(source, line, 1, format!("kernel {} has an impossible rate", quoted(&measured.kernel)))
            .help("measure again")),
        None => Ok(result),
    }
}

/// The operation that a program of nccl-tests measures.
fn operation(program: &str) -> Option<&'static str> {
    let name = program.rsplit('/').next().unwrap_or(program).trim();
    match name.trim_end_matches("_perf").trim_end_matches("_mpi") {
        "all_reduce" => Some("all-reduce"),
        "all_gather" => Some("all-gather"),
        "reduce_scatter" => Some("reduce-scatter"),
        "alltoall" => Some("all-to-all"),
        "sendrecv" => Some("point-to-point"),
        _ => None,
    }
}

fn no_operation(source: &Arc<Source>) -> Diagnostic {
    error_at(source, 1, 1, "the log does not say which collective it is of")
        .help("keep the line `# Collective test starting: all_reduce_perf`, or the command line, in the log")
}

/// The text of nccl-tests: `#` lines about ranks, then a row a size.
fn log(source: &Arc<Source>) -> Result<CollectiveLog, Diagnostic> {
    let mut found = None;
    let mut hosts = BTreeSet::new();
    let mut ranks = BTreeSet::new();
    let mut device = None;
    let mut times = Vec::new();
    for (number, line) in (1..).zip(source.text().lines()) {
        // Launchers put a rank or host before each line.
        let from = line.find('#').unwrap_or(0);
        if found.is_none() {
            found = line.split_whitespace().filter(|word| word.ends_with("_perf")).find_map(operation);
        }
        if let Some(rest) = line[from..].trim_start_matches(['#', ' ']).strip_prefix("Rank ") {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let host = words.iter().position(|word| *word == "on").and_then(|on| words.get(on + 1));
            if let (Some(rank), Some(host)) = (words.first(), host) {
                ranks.insert((*rank).to_owned());
                hosts.insert((*host).to_owned());
            }
            device = device.or_else(|| rest.split_once("] ").map(|(_, name)| name.trim().to_owned()));
            continue;
        }
        if line.contains('#') && !line.trim_start().starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        // size count type redop root time algbw busbw wrong ...
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(Ok(size)), true) = (words.first().map(|word| word.parse::<f64>()), words.len() >= 8) else { continue };
        match words[5].parse::<f64>() {
            Ok(time) if time > 0.0 && size >= 0.0 => times.push((size, time * 1e-6)),
            _ => {
                return Err(error_at(source, number, 1, format!("{} is no time in microseconds", quoted(words[5])))
                    .help("a row is: size count type redop root time algbw busbw ..."));
            }
        }
    }
    let operation = found.ok_or_else(|| no_operation(source))?;
    checked(
        source,
        CollectiveLog {
            operation: operation.to_owned(),
            ranks: ranks.len() as u32,
            domains: hosts.len() as u32,
            times,
            device,
            origin: format!("nccl-tests: {}", source.name()),
        },
    )
}

fn checked(source: &Arc<Source>, log: CollectiveLog) -> Result<CollectiveLog, Diagnostic> {
    if log.times.len() < 2 {
        return Err(error_at(source, 1, 1, "fewer than two sizes were measured").help("sweep sizes: `-b 1M -e 8G -f 2`"));
    }
    if log.ranks < 2 {
        return Err(error_at(source, 1, 1, "the log does not name its ranks")
            .help("keep the lines `#  Rank  0 Group  0 ... on HOST` in it"));
    }
    Ok(log)
}

#[derive(Deserialize)]
struct NcclFile {
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    config: NcclConfig,
    results: Vec<NcclRow>,
}

#[derive(Default, Deserialize)]
struct NcclConfig {
    #[serde(default)]
    devices: Vec<NcclDevice>,
}

#[derive(Deserialize)]
struct NcclDevice {
    #[serde(default, alias = "hostname")]
    host: String,
    #[serde(default, alias = "device_name")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct NcclRow {
    size: f64,
    out_of_place: NcclTime,
}

#[derive(Deserialize)]
struct NcclTime {
    time: f64,
}

/// The JSON of nccl-tests (`-J FILE`): times in microseconds.
fn nccl(source: &Arc<Source>, value: serde_json::Value) -> Result<CollectiveLog, Diagnostic> {
    let file: NcclFile = serde_json::from_value(value).map_err(|error| {
        error_at(source, 1, 1, format!("not the JSON of nccl-tests: {error}"))
            .help("give what `all_reduce_perf -J FILE` wrote, or its log")
    })?;
    let operation = file.args.iter().find_map(|word| operation(word)).ok_or_else(|| no_operation(source))?;
    let hosts: BTreeSet<&str> = file.config.devices.iter().map(|device| device.host.as_str()).collect();
    checked(
        source,
        CollectiveLog {
            operation: operation.to_owned(),
            ranks: file.config.devices.len() as u32,
            domains: hosts.len() as u32,
            times: file.results.iter().map(|row| (row.size, row.out_of_place.time * 1e-6)).collect(),
            device: file.config.devices.iter().find_map(|device| device.name.clone()),
            origin: format!("nccl-tests: {}", source.name()),
        },
    )
}
