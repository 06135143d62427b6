//! Workbooks of costs and bills, recomputed by LibreOffice: what their formulas give is what was computed, and when a price is changed
//! in the workbook they give what is computed with that price.
//!
//! Without LibreOffice the tests say so and do nothing, unless `PLANNER_REQUIRE_LIBREOFFICE` is set, as `.ci/run` does: then they fail.

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use planner::catalog::Catalog;
use planner::diagnostic::Source;
use planner::economics::bill::Bill;
use planner::plan::{CostQuestion, Costs, Plan};
use planner::report::{bills_xlsx, costs_xlsx};
use planner::spec::{Cluster, Workload, examples};
use planner::topology::Topology;
use planner::units::{HourlyPrice, Money};

/// LibreOffice's program, or nothing where there is none and none is required.
fn libreoffice() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|folder| folder.join("soffice")).find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("PLANNER_REQUIRE_LIBREOFFICE").is_none(),
            "PLANNER_REQUIRE_LIBREOFFICE is set, and no soffice is in PATH"
        );
        // The harness keeps what macros print; this is seen.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: no LibreOffice in PATH, so no workbook was recomputed");
    }
    found
}

/// Files are recomputed when they are opened, whoever wrote them.
const ALWAYS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>"#;

/// A sheet as rows of cells, numbers in all their digits.
struct Sheet(Vec<Vec<String>>);

impl Sheet {
    /// A number of the row that starts with a name; shares are written in percent.
    #[track_caller]
    fn number(&self, row: &str, column: usize) -> f64 {
        let found = self.0.iter().find(|cells| cells[0] == row).unwrap_or_else(|| panic!("no row `{row}`"));
        let cell = &found[column];
        let (digits, scale) = cell.strip_suffix('%').map_or((cell.as_str(), 1.0), |digits| (digits, 0.01));
        digits.parse::<f64>().unwrap_or_else(|_| panic!("{row}: `{cell}` is no number")) * scale
    }

    /// Value, low and high end.
    #[track_caller]
    fn ends(&self, row: &str) -> [f64; 3] {
        [1, 2, 3].map(|column| self.number(row, column))
    }
}

/// The sheets of a workbook, recomputed.
fn recomputed(soffice: &Path, name: &str, workbook: &[u8], sheets: &[&str]) -> Vec<Sheet> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("workbook-{name}"));
    std::fs::create_dir_all(folder.join("profile/user")).expect("a temporary folder");
    std::fs::write(folder.join("profile/user/registrymodifications.xcu"), ALWAYS).expect("a profile");
    std::fs::write(folder.join("book.xlsx"), workbook).expect("a workbook");
    let status = Command::new(soffice)
        .arg(format!("-env:UserInstallation=file://{}", folder.join("profile").display()))
        .args(["--headless", "--convert-to"])
        // Commas, quotes, UTF-8, as numbers not as shown, every sheet into a file of its own.
        .arg("csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1")
        .arg("--outdir")
        .args([&folder, &folder.join("book.xlsx")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("LibreOffice starts");
    assert!(status.success(), "LibreOffice fails");
    let read = |sheet: &&str| {
        let path = folder.join(format!("book-{sheet}.csv"));
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(&path).expect("a sheet");
        let rows: Vec<Vec<String>> =
            rows.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect();
        let wrong = rows.iter().flatten().find(|cell| cell.starts_with('#') || cell.starts_with("Err:"));
        assert!(wrong.is_none(), "{name}, {sheet}: {}", wrong.expect("it is there"));
        Sheet(rows)
    };
    sheets.iter().map(read).collect()
}

/// The workbook with the number of a defined name changed, results of formulas left as they were.
fn changed(workbook: &[u8], name: &str, number: f64) -> Vec<u8> {
    let mut parts = parts(workbook);
    let text = |parts: &[(String, Vec<u8>)], wanted: &str| {
        let part = parts.iter().find(|(path, _)| path == wanted).unwrap_or_else(|| panic!("no {wanted}"));
        String::from_utf8(part.1.clone()).expect("text")
    };
    let book = text(&parts, "xl/workbook.xml");
    let (_, from) = book.split_once(&format!("<definedName name=\"{name}\">Assumptions!$B$")).expect("the name is defined");
    let row: u32 = from.split('<').next().and_then(|row| row.parse().ok()).expect("a row");
    let at = book.split("<sheet name=").skip(1).position(|sheet| sheet.starts_with("\"Assumptions\"")).expect("a sheet") + 1;
    let path = format!("xl/worksheets/sheet{at}.xml");
    let sheet = text(&parts, &path);
    let (before, cell) = sheet.split_once(&format!("<c r=\"B{row}\"")).expect("the cell is there");
    let (style, rest) = cell.split_once('>').expect("a cell");
    // An empty cell ends itself.
    let (style, rest) = match style.strip_suffix('/') {
        Some(style) => (style, rest),
        None => (style, rest.split_once("</c>").expect("a number").1),
    };
    let sheet = format!("{before}<c r=\"B{row}\"{style}><v>{number}</v></c>{rest}");
    parts.iter_mut().find(|(other, _)| *other == path).expect("a sheet").1 = sheet.into_bytes();
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, data) in parts {
        out.start_file(path, zip::write::SimpleFileOptions::default()).expect("a part");
        out.write_all(&data).expect("a part");
    }
    out.finish().expect("a workbook").into_inner()
}

