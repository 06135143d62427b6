//! The catalogue as tables, and one entry of it in full.

use std::fmt::Write as _;

use super::Table;
use crate::catalog::{Accelerator, Catalog, Economics, Entry, Figure, Link, Model, Price, PriceClass, Server, Switch};
use crate::model::{Architecture, Generation};
use crate::units::{Parameters, grouped};

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `*` behind a figure that was not seen in a source.
fn marked<E: Entry>(entry: &E, field: &str, text: String) -> String {
    let assumed = entry.provenance(field) == crate::catalog::Provenance::Assumed;
    if assumed && text != "-" { text + "*" } else { text }
}

/// All accelerators.
#[must_use]
pub fn accelerators(entries: &[Accelerator]) -> Table {
    let mut table = Table::new(
        &["name", "vendor", "year", "memory", "bandwidth", "bf16 dense", "fp8 dense", "TDP", "scale-up", "domain"],
        2,
    );
    for a in entries {
        table.row([
            a.name.clone(),
            a.vendor.clone(),
            marked(a, "launched", or_dash(a.launched)),
            marked(a, "memory", format!("{:#}", a.memory)),
            marked(a, "memory-bandwidth", a.memory_bandwidth.to_string()),
            marked(a, "peak.bf16", or_dash(a.peak.bf16.or(a.peak.fp16))),
            marked(a, "peak.fp8", or_dash(a.peak.fp8)),
            marked(a, "tdp", a.tdp.to_string()),
            marked(a, "scale-up.bandwidth", a.scale_up.bandwidth.to_string()),
            marked(a, "scale-up.domain", a.scale_up.domain.to_string()),
        ]);
    }
    table
}

/// All servers.
#[must_use]
pub fn servers(entries: &[Server]) -> Table {
    let mut table = Table::new(&["name", "accelerator", "GPUs", "network", "power", "height", "per rack", "price"], 2);
    for s in entries {
        let price = s
            .price
            .as_ref()
            .map(|p| if p.low == p.high { p.low.to_string() } else { format!("{} to {}", grouped(p.low.amount(), 0), p.high) });
        table.row([
            s.name.clone(),
            s.accelerator.clone(),
            s.gpus.to_string(),
            marked(s, "nics", or_dash(s.nics.map(|n| format!("{} x {}", n.count, n.rate)))),
            marked(s, "max-power", or_dash(s.max_power)),
            marked(s, "rack-units", or_dash(s.rack_units.map(|u| format!("{u}U")))),
            marked(s, "nodes-per-rack", or_dash(s.nodes_per_rack)),
            marked(s, "price", or_dash(price)),
        ]);
    }
    table
}

/// All switches.
#[must_use]
pub fn switches(entries: &[Switch]) -> Table {
    let mut table = Table::new(&["name", "title", "link", "ports", "rate", "power", "max power", "height"], 3);
    for s in entries {
        table.row([
            s.name.clone(),
            s.title.clone(),
            or_dash(s.link.clone()),
            marked(s, "ports", or_dash(s.ports)),
            marked(s, "port-rate", or_dash(s.port_rate)),
            marked(s, "typical-power", or_dash(s.typical_power)),
            marked(s, "max-power", or_dash(s.max_power)),
            marked(s, "rack-units", or_dash(s.rack_units.map(|u| format!("{u}U")))),
        ]);
    }
    table
}

/// All links.
#[must_use]
pub fn links(entries: &[Link]) -> Table {
    let mut table = Table::new(&["name", "title", "bandwidth", "latency", "measured share"], 2);
    for l in entries {
        table.row([
            l.name.clone(),
            l.title.clone(),
            marked(l, "bandwidth", or_dash(l.bandwidth.map(|b| b.to_string()).or(l.rate.map(|r| r.to_string())))),
            marked(l, "latency", or_dash(l.latency)),
            marked(l, "efficiency", or_dash(l.efficiency.map(|e| format!("{:.0} %", e * 100.0)))),
        ]);
    }
    table
}

/// Whether its price was not seen in a source.
fn assumed<E: Entry>(entry: &E) -> bool {
    entry.provenance("price") == crate::catalog::Provenance::Assumed
}

