//! `planner bom` as it is run: exit codes, forms, files, and what is said about prices that are missing.

use std::path::Path;

use serde_json::Value;

#[path = "support/command.rs"]
mod command;
use command::{planner, text};

/// A cluster file of these tests.
fn file(name: &str, content: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("written");
    path.display().to_string()
}

const SMALL: &str =
    "name: small\npools:\n- {name: a, nodes: 2, server: dgx-h100}\nfabric: {kind: single-switch, switch: qm9700}\n";

#[test]
fn all_forms_say_the_same() {
    let json: Value = serde_json::from_slice(&planner(&["bom", "h100-superpod-127", "--format", "json"]).stdout).expect("JSON");
    assert_eq!((&json["schema_version"], &json["bills"][0]["cluster"]), (&Value::from(1), &Value::from("h100-superpod-127")));
    let lines = json["bills"][0]["lines"].as_array().expect("lines");
    let csv = planner(&["bom", "h100-superpod-127", "--format", "csv"]).stdout;
    let mut rows = csv::Reader::from_reader(csv.as_slice());
    let column = |rows: &csv::StringRecord, name: &str| rows.iter().position(|heading| heading == name).expect("a column");
    let headings = rows.headers().expect("headings").clone();
    let records: Vec<csv::StringRecord> = rows.records().map(|row| row.expect("a row")).collect();
    assert_eq!(records.len(), lines.len());
    for (record, line) in records.iter().zip(lines) {
        let cell = |name: &str| &record[column(&headings, name)];
        assert_eq!(cell("item"), line["item"].as_str().expect("text"));
        assert_eq!(cell("buy").parse::<u64>().expect("a number"), line["count"].as_u64().expect("a number"));
        assert_eq!(cell("total_usd").parse::<f64>().ok(), line["total"]["value"].as_f64());
        assert_eq!(cell("rule"), line["why"].as_str().expect("text"));
        assert!(!cell("rule").is_empty(), "{record:?}");
    }
    let markdown = planner(&["bom", "h100-superpod-127", "--format", "markdown"]).stdout;
    let plain = planner(&["bom", "h100-superpod-127"]).stdout;
    for shown in ["1,536", "39,370,000", "1.77 MW", "6,445 CFM"] {
        assert!(text(&markdown).contains(shown) && text(&plain).contains(shown), "{shown}");
    }
}

#[test]
fn a_price_that_is_missing_is_an_error_when_prices_are_required() {
    let small = file("small.yaml", SMALL);
    let ended = planner(&["bom", &small]);
    assert_eq!(ended.status.code(), Some(0));
    assert!(text(&ended.stdout).contains("Without a price: "), "a bill all the same");
    let ended = planner(&["bom", &small, "--require-prices", "--diagnostics", "concise"]);
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(2), ""));
    let said = text(&ended.stderr);
    assert!(
        said.contains("small.yaml:") && said.contains("P0208") && said.contains("no price of `cable-400g` is known"),
        "{said}"
    );
    // With every item priced, here and in a catalogue of one's own, it is written.
    let missing: Vec<&str> = said.lines().filter_map(|line| line.split('`').nth(1)).collect();
    let (half, rest) = missing.split_at(missing.len() / 2);
    let items: Vec<String> = half.iter().map(|name| format!("{name}: 100 USD")).collect();
    let priced = file("priced.yaml", &format!("{SMALL}price: {{items: {{{}}}}}\n", items.join(", ")));
    let own = |name: &&str| {
        let price = "price: {low: 90 EUR, high: 110 EUR, class: contract, date: 2026-10, source: an offer}";
        match *name {
            "sn2201" | "sn4600c" => format!("- {{name: {name}, title: s, vendor: v, ports: 48, port-rate: 1 Gb/s, {price}}}"),
            _ => format!("- {{name: {name}, title: p, kind: cable, {price}}}"),
        }
    };
    let (switches, parts): (Vec<&&str>, Vec<&&str>) = rest.iter().partition(|name| name.starts_with("sn"));
    let list = |names: &[&&str]| names.iter().map(|name| own(name) + "\n").collect::<String>();
    let catalog = match list(&switches) {
        switches if switches.is_empty() => format!("parts:\n{}", list(&parts)),
        switches => format!("parts:\n{}switches:\n{switches}", list(&parts)),
    };
    let catalog = file("own-prices.yaml", &catalog);
    let ended = planner(&["bom", &priced, "--require-prices", "--catalog", &catalog]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).contains("contract"), "{}", text(&ended.stdout));
}

#[test]
fn an_exceeded_limit_is_a_no() {
    let hot = SMALL.replace("server: dgx-h100", "server: dgx-b200, nodes-per-rack: 2, max-power: 40 kW");
    let ended = planner(&["bom", &file("hot.yaml", &hot)]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stdout).contains("EXCEEDED: air usually carries 40.0 kW"), "{}", text(&ended.stdout));
    let ended = planner(&["bom", "no-such-cluster"]);
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(2), ""));
}

#[test]
fn several_clusters_go_into_one_file() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("order.csv");
    let _ = std::fs::remove_file(&path);
    let ended = planner(&["bom", "dgx-h100", "gb200-nvl72-8", "--format", "csv", "-o", path.to_str().expect("UTF-8")]);
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(0), ""), "{}", text(&ended.stderr));
    let written = std::fs::read_to_string(&path).expect("written");
    assert_eq!(written.lines().filter(|line| line.starts_with("cluster,")).count(), 1);
    assert!(written.lines().any(|line| line.starts_with("gb200-nvl72-8,Compute,")), "{written}");
}

/// Every embedded example has a bill that keeps its limits, the same however often it is made.
#[test]
fn every_example_has_a_bill() {
    for (name, _) in planner::spec::examples::EXAMPLES.iter().filter(|(name, _)| !name.contains('/')) {
        let (one, two) = (planner(&["bom", name, "--rules"]), planner(&["bom", name, "--rules"]));
        assert_eq!(one.status.code(), Some(0), "{name}: {}{}", text(&one.stdout), text(&one.stderr));
        assert_eq!(one.stdout, two.stdout);
        assert!(!text(&one.stdout).contains("NaN") && !text(&one.stdout).contains("inf"), "{}", text(&one.stdout));
    }
}

#[test]
fn prices_of_the_catalogue_are_listed() {
    let listed = planner(&["catalog", "prices"]).stdout;
    for name in ["dgx-h100", "qm9700", "transceiver-800g", "rack-pdu", "h100-sxm-80gb"] {
        assert!(text(&listed).lines().any(|line| line.starts_with(name)), "{name}");
    }
    let one = planner(&["catalog", "prices", "transceiver-800g"]).stdout;
    assert!(text(&one).contains("LUXOPTX: 800G cost analysis"), "{}", text(&one));
    assert_eq!(planner(&["catalog", "prices", "nothing"]).status.code(), Some(2));
}