fn parts(workbook: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook)).expect("a workbook");
    let mut all = Vec::new();
    for i in 0..archive.len() {
        let mut part = archive.by_index(i).expect("a part");
        let mut data = Vec::new();
        part.read_to_end(&mut data).expect("a part");
        all.push((part.name().expect("a name").into_owned(), data));
    }
    all
}

fn cluster(text: &str) -> Cluster {
    Cluster::load(Source::new("cluster.yaml", text), Catalog::embedded()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn costs(cluster: &Cluster, plans: &[Plan], asked: &CostQuestion) -> Costs {
    Costs::new(cluster, Catalog::embedded(), plans, asked).expect("all prices are known")
}

/// A cluster with all that a cost block can have.
const ALL: &str = "name: all\npools: [{name: h100, nodes: 64, server: dgx-h100}]\n\
    fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n\
    power: {pue: 1.25, site-limit: 2 MW}\ncurrencies: [{code: CNY, usd: 0.14, date: 2026-11}]\n\
    price: {items: {cable-400g: 900 CNY}}\n\
    cost:\n  start: 2026-11-01\n  life: 5 years\n\
    \x20 financing: {equity: 40 %, return-on-equity: 15 %, interest: 9 %, tax: 21 %}\n\
    \x20 residual: 10 %\n  facility: {colocation: 184 USD/kW-month}\n  electricity:\n\
    \x20   periods: [{name: day, price: 0.80 CNY/kWh, hours-per-week: 60}, {name: night, price: 0.35 CNY/kWh}]\n\
    \x20   demand: 15 USD/kW-month\n    ratchet: 80 %\n    contract: 1 MW\n    floor: 85 %\n    taxes: 5 %\n    fee: 20000 USD/year\n\
    \x20 software: 4500 USD/GPU-year\n  data: 1 M USD/year\n  subsidies:\n\
    \x20   - {name: hub, on: electricity, percent: 50 %, cap: 1 M USD, until: 2028-10-31}\n\
    \x20   - {name: 2nd, on: electricity, amount: 9000 USD/year}\n    - {name: grant, on: capital, percent: 5 %, until: 2027-01-01}\n\
    \x20 rent: {price: 2.95 USD/GPU-hour, path: {decline: 10 %}}\n";

/// The row of a result, and what was computed.
fn results(costs: &Costs) -> Vec<(String, [f64; 3])> {
    let amount = |price: HourlyPrice| price.per_unit().amount();
    let pool = &costs.pools[0];
    let lines = pool.owned.lines.iter().map(|line| {
        let hour = line.gpu_hour.map(amount);
        (line.name().to_owned(), [hour.value, hour.low, hour.high])
    });
    let [owned, used] = [pool.owned.owned_gpu_hour, pool.owned.utilised_gpu_hour].map(|hour| hour.map(amount));
    let mut all: Vec<(String, [f64; 3])> = lines.collect();
    all.push(("owned GPU-hour".to_owned(), [owned.value, owned.low, owned.high]));
    all.push(("used GPU-hour".to_owned(), [used.value, used.low, used.high]));
    // What is rented anyway is not compared with renting.
    let rent = pool.rent_or_buy.as_ref().filter(|_| pool.owned.lines.len() > 1);
    if let Some(hours) = rent.and_then(|rent| rent.break_even_hours_per_year) {
        all.push(("owning is cheaper from".to_owned(), [hours.value, hours.low, hours.high]));
    }
    for run in &costs.runs {
        let total = run.cost.total_range.expect("an owner's cost").map(Money::amount);
        all.push((format!("{}, cost", run.job), [total.value, total.low, total.high]));
    }
    all
}

#[track_caller]
fn agree(sheet: &Sheet, costs: &Costs) {
    for (row, wanted) in results(costs) {
        for (is, wanted) in sheet.ends(&row).into_iter().zip(wanted) {
            assert!((is - wanted).abs() <= 1e-9 * wanted.abs().max(1e-3), "{row}: {is}, not {wanted}");
        }
    }
}

#[test]
fn formulas_give_what_was_computed() {
    let Some(soffice) = libreoffice() else { return };
    let plain = "name: plain\npools: [{name: h100, nodes: 16, server: dgx-h100}]\n\
                 fabric: {kind: rail-optimized-fat-tree, switch: qm9700}\npower: {pue: 1.25, tariff: 0.08 USD/kWh}\ncost: ";
    let with = |cost: &str| format!("{plain}{cost}\n");
    let asked = CostQuestion { budget: Some(Money::usd(9e6)), work: Some(("6e23 FLOP".parse().expect("work"), 0.4)) };
    for (name, text) in [
        ("all", ALL.to_owned()),
        ("plain", with("{}")),
        ("straight", with("{method: straight-line, residual: 20 %, capital: 300000 CNY/GPU, power-per-gpu: 1.37 kW}")),
        ("replacement", with("{method: replacement}")),
    ] {
        let cluster = cluster(&text);
        let costs = costs(&cluster, &[], &asked);
        let sheet = &recomputed(&soffice, name, &costs_xlsx(&costs).expect("a workbook"), &["Cost"])[0];
        agree(sheet, &costs);
        let (pool, number) = (&costs.pools[0], |row: &str| sheet.number(row, 1));
        let bought = pool.purchase.expect("asked");
        assert_eq!(
            (number("GPUs that the budget buys"), number("what they draw at most")),
            (bought.gpus, bought.power.get() / 1e3)
        );
        let work = pool.work.as_ref().expect("asked");
        assert!((number("GPU-hours of the work") / (work.gpu_hours.get() / 3600.0) - 1.0).abs() < 1e-12, "{name}");
        let share = pool.owned.electricity_share_of_operating_cost;
        assert!((number("electricity of the operating cost") - share).abs() < 1e-12, "{name}");
    }
    // Pools of one cluster: what they have alike is one assumption, what they have not is two.
    let mixed = costs(&cluster(examples::read("mixed-a100-h100").expect("embedded").0.text()), &[], &CostQuestion::default());
    let sheets = recomputed(&soffice, "mixed", &costs_xlsx(&mixed).expect("a workbook"), &["Cost", "Assumptions"]);
    agree(&sheets[0], &mixed);
    let capital: Vec<f64> =
        sheets[0].0.iter().filter(|row| row[0] == "capital").map(|row| row[1].parse().expect("a number")).collect();
    let wanted = mixed.pools.iter().map(|pool| pool.owned.lines[0].gpu_hour.value.per_unit().amount());
    assert!(capital.len() > 1 && capital.iter().zip(wanted).all(|(is, wanted)| (is / wanted - 1.0).abs() < 1e-12));
    let named = |name: &str| sheets[1].0.iter().filter(|row| row[0].starts_with(name)).count();
    assert_eq!((named("electricity"), named("node power per GPU")), (1, mixed.pools.len()));
    // Rented and leased hardware buys nothing.
    for (name, text) in [
        ("lease", with("{method: lease, lease: 1.20 USD/GPU-hour}")),
        ("rent", with("{method: rent, rent: {price: 16 CNY/GPU-hour}}")),
    ] {
        let costs = costs(&cluster(&text), &[], &CostQuestion::default());
        agree(&recomputed(&soffice, name, &costs_xlsx(&costs).expect("a workbook"), &["Cost"])[0], &costs);
    }
}

#[test]
fn a_tariff_that_is_changed_in_the_workbook_gives_what_is_computed_with_it() {
    let Some(soffice) = libreoffice() else { return };
    let (source, _) = examples::read("h100-superpod-127").expect("embedded");
    let workload = Workload::load(examples::read("llama3-70b").expect("embedded").0, Catalog::embedded()).expect("valid");
    let with = |tariff: &str| {
        let text = source.text().replace("tariff: 0.08 USD/kWh", &format!("tariff: {tariff}"));
        let cluster = cluster(&text);
        let topology = Topology::new(&cluster);
        let plan = Plan::new(&cluster, &topology, &workload, &workload.jobs[0], Catalog::embedded()).expect("a plan");
        costs(&cluster, &[plan], &CostQuestion::default())
    };
    let (cheap, dear) = (with("0.08 USD/kWh"), with("0.24 USD/kWh"));
    let book = costs_xlsx(&cheap).expect("a workbook");
    let sheet = &recomputed(&soffice, "tariff-cheap", &book, &["Cost"])[0];
    agree(sheet, &cheap);
    let sheet = &recomputed(&soffice, "tariff-dear", &changed(&book, "electricity", 0.24), &["Cost"])[0];
    agree(sheet, &dear);
    // Nodes at their load, and what is around 1,016 GPUs at its largest, at a PUE of 1.25 and 0.08 USD/kWh.
    let around = cheap.bill.power_around_nodes().expect("a network").value.get() / 1e3 / 1016.0;
    assert!((sheet.number("electricity", 1) / 3.0 - (0.095_625 + around * 1.25 * 0.08)).abs() < 1e-9);
}

#[test]
fn a_price_that_is_filled_in_raises_the_bill_and_the_hour() {
    let Some(soffice) = libreoffice() else { return };
    let text = "name: order\npools: [{name: h100, nodes: 127, server: dgx-h100, owned: 63 nodes}]\n\
                fabric: {kind: rail-optimized-fat-tree, switch: qm9700, scalable-unit: 32 nodes}\n";
    let priced = |more: &str| {
        let cluster = cluster(&format!("{text}{more}"));
        let bill = Bill::of(&cluster, Catalog::embedded());
        let capital = bill.capital().expect("prices");
        let total = [capital.value(), capital.low(), capital.high()].map(Money::amount);
        (bill, total, costs(&cluster, &[], &CostQuestion::default()))
    };
    let (bill, before, hour) = priced("");
    let (_, after, dearer) = priced("price: {items: {cable-400g: 120 USD}}\n");
    let totals = |sheet: &Sheet| [8, 9, 10].map(|column| sheet.number("Sum of what has a price", column));
    let near = |is: [f64; 3], wanted: [f64; 3]| is.iter().zip(wanted).all(|(is, wanted)| (is / wanted - 1.0).abs() < 1e-12);
    let book = bills_xlsx(&[bill]).expect("a workbook");
    let sheets = |name: &str, book: &[u8]| recomputed(&soffice, name, book, &["Bill of materials"]).remove(0);
    assert!(near(totals(&sheets("bill", &book)), before));
    assert!(near(totals(&sheets("bill-filled", &changed(&book, "price_of_cable_400g", 120.0))), after));
    assert!(before[0] < after[0]);
    // The cost of an hour rests on the same bill.
    let book = changed(&costs_xlsx(&hour).expect("a workbook"), "price_of_cable_400g", 120.0);
    agree(&recomputed(&soffice, "hour-filled", &book, &["Cost"])[0], &dearer);
}

#[test]
fn a_workbook_is_the_same_in_every_byte_and_holds_every_figure() {
    let costs = costs(&cluster(ALL), &[], &CostQuestion::default());
    let book = costs_xlsx(&costs).expect("a workbook");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(book, costs_xlsx(&costs).expect("a workbook"));
    let text: String = parts(&book).iter().map(|(_, data)| String::from_utf8_lossy(data).into_owned()).collect();
    assert!(!text.contains("#NAME?") && !text.contains("#REF!"), "a name of a recipe stands for nothing");
    for figure in &costs.pools[0].owned.figures {
        let source = figure.source.replace('&', "&amp;");
        // Of the bill: each price has a row of its own.
        let by_bill = ["around a node, per GPU", "node per GPU"].contains(&figure.what);
        assert!(by_bill || text.contains(&source), "{}: {source}", figure.what);
    }
    // Two bills are two sheets; what both have one price for is one assumption.
    let bill = |name: &str| Bill::of(&cluster(examples::read(name).expect("embedded").0.text()), Catalog::embedded());
    let book = bills_xlsx(&[bill("h100-superpod-127"), bill("mixed-a100-h100")]).expect("a workbook");
    let names = String::from_utf8(parts(&book).into_iter().find(|(path, _)| path == "xl/workbook.xml").expect("a book").1);
    let names = names.expect("text");
    assert!(names.contains("\"Bill 1 h100-superpod-127\"") && names.contains("\"Bill 2 mixed-a100-h100\""), "{names}");
    assert_eq!(names.matches("name=\"price_of_qm9700\"").count(), 1);
}