/// All prices: of servers, switches, parts and accelerators, bought or rented. What has none can be given one by its name.
#[must_use]
pub fn prices(catalog: &Catalog) -> Table {
    let mut table = Table::new(&["name", "title", "class", "low", "taken for", "high", "date", "source"], 3).with_remarks();
    let mut bought = |name: &str, title: &str, price: Option<&Price>, assumed: bool| {
        let star = if assumed { "*" } else { "" };
        let cells = match price.and_then(|price| Some((price, price.interval()?))) {
            Some((price, unit)) => {
                let [low, value, high] = [unit.low(), unit.value(), unit.high()].map(|money| format!("{money}{star}"));
                [price.class.as_str().to_owned(), low, value, high, price.date.clone(), price.source.clone()]
            }
            None => ["-"; 6].map(str::to_owned),
        };
        table.row([name.to_owned(), title.to_owned()].into_iter().chain(cells));
    };
    catalog.servers.iter().for_each(|s| bought(&s.name, &s.title, s.price.as_ref(), assumed(s)));
    catalog.switches.iter().for_each(|s| bought(&s.name, &s.title, s.price.as_ref(), assumed(s)));
    catalog.parts.iter().for_each(|p| bought(&p.name, &p.title, p.price.as_ref(), assumed(p)));
    let accelerators = catalog.accelerators.iter().filter(|a| a.price.is_some());
    accelerators.for_each(|a| bought(&a.name, &a.title, a.price.as_ref(), assumed(a)));
    for a in &catalog.accelerators {
        if let Some(rate) = &a.rental {
            let price = marked(a, "rental", rate.price.to_string());
            let cells = [price.clone(), price.clone(), price, rate.date.clone(), rate.source.clone()];
            let class = PriceClass::Rent.as_str().to_owned();
            table.row([a.name.clone(), a.title.clone(), class].into_iter().chain(cells));
        }
    }
    table
}

/// All models.
#[must_use]
pub fn models(entries: &[Model]) -> Table {
    let mut table = Table::new(
        &["name", "family", "parameters", "active", "layers", "hidden", "heads", "kv", "ffn", "vocab", "experts"],
        2,
    );
    for m in entries {
        let counts =
            Architecture::new(m).ok().map(|a| (Parameters::new(a.parameters()), Parameters::new(a.active_parameters())));
        table.row([
            m.name.clone(),
            m.family.clone(),
            or_dash(counts.map(|c| c.0)),
            or_dash(counts.filter(|_| m.moe.is_some()).map(|c| c.1)),
            m.layers.to_string(),
            m.hidden.to_string(),
            m.heads.to_string(),
            m.kv_heads.unwrap_or(m.heads).to_string(),
            m.ffn.to_string(),
            m.vocab.to_string(),
            or_dash(m.moe.map(|moe| format!("{} of {}", moe.top_k, moe.experts))),
        ]);
    }
    table
}

/// What a model takes to generate a token with 16-bit weights, in a sentence; nothing of one whose numbers do not fit together.
#[must_use]
pub fn generated(model: &Model) -> String {
    let Ok(architecture) = Architecture::new(model) else { return String::new() };
    let Generation { work, read, resident, kept } = Generation::new(&architecture, 2.0, 2.0);
    let all = if read == resident { String::new() } else { format!(" of {resident}") };
    format!("\nA generated token takes {work}, reads {read}{all} of 16-bit weights, leaves {kept} of keys and values.\n")
}

/// All figures that costs are computed from; `*` marks what was not seen in a source.
#[must_use]
pub fn economics(economics: &Economics) -> Table {
    fn rows<T: Copy + PartialEq + std::fmt::Display>(table: &mut Table, section: &str, figures: &[Figure<T>]) {
        for figure in figures {
            let range = figure.range();
            let between = if range.low == range.high { String::new() } else { format!("{} to {}", range.low, range.high) };
            table.row([
                section.to_owned(),
                figure.name.clone(),
                figure.what.clone(),
                format!("{}{}", figure.value, if figure.assumed { "*" } else { "" }),
                between,
                figure.class.map(|class| class.as_str().to_owned()).unwrap_or_default(),
                figure.date.clone(),
                figure.source.clone(),
            ]);
        }
    }
    let headings = ["section", "name", "what", "value", "between", "class", "date", "source"];
    let mut table = Table::new(&headings, 3).with_remarks();
    rows(&mut table, "tariffs", &economics.tariffs);
    rows(&mut table, "demand", &economics.demand);
    rows(&mut table, "build", &economics.build);
    rows(&mut table, "colocation", &economics.colocation);
    rows(&mut table, "lives", &economics.lives);
    rows(&mut table, "rates", &economics.rates);
    rows(&mut table, "shares", &economics.shares);
    rows(&mut table, "ratios", &economics.ratios);
    rows(&mut table, "pay", &economics.pay);
    rows(&mut table, "software", &economics.software);
    table
}

/// One entry: its YAML as the catalogue has it, and where its figures come from.
#[must_use]
pub fn entry<E: Entry>(entry: &E, yaml: &str, catalog: &Catalog) -> String {
    let mut out = format!("{} ({})\n\n{}\n", entry.title(), entry.name(), yaml.trim_end());
    if !entry.sources().is_empty() {
        out += "\nSources:\n";
        for key in entry.sources() {
            match catalog.sources.iter().find(|source| source.key == *key) {
                Some(source) => {
                    let parts: Vec<&str> = [source.what.as_str(), source.place.as_str(), source.date.as_str()]
                        .into_iter()
                        .filter(|p| !p.is_empty())
                        .collect();
                    let _ = writeln!(out, "  {key}: {}", parts.join("; "));
                }
                None => {
                    let _ = writeln!(out, "  {key}");
                }
            }
        }
    }
    if !entry.assumed().is_empty() {
        let _ = writeln!(out, "\nAssumed, not seen in a source: {}", entry.assumed().join(", "));
    }
    out
}
