//! A sweep as people read it: the best items of every job, which of them are on the front of time and cost, and the account.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Table;
use crate::sweep::{Account, Planned, Price, Record, Scenario, Sheet, front};
use crate::units::{Bytes, Money, Seconds, grouped};

/// The sweep as text: of every job at its prices the `top` best items, all of them when that is 0.
#[must_use]
pub fn sweep_text(sheet: &Sheet, top: usize) -> String {
    let mut out = sweep_account(sheet);
    for group in groups(sheet) {
        let (table, left) = best(&group, top);
        let _ = write!(out, "\n{}\n\n{}", heading(group[0].0), table.text(2));
        if left > 0 {
            let _ = writeln!(out, "  and {left} more; --top 0 shows all");
        }
    }
    out + &notes(sheet)
}

/// The sweep as Markdown.
#[must_use]
pub fn sweep_markdown(sheet: &Sheet, top: usize) -> String {
    let (mut out, reasons) = match sweep_account(sheet).split_once('\n') {
        Some((account, reasons)) => (format!("{account}\n"), reasons.to_owned()),
        None => Default::default(),
    };
    for (i, reason) in reasons.lines().enumerate() {
        let _ = writeln!(out, "{}- {}", if i == 0 { "\n" } else { "" }, reason.trim_start());
    }
    for group in groups(sheet) {
        let (table, left) = best(&group, top);
        let _ = write!(out, "\n### {}\n\n{}", heading(group[0].0), table.markdown());
        if left > 0 {
            let _ = writeln!(out, "\nand {left} more; `--top 0` shows all");
        }
    }
    // A star at the start of a line would be a list.
    out + &notes(sheet).replace("\n*", "\n\n\\*")
}

/// What became of the items, in a line, and a line for every reason to refuse some.
#[must_use]
pub fn sweep_account(sheet: &Sheet) -> String {
    let account = Account::of(&sheet.records);
    let number = |items: usize| grouped(items as f64, 0);
    let late = if account.late > 0 { format!(" ({} past their deadline)", number(account.late)) } else { String::new() };
    let items = if account.items == 1 { "1 item".to_owned() } else { format!("{} items", number(account.items)) };
    let (planned, refused) = (number(account.planned), number(account.refusals()));
    let mut out = format!("{items}: {planned} planned{late}, {refused} refused\n");
    for refusals in &account.refused {
        let _ = writeln!(
            out,
            "  {} {} ({}), the first item {}: {}",
            number(refusals.items),
            refusals.title,
            refusals.code,
            refusals.first,
            refusals.message
        );
    }
    out
}

/// What has to be known to read the tables.
fn notes(sheet: &Sheet) -> String {
    let mut out = String::new();
    if sheet.records.iter().filter_map(Record::plan).any(|plan| plan.run_time_s.is_some()) {
        let _ = write!(out, "\nfront: every other item of the same job at the same prices is slower or costs more.");
        if sheet.header.shards > 1 {
            let _ = write!(out, " These are the items of shard {} of {} alone.", sheet.header.shard, sheet.header.shards);
        }
        out.push('\n');
    }
    if sheet.records.iter().filter_map(Record::plan).any(|plan| plan.gpu_hour_assumed) {
        out.push_str("* at the catalogue's price of a GPU-hour, which is assumed.\n");
    }
    out
}

type Row<'a> = (&'a Record, &'a Planned, bool);

/// Planned items of one job at the same prices, those on the front first, then by cost; without a cost by throughput.
fn groups(sheet: &Sheet) -> Vec<Vec<Row<'_>>> {
    let on = front(&sheet.records);
    // A job whose first items are refused keeps its place.
    let mut places: BTreeMap<Scenario, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<Row<'_>>> = Vec::new();
    for (record, on) in sheet.records.iter().zip(on) {
        let place = *places.entry(Scenario::of(record)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].extend(record.plan().map(|plan| (record, plan, on)));
    }
    groups.retain(|group| !group.is_empty());
    for group in &mut groups {
        group.sort_by(|a, b| {
            let cost = |row: &Row<'_>| row.1.cost_usd.unwrap_or(f64::INFINITY);
            let time = |row: &Row<'_>| row.1.run_time_s.unwrap_or(f64::INFINITY);
            let by_time = time(a).total_cmp(&time(b));
            let rest = if a.2 && b.2 { by_time } else { cost(a).total_cmp(&cost(b)).then(by_time) };
            b.2.cmp(&a.2).then(rest).then(b.1.tokens_per_s.total_cmp(&a.1.tokens_per_s)).then(a.0.index.cmp(&b.0.index))
        });
    }
    groups
}

