//! `docs/yaml-reference.md`, from the JSON Schemas that `planner schema` prints and the units that `planner::units` reads.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use planner::catalog::Catalog;
use planner::diff::policy::PolicyFile;
use planner::spec::{ClusterFile, PortfolioFile, WorkloadFile};
use planner::units::{self, Quantity};
use serde_json::Value;

const PREFACE: &str = "\
# YAML reference

<!-- Generated from the JSON Schemas by tests/docs/reference.rs. PLANNER_BLESS=1 cargo test --test docs rewrites it. -->

Five kinds of files: [cluster files](#cluster-files), [workload files](#workload-files), [portfolio files](#portfolio-files),
[policy files](#policy-files) and [catalogue files](#catalogue-files). `planner schema cluster`, `planner schema workload`,
`planner schema portfolio`, `planner schema policy` and `planner schema catalog` print their JSON Schemas for editors.

Keys are in kebab-case. A key that is not listed is an error, and so is a quantity without its unit. A key whose default is
\"none\" may be left out; what happens then is said in its description or in [defaults that the planner fills in](#defaults).
Anchors, aliases, merge keys and tags are not read.

";

const DEFAULTS: &str = "\
## Defaults

What the planner takes when a key is left out. Figures among these are `assumed`: plans name them.

| key | value | source |
|---|---|---|
| `power.pue` | 1.54 | Uptime Institute survey average, 2025 |
| `power.load-factor` | modelled for nodes of eight NVIDIA GPUs ([runs](runs.md#power)), else 0.75 | Epoch AI: GPU servers in training draw 0.75 of their TDP |
| `reliability.failures` | those of `reliability.fleet`, in proportion to the GPUs of a node | see there |
| `reliability.fleet` | `typical` | Llama 3, InfiniteHBD-Trace |
| `reliability.restart` | 10 min | between Llama 3 and MegaScale |
| `reliability.checkpoint-interval` | Daly's formula | Daly 2006 |
| `reliability.checkpoint-blocking` | until the checkpoint is written | |
| `reliability.repair`, `reliability.outage-correlation` | 133 h, 0.0124 | InfiniteHBD-Trace |
| `reliability.full-strength` | 0.99 | |
| `storage` | a node writes 625 MB/s and reads 1.25 GB/s | DGX SuperPOD storage guidance |
| `pools[].embodied-carbon` | the accelerator's, else 164 kg | NVIDIA, HGX H100 |
| `pools[].service-life` | 5 years | |
| `price.gpu-hour` | the accelerator's rental price, else its ownership cost; no cost without either | catalogue, dated |
| `cost`, what it does not say | figures of `planner catalog economics`, assumed | each with source and date |
| `cost.method` | `annuity` | |
| `cost.capital` | the price of the node and a GPU's part of the rest of the bill of materials; 19 % of the cluster's price for its network where the switches have no price | catalogue, dated |
| `cost.software`, `cost.data` | not counted | |
| `cost.rent.price` | the accelerator's rental price; no comparison without one | catalogue, dated |
| `fabric.oversubscription`, `fabric.core-oversubscription` | 1, as much bandwidth up as down | |
| `fabric.planes` | 1 | |
| `fabric.scalable-unit` | as many nodes as the ports of a leaf allow | |
| `pools[].max-power` | the server's; else 1.8 times the TDP of its accelerators | as in DGX H100: 10.2 kW for 8 x 700 W |
| `fabric.managers` | 2 on an InfiniBand fabric with spines whose leaves have ports left, else none | DGX H100 SuperPOD |
| `networks` | by NVIDIA's reference designs: [purchase.md](purchase.md#networks) says how | DGX H100 SuperPOD |
| `power.ups-unit` | 1 MW | |
| `power.pdus-per-rack` | 3 | DGX H100 and DGX B300 SuperPOD |
| `power.air-rise`, `power.water-rise` | 20 F, 10 K | |
| `pools[].nodes-per-rack` | the server's, as far as `power.rack-limit` allows; else 1 | |
| `jobs[].precision` | `bf16`, else `fp16`, else `tf32`, by what the accelerator has | |
| `jobs[].attention` | `flash` | |
| `jobs[].pool` | the pool on which it does best | |
| `parallelism.sp`, `parallelism.overlap` | `true` (`sp` where `tp` is 2 or more) | |
| `parallelism.layers` | evenly; what does not divide goes to the middle slices first | |
| `parallelism.schedule` | `interleaved` where `vp` is 2 or more, else `1f1b` | |
";

/// The whole page.
pub fn page() -> String {
    let mut out = PREFACE.to_owned();
    out += &quantities();
    for (title, id, what, schema) in [
        ("Cluster files", "cluster", "`planner plan CLUSTER`", schemars::schema_for!(ClusterFile)),
        ("Workload files", "workload", "`planner plan --workload FILE`", schemars::schema_for!(WorkloadFile)),
        ("Portfolio files", "portfolio", "`planner schedule CLUSTER PORTFOLIO`", schemars::schema_for!(PortfolioFile)),
        (
            "Policy files",
            "policy",
            "`planner baseline` and `planner diff`, as `planner.policy.yaml`",
            schemars::schema_for!(PolicyFile),
        ),
        ("Catalogue files", "catalogue", "`planner --catalog FILE`", schemars::schema_for!(Catalog)),
    ] {
        let schema = schema.to_value();
        let mut file = File { root: &schema, id, open: Vec::new(), named: BTreeMap::new() };
        let _ = write!(out, "## {title}\n\nRead by {what}. {}\n", description(&schema));
        file.table(&mut out, &schema, "");
        while !file.open.is_empty() {
            let (name, path) = file.open.remove(0);
            file.section(&mut out, &name, &path);
        }
        out.push('\n');
    }
    out + DEFAULTS
}

fn quantities() -> String {
    fn row<Q: Quantity>(out: &mut String) {
        let mut units: Vec<String> = Vec::new();
        for (name, _) in Q::UNITS {
            let name = format!("`{name}`");
            if !units.contains(&name) {
                units.push(name);
            }
        }
        let name = Q::KIND.replace('-', " ");
        let _ = writeln!(out, "| <a id=\"{}\"></a>{name} | `{}` | {} |", Q::KIND, Q::EXAMPLE, units.join(", "));
    }
    let mut out = String::from(
        "## Quantities\n\nText with a unit. Letter case matters; bits and bytes, decimal and binary are different units.\n\n\
         | quantity | example | units |\n|---|---|---|\n",
    );
    row::<units::Bytes>(&mut out);
    row::<units::BytesPerSecond>(&mut out);
    row::<units::BitsPerSecond>(&mut out);
    row::<units::FlopPerSecond>(&mut out);
    row::<units::Hertz>(&mut out);
    row::<units::Watts>(&mut out);
    row::<units::Seconds>(&mut out);
    row::<units::Tokens>(&mut out);
    row::<units::Parameters>(&mut out);
    row::<units::Nodes>(&mut out);
    row::<units::TemperatureRise>(&mut out);
    row::<units::FailureRate>(&mut out);
    row::<units::CarbonIntensity>(&mut out);
    row::<units::Share>(&mut out);
    row::<units::YearlyRate>(&mut out);
    row::<units::Carbon>(&mut out);
    row::<units::Energy>(&mut out);
    for (kind, name, example, units) in [
        ("global-batch", "global batch", "1024 sequences", "`sequences` (exact), or tokens (rounded to whole microbatches)"),
        ("node-count", "node count", "4 nodes", "`nodes`, `%` of a pool, or `by outages`"),
        ("money", "money", "310000 USD", "a [currency](#currency)"),
        ("energy-price", "energy price", "0.08 USD/kWh", "currency`/kWh`"),
        ("gpu-hour-price", "GPU-hour price", "2.50 USD/GPU-hour", "currency`/GPU-hour`, currency`/GPU-h`"),
        ("gpu-price", "GPU price", "46000 USD/GPU", "currency`/GPU`"),
        ("gpu-year-price", "GPU-year price", "4500 USD/GPU-year", "currency`/GPU-year`"),
        ("power-price", "power price", "12 USD/W", "currency`/W`, currency`/kW`, currency`/MW`"),
        ("power-month-price", "power-month price", "184 USD/kW-month", "currency`/kW-month`, currency`/MW-month`"),
        ("yearly-price", "yearly price", "130000 USD/year", "currency`/year`, currency`/month`"),
        ("date", "date", "2027-12-31", "year, year and month, or year, month and day"),
        ("currency", "currency", "USD", "a three-letter code"),
    ] {
        let _ = writeln!(out, "| <a id=\"{kind}\"></a>{name} | `{example}` | {units} |");
    }
    out.push('\n');
    out
}

struct File<'a> {
    root: &'a Value,
    id: &'static str,
    /// Definitions to write, with the path of their first use.
    open: Vec<(String, String)>,
    /// Definitions that have a section or will.
    named: BTreeMap<String, String>,
}

impl<'a> File<'a> {
    fn definition(&self, name: &str) -> &'a Value {
        &self.root["$defs"][name]
    }

    fn section(&mut self, out: &mut String, name: &str, path: &str) {
        let definition = self.definition(name);
        let _ = write!(out, "\n<a id=\"{}-{name}\"></a>\n### `{path}`\n\n{}\n", self.id, description(definition));
        self.table(out, definition, path);
    }

    /// The keys of an object, those that are needed first.
    fn table(&mut self, out: &mut String, object: &'a Value, path: &str) {
        let Some(properties) = object["properties"].as_object() else { return };
        let needed: Vec<&str> = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        *out += "\n| key | type | default | what it is | example |\n|---|---|---|---|---|\n";
        let (first, then): (Vec<_>, Vec<_>) = properties.iter().partition(|(key, _)| needed.contains(&key.as_str()));
        for (key, property) in first.into_iter().chain(then) {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let kind = self.kind(property, &inner);
            let default = match &property["default"] {
                _ if needed.contains(&key.as_str()) => "required".to_owned(),
                Value::Null => "none".to_owned(),
                Value::Array(items) if items.is_empty() => "none".to_owned(),
                Value::String(text) if text.is_empty() => "none".to_owned(),
                Value::String(text) => format!("`{text}`"),
                other => format!("`{other}`"),
            };
            let example = property["examples"][0].as_str().map_or(String::new(), |example| format!("`{example}`"));
            let _ = writeln!(
                out,
                "| `{key}` | {kind} | {default} | {}{} | {example} |",
                description(property),
                self.words(property)
            );
        }
    }

    /// The type of a property, with a link to its section or its quantity.
    fn kind(&mut self, property: &'a Value, path: &str) -> String {
        if let Some(kind) = property["x-quantity"].as_str() {
            return format!("[{}](#{kind})", kind.replace('-', " "));
        }
        if let Some(name) = reference(property) {
            let definition = self.definition(name);
            if definition["properties"].is_object() {
                if !self.named.contains_key(name) {
                    self.named.insert(name.to_owned(), path.to_owned());
                    self.open.push((name.to_owned(), path.to_owned()));
                }
                return format!("[`{}`](#{}-{name})", self.named[name], self.id);
            }
            return "one of".to_owned();
        }
        if let Some(choices) = property["oneOf"].as_array().or_else(|| property["anyOf"].as_array()) {
            let kinds: Vec<String> = choices
                .iter()
                .filter(|choice| choice["type"] != "null")
                .map(|choice| match choice["enum"].as_array() {
                    Some(words) => {
                        words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
                    }
                    None => self.kind(choice, path),
                })
                .collect();
            return kinds.join(" or ");
        }
        let name = match &property["type"] {
            Value::String(name) => name.as_str(),
            Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default(),
            _ => "",
        };
        match name {
            "string" => "text".to_owned(),
            "boolean" => "`true` or `false`".to_owned(),
            "object" if property["additionalProperties"].is_object() => {
                format!("names with {}", self.kind(&property["additionalProperties"], path))
            }
            "array" => format!("list of {}", self.kind(&property["items"], &format!("{path}[]"))),
            "integer" | "number" => {
                let kind = if name == "integer" { "whole number" } else { "number" };
                let limit = |key: &str| property[key].as_f64().filter(|limit| *limit != 0.0 || key == "maximum");
                match (limit("minimum"), limit("maximum")) {
                    (Some(least), Some(most)) => format!("{kind}, {least} to {most}"),
                    (Some(least), None) => format!("{kind}, {least} or more"),
                    (None, Some(most)) => format!("{kind}, 0 to {most}"),
                    (None, None) => kind.to_owned(),
                }
            }
            other => other.to_owned(),
        }
    }

    /// The words that a key takes, with what they mean.
    fn words(&self, property: &Value) -> String {
        let Some(choices) = reference(property).and_then(|name| self.definition(name)["oneOf"].as_array()) else {
            return String::new();
        };
        choices.iter().fold(String::new(), |mut out, choice| {
            let _ = write!(out, "<br>`{}`: {}", choice["const"].as_str().unwrap_or_default(), description(choice));
            out
        })
    }
}

/// The definition that a property refers to, whether or not it may be left out.
fn reference(property: &Value) -> Option<&str> {
    let direct = property["$ref"].as_str();
    let optional = || property["anyOf"].as_array()?.iter().find_map(|choice| choice["$ref"].as_str());
    direct.or_else(optional).and_then(|reference| reference.strip_prefix("#/$defs/"))
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}
