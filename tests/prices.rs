//! Prices that are missing or wrong, as commands tell of them: which item, where in the file, and what to write where. Workbooks and
//! phases as they are run.

use std::path::Path;

#[path = "support/command.rs"]
mod command;
use command::{planner, text};

/// A cluster file of these tests.
fn file(name: &str, content: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).expect("written");
    path.display().to_string()
}

const LAB: &str =
    "name: lab\npools: [{name: a, nodes: 16, server: SERVER}]\nfabric: {kind: rail-optimized-fat-tree, switch: qm9700}\n";

fn lab(server: &str, more: &str) -> String {
    LAB.replace("SERVER", server) + more
}

/// What a command says of a cluster file, in one line each.
fn said(command: &str, name: &str, content: &str) -> (Option<i32>, String) {
    let ended = planner(&[command, &file(name, content), "--diagnostics", "concise"]);
    assert!(ended.status.code() != Some(2) || ended.stdout.is_empty(), "half an answer beside an error");
    (ended.status.code(), text(&ended.stderr).to_owned())
}

#[test]
fn a_wrong_price_is_told_with_its_item_its_place_and_what_to_write() {
    let cases = [
        ("price: {items: {qm97000: 100 USD}}\n", ":4:26", "`qm97000`", "did you mean `qm9700`?"),
        ("price: {items: {cable-400g: 120 EURO}}\n", ":4:29", "`price.items.cable-400g`", "three-letter code"),
        ("price: {items: {cable-400g: 120}}\n", ":4:29", "`price.items.cable-400g`", "`310000 USD`"),
        ("price: {items: {rack: -5 USD}}\n", ":4:23", "negative", "positive"),
        ("price: {items: {rack: 900 ZAR}}\n", ":4:23", "ZAR", "currencies: [{code: ZAR"),
        ("cost: {rent: {price: 3 USD}}\n", ":4:22", "`cost.rent.price`", "`2.50 USD/GPU-hour`"),
        ("cost: {capital: 46000 USD}\n", ":4:17", "`cost.capital`", "`46000 USD/GPU`"),
        ("cost: {electricity: {region: us-vaa}}\n", ":4:30", "us-vaa", "did you mean `us-va`?"),
        ("cost: {facility: {market: londn}}\n", ":4:27", "londn", "did you mean `london`?"),
        ("power: {tariff: 80 USD/MWh}\n", ":4:17", "`power.tariff`", "`0.08 USD/kWh`"),
    ];
    for (i, (block, place, names, help)) in cases.into_iter().enumerate() {
        for command in ["cost", "bom"] {
            let (code, error) = said(command, &format!("wrong-{i}-{command}.yaml"), &lab("dgx-h100", block));
            assert_eq!(code, Some(2), "{command}: {block}");
            for part in [place, names, help] {
                assert!(error.contains(part), "{command}: {block}: no `{part}` in {error}");
            }
        }
    }
}

#[test]
fn a_missing_price_is_told_with_its_item_and_where_to_put_it() {
    // A server that nobody names a price of.
    let (code, error) = said("cost", "missing.yaml", &lab("mi355x-8x", "cost: {life: 4 years}\n"));
    assert_eq!(code, Some(2), "{error}");
    for part in ["missing.yaml:4:", "P0208", "a node `mi355x-8x`", "price: 310000 USD", "capital: 46000 USD/GPU"] {
        assert!(error.contains(part), "no `{part}` in {error}");
    }
    // With it under `price.items`, as a bill asks for it, the hour has a cost.
    let priced = lab("mi355x-8x", "price: {items: {mi355x-8x: 300000 USD}}\n");
    assert_eq!(said("cost", "priced.yaml", &priced).0, Some(0));
    // The bill goes on without, and asks for it when prices are required.
    let path = file("unpriced.yaml", &lab("mi355x-8x", ""));
    let bill = planner(&["bom", &path]);
    assert!(text(&bill.stdout).contains("mi355x-8x (16)") && bill.status.code() == Some(0), "{}", text(&bill.stdout));
    let required = planner(&["bom", &path, "--require-prices", "--diagnostics", "concise"]);
    assert_eq!(required.status.code(), Some(2));
    assert!(text(&required.stderr).contains("price: {items: {mi355x-8x: 100 USD}}"), "{}", text(&required.stderr));
    // Leases and replacement name what they need.
    for (block, part) in [
        ("cost: {method: lease}\n", "lease: 1.20 USD/GPU-hour"),
        ("cost: {rent: {path: {decline: 100 %}}}\n", "less than 100 %"),
    ] {
        let (code, error) = said("cost", "terms.yaml", &lab("dgx-h100", block));
        assert!(code == Some(2) && error.contains(part), "{error}");
    }
}