/// `llama3-8b, job pretrain, at 2.00 USD/GPU-h`.
fn heading(record: &Record) -> String {
    let mut out = format!("{}, job {}", record.workload, record.job);
    let prices = [(&record.gpu_hour, "GPU-h"), (&record.tariff_kwh, "kWh")];
    let said: Vec<String> =
        prices.iter().filter_map(|(price, per)| price.as_ref().map(|price| format!("{}/{per}", money(price)))).collect();
    if !said.is_empty() {
        let _ = write!(out, ", at {}", said.join(" and "));
    }
    out
}

/// The first `top` rows of a group, and how many are left.
fn best(group: &[Row<'_>], top: usize) -> (Table, usize) {
    let shown = if top == 0 { group.len() } else { top.min(group.len()) };
    let mut table =
        Table::new(&["cluster", "nodes", "item", "GPUs", "step time", "MFU", "run", "cost", "memory", "front", "layout"], 1)
            .with_remarks();
    for (record, plan, on) in &group[..shown] {
        let dash = || "-".to_owned();
        let star = if plan.gpu_hour_assumed { "*" } else { "" };
        let late = if plan.meets_deadline == Some(false) { " (late)" } else { "" };
        table.row([
            record.cluster.clone(),
            grouped(f64::from(record.nodes), 0),
            record.index.to_string(),
            grouped(plan.gpus as f64, 0),
            Seconds::new(plan.step_time_s).to_string(),
            format!("{:.1} %", plan.mfu * 100.0),
            plan.run_time_s.map_or_else(dash, |time| format!("{}{late}", Seconds::new(time))),
            plan.cost.as_ref().map_or_else(dash, |cost| format!("{}{star}", money(cost))),
            format!("{:#}", Bytes::new(plan.memory_bytes)),
            if *on { "yes" } else { "" }.to_owned(),
            plan.layout.clone(),
        ]);
    }
    (table, group.len() - shown)
}

fn money(price: &Price) -> String {
    price.currency.parse().map_or_else(
        |_| format!("{} {}", price.amount, price.currency),
        |currency| Money::new(price.amount, currency).to_string(),
    )
}

/// Every item as CSV: base units, the unit in the column's name.
#[must_use]
pub fn sweep_csv(sheet: &Sheet) -> String {
    let mut table = Table::new(
        &[
            "item",
            "cluster",
            "nodes",
            "workload",
            "job",
            "gpu_hour",
            "gpu_hour_currency",
            "tariff_kwh",
            "tariff_currency",
            "gpus",
            "layout",
            "step_time_s",
            "step_time_90_low_s",
            "step_time_90_high_s",
            "tokens_per_s",
            "mfu",
            "memory_bytes",
            "run_time_s",
            "energy_j",
            "carbon_g",
            "cost",
            "currency",
            "cost_usd",
            "cost_per_million_tokens",
            "meets_deadline",
            "front",
            "refusal_code",
            "refusal",
        ],
        0,
    );
    for (record, on) in sheet.records.iter().zip(front(&sheet.records)) {
        let plan = record.plan();
        let number =
            |figure: &dyn Fn(&Planned) -> Option<f64>| plan.and_then(figure).map_or_else(String::new, |x| x.to_string());
        let amount = |price: Option<&Price>| price.map_or_else(String::new, |price| price.amount.to_string());
        let currency = |price: Option<&Price>| price.map_or_else(String::new, |price| price.currency.clone());
        let price = plan.map_or(record.gpu_hour.as_ref(), |plan| plan.gpu_hour.as_ref().or(record.gpu_hour.as_ref()));
        let cost = plan.and_then(|plan| plan.cost.as_ref());
        let deadline = plan.and_then(|plan| plan.meets_deadline);
        let refusal = record.refusal();
        table.row([
            record.index.to_string(),
            record.cluster.clone(),
            record.nodes.to_string(),
            record.workload.clone(),
            record.job.clone(),
            amount(price),
            currency(price),
            amount(record.tariff_kwh.as_ref()),
            currency(record.tariff_kwh.as_ref()),
            plan.map_or_else(String::new, |plan| plan.gpus.to_string()),
            plan.map_or_else(String::new, |plan| plan.layout.clone()),
            number(&|plan| Some(plan.step_time_s)),
            number(&|plan| Some(plan.step_time_90_s[0])),
            number(&|plan| Some(plan.step_time_90_s[1])),
            number(&|plan| Some(plan.tokens_per_s)),
            number(&|plan| Some(plan.mfu)),
            number(&|plan| Some(plan.memory_bytes)),
            number(&|plan| plan.run_time_s),
            number(&|plan| plan.energy_j),
            number(&|plan| plan.carbon_g),
            amount(cost),
            currency(cost),
            number(&|plan| plan.cost_usd),
            amount(plan.and_then(|plan| plan.cost_per_million_tokens.as_ref())),
            deadline.map_or_else(String::new, |met| met.to_string()),
            if plan.is_some() { on.to_string() } else { String::new() },
            refusal.map_or_else(String::new, |refusal| refusal.code.clone()),
            refusal.map_or_else(String::new, |refusal| refusal.message.clone()),
        ]);
    }
    table.csv()
}