#[test]
fn workbooks_are_written_whole_or_not_at_all() {
    let path = file("book.xlsx", "an old file");
    for arguments in [["cost", "dgx-h100"], ["bom", "h100-superpod-127"]] {
        let ended = planner(&[&arguments[..], &["--xlsx", &path]].concat());
        assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
        assert!(!ended.stdout.is_empty(), "the answer is printed beside it");
        assert!(std::fs::read(&path).expect("written").starts_with(b"PK\x03\x04"));
    }
    let ended = planner(&["cost", "dgx-h100", "--xlsx", "/nowhere/book.xlsx"]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("cannot write /nowhere/book.xlsx"), "{}", text(&ended.stderr));
    let ended = planner(&["cost", "dgx-h100", "--xlsx", "-"]);
    assert!(ended.status.code() == Some(2) && text(&ended.stderr).contains("a workbook is a file"), "{}", text(&ended.stderr));
}

#[test]
fn phases_are_told_in_every_form_and_impossible_ones_refused() {
    let asked = |more: &[&str]| {
        planner(
            &[&["phases", "h100-superpod-127", "--demand", "400", "--doubling", "9.9 months", "--years", "2"][..], more]
                .concat(),
        )
    };
    let plain = asked(&[]);
    assert_eq!(plain.status.code(), Some(0), "{}", text(&plain.stderr));
    assert!(text(&plain.stdout).contains("2.32 times as many each year, in units of 256 GPUs"), "{}", text(&plain.stdout));
    let rows = text(&asked(&["--format", "csv"]).stdout).lines().count();
    let json: serde_json::Value = serde_json::from_slice(&asked(&["--format", "json"]).stdout).expect("JSON");
    assert_eq!(json["phases"].as_array().expect("orders").len(), rows - 1);
    // Cheaper later: a decline lowers what is paid, and what it is worth today.
    let worth = |more: &[&str]| {
        let json: serde_json::Value =
            serde_json::from_slice(&asked(&[more, &["--format", "json"]].concat()).stdout).expect("JSON");
        json["present_value"]["amount"].as_f64().expect("money")
    };
    assert!(worth(&["--decline", "20 %/year"]) < worth(&[]));
    assert!(worth(&["--learning", "15 %", "--output-growth", "40 %/year"]) < worth(&[]));
    // Demand that grew from 100 GPUs to 400 in two years doubles every year, and what is said of it is the same.
    let of_lab = |more: &[&str]| {
        let lab =
            lab("dgx-h100", "power: {site-limit: 1 MW}\ncost: {electricity: {demand: 15 USD/kW-month, contract: 4 MW}}\n");
        let path = file("phases.yaml", &lab);
        let ended = planner(&[&["phases", &path, "--demand", "400", "--years", "2"], more].concat());
        (ended.status.code(), text(&ended.stdout).to_owned(), text(&ended.stderr).to_owned())
    };
    let since = of_lab(&["--was", "100", "--ago", "24 months"]);
    assert_eq!(since, of_lab(&["--doubling", "12 months"]));
    // 4 MW are paid for while the first order is on its way, and the site is full with the second.
    assert!(since.1.contains("4.00 MW") && since.1.contains("100 % of the contracted power are billed"), "{}", since.1);
    assert!(since.1.contains("The site's 1.00 MW (`power.site-limit`) are not enough"), "{}", since.1);
    let stepped = of_lab(&["--doubling", "12 months", "--contract", "1.5 MW from 9 months"]).1;
    assert!(stepped.contains("More is drawn than is contracted from month 15 on"), "{stepped}");
    for (more, part) in [
        (&["--was", "800", "--ago", "1 years"][..], "does not grow"),
        (&["--was", "100"], "--ago"),
        (&[], "--doubling"),
        (&["--doubling", "1 years", "--contract", "5 MWh"], "--contract"),
        (&["--doubling", "1 years", "--contract", "5 MW from now"], "--contract"),
    ] {
        let (code, _, error) = of_lab(more);
        assert!(code == Some(2) && error.contains(part), "{more:?}: {error}");
    }
    let unpriced = asked(&["--contract", "5 MW"]);
    assert!(unpriced.status.code() == Some(2) && text(&unpriced.stderr).contains("demand: 15 USD/kW-month"));
    for (more, part) in [
        (&["--learning", "15 %"][..], "--output-growth"),
        (&["--doubling", "1 h"], "more GPUs than are made"),
        (&["--every", "1 min"], "--every"),
        (&["--headroom", "120 %"], "more than all of it"),
    ] {
        let arguments: Vec<&str> = ["phases", "dgx-h100", "--demand", "400"].into_iter().chain(more.iter().copied()).collect();
        let arguments =
            if more.contains(&"--doubling") { arguments } else { [&arguments[..], &["--doubling", "1 year"]].concat() };
        let ended = planner(&arguments);
        assert_eq!(ended.status.code(), Some(2), "{more:?}");
        assert!(text(&ended.stderr).contains(part), "{more:?}: {}", text(&ended.stderr));
    }
}
